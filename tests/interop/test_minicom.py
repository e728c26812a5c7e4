"""minicom, which nobody here wrote, on a pty of ``attach``, run by its own script interpreter."""

import os
import select
import subprocess
from pathlib import Path

import pytest
from attached import Attach
from walked_page import blocks

from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.interop("minicom")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "terminal-programs.md"


def test_minicom_talks_at_on_a_channel_by_the_script_of_the_page(tmp_path: Path) -> None:
    result, script = tmp_path / "result", tmp_path / "talk.minicom"
    [shown] = [block.text for block in blocks(PAGE) if block.text.startswith(f"# {script.name}\n")]
    script.write_text(shown.replace("/tmp/", f"{tmp_path}/"))  # noqa: S108 - what the page says
    with EmulatedModule() as module, Attach(module.serve_pty(), "--channels", "1").ready() as attach:
        screen, terminal = os.openpty()
        minicom = subprocess.Popen(
            ["minicom", "-D", attach.paths[1], "-o", "-S", script],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**os.environ, "TERM": "vt100", "HOME": str(tmp_path)},
        )
        os.close(terminal)
        screenful = b""
        try:
            while not result.exists() or not result.read_text():
                assert select.select([screen], [], [], 30)[0], screenful
                screenful += os.read(screen, 4096)
            assert result.read_text() == "it is an M10\n", screenful
        finally:
            minicom.kill()
            minicom.wait()
            os.close(screen)
