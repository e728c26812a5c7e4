"""A raw pseudo-terminal under a stable name, for programs that open a path (POSIX only)."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import socket
import stat
import struct
import sys
from secrets import token_hex
from types import TracebackType
from typing import Self

__all__ = ["Pty"]

_SLAVES = re.compile(r"/dev/(pts/[0-9]+|tty[a-z][0-9a-z]+)")  # of Linux; of BSD and macOS
_TERMIOS = bytes(64)  # room for the settings of a terminal, as the system codes them
_TIOCGEXCL = 0x80045440  # Linux; the module termios has no name for it

OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
"""The mode of a slave that only its owner may open."""


class Pty:
    """A pty pair whose slave side other programs open like a serial port.

    The line is raw and without echo. When a client leaves, the line is not hung up (HUPCL is off) and the master gets
    no EIO (this object keeps the slave open). When the link is made, only those may open the slave who are to.

    Args:
        link: where to make a symbolic link to the slave; one that an earlier run left there is replaced, that is a link
            to a pty, or to nothing.
        mode: who may open the slave, as for `os.chmod`: by default its owner alone.
        group: the number of the slave's group; None leaves it as it is.
        held: keep the slave open. If not, reading the master fails with EIO, and polling it tells POLLHUP, while there
            is no client.

    Raises:
        FileExistsError: `link` exists and is not a link to a pty; or it leads to one that another process still serves
            (noticed on Linux only).
        OSError: the system has no free pty, or is not POSIX; or this user may not give it that group.
    """

    def __init__(
        self,
        link: str | os.PathLike[str] | None = None,
        *,
        mode: int = OWNER_ONLY,
        group: int | None = None,
        held: bool = True,
    ) -> None:
        self.link: str | None = None
        """The symbolic link, or None."""
        self._mode, self._group, self._held = mode, group, held
        self._claim: socket.socket | None = None
        self.master: int
        self.slave_name: str
        self._seen = b""
        self.master, self._slave, self.slave_name = self._create()
        try:
            if link is not None:
                self._make_link(os.fspath(link))
            if not held:
                self._let_go()
        except BaseException:
            self.close()
            raise

    def _create(self) -> tuple[int, int, str]:
        """Create a pair, with the slave as its clients need it."""
        try:
            import termios
            import tty
        except ImportError:
            raise OSError("a pty needs a POSIX system; attach --tcp HOST:PORT offers TCP ports instead") from None
        master, slave = os.openpty()
        try:
            name = os.ttyname(slave)
            self._admit(name)
            tty.setraw(slave)
            attributes = termios.tcgetattr(slave)
            attributes[2] &= ~termios.HUPCL
            attributes[2] |= termios.CLOCAL
            termios.tcsetattr(slave, termios.TCSANOW, attributes)
            os.set_blocking(master, False)
        except BaseException:
            os.close(master)
            os.close(slave)
            raise
        return master, slave, name

    def _admit(self, name: str) -> None:
        os.chmod(name, OWNER_ONLY)
        if self._group is not None:
            try:
                os.chown(name, -1, self._group)
            except OSError as error:
                raise OSError(error.errno, f"{error.strerror} to give it to group {self._group}", name) from None
        if self._mode != OWNER_ONLY:
            os.chmod(name, self._mode)  # not before it has its group

    def _let_go(self) -> None:
        slave, self._slave = self._slave, -1
        os.close(slave)

    def renew(self) -> None:
        """Hang up on the clients: a new pair takes the place of this one, with the same link and master descriptor."""
        master, slave, name = self._create()
        before, self.slave_name = self.slave_name, name
        try:
            if self.link is not None:
                self._point(self.link)
            os.dup2(master, self.master, inheritable=False)
        except BaseException:
            self.slave_name = before
            os.close(slave)
            raise
        finally:
            os.close(master)
        if self._held:
            self._let_go()
            self._slave = slave
        else:
            os.close(slave)

    def discard(self) -> None:
        """Throw away what no client has read."""
        import termios

        slave = os.open(self.slave_name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            termios.tcflush(slave, termios.TCIFLUSH)
        finally:
            os.close(slave)

    def let_others_in(self) -> None:
        """Let others open the slave again, if a client that was killed has left it to itself (TIOCEXCL; Linux).

        The system forgets that only when all have closed the slave, and this object keeps it open. One who lives holds
        the lock of pyserial, too, which is looked for, and not tried: the next client may want it at the same moment.
        """
        import fcntl
        import termios

        with contextlib.suppress(OSError):
            if self._slave < 0 or not any(fcntl.ioctl(self._slave, _TIOCGEXCL, bytes(4))) or _is_locked(self._slave):
                return
            fcntl.ioctl(self._slave, termios.TIOCNXCL)
            if _is_locked(self._slave):  # somebody has come meanwhile
                fcntl.ioctl(self._slave, termios.TIOCEXCL)

    def _make_link(self, link: str) -> None:
        if os.path.lexists(link) and not _is_left(link):
            what = f"leads to {os.readlink(link)}" if os.path.islink(link) else "is not a symbolic link"
            raise FileExistsError(f"{link} exists and {what}: choose another name")
        if _lives(link):
            raise FileExistsError(
                f"{link} leads to {os.readlink(link)}, which another program serves: end it, or choose another name"
            )
        if self._held:
            _mark(self._slave, link)
        else:
            self._claim = _claim(link)
        self._point(link)
        self.link = link

    def _point(self, link: str) -> None:
        temporary = f"{link}.{token_hex(8)}~"
        try:
            os.symlink(self.slave_name, temporary)
            try:
                os.replace(temporary, link)  # a client finds either the old link or the new one
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise OSError(error.errno, error.strerror, link) from None  # the original has the temporary name

    @property
    def path(self) -> str:
        """The path that clients open: the link if there is one, otherwise the slave's own name."""
        return self.link or self.slave_name

    def __repr__(self) -> str:
        return f"<Pty {self.path} {'open' if self.master >= 0 else 'closed'}>"

    def attributes(self) -> tuple[int, int]:
        """Return the control flags and the output speed that a client has set, as termios codes them."""
        import termios

        attributes = termios.tcgetattr(self._slave if self._slave >= 0 else self.master)
        return attributes[2], attributes[5]

    def changed(self) -> bool:
        """Tell whether a client may have changed its settings since the last call; costs less than `attributes`."""
        import fcntl
        import termios

        request = getattr(termios, "TCGETS", None)
        if request is None:
            return True
        seen = fcntl.ioctl(self._slave if self._slave >= 0 else self.master, request, _TERMIOS)
        before, self._seen = self._seen, seen
        return seen != before

    def detach_master(self) -> int:
        """Give the master to the caller, who has to close it.

        Returns:
            The descriptor.
        """
        master, self.master = self.master, -1
        return master

    def close(self) -> None:
        """Remove the link if it is still ours, and close both sides; a second call does nothing."""
        if self.link is not None:
            with contextlib.suppress(OSError):
                if os.readlink(self.link) == self.slave_name:
                    os.unlink(self.link)
            self.link = None
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.close()
        for name in ("master", "_slave"):
            fd = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _name(link: str) -> bytes:
    """Return seven octets that stand for a link."""
    name = os.path.join(os.path.realpath(os.path.dirname(link)), os.path.basename(link))
    return hashlib.blake2b(os.fsencode(name), digest_size=7).digest()


