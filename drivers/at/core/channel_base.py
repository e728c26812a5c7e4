"""The part that AT channels on threads and in asyncio share: an engine, its users, its counters."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ...clock import Clock, SystemClock
from ...logs import port_logger
from .engine import Engine, Sink


class ChannelBase:
    """A channel without its reader and its waiting.

    Args:
        name: what messages call the port.
        clock: the source of time.
        lock: held while the engine is looked at or changed.
    """

    def __init__(self, name: str, clock: Clock | None, lock: AbstractContextManager[object]) -> None:
        self.name = name
        self._clock: Clock = clock or SystemClock()
        self._lock = lock
        self._log = port_logger(name)
        self._engine = Engine(name)
        self._holders = 0

    def __repr__(self) -> str:
        failure = self._engine.failure
        state = f"closed ({failure})" if failure is not None else "open" if self._engine.prepared else "not used yet"
        return f"<{type(self).__name__} {self.name}: {state}>"

    @property
    def clock(self) -> Clock:
        """The source of time."""
        return self._clock

    @property
    def closed(self) -> bool:
        """Whether the channel was closed or its line died."""
        return self._engine.failure is not None

    def stats(self) -> dict[str, int]:
        """Return the counters: lines and octets that nobody claimed, stale answers, damaged lines."""
        with self._lock:
            lexer = self._engine.lexer
            return {**self._engine.counters, "overlong": lexer.overlong, "truncated": lexer.truncated}

    def add_sink(self, sink: Sink) -> None:
        """Add a sink for unsolicited results and data; its methods run on the reader and return at once."""
        with self._lock:
            self._engine.add_sink(sink)
            if self._engine.failure is not None:
                sink.lost(self._engine.failure)

    def remove_sink(self, sink: Sink) -> None:
        """Remove a sink."""
        with self._lock:
            self._engine.remove_sink(sink)

    def retain(self) -> None:
        """Say that one more user needs this channel; `release` takes it back."""
        with self._lock:
            self._holders += 1

    def _let_go(self) -> bool:
        """Count one user less; True when that was the last one."""
        with self._lock:
            self._holders -= 1
            return self._holders <= 0
