"""Data mode that dropping DTR ends: what the module answers then, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hurried_clock import HurriedClock
from scripted_port import OK, CommandPort

from drivers.errors import SessionFinished, TcpipError
from drivers.tcpip import Session, TcpipDriver, Transparent

CONNECT = b"\r\nCONNECT\r\n"
CLOSED = b"\r\nCLOSED\r\n"
MOST = 60.0


class Module(CommandPort):
    """A module that leaves data mode when DTR drops, as long as it hears that."""

    def __init__(self) -> None:
        super().__init__(self._said)
        self.online = False
        self.hears_dtr = True
        self.ato = CONNECT
        self.data = b""
        self._dtr = True

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, on: bool) -> None:
        fell, self._dtr = self._dtr and not on, on
        if fell and self.hears_dtr:
            if self.online:
                self.online = False
            self.say(OK)

    def on_write(self, data: bytes) -> None:
        if self.online:
            self.data += data
        else:
            super().on_write(data)

    def _said(self, text: str) -> bytes:
        if text.startswith("AT+QIOPEN"):
            self.online = True
            return OK + CONNECT
        if text == "ATO":
            self.online = self.ato == CONNECT
            return self.ato
        said = {"AT+QISTAT": OK + b"\r\nSTATE: IP CLOSE\r\n", "AT+QIDEACT": b"\r\nDEACT OK\r\n"}
        said |= {"AT+QICLOSE": b"\r\nCLOSE OK\r\n", "AT+QISRVC?": b"\r\n+QISRVC: 1\r\n" + OK}
        return said.get(text, OK)


@pytest.fixture
def module() -> Module:
    return Module()


@pytest.fixture
def driver(module: Module) -> Iterator[TcpipDriver]:
    clock = HurriedClock(20.0)
    with TcpipDriver(module, transparent=Transparent(escape="dtr"), initialise=("QIMODE",), clock=clock) as made:
        yield made
        module.hears_dtr, module.online = True, False


@pytest.fixture
def session(driver: TcpipDriver) -> Session:
    made = driver.connect("TCP", "10.0.0.1", 80)
    made.settimeout(MOST)
    return made


@pytest.mark.requirement("S3.22", "S3.29")
def test_a_session_that_has_ended_meanwhile_is_not_gone_back_to(
    driver: TcpipDriver, session: Session, module: Module
) -> None:
    driver.escape()
    assert not driver.online
    module.ato = b"\r\nNO CARRIER\r\n"
    with pytest.raises(SessionFinished, match="ATO found no session"):
        driver.resume()
    assert session.recv(1) == b""


def test_a_module_that_does_not_leave_data_mode_is_told(driver: TcpipDriver, session: Session, module: Module) -> None:
    module.hears_dtr = False
    with pytest.raises(TcpipError, match="does not leave data mode"):
        driver.escape()
    assert driver.online
    module.hears_dtr = True
    driver.escape()


@pytest.mark.requirement("S3.23")
def test_closed_among_the_data_is_data_where_the_module_is_still_in_data_mode(
    driver: TcpipDriver, session: Session, module: Module
) -> None:
    module.say(b"data" + CLOSED)
    assert session.recv(4) == b"data"
    session.sendall(b"goes on")
    assert module.data.endswith(b"goes on")
    assert session.recv(10) == CLOSED


@pytest.mark.requirement("S3.23")
def test_closed_is_the_end_where_the_module_does_not_hear_that_dtr_drops(
    driver: TcpipDriver, session: Session, module: Module
) -> None:
    module.say(b"data" + CLOSED)
    assert session.recv(4) == b"data"
    module.online, module.hears_dtr = False, False
    with pytest.raises(SessionFinished):
        session.sendall(b"late")
    assert not driver.online


def test_a_lease_that_the_table_has_ended_is_claimed_again_by_the_next_use() -> None:
    port = Module()
    with TcpipDriver(port, initialise=()) as driver:
        former = driver.claim()
        driver.table._release(former)
        assert driver.state() == "IP CLOSE"
        assert driver.lease is not former
