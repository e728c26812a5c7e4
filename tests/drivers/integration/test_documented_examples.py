"""What the pages about the driver show runs as it stands there, block after block."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["tcpip.md", "sockets.md", "ownership.md"])
def test_the_examples_of_a_page_run(page: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # noqa: S102


def anchor(heading: str) -> str:
    """The anchor that MyST gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("chapter", range(1, 11))
def test_every_chapter_of_the_app_note_has_an_example(chapter: int) -> None:
    text = (DOCS / "tcpip.md").read_text(encoding="utf-8")
    sections = {anchor(part.partition("\n")[0]): part for part in text.split("\n## ")[1:]}
    row = re.search(rf"^\| {chapter} \|.*$", text, re.MULTILINE)
    assert row is not None
    named = re.findall(r"\(#([\w-]+)\)", row[0])
    assert named
    for name in named:
        assert "```python" in sections[name]
        chapters = sections[name].partition("\n")[0]
        assert re.search(rf"\b{chapter}\b", chapters), chapters
