"""Files that only their owner may read, and that no link leads elsewhere: captures have what passes on a line."""

from __future__ import annotations

import errno
import io
import os
import stat

_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR


def create(path: str | os.PathLike[str]) -> io.FileIO:
    """Create a file for writing, or empty one.

    Args:
        path: where; if it exists already and is a file, it becomes its owner's alone. Pipes and devices stay as they
            are.

    Returns:
        The file, without a buffer.

    Raises:
        OSError: it cannot be created, or it is a symbolic link.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        fd = os.open(path, flags, _OWNER_ONLY)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link, which may lead anywhere", os.fspath(path)) from None
        raise
    try:
        if hasattr(os, "fchmod") and stat.S_ISREG(os.fstat(fd).st_mode):
            os.fchmod(fd, _OWNER_ONLY)
        return io.FileIO(fd, "w")
    except BaseException:
        os.close(fd)
        raise
