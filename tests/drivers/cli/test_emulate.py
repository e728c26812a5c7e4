"""``gsm0710 emulate`` as a process of its own: what it prints, how it ends."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial
from forked_programs import Forked
from ppp_programs import ECHO, STUBBORN, wait_until_gone

import cmux
from cmux.pty import Pty
from drivers.cli import emulate, main
from drivers.emulator import Behaviour


@pytest.mark.parametrize("command", ["no-such-program ppp", "/etc/passwd"])
def test_a_program_for_ppp_that_does_not_exist_is_one_line_and_1_before_the_module_starts(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["emulate", "--pty", str(tmp_path / "m10"), "--ppp", command]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert f"--ppp {command.split()[0]}: " in told.err
    assert not os.path.lexists(tmp_path / "m10")


@pytest.mark.parametrize("command", ["", "'not closed"])
def test_what_is_no_command_for_ppp_is_a_mistake_of_usage(command: str, tmp_path: Path) -> None:
    assert main(["emulate", "--pty", str(tmp_path / "m10"), "--ppp", command]) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="pseudo-terminals and sessions are looked at as Linux has them")
@pytest.mark.parametrize("program", [ECHO, STUBBORN], ids=["echo", "stubborn"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_program_for_ppp_ends_with_the_module_however_that_ends(
    program: tuple[str, ...], number: signal.Signals, tmp_path: Path
) -> None:
    with (
        emulating("--pty", str(tmp_path / "m10"), "--ppp", shlex.join(program)) as process,
        serial.serial_for_url(ready(process), timeout=10) as port,
    ):
        port.write(b"ATD*99#\r")
        port.read_until(b"CONNECT\r\n")
        called = int(port.read_until(b".").removesuffix(b"."))
        process.send_signal(number)
        process.wait(10)
        wait_until_gone(called)


@contextmanager
def emulating(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "drivers", "emulate", *arguments]
    with Forked(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    word, _, where = process.stdout.readline().strip().partition(" ")
    assert word == "ready"
    return where


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pty_is_ready_when_it_says_so_and_a_signal_ends_it_with_0(tmp_path: Path, number: signal.Signals) -> None:
    link = tmp_path / "m10"
    with emulating("--pty", str(link)) as process:
        assert ready(process) == str(link)
        with cmux.open(link) as mux:
            port = mux.channel(1)
            port.timeout = 5
            port.write(b"AT\r")
            assert port.read_until(b"OK\r\n").endswith(b"\r\nOK\r\n")
        process.send_signal(number)
        assert process.wait(10) == 0
    assert not os.path.lexists(link)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells whether a pty is somebody's")
def test_the_link_of_a_living_module_is_not_taken_over_and_that_of_a_dead_one_is(tmp_path: Path) -> None:
    link = tmp_path / "m10"
    with emulating("--pty", str(link)) as first:
        ready(first)
        with emulating("--pty", str(link)) as second:
            assert second.wait(10) == 1
            assert second.stderr is not None
            told = second.stderr.read().strip()
            assert "\n" not in told
            assert f"{link} leads to /dev/pts/" in told
        with cmux.open(link):  # the first one is as it was
            pass
        first.kill()
        first.wait(10)
    assert os.path.islink(link)
    with emulating("--pty", str(link)) as third:
        ready(third)
        with cmux.open(link):
            pass


def test_a_tcp_port_is_said_as_bound() -> None:
    with emulating("--tcp", "127.0.0.1:0") as process:
        where = ready(process)
        assert not where.endswith(":0")
        with cmux.open(f"socket://{where}", channels=[1, 2, 3, 4]):
            pass
        process.terminate()
        assert process.wait(10) == 0


def test_several_modules_in_one_process(tmp_path: Path) -> None:
    with emulating("--pty", str(tmp_path / "m"), "--count", "3") as process:
        links = [ready(process) for _ in range(3)]
        assert links == [str(tmp_path / f"m{number}") for number in (1, 2, 3)]
        for link in links:
            with cmux.open(link):
                pass
        process.terminate()
        assert process.wait(10) == 0


def test_each_of_several_modules_is_of_the_model_and_has_its_own_capture(tmp_path: Path) -> None:
    capture = tmp_path / "line.pcapng"
    model = ("--model", "ec25")
    with emulating("--tcp", "127.0.0.1:0", "--count", "2", "--capture", str(capture), *model) as process:
        for where in [ready(process) for _ in range(2)]:
            with cmux.open(f"socket://{where}") as mux:
                port = mux.channel(1)
                port.timeout = 5
                port.write(b"AT+CGMM\r")
                assert b"\r\nEC25\r\n" in port.read_until(b"OK\r\n")
        process.terminate()
        assert process.wait(10) == 0
    assert not capture.exists()
    assert all((tmp_path / f"line{number}.pcapng").stat().st_size > 100 for number in (1, 2))


def test_a_loopback_dlci_sends_back_what_it_gets() -> None:
    with emulating("--tcp", "127.0.0.1:0", "--loopback", "2", "--loopback", "9") as process:
        with cmux.open(f"socket://{ready(process)}") as mux:
            for dlci in (2, 9):
                port = mux.channel(dlci)
                port.timeout = 5
                port.write(bytes(range(256)) * 4)
                assert port.read(1024) == bytes(range(256)) * 4
        process.terminate()
        assert process.wait(10) == 0


def test_from_the_first_octet_in_multiplexer_mode(tmp_path: Path) -> None:
    with emulating("--pty", str(tmp_path / "m"), "--startup", "none", "--option", "advanced") as process:
        with cmux.open(ready(process), startup="none", option="advanced") as mux:
            mux.channel(1)
        process.terminate()
        assert process.wait(10) == 0


def test_it_is_the_module_at_the_end_of_a_serial_line_and_ends_with_1_when_the_line_dies(tmp_path: Path) -> None:
    pty = Pty()
    try:
        with emulating("--port", pty.path) as process:
            assert ready(process) == pty.path
            os.write(pty.master, b"ATE0\r")
            pty.close()
            assert process.wait(10) == 1
            assert process.stderr is not None
            said = process.stderr.read()
            assert said.count("\n") == 1
            assert pty.path in said
    finally:
        pty.close()


def test_faults_rate_names_and_routes_reach_the_module() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = ["--faults", "chunk=1-3,sim=pin", "--seed", "1", "--line-rate", "115200", "--behaviour", "figure1"]
        route = f"192.0.2.1:80=127.0.0.1:{server.getsockname()[1]}"
        with emulating(
            "--tcp", "127.0.0.1:0", *arguments, "--host", "far.example=192.0.2.1", "--route", route
        ) as process:
            with serial.serial_for_url(f"socket://{ready(process)}", timeout=5) as port:
                for command, answer in (
                    ("ATI", b"Quectel_Ltd\r\n\r\nQuectel_M10\r\nRevision:M10R04A02M32_SST\r\n\r\nOK\r\n"),
                    ("AT+CPIN?", b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"),
                    ("AT+CPIN=1234;+QIDNSIP=1", b"Call Ready\r\n"),
                    ('AT+QIOPEN="TCP","far.example",80', b"\r\nCONNECT OK\r\n"),
                ):
                    port.write(command.encode() + b"\r")
                    assert port.read_until(answer).endswith(answer)
            process.terminate()
            assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "one of --pty, --port and --tcp is required"),
        (["--pty", "/tmp/x", "--tcp", "127.0.0.1:0"], "not allowed with"),  # noqa: S108
        (["--pty", "/tmp/x", "--port", "/dev/x"], "not allowed with"),  # noqa: S108
        (["--tcp", "127.0.0.1:0", "--port", "/dev/x"], "not allowed with"),
        (["--tcp", "nonsense"], "'nonsense' is not HOST:PORT"),
        (["--tcp", "127.0.0.1:99999"], "is not HOST:PORT"),
        (["--tcp", "127.0.0.1:0", "--count", "0"], "--count"),
        (["--tcp", "127.0.0.1:0", "--n1", "0"], "--n1: 0 is out of range: 1 to 32767"),
        (["--tcp", "127.0.0.1:0", "--loopback", "62"], "--loopback: 62 is out of range: 1 to 61"),
        (["--tcp", "127.0.0.1:0", "--behaviour", "nonsense"], "is not NAME=VALUE"),
        (["--tcp", "127.0.0.1:0", "--behaviour", "nonsense=1"], "no behaviour is called 'nonsense'"),
        (["--tcp", "127.0.0.1:0", "--nonsense"], "unrecognized"),
        (
            ["--tcp", "127.0.0.1:0", "--model", "bg96", "--behaviour", "figure1"],
            "address_line is one of Quectel GSM modules",
        ),
        (["--tcp", "127.0.0.1:0", "--behaviour", "cgact_hangs=on"], "m10 is a Quectel GSM module"),
        (
            ["--tcp", "127.0.0.1:0", "--model", "m11"],
            "--model: no model is called 'm11'; there are m10, bg96, ec25, eg91",
        ),
        (["--tcp", "127.0.0.1:0", "--faults", "bear=1"], "no fault is called 'bear'"),
        (["--tcp", "127.0.0.1:0", "--route", "127.0.0.1"], "--route"),
        (["--tcp", "127.0.0.1:0", "--route", "a=b"], "is not ADDRESS or ADDRESS:PORT"),
        (["--tcp", "127.0.0.1:0", "--host", "a=b"], "is not an IPv4 address"),
        (["--tcp", "127.0.0.1:0", "--line-rate", "0"], "--line-rate"),
        (["--port", "/dev/x", "--count", "2"], "--count needs --pty or --tcp"),
    ],
)
def test_a_usage_error_is_2_and_says_what(arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulate", *arguments]) == 2
    assert part in capsys.readouterr().err


def test_a_port_that_does_not_exist_is_one_line_and_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["emulate", "--port", str(tmp_path / "nothing")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_behaviours_are_listed_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulate", "--list-behaviours"]) == 0
    out = capsys.readouterr().out
    others = {"result_time": "0.05", "message_interval": "0.2"}  # what programs meet, unlike tests in process
    for name, default, _, _ in Behaviour.describe(family="quectel_gsm"):
        assert f"{name}={others.get(name, default)}" in out


def test_behaviours_of_a_model_are_those_of_its_family_with_what_is_usual_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["emulate", "--list-behaviours", "--model", "bg96"]) == 0
    out = capsys.readouterr().out
    for line in (
        "cmux_settle=0.1  (SECONDS)",
        "msc_after_ua=off  (on|off)",
        "result_time=0.05  (SECONDS)",
        "in_use=urc",
    ):
        assert f"\n{line}" in f"\n{out}"
    assert "recv_from" not in out
    assert "figure1" not in out


def test_interrupting_the_demo_is_130(tmp_path: Path) -> None:
    """A module that never answers AT+QISERVER keeps the demo waiting."""
    with emulating("--pty", str(tmp_path / "m"), "--behaviour", "activation_time=60") as module:
        command = [sys.executable, "-m", "drivers", "demo", "--port", ready(module)]
        with Forked(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if "AT+QISERVER" in line:
                    break
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=20)[1]
            assert (process.returncode, "Traceback" in said) == (130, False), said
        module.terminate()
        assert module.wait(10) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="its loop is woken by any signal")
def test_a_signal_wakes_the_loop_also_at_the_moment_when_it_begins_to_wait() -> None:
    """There no handler in Python runs; what wakes it is an octet that the system's own handler writes."""

    async def woken() -> tuple[int, int]:
        with emulate._signals(asyncio.get_running_loop(), asyncio.Event()):
            during = signal.set_wakeup_fd(-1)
            signal.set_wakeup_fd(during)
        return during, signal.set_wakeup_fd(-1)

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    during, after = asyncio.run(woken())
    assert during >= 0
    assert after == -1
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
