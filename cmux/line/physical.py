"""The physical line as the thread shell needs it: reads that can be stopped, writes that can give up.

How a read stops depends on the port. A POSIX descriptor is polled together with a wake pipe. Everything else is read
with a short time-out, and with ``cancel_read`` where the port has it.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable

import serial

from ..errors import PortBusy, PortError, PortNotFound
from . import locks
from .base import HungUp, Line, SerialLike, hung_up
from .descriptors import Descriptors
from .facts import Fact, facts
from .port_errors import check_name, port_error
from .port_flow import PortFlow
from .shared_read import SharedRead

_READ_SIZE = 65536
_TERMINAL_READ = 4096  # Linux returns no more of a terminal at a time; every read takes memory for what it asks for
_POLL_READ = 0.2  # longest delay of a stop on a port without descriptor and cancel_read
_CANCELLED_READ = 1.0  # the same with cancel_read, where it is only a safety net
_WRITE_TIMEOUT = 5.0
_NOTHING_WAIT = 0.01

_REMOTE_MODULES = {"serial.rfc2217"}
_DESCRIPTOR_MODULES = {"serial.serialposix", "serial.urlhandler.protocol_socket"}


class _SettableLine(Line):
    """A line whose port may have a baud rate."""

    _port: SerialLike

    @property
    def has_baudrate(self) -> bool:
        """See `Line.has_baudrate`."""
        return isinstance(self._port, serial.Serial) or type(self._port).__module__ in _REMOTE_MODULES

    def set_baudrate(self, baudrate: int) -> None:
        """See `Line.set_baudrate`."""
        if not isinstance(self._port, serial.SerialBase) or not self.has_baudrate:
            super().set_baudrate(baudrate)
        else:
            try:
                self._port.baudrate = baudrate
            except (OSError, ValueError) as error:
                raise HungUp(f"{baudrate} baud cannot be set: {error}") from error
            if self.rate is not None:
                self.rate = baudrate


class DescriptorLine(_SettableLine):
    """A line with a POSIX descriptor.

    Args:
        fd: the descriptor, non-blocking.
        port: the port that `close` closes.
        name: the name for messages.
        rate: see `Line`.
        locked: `close` undoes `locks.lock`.
    """

    def __init__(self, fd: int, port: SerialLike, name: str, rate: int | None, *, locked: bool = False) -> None:
        super().__init__(name, rate)
        self._fd = fd
        self._read_size = _TERMINAL_READ if os.isatty(fd) else _READ_SIZE
        self._locked = locked
        self._port = port
        self._descriptors = Descriptors()
        self._wake_read, self._wake_write = self._descriptors.pipe()
        self._shared: SharedRead | None = None

    def fileno(self) -> int:
        """Return the descriptor, for an event loop."""
        return self._fd

    def facts(self) -> Iterable[Fact]:
        """See `Line.facts`."""
        with contextlib.suppress(OSError):  # the line is gone: that is fact enough
            if os.isatty(self._fd):
                yield from facts(os.ttyname(self._fd), self._fd)

    def _wait(self, events: int, timeout: float | None) -> bool:
        if self._fd < 0:
            raise HungUp("the line is closed")
        poll = select.poll()
        poll.register(self._fd, events)
        poll.register(self._wake_read, select.POLLIN)
        ready = dict(poll.poll(None if timeout is None else max(0, round(timeout * 1000 + 0.5))))
        if ready.get(self._fd, 0) & select.POLLNVAL:
            raise HungUp("the descriptor was closed")
        return self._fd in ready and self._wake_read not in ready

    def read(self, timeout: float | None) -> bytes:
        """See `Line.read`."""
        if not self._wait(select.POLLIN, timeout):
            return b""
        try:
            data = os.read(self._fd, self._read_size)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as error:  # EIO: the other side of a pty, or the USB device, is gone
            raise hung_up(error) from error
        if not data:
            raise hung_up(None)
        return data

    def write(self, data: bytes, timeout: float) -> int:
        """See `Line.write`."""
        try:
            with contextlib.suppress(BlockingIOError, InterruptedError):
                return os.write(self._fd, data)
            if self._wait(select.POLLOUT, timeout):
                with contextlib.suppress(BlockingIOError, InterruptedError):
                    return os.write(self._fd, data)
        except HungUp:
            raise
        except OSError as error:
            raise hung_up(error) from error
        return 0

    writes_at_once = True

    def write_at_once(self, data: bytes, taken: deque[int]) -> None:
        """See `Line.write_at_once`."""
        try:
            # One call, in which no bytecode runs behind the write: an interrupt finds what was taken.
            taken.extend(map(os.write, (self._fd,), (data,)))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            raise hung_up(error) from error

    def shared_read(self) -> SharedRead | None:
        """See `Line.shared_read`."""
        if self._shared is None and self._wake_read >= 0 and hasattr(select, "epoll"):  # it is open
            with contextlib.suppress(OSError):
                self._shared = SharedRead(self._fd, self._wake_read, self._read_size)
        return self._shared

    def cancel(self) -> None:
        """See `Line.cancel`."""
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")

    def rearm(self) -> None:
        """See `Line.rearm`."""
        with contextlib.suppress(OSError):
            os.read(self._wake_read, 1000)

    def close(self) -> None:
        """See `Line.close`."""
        connection: socket.socket | None = getattr(self._port, "_socket", None)
        if self._locked and self._fd >= 0:
            locks.unlock(self._fd)
        with contextlib.suppress(OSError):
            self._port.close()
        if connection is not None:
            connection.close()  # pyserial forgets that when the peer closed first
        self._fd = -1  # the number may belong to another file by now
        self._close_pipe()

    def abandon(self) -> None:
        """See `Line.abandon`."""
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        self._descriptors.close()
        self._wake_read = self._wake_write = -1


class PortLine(_SettableLine):
    """A line of which only ``read``, ``write`` and ``close`` are known.

    Args:
        port: the port; its ``timeout``, ``in_waiting`` and ``cancel_read`` are used if it has them. Without ``timeout``
            its ``read`` should return soon; if it waits for ever, it ends when the port is closed, or never.
        name: the name for messages.
        rate: see `Line`.
    """

    def __init__(self, port: SerialLike, name: str, rate: int | None) -> None:
        super().__init__(name, rate)
        self._port = port
        self._cancelled = threading.Event()
        self._nudged = False
        self._cancel_read = getattr(port, "cancel_read", None)
        self._longest = _CANCELLED_READ if self._cancel_read else _POLL_READ
        self._timed = hasattr(port, "timeout")
        # There each change of a time-out requests all settings from the other machine again.
        self._fixed = type(port).__module__ in _REMOTE_MODULES
        self._timeout: float | None = None
        if hasattr(port, "write_timeout") and not self._fixed:
            port.write_timeout = _WRITE_TIMEOUT

    def read(self, timeout: float | None) -> bytes:
        """See `Line.read`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._cancelled.is_set():
            left = self._longest if deadline is None else min(self._longest, deadline - time.monotonic())
            data = self._read_once(max(0.0, left))
            if data:
                return data
            if deadline is None and self._nudged:
                self._nudged = False
                break
            if deadline is not None and time.monotonic() >= deadline:
                break
        return b""

    def _read_once(self, wait: float) -> bytes:
        try:
            if self._timed and not self._fixed and wait != self._timeout:
                self._port.timeout = self._timeout = wait  # type: ignore[attr-defined]  # not every port has it
            waiting: int = getattr(self._port, "in_waiting", 0)
            data = self._port.read(max(1, min(waiting, _READ_SIZE)))
        except (OSError, ValueError, TypeError) as error:  # pyserial's TypeError: closed while reading
            if self._cancelled.is_set():
                return b""
            raise hung_up(error) from error
        if data == b"" and not self._timed and isinstance(self._port, io.IOBase):
            raise hung_up(None)
        if not data and not self._timed:
            self._cancelled.wait(min(wait, _NOTHING_WAIT))
        return data or b""

    def write(self, data: bytes, timeout: float) -> int:
        """See `Line.write`; the time-out is the port's own."""
        try:
            taken = self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise HungUp(f"the line takes no octets: {error}") from error
        except (OSError, ValueError, TypeError) as error:
            raise hung_up(error) from error
        return len(data) if taken is None else taken

    def nudge(self) -> bool:
        """See `Line.nudge`; it takes up to the time-out of the port."""
        self._nudged = True
        return True

    def cancel(self) -> None:
        """See `Line.cancel`."""
        self._cancelled.set()
        if self._cancel_read is not None:
            with contextlib.suppress(OSError, AttributeError):
                self._cancel_read()

    def rearm(self) -> None:
        """See `Line.rearm`."""
        self._cancelled.clear()

    def close(self) -> None:
        """See `Line.close`."""
        with contextlib.suppress(OSError, ValueError):
            self._port.close()

    def abandon(self) -> None:
        """See `Line.abandon`: the descriptors of such a port are not known."""


