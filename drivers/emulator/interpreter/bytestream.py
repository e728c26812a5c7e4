"""Data mode of a UART: packing of data for a session, and the escape ``+++``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ...clock import Timer
from ..environment import Environment
from .replies import Result

_BETWEEN = 0.02  # seconds at most between the plus signs, in a session of the TCP/IP stack
_BACKLOG = 4096  # octets that wait for the session before the UART is no longer read


class DataStream(Protocol):
    """A session or data call that a UART is joined to in data mode."""

    final: Result | None
    """The result code that tells of its end; None where something else does."""

    @property
    def connected(self) -> bool:
        """Whether it can carry data."""

    def take_raw(self) -> bytes:
        """Return received data; an empty value when there is none."""

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """Send data once there is room; call ``done`` with whether it was handed over."""


@dataclass(frozen=True, slots=True)
class Online:
    """Describes what a UART is joined to in data mode, and how.

    Args:
        stream: the session.
        size: octets that go out at once.
        wait: seconds of silence after which fewer go out; 0 waits for nothing.
        escape: whether ``+++`` is looked for.
        guard: seconds of silence before and after it.
        between: seconds at most between the plus signs.
        rated: whether CONNECT tells a rate, as that of a data call does.
    """

    stream: DataStream
    size: int
    wait: float
    escape: bool
    guard: float
    between: float = _BETWEEN
    rated: bool = True


class Bytestream:
    """Packs what a UART in data mode sends, and looks for the escape.

    Args:
        environment: loop and clock.
        online: where the data goes.
        escaped: called when ``+++`` was recognised.
        room: called when there is room again.
    """

    def __init__(
        self,
        environment: Environment,
        online: Online,
        escaped: Callable[[], None],
        room: Callable[[], None],
    ) -> None:
        self.stream: DataStream = online.stream
        self._environment = environment
        self._online = online
        self._escaped = escaped
        self._room = room
        self._unsent = bytearray()
        self._sending = False
        self._stopped = False
        self._idle: Timer | None = None
        self._plus = 0
        self._plus_timer: Timer | None = None
        self._last = environment.clock.now() - online.guard  # entering data mode counts as silence

    def feed(self, data: bytes) -> int:
        """Take octets to send.

        Args:
            data: what came from the UART.

        Returns:
            How many were taken; 0 when the session has no room.
        """
        if len(self._unsent) >= _BACKLOG:
            return 0
        now = self._environment.clock.now()
        gap, self._last = now - self._last, now
        if self._looks_like_escape(data, gap):
            self._plus += len(data)
            self._arm(self._online.guard if self._plus == 3 else self._online.between, self._plus_quiet)
            return len(data)
        self._flush_plus()
        taken = data[:_BACKLOG]
        self._unsent += taken
        self._send()
        return len(taken)

    def stop(self) -> None:
        """Leave data mode and send what is buffered."""
        self._flush_plus()
        self._stopped = True
        self._disarm()
        if self._unsent and not self._sending:
            self._packet(len(self._unsent))

    def resume(self, online: Online) -> None:
        """Go on in data mode, behind what is still buffered.

        Args:
            online: as at the beginning; the stream is the same.
        """
        self._online = online
        self._stopped = False
        self._last = self._environment.clock.now() - online.guard
        self._send()

    def _looks_like_escape(self, data: bytes, gap: float) -> bool:
        if not self._online.escape or data.strip(b"+") or self._plus + len(data) > 3:
            return False
        return gap < self._online.between if self._plus else gap >= self._online.guard

    def _plus_quiet(self) -> None:
        self._plus_timer = None
        if self._plus == 3:
            self._plus = 0
            self._escaped()
            return
        self._flush_plus()
        self._send()

    def _flush_plus(self) -> None:
        if self._plus_timer is not None:
            self._plus_timer.cancel()
            self._plus_timer = None
        self._unsent += b"+" * self._plus
        self._plus = 0

    def _arm(self, delay: float, callback: Callable[[], None]) -> None:
        if self._plus_timer is not None:
            self._plus_timer.cancel()
        self._plus_timer = self._environment.clock.call_later(self._environment.loop, delay, callback)

    def _disarm(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _send(self) -> None:
        """Send full packets at once, and the rest after a silence."""
        self._disarm()
        while len(self._unsent) >= self._online.size and not self._sending:
            self._packet(self._online.size)
        if self._unsent and not self._sending and not self._online.wait:
            self._packet(len(self._unsent))
        elif self._unsent and not self._sending:
            self._idle = self._environment.clock.call_later(self._environment.loop, self._online.wait, self._quiet)

    def _quiet(self) -> None:
        self._idle = None
        if self._unsent and not self._sending:
            self._packet(len(self._unsent))

    def _packet(self, size: int) -> None:
        data = bytes(self._unsent[:size])
        self._sending = True

        def done(sent: bool) -> None:
            self._sending = False
            if sent:
                del self._unsent[:size]
            elif not self.stream.connected:
                self._unsent.clear()
            if not waited:
                return
            if self._stopped:
                if self._unsent:
                    self._packet(len(self._unsent))
                return
            self._send()
            self._room()

        waited = False
        self.stream.send(data, done)
        waited = True
