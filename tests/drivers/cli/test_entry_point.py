"""The console script before it has begun: while Python still imports."""

from __future__ import annotations

import subprocess
import sys

import pytest
from uncounted import uncounted

PROGRAM = """
import signal, sys
wanted, sys.argv[1:] = sys.argv[1], ["demo"]

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
from drivers.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "module", ["drivers.cli.program", "cmux", "serial", "construct", "asyncio", "drivers.emulator"]
)
def test_an_interrupt_while_it_imports_is_no_traceback(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=uncounted(),
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