def open_line(
    port: str | os.PathLike[str] | SerialLike, baudrate: int, flow: PortFlow | None = None, **settings: object
) -> Line:
    """Open a line, with exclusive access where the system supports that.

    Args:
        port: a path, a pyserial URL, or an open object with ``read``, ``write`` and ``close``.
        baudrate: bits per second.
        flow: keeps what flow control was set on the port before.
        settings: further settings of pyserial: ``rtscts``, ``xonxoff``, ``dsrdtr``, …

    Returns:
        The line.

    Raises:
        PortNotFound: there is no such port.
        PortBusy: the port is in use.
        PortError: it cannot be opened for another reason.
    """
    if isinstance(port, (str, os.PathLike)):
        name = os.fspath(port)
        return _line(open_port(name, baudrate, flow, **settings), name, opened=True)
    if not isinstance(port, SerialLike):
        raise PortError(repr(port), "neither a path, a URL, nor an open port with read, write and close")
    return _line(port, str(getattr(port, "name", None) or type(port).__name__))


def open_port(name: str, baudrate: int, flow: PortFlow | None = None, **settings: object) -> serial.SerialBase:
    """Open a port of pyserial, with exclusive access where the system supports that.

    Args:
        name: a path or a pyserial URL.
        baudrate: see `open_line`.
        flow: see `open_line`.
        settings: see `open_line`.

    Returns:
        The port; `release` closes it.

    Raises:
        PortError: see `open_line`.
    """
    before = sys.exception()
    check_name(name)
    try:
        opened = serial.serial_for_url(name, do_not_open=True)
    except serial.SerialException as error:
        raise port_error(name, error, before) from error
    except ValueError as error:
        raise PortNotFound(name, str(error)) from error
    except Exception as error:  # a handler of pyserial passes on what it stumbles over, such as re.error
        raise port_error(name, error, before) from error
    native = type(opened) is serial.Serial
    holder = locks.holder(name) if native and os.name == "posix" else None
    if holder is not None:
        raise PortBusy(name, f"the port is in use by {holder}", "port-held")
    try:
        opened.baudrate = baudrate
        for key, value in settings.items():
            setattr(opened, key, value)
        if native:
            opened.exclusive = True
        opened.timeout = _POLL_READ
        if type(opened).__module__ not in _REMOTE_MODULES:  # they raise NotImplementedError for it
            opened.write_timeout = _WRITE_TIMEOUT
        with (flow or PortFlow()).inherited(opened, settings):
            opened.open()
    except Exception as error:  # KeyError: pyserial's message for a URL has a mistake
        raise port_error(name, error, before, locks.user) from error
    if _is_terminal(opened):
        locks.lock(opened.fileno())
    return opened


def release(port: serial.SerialBase) -> None:
    """Close a port of `open_port`."""
    if port.is_open and _is_terminal(port):
        locks.unlock(port.fileno())
    port.close()


def _is_terminal(port: SerialLike) -> bool:
    if os.name != "posix" or type(port).__module__ not in _DESCRIPTOR_MODULES or not isinstance(port, serial.Serial):
        return False
    return os.isatty(port.fileno())


def _line(port: SerialLike, name: str, *, opened: bool = False) -> Line:
    if type(port).__module__ not in _DESCRIPTOR_MODULES or os.name != "posix":
        native = type(port) is serial.Serial  # not POSIX: a real port with its own cancel_read
        return PortLine(port, name, port.baudrate if native and isinstance(port, serial.Serial) else None)
    fd: int = port.fileno()  # type: ignore[attr-defined]  # both modules have it
    terminal = _is_terminal(port)
    locked = terminal and opened  # one that the caller has opened is the caller's to lock
    real = terminal and not os.ttyname(fd).startswith(("/dev/pts/", "/dev/pty"))
    rate = port.baudrate if real and isinstance(port, serial.Serial) else None
    return DescriptorLine(fd, port, name, rate, locked=locked)
