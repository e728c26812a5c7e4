"""The how-tos that need more than a reader types: servers, programs in place of others, runners of CI.

``https-and-mqtt.md``, ``tests-in-ci.md``, and parts of ``firmware.md`` and ``own-event-loop.md``; ``at-beside-ppp.md``
is in ``tests/interop/test_how_to_ppp.py``.
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import socket
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loopback_mqtt
import pytest
import trustme
import yaml
from driver_lab import PATIENCE, Peer
from emulator_programs import emulator
from loopback_https import web_server

from drivers.emulator import EmulatedModule

ROOT = Path(__file__).parents[1]
HOW_TOS = ROOT / "docs" / "how-to"
PROJECT = ROOT / "docs" / "examples" / "pytest-plugin"

python_blocks: Callable[[Path], list[str]] = runpy.run_path(str(ROOT / "docs" / "python_blocks.py"))["blocks"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")


# -- https-and-mqtt.md -----------------------------------------------------------------------------------------------


@posix
def test_each_library_speaks_tls_over_the_module_as_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    web, broker = "www.example.com", "mqtt.example.com"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(broker).configure_cert(server_side)

    def serve_mqtt(connection: socket.socket) -> None:
        with server_side.wrap_socket(connection, server_side=True) as secure:
            loopback_mqtt.serve(secure)

    with web_server(authority.issue_cert(web), b"over the module") as https, Peer(serve_mqtt) as mqtts:
        routes = {"192.0.2.1:443": f"127.0.0.1:{https}", "192.0.2.2:8883": f"127.0.0.1:{mqtts.port}"}
        with EmulatedModule(hosts={web: "192.0.2.1", broker: "192.0.2.2"}, routes=routes) as module:
            path, names = module.serve_pty(), dict[str, Any]()
            try:
                for block in python_blocks(HOW_TOS / "https-and-mqtt.md"):
                    exec(compile(block.replace("/dev/ttyUSB0", path), "https-and-mqtt.md", "exec"), names)  # noqa: S102
            finally:
                for name in ("driver", "line"):
                    if name in names:
                        names[name].close()
    assert capsys.readouterr().out == "200 15\n200\n200\n"


# -- tests-in-ci.md --------------------------------------------------------------------------------------------------


def github() -> tuple[str, list[str]]:
    """What GitHub runs to install, and to test, once for each entry of its matrix."""
    file = yaml.safe_load((PROJECT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    job = file["jobs"]["tests"]
    steps = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
    tests = [steps["Test"].replace("${{ matrix.module }}", one) for one in job["strategy"]["matrix"]["module"]]
    return steps["Install"].strip(), tests


def gitlab() -> tuple[str, list[str]]:
    """The same of GitLab."""
    job = yaml.safe_load((PROJECT / ".gitlab-ci.yml").read_text(encoding="utf-8"))["tests"]
    ((variable, entries),) = job["parallel"]["matrix"][0].items()
    script = "\n".join(job["script"])
    return "\n".join(job["before_script"]), [script.replace(f"${variable}", one) for one in entries]


def test_github_and_gitlab_do_the_same() -> None:
    assert github() == gitlab()


def test_what_ci_installs_is_a_group_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    (group,) = re.findall(r"--group (\w+)", github()[0])
    assert {"gsm0710", "pytest"} <= set(project["dependency-groups"][group])


@posix
@pytest.mark.parametrize("number", range(len(github()[1])))
def test_what_ci_calls_to_test_passes(number: int, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:asyncio",  # no plugins of this project
    }
    command = ["bash", "-ec", github()[1][number]]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
    assert (copy / "report.xml").exists()


# -- firmware.md -----------------------------------------------------------------------------------------------------


def received(line: socket.socket, until: bytes) -> bytes:
    """Read a line up to some octets."""
    octets = b""
    while until not in octets:
        octets += (more := line.recv(1024))
        assert more, octets
    return octets


def test_the_first_octets_of_a_multiplexer_are_answered_as_the_page_shows() -> None:
    text = (HOW_TOS / "firmware.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(f9 [0-9a-f ]+)`.*? \| (?:`(f9 [0-9a-f ]+)`)?", text, re.MULTILINE)
    assert len(rows) == 3
    with EmulatedModule() as module:
        host, _, port = module.serve_tcp().rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as line:
            line.sendall(b"AT+CMUX=0\r")
            received(line, b"\r\nOK\r\n")
            for sent, answer in rows:
                line.sendall(bytes.fromhex(sent))
                received(line, bytes.fromhex(answer) or b"\r\nOK\r\n")


@posix
def test_the_test_of_firmware_passes_with_a_program_in_place_of_qemu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu = tmp_path / "qemu-system-arm"
    qemu.write_text(
        f"#!{sys.executable}\n"
        "import signal, sys, cmux\n"
        "with cmux.open(sys.argv[-1].replace('tcp:', 'socket://'), settle=0) as mux:\n"
        "    mux.channel(1).write(b'AT+CSQ\\r')\n"
        "    signal.pause()\n"
    )
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    names: dict[str, Any] = {}
    (block,) = python_blocks(HOW_TOS / "firmware.md")
    exec(compile(block, "firmware.md", "exec"), names)  # noqa: S102
    names["test_the_firmware_asks_for_the_signal_on_channel_1"]()


def test_a_module_joins_a_tcp_port_that_a_simulator_offers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as simulator:
        url = f"socket://127.0.0.1:{simulator.getsockname()[1]}"
        with emulator("--port", url) as where:
            assert where == url
            line, _ = simulator.accept()
            with line:
                line.settimeout(PATIENCE)
                line.sendall(b"AT\r")
                received(line, b"\r\nOK\r\n")


@posix
def test_a_module_joins_a_pseudo_terminal_that_a_simulator_has_made() -> None:
    simulator, other = os.openpty()
    try:
        with emulator("--port", os.ttyname(other)):
            os.write(simulator, b"AT\r")
            octets = b""
            while b"\r\nOK\r\n" not in octets:
                octets += os.read(simulator, 1024)
    finally:
        os.close(simulator)
        os.close(other)


# -- own-event-loop.md -----------------------------------------------------------------------------------------------


def test_the_loop_and_the_program_on_it_have_sixty_lines() -> None:
    lines = "".join(python_blocks(HOW_TOS / "own-event-loop.md")).splitlines()
    assert len([line for line in lines if line.strip()]) <= 60
