"""The build: plain Python or, if ``GSM0710_COMPILE=1`` asks for it, with what octets pass through compiled by mypyc."""

from __future__ import annotations

import os
import runpy
import shutil
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = Path("cmux/protocol")
MODULES = ("dlc", "fcs", "frame_dispatcher", "frames", "headers", "scheduler", "transmitter", "transparency")
"""What is compiled: what each octet or frame passes through. It does the same when it is not."""

GROUP = "gsm0710"
"""The extensions share their code: it is in a module beside the packages, GROUP__mypyc."""

_OPTIONS = ("--config-file=", "--ignore-missing-imports", "--follow-imports=silent")  # `make lint` checks the types


class CompileHook(BuildHookInterface[Any]):
    """Compiles `MODULES` into a wheel, or beside the sources of an editable installation."""

    def dependencies(self) -> list[str]:
        """Return what the build needs besides hatchling."""
        return ["mypy>=2.4,<3", "setuptools>=66"] if self._asked else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the extensions to what is built, if they are asked for.

        Args:
            version: ``editable`` or ``standard``.
            build_data: what hatchling goes by.
        """
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        rules = runpy.run_path(str(root / "cmux/extensions.py"))
        if version == "editable":
            for old in reversed(_built(root, rules)):
                (root / old).unlink()
        if not self._asked:
            return
        build_data.update(pure_python=False, infer_tag=True)
        self._made = TemporaryDirectory()
        made = _compile(root, Path(self._made.name))
        (made / PACKAGE / rules["LIST"]).write_text("\n".join(rules["sources"](str(root / PACKAGE))))
        for path in _built(made, rules):
            if version == "editable":
                shutil.copy(made / path, root / path)
            else:
                build_data["force_include"][str(made / path)] = str(path)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made on the way."""
        if self.target_name == "wheel" and self._asked:
            self._made.cleanup()

    @property
    def _asked(self) -> bool:
        return os.environ.get("GSM0710_COMPILE", "") not in ("", "0")


def _built(tree: Path, rules: dict[str, Any]) -> list[Path]:
    """Return the list of sources, and behind it the extensions in a tree: those are never there without it."""
    names = (PACKAGE / rules["LIST"], PACKAGE / f"*{rules['SUFFIX']}", f"{GROUP}__mypyc{rules['SUFFIX']}")
    return [path.relative_to(tree) for name in names for path in sorted(tree.glob(str(name)))]


def _compile(root: Path, made: Path) -> Path:
    """Compile the modules, and return the tree of their extensions."""
    from mypyc.build import mypycify  # it is there when `CompileHook.dependencies` are
    from setuptools import Distribution
    from setuptools.errors import BaseError, CompileError, LinkError

    sources = [str(PACKAGE / f"{name}.py") for name in MODULES]
    with chdir(root):
        extensions = mypycify(
            [*_OPTIONS, f"--cache-dir={made / 'types'}", *sources],
            target_dir=str(made / "c"),
            group_name=GROUP,
        )
        command = Distribution({"name": "gsm0710", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(made / "lib"), str(made / "objects")
        command.ensure_finalized()
        try:
            command.run()
        except (BaseError, CompileError, LinkError) as error:
            raise RuntimeError(
                f"GSM0710_COMPILE=1 needs a C compiler and the headers of Python ({error}); without it, "
                "gsm0710 is plain Python and needs neither"
            ) from error
    return made / "lib"
