"""The input of a UART: a bounded buffer that asks the line to pause before it is full, and a hold timer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...clock import Timer
from ..environment import Environment

_HIGH = 2048  # octets that wait for the interpreter before the line is asked to pause
_HEAD = 4096
_LIMIT = 262144  # octets that wait for the interpreter before the rest is lost, as on a UART without flow control


class Pausable(Protocol):
    """A line that can be asked to pause."""

    def pause_input(self) -> None:
        """Ask the other side to stop sending."""

    def resume_input(self) -> None:
        """Let the other side send again."""


class InputBuffer:
    """Buffers octets from the line until the interpreter takes them."""

    def __init__(self) -> None:
        self.lost: int = 0  # octets that came although the other side was asked to pause, and found no room
        self._octets = bytearray()
        self._paused = False

    def __bool__(self) -> bool:
        return bool(self._octets)

    def __bytes__(self) -> bytes:
        return bytes(self._octets)

    def head(self) -> bytes:
        """Return the first octets: no more than one step takes, as many short lines may follow one another."""
        return bytes(self._octets[:_HEAD])

    def add(self, data: bytes) -> bool:
        """Append octets; return False when there is no room and they are lost."""
        if len(self._octets) > _LIMIT:
            self.lost += len(data)
            return False
        self._octets += data
        return True

    def remove(self, count: int) -> None:
        """Remove a number of octets from the front."""
        del self._octets[:count]

    def clear(self) -> None:
        """Remove all octets, and forget that the line was asked to pause."""
        self._octets.clear()
        self._paused = False

    def throttle(self, line: Pausable) -> None:
        """Ask a line to pause while much waits, and to go on when nothing does."""
        paused = len(self._octets) > (0 if self._paused else _HIGH)
        if paused != self._paused:
            self._paused = paused
            if paused:
                line.pause_input()
            else:
                line.resume_input()


class Hold:
    """Holds for a time from its last `begin`, and calls a function when the time is over.

    Args:
        environment: loop and clock.
        seconds: how long.
        ended: called when the time is over.
    """

    def __init__(self, environment: Environment, seconds: float, ended: Callable[[], None]) -> None:
        self._environment = environment
        self._seconds = seconds
        self._ended = ended
        self._timer: Timer | None = None

    def __bool__(self) -> bool:
        return self._timer is not None

    def begin(self) -> None:
        """Start the time, or start it again."""
        self.end()
        self._timer = self._environment.clock.call_later(self._environment.loop, self._seconds, self._over)

    def end(self) -> None:
        """Stop holding."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        self._ended()
