"""Facts of the physical line that explain why it cannot be multiplexed, or is slow: from the kernel, not the module.

Nothing here writes to the line; what the system does not tell is no fact.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..protocol.hints import HINTS, Hint
from . import system_files

OF_MODULES: Final = frozenset({"option1", "qcserial", "sierra", "hso", "cdc_acm"})
"""The drivers of modules on USB, in ``/sys``: an adapter with several ports has another."""
_SLOW: Final = 4  # milliseconds that an adapter may keep octets back without being told of

_HEARD_NOTHING: Final = frozenset({"silent", "silent-hurried", "not-multiplexing"})
_HEARD_NO_MORE: Final = frozenset(
    {
        *("at-lost", "cmux-unanswered", "adopted-silent", "line-stalled"),
        *("sabm-too-early", "sabm-unanswered", "sabm-unanswered-settled", "mux-rate"),
    }
)
_MISUNDERSTOOD: Final = frozenset(
    {
        *("silent", "silent-hurried", "unreadable", "at-lost", "sabm-unanswered", "sabm-unanswered-settled"),
        *("sabm-too-early", "mux-rate", "not-multiplexing", "damaged-frames", "mux-unreadable"),
    }
)
_NOBODY_ANSWERS: Final = frozenset(
    {"silent", "silent-hurried", "echo-only", "other-text", "unreadable", "not-multiplexing", "at-lost"}
)
_REFUSED: Final = frozenset({"cmux-refused", "cmux-unanswered", "rate-refused", "start-command-refused"})


@dataclass(frozen=True, slots=True)
class Port:
    """An open serial port."""

    path: str
    """Its path, links resolved."""
    fd: int
    """Its descriptor."""

    @property
    def name(self) -> str:
        """Its name in ``/dev``."""
        return self.path.removeprefix("/dev/")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact."""

    hint: Hint
    """What it says."""
    explains: frozenset[str]
    """The hints to which it is the answer."""
    notable: bool
    """Whether it is worth telling by itself."""


# --- The descriptor: these three are what tests replace, as a pty has no wires ---


def has_rtscts(fd: int) -> bool | None:
    """Return whether flow control by RTS/CTS is in force on a port, whoever set it; None: the system does not tell."""
    flags = _flags(fd)
    with contextlib.suppress(ImportError, AttributeError):
        import termios

        return None if flags is None else bool(flags & termios.CRTSCTS)
    return None


def framing(fd: int) -> str | None:
    """Return how octets are framed on a port, as in ``8N1``; None: the system does not tell."""
    flags = _flags(fd)
    if flags is None:
        return None
    import termios

    bits = {termios.CS5: 5, termios.CS6: 6, termios.CS7: 7}.get(flags & termios.CSIZE, 8)
    parity = ("O" if flags & termios.PARODD else "E") if flags & termios.PARENB else "N"
    return f"{bits}{parity}{2 if flags & termios.CSTOPB else 1}"


def clear_to_send(fd: int) -> bool | None:
    """Return whether CTS is on; None: the port has no such wire."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl
        import termios

        state = fcntl.ioctl(fd, termios.TIOCMGET, bytes(4))
        return bool(int.from_bytes(state, sys.byteorder) & termios.TIOCM_CTS)
    return None


def _flags(fd: int) -> int | None:
    """Return the control modes of a port."""
    try:
        import termios
    except ImportError:
        return None
    try:
        flags: int = termios.tcgetattr(fd)[2]
    except (OSError, ValueError, termios.error):
        return None
    return flags


# --- One function for each fact: it returns the values of its hint ---


def _cts_off(port: Port) -> dict[str, object] | None:
    return {} if has_rtscts(port.fd) and clear_to_send(port.fd) is False else None


def _no_rtscts(port: Port) -> dict[str, object] | None:
    return {} if has_rtscts(port.fd) is False else None


def _not_8n1(port: Port) -> dict[str, object] | None:
    found = framing(port.fd)
    return None if found is None or found.startswith("8N") else {"format": found}


def _console(port: Port) -> dict[str, object] | None:
    return {"port": port.path} if port.name in system_files.consoles() else None


def _getty(port: Port) -> dict[str, object] | None:
    try:
        number = os.fstat(port.fd).st_rdev
    except OSError:
        return None
    found = system_files.login(port.path, number)
    return found and {"port": port.path, "program": found[0], "process": found[1], "unit": port.name}


def _other_ports(port: Port) -> dict[str, object] | None:
    here = system_files.device(port.name)
    of_module = system_files.usb_device(here)
    if here is None or of_module is None or not system_files.drivers(here) & OF_MODULES:
        return None
    others = [
        f"/dev/{folder.name.replace('!', '/')}"
        for folder in system_files.entries("sys/class/tty")
        if folder.name != system_files.in_sysfs(port.name)
        and of_module == system_files.usb_device(system_files.resolved(folder / "device"))
    ]
    return {"ports": ", ".join(sorted(others))} if others else None


def _latency(port: Port) -> dict[str, object] | None:
    inside = Path("sys/bus/usb-serial/devices") / system_files.in_sysfs(port.name) / "latency_timer"
    text = system_files.read(inside).strip()
    slow = text.isdigit() and int(text) > _SLOW
    return {"milliseconds": int(text), "path": f"/{inside}"} if slow else None


_FACTS: Final[tuple[tuple[str, Callable[[Port], dict[str, object] | None], frozenset[str], bool], ...]] = (
    ("cts-off", _cts_off, _HEARD_NOTHING, False),  # not told by itself: it may come on with the first octet
    ("cts-off-now", _cts_off, _HEARD_NO_MORE, False),
    ("not-8n1", _not_8n1, _MISUNDERSTOOD, False),
    ("console", _console, _NOBODY_ANSWERS, True),
    ("getty", _getty, _NOBODY_ANSWERS, True),
    ("usb-ports", _other_ports, _REFUSED, False),
    ("frames-echoed-no-rtscts", _no_rtscts, frozenset({"frames-echoed"}), False),
    ("damaged-frames-no-rtscts", _no_rtscts, frozenset({"damaged-frames"}), False),
    ("latency-timer", _latency, frozenset(), True),
)
"""The facts: each with its hint, how it is found, the hints to which it is the answer, and if it is told by itself."""


def facts(path: str, fd: int) -> Iterator[Fact]:
    """Look for facts about an open port.

    Args:
        path: its path.
        fd: its descriptor.

    Yields:
        The facts, the most telling first.
    """
    port = Port(os.path.realpath(path), fd)
    for name, find, explains, notable in _FACTS:
        values = find(port)
        if values is not None:
            yield Fact(HINTS[name].filled(**values), explains, notable)
