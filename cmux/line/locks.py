"""Who else uses a serial port: lock files of other programs, and the lock of the system (POSIX only).

pyserial's own lock is flock, which only programs ask for that know it. minicom, pppd and gammu leave a file with their
process id, a UUCP lock; the system itself refuses a port that is opened a second time while TIOCEXCL is set on it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from .descriptors import Descriptors

DIRECTORY = Path("/var/lock")
"""Where programs leave lock files, as the Filesystem Hierarchy Standard says."""

_LONGEST = 100  # octets of a lock file that are read: a process id and perhaps names
_BINARY = 4  # octets of the older form, a process id as an int of C


def holder(path: str) -> str | None:
    """Find a program that has locked a port with a file.

    Args:
        path: the path of the port, as it was given.

    Returns:
        The program, its process and its lock file, as text for people; None if no other program that is alive has one.
    """
    for name in _names(path):
        file = DIRECTORY / f"LCK..{name}"
        process = _process(_content(file))
        if process is not None and process != os.getpid() and _lives(process):
            return f"{_program(process)} (process {process}), as {file} says"
    return None


def user(path: str) -> str | None:
    """Find another program that has a port open, as far as the system tells this user (Linux).

    Args:
        path: the path of the port, as it was given.

    Returns:
        The program and its process, as text for people; None if none is found.
    """
    return users((path,)).get(path)


def users(paths: Iterable[str]) -> dict[str, str]:
    """Find other programs that have ports open, as far as the system tells this user (Linux).

    Args:
        paths: the paths of the ports, as they were given.

    Returns:
        By the path, the program and its process, as text for people; a port of which none is found is missing.
    """
    devices = {os.path.realpath(path): path for path in paths}
    found: dict[str, str] = {}
    own = str(os.getpid())
    for process in sorted((name for name in _listed("/proc") if name.isdigit() and name != own), key=int):
        for number in _listed(f"/proc/{process}/fd"):
            with contextlib.suppress(OSError):
                path = devices.get(os.readlink(f"/proc/{process}/fd/{number}"))
                if path is not None and path not in found:
                    found[path] = f"{_program(int(process))} (process {process})"
    return found


def _listed(folder: str) -> list[str]:
    """Return the names in a folder; none if it is not there, or not for this user."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _names(path: str) -> list[str]:
    """Return what a port may be called in the name of a lock file; programs differ for ports in folders of /dev."""
    names = []
    for port in dict.fromkeys((os.path.abspath(path), os.path.realpath(path))):
        inside = port.removeprefix("/dev/").lstrip("/")
        names += [inside.replace("/", "_"), inside.replace("/", ":"), os.path.basename(port)]
    return list(dict.fromkeys(names))


def _content(file: Path) -> bytes:
    opened = Descriptors()
    try:
        return os.read(opened.open(file, os.O_RDONLY), _LONGEST)  # it does not wait: everybody may put a FIFO there
    except OSError:
        return b""
    finally:
        opened.close()


def _process(content: bytes) -> int | None:
    # Some write the end of a string of C, too; but four octets with one in them are a number: 30 0A 00 00 is 2608.
    text = content if len(content) == _BINARY else content.partition(b"\0")[0]
    words = text.split()
    if words and words[0].isdigit() and b"\0" not in text:
        return int(words[0])
    return int.from_bytes(content, "little") if len(content) == _BINARY else None


def _lives(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True  # it is another user's
    except (OSError, OverflowError):
        return False
    return True


def _program(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "another program"


def lock(fd: int) -> None:
    """Have the system refuse the port to everybody else but root, until it is closed by everybody who has it.

    Args:
        fd: the descriptor of the port.
    """
    with contextlib.suppress(ImportError, OSError):
        import fcntl
        import termios

        fcntl.ioctl(fd, termios.TIOCEXCL)


def unlock(fd: int) -> None:
    """Undo `lock`, as a pty whose other side lives on is never closed by everybody.

    Args:
        fd: the descriptor of the port.
    """
    with contextlib.suppress(ImportError, OSError):
        import fcntl
        import termios

        fcntl.ioctl(fd, termios.TIOCNXCL)
