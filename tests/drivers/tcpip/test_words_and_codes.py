"""What the rules say of one module they have from its family: words, numbers of errors, how long answers take."""

from __future__ import annotations

import dataclasses
import socket

import pytest
from driver_lab import PATIENCE
from scripted_port import ERROR, OK, CommandPort
from toy_family import TOY, ToyStack
from toy_module import ToyModule, ToyPort

from drivers.at import command
from drivers.errors import CmeError, ContextBusy, ContextLost
from drivers.tcpip import Dialect, KeepAlive, TcpipDriver
from drivers.tcpip.core import ListenerState, Procedure, SocketId, on_channel

BUSY = "module: context 0 is held by another virtual UART; the module does not tell which"
REFUSED = b"\r\n+CME ERROR: 3810\r\n"


class AskingToy(ToyStack):
    """A toy stack that asks for its context."""

    def take(self, deadline: float, *, reclaim: bool) -> Procedure[None]:
        yield from on_channel(command("AT+TTAKE"))


ASKING = dataclasses.replace(TOY, family=AskingToy)


@pytest.mark.parametrize("refusal", [ERROR, REFUSED])
@pytest.mark.parametrize(
    ("dialect", "refused", "remedy"),
    [("m10", " (the module answered ERROR to AT+QIFGCNT)", " (AT+QIDEACT)"), (ASKING, "", "")],
    ids=["m10", "toy"],
)
def test_a_busy_context_is_told_in_the_words_of_its_family(
    dialect: str | Dialect, refused: str, remedy: str, refusal: bytes
) -> None:
    port = CommandPort(lambda text: refusal if text.startswith(("AT+QIFGCNT=", "AT+TTAKE")) else OK)
    driver = TcpipDriver(port, 0, dialect=dialect)
    with pytest.raises(ContextBusy) as busy:
        driver.claim()
    assert str(busy.value) == (
        f"{BUSY}{refused}: deactivate it there{remedy}, or claim(timeout=seconds) to wait for it"
    )
    assert busy.value.code == (3810 if refusal is REFUSED else None)
    driver.close()


def test_the_number_of_a_refusal_is_kept_when_the_context_is_lost() -> None:
    taken = False

    def answer(text: str) -> bytes:
        if text == "AT+QIFGCNT?":
            return b"\r\n+QIFGCNT: 0,0\r\n" + OK
        return (
            REFUSED if taken and text == "AT+QIFGCNT=0" else OK + b"\r\nSTATE: IP INITIAL\r\n" * (text == "AT+QISTAT")
        )

    port = CommandPort(answer, dlci=1)
    with TcpipDriver(port, 0) as driver, TcpipDriver(port, 1) as other:
        driver.claim()
        other.claim()
        taken = True
        with pytest.raises(ContextLost, match=r"AT\+QIFGCNT=0") as lost:
            driver.state()
        assert lost.value.code == 3810
        assert isinstance(lost.value.__cause__, CmeError)


def test_how_long_a_dead_connection_goes_unnoticed_depends_on_the_answers_of_its_family() -> None:
    module = ToyModule()
    with (
        socket.create_server(("127.0.0.1", 0)) as peer,
        TcpipDriver(ToyPort(module, 1), dialect=TOY) as driver,
    ):
        session = driver.connect("TCP", "127.0.0.1", peer.getsockname()[1])
        settings = KeepAlive(period=60, first=5, then=10, repeats=2)
        with driver.keep_alive(session, settings) as watch:
            assert settings.bound == 60 + 5 + 2 * 10
            assert watch.bound == settings.bound + 4 * 3 * ToyStack.answer_time
        with pytest.raises(ValueError, match="sends 100 octets at once, the probe has 101"):
            session.check(KeepAlive(probe=bytes(101)))
        with pytest.raises(ValueError, match="for session 11, this is session 0"):
            session.check(KeepAlive(index=11))
    module.finish()


class NumberingToy(ToyStack):
    """A toy stack whose module says itself what it calls a listener."""

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool
    ) -> Procedure[ListenerState]:
        yield from self.activate()
        yield from on_channel(command(f"AT+TLISTEN={self.wiring.claim.context},3,{port}"))
        listener = self.wiring.table.new_listener(SocketId(3), protocol, port or 0)
        self.wiring.table.adopt(listener)
        return listener


def test_a_listener_may_be_numbered_by_the_module() -> None:
    module = ToyModule()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with TcpipDriver(ToyPort(module, 1), dialect=dataclasses.replace(TOY, family=NumberingToy)) as driver:
        listener = driver.listen(port=port)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client, listener.accept(PATIENCE) as session:
            client.sendall(b"hi")
            session.settimeout(PATIENCE)
            assert session.recv(2) == b"hi"
        listener.close()
        assert "AT+TCLOSE=3" in module.commands
    module.finish()
