"""What is of another kind than it has to be is told in words that say what to do; nothing is sent."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from silent_module import Bed, SilentModule

from drivers.at import AtChannel
from drivers.at.aio import AtChannel as AioChannel
from drivers.clock import FakeClock
from drivers.errors import DriverError
from drivers.modem import Modem
from drivers.modem import aio as modem_aio
from drivers.sockets import create_connection
from drivers.tcpip import Csd, TcpipDriver, aio

SHELLS = pytest.mark.parametrize("shell", ["threads", "aio"])


class Mux:
    """Stands for a multiplexer."""

    def channel(self, dlci: int) -> object:
        """See `cmux.Mux.channel`."""
        return dlci


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What ends it all."""
    with ExitStack() as made:
        yield made


def check(said: pytest.ExceptionInfo[Any]) -> None:
    """It is any of the exceptions that somebody may expect."""
    assert isinstance(said.value, DriverError)
    assert isinstance(said.value, TypeError)
    assert isinstance(said.value, ValueError)


@pytest.mark.parametrize("make", [TcpipDriver, Modem, AtChannel, aio.TcpipDriver, modem_aio.Modem])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("/dev/x", r"not '/dev/x': open it first"),
        (Path("/dev/x"), r"open it first"),
        (5, r"not 5$"),
        (None, r"not None$"),
        (Mux(), r"take one of its channels"),
    ],
    ids=["name", "path", "number", "none", "mux"],
)
def test_what_is_no_port(make: Any, given: object, words: str) -> None:
    with pytest.raises(TypeError, match=words) as said:
        make(given)
    assert "channel(1)" in str(said.value)
    check(said)


@SHELLS
@pytest.mark.parametrize("method", ["send", "sendall"])
@pytest.mark.parametrize(("given", "words"), [("text", r"'text'\.encode\(\)"), (5, "not int"), (None, "not NoneType")])
def test_what_are_no_octets(stack: ExitStack, shell: str, method: str, given: object, words: str) -> None:
    bed = Bed(stack, shell, SilentModule(), FakeClock())
    session = bed.driver().connect("TCP", "10.0.0.2", 7)
    before = len(bed.module.commands)
    with pytest.raises(TypeError, match=words) as said:
        getattr(session, method)(given)
    check(said)
    assert len(bed.module.commands) == before
    session.sendall(array("H", [1, 2]))
    assert bed.module.commands[-1] == "AT+QISEND=4"


@SHELLS
def test_what_is_no_command(stack: ExitStack, shell: str) -> None:
    bed = Bed(stack, shell, SilentModule(), FakeClock())
    with pytest.raises(TypeError, match="a command line is text, not bytes") as said:
        bed.channel.command(b"AT")
    check(said)
    with pytest.raises(ValueError, match="ASCII characters only"):
        bed.channel.command("AT+CMGS=ü")


def test_the_channel_of_asyncio_takes_streams() -> None:
    async def make() -> AioChannel:
        return AioChannel("/dev/x", "/dev/x")  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="pair of streams"):
        asyncio.run(make())


@SHELLS
def test_what_is_no_time_no_size_and_no_address(stack: ExitStack, shell: str) -> None:
    bed = Bed(stack, shell, SilentModule(), FakeClock())
    driver = bed.driver()
    session = driver.connect("TCP", "10.0.0.2", 7)
    before = len(bed.module.commands)
    calls: dict[str, Any] = {
        "a timeout is a number of seconds, not '3'": lambda: driver.connect("TCP", "10.0.0.2", 7, timeout="3"),
        "a timeout is a number of seconds, not nan": lambda: bed.channel.command("AT", timeout=float("nan")),
        "a timeout is a number of seconds, not True": lambda: session.settimeout(True),
        "a size is a whole number of octets, not None": lambda: session.recv(None),
        "a sending period is 1 to 100": lambda: session.sendall(b"x", period="2"),
        "address is a text, not 5": lambda: driver.set_name_servers(5),
    }
    for words, call in calls.items():
        with pytest.raises(ValueError, match=words) as said:
            call()
        assert isinstance(said.value, DriverError), words
    assert len(bed.module.commands) == before


@pytest.mark.parametrize("number", [None, 5, b"1"])
def test_what_is_no_number_to_dial(number: Any) -> None:
    with pytest.raises(DriverError, match="a number to dial has digits"):
        Csd(number)


@pytest.mark.parametrize("driver", ["/dev/x", None, 5])
def test_what_is_no_driver_for_a_socket(driver: Any) -> None:
    with pytest.raises(TypeError, match="a driver is a TcpipDriver, not") as said:
        create_connection(driver, ("10.0.0.2", 7))
    check(said)


@pytest.mark.parametrize("address", ["10.0.0.2:7", None, ("10.0.0.2",)])
def test_what_is_no_address_for_a_socket(stack: ExitStack, address: Any) -> None:
    bed = Bed(stack, "threads", SilentModule(), FakeClock())
    with pytest.raises(TypeError, match=r"an address is \(host, port\), not"):
        create_connection(TcpipDriver(bed.channel), address)
