"""socat and chat as hosts of the emulated module."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
import serial
from emulator_programs import emulator


@pytest.mark.interop("chat")
def test_a_chat_script_connects_and_a_wrong_pin_aborts_it(tmp_path: Path) -> None:
    with emulator("--pty", tmp_path / "m10") as where, socket.create_server(("127.0.0.1", 0)) as server:
        opening = f'AT+QIOPEN="TCP","127.0.0.1",{server.getsockname()[1]}'.replace('"', '\\"')
        script = ["TIMEOUT", "5", "ABORT", "ERROR", "", "ATE0", "OK", "AT+QIFGCNT=0", "OK", opening, "CONNECT OK", ""]
        assert chat(where, *script) == 0
        connection, _ = server.accept()
        connection.close()
        assert chat(where, "TIMEOUT", "5", "ABORT", "ERROR", "", "AT+CPIN=0000", "OK") == 4  # the first abort string


@pytest.mark.interop("chat")
def test_chat_dials_to_connect_and_says_no_carrier_when_nobody_answers(tmp_path: Path) -> None:
    script = ["TIMEOUT", "5", "ABORT", "BUSY", "ABORT", "ERROR", "ABORT", "NO CARRIER", "", "ATZ", "OK"]
    for first in ("ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0", "ATX4", r"AT+CGDCONT=1,\"IP\",\"internet\""):
        script += [first, "OK"]
    script += ["ATDT*99***1#", "CONNECT", ""]
    with emulator("--pty", tmp_path / "m10", "--ppp", "cat") as where:
        assert chat(where, *script) == 0
        with serial.serial_for_url(where, timeout=10) as port:
            port.write(b"the octets are the program's")
            assert port.read_until(b"program's").lstrip() == b"the octets are the program's"
    with emulator("--pty", tmp_path / "m10") as where:
        assert chat(where, *script) == 6  # the third abort string


@pytest.mark.interop("socat", "chat")
def test_chat_through_socat_over_tcp(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("TIMEOUT 5\n'' ATE0\nOK ATI\nQuectel_M10 AT+CGSN\n861001001234560 ''\n")
    with emulator("--tcp", "127.0.0.1:0") as where:
        command = ["socat", f"TCP:{where}", f"EXEC:chat -f {script},pty,raw,echo=0"]
        done = subprocess.run(command, capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr


@pytest.mark.interop("socat")
def test_lines_piped_through_socat(tmp_path: Path) -> None:
    with emulator("--pty", tmp_path / "m10") as where:
        done = subprocess.run(
            ["socat", "-t", "1", "-", f"{where},raw,echo=0"],
            input=b"ATE0\r\nAT+CSQ\r\n",
            capture_output=True,
            timeout=30,
        )
        assert done.stdout == b"ATE0\r\r\nOK\r\n\r\n+CSQ: 28,0\r\n\r\nOK\r\n"


def chat(path: str, *script: str) -> int:
    """Run a script on a port; returns how it ended."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        return subprocess.run(
            ["chat", *script], stdin=port, stdout=port, stderr=subprocess.DEVNULL, timeout=30
        ).returncode
    finally:
        os.close(port)
