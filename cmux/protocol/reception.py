"""Octets from the line on their way to the session: decoder, partial frames, and what stands behind its end."""

from __future__ import annotations

from collections.abc import Generator

from .config import Config, Option
from .dlc_table import State
from .frames import AdvancedDecoder, BasicDecoder, Decoded, Decoder
from .session import Session

MAX_UNREAD = 4096
"""Octets from behind the end of sessions that wait for `Reception.take_unread`."""


class Reception:
    """The receive side of one line.

    Args:
        config: framing and limits.
        session: what takes the frames.
    """

    def __init__(self, config: Config, session: Session) -> None:
        self.decoder: Decoder
        if config.option is Option.BASIC:
            self.decoder = BasicDecoder(config.n1_receive)
        else:
            self.decoder = AdvancedDecoder(config.n1_receive, xonxoff=config.xonxoff)
        self._config = config
        self._session = session
        self._grown_at = 0.0
        self._gap_over = False
        self._unread = b""

    def receive(self, data: bytes) -> None:
        """Take octets; nothing that they say raises."""
        session = self._session
        self._grown_at, self._gap_over = session.now, False
        session.standby.heard()
        self._pass_on(self.decoder.scan(data))
        session.standby.understood(data, partial=self.decoder.pending)

    def finish(self) -> None:
        """No more octets will come: find what can be found in those that wait."""
        self._pass_on(self.decoder.finish())

    def take_unread(self) -> bytes:
        """Take the octets that came behind the frame that ended a session, once."""
        unread, self._unread = self._unread, b""
        return unread

    def next_timeout(self) -> float | None:
        """Return when a partial frame is to be given up; None: there is none."""
        if not self.decoder.pending:
            return None
        return self._grown_at + (self._config.t2 if self._gap_over else min(self._config.frame_gap, self._config.t2))

    def handle_timeout(self) -> None:
        """Give up a partial frame that has not grown for long enough."""
        now = self._session.now
        if self.decoder.pending:
            over = now >= self._grown_at + self._config.t2
            if over or now >= self._grown_at + self._config.frame_gap:
                self._gap_over = True
                self._pass_on(self.decoder.give_up(force=over))

    def _pass_on(self, items: Generator[Decoded]) -> None:
        """Hand frames to the session; what stands behind the one that ends it is not for the multiplexer."""
        session = self._session
        ended = session.ended
        for _, item in items:
            session.receive(item)
            if session.ended != ended:
                ended = session.ended
                if session.dlc(0).state is State.CLOSED:  # else the same frame, SABM on DLCI 0, began the next one
                    items.close()
                    self._keep_unread(self.decoder.take_rest())

    def _keep_unread(self, octets: bytes) -> None:
        unread = self._unread + octets
        self._unread = unread[:MAX_UNREAD]
        self.decoder.skipped += len(unread) - len(self._unread)
