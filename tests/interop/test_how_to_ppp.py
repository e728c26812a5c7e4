"""docs/how-to/at-beside-ppp.md: the files and commands of the page, with slirp as the network.

pppd itself needs PPP in the kernel. Where that is not, this process does what pppd does with the path: it opens it,
runs the connect script on it, and speaks PPP.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attached import Attach
from ppp_end import PATIENCE, PppEnd
from ppp_internet import Internet
from ppp_programs import kernel_has_ppp

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from drivers.emulator import EmulatedModule, Uart

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "at-beside-ppp.md").read_text(encoding="utf-8")
SENTENCE = "$GPRMC,120000.00,A,5230.0,N,01324.0,E,0.0,,291126,,,A*5C"
NO_PPP = 4  # pppd: "the kernel does not support PPP"
BAD_OPTION = 2

pytestmark = [pytest.mark.interop("slirp-fullbolt", "chat", "socat"), pytest.mark.timeout(120)]


class GnssUart(Uart):
    """A UART whose third channel is a GNSS receiver: it says where it is, again and again."""

    def attach(self, outlet: object) -> None:
        super().attach(outlet)  # type: ignore[arg-type]
        if self.number == 2:
            self._tell()

    def _tell(self) -> None:
        if self.attached:
            self.announce(SENTENCE)
            environment = self.modem.environment
            environment.clock.call_later(environment.loop, 0.1, self._tell)


class GnssModule(EmulatedModule):
    """A module with a receiver, whose calls slirp answers."""

    uart_class = GnssUart

    def __init__(self) -> None:
        super().__init__(ppp="slirp-fullbolt ppp")


class Bench:
    """The module, `attach` as the page has it, and the files of the page in a folder of the test."""

    def __init__(self, folder: Path, module: GnssModule) -> None:
        self.folder, self.module = folder, module
        files = re.findall(r"^```text\n# /(etc/\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
        self.chat_script, self.peers = (folder / name for name, _ in files)
        for name, text in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(self.here(text), encoding="utf-8")

    def here(self, text: str) -> str:
        """A text of the page with the folder of this test."""
        return text.replace("/tmp/", f"{self.folder}/").replace("/etc/", f"{self.folder}/etc/")  # noqa: S108

    def shown(self, program: str) -> tuple[str, list[str]]:
        """A command of the page, and what stands below it."""
        found = re.search(rf"^\$ (.*{program}.*)\n((?:.*\n)*?)```", PAGE, re.MULTILINE)
        assert found is not None
        return self.here(found[1]), self.here(found[2]).splitlines()

    @property
    def path(self) -> str:
        """The first line of the peers file that is no comment."""
        return self.peers.read_text(encoding="utf-8").splitlines()[0]

    @contextmanager
    def call(self) -> Iterator[int]:
        """Open the path and run the connect script on it, as pppd does; gives its descriptor."""
        script = re.search(r'^connect "(.*)"$', self.peers.read_text(encoding="utf-8"), re.MULTILINE)
        assert script is not None
        terminal = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(terminal)
            done = subprocess.run(["sh", "-c", script[1]], stdin=terminal, stdout=terminal, timeout=60, check=False)
            assert done.returncode == 0
            yield terminal
        finally:
            os.close(terminal)

    def ask(self) -> list[str]:
        """What a terminal shows of the command of the page for the second path."""
        typed, _ = self.shown("socat")
        done = subprocess.run(["bash", "-c", typed], capture_output=True, timeout=60, check=True)
        return done.stdout.decode().replace("\r", "").splitlines()


class Terminal:
    """A descriptor as a port with a short timeout."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int, /) -> bytes:
        ready = select.select([self._descriptor], [], [], 0.02)[0]
        return os.read(self._descriptor, size) if ready else b""

    def write(self, data: bytes, /) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]


def link_on(terminal: int) -> Internet:
    """Bring the link up on a path."""
    end = PppEnd(Terminal(terminal))
    end.open()
    assert end.address == bytes((10, 0, 2, 15))
    return Internet(end)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("HOME", str(tmp_path))  # slirp reads ~/.slirprc
    with GnssModule() as module:
        bench = Bench(tmp_path, module)
        typed, shown = bench.shown("attach")
        options = typed.removeprefix("gsm0710 attach /dev/ttyUSB0 ").split()
        with Attach(module.serve_pty(), *options).ready() as attach:
            assert attach.lines == shown
            yield bench


def test_at_and_sentences_come_beside_a_link_that_the_chat_script_has_dialled(bench: Bench) -> None:
    with bench.call() as terminal:
        internet = link_on(terminal)
        internet.ping(1, b"before")
        assert bench.ask() == bench.shown("socat")[1]
        with open(bench.folder / "modem3", encoding="ascii") as receiver:
            assert SENTENCE in (receiver.readline().strip() for _ in range(10))
        with socket.create_server(("127.0.0.1", 0)) as server:
            connection = internet.connect(5000, server.getsockname()[1])
            peer, _ = server.accept()
            with peer:
                connection.sendall(b"over PPP")
                assert peer.recv(8, socket.MSG_WAITALL) == b"over PPP"


def test_the_call_ends_when_the_path_is_left_and_the_next_one_can_be_dialled(bench: Bench) -> None:
    for _ in range(2):
        with bench.call() as terminal:
            link_on(terminal).ping(1, b"a call")


def test_pppd_would_be_told_that_the_network_has_ended_the_call(bench: Bench) -> None:
    with bench.call() as terminal:
        link_on(terminal)
        bench.module.trigger("registration_lost")
        poll = select.poll()
        poll.register(terminal, 0)
        ((_, state),) = poll.poll(PATIENCE * 1000)
        assert state & select.POLLHUP


@pytest.mark.interop("pppd")
@pytest.mark.skipif(os.geteuid() != 0, reason="pppd needs root")
@pytest.mark.parametrize(("more", "told"), [((), NO_PPP), (("no-such-option",), BAD_OPTION)])
def test_pppd_accepts_each_option_of_the_peers_file(bench: Bench, more: tuple[str, ...], told: int) -> None:
    command = ["pppd", "file", bench.peers, *more, "dryrun"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    assert done.returncode == (0 if told == NO_PPP and kernel_has_ppp() else told), done.stdout + done.stderr


@pytest.mark.interop("pppd")
@pytest.mark.skipif(not kernel_has_ppp(), reason="the kernel has no PPP, or this is not root")
def test_pppd_makes_an_interface_with_the_files_of_the_page(bench: Bench) -> None:
    peers = bench.peers.read_text(encoding="utf-8")
    bench.peers.write_text(peers.replace("usepeerdns\n", ""), encoding="utf-8")  # this computer keeps its own
    command = ["pppd", "file", str(bench.peers), "nodefaultroute", "nodetach"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as pppd:
        try:
            assert pppd.stdout is not None
            assert any("remote IP address" in line for line in pppd.stdout)
            with (
                socket.create_server(("127.0.0.1", 0)) as server,
                socket.create_connection(("10.0.2.2", server.getsockname()[1]), PATIENCE) as connection,
                server.accept()[0] as peer,
            ):
                connection.sendall(b"over PPP")
                assert peer.recv(8, socket.MSG_WAITALL) == b"over PPP"
            assert bench.ask() == bench.shown("socat")[1]
        finally:
            pppd.terminate()
