"""Values in the lines of a module, checked before they are used: a module may say anything."""

from __future__ import annotations

import re
from typing import Final

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"

ADDRESS: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
"""A regular expression for a dotted address."""

PORT: Final = r"(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[0-5]?[0-9]{1,4})"
"""A regular expression for a port."""

_NUMBER = re.compile(r"[0-9]{1,18}")  # int() would also take other scripts, blanks, signs and underscores


def number(text: str, low: int, high: int) -> int | None:
    """Return a decimal number.

    Args:
        text: the value as the module wrote it.
        low: the least number that makes sense.
        high: the greatest one.

    Returns:
        The number; None if the text is not one, or is not in this range.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    value = int(text)
    return value if low <= value <= high else None


def leading_index(line: str) -> int | None:
    """Return the number of a session at the beginning of a line, 0 to 9; None if there is none."""
    return number(line[:1], 0, 9)
