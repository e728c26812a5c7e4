"""What cannot be is a ValueError before anything is sent, on threads and in asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from scripted_port import OK, CommandPort, Conversation, exchange

from drivers.tcpip import Csd, Gprs, TcpipDriver, Transparent, aio

BAD_TEXTS = ['a"b', "a\rb", "a\nb", "a\x00b", "a\x1ab", "a\x1bb", "a\x7fb", "é.example", "x" * 101]

Call = Callable[[TcpipDriver], object]

CALLS: dict[str, Call] = {
    **{f"host {text!r}": lambda d, text=text: d.connect("TCP", text, 80) for text in [*BAD_TEXTS, "", "300.1.1.1"]},  # type: ignore[misc]
    **{f"name {text!r}": lambda d, text=text: d.resolve(text) for text in [*BAD_TEXTS, ""]},  # type: ignore[misc]
    **{
        f"name server {text!r}": lambda d, text=text: d.set_name_servers("8.8.8.8", text)  # type: ignore[misc]
        for text in [*BAD_TEXTS, "", "8.8.8", "8.8.8.256"]
    },
    **{f"port {port!r}": lambda d, port=port: d.connect("TCP", "h", port) for port in (0, -1, 65536, 8.0, "80", True)},  # type: ignore[misc]
    **{f"listening port {port!r}": lambda d, port=port: d.listen("TCP", port) for port in (0, 65536, "80")},  # type: ignore[misc]
    **{f"index {index!r}": lambda d, index=index: d.connect("TCP", "h", 80, index=index) for index in (6, -1, "0", 1)},  # type: ignore[misc]
    **{f"clients {count!r}": lambda d, count=count: d.listen(clients=count) for count in (0, 6, -1, 2, "1")},  # type: ignore[misc]
    **{f"protocol {kind!r}": lambda d, kind=kind: d.connect(kind, "h", 80) for kind in ("SCTP", "tcp", "", 6)},  # type: ignore[misc]
    "protocol of a server": lambda d: d.listen("SCTP"),
    "what is shown": lambda d: d.show("QIFOO"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_on_threads(name: str) -> None:
    port = CommandPort(lambda _: OK)
    driver = TcpipDriver(port)
    with pytest.raises(ValueError, match=r"."):
        CALLS[name](driver)
    driver.close()
    assert port.written == b""


@pytest.mark.parametrize("name", CALLS)
async def test_a_wrong_argument_in_asyncio(name: str) -> None:
    class Silent(asyncio.Transport):
        """Nothing may be written to it."""

        def is_closing(self) -> bool:
            return True

    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    writer = asyncio.StreamWriter(Silent(), asyncio.StreamReaderProtocol(reader), reader, loop)
    driver = aio.TcpipDriver((reader, writer))
    with pytest.raises(ValueError, match=r"."):
        await CALLS[name](driver)  # type: ignore[arg-type, misc]
    await driver.close()


@pytest.mark.parametrize("text", BAD_TEXTS)
@pytest.mark.parametrize("field", ["apn", "user", "password"])
def test_a_text_that_cannot_stand_in_a_command(field: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"contains|characters"):
        Gprs(**{field: text})


@pytest.mark.parametrize(
    "options",
    [
        {"bearer": lambda: Csd("17201", 'a"b')},
        {"bearer": lambda: Csd("17201", "a", "b\r")},
        {"bearer": lambda: Csd("call me")},
        {"bearer": lambda: Csd("17201", rate=7)},
        {"bearer": lambda: Csd("17201", rate=True)},
        {"transparent": lambda: Transparent(size=0)},
        {"transparent": lambda: Transparent(size=1461)},
        {"transparent": lambda: Transparent(size=512.5)},  # type: ignore[arg-type]
        {"transparent": lambda: Transparent(retries=1.5)},  # type: ignore[arg-type]
        {"transparent": lambda: Transparent(wait=0.0)},
        {"transparent": lambda: Transparent(retries=9)},
        {"transparent": lambda: Transparent(escape="AT")},
        {"context": lambda: True},
        {"show": lambda: ("QIFOO",)},
        {"dialect": lambda: "sim800"},
    ],
)
def test_an_option_that_cannot_be(options: dict[str, Callable[[], object]]) -> None:
    port = CommandPort(lambda _: OK)
    with pytest.raises(ValueError, match=r"."):
        TcpipDriver(port, **{name: make() for name, make in options.items()})  # type: ignore[arg-type]
    assert port.written == b""


def test_a_length_that_cannot_be() -> None:
    close = (("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"))
    opened = ('AT+QIOPEN="TCP", "10.0.0.1",80', OK + b"\r\nCONNECT OK\r\n")
    talk = Conversation(exchange(("AT+QIFGCNT=0", OK), opened, *close, ("AT+QIDEACT", b"\r\nDEACT OK\r\n")))
    with TcpipDriver(talk.ports[1], receive="bare", initialise=()) as driver:
        session = driver.connect("TCP", "10.0.0.1", 80)
        for wrong in (
            lambda: session.recv(-1),
            lambda: session.settimeout(-1),
            lambda: session.sendall(b"x", end="eof"),  # type: ignore[arg-type]
            lambda: session.sendall(b"x", end="timer", period=0),
            lambda: session.sendall(b"x", end="timer", period=101),
            lambda: session.sendall(b"x\x1a", end="ctrl-z"),
            lambda: session.sendall(b"x\x1b", end="timer"),
        ):
            with pytest.raises(ValueError, match=r"."):
                wrong()
    talk.finish()
