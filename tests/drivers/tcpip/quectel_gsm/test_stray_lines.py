"""Lines of the module that come when nothing of theirs is under way: they change nothing, and the driver goes on."""

from __future__ import annotations

from contextlib import suppress

import pytest
from scripted_port import OK, CommandPort

from drivers.errors import DriverError, ModuleRestarted, SessionReset
from drivers.tcpip import TcpipDriver

PATIENCE = 10.0
ADDRESS = b"\r\n10.0.0.7\r\n"
ANSWERS = {
    "AT+QIOPEN": OK + b"\r\nCONNECT OK\r\n",
    "AT+QISERVER": OK + b"\r\nSERVER OK\r\n",
    "AT+QILOCIP": ADDRESS,
    "AT+QISTAT": OK + b"\r\nSTATE: IP STATUS\r\n",
    "AT+QIFGCNT?": b"\r\n+QIFGCNT: 0,0\r\n" + OK,
    "AT+QISRVC?": b"\r\n+QISRVC: 1\r\n" + OK,
    "AT+QIDEACT": b"\r\nDEACT OK\r\n",
    "AT+QICLOSE": b"\r\nCLOSE OK\r\n",
}
STRAY = [
    "SERVER CLOSED",
    "RECV FROM:10.1.2.3:80",
    "TO:10.0.0.7",
    "REMOTE IP: 10.1.2.3",
    "3, REMOTE IP: 10.1.2.3",
    "CLOSED",
    "4, CLOSED",
    "CONNECT",
    "CONNECT OK",
    "+QIRDI: 1,2,3",
    "+QIRDI: 0,1,5",
    "UNDER_VOLTAGE WARNING",
]


def answer(text: str) -> bytes:
    return next((said for command, said in ANSWERS.items() if text.startswith(command)), OK)


def made(**options: object) -> tuple[CommandPort, TcpipDriver]:
    port = CommandPort(answer)
    return port, TcpipDriver(port, initialise=(), **options)  # type: ignore[arg-type]


def says(port: CommandPort, driver: TcpipDriver, line: str) -> None:
    """Let the module say a line; when the answer to a command behind it is there, so is the line."""
    port.say(b"\r\n%b\r\n" % line.encode())
    driver.channel.command("AT", timeout=PATIENCE)


@pytest.mark.parametrize("receive", ["buffered", "header", "bare"])
@pytest.mark.parametrize("line", STRAY)
def test_a_line_that_belongs_to_nothing_changes_nothing(line: str, receive: str) -> None:
    port, driver = made(receive=receive)
    with driver:
        driver.activate()
        says(port, driver, line)
        assert driver.state() == "IP STATUS"
        assert driver.table.held(0)
        session = driver.connect("TCP", "10.1.2.3", 80)
        assert session.open


@pytest.mark.parametrize("line", [*STRAY, "+PDP DEACT"])
def test_before_a_claim_nothing_is_the_drivers(line: str) -> None:
    port, driver = made()
    driver.channel.command("AT", timeout=PATIENCE)
    says(port, driver, line)
    driver.claim()
    assert driver.state() == "IP STATUS"
    driver.close()


def test_a_reset_while_nothing_is_claimed_leaves_the_next_claim_alone() -> None:
    port, driver = made()
    driver.claim()
    driver.release()
    with suppress(ModuleRestarted):  # the line may come behind the command
        says(port, driver, "RDY")
    driver.claim()
    assert driver.table.held(0)
    driver.close()


def test_the_end_of_the_server_ends_its_listener_once() -> None:
    port, driver = made()
    with driver:
        listener = driver.listen()
        says(port, driver, "SERVER CLOSED")
        says(port, driver, "SERVER CLOSED")
        with pytest.raises(SessionReset, match="SERVER CLOSED"):
            listener.accept(timeout=PATIENCE)
        with pytest.raises(DriverError):
            listener.accept(timeout=PATIENCE)


def test_a_session_whose_end_is_said_twice_ends_once() -> None:
    port, driver = made(receive="header")
    with driver:
        session = driver.connect("TCP", "10.1.2.3", 80)
        says(port, driver, "CLOSED")
        says(port, driver, "CLOSED")
        session.settimeout(PATIENCE)
        assert session.recv(1) == b""
        assert driver.state() == "IP STATUS"


def test_a_client_that_gets_the_number_of_another_one_ends_that_one() -> None:
    port, driver = made(receive="header")
    with driver, driver.listen() as listener:
        says(port, driver, "REMOTE IP: 10.1.2.3")
        first = listener.accept(timeout=PATIENCE)
        says(port, driver, "REMOTE IP: 10.1.2.4")
        second = listener.accept(timeout=PATIENCE)
        assert (first.open, second.open) == (False, True)
        assert second.remote_address[0] == "10.1.2.4"
