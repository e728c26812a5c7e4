"""The names of captures: their ending is their format."""

from __future__ import annotations

import os
import re
from typing import Final

ENDINGS: Final = ("pcapng", "jsonl", "log")
"""The endings."""

_SUFFIX = re.compile(rf"\.({'|'.join(ENDINGS)})\d*\Z")


def ending(path: str) -> str:
    """Return the ending of a name, without the number of a further part; nothing if it is none of a capture."""
    found = _SUFFIX.search(path)
    return found[1] if found else ""


def has_ending(path: str) -> bool:
    """Tell whether the name of a file has an ending of a capture, or none at all; any other means another format."""
    return bool(ending(path)) or not os.path.splitext(path)[1]
