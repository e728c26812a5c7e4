"""What somebody sees who looks at a package or at an object of it in the interpreter."""

from __future__ import annotations

import importlib

import pytest
from driver_lab import Lab, Peer, echo_server, lab
from scripted_port import OK, CommandPort

from drivers.at import AtChannel
from drivers.clock import FakeClock, SystemClock
from drivers.modem import Modem
from drivers.tcpip import ContextTable, TcpipDriver

__all__ = ["echo_server", "lab"]


@pytest.mark.parametrize(
    ("package", "submodules"),
    [
        ("drivers.tcpip", {"aio", "families"}),
        ("drivers.tcpip.aio", set()),
        ("drivers.tcpip.core", set()),
        ("drivers.modem", {"aio"}),
        ("drivers.modem.aio", set()),
        ("drivers.at", {"aio"}),
        ("drivers.at.aio", set()),
        ("drivers.at.core", set()),
    ],
)
def test_a_package_shows_its_public_names(package: str, submodules: set[str]) -> None:
    module = importlib.import_module(package)
    assert set(dir(module)) == set(module.__all__) | submodules
    assert all(hasattr(module, name) for name in dir(module))


@pytest.mark.parametrize("kind", ["TcpipDriver", "Session", "Listener", "Watch"])
def test_a_class_of_either_shell_has_documented_public_names_only(kind: str) -> None:
    for package in ("drivers.tcpip", "drivers.tcpip.aio"):
        named = getattr(importlib.import_module(package), kind)
        for name in dir(named):
            if not name.startswith("_"):
                assert getattr(named, name).__doc__, f"{package}.{kind}.{name}"


def test_objects_say_what_they_are_and_how_they_stand(lab: Lab, echo_server: Peer) -> None:
    driver = lab.driver(1, 0, muxip=True)
    assert repr(driver).endswith(", context 0: not claimed>")
    assert repr(driver.table) == "<ContextTable: no context held>"
    assert repr(driver.channel).endswith(": not used yet>")
    listener = driver.listen()
    session = driver.connect("TCP", "127.0.0.1", echo_server.port)
    assert repr(driver).startswith("<TcpipDriver ")
    assert repr(driver).endswith(", context 0: claimed, IP PROCESSING>")
    assert repr(driver.table) == "<ContextTable: context 0 held by DLCI 1 (IP PROCESSING)>"
    assert repr(listener) == "<Listener TCP port 2020: listening>"
    what = f"Session TCP client 0, 127.0.0.1 port {echo_server.port}"
    assert repr(session) == f"<{what}: open>"
    watch = driver.keep_alive(session)
    assert repr(watch) == f"<Watch of <{what}: open>: every 420 s>"
    watch.close()
    session.close()
    assert repr(watch) == f"<Watch of <{what}: closed here>: ended>"
    with session.makefile("rb", 0) as file:
        assert repr(file) == f"<SessionFile of <{what}: closed here>: for reading>"
    assert repr(file) == f"<SessionFile of <{what}: closed here>: closed>"
    listener.close()
    assert repr(listener) == "<Listener TCP port 2020: closed here>"
    broken = driver.connect("TCP", "127.0.0.1", echo_server.port)
    lab.module.drop_contexts()
    broken.rest(10)
    assert "broken (" in repr(broken)
    assert "the network deactivated the context (+PDP DEACT)" in repr(broken)
    driver.close()
    assert repr(driver).endswith(", context 0: closed>")


async def test_those_of_asyncio_likewise() -> None:
    port = CommandPort(lambda _: OK)
    channel = AtChannel(port)
    assert repr(channel) == "<AtChannel module: not used yet>"
    with Modem(channel) as modem:
        assert repr(modem) == "<Modem module: open>"
        channel.command("AT")
    assert repr(modem) == "<Modem module: closed>"
    assert repr(channel) == "<AtChannel module: open>"
    channel.close()
    assert repr(channel) == "<AtChannel module: closed (module: the channel was closed)>"
    assert repr(ContextTable()) == "<ContextTable: no context held>"
    assert repr(TcpipDriver(port, 1)) == "<TcpipDriver module, context 1: not claimed>"
    assert (repr(SystemClock()), repr(FakeClock(7.0))) == ("<SystemClock>", "<FakeClock at 7 s>")
