"""The module at the end of a serial line that pyserial can open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from typing import Protocol, cast

import serial

from cmux.aio import FdTransport
from cmux.line.physical import open_port, release

from ..environment import Environment

log: logging.Logger = logging.getLogger(__name__)

_ANSWER = 64  # octets that may still have to leave at the former rate: the echo and OK
_HIGH_WATER = 4096
_LOW_WATER = 1024
_SIGNAL_TICK = 0.02  # seconds between looks at the other side's DTR


class _Port(Protocol):
    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...
    def close(self) -> None: ...


def open_serial(
    environment: Environment, url: str, baudrate: int, protocol: asyncio.Protocol, dtr: Callable[[bool], None]
) -> SerialSettings:
    """Open a serial line and connect a protocol to it.

    Args:
        environment: loop and clock.
        url: what pyserial opens.
        baudrate: bits per second.
        protocol: gets what is received.
        dtr: called with the host's DTR when it changes, where the line shows it; on a null-modem cable it is our DSR.

    Returns:
        Changes its rate and flow control later, once the answer to the command has been sent.

    Raises:
        cmux.PortError: it cannot be opened.
    """
    loop = environment.loop
    port = open_port(url, baudrate)
    if port.write_timeout is not None:
        port.write_timeout = None  # a host may take its time
    if os.name == "posix" and isinstance(port, serial.Serial) and hasattr(loop, "add_reader"):
        FdTransport(loop, port.fileno(), protocol, name=url, on_close=lambda: release(port))
    else:
        ThreadTransport(loop, cast(_Port, port), protocol)
    _watch_dsr(environment, port, dtr)

    return SerialSettings(environment, port)


class SerialSettings:
    """Changes an open serial port, once the answer to the AT command has been sent.

    Args:
        environment: loop and clock.
        port: the port.
    """

    def __init__(self, environment: Environment, port: serial.SerialBase) -> None:
        self._environment = environment
        self._port = port
        self._has_cts = True

    def cts(self) -> bool:
        """Tell whether the other side takes octets; True where the line has no such signal, or has not shown it yet."""
        if not self._has_cts or not self._port.is_open:
            return True
        try:
            return bool(getattr(self._port, "cts", True))
        except OSError as error:  # without a number: RFC 2217, and the far end has not told yet
            self._has_cts = error.errno is None
            return True

    def rate(self, rate: int) -> None:
        """Change the rate, in bits per second."""
        self._later("baudrate", rate)

    def rts_cts(self, on: bool) -> None:
        """Obey CTS and drive RTS, or not."""
        self._later("rtscts", on)

    def hold_host(self, on: bool) -> None:
        """Turn the other side's CTS off, or on again; a line without that signal stays as it is."""
        if self._port.is_open:
            with contextlib.suppress(OSError):
                self._port.rts = not on

    def _later(self, name: str, value: int) -> None:
        def now() -> None:
            if self._port.is_open:
                log.info("%s: %s = %s", self._port.name, name, value)
                setattr(self._port, name, value)

        wait = _ANSWER * 10 / self._port.baudrate
        self._environment.clock.call_later(self._environment.loop, wait, now)


def _watch_dsr(environment: Environment, port: serial.SerialBase, told: Callable[[bool], None]) -> None:
    """Call a function at every change of DSR until the port is closed, where the line has that signal."""
    last: bool | None = None

    def look() -> None:
        nonlocal last
        if not port.is_open:
            return
        on: bool | None
        try:
            on = getattr(port, "dsr", None)
        except OSError as error:
            if error.errno is not None:  # the system says that it has none, as for a pty
                log.debug("%s shows no DSR: %s", port.name, error)
                return
            on = last  # RFC 2217: the far end has not told yet
        if on is not None and on is not last:
            last = on
            told(on)
        environment.clock.call_later(environment.loop, _SIGNAL_TICK, look)

    look()


class ThreadTransport(asyncio.Transport):
    """Makes a transport of a blocking port: one thread reads, one writes.

    Args:
        loop: the running loop.
        port: the open port, with a short read timeout.
        protocol: an `asyncio.Protocol`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, port: _Port, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = loop
        self._port = port
        self._protocol = protocol
        self._condition = threading.Condition()
        self._queue = bytearray()
        self._reading = True
        self._closing = False
        self._paused_protocol = False
        self._high, self._low = _HIGH_WATER, _LOW_WATER
        self._error: Exception | None = None
        self._running = 2
        self._told = 0  # octets on their way into the loop
        self._threads = [
            threading.Thread(target=self._read, name="emulated module reader"),
            threading.Thread(target=self._write, name="emulated module writer"),
        ]
        loop.call_soon(protocol.connection_made, self)
        for thread in self._threads:
            thread.start()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """See `asyncio.BaseTransport`."""
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError(f"a serial line needs an asyncio.Protocol, not {protocol!r}")
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """See `asyncio.BaseTransport`."""
        return self._protocol

    def is_closing(self) -> bool:
        """See `asyncio.BaseTransport`."""
        return self._closing

    def pause_reading(self) -> None:
        """See `asyncio.ReadTransport`."""
        with self._condition:
            self._reading = False

    def resume_reading(self) -> None:
        """See `asyncio.ReadTransport`."""
        with self._condition:
            self._reading = True
            self._condition.notify_all()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `asyncio.WriteTransport`."""
        with self._condition:
            if self._closing:
                return
            self._queue += data
            self._condition.notify_all()
            full = len(self._queue) > self._high
        if full and not self._paused_protocol:
            self._paused_protocol = True
            self._protocol.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See `asyncio.WriteTransport`."""
        self._high = _HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_size(self) -> int:
        """See `asyncio.WriteTransport`."""
        return len(self._queue)

    def close(self) -> None:
        """See `asyncio.BaseTransport`."""
        self._stop(None)

    def abort(self) -> None:
        """See `asyncio.WriteTransport`."""
        self._stop(None)

    def _stop(self, error: Exception | None) -> None:
        with self._condition:
            self._closing = True
            self._error = self._error or error
            self._condition.notify_all()

    def _read(self) -> None:
        try:
            while True:
                with self._condition:
                    self._condition.wait_for(lambda: self._closing or (self._reading and self._told < _HIGH_WATER))
                    if self._closing:
                        return
                data = self._port.read(max(1, min(self._port.in_waiting, _HIGH_WATER)))
                if data:
                    with self._condition:
                        self._told += len(data)
                    self._loop.call_soon_threadsafe(self._received, data)
        except (OSError, ValueError) as error:
            self._stop(error)
        finally:
            self._thread_ended()

    def _write(self) -> None:
        try:
            while True:
                with self._condition:
                    self._condition.wait_for(lambda: self._queue or self._closing)
                    data = bytes(self._queue[:_HIGH_WATER])
                    if not data:
                        return
                self._port.write(data)
                with self._condition:
                    del self._queue[: len(data)]
                self._loop.call_soon_threadsafe(self._written)
        except (OSError, ValueError) as error:
            self._stop(error)
        finally:
            self._thread_ended()

    def _received(self, data: bytes) -> None:
        with self._condition:
            self._told -= len(data)
            self._condition.notify_all()
        if not self._closing:
            self._protocol.data_received(data)

    def _written(self) -> None:
        if self._paused_protocol and len(self._queue) <= self._low:
            self._paused_protocol = False
            self._protocol.resume_writing()

    def _thread_ended(self) -> None:
        self._stop(None)
        with self._condition:
            self._running -= 1
            last = self._running == 0
        if last:
            self._port.close()
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        for thread in self._threads:
            thread.join()
        self._protocol.connection_lost(self._error)
