"""What is said about a port that cannot be opened: the reason of the system, without Python's words around it."""

from __future__ import annotations

import errno
import os
import socket
import urllib.parse
from collections.abc import Callable
from typing import Final

from ..errors import CmuxError, PortBusy, PortError, PortNotFound

_NOT_FOUND: Final = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR}
_BUSY: Final = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY}
_SAID: Final = {
    errno.EACCES: ("permission denied (often: the user is not in the group dialout)", "port-permission"),
    errno.EPERM: ("permission denied (often: the user is not in the group dialout)", "port-permission"),
    errno.ENOTTY: ("it is not a serial port", "port-not-serial"),
    errno.EISDIR: ("it is not a serial port, but a folder", "port-not-serial"),
    errno.EIO: ("the system knows the port, but there is no hardware behind it", "port-no-hardware"),
    **dict.fromkeys(
        (errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN, errno.ETIMEDOUT),
        ("the host does not answer", "port-host"),
    ),
    errno.ECONNREFUSED: ("connection refused (does a program listen there?)", "port-connection-refused"),
}
"""What an error of the system means for a port, by its number, and the id of the hint that is about it."""

_WITH_ADDRESS: Final = ("socket", "rfc2217")


def check_name(name: str) -> None:
    """Check what the system and pyserial would not explain: octets that no name has, the address of another machine.

    Args:
        name: a path or any URL.

    Raises:
        PortError: it contains NUL, or the number of its TCP port is missing, or is none.
    """
    if "\0" in name:
        raise PortError(name.replace("\0", "\\0"), "no port has NUL in its name")
    scheme, found, _ = name.partition("://")
    if not found or scheme.lower() not in _WITH_ADDRESS:
        return
    try:
        port = urllib.parse.urlsplit(name).port
    except ValueError:
        port = None
    if not port:
        raise PortError(name, f"{scheme}://HOST:PORT is needed, with a PORT from 1 to 65535", "port-url")


def port_error(
    name: str,
    error: Exception,
    before: BaseException | None,
    user: Callable[[str], str | None] = lambda _: None,
) -> PortError:
    """Create the exception for a port that could not be opened.

    Args:
        name: the port.
        error: what was raised.
        before: the exception that was being handled when the port was opened, if any.
        user: returns, as text, the other program that has the port open; None if it is not known.

    Returns:
        The exception, not raised.
    """
    if isinstance(error, CmuxError):  # a cmux: URL has a line of its own
        kind = type(error) if isinstance(error, PortError) else PortError
        return kind(name, str(error), getattr(error, "id", ""))  # what is about that line is about this one, too
    text, cause = str(error), _first(error, before)
    number = getattr(error, "errno", None) or _number(cause)
    if number in _NOT_FOUND or "FileNotFoundError" in text:
        return PortNotFound(name, f"there is no such port ({_instead(name)})")
    if number in _BUSY or "lock" in text or "PermissionError" in text:
        if (known := user(name)) is not None:
            return PortBusy(name, f"the port is in use by {known}", "port-held")
        hint = f" (ModemManager? fuser {name} says which)" if os.name == "posix" else ""
        return PortBusy(name, f"the port is in use by another program, or by another Mux of this one{hint}")
    if number in _SAID:
        return PortError(name, *_SAID[number])
    if isinstance(cause, socket.gaierror):
        return PortError(name, f"the host is not found: {cause.strerror}", "port-host")
    if isinstance(cause, TimeoutError):
        return PortError(name, "the host does not answer", "port-host")
    if isinstance(cause, LookupError):
        return PortError(name, f"the URL is not understood: {cause}", "port-url")
    return PortError(name, f"cannot be opened: {_words(cause)}")


def _instead(name: str) -> str:
    """Return what to try where a port is not found."""
    path = f"/dev/{name}"
    if "/" not in name and os.path.exists(path):
        return f"did you mean {path}?"
    return "is the device plugged in? gsm0710 ports lists what is there"


def _first(error: BaseException, before: BaseException | None) -> BaseException:
    """Return the exception that all began with."""
    while error.__context__ is not None and error.__context__ is not before:
        error = error.__context__
    return error


def _words(cause: BaseException) -> str:
    """Return an error as text; that of termios has the words as its second argument only."""
    words = getattr(cause, "strerror", None) or (cause.args[1:] or (str(cause),))[0]
    return str(words) or type(cause).__name__


def _number(cause: BaseException) -> int | None:
    """Return the number of an error of the system; that of termios has it as its first argument only."""
    number = cause.args[0] if cause.args else None
    return number if isinstance(number, int) else None
