"""``gsm0710 attach --tcp``: a raw TCP port for each channel, for programs and systems without pseudo-terminals."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from attached import Attach
from mux_leaks import nothing_left
from mux_module import Module
from plugged import plugged
from raw_clients import PATIENCE, Client, StalledUart, free_ports

from cmux.cli import main
from cmux.cli.line_options import LineOptions
from cmux.threads.tcp_bridge import TcpBridge, listen, shown
from drivers.cli import main as gsm0710

__all__ = ["nothing_left"]

Captured = pytest.CaptureFixture[str]
ANY = "127.0.0.1:0"


def test_it_says_each_channel_with_its_address_and_then_ready() -> None:
    first = free_ports(2)
    with Module() as module, Attach(module.path, "--channels", "1,3", "--tcp", f"127.0.0.1:{first}").ready() as attach:
        assert attach.lines == [f"1 127.0.0.1:{first}", f"3 127.0.0.1:{first + 1}", "ready"]


@pytest.mark.parametrize("given", [ANY, ":0", "localhost:0"])
def test_port_0_picks_each_and_the_loopback_is_meant_unless_told(given: str) -> None:
    with Module() as module, Attach(module.path, "--tcp", given).ready() as attach:
        hosts, ports = zip(*(path.rsplit(":", 1) for path in attach.paths.values()), strict=True)
        assert {*hosts} <= {"127.0.0.1", "[::1]"}
        assert len({*ports} - {"0"}) == 4


def test_clients_talk_on_every_channel_at_once_and_every_octet_passes_unchanged() -> None:
    sent = bytes(range(256)) * 8
    with Module() as module, Attach(module.path, "--tcp", ANY).ready() as attach:
        for _ in range(2):
            clients = [Client(path) for path in attach.paths.values()]
            for client in clients:
                client.send(sent)
            for client in clients:
                assert client.read(len(sent)) == sent
                client.socket.close()


def test_a_second_client_is_closed_at_once_and_the_next_is_served_when_the_first_has_left() -> None:
    with Module() as module, Attach(module.path, "--channels", "1", "--tcp", ANY).ready() as attach:
        path = attach.paths[1]
        with Client(path) as first:
            first.send(b"first")
            assert first.read(5) == b"first"
            with Client(path) as second:
                assert second.hung_up()
            first.send(b"still")
            assert first.read(5) == b"still"
            first.socket.shutdown(socket.SHUT_WR)  # it has left
            assert first.hung_up()
        with Client(path) as third:
            third.send(b"third")
            assert third.read(5) == b"third"


def test_what_comes_while_there_is_no_client_is_kept_for_the_next() -> None:
    with Module() as module, Attach(module.path, "--channels", "1", "--tcp", ANY).ready() as attach:
        module.run(lambda core, now: module.feed(1, b"RING"))
        with Client(attach.paths[1]) as client:
            assert client.read(4) == b"RING"


def test_a_client_that_has_left_while_the_peer_takes_nothing_makes_room() -> None:
    uart = StalledUart()
    bridge = TcpBridge(cast(Any, uart), listen("127.0.0.1", 0))
    bridge.start()
    try:
        with Client(bridge.path) as killed:
            killed.send(b"one")
            assert uart.stalled.wait(PATIENCE)
            killed.send(b"two")
        with Client(bridge.path) as following:
            following.send(b"three")
            uart.go_on()
            while uart.written != b"onetwothree":
                assert uart.took.wait(PATIENCE)
                uart.took.clear()
    finally:
        bridge.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_hangs_up_and_leaves_the_module_in_at_mode(number: int) -> None:
    with Module() as module, Attach(module.path, "--tcp", ANY).ready() as attach:
        with Client(attach.paths[1]) as client:
            assert attach.end(number) == (0, "")
            assert client.hung_up()
        assert not module.in_mux


def test_the_line_dies_and_so_does_it_with_one_line_that_says_why() -> None:
    with (
        Module() as module,
        Attach(module.path, "--tcp", ANY, "-q").ready() as attach,
        Client(attach.paths[2]) as client,
    ):
        module.stop()
        code, stderr = attach.end(None)
        assert client.hung_up()
    assert code == 1
    (line,) = stderr.splitlines()
    assert "the line died" in line


def test_with_reattach_a_client_stays_and_talks_to_the_module_that_comes_back(tmp_path: Path) -> None:
    link = tmp_path / "device"
    with Module() as first, plugged(link, first.path):
        attach = Attach(str(link), "--channels", "1", "--tcp", ANY, "--reattach").ready()
        client = Client(attach.paths[1])
        client.send(b"one")
        assert client.read(3) == b"one"
    with attach, client:
        attach.wait_for("hung up")
        with Module() as second, plugged(link, second.path):
            client.send(b"two")
            assert client.read(3) == b"two"
            assert attach.end()[0] == 0


def test_as_responder_the_ports_are_there_before_the_peer() -> None:
    master, slave = os.openpty()
    arguments = ("--role", "responder", "--startup", "none", "--tcp", ANY)
    with Attach(os.ttyname(slave), *arguments).ready() as attach:
        assert len(attach.paths) == 4
        with Client(attach.paths[1]):
            assert attach.end() == (0, "")
    os.close(master)
    os.close(slave)


def test_lines_of_a_file_have_the_key_tcp(tmp_path: Path) -> None:
    with Module() as first, Module() as second:
        file = tmp_path / "lines.toml"
        file.write_text(
            f'[a]\nport = "{first.path}"\nchannels = [1]\ntcp = "{ANY}"\n'
            f'[b]\nport = "{second.path}"\nchannels = [2]\nlink = "{tmp_path}/b"\n'
        )
        with Attach("--config", str(file)).ready() as attach:
            assert attach.paths[2] == f"{tmp_path}/b2"
            with Client(attach.paths[1]) as client:
                client.send(b"through")
                assert client.read(7) == b"through"


class Full(socket.socket):
    """A listening socket of a process that has too many files."""

    tried = 0
    first = threading.Event()

    def accept(self) -> Any:
        """See `socket.socket`."""
        self.tried += 1
        self.first.set()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_a_client_for_whom_there_is_no_room_is_not_tried_again_at_once() -> None:
    listener = Full(fileno=listen("127.0.0.1", 0).detach())
    bridge = TcpBridge(cast(Any, StalledUart()), listener)
    bridge.start()
    with socket.create_connection(listener.getsockname()):
        assert listener.first.wait(PATIENCE)
        time.sleep(0.05)
        bridge.close()
    assert 1 <= listener.tried <= 2


# --- What is not possible ---

WRONG = {
    "no port": ("127.0.0.1", "--tcp '127.0.0.1': is not HOST:PORT with a port from 0 to 65535"),
    "a word": ("127.0.0.1:at", "--tcp '127.0.0.1:at': is not HOST:PORT with a port from 0 to 65535"),
    "too high": ("127.0.0.1:65536", "--tcp '127.0.0.1:65536': is not HOST:PORT with a port from 0 to 65535"),
    "digits of another script": ("127.0.0.1:\u0661", "is not HOST:PORT with a port from 0 to 65535"),
    "too many": ("127.0.0.1:65533", "--tcp '127.0.0.1:65533': 4 ports from 65533 on exceed 65535"),
    "two ports": ("host:1:2", "--tcp 'host:1:2': is not HOST:PORT with a port from 0 to 65535"),
    "an empty label": ("a..b:1", "--tcp 'a..b:1': is not HOST:PORT with a port from 0 to 65535"),
    "too long a label": (f"{'x' * 64}.y:1", "is not HOST:PORT with a port from 0 to 65535"),
    "no address of IPv6": ("[1:2]:3", "--tcp '[1:2]:3': is not HOST:PORT with a port from 0 to 65535"),
    "nothing": ("", "--tcp '': is not HOST:PORT with a port from 0 to 65535"),
}


@pytest.mark.parametrize(("given", "said"), WRONG.values(), ids=WRONG)
def test_an_address_that_is_none_is_wrong_usage(capsys: Captured, given: str, said: str) -> None:
    assert main(["attach", "/dev/x", "--tcp", given]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_links_and_ports_exclude_each_other(capsys: Captured, tmp_path: Path) -> None:
    assert main(["attach", "/dev/x", "--tcp", ANY, "--link", "/run/m"]) == 2
    assert f"--link '/run/m' and --tcp '{ANY}' exclude each other" in capsys.readouterr().err
    file = tmp_path / "lines.toml"
    file.write_text(f'[a]\nport = "/dev/x"\ntcp = "{ANY}"\nlink = "/run/m"\n')
    assert main(["attach", "--config", str(file)]) == 1
    assert f"{file}: [a]: link = '/run/m' and tcp = '{ANY}' exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("value", [7001, True, ["127.0.0.1:0"]])
def test_an_address_is_a_string(value: object) -> None:
    with pytest.raises(ValueError, match="is not a string"):
        LineOptions(port="/dev/x", tcp=value)  # type: ignore[arg-type]


def test_a_port_that_is_taken_is_named_before_the_line_is_opened(capsys: Captured) -> None:
    with Module() as module, socket.create_server(("127.0.0.1", 0)) as other:
        where = shown(other)
        assert main(["attach", module.path, "--channels", "1", "--tcp", where]) == 1
        assert module.commands == []
    assert capsys.readouterr().err == f"python -m cmux attach: {where}: Address already in use\n"


@pytest.mark.parametrize("given", ["192.0.2.1:0", "nosuch.invalid:0"])
def test_an_address_of_another_machine_is_named(capsys: Captured, given: str) -> None:
    with Module() as module:
        assert main(["attach", module.path, "--tcp", given]) == 1
        assert module.commands == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"python -m cmux attach: {given}: ")
    assert "Errno" not in line


def test_without_pseudo_terminals_it_is_what_is_suggested(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with Module() as module:
        monkeypatch.delattr(os, "openpty")
        assert main(["attach", module.path]) == 1
        assert module.commands == []
    assert "this system has no pseudo-terminals: --tcp 127.0.0.1:7001" in capsys.readouterr().err


def test_what_is_suggested_exists_where_it_is_suggested(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    file = tmp_path / "lines.toml"
    monkeypatch.delattr(os, "openpty")
    file.write_text('[a]\nport = "/dev/x"\n')
    assert main(["attach", "--config", str(file)]) == 1
    assert f"no pseudo-terminals: {file}: [a]: tcp = '127.0.0.1:7001'" in capsys.readouterr().err
    assert gsm0710(["monitor", "/dev/x", "--link", str(tmp_path / "m")]) == 1
    assert "no pseudo-terminals: attach --tcp 127.0.0.1:7001 offers" in capsys.readouterr().err
