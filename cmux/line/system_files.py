"""What the files of the kernel tell about ports: ``/proc`` and ``/sys``, as far as they are there (Linux).

Nothing here opens a port; what the system does not tell is empty, or None.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ROOT: Path = Path("/")
"""Where ``dev``, ``proc``, ``run`` and ``sys`` are."""

_LOGINS: Final = ("agetty", "getty", "mgetty", "mingetty", "ngetty", "login")
_LONGEST: Final = 4096  # octets of a file of the system that are read
_CONTROLLING_TTY: Final = 4  # the field of /proc/PID/stat, counted behind the name of the program


def read(inside: Path | str) -> str:
    """Return the beginning of a file; empty if it cannot be read.

    Args:
        inside: its path below the root.
    """
    try:
        with (ROOT / inside).open("rb") as file:
            return file.read(_LONGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def entries(inside: Path | str) -> list[Path]:
    """Return what is in a folder, in order; nothing if it cannot be read.

    Args:
        inside: its path below the root.
    """
    try:
        return sorted((ROOT / inside).iterdir())
    except OSError:
        return []


def in_sysfs(name: str) -> str:
    """Return the name that ``/sys`` has for a port.

    Args:
        name: its name in ``/dev``.
    """
    return name.replace("/", "!")


def resolved(path: Path) -> Path | None:
    """Return a path with its links resolved; None if nothing is there."""
    return path.resolve() if path.exists() else None


def device(name: str) -> Path | None:
    """Return the folder of ``/sys`` with the device of a port; None if it has none, as a pty has not.

    Args:
        name: its name in ``/dev``.
    """
    return resolved(ROOT / "sys/class/tty" / in_sysfs(name) / "device")


def usb_device(folder: Path | None) -> Path | None:
    """Return the device on USB that a folder of ``/sys`` is a part of."""
    inside = (folder, *folder.parents) if folder is not None else ()
    return next((one for one in inside if (one / "idVendor").exists()), None)


def drivers(folder: Path) -> set[str]:
    """Return the drivers of a device, and of what it is a part of."""
    return {driver.name for one in (folder, folder.parent) if (driver := resolved(one / "driver")) is not None}


def consoles() -> frozenset[str]:
    """Return the names of the ports on which the kernel has its console."""
    return frozenset(line.split()[0] for line in read("proc/consoles").splitlines() if line.strip())


def consoles_named() -> frozenset[str]:
    """Return the names of the ports that the command line of the kernel calls consoles (``console=ttyS0,115200``)."""
    words = (word.partition("=") for word in read("proc/cmdline").split())
    return frozenset(value.partition(",")[0] for name, _, value in words if name == "console")


def login(path: str, number: int) -> tuple[str, str] | None:
    """Find the login that runs on a port.

    Args:
        path: the path of the port.
        number: the number of its device (``st_rdev``).

    Returns:
        The name of the program, and its process; None if no login runs on it.
    """
    name, as_in_proc = path.removeprefix("/dev/"), str(_as_in_proc(number))
    for folder in entries("proc"):
        program = read(folder / "comm").strip() if folder.name.isdigit() else ""
        if program not in _LOGINS:
            continue
        words = read(folder / "cmdline").split("\0")
        fields = read(folder / "stat").rpartition(")")[2].split()
        on_it = len(fields) > _CONTROLLING_TTY and fields[_CONTROLLING_TTY] == as_in_proc
        if on_it or name in words or path in words:
            return program, folder.name
    return None


def _as_in_proc(number: int) -> int:
    major, minor = os.major(number), os.minor(number)
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
