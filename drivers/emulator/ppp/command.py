"""The command that data calls are joined to, as a user gives it."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
from collections.abc import Sequence


def split_command(command: str | Sequence[str]) -> tuple[str, ...]:
    """Split a command as a shell would, without being one.

    Args:
        command: as text, or the program and its arguments, which stay as they are.

    Raises:
        ValueError: it is empty, a quote in it is not closed, or it has an octet 0.
    """
    try:
        words = tuple(shlex.split(command) if isinstance(command, str) else command)
    except ValueError as error:
        raise ValueError(f"{command!r} is no command: {str(error).lower()}") from None
    if not words or not words[0]:
        raise ValueError("the command for PPP is empty")
    if any("\0" in word for word in words):
        raise ValueError(f"{command!r} has an octet 0")
    return words


def find_command(command: str | Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command whose program can be started here.

    Args:
        command: as for `split_command`.

    Raises:
        ValueError: as `split_command` does.
        OSError: there is no such program, or the system has no pseudo-terminals.
    """
    words = split_command(command)
    if os.name != "posix":
        raise OSError(errno.ENOSYS, "PPP needs a POSIX system", words[0])
    program = shutil.which(words[0])
    if program is None:
        exists = os.path.dirname(words[0]) and os.path.exists(words[0])
        kind, text = (errno.EACCES, "cannot be executed") if exists else (errno.ENOENT, "no such program")
        raise OSError(kind, text, words[0])
    return (os.path.abspath(program), *words[1:])
