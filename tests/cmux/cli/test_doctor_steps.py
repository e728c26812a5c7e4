"""``gsm0710 doctor`` walks the very steps of a start: up to the first SABM a module hears the same as from attach."""

import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module
from startup_waits import shorten_waits

import cmux
from cmux.cli import main
from cmux.cli.app import Commands
from cmux.cli.attach import Attached, add_attach
from cmux.cli.line_options import from_arguments
from cmux.cli.stopping import Stop

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]

SABM = bytes.fromhex("F9 03 3F 01 1C F9")
OK = b"\r\nOK\r\n"


@dataclass
class Case:
    """A module, and the options with which it is opened."""

    options: str = ""
    habits: dict[str, object] = field(default_factory=dict)
    hears: bytes = b"AT+CMUX=0\r"
    """What it hears, among other things."""


CASES = {
    "any": Case(hears=b"AT\rAT+CMUX?\r"),
    "one that tells its N1": Case(habits={"answers": {"AT+CMUX?": b"\r\n+CMUX: 0,0,5,127,10,3,30,10,2\r\n" + OK}}),
    "not asked": Case("--no-ask", hears=b"AT\rAT+CMUX=0\r"),
    "n1": Case("--n1 64", hears=b"AT+CMUX=0,0,5,64\r"),
    "m10": Case("--profile m10", hears=b"AT+CMUX=?\r"),
    "a profile of one's own": Case("--profile {folder}/own.toml", hears=b"AT+CMUX=0,0,5,300\r"),
    "deaf at first": Case(habits={"ignores_at": 2}, hears=SABM),
    "set to another rate": Case("--other-rates 57600", {"baudrate": 57600}),
    "commands before": Case("--init ATE0 --init AT+IFC=2,2", {"answers": {"ATE0": OK}}, b"ATE0\rAT+IFC=2,2\r"),
    "another command": Case("--start-command AT#XCMUX=1", {"answers": {"AT#XCMUX=1": OK}}, b"AT#XCMUX=1\r"),
    "another rate in multiplexer mode": Case("--mux-baudrate 460800", hears=b"AT+CMUX=0,0,7,31\r"),
    "multiplexing from the start": Case("--startup none", {"starts_in_mux": True}, b""),
    "left multiplexing": Case(habits={"knows_at": False}, hears=SABM),
    "one that refuses": Case(habits={"cmux_answer": b"\r\nERROR\r\n"}, hears=b"AT+CMUX=0\r"),
}


class Listener(Module):
    """Keeps what it has heard up to the SABM that opens the session."""

    heard = b""

    def _command(self, command: str) -> None:
        super()._command(command)
        self.in_mux |= command == "AT#XCMUX=1"

    def _handle(self, events: list[object]) -> None:  # type: ignore[override]
        super()._handle(events)  # type: ignore[arg-type]
        if events and not self.heard:
            self.heard = bytes(self.raw)


def start(module: Listener, command: str, words: list[str]) -> bytes:
    argv = [module.path, "--channels", "1", "--settle", "0", *words]
    if command == "doctor":
        main(["doctor", *argv, "-q"])
        return module.heard or bytes(module.raw)
    commands = Commands("test", "")
    add_attach(commands)
    attached = Attached(from_arguments(commands.parser.parse_args(["attach", *argv])), Stop())
    try:
        with contextlib.suppress(cmux.CmuxRefused):
            attached.open()
    finally:
        attached.close()
    return module.heard or bytes(module.raw)


@pytest.mark.parametrize("name", CASES)
def test_doctor_says_what_attach_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, 0.1)
    (tmp_path / "own.toml").write_text('at_cmux = "full"\n[settings]\nn1 = 300\n')
    case, heard = CASES[name], {}
    for command in ("attach", "doctor"):
        with Listener(**case.habits) as module:
            heard[command] = start(module, command, case.options.format(folder=tmp_path).split())
    assert heard["doctor"] == heard["attach"]
    assert case.hears in heard["attach"]
    assert (SABM in heard["attach"]) is (name != "one that refuses")
