"""What the README and the tutorial show runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cmux.protocol import Multiplexer

ROOT = Path(__file__).parents[1]


def examples(path: Path) -> list[str]:
    """The Python blocks of a page; later ones build on those before."""
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", ["docs/tutorial.md"])
def test_python_of_a_page_runs(page: str) -> None:
    names: dict[str, object] = {}
    blocks = examples(ROOT / page)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # noqa: S102


def test_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = examples(ROOT / "README.md")
    exec(compile(first, "README.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out.startswith("b'hello' from ")
    inside = "".join(f"    {line}\n" for line in second.splitlines())
    whole = (
        "import cmux\nfrom drivers.emulator import EmulatedModule\n"
        f"with EmulatedModule() as module, cmux.open(module.serve_pty()) as mux:\n{inside}"
    )
    exec(compile(whole, "README.md", "exec"), {})  # noqa: S102
    assert "Quectel_M10" in capsys.readouterr().out


def test_everything_that_is_counted_is_explained() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`(\w+)`", text.partition("## What is counted")[2].partition("\n## ")[0]))
    told = Multiplexer().stats()
    channels = told["dlcs"]
    assert isinstance(channels, dict)
    assert {*told, *channels[0]} - explained == set()
