"""Extensions that stand beside the Python modules they were compiled from (`hatch_build.py` compiles them).

Python prefers the extension and never looks at the source again. So the build leaves a list of the sources behind, with
a digest of each, and a package that was compiled from anything else is not imported.
"""

from __future__ import annotations

import json
import os
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import source_hash
from pathlib import Path

SUFFIX = EXTENSION_SUFFIXES[0]
"""How the name of an extension ends; it names the interpreter as well."""

LIST = f"compiled{SUFFIX}.json"
"""The name of the list."""


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of each source of a package, by its name.

    Args:
        folder: where they are. All of them count: constants of one are compiled into others.
    """
    return {path.name: source_hash(path.read_bytes()).hex() for path in sorted(folder.glob("*.py"))}


def has_extensions(folder: Path) -> bool:
    """Tell whether modules of a package are compiled.

    Args:
        folder: where its sources are.

    Returns:
        Whether this interpreter finds extensions there.

    Raises:
        ImportError: they were compiled from other sources.
    """
    try:
        if not any(entry.name.endswith(SUFFIX) for entry in os.scandir(folder)):
            return False
    except OSError:  # an archive
        return False
    try:
        compiled: dict[str, str] = json.loads((folder / LIST).read_bytes())
    except FileNotFoundError:
        compiled = {}
    changed = sorted(name for name, _ in compiled.items() ^ digests(folder).items())
    if changed:
        raise ImportError(
            f"{folder} was compiled before {', '.join(dict.fromkeys(changed))} changed: install gsm0710 again, "
            "with GSM0710_COMPILE=1 to compile it again, or without it to run the sources"
        )
    return True
