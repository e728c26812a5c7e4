"""Asking a silent peer whether it is still there (27.010 §5.4.6.3.4: Test)."""

from __future__ import annotations

from .commands import MSC, Command, Test
from .config import Config, KeepAlive
from .dlc import Dlc
from .events import CommandDone, Outcome

_PAYLOAD = b"gsm0710"


class Watch:
    """When the peer was heard last, and whether a question is out.

    Args:
        config: what is asked, and after how much silence.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._heard_at = 0.0
        self._asked_at: float | None = None

    def start(self, now: float) -> None:
        """Begin with a session that has just opened."""
        self._heard_at, self._asked_at = now, None

    def heard(self, now: float) -> None:
        """Note a frame from the peer."""
        self._heard_at = now

    def next_timeout(self) -> float | None:
        """Return when it is time to ask; None while a question is out, or nothing is asked."""
        if self._config.keep_alive is KeepAlive.NONE or self._asked_at is not None:
            return None
        return self._heard_at + self._config.keep_alive_interval

    def question(self, now: float, dlcs: list[Dlc]) -> Command:
        """Return what to ask now.

        Args:
            now: seconds on the caller's clock.
            dlcs: the channels of the session.

        Returns:
            A Test, or an MSC that changes nothing for the first open channel where modules want that.
        """
        self._asked_at = now
        first = min((dlc for dlc in dlcs if dlc.is_open), key=lambda dlc: dlc.dlci, default=None)
        if self._config.keep_alive is KeepAlive.MSC and first is not None:
            return MSC(first.dlci, first.own_signals, None, self._config.break_octet)
        return Test(_PAYLOAD[: max(0, self._config.n1 - 2)])

    def answered(self, done: CommandDone) -> bool:
        """Take the result of a command, maybe of the question.

        Args:
            done: the result; NSC is a sign of life, too.

        Returns:
            False when the question was left unanswered and nothing else was heard since: the peer is gone.
        """
        if self._asked_at is None or not isinstance(done.command, (Test, MSC)):
            return True
        gone = done.outcome is Outcome.TIMEOUT and self._heard_at < self._asked_at
        self._asked_at = None
        return not gone
