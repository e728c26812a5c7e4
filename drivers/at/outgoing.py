"""What a port knows about the octets that were written to it: how many it has still to send, and how fast."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

if sys.platform != "win32":
    import fcntl
    import termios

_MEANINGLESS = {"serial.urlhandler.protocol_socket"}  # its baud rate is that of nothing


def waiting_in(port: object) -> int:
    """Return how many octets a port has still to send, as far as it or the kernel knows.

    Args:
        port: a pyserial-like object, or a socket or the like with a ``fileno()``.
    """
    count = getattr(port, "out_waiting", None)
    return count if isinstance(count, int) else _in_kernel(_descriptor(port))


def rate_of(port: object) -> int | None:
    """Return the bits per second of a port; None if it has none (a socket), or does not know it.

    Args:
        port: a pyserial-like object, or a socket or the like with a ``fileno()``.
    """
    baudrate = getattr(port, "baudrate", None)
    if isinstance(baudrate, int) and type(port).__module__ not in _MEANINGLESS:
        return baudrate or None
    fd = _descriptor(port)
    return _tty_rate(fd) if fd is not None and os.isatty(fd) else None


def _descriptor(port: object) -> int | None:
    if isinstance(port, int):
        return port
    with suppress(OSError, ValueError, AttributeError):  # not every port has one
        fd = port.fileno()  # type: ignore[attr-defined]
        return fd if isinstance(fd, int) and fd >= 0 else None
    return None


def _in_kernel(fd: int | None) -> int:
    if fd is None or sys.platform == "win32":
        return 0
    with suppress(OSError):  # not every kind of file has a queue
        return int.from_bytes(fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    return 0


def _tty_rate(fd: int) -> int | None:
    if sys.platform == "win32":
        return None
    speed = termios.tcgetattr(fd)[5]
    names = (name for name in vars(termios) if name[0] == "B" and name[1:].isdigit())
    return next((int(name[1:]) for name in names if getattr(termios, name) == speed), 0) or None
