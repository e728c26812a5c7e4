"""``gsm0710 demo`` from the outside, on whole modules and on broken ones."""

from __future__ import annotations

import functools
import io
import itertools
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_modules import BROKEN
from scripted_port import read_transcript
from startup_waits import NOBODY, shorten_waits
from stepped_clock import SteppedClock

from cmux.pty import Pty
from drivers.cli import demo, main
from drivers.cli.demo_steps import DemoStep
from drivers.cli.transcript import Transcript
from drivers.emulator import ERROR, MODELS, Behaviour, EmulatedModule, Form, Network

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts" / "chapter8"
ROWS = [row for part in sorted(TRANSCRIPTS.glob("*.txt")) for row in read_transcript(part)]


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def typed(uart: int, server: bytes, client: bytes) -> list[tuple[str, bytes]]:
    """What one virtual UART says and hears according to the typed transcript, joined by direction."""
    rows = [(direction, octets) for number, direction, octets in ROWS if number == uart]
    return joined(
        (direction, octets.replace(b"10.79.140.214", server).replace(b"10.79.141.126", client))
        for direction, octets in rows
    )


def joined(rows: Iterator[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    result: list[tuple[str, bytes]] = []
    for direction, octets in rows:
        if result and result[-1][0] == direction:
            result[-1] = (direction, result[-1][1] + octets)
        else:
            result.append((direction, octets))
    return result


def test_it_ends_with_ok_and_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("OK")
    assert "\x1b" not in out
    for part in ("VIRTUAL_UART_1 <- Quectel's module is great!", "VIRTUAL_UART_3 <- ERROR", "VIRTUAL_UART_2 <- CLOSED"):
        assert part in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--option advanced", "AT+CMUX=1, advanced option"),
        ("--startup none", ": basic option"),
        ("--startup none --option advanced", ": advanced option"),
        ("--profile m10 --n1 100 --keep-alive test", "AT+CMUX=0, basic option"),
    ],
)
def test_it_takes_the_settings_of_a_line(options: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *options.split()]) == 0
    assert said in capsys.readouterr().out
    assert main(["demo", *options.split(), "--t1", "9"]) == 2
    assert "seconds from 0.01 to 2.55" in capsys.readouterr().err


@pytest.mark.requirement("S8.2", "S8.8", "S8.9", "S8.12", "S8.13", "S8.17")
def test_the_modules_side_of_the_line_is_the_typed_transcript() -> None:
    """Octets of DLCI 1 to 3 as the module got and sent them, against the app note."""
    seen: dict[int, list[tuple[str, bytes]]] = {}
    with EmulatedModule() as module:
        module.on_octets(
            lambda dlci, direction, data: seen.setdefault(dlci, []).append(
                (">" if direction == "received" else "<", data)
            )
        )
        assert main(["-q", "demo", "--port", module.serve_pty()]) == 0
    said = {dlci: joined(iter(rows)) for dlci, rows in seen.items() if dlci}
    (server,) = [octets.strip() for octets in seen_answers(seen[1], b"AT+QILOCIP\r")]
    client = b"".join(octets for direction, octets in seen[1] if direction == "<")
    client = client.partition(b"REMOTE IP: ")[2].partition(b"\r")[0]
    assert sorted(said) == [1, 2, 3]
    set_up = [(">", b"ATE0\r"), ("<", b"ATE0\r\r\nOK\r\n")]
    for uart, rows in said.items():
        assert rows == set_up + typed(uart, server, client)


def seen_answers(rows: list[tuple[str, bytes]], command: bytes) -> list[bytes]:
    """What followed a command."""
    return [after[1] for row, after in itertools.pairwise(rows) if row == (">", command)]


STEPS = """
8.2 1) 1: AT+QIFGCNT=0 OK AT+QICSGP=1,"CMNET" OK AT+QIMUX=0 OK AT+QIMODE=0 OK AT+QIDNSIP=0 OK
8.2 1) 1: AT+QISERVER OK SERVER_OK
8.2 1) 1: AT+QILOCIP ADDRESS
8.1 3: AT+QIFGCNT=0 ERROR
8.2 2) 2: AT+QIFGCNT=1 OK AT+QICSGP=1,"CMNET" OK AT+QIMUX=0 OK AT+QIMODE=0 OK
8.2 2) 2: AT+QIOPEN="TCP",_"ADDRESS",2020 OK CONNECT_OK
8.2 2) 1: REMOTE_IP:_CLIENT
8.3 1: AT+QISRVC=2 OK AT+QISEND > Hello,_welcome_to_use_Quectel's_module<Ctrl+Z> ECHO SEND_OK
8.3 2: Hello,_welcome_to_use_Quectel's_module
8.3 2: AT+QISRVC=1 OK AT+QISEND=26 > Quectel's_module_is_great! ECHO SEND_OK
8.3 1: Quectel's_module_is_great!
8.4 1) 1: AT+QISRVC? +QISRVC:_2 OK AT+QICLOSE CLOSE_OK
8.4 1) 2: CLOSED
8.4 2) 2: AT+QIDEACT DEACT_OK
8.4 1) 1: AT+QIDEACT DEACT_OK
8.1 3: AT+QIFGCNT=0 OK
"""
"""Section, UART and lines of each step: chapter 8 of the app note, the third UART of 8.1, and context 0 at the end."""

