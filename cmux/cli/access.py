"""Who may open the pseudo-terminals of a line: the options ``--mode`` and ``--group``."""

from __future__ import annotations

import re
from typing import Final

from ..pty import OWNER_ONLY

_OWNER_AND_GROUP: Final = 0o660
_HIGHEST: Final = 0o666  # there is nothing to execute
_LOWEST_AS_WRITTEN: Final = 600  # no mode as a number is so high, so that these digits are octal ones
_OCTAL = re.compile(r"(?:0o?)?[0-7]{3}", re.ASCII)


def mode_of(mode: object, *, grouped: bool) -> int:
    """Read a mode as chmod takes it.

    Args:
        mode: three octal digits as a string or as a number (a file may have ``660`` as well as ``0o660``), or the mode
            itself as a number; None means the default.
        grouped: a group is given, so that it may read and write by default.

    Returns:
        The mode.

    Raises:
        ValueError: it is none, or its owner may not read and write.
    """
    if mode is None:
        return _OWNER_AND_GROUP if grouped else OWNER_ONLY
    digits = str(mode) if type(mode) is int and mode >= _LOWEST_AS_WRITTEN else mode
    bits = int(digits.removeprefix("0o"), 8) if isinstance(digits, str) and _OCTAL.fullmatch(digits) else digits
    if type(bits) is not int or bits & ~_HIGHEST or bits & OWNER_ONLY != OWNER_ONLY:
        raise ValueError(f"mode = {mode!r} is not an octal mode from 600 to 666 that its owner may use")
    return bits


def group_of(group: object) -> int | None:
    """Find a group of users.

    Args:
        group: its name, or its number; None means none.

    Returns:
        Its number.

    Raises:
        ValueError: there is no such group.
    """
    if group is None:
        return None
    try:
        import grp

        number = int(group) if isinstance(group, str) and group.isascii() and group.isdigit() else group
        if isinstance(number, str):
            return grp.getgrnam(number).gr_gid
        if type(number) is int:
            return grp.getgrgid(number).gr_gid
    except (ImportError, LookupError, ValueError, OverflowError):
        pass
    raise ValueError(f"group = {group!r} is not a group of this system")
