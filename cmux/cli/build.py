"""Which build this is, in one line: what makes it faster or slower than another installation."""

from __future__ import annotations

import platform

from ..protocol import compiled, crcmod_in_c


def build() -> str:
    """Return the interpreter, and whether the core and crcmod are machine code."""
    core = "compiled" if compiled else "plain Python"
    return f"{platform.python_implementation()} {platform.python_version()}, core: {core}, crcmod: " + (
        "in C" if crcmod_in_c else "in Python, which is slower"
    )
