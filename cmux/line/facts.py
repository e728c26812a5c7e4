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

ROOT: Path = Path("/")
"""Where ``proc`` and ``sys`` are."""

_LOGINS: Final = ("agetty", "getty", "mgetty", "mingetty", "ngetty", "login")
_OF_MODULES: Final = frozenset({"option1", "qcserial", "sierra", "hso", "cdc_acm"})
"""The drivers of modules on USB, in ``/sys``: an adapter with several ports has another."""
_LONGEST: Final = 4096  # octets of a file of the system that are read
_SLOW: Final = 4  # milliseconds that an adapter may keep octets back without being told of
_CONTROLLING_TTY: Final = 4  # the field of /proc/PID/stat, counted behind the name of the program

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
    names = (line.split()[0] for line in _read("proc/consoles").splitlines() if line.strip())
    return {"port": port.path} if port.name in names else None


def _getty(port: Port) -> dict[str, object] | None:
    try:
        device = os.fstat(port.fd).st_rdev
    except OSError:
        return None
    number = _as_in_proc(device)
    for folder in _folders("proc"):
        program = _read(folder / "comm").strip() if folder.name.isdigit() else ""
        if program not in _LOGINS:
            continue
        words = _read(folder / "cmdline").split("\0")
        fields = _read(folder / "stat").rpartition(")")[2].split()
        on_it = len(fields) > _CONTROLLING_TTY and fields[_CONTROLLING_TTY] == str(number)
        if on_it or port.name in words or port.path in words:
            return {"port": port.path, "program": program, "process": folder.name, "unit": port.name}
    return None


def _as_in_proc(device: int) -> int:
    major, minor = os.major(device), os.minor(device)
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


def _other_ports(port: Port) -> dict[str, object] | None:
    here = _device(port.name)
    of_module = _usb_device(here)
    if here is None or of_module is None or not _drivers(here) & _OF_MODULES:
        return None
    others = [
        f"/dev/{folder.name.replace('!', '/')}"
        for folder in _folders("sys/class/tty")
        if folder.name != _sysfs(port.name) and of_module == _usb_device(_resolved(folder / "device"))
    ]
    return {"ports": ", ".join(sorted(others))} if others else None


def _latency(port: Port) -> dict[str, object] | None:
    inside = Path("sys/bus/usb-serial/devices") / _sysfs(port.name) / "latency_timer"
    text = _read(inside).strip()
    slow = text.isdigit() and int(text) > _SLOW
    return {"milliseconds": int(text), "path": f"/{inside}"} if slow else None


# --- The system's files ---


def _read(inside: Path | str) -> str:
    try:
        with (ROOT / inside).open("rb") as file:
            return file.read(_LONGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def _folders(inside: str) -> list[Path]:
    try:
        return sorted((ROOT / inside).iterdir())
    except OSError:
        return []


def _sysfs(name: str) -> str:
    return name.replace("/", "!")


def _resolved(path: Path) -> Path | None:
    return path.resolve() if path.exists() else None


def _device(name: str) -> Path | None:
    return _resolved(ROOT / "sys/class/tty" / _sysfs(name) / "device")


def _usb_device(folder: Path | None) -> Path | None:
    """Return the device on USB that a folder of ``/sys`` is a part of."""
    inside = (folder, *folder.parents) if folder is not None else ()
    return next((one for one in inside if (one / "idVendor").exists()), None)


def _drivers(folder: Path) -> set[str]:
    return {driver.name for one in (folder, folder.parent) if (driver := _resolved(one / "driver")) is not None}


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
