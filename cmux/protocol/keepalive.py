"""Asks a silent peer whether it is still there (27.010 §5.4.6.3.4: Test; §5.4.6.3.7: MSC)."""

from __future__ import annotations

from collections.abc import Iterable

from .commands import MSC, Command, Test
from .config import Config, KeepAlive
from .dlc import Dlc
from .events import CommandDone, Outcome

_PAYLOAD = b"gsm0710"


class PeerWatch:
    """Keeps when the peer was last heard, and which question has no answer yet.

    Args:
        config: what to ask, and after how much silence.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._received_at = 0.0
        self._asked_at = 0.0
        self.question: Command | None = None
        """The command that asks, and has no result yet."""

    def start(self, now: float) -> None:
        """Start watching a session that has just opened."""
        self._received_at, self.question = now, None

    def frame_received(self, now: float) -> None:
        """Note a frame from the peer."""
        self._received_at = now

    def ask_at(self, dlcs: Iterable[Dlc]) -> float | None:
        """Return when it is time to ask; None when nothing is to be asked.

        Args:
            dlcs: the channels of the session. With `KeepAlive.MSC` nothing is asked while none is open: such modules do
                not answer Test, an MSC needs a channel, and opening a channel is a question by itself.
        """
        kind = self._config.keep_alive
        if kind is KeepAlive.NONE or (kind is KeepAlive.MSC and _first_open(dlcs) is None):
            return None
        return self._received_at + self._config.keep_alive_interval

    def ask(self, now: float, dlcs: Iterable[Dlc]) -> Command:
        """Return what to ask now.

        Args:
            now: seconds on the caller's clock.
            dlcs: the channels of the session.

        Returns:
            A Test or, with `KeepAlive.MSC`, an MSC for the first open channel that changes nothing.
        """
        first = _first_open(dlcs)
        if self._config.keep_alive is KeepAlive.MSC and first is not None:
            self.question = MSC(first.dlci, first.own_signals, None, self._config.break_octet)
        else:
            self.question = Test(_PAYLOAD[: max(0, self._config.n1 - 2)])
        self._asked_at = now
        return self.question

    def answered(self, done: CommandDone) -> bool:
        """Handle the result of a command, which may be the question.

        Args:
            done: the result; NSC also counts as a sign of life.

        Returns:
            False when the question was not answered and nothing else has been heard since: the peer is gone.
        """
        if done.command is not self.question:
            return True
        self.question = None
        return done.outcome is not Outcome.TIMEOUT or self._received_at >= self._asked_at


def _first_open(dlcs: Iterable[Dlc]) -> Dlc | None:
    return min((dlc for dlc in dlcs if dlc.dlci and dlc.is_open), key=lambda dlc: dlc.dlci, default=None)
