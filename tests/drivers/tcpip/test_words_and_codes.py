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
from drivers.errors import CmeError, ConnectFailed, ConnectRefused, ContextBusy, ContextLost, TcpipError
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
    ("dialect", "command", "remedy"),
    [("m10", "AT+QIFGCNT=0", " (AT+QIDEACT)"), (ASKING, "AT+TTAKE", "")],
    ids=["m10", "toy"],
)
def test_a_busy_context_is_told_in_the_words_of_its_family(
    dialect: str | Dialect, command: str, remedy: str, refusal: bytes
) -> None:
    port = CommandPort(lambda text: refusal if text.startswith(("AT+QIFGCNT=", "AT+TTAKE")) else OK)
    driver = TcpipDriver(port, 0, dialect=dialect)
    with pytest.raises(ContextBusy) as busy:
        driver.claim()
    assert str(busy.value) == (
        f"{BUSY} ({command} was answered {refusal.decode().strip()}): "
        f"deactivate it there{remedy}, or claim(timeout=seconds) to wait for it"
    )
    assert busy.value.code == (3810 if refusal is REFUSED else None)
    driver.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("+CME ERROR: 4", "has no such command"),
        ("+CME ERROR: operation not supported", "has no such command"),
        ("+CME ERROR: 10", "SIM is missing, locked or not ready"),
        ("+CME ERROR: SIM PIN required", "SIM is missing, locked or not ready"),
        ("+CME ERROR: 30", "has no network"),
    ],
)
def test_a_refusal_that_tells_another_reason_is_not_said_to_be_another_uart(answer: str, reason: str) -> None:
    def say(text: str) -> bytes:
        refused = text.startswith("AT+QIFGCNT=") and "?" not in text
        return f"\r\n{answer}\r\n".encode() if refused else b"\r\nQuectel_M10\r\n" * (text == "AT+GMM") + OK

    driver = TcpipDriver(CommandPort(say), 0)
    with pytest.raises(ContextBusy, match=reason) as busy:
        driver.claim()
    assert f"context 0 was refused (AT+QIFGCNT=0 was answered {answer})" in str(busy.value)
    assert "virtual UART" not in str(busy.value)
    driver.close()


def test_a_context_that_is_got_and_cannot_be_deactivated_is_not_said_to_be_of_another_uart() -> None:
    def answer(text: str) -> bytes:
        return ERROR if text == "AT+QIDEACT" else OK + b"\r\nSTATE: IP IND\r\n" * (text == "AT+QISTAT")

    driver = TcpipDriver(CommandPort(answer), 0)
    with pytest.raises(TcpipError, match=r"could not be deactivated: .*AT\+QIDEACT") as said:
        driver.reclaim()
    assert type(said.value) is TcpipError
    assert driver.lease is None
    driver.close()


@pytest.mark.parametrize(
    ("state", "kind", "reason"),
    [
        ("PDP DEACT", ConnectFailed, "CONNECT FAIL: the network has deactivated the context meanwhile (PDP DEACT)"),
        ("IP CLOSE", ConnectRefused, "CONNECT FAIL, for which the module gives no reason: refused or unreachable"),
        ("IP IND", ConnectFailed, "CONNECT FAIL: the context could not be activated, it is in IP IND"),
    ],
)
def test_connect_fail_in_an_active_context(state: str, kind: type[ConnectFailed], reason: str) -> None:
    opened = False

    def answer(text: str) -> bytes:
        nonlocal opened
        if text == "AT+QILOCIP":
            return b"\r\n10.0.0.1\r\n"
        if text == "AT+QIDEACT":
            return b"\r\nDEACT OK\r\n"
        opened |= text.startswith("AT+QIOPEN")
        after = {"AT+QISTAT": f"\r\nSTATE: {state if opened else 'IP STATUS'}\r\n"}.get(text, "")
        return OK + after.encode() + b"\r\nCONNECT FAIL\r\n" * text.startswith("AT+QIOPEN")

    with TcpipDriver(CommandPort(answer), 0) as driver:
        driver.activate()
        with pytest.raises(ConnectFailed) as said:
            driver.connect("TCP", "10.0.0.2", 80)
        assert type(said.value) is kind
        assert str(said.value).endswith(reason)


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
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool, receive: str | None
    ) -> Procedure[ListenerState]:
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
