"""Write the Python of README.md and of the pages here as programs, one a page, for type checkers.

Usage: python docs/python_blocks.py FOLDER
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
_NO_PAGES = ("_build", "changelog.d", "examples")
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """The pages that have Python on them."""
    return [page for page in (ROOT / "README.md", *all_pages()) if blocks(page)]


def all_pages() -> list[Path]:
    """The pages of the documentation that are written by hand, in all its folders."""
    docs = ROOT / "docs"
    found = (page for page in docs.rglob("*.md") if page.relative_to(docs).parts[0] not in _NO_PAGES)
    return sorted(found, key=lambda page: page.relative_to(docs).parts)


def name(page: Path) -> str:
    """The name of the program of a page: that of its folder too, as two folders may have a page of the same name."""
    folders = page.parent.relative_to(ROOT / "docs").parts if page.is_relative_to(ROOT / "docs") else ()
    return "_".join((*folders, page.stem)).lower().replace("-", "_")


def blocks(page: Path) -> list[str]:
    """The Python blocks of a page; later ones build on those before."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def program(page: Path) -> str:
    """The blocks of a page as one program; those that await something at their top stand in a function together."""
    plain, awaiting = [], []
    for block in blocks(page):
        try:
            compile(block, str(page), "exec")
            plain.append(block)
        except SyntaxError:
            awaiting.append(textwrap.indent(block, "    "))
    return "\n".join([*plain, *(["async def awaiting() -> None:", *awaiting] if awaiting else [])])


def write(folder: Path) -> list[Path]:
    """Write a program for each page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    programs = []
    for page in pages():
        programs.append(folder / f"{name(page)}.py")
        programs[-1].write_text(program(page), encoding="utf-8")
    return programs


if __name__ == "__main__":
    write(Path(sys.argv[1]))