def _is_locked(descriptor: int) -> bool:
    """Tell whether anybody has the lock of pyserial on a file (flock; Linux)."""
    about = os.fstat(descriptor)
    file = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    with open("/proc/locks", encoding="ascii") as locks:
        return any({"FLOCK", file} <= set(line.split()) for line in locks)


def _lock(link: str) -> bytes:
    """Return a lock on one octet that stands for the link, so that a pty with a reused number does not hold it."""
    import fcntl

    place = int.from_bytes(_name(link))
    return struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)  # struct flock of 64-bit Linux


def _mark(slave: int, link: str) -> None:
    """Show other processes that this link is in use; flock would block clients that open exclusively."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(slave, fcntl.F_OFD_SETLK, _lock(link))


def _claim(link: str) -> socket.socket | None:
    """Show the same without an open slave: by a name among the sockets of Linux, which goes with its process.

    Raises:
        OSError: another process has it.
    """
    if sys.platform != "linux":
        return None
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(b"\0gsm0710 pty " + _name(link))
    except OSError:
        claim.close()
        raise
    return claim


def _claimed(link: str) -> bool:
    try:
        claim = _claim(link)
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    if claim is not None:
        claim.close()
    return False


def _is_left(link: str) -> bool:
    """Tell whether something may be what an earlier run left: a link to a pty, or one that leads nowhere."""
    try:
        return _SLAVES.fullmatch(os.readlink(link)) is not None or not os.path.exists(link)
    except OSError:  # it is no link
        return False


def _lives(link: str) -> bool:
    """Tell whether the process that made a link still serves it."""
    if sys.platform != "linux" or not os.path.islink(link):
        return False
    if _claimed(link):
        return True
    import fcntl

    try:
        if not stat.S_ISCHR(os.stat(link).st_mode):
            return False
        found = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(found, fcntl.F_OFD_SETLK, _lock(link))
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(found)
    return False
