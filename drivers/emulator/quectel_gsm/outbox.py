"""The output of a context: its own lines, then that of its sessions, those that have ended first."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable

from ..interpreter.output import Delivery, Urc
from .context_session import ContextSession

log: logging.Logger = logging.getLogger(__name__)

_LINES = 64  # that wait for the UART; the oldest make room
_SESSIONS = 16  # that have ended with output left, likewise


class Outbox:
    """Queues the lines of a context, and sessions that have ended with output left."""

    def __init__(self) -> None:
        self.crowded_out: int = 0  # lines that waited for the UART until there was no room
        self._lines: deque[Urc] = deque(maxlen=_LINES)
        self._draining: list[ContextSession] = []
        self.octets_crowded_out: int = 0  # of sessions that had ended long ago when the UART could still take nothing

    def announce(self, text: str) -> None:
        """Queue an unsolicited line."""
        if len(self._lines) == _LINES:
            self.crowded_out += 1
        self._lines.append(Urc(text))

    def keep(self, session: ContextSession) -> None:
        """Keep a session that has ended and is replaced until nothing is left to take from it."""
        if not session.drained:
            self._draining.append(session)
            for oldest in self._draining[:-_SESSIONS]:
                self.octets_crowded_out += oldest.held
                log.warning("%d octets of a session that has ended are lost: nobody takes them", oldest.held)
                oldest.close()
            del self._draining[:-_SESSIONS]

    def sessions(self, others: Iterable[ContextSession]) -> list[ContextSession]:
        """Return all sessions, those that have ended first."""
        self._draining = [session for session in self._draining if not session.drained]
        return [*self._draining, *others]

    def take(self, others: Iterable[ContextSession]) -> Urc | Delivery | None:
        """Return what the UART writes next, or None."""
        if self._lines:
            return self._lines.popleft()
        for session in self.sessions(others):
            if (item := session.take()) is not None:
                return item
        return None

    def forget_lines(self, others: Iterable[ContextSession]) -> int:
        """Drop the lines, as no UART can show them; return how many. Received data stays."""
        count = len(self._lines)
        self._lines.clear()
        return count + sum(session.forget_urcs() for session in self.sessions(others))

    def clear(self) -> None:
        """Forget all lines and ended sessions."""
        self._lines.clear()
        self._draining.clear()
