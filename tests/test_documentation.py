"""What the README and the tutorial show runs as it stands there, and all Python on pages has the right types."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from cmux.protocol import Multiplexer

ROOT = Path(__file__).parents[1]


PYTHON_BLOCKS = runpy.run_path(str(ROOT / "docs" / "python_blocks.py"))
examples = PYTHON_BLOCKS["blocks"]


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


@pytest.mark.timeout(300)
def test_python_of_every_page_has_the_right_types(tmp_path: Path) -> None:
    programs = PYTHON_BLOCKS["write"](tmp_path)
    assert {"readme.py", "ports.py", "profiles.py", "tcpip.py"} <= {program.name for program in programs}
    mypy = [sys.executable, "-m", "mypy", "--cache-dir", ".mypy_cache", *(program.name for program in programs)]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_is_counted_is_explained() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`(\w+)`", text.partition("## What is counted")[2].partition("\n## ")[0]))
    told = Multiplexer().stats()
    channels = told["dlcs"]
    assert isinstance(channels, dict)
    assert {*told, *channels[0]} - explained == set()
