"""The command that resets a module: when it runs, with what, for how long, and that it ends with whoever waits."""

from __future__ import annotations

import logging
import os
import shlex
import sys
import threading
from pathlib import Path

import pytest

from cmux import ConfigError, resetting
from cmux.resetting import Resetter, split_command


def python(program: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program, *arguments)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING][1:]


def test_it_runs_before_every_third_attempt_in_a_row() -> None:
    resetter, happened = Resetter("/dev/modem", ("x",)), ""
    for _ in range(8):
        happened += "R." if resetter.is_due() else "."
    resetter.succeeded()
    for _ in range(4):
        happened += "R." if resetter.is_due() else "."
    assert happened == "..R...R.....R.."


def test_an_opening_is_tried_again_until_it_has_run_once() -> None:
    resetter = Resetter("/dev/modem", ("true",))
    assert [resetter.attempt() or resetter.goes_on for _ in range(3)] == [True, True, False]
    assert not Resetter("/dev/modem").goes_on


def test_it_has_the_port_and_its_arguments_and_no_shell(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = "import os, sys; open(sys.argv[1], 'w').write(os.environ['GSM0710_PORT'] + ' ' + sys.argv[2])"
    Resetter("/dev/modem", python(program, str(out), "$HOME; *")).run()
    assert out.read_text() == "/dev/modem $HOME; *"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/no/such/program",), "the module cannot be reset: /no/such/program: "),
        (python("import sys; sys.exit('the pin is missing')"), "the reset has failed with code 1: the pin is missing"),
        (python("print('fine')"), ""),
    ],
)
def test_what_goes_wrong_is_logged_and_ends_nothing(
    command: tuple[str, ...], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    Resetter("/dev/modem", command).run()
    assert [text[: len(said)] for text in warnings(caplog)] == ([said] if said else [])


def test_it_is_ended_when_it_takes_too_long(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    assert resetting.TIME_LIMIT == 60
    monkeypatch.setattr(resetting, "TIME_LIMIT", 0.2)
    Resetter("/dev/modem", python("import time; time.sleep(1000)")).run()
    assert warnings(caplog) == ["the reset has not ended within 0.2 s, and is ended"]


def test_whoever_cancels_it_does_not_wait_for_it(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    resetter = Resetter("/dev/modem", python(f"import time; open({str(begun)!r}, 'w').close(); time.sleep(1000)"))
    thread = threading.Thread(target=resetter.run)
    thread.start()
    begun.read_text()
    resetter.cancel()
    thread.join(30)
    assert not thread.is_alive()
    resetter.run()  # and it runs no more


def test_what_it_leaves_in_the_background_is_not_waited_for() -> None:
    Resetter("/dev/modem", ("sh", "-c", "sleep 30 &")).run()


@pytest.mark.parametrize("text", ["pinctrl set 4 dh", "'/opt/my tools/reset' --port 1"])
def test_words_are_split_as_by_a_shell(text: str) -> None:
    assert split_command("reset_command", text) == tuple(shlex.split(text))


@pytest.mark.parametrize("wrong", ["", "  ", "'open", "''", 5, None, b"true", "a\0b"])
def test_what_is_no_command_is_a_mistake(wrong: object) -> None:
    with pytest.raises(ConfigError, match="reset_command"):
        split_command("reset_command", wrong)
