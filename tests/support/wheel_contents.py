"""``python tests/support/wheel_contents.py WHEEL|SDIST``: what is in it is what is in the tree, and nothing else.

A wheel for every Python is all of it; one for this interpreter has extensions, too, and the list of their sources. The
sdist has what tests, documentation and the build need, and nothing that they leave behind.
"""

from __future__ import annotations

import configparser
import re
import sys
import tarfile
import zipfile
from pathlib import Path

from cmux.extensions import LIST, SUFFIX

ROOT = Path(__file__).parents[2]
PACKAGES = ("cmux", "drivers")
SOURCES = (*PACKAGES, "docs", "fuzz", "tests")
LEFT_BEHIND = re.compile(r"(^|/)(\.(git|hypothesis|venv|\w+_cache)|__pycache__|_build|dist)/|\.(pyc|pyd|so)$")
ENTRY_POINTS = {
    "console_scripts": {"gsm0710": "drivers.cli:main"},
    "pytest11": {"gsm0710": "drivers.pytest_plugin"},
}


def problems(wheel: Path) -> list[str]:
    """Return what is missing in a wheel, or should not be there."""
    for_every_python = wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        parser = configparser.ConfigParser()
        parser.read_string(archive.read(f"{metadata}/entry_points.txt").decode())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    if not for_every_python:
        wanted |= {f"cmux/protocol/{LIST}", *(name for name in names if name.endswith(SUFFIX))}
    found = [f"{name} is missing" for name in sorted(wanted - names)]
    found += [f"{name} is not in the tree" for name in sorted(names - wanted) if not name.startswith(metadata)]
    found += [f"{package}/py.typed is missing" for package in PACKAGES if f"{package}/py.typed" not in names]
    if not for_every_python and not any(name.startswith("cmux/protocol/") and name.endswith(SUFFIX) for name in names):
        found.append("nothing in it is compiled")
    points = {section: dict(parser[section]) for section in parser.sections()}
    if points != ENTRY_POINTS:
        found.append(f"entry points are {points}")
    return found


def problems_of_sdist(sdist: Path) -> list[str]:
    """Return what is missing in an sdist, or should not be there."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("*") if path.suffix in (".md", ".toml", ".py")}
    wanted |= {"LICENSE", "Makefile", ".ci/run"}
    for folder in SOURCES:
        for kind in ("py", "md", "toml", "svg", "txt"):
            wanted |= {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(f"*.{kind}")}
    wanted = {name for name in wanted if not LEFT_BEHIND.search(name)}
    found = [f"{name} is missing" for name in sorted(wanted - names)]
    return found + [f"{name} is left behind by something" for name in sorted(names) if LEFT_BEHIND.search(name)]


if __name__ == "__main__":
    built = Path(sys.argv[1])
    lines = problems(built) if built.suffix == ".whl" else problems_of_sdist(built)
    print("\n".join(lines), end="\n" if lines else "")
    sys.exit(bool(lines))
