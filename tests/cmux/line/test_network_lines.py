"""Lines on other machines: ``socket://`` and ``rfc2217://``."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_module import Module
from rfc2217_server import Rfc2217Server
from shells import Shell
from startup_waits import shorten_waits

import cmux
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial 3.5 uses it


def test_rfc2217_carries_every_octet_both_ways(shell: Shell) -> None:
    with EmulatedModule(loopback=[1, 2]) as module, Rfc2217Server(module.serve_pty()) as server:
        with shell.open(server.url, baudrate=57600) as mux:
            assert mux.channel(1).echoes(bytes(range(256)) * 8)
            assert mux.channel(2).echoes(b"\xff\xff\xf9" * 100)  # what telnet has to escape
        assert set(server.baudrates) <= {9600, 57600}
        assert 57600 in server.baudrates


def test_another_baud_rate_is_searched_on_the_other_machine_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, 0.1)
    with (
        Module(baudrate=19200) as module,
        Rfc2217Server(module.path) as server,
        shell.open(server.url, other_rates=(9600, 19200)) as mux,
    ):
        assert mux.channel(1).echoes(b"found")


def test_a_server_that_goes_away_ends_the_session(shell: Shell) -> None:
    with EmulatedModule(loopback=[1]) as module:
        with Rfc2217Server(module.serve_pty()) as server:
            mux = shell.open(server.url)
            channel = mux.channel(1)
        with pytest.raises(cmux.SessionEnded):
            channel.read(1)
        mux.close()


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_time_outs_suit_a_network_unless_they_are_given(shell: Shell, scheme: str) -> None:
    with EmulatedModule() as module:
        if scheme == "socket":
            url = f"socket://{module.serve_tcp()}"
            with shell.open(url) as mux:
                assert (mux.config.t1, mux.config.t2) == (1.0, 2.0)
            with shell.open(url, t1=0.5) as mux:
                assert (mux.config.t1, mux.config.t2) == (0.5, 1.0)
        else:
            with Rfc2217Server(module.serve_pty()) as server, shell.open(server.url) as mux:
                assert (mux.config.t1, mux.config.t2) == (1.0, 2.0)


def test_nobody_there_is_said_so(shell: Shell) -> None:
    for url in ("socket://127.0.0.1:1", "rfc2217://127.0.0.1:1"):
        with pytest.raises(cmux.PortError, match=r"127\.0\.0\.1:1"):
            shell.open(url)
