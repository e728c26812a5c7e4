"""Packages that load a public name when it is first used (PEP 562), so that importing them costs little.

For type checkers the same names are imported in the usual way, in a branch that does not run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def loader(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package.

    Args:
        package: the name of the package.
        homes: each name, and the module that it is in, as in ``from .module import name``; a module that is to be found
            without being imported is in itself.

    Returns:
        A function that loads a name, and leaves it in the package: the next use finds it there.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(homes[name], package)
        found: object = module if homes[name] == f".{name}" else getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    return load
