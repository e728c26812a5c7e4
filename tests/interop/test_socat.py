"""socat, which nobody here wrote, on the ptys of ``attach``: raw octets both ways, through a real program."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from attached import Attach

from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.interop("socat")


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[dict[int, str]]:
    with EmulatedModule(loopback=[2]) as module:
        line = module.serve_pty()
        with Attach(line, "--link", f"{tmp_path}/m", "--channels", "1-2").ready() as attach:
            yield attach.paths


def test_socat_sends_every_octet_through_a_looped_back_channel(paths: dict[int, str]) -> None:
    sent = bytes(range(256)) * 40
    socat = subprocess.Popen(
        ["socat", "-t", "30", "-", f"OPEN:{paths[2]},raw,echo=0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert socat.stdin is not None
    assert socat.stdout is not None
    try:
        socat.stdin.write(sent)
        socat.stdin.flush()
        received = b""
        while len(received) < len(sent):
            received += os.read(socat.stdout.fileno(), 4096)
        assert received == sent
    finally:
        socat.kill()
        socat.wait()
        with contextlib.suppress(BrokenPipeError):
            socat.stdin.close()
        socat.stdout.close()


def test_socat_talks_at_again_and_again(paths: dict[int, str]) -> None:
    for _ in range(3):
        done = subprocess.run(
            ["socat", "-T", "1", "-", f"OPEN:{paths[1]},raw,echo=0,crnl"],
            input=b"ATE0\nAT+CGMM\n",
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert b"M10" in done.stdout


@pytest.mark.interop("chat")
def test_chat_talks_at_by_a_script(paths: dict[int, str]) -> None:
    port = os.open(paths[1], os.O_RDWR | os.O_NOCTTY)
    try:
        script = ["TIMEOUT", "10", "ABORT", "ERROR", "", "ATE0", "OK", "AT+CGMM", "M10", "AT+CSQ", "CSQ:", ""]
        done = subprocess.run(
            ["chat", "-v", *script], stdin=port, stdout=port, stderr=subprocess.PIPE, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
    finally:
        os.close(port)
