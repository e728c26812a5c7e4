"""Debian's slirp-fullbolt as the network of a data call: LCP, IPCP, ICMP, UDP and TCP, and every way to hang up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import serial
from ppp_end import PATIENCE, PppEnd
from ppp_internet import Internet
from ppp_programs import wait_until_gone

import cmux
from drivers.emulator import EmulatedModule
from drivers.tcpip import TcpipDriver

SLIRP = "slirp-fullbolt ppp"
pytestmark = [pytest.mark.interop("slirp-fullbolt"), pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """slirp reads ~/.slirprc."""
    monkeypatch.setenv("HOME", str(tmp_path))


def ask(port: serial.SerialBase, command: str, end: str = "OK") -> None:
    """Type a command, and wait for the end of its answer."""
    port.timeout = 10
    port.write(command.encode() + b"\r")
    answer = port.read_until(f"\r\n{end}\r\n".encode())
    assert answer.endswith(f"\r\n{end}\r\n".encode()), answer


def dial(port: serial.SerialBase, command: str = "ATD*99***1#") -> PppEnd:
    """Dial, and bring the link up."""
    ask(port, command, "CONNECT")
    port.timeout = 0.02
    end = PppEnd(port)
    end.open()
    return end


def slirps(parent: int) -> list[int]:
    """Return the processes of slirp that a process has started (Linux)."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            of = int((entry / "stat").read_text().rpartition(")")[2].split()[1]) if b"slirp-fullbolt" in words else 0
        except OSError:  # it has ended meanwhile
            continue
        if of == parent and not words.endswith(b".py"):
            found.append(int(entry.name))
    return found


