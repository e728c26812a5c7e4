"""Lines on other machines: ``socket://`` and ``rfc2217://``."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module
from rfc2217_server import Rfc2217Server
from startup_waits import shorten_waits

import cmux
import cmux.aio
from drivers.emulator import EmulatedModule

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"),  # pyserial 3.5 uses it
]
__all__ = ["nothing_left"]


def echoes(mux: cmux.Mux, dlci: int, data: bytes) -> bool:
    port = mux.channel(dlci)
    port.timeout = 30
    port.write(data)
    return port.read(len(data)) == data


def test_rfc2217_carries_every_octet_both_ways() -> None:
    with EmulatedModule(loopback=[1, 2]) as module, Rfc2217Server(module.serve_pty()) as server:
        with cmux.open(server.url, baudrate=57600) as mux:
            assert echoes(mux, 1, bytes(range(256)) * 8)
            assert echoes(mux, 2, b"\xff\xff\xf9" * 100)  # what telnet has to escape
        assert set(server.baudrates) <= {9600, 57600}
        assert 57600 in server.baudrates


def test_another_baud_rate_is_searched_on_the_other_machine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, 0.1)
    with (
        Module(baudrate=19200) as module,
        Rfc2217Server(module.path) as server,
        cmux.open(server.url, other_rates=(9600, 19200)) as mux,
    ):
        assert echoes(mux, 1, b"found")


def test_a_server_that_goes_away_ends_the_session() -> None:
    with EmulatedModule(loopback=[1]) as module:
        with Rfc2217Server(module.serve_pty()) as server:
            mux = cmux.open(server.url)
            port = mux.channel(1)
            port.timeout = 30
        with pytest.raises(cmux.SessionEnded):
            port.read()
        mux.close()


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_time_outs_suit_a_network_unless_they_are_given(scheme: str) -> None:
    with EmulatedModule() as module:
        if scheme == "socket":
            url = f"socket://{module.serve_tcp()}"
            with cmux.open(url) as mux:
                assert (mux.config.t1, mux.config.t2) == (1.0, 2.0)
            with cmux.open(url, t1=0.5) as mux:
                assert (mux.config.t1, mux.config.t2) == (0.5, 1.0)
        else:
            with Rfc2217Server(module.serve_pty()) as server, cmux.open(server.url) as mux:
                assert (mux.config.t1, mux.config.t2) == (1.0, 2.0)


def test_nobody_there_is_said_so() -> None:
    for url in ("socket://127.0.0.1:1", "rfc2217://127.0.0.1:1"):
        with pytest.raises(cmux.PortError, match=r"127\.0\.0\.1:1"):
            cmux.open(url)


async def test_asyncio_reads_rfc2217_by_a_thread() -> None:
    with EmulatedModule(loopback=[1]) as module, Rfc2217Server(module.serve_pty()) as server:
        async with await cmux.aio.open(server.url) as mux:
            reader, writer = await mux.channel(1)
            writer.write(bytes(1000))
            assert await reader.readexactly(1000) == bytes(1000)
