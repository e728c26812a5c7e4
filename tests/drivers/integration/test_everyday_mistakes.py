"""What people do wrong at the prompt of Python every day is told with what to do instead, in both shells."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
import serial
from driver_lab import BG96, KINDS, M10, Kind, Peer
from every_way import MakeWay, Way, on_each_kind, only

import cmux
import cmux.aio
from drivers.at import AtChannel
from drivers.emulator import EmulatedModule
from drivers.errors import ConnectFailed, ContextBusy, DriverError, InvalidArgument, SessionClosed, TcpipError
from drivers.modem import Modem
from drivers.tcpip import TcpipDriver, aio

Act = Callable[[Any, int], object]


def twice(act: Act) -> Act:
    def do(driver: Any, port: int) -> object:
        act(driver, port)
        return act(driver, port)

    return do


def connect(driver: Any, port: int) -> Any:
    return driver.connect("TCP", "127.0.0.1", port)


def closed_and(act: Act) -> Act:
    def do(driver: Any, port: int) -> object:
        driver.close()
        return act(driver, port)

    return do


def after_its_end(driver: Any, port: int) -> object:
    session = connect(driver, port)
    session.close()
    return session.sendall(b"x")


Mistake = tuple[Act, type[Exception], str]
OF_M10: dict[str, Mistake] = {
    "a second session": (
        twice(connect),
        TcpipError,
        "a session is open already: close it first, or make the driver with muxip=True, for up to six at once",
    ),
    "a second server": (
        twice(lambda driver, _: driver.listen()),
        TcpipError,
        "it listens already, on port 2020: close that listener first",
    ),
}
OF_LTE: dict[str, Mistake] = {
    "a server without a port": (
        lambda driver, _: driver.listen(),
        InvalidArgument,
        "Quectel BG96 has no port of its own to listen on: name one",
    ),
    "a second server on a port": (
        twice(lambda driver, _: driver.listen(port=2020)),
        ConnectFailed,
        '"TCP LISTENER","127.0.0.1",0,2020,0 was answered 574',
    ),
}
WITH_A_DRIVER: dict[str, Mistake] = {
    "a driver that was closed": (
        closed_and(connect),
        TcpipError,
        "the driver was closed: make another one, with the same port",
    ),
    "a session that was closed": (after_its_end, SessionClosed, "the session was closed here"),
    "text for octets": (
        lambda driver, port: connect(driver, port).sendall("hello"),
        TypeError,
        "octets are sent, not text: encode it, as in 'hello'.encode()",
    ),
    "a protocol in small letters": (
        lambda driver, port: driver.connect("tcp", "127.0.0.1", port),
        ValueError,
        "a protocol is 'TCP' or 'UDP', not 'tcp'",
    ),
    "a port as text": (
        lambda driver, _: driver.connect("TCP", "127.0.0.1", "80"),
        ValueError,
        "a port is 1 to 65535, not '80': a number, not a text",
    ),
    "a URL for a host": (
        lambda driver, _: driver.connect("TCP", "http://example.com/page", 80),
        ValueError,
        "a host is a name or an IPv4 address alone, as 'example.com', not 'http://example.com/page'",
    ),
    "a port behind the host": (
        lambda driver, _: driver.connect("TCP", "example.com:80", 80),
        ValueError,
        "a host is a name or an IPv4 address alone, as 'example.com', not 'example.com:80'",
    ),
    "a time as text": (
        lambda driver, port: driver.connect("TCP", "127.0.0.1", port, timeout="5"),
        ValueError,
        "a timeout is a number of seconds, not '5'",
    ),
    "an address before there is one": (
        lambda driver, _: driver.local_address,
        TcpipError,
        "not active, so it has no address; listen(), connect() or activate() first",
    ),
}


MISTAKES: list[tuple[Kind, dict[str, Mistake]]] = [(M10, OF_M10 | WITH_A_DRIVER), (BG96, OF_LTE | WITH_A_DRIVER)]


@on_each_kind("mistake", MISTAKES)
def test_with_a_driver(way: MakeWay, mistake: Mistake, echo_server: Peer) -> None:
    act, kind, said = mistake
    with way().driver(0) as driver:
        with pytest.raises(kind, match=re.escape(said)) as caught:
            act(driver, echo_server.port)
        assert isinstance(caught.value, DriverError)


@only("channel", kinds=KINDS)
def test_two_drivers_for_one_context(way: MakeWay) -> None:
    there: Way = way()
    second = there.driver(0, uart=2)
    said = r"release\(\) or close\(\) that driver, or claim\(timeout=seconds\)"
    with there.driver(0), pytest.raises(ContextBusy, match=said):
        second.claim()


# --- What is no port ---


async def coroutine() -> None:
    """What `channel` of an aio.Mux returns before it is awaited."""


STREAMS = (object(), object())

ON_THREADS: dict[str, tuple[Callable[[], object], str]] = {
    "a path": (lambda: "/dev/ttyUSB0", "not '/dev/ttyUSB0': open it first"),
    "streams": (lambda: STREAMS, ": streams are for drivers.at.aio and drivers.tcpip.aio"),
    "what was not awaited": (coroutine, ": await it"),
}


@pytest.mark.parametrize("make", [TcpipDriver, Modem, AtChannel])
@pytest.mark.parametrize("what", ON_THREADS)
def test_what_is_no_port_for_threads(make: Any, what: str) -> None:
    given, said = ON_THREADS[what]
    with pytest.raises(TypeError, match=re.escape(said)) as caught:
        make(given())
    assert "cmux.open('/dev/ttyUSB0').channel(1)" in str(caught.value)


IN_ASYNCIO: dict[str, tuple[Callable[[], object], str]] = {
    "a path": (lambda: "/dev/ttyUSB0", "not '/dev/ttyUSB0': open it first"),
    "a port that blocks": (cmux.VirtualUart, ": a port that blocks is for drivers.at and drivers.tcpip"),
    "what was not awaited": (coroutine, ": await it"),
}


@pytest.mark.parametrize("what", IN_ASYNCIO)
async def test_what_is_no_port_for_asyncio(what: str) -> None:
    given, said = IN_ASYNCIO[what]
    with pytest.raises(TypeError, match=re.escape(said)) as caught:
        aio.TcpipDriver(given())  # type: ignore[arg-type]
    assert "await mux.channel(1)" in str(caught.value)


# --- Channels ---

NOT_OPEN = "cmux://{path}?dlci=1: the port is not open: open() opens it"

ON_A_PORT: dict[str, tuple[Callable[[cmux.VirtualUart], object], type[Exception], str]] = {
    "text for octets": (
        lambda port: port.write("hello"),  # type: ignore[arg-type]
        TypeError,
        "octets are written, not text: encode it, as in 'hello'.encode()",
    ),
    "a command as text": (
        lambda port: port.write("AT"),  # type: ignore[arg-type]
        TypeError,
        "octets are written, not text: encode it, as in 'AT'.encode(), and end a command with '\\r'",
    ),
    "a number for octets": (
        lambda port: port.write(13),  # type: ignore[arg-type]
        TypeError,
        "octets are written, not a number: bytes([13]) is one octet",
    ),
    "nothing for octets": (
        lambda port: port.write(None),  # type: ignore[arg-type]
        TypeError,
        "octets are written: bytes, bytearray or memoryview, not NoneType",
    ),
    "writing to one that was closed": (
        lambda port: (port.close(), port.write(b"AT\r")),
        serial.PortNotOpenError,
        NOT_OPEN,
    ),
    "reading from one that was closed": (lambda port: (port.close(), port.read()), serial.PortNotOpenError, NOT_OPEN),
    "an AT channel on one that was closed": (
        lambda port: (port.close(), AtChannel(port).command("AT")),
        DriverError,
        "the port is not open: open() opens it",
    ),
}


@pytest.mark.parametrize("mistake", ON_A_PORT)
def test_on_a_port(mistake: str) -> None:
    act, kind, said = ON_A_PORT[mistake]
    with EmulatedModule() as module:
        path = module.serve_pty()
        with cmux.open(path) as mux:
            port = mux.channel(1)
            with pytest.raises(kind, match=re.escape(said.format(path=path))):
                act(port)
            port.close()
            port.open()
            port.timeout = 10.0
            assert port.write(b"AT\r") == 3
            assert b"OK" in port.read_until(b"OK\r\n")


def test_octets_are_what_pyserial_takes_for_some() -> None:
    with EmulatedModule() as module, cmux.open(module.serve_pty()) as mux:
        port = mux.channel(1)
        for octets in (b"A", bytearray(b"A"), memoryview(b"A"), [65], (65,)):
            assert port.write(octets) == 1  # type: ignore[arg-type]


def test_a_port_that_has_no_url_is_told_that() -> None:
    with pytest.raises(serial.PortNotOpenError, match="give it a URL"):
        cmux.VirtualUart().write(b"x")


@pytest.mark.parametrize(("given", "said"), [("AT", "'AT'.encode(), and end a command with '\\r'"), (5, "bytes([5])")])
async def test_on_a_stream(given: Any, said: str) -> None:
    async with EmulatedModule() as module, await cmux.aio.open(module.serve_pty()) as mux:
        reader, writer = await mux.channel(1)
        with pytest.raises(TypeError, match=re.escape(said)):
            writer.write(given)
        writer.write(b"AT\r")
        async with asyncio.timeout(20):
            assert await reader.readuntil(b"OK\r\n")


DLCIS: dict[str, tuple[object, str]] = {
    "the control channel": (0, "DLCI 0 is not a data channel: use 1 to 61 (0 is the control channel)"),
    "a reserved one": (62, "DLCI 62 is not a data channel: use 1 to 61 (62 and 63 are reserved)"),
    "a number as text": ("1", "DLCI '1' is not a data channel: use 1 to 61 (a number, not a text: 1)"),
    "a name": ("gnss", "DLCI 'gnss' is not a data channel: use 1 to 61 (the profile has no names for them)"),
    "nothing": (None, "DLCI None is not a data channel: use 1 to 61"),
}


@pytest.mark.parametrize("which", DLCIS)
async def test_a_dlci_that_carries_no_data(which: str) -> None:
    dlci, said = DLCIS[which]
    async with EmulatedModule() as module, await cmux.aio.open(module.serve_pty()) as mux:
        with pytest.raises(cmux.InvalidDlci, match=re.escape(said)):
            await mux.channel(dlci)  # type: ignore[arg-type]
    with (
        EmulatedModule() as module,
        cmux.open(module.serve_pty()) as line,
        pytest.raises(ValueError, match=re.escape(said)),
    ):
        line.channel(dlci)  # type: ignore[arg-type]


def test_a_path_without_its_folder_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cmux.PortNotFound, match=r"null: there is no such port \(did you mean /dev/null\?\)"):
        cmux.open("null")


@pytest.mark.parametrize("pin", [1234, "12", "12a4"])
def test_a_pin_is_a_text_of_digits(pin: Any) -> None:
    with EmulatedModule() as module, cmux.open(module.serve_pty()) as mux:
        modem = Modem(mux.channel(1))
        with pytest.raises(ValueError, match="a PIN is a text of 4 to 8 digits") as caught:
            modem.unlock(pin)
        modem.close()
    assert str(pin) not in str(caught.value)