@contextmanager
def udp_echo() -> Iterator[tuple[int, Callable[[], None]]]:
    """A server for datagrams; gives its port and the call that answers one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)

        def answer() -> None:
            data, address = server.recvfrom(2048)
            server.sendto(data, address)

        yield server.getsockname()[1], answer


def carry_everything(link: PppEnd) -> None:
    """An echo, a datagram there and back, and a connection to a server of this computer."""
    host = Internet(link)
    assert link.address == bytes((10, 0, 2, 15))
    host.ping(1, b"an echo \x7e\x7d\x11\x13")
    with udp_echo() as (port, answer):
        host.datagram(4000, port, b"\x7d\x7e datagram" * 40)
        answer()
        link.until(lambda: host.datagrams, "a datagram")
        assert host.datagrams == [(port, 4000, b"\x7d\x7e datagram" * 40)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = host.connect(5000, server.getsockname()[1])
        peer, _ = server.accept()
        with peer:
            peer.settimeout(PATIENCE)
            every = bytes(range(256)) * 20
            connection.sendall(every)
            heard = b""
            while len(heard) < len(every):
                heard += peer.recv(65536)
            assert heard == every
            peer.sendall(every[::-1])
            assert connection.recv(len(every)) == every[::-1]
        connection.close()
    link.echo()


def test_a_link_on_a_channel_carries_icmp_udp_and_tcp() -> None:
    with EmulatedModule(ppp=SLIRP) as module, cmux.open(module.serve_pty()) as mux:
        port = mux.channel(1)
        link = dial(port, "ATDT*99#")
        assert port.cd
        carry_everything(link)
        link.terminate()
        link.until(lambda: link.terminated, "the end of LCP")


def test_a_link_on_the_plain_uart_carries_icmp_udp_and_tcp() -> None:
    with EmulatedModule(ppp=SLIRP) as module, serial.serial_for_url(module.serve_pty()) as port:
        carry_everything(dial(port, 'AT+CGDATA="PPP",1'))


def test_a_link_on_a_slow_line_carries_icmp_udp_and_tcp() -> None:
    with EmulatedModule(ppp=SLIRP, line_rate=115200) as module, cmux.open(module.serve_pty()) as mux:
        carry_everything(dial(mux.channel(1)))


def test_commands_and_a_session_of_the_other_context_go_on_beside_a_link() -> None:
    with (
        EmulatedModule(ppp=SLIRP) as module,
        cmux.open(module.serve_pty()) as mux,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        link, second = dial(mux.channel(1)), mux.channel(2)
        host = Internet(link)
        with TcpipDriver(mux.channel(3), context=1, apn="CMNET") as driver:
            session = driver.connect("TCP", "127.0.0.1", server.getsockname()[1])
            peer, _ = server.accept()
            connection = host.connect(5000, server.getsockname()[1])
            other, _ = server.accept()
            with peer, other:
                for number in range(10):
                    data = b"%d " % number * 100
                    host.ping(number, data)
                    session.sendall(data)
                    assert peer.recv(len(data), socket.MSG_WAITALL) == data
                    connection.sendall(data)
                    assert other.recv(len(data), socket.MSG_WAITALL) == data
                    peer.sendall(data)
                    assert session.recv(len(data)) == data
                    other.sendall(data)
                    assert connection.recv(len(data)) == data
                    ask(second, "AT+CSQ")
            ask(second, "AT+QIFGCNT=0", "ERROR")  # the context of the call


def escape_and_hang_up(port: serial.SerialBase) -> None:
    time.sleep(0.6)  # the silence before +++
    port.write(b"+++")
    port.timeout = 10
    assert port.read_until(b"\r\nOK\r\n").endswith(b"\r\nOK\r\n")
    ask(port, "ATH")


def drop_dtr(port: serial.SerialBase) -> None:
    port.dtr = False
    port.timeout = 10
    assert port.read_until(b"\r\nNO CARRIER\r\n").endswith(b"\r\nNO CARRIER\r\n")
    port.dtr = True


def end_program(port: serial.SerialBase) -> None:
    (process,) = slirps(os.getpid())
    os.kill(process, signal.SIGTERM)
    port.timeout = 10
    assert port.read_until(b"\r\nNO CARRIER\r\n").endswith(b"\r\nNO CARRIER\r\n")


@pytest.mark.parametrize("hang_up", [escape_and_hang_up, drop_dtr, end_program])
def test_after_hanging_up_no_process_is_left_and_the_next_call_works_at_once(
    hang_up: Callable[[serial.SerialBase], None],
) -> None:
    with EmulatedModule(ppp=SLIRP) as module, cmux.open(module.serve_pty()) as mux:
        port = mux.channel(1)
        ask(port, "AT&D2")
        for _ in range(2):
            link = dial(port)
            (process,) = slirps(os.getpid())
            hang_up(port)
            assert not port.cd
            wait_until_gone(process)
        link = dial(port)
        Internet(link).ping(1, b"again")


@pytest.mark.parametrize("end", ["DISC", "CLD", "reset", "module"])
def test_with_the_channel_the_multiplexer_or_the_module_the_process_ends(end: str) -> None:
    with ExitStack() as stack:
        module = stack.enter_context(EmulatedModule(ppp=SLIRP))
        line = stack.enter_context(ExitStack())
        mux = line.enter_context(cmux.open(module.serve_pty()))
        port = mux.channel(1)
        dial(port)
        (process,) = slirps(os.getpid())
        if end == "DISC":
            port.close()
        elif end == "CLD":
            line.close()
        elif end == "reset":
            module.trigger("reset")
        else:
            stack.close()
            assert not slirps(os.getpid())
        wait_until_gone(process)


def test_killing_the_program_of_the_module_leaves_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "drivers", "emulate", "--pty", str(tmp_path / "m10"), "--ppp", SLIRP]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as emulate:
        assert emulate.stdout is not None
        assert emulate.stdout.readline().startswith(b"ready")
        with serial.serial_for_url(str(tmp_path / "m10")) as port:
            dial(port)
            (process,) = slirps(emulate.pid)
            emulate.kill()
            emulate.wait(PATIENCE)
            wait_until_gone(process)
