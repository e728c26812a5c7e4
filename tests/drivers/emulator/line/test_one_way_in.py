"""A module has one UART: which ways in can stand side by side, and what the others are told."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from cmux.pty import Pty
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ptys are POSIX")

WAYS: dict[str, Callable[[EmulatedModule, str], object]] = {
    "serve_pty": lambda module, path: module.serve_pty(),
    "serve_tcp": lambda module, path: module.serve_tcp(),
    "serve_serial": lambda module, path: module.serve_serial(path),
    "port": lambda module, path: module.port(timeout=5),
    "connect": lambda module, path: module._on_loop(
        lambda: module._ways_in_running().pair()
    ),  # what connect() makes streams of
}
TOLD = {
    "serve_pty": "the pty .* has it",
    "serve_serial": "the serial line .* has it",
    "serve_tcp": r"the TCP port 127\.0\.0\.1:\d+ has it",
    "port": r"what port\(\) or connect\(\) has returned",
    "connect": r"what port\(\) or connect\(\) has returned",
}
#: Ways that can be had beside another one that is not used now: the first host that connects has the module.
SIDE_BY_SIDE = {
    ("serve_tcp", "serve_tcp"),
    ("serve_tcp", "port"),
    ("serve_tcp", "connect"),
    ("port", "serve_tcp"),
    ("connect", "serve_tcp"),
}


@pytest.fixture
def line() -> Iterator[str]:
    with Pty() as pty:
        yield pty.path


def end(opened: object) -> None:
    if not isinstance(opened, str):
        opened.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("first", WAYS)
def test_a_second_way_in_is_had_or_says_what_has_the_uart(first: str, second: str, line: str) -> None:
    with contextlib.ExitStack() as stack:
        module = stack.enter_context(EmulatedModule())
        opened = WAYS[first](module, line)
        stack.callback(end, opened)
        if (first, second) in SIDE_BY_SIDE:
            stack.callback(end, WAYS[second](module, line))
            return
        url = module.url
        with pytest.raises(RuntimeError, match=f"one UART, and {TOLD[first]}"):
            WAYS[second](module, line)
        assert module.url == url


def test_the_pty_that_was_first_still_answers_when_a_second_one_was_refused(tmp_path: Path) -> None:
    with EmulatedModule() as module:
        path = module.serve_pty(tmp_path / "one")
        with pytest.raises(RuntimeError, match=f"the pty {path}"):
            module.serve_pty(tmp_path / "two")
        assert not (tmp_path / "two").is_symlink()
        with serial.Serial(path, timeout=5) as port:
            port.write(b"AT\r")
            assert port.read(9) == b"AT\r\r\nOK\r\n"


def test_a_host_on_the_tcp_port_has_the_module_until_it_leaves() -> None:
    with EmulatedModule() as module:
        host, _, number = module.serve_tcp().rpartition(":")
        with socket.create_connection((host, int(number)), 5) as client:
            client.sendall(b"AT\r")
            assert client.recv(1) == b"A"
            with pytest.raises(RuntimeError, match=f"a host on the TCP port {host}:{number} has it"):
                module.port()


def test_a_way_in_that_could_not_be_opened_has_nothing(tmp_path: Path) -> None:
    with EmulatedModule() as module:
        with pytest.raises(serial.SerialException):
            module.serve_serial("/dev/no-such-port")
        (tmp_path / "file").touch()
        with pytest.raises(FileExistsError):
            module.serve_pty(tmp_path / "file")
        module.serve_pty(tmp_path / "link")


def test_the_next_end_in_this_process_is_had_when_the_former_one_is_closed() -> None:
    with EmulatedModule() as module:
        for _ in range(3):
            with module.port(timeout=5) as port:
                port.write(b"AT\r")
                assert port.read(9) == b"AT\r\r\nOK\r\n"
