"""The other end of a line: AT mode, AT+CMUX, one session after another, whatever happens to their initiators."""

from __future__ import annotations

from typing import Final

from .at_mode import AtMode
from .config import Config, Option, Role
from .events import AtReceived, CommandReceived, Event, ModeChanged, SessionClosed, SessionOpened
from .link import Link
from .pacing import Pacer
from .wire import ADVANCED_FLAG, BASIC_FLAG

SABM_WAIT: Final = 5.0
"""Seconds after OK to AT+CMUX until a responder that has heard no SABM on DLCI 0 is back in AT mode (27.010 §5.8.1)."""

MAX_OUT: Final = 4096
"""Octets of answers that wait for a peer that does not read; what exceeds this is dropped and counted."""


class Responder(Link):
    """A `Link` for the station that answers: sessions begin and end, the link stays.

    The end of a session is not the end of the link: `ended` is set when the line is lost, or the owner ends it.

    Args:
        config: the parameters of a session.
        at: answers the commands in AT mode. None: octets in AT mode are reported as `AtReceived`, and the owner calls
            `multiplex`.
        multiplexing: there is no AT mode: a SABM begins a session at any time.
        line_rate: bits per second to which writing is paced; None: as fast as the line takes it.
    """

    unwritten: int

    def __init__(
        self,
        config: Config | None = None,
        *,
        at: AtMode | None = None,
        multiplexing: bool = False,
        line_rate: int | None = None,
    ) -> None:
        super().__init__(Role.RESPONDER, config, line_rate=line_rate, stall=None)
        self.multiplexing: bool = multiplexing
        """Whether received octets are frames now, and not AT commands."""
        self._always = multiplexing
        self._at = at
        self._line_rate = line_rate
        self._unsaid = 0
        self._out = b""  # answers to AT commands, and the last frames of a session that is over
        self._give_up_at: float | None = None

    def start(self, now: float) -> None:
        """Do nothing: a responder waits for the peer."""

    # --- The two modes --------------------------------------------------------------------------------------------

    def multiplex(self, config: Config, now: float) -> list[Event]:
        """Enter multiplexer mode; without a SABM within `SABM_WAIT` it is left again.

        Args:
            config: the parameters of the session.
            now: the time.

        Returns:
            The events.
        """
        self.multiplexer.reconfigure(config)
        self._pacer = Pacer(self._line_rate, config.n1)
        self.multiplexing = True
        self._give_up_at = now + SABM_WAIT
        return [ModeChanged(True)]

    def answer(self, text: str, now: float) -> list[Event]:
        """Answer the AT command that `CommandReceived` reported.

        Args:
            text: lines, the last of which is a result code; an empty text sends nothing.
            now: the time.

        Returns:
            The events.
        """
        if self._at is None or self._at.asked is None or self.multiplexing:
            return []
        return self._settled(self._at.answer(text), now)

    def _back_to_at(self, now: float) -> list[Event]:
        self._give_up_at = None
        self._say(self.multiplexer.data_to_send(now))
        if self._always:
            return []
        self.multiplexing = False
        if self._at is not None:
            self._at.forget()
        return [ModeChanged(False)]

    def _say(self, octets: bytes) -> None:
        if len(self._out) + len(octets) > MAX_OUT:
            self._unsaid += len(octets)
        else:
            self._out += octets

    # --- What the line does ---------------------------------------------------------------------------------------

    def _process(self, data: bytes, now: float) -> list[Event]:
        """Process octets from the line: AT commands, frames, or both in one read."""
        events: list[Event] = []
        while data:
            if not self.multiplexing:
                events += self._receive_at(data, now)
                return events
            events += super()._process(data, now)
            data = self.multiplexer.take_unread()  # behind the end of a session: AT commands, or the next one's frames
            if data and self.multiplexing:
                data = self._flag() + data  # this flag was taken as the closing flag of the last frame
        return events

    def _flag(self) -> bytes:
        basic = self.multiplexer.config.option is Option.BASIC
        return bytes((BASIC_FLAG if basic else ADVANCED_FLAG,))

    def _receive_at(self, data: bytes, now: float) -> list[Event]:
        if self._at is None:
            return [AtReceived(data)]
        if self._at.asked is not None:  # that has been told already, and what is behind it waits
            self._at.receive(data)
            return []
        return self._settled(self._at.receive(data), now)

    def _settled(self, config: Config | None, now: float) -> list[Event]:
        """Continue after AT commands: with a session, with a command for the owner, or with nothing."""
        assert self._at is not None  # noqa: S101 - every caller has checked
        self._say(self._at.take_out())
        if config is not None:
            return [*self.multiplex(config, now), *self._process(self._at.take_rest(), now)]
        return [] if self._at.asked is None else [CommandReceived(self._at.asked)]

    @property
    def has_output(self) -> bool:
        """See `Link.has_output`."""
        return (bool(self._out) or self.multiplexer.has_output) and not self._blocked

    def next_write(self, now: float, limit: int | None = None) -> bytes:
        """Return the octets to write now: answers to AT commands first, then frames.

        Args:
            now: seconds on the caller's clock.
            limit: the most octets to return; None: as many as one write may have.
        """
        if not self._out:
            return super().next_write(now, limit)
        if not self.wants_write(now):
            return b""
        size = self._pacer.limit or self.multiplexer.config.n1
        said, self._out = self._out[:size], self._out[size:]
        self._give(said, now)
        return said

    def stats(self) -> dict[str, object]:
        """Return the counters of session and line.

        ``at_octets_discarded`` counts what came behind an AT command and had no room, ``answer_octets_discarded`` the
        answers that a peer did not read.
        """
        at = 0 if self._at is None else self._at.discarded
        return {**super().stats(), "at_octets_discarded": at, "answer_octets_discarded": self._unsaid}

    # --- Time -----------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` or `next_write` is due next; None: not until something else happens."""
        moments = (super().next_timeout(), self._give_up_at)
        return min((at for at in moments if at is not None), default=None)

    def handle_timeout(self, now: float) -> list[Event]:
        """Do what is due."""
        events = super().handle_timeout(now)
        if self._give_up_at is not None and self._give_up_at <= now:
            events += self._back_to_at(now)
        return events

    def _noted(self, events: list[Event], now: float) -> list[Event]:
        noted: list[Event] = []
        for event in events:
            noted.append(event)
            if isinstance(event, SessionOpened):
                self._give_up_at = None
            elif isinstance(event, SessionClosed) and self.ended is None:
                noted += self._back_to_at(now)
        return noted
