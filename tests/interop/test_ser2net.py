"""ser2net, which nobody here wrote, between host and module: raw TCP on the machine that has the module."""

import os
import select
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import cmux
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.interop("ser2net")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    config = tmp_path / "ser2net.yaml"
    with EmulatedModule(loopback=[2]) as module:
        config.write_text(
            f"connection: &module\n    accepter: tcp,127.0.0.1,{port}\n"
            f"    connector: serialdev,{module.serve_pty()},115200n81,local\n"
        )
        os.mkfifo(tmp_path / "pid")
        listening = os.open(tmp_path / "pid", os.O_RDONLY | os.O_NONBLOCK)
        ser2net = subprocess.Popen(
            ["ser2net", "-n", "-c", config, "-P", tmp_path / "pid"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            assert select.select([listening], [], [], 20)[0]  # it writes its number when it listens
            yield f"socket://127.0.0.1:{port}"
        finally:
            ser2net.kill()
            ser2net.communicate()
            os.close(listening)


@pytest.mark.parametrize("option", ["basic", "advanced"])
def test_a_session_over_ser2net_carries_every_octet(url: str, option: str) -> None:
    for _ in range(2):
        with cmux.open(url, option=option) as mux:
            port = mux.channel(2)
            port.timeout = 30
            sent = bytes(range(256)) * 40
            port.write(sent)
            assert port.read(len(sent)) == sent
