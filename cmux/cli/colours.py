"""Whether what is written has colours, for all commands alike."""

from __future__ import annotations

import os
import sys
from typing import Final, TextIO

RED: Final = 31
GREEN: Final = 32
YELLOW: Final = 33


def has_colours(output: TextIO) -> bool:
    """Tell whether what is written to a stream has colours.

    Args:
        output: the stream. A terminal has colours unless it is called dumb (``TERM``). ``NO_COLOR`` forbids them, and
            ``FORCE_COLOR`` wants them also where standard output or stderr is no terminal; each counts if it is not
            empty, and the first goes before the second. A file that was named has none in any case.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") and output in (sys.stdout, sys.stderr):
        return True
    return obeys(output)


def obeys(output: TextIO) -> bool:
    """Tell whether a stream is a terminal that obeys control sequences (ECMA-48)."""
    able = os.name == "posix" or "WT_SESSION" in os.environ  # of Windows' terminals the one that needs no preparation
    return able and output.isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str, colour: int, output: TextIO) -> str:
    """Return a text in a colour, if what is written to a stream has colours.

    Args:
        text: the text, without an end of line.
        colour: a number of ECMA-48 (SGR), such as `RED`.
        output: where it is written.
    """
    return f"\x1b[{colour}m{text}\x1b[0m" if has_colours(output) else text
