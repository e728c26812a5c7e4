"""The pages for newcomers, and the how-tos, do what they say: see ``walked_page``.

Those that run programs which nobody here wrote are walked in ``tests/interop``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import walked_page
from walked_page import Walk

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
WALKED = [ROOT / "docs" / "tutorial.md", ROOT / "docs" / "first-module.md", *PAGES]
OWN_TESTS: dict[str, str] = {
    "at-beside-ppp.md": "tests/interop/test_how_to_ppp.py",
    "https-and-mqtt.md": "tests/test_how_tos.py",
    "tests-in-ci.md": "tests/test_how_tos.py",
}
"""How-tos that cannot be walked, and the files of tests that run what they show."""


def walked(*, with_programs: bool) -> list[Path]:
    """The pages to walk: those that run programs of others, or those that do not."""
    pages = [page for page in WALKED if page.name not in OWN_TESTS]
    return [page for page in pages if bool(walked_page.peers(page)) == with_programs]


@pytest.mark.skipif(sys.platform == "win32", reason="the pages have paths of POSIX")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", walked(with_programs=False), ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    with Walk(page, tmp_path) as walk:
        walk.go()


def test_a_page_that_cannot_be_walked_has_tests_of_its_own() -> None:
    assert set(OWN_TESTS) <= {page.name for page in PAGES}
    for name, file in OWN_TESTS.items():
        assert name in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "index.md"], ids=lambda page: page.stem)
def test_a_how_to_has_its_parts_and_a_row_in_the_list(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert "What you need" in headings
    assert "When it does not work" in headings
    listed = (page.parent / "index.md").read_text(encoding="utf-8")
    assert f"]({page.name})" in listed


# --- What a walk notices ---


def page(folder: Path, text: str) -> Path:
    """A page with this text."""
    (folder / "page.md").write_text(text, encoding="utf-8")
    (folder / "here").mkdir()
    return folder / "page.md"


@pytest.mark.skipif(sys.platform == "win32", reason="needs bash")
@pytest.mark.parametrize(
    "text",
    [
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ echo one; echo two\none\n```\n",
        "```console\n$ false\n```\n",
        "```python\nprint(1)\n```\n\n```output\n2\n```\n",
        "```python\nraise ValueError\n```\n",
        "```python\nimport asyncio\nawait asyncio.sleep(0)\nassert False\n```\n",
    ],
)
def test_what_is_not_as_the_page_says_is_noticed(text: str, tmp_path: Path) -> None:
    with Walk(page(tmp_path, text), tmp_path / "here") as walk, pytest.raises((AssertionError, ValueError)):
        walk.go()


@pytest.mark.skipif(sys.platform == "win32", reason="needs bash")
def test_what_is_as_the_page_says_passes(tmp_path: Path) -> None:
    text = (
        "```console\n$ echo 1; echo 2; \\\n    echo 3\n1\n…\n3\n$ false\n…\n$ echo $?\n1\n```\n"
        "```python\nx = 5\nprint(x)\n```\n\n```output\n5\n```\n"
        "```toml\n# some/file.toml\nx = '/tmp/y:7003'\n```\n\n```sh\nfalse\n```\n"
    )
    with Walk(page(tmp_path, text), tmp_path / "here") as walk:
        walk.go()
    written = (tmp_path / "here" / "some" / "file.toml").read_text(encoding="utf-8")
    assert f"'{tmp_path / 'here'}/y:" in written
    assert "7003" not in written


@pytest.mark.parametrize(
    ("shown", "came", "same"),
    [
        (["a", "…", "d"], ["a", "b", "c", "d"], True),
        (["a", "…"], ["a"], True),
        (["12:00:01.5 x…z"], ["13:10:11.25   xyz"], True),
        (["a"], ["a", "b"], False),
        (["a.c"], ["abc"], False),
    ],
)
def test_what_is_shown_is_compared_line_by_line(shown: list[str], came: list[str], same: bool) -> None:
    assert walked_page.matches(shown, came, whole=True) is same


def test_programs_of_others_are_found_in_pipes_too(tmp_path: Path) -> None:
    text = "```console\n$ printf 'A' | socat - /tmp/x\n$ tshark -r x\n$ echo minicom\n```\n"
    assert walked_page.peers(page(tmp_path, text)) == ["socat", "tshark"]
