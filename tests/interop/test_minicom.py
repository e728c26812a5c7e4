"""minicom, which nobody here wrote, on a pty of ``attach``, run by its own script interpreter."""

import os
import select
import subprocess
from pathlib import Path

import pytest
from attached import Attach

from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.interop("minicom")

SCRIPT = """
send "ATE0"
expect {
    "OK"
    timeout 10 goto failed
}
send "AT+CGMM"
expect {
    "M10"
    timeout 10 goto failed
}
! echo talked > %s
exit
failed:
! echo failed > %s
exit
"""


def test_minicom_talks_at_on_a_channel(tmp_path: Path) -> None:
    result, script = tmp_path / "result", tmp_path / "script"
    script.write_text(SCRIPT % (result, result))
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
        shown = b""
        try:
            while not result.exists() or not result.read_text():
                assert select.select([screen], [], [], 30)[0], shown
                shown += os.read(screen, 4096)
            assert result.read_text() == "talked\n", shown
        finally:
            minicom.kill()
            minicom.wait()
            os.close(screen)
