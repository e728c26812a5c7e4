"""What docs/security.md promises about files, sockets and dependencies, over all of the product."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from syntax_trees import tree

from cmux.cli import main

ROOT = Path(__file__).parents[1]


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """All calls in the product: the file, the name that is called, the call."""
    for folder in ("cmux", "drivers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                    yield path.relative_to(ROOT).as_posix(), name, node


# --- Files --------------------------------------------------------------------------------------------------------

WRITERS = {"write_text", "write_bytes", "FileIO", "FileHandler", "NamedTemporaryFile", "mkstemp", "mkdtemp", "mkdir"}
DEVICES = {"os.devnull", "self.slave_name", "link", "port.port"}
"""What is opened for writing and is no file: ends of ptys, serial ports."""


def writes(name: str, call: ast.Call) -> bool:
    """Tell whether a call opens a file for writing."""
    if name in WRITERS:
        return True
    if name not in ("open", "fdopen"):
        return False
    told = [ast.unparse(one) for one in (*call.args[1:], *(one.value for one in call.keywords))]
    flags = any("O_WRONLY" in one or "O_RDWR" in one or "O_CREAT" in one for one in told)
    modes = any(one.strip("'\"") in ("w", "a", "x", "wb", "ab", "xb", "r+", "w+", "r+b", "w+b") for one in told)
    if isinstance(call.func, ast.Attribute) and not flags:  # path.open("w")
        modes |= any(ast.unparse(one).strip("'\"") in ("w", "a", "x", "wb", "ab", "xb") for one in call.args[:1])
    return flags or modes


def test_every_file_that_is_written_is_made_in_one_place() -> None:
    """Which is `cmux.private_files`: 0600, and through no link. What it makes, `test_private_files.py` shows."""
    found = {
        f"{path}: {ast.unparse(call)}"
        for path, name, call in calls()
        if writes(name, call) and path != "cmux/private_files.py" and "os.devnull" not in ast.unparse(call)
        if not (call.args and ast.unparse(call.args[0]) in DEVICES)
    }
    assert found == set()


def test_what_decode_writes_is_its_owners_alone_and_follows_no_link(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "line.hex").write_text("f9 03 3f 01 1c f9\n")
    assert main(["decode", str(tmp_path / "line.hex"), "-o", str(tmp_path / "out")]) == 0
    assert "SABM" in (tmp_path / "out").read_text()
    if sys.platform != "win32":
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
        (tmp_path / "link").symlink_to(tmp_path / "victim")
        assert main(["decode", str(tmp_path / "line.hex"), "-o", str(tmp_path / "link")]) == 1
        assert "it is a symbolic link" in capsys.readouterr().err
        assert not (tmp_path / "victim").exists()


# --- Sockets ------------------------------------------------------------------------------------------------------

LISTENING = {
    "cmux/pty.py": "a name of Linux among local sockets, no address",
    "drivers/cli/control.py": "emulate --control SOCKET: a file that only its owner may connect to",
    "cmux/threads/tcp_bridge.py": "attach --tcp and --metrics HOST:PORT: where told; the loopback without a host",
    "drivers/emulator/line/ways_in.py": "serve_tcp, the loopback by default; emulate --tcp: --allow-network",
    "drivers/emulator/network/connecting.py": "the near end of a session: such an address, where the far end is local",
    "drivers/emulator/network/addresses.py": "the guard of an address out of 127.10.0.0/16",
    "drivers/emulator/network/listening_socket.py": "the server of the emulated module, on such an address",
}
"""Each file that makes a socket that others can reach, and how far."""


def test_every_place_where_a_socket_listens_is_known() -> None:
    found = {
        path
        for path, name, call in calls()
        if name in ("bind", "create_server", "start_server", "create_unix_server")
        or (name == "create_datagram_endpoint" and any(one.arg == "local_addr" for one in call.keywords))
    }
    assert found == set(LISTENING)


LISTENS = """
    import socket, sys
    beyond = []

    def hook(event, arguments):
        if event == "socket.bind" and arguments[0].family != getattr(socket, "AF_UNIX", None):
            if not str(arguments[1][0]).startswith("127.") and arguments[1][0] != "::1":
                beyond.append(arguments[1])

    sys.addaudithook(hook)
    from cmux.cli.argument_types import address
    from cmux.threads.tcp_bridge import listen
    from drivers.cli import main
    from drivers.emulator import EmulatedModule
    from drivers.tcpip import TcpipDriver
    import cmux

    listen(*address(":0")).close()
    for where in ("0", ":0"):
        assert main(["attach", "/nowhere/at/all", "--metrics", where]) == 1
    with EmulatedModule() as module:
        port = "socket://" + module.serve_tcp()
        with cmux.open(port) as mux, TcpipDriver(mux.channel(1), context=0, apn="CMNET") as driver:
            for protocol in ("TCP", "UDP"):
                driver.listen(protocol).close()
                with socket.create_server(("127.0.0.1", 0)) as server:
                    driver.connect(protocol, *server.getsockname()).close()
    assert main(["emulate", "--tcp", "0.0.0.0:0"]) == 2  # without --allow-network
    print("beyond:", beyond)
    listen("0.0.0.0", 0).close()
    print("told:", beyond)
"""


def test_nothing_listens_beyond_the_loopback_unless_it_is_told_to() -> None:
    """In a process of its own, as the hook that sees every bind cannot be taken away."""
    command = [sys.executable, "-c", textwrap.dedent(LISTENS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.stdout.splitlines() == ["beyond: []", "told: [('0.0.0.0', 0)]"], done.stderr


# --- Dependencies -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def audit() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / ".ci" / "audit.py"))


def test_the_table_of_dependencies_is_about_what_is_asked_for(audit: dict[str, Any]) -> None:
    assert audit["documented"]() == audit["dependencies"]() != {}


def test_every_requirement_has_a_lower_bound(audit: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [[one for one in group if isinstance(one, str)] for group in project["dependency-groups"].values()]
    for requirements in (project["build-system"]["requires"], project["project"]["dependencies"], *groups):
        assert audit["lowest"](requirements) is not None
    with pytest.raises(ValueError, match="no lower bound: one"):
        audit["lowest"](["one", "two>=2"])


def test_the_rules_about_security_are_on_everywhere_but_for_what_tests_do() -> None:
    """S101: asserts; S603, S607: tests start programs. A line that breaks another rule says so itself, by noqa."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    excepted = {rule for rules in lint["per-file-ignores"].values() for rule in rules} | set(lint["ignore"])
    assert "S" in lint["select"]
    assert {rule for rule in excepted if re.fullmatch("S[0-9]*", rule)} == {"S101", "S603", "S607"}
    assert not [files for files in lint["per-file-ignores"] if files.startswith(("cmux", "drivers"))]
