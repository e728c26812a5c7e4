"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "pytest-plugin"


ALONE = [word for name in ("cacheprovider", "asyncio", "anyio", "hypothesispytest") for word in ("-p", f"no:{name}")]
"""Without plugins that this project has for itself."""


def run(folder: Path, *arguments: str, **files: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder with these files; nothing of this project's own settings applies there."""
    folder.joinpath("pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    for name, text in files.items():
        folder.joinpath(f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", *ALONE, *arguments]
    environment = {**os.environ, "COLUMNS": "300"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=50)


def test_it_is_found_by_its_entry_point() -> None:
    found = {point.value for point in entry_points(group="pytest11")}
    assert "drivers.pytest_plugin" in found, "install the project anew: pip install -e ."


def test_the_example_project_passes(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pytest", "-q", *ALONE]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


def test_nothing_heavy_is_imported_before_a_fixture_is_used(tmp_path: Path) -> None:
    text = """
import sys
def test_nothing():
    heavy = {"serial", "construct", "crcmod", "cmux", "drivers.emulator", "drivers.tcpip"}
    assert not heavy & set(sys.modules)
def test_then_all(m10):
    assert "drivers.emulator" in sys.modules
"""
    done = run(tmp_path, test_it=text)
    assert done.returncode == 0, done.stdout + done.stderr


def test_options_and_markers_say_how_the_module_is_and_the_nearest_marker_wins(tmp_path: Path) -> None:
    text = """
import pytest, serial
pytestmark = pytest.mark.m10(faults="sim=pin", hosts={"a.example": "127.0.0.1"})

def ask(m10, command):
    with serial.serial_for_url(m10.url, timeout=5) as port:
        port.write(command + b"\\r")
        return port.read_until(b"OK\\r\\n")

def test_of_the_module(m10):
    assert b"SIM PIN" in ask(m10, b"AT+CPIN?")

@pytest.mark.m10(faults="")
def test_nearest(m10):
    assert b"READY" in ask(m10, b"AT+CPIN?")

def test_option(m10):
    assert b"Quectel_Ltd\\r\\n\\r\\nQuectel_M10" in ask(m10, b"ATI")

@pytest.mark.m10(behaviour="figure3")
def test_marker_over_option(m10):
    assert b"Quectel_Ltd\\r\\nQuectel_M10" in ask(m10, b"ATI")

@pytest.mark.m10(behaviour=["default_owner_uart1=on"])
@pytest.mark.m10_mux(channels=[3])
def test_mux(m10_mux):
    port = m10_mux.channel(3)
    port.timeout = 5
    port.write(b"AT+QIFGCNT?\\r")
    assert b"+QIFGCNT: 0,0" in port.read_until(b"OK\\r\\n")
"""
    done = run(tmp_path, "--m10-behaviour", "ati_blank_line=on", "--strict-markers", test_it=text)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


PPP = """
import pytest, serial
@pytest.mark.m10(ppp="cat")
def test_call(m10):
    with serial.serial_for_url(m10.url, timeout=5) as port:
        port.write(b"ATD*99#\\r")
        assert port.read_until(b"CONNECT\\r\\n").endswith(b"CONNECT\\r\\n")
        port.write(b"octets")
        assert port.read(6) == b"octets"
"""
NUMBER = """
import pytest, serial
@pytest.mark.m10(number="+491701234567", ussd={"*100#": "5 EUR"})
def test_number(m10):
    with serial.serial_for_url(m10.url, timeout=5) as port:
        port.write(b'AT+CNUM;+CUSD=1,"*100#"\\r')
        assert b'"+491701234567"' in port.read_until(b"+CUSD: 0,")
        assert port.read_until(b"\\r\\n") == b'"5 EUR",15\\r\\n'
        m10.trigger("ring +4930123456")
        assert port.read_until(b"RING\\r\\n") == b"\\r\\nRING\\r\\n"
"""
MODEL = """
import pytest, serial
@pytest.mark.m10(model="bg96", behaviour="cgact_hangs=on")
def test_model(m10, m10_mux):
    assert (m10.model.name, m10.settle) == ("bg96", 0.1)
    port = m10_mux.channel(1)
    port.timeout = 5
    port.write(b"ATE0\\r")
    assert port.read_until(b"OK\\r\\n").endswith(b"OK\\r\\n")
    port.write(b"AT+CGMM\\r")
    assert port.read_until(b"OK\\r\\n") == b"\\r\\nBG96\\r\\n\\r\\nOK\\r\\n"
"""
MESSAGES = """
import serial

def send(m10):
    with serial.serial_for_url(m10.url, timeout=5) as port:
        port.write(b'AT+CMGF=1;+CMGS="+4930123456"\\r')
        port.read_until(b"> ")
        port.write(b"The tank is empty.\\x1a")
        port.read_until(b"OK\\r\\n")

def test_passes(m10):
    send(m10)
    assert [sent.text for sent in m10.sent_sms] == ["The tank is empty."]

def test_fails(m10):
    send(m10)
    assert m10.sent_sms == ()
"""
MISTAKES = {
    "m10(faults='bear=1')": "no fault is called 'bear'",
    "m10(behaviour='bear')": "is not NAME=VALUE",
    "m10('figure1')": "takes its settings by name",
    "m10(wolf=1)": "wolf",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one run of all of these tells of each file."""
    mistakes = {
        f"test_mistake_{number}": f"import pytest\n@pytest.mark.{marker}\ndef test_it(m10):\n    pass\n"
        for number, marker in enumerate(MISTAKES)
    }
    texts = {"test_ppp": PPP, "test_numbers": NUMBER, "test_models": MODEL, "test_messages": MESSAGES, **mistakes}
    done = run(tmp_path_factory.mktemp("all"), "--m10-seed", "4711", "-rA", **texts)
    lines = done.stdout.splitlines()
    summary = lines.index(next(line for line in lines if "short test summary" in line))
    shown = {name: "\n".join(line for line in lines[summary:] if f"{name}.py" in line) for name in texts}
    return {**shown, "all": done.stdout}


def test_a_marker_names_the_program_for_ppp(told: dict[str, str]) -> None:
    assert told["test_ppp"].startswith("PASSED"), told["all"]


def test_a_marker_gives_a_phone_number_and_answers_of_the_network(told: dict[str, str]) -> None:
    assert told["test_numbers"].startswith("PASSED"), told["all"]


def test_a_marker_chooses_the_model_and_its_multiplexer_is_opened_as_that_needs_it(told: dict[str, str]) -> None:
    assert told["test_models"].startswith("PASSED"), told["all"]


def test_a_failure_tells_the_seed(told: dict[str, str]) -> None:
    assert "--m10-seed 4711" in told["all"]


def test_a_failure_shows_the_messages_that_were_sent_and_what_passes_does_not(told: dict[str, str]) -> None:
    assert {line.split()[0] for line in told["test_messages"].splitlines()} == {"FAILED", "PASSED"}
    assert told["all"].count("1. to +4930123456: 'The tank is empty.'") == 1


@pytest.mark.parametrize(("number", "message"), list(enumerate(MISTAKES.values())))
def test_a_mistake_in_a_marker_is_named(told: dict[str, str], number: int, message: str) -> None:
    assert told[f"test_mistake_{number}"].startswith(("FAILED", "ERROR"))
    assert message in told[f"test_mistake_{number}"]
