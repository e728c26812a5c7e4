"""``gsm0710 attach --reattach``: a module that stands still is noticed, and attached again when it goes on."""

import signal
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from attached import Attach
from emulator_programs import running

QUICK = ("--keep-alive-interval", "0.2", "--t1", "0.1", "--t2", "0.2", "--n2", "1", "--other-rates", "")


def test_a_module_that_is_stopped_is_noticed_and_attached_again_when_it_goes_on(tmp_path: Path) -> None:
    """kill -STOP: its pty stays, and says nothing."""
    line = tmp_path / "line"
    with running(sys.executable, "-m", "drivers", "emulate", "--pty", line) as module:
        assert module.stdout is not None
        assert module.stdout.readline() == f"ready {line}\n"
        with Attach(str(line), "--channels", "1", "--reattach", *QUICK).ready() as attach:
            module.send_signal(signal.SIGSTOP)
            try:
                attach.wait_for("the peer did not answer 2 keep-alive questions")
            finally:
                module.send_signal(signal.SIGCONT)
            attach.wait_for("attached again")
            assert attach.end()[0] == 0