HEADING = re.compile(r"§(.*) VIRTUAL_UART_([123]): .+")
LINE = re.compile(r"  VIRTUAL_UART_([123]) (?:->|<-) (.*)")


def steps(text: str) -> list[tuple[str, str, list[str]]]:
    """Section, UART and lines of each step as the demo shows them; a line of another UART breaks it."""
    found: list[tuple[str, str, list[str]]] = []
    for line in text.splitlines():
        if heading := HEADING.fullmatch(line):
            found.append((heading[1], heading[2], []))
        elif found and (shown := LINE.fullmatch(line)):
            assert shown[1] == found[-1][1], (found[-1], line)
            found[-1][2].append(shown[2].strip())
    return found


@pytest.mark.requirement("S8.9", "S8.10", "S8.12", "S8.13", "S8.16", "S8.17")
@pytest.mark.parametrize("reach", ["own", "pty", "tcp"])
@pytest.mark.parametrize("option", ["basic", "advanced"])
def test_each_step_shows_what_the_app_note_has_under_it(
    reach: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with EmulatedModule() as module:
        url = module.serve_pty() if reach == "pty" else f"socket://{module.serve_tcp()}"
        assert main(["demo", "--option", option, *([] if reach == "own" else ["--port", url])]) == 0
    shown = steps(capsys.readouterr().out)
    (server,) = {lines[1] for _, _, lines in shown if lines[0] == "AT+QILOCIP"}
    (client,) = {lines[0].split()[-1] for _, _, lines in shown if lines[0].startswith("REMOTE IP: ")}
    wanted = STEPS.replace("ADDRESS", server).replace("CLIENT", client).strip().splitlines()
    for (section, uart, lines), row in zip(shown, wanted, strict=True):
        place, _, texts = row.partition(": ")
        assert place == f"{section} {uart}"
        expected = [text.replace("_", " ") for text in texts.split(" ")]
        if "ECHO" in expected:  # of the payload, which a terminal shows and the app note does not print again
            echo = expected.index("ECHO")
            expected[echo] = expected[echo - 1].removesuffix("<Ctrl+Z>")
        assert lines == expected


def test_what_a_uart_says_between_its_steps_is_shown_under_the_next_one() -> None:
    out = io.StringIO()
    transcript = Transcript(out, colour=False, as_json=False)
    one, two = transcript.tap(1), transcript.tap(2)

    def step(uart: int) -> None:
        transcript.step(DemoStep("name", "8.2", uart, "title"))

    step(2)
    two("tx", b"AT+QIOPEN\r")
    one("rx", b"\r\nREMOTE")
    two("rx", b"\r\nOK\r\n")
    one("rx", b" IP: 1\r\nte")
    step(1)
    one("rx", b"xt")
    two("rx", b"\r\nlate\r\n")
    one("tx", b"AT\r")
    step(1)
    transcript.end(False, "FAILED")
    assert out.getvalue().replace("  (set-up)", "").splitlines() == [
        "",
        "§8.2 VIRTUAL_UART_2: title",
        "  VIRTUAL_UART_2 -> AT+QIOPEN",
        "  VIRTUAL_UART_2 <- OK",
        "",
        "§8.2 VIRTUAL_UART_1: title",
        "  VIRTUAL_UART_1 <- REMOTE IP: 1",
        "  VIRTUAL_UART_1 <- text",
        "  VIRTUAL_UART_1 -> AT",
        "",
        "§8.2 VIRTUAL_UART_1: title",
        "  VIRTUAL_UART_2 <- late",
        "",
        "FAILED",
    ]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_step_is_named_and_ends_with_1(
    broken: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SteppedClock()
    monkeypatch.setattr(demo, "play", functools.partial(demo.play, patience=20, clock=clock))
    kind, step = BROKEN[broken]
    with kind() as module, clock.passing(1000, 1.0):
        assert main(["demo", "--port", module.serve_pty()]) == 1
    said = capsys.readouterr()
    assert repr(step) in said.err
    assert said.err.count("\n") == 1
    assert said.out.splitlines()[-1].startswith("FAILED")


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[-1] == {"ok": True, "steps": 16}
    to_two = b"".join(bytes.fromhex(row["octets"]) for row in rows if row.get("uart") == 2 and "octets" in row)
    assert b"Hello, welcome to use Quectel's module" in to_two
    assert next(row["step"] for row in rows if "step" in row) == "claim context 0"


# -- an LTE module ---------------------------------------------------------------------------------------------------

OF_LTE = """
activate context 1 1: AT+QIACT=1 OK AT+QIACT? +QIACT:_1,1,1,"ADDRESS" OK
listen 1: AT+QIOPEN=1,0,"TCP_LISTENER","127.0.0.1",0,2020,0 OK +QIOPEN:_0,0
activate context 2 2: AT+QIACT=2 OK
connect 2: AT+QIOPEN=2,1,"TCP","ADDRESS",2020,0,0 OK +QIOPEN:_1,0
incoming 1: +QIURC:_"incoming",11,0,"CLIENT",
send with Ctrl-Z 1: AT+QISEND=11 > Hello,_welcome_to_use_Quectel's_module<Ctrl+Z> SEND_OK
receive on VIRTUAL_UART_2 2: +QIURC:_"recv",1 +QIRD:_38 Hello,_welcome_to_use_Quectel's_module OK
send fixed length 2: AT+QISEND=1,26 > Quectel's_module_is_great! SEND_OK
receive on VIRTUAL_UART_1 1: +QIURC:_"recv",11 +QIRD:_26 Quectel's_module_is_great! OK
close 1: AT+QICLOSE=11, OK
closed 2: +QIURC:_"closed",1 AT+QICLOSE=1, OK
close the listener 1: AT+QICLOSE=0, OK
deactivate context 2 2: AT+QIDEACT=2 OK
deactivate context 1 1: AT+QIDEACT=1 OK
"""
"""Step, UART, and how the lines begin that have to be among its own, in this order: chapters 2 to 4 of the manual."""


def lines_of_steps(text: str) -> dict[str, tuple[int, list[str]]]:
    """The UART of each step and the lines under it, from the objects of ``--json``."""
    found: dict[str, tuple[int, list[str]]] = {}
    for row in map(json.loads, text.splitlines()):
        if "step" in row:
            name = row["step"]
            found[name] = (row["uart"], [])
        elif found and row.get("uart") == found[name][0]:
            octets = bytes.fromhex(row["octets"]).decode().replace("\x1a", "<Ctrl+Z>").strip()
            found[name][1].extend([octets] * bool(octets))
    return found


@pytest.mark.requirement("L7.1", "L7.2", "L5.1", "L6.1")
@pytest.mark.parametrize("model", ["bg96", "ec25"])
def test_on_an_lte_module_both_texts_get_across_between_two_contexts(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--model", model, "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out.splitlines()[-1]) == {"ok": True, "steps": 18}
    shown = lines_of_steps(out)
    address = next(line.split('"')[1] for line in shown["activate context 1"][1] if line.startswith("+QIACT"))
    client = next(line.split('"')[3] for line in shown["incoming"][1] if '"incoming"' in line)
    assert client != address
    wanted = OF_LTE.replace("ADDRESS", address).replace("CLIENT", client).strip().splitlines()
    for row in wanted:
        place, _, texts = row.partition(": ")
        step, _, uart = place.rpartition(" ")
        assert shown[step][0] == int(uart)
        lines = iter(shown[step][1])
        for text in (part.replace("_", " ") for part in texts.split(" ")):
            assert any(line.startswith(text) for line in lines), (step, text, shown[step])


@pytest.mark.requirement("L2.14")
def test_who_is_refused_on_an_lte_module_has_asked_it_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with EmulatedModule(model="bg96") as module:
        heard: list[bytes] = []
        module.on_octets(lambda dlci, direction, octets: heard.append(octets) if (dlci, direction) == WANTED else None)
        assert main(["demo", "--model", "bg96", "--port", module.serve_pty()]) == 0
    out = capsys.readouterr().out
    refused = out.partition("VIRTUAL_UART_3: ask for context 1: the host")[2].partition("\n\n")[0]
    assert "VIRTUAL_UART_3 ->" not in refused
    assert b"".join(heard).startswith(b"ATE0\rAT+QISTATE?\r")  # when it was granted


WANTED = (3, "received")


def test_a_step_of_an_lte_module_that_fails_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with EmulatedModule(model="bg96") as module:
        module.set_network(Network(accepts=False))
        assert main(["demo", "--model", "bg96", "--port", module.serve_pty()]) == 1
    said = capsys.readouterr()
    assert "'activate context 1'" in said.err
    assert said.err.count("\n") == 1


def test_the_frames_of_an_lte_module_are_captured_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = str(tmp_path / "two-contexts.pcapng")
    assert main(["-q", "demo", "--model", "ec25", "--capture", capture]) == 0
    assert main(["decode", capture]) == 0
    assert "AT+QIOPEN=2,1" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["demo", "emulate"])
def test_a_model_is_one_of_those_that_can_be_emulated(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert ", ".join(MODELS) in " ".join(capsys.readouterr().out.split())
    assert main([command, "--model", "bg97"]) == 2
    assert "bg97" in capsys.readouterr().err


@pytest.mark.parametrize("reach", ["tcp", "pty"])
def test_port_takes_any_url(reach: str) -> None:
    with EmulatedModule() as module:
        url = module.serve_pty() if reach == "pty" else f"socket://{module.serve_tcp()}"
        assert main(["-q", "demo", "--port", url]) == 0


def test_it_can_be_played_twice_on_one_module() -> None:
    with EmulatedModule() as module:
        link = module.serve_pty()
        assert main(["-q", "demo", "--port", link]) == 0
        assert main(["-q", "demo", "--port", link]) == 0


@pytest.mark.interop("tshark")
def test_tshark_reads_its_capture_with_nothing_malformed(tmp_path: Path) -> None:
    capture = tmp_path / "chapter8.pcapng"
    assert main(["-q", "demo", "--capture", str(capture)]) == 0
    command = ["tshark", "-r", str(capture), "-T", "fields", "-e", "_ws.malformed", "-e", "mux27010.checksum_correct"]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(rows) > 80
    assert {row.split("\t")[0] for row in rows} == {""}
    assert {row.split("\t")[1] for row in rows} <= {"True", "1"}


def test_a_port_that_does_not_exist_is_one_line_and_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["demo", "--port", str(tmp_path / "nothing")]) == 1
    said = capsys.readouterr().err
    assert str(tmp_path / "nothing") in said
    assert said.count("\n") == 1


def test_a_port_on_which_nobody_answers_is_one_line_and_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_waits(monkeypatch, NOBODY)
    pty = Pty()
    try:
        assert main(["demo", "--port", pty.path]) == 1
    finally:
        pty.close()
    said = capsys.readouterr().err
    assert pty.path in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("answer", "part"), [(b"", "OK received, no UA"), (bytes.fromhex("F9 03 1F 01 36 F9"), "was refused (DM)")]
)
def test_ok_but_no_ua_and_a_refused_control_channel_are_told_apart(
    answer: bytes, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module that says OK to everything, and to SABM on DLCI 0 what the table says."""
    pty = Pty()
    os.set_blocking(pty.master, True)

    def serve() -> None:
        while octets := os.read(pty.master, 1000):
            if octets == b"end":
                return
            if b"\xf9\x03\x3f" in octets:
                os.write(pty.master, answer)
            elif b"\xf9" not in octets:
                os.write(pty.master, octets + b"\r\nOK\r\n")

    server = threading.Thread(target=serve)
    server.start()
    try:
        assert main(["demo", "--port", pty.path]) == 1
    finally:
        slave = os.open(pty.path, os.O_WRONLY | os.O_NOCTTY)
        os.write(slave, b"end")
        server.join()
        os.close(slave)
        pty.close()
    said = capsys.readouterr().err
    assert part in said
    assert said.count("\n") == 1


def test_a_module_whose_channels_answer_error_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    class Refusing(EmulatedModule):
        commands = EmulatedModule.commands.replaced("E", Form.EXECUTE, lambda call: ERROR)

    with Refusing() as module:
        assert main(["demo", "--port", module.serve_pty()]) == 1
    said = capsys.readouterr().err
    assert "step 'set-up' failed" in said
    assert said.count("\n") == 1


def test_a_slow_module_is_waited_for_with_a_sign_of_life(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "_PROGRESS", 0.05)
    with EmulatedModule(behaviour=Behaviour(activation_time=0.3)) as module:
        assert main(["demo", "--port", module.serve_pty()]) == 0
    assert "still waiting for the module" in capsys.readouterr().out


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_closed_streams_are_no_traceback(stream: str) -> None:
    redirect = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-"}[stream]
    command = f"exec {sys.executable} -m drivers decode - --format json {redirect}"
    done = subprocess.run(["sh", "-c", command], input=b"F9 03 3F 01 1C F9", capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == (stream == "stdin")  # nothing comes from it, so there is no frame


@pytest.mark.parametrize("arguments", [["demo", "--nonsense"], ["demo", "--baudrate", "x"], ["emulate"]])
def test_a_usage_error_is_2(arguments: list[str]) -> None:
    assert main(arguments) == 2


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "demo" in capsys.readouterr().out
