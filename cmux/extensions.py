"""Extensions that stand beside the Python modules they were compiled from (`hatch_build.py` compiles them).

Python prefers the extension and never looks at the source again. So the build leaves a list of the sources behind, with
a checksum of each, and a package that was compiled from anything else is not imported.
"""

from __future__ import annotations

import os
from importlib.machinery import EXTENSION_SUFFIXES
from zlib import crc32

SUFFIX = EXTENSION_SUFFIXES[0]
"""How the name of an extension ends; it names the interpreter as well."""

LIST = f"compiled{SUFFIX}.txt"
"""The name of the list."""


def sources(folder: str) -> list[str]:
    """Return the list for the sources of a package as they are.

    Args:
        folder: where they are. All of them count: constants of one are compiled into others.
    """
    names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    return [f"{crc32(_read(folder, name)):08x} {name}" for name in names]


def has_extensions(folder: str) -> bool:
    """Tell whether modules of a package are compiled.

    Args:
        folder: where its sources are.

    Returns:
        Whether this interpreter finds extensions there.

    Raises:
        ImportError: they were compiled from other sources.
    """
    try:
        names = os.listdir(folder)
    except OSError:  # it is in an archive
        return False
    if not any(name.endswith(SUFFIX) for name in names):
        return False
    compiled = _read(folder, LIST).decode().splitlines() if LIST in names else []
    if changed := {line.split()[1] for line in {*compiled} ^ {*sources(folder)}}:
        raise ImportError(
            f"{folder} was compiled before {', '.join(sorted(changed))} changed: install gsm0710 again, "
            "with GSM0710_COMPILE=1 to compile it again, or without it to run the sources"
        )
    return True


def _read(folder: str, name: str) -> bytes:
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()
