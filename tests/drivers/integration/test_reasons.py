"""An error names the rule that was broken, and what can be known before anything is sent is told before."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from chosen_behaviour import may_change_form
from driver_lab import PATIENCE, Peer, QuickClock
from every_way import MakeWay, Way, only

import cmux
from drivers.emulator import Behaviour, EmulatedModule
from drivers.emulator.environment import Network
from drivers.errors import (
    AtError,
    ChannelClosed,
    CommandError,
    ConnectFailed,
    ConnectRefused,
    ConnectTimeout,
    SessionReset,
    TcpipError,
)
from drivers.tcpip import Csd, Gprs, TcpipDriver, Transparent

CSD = Csd("17201", "172", "172")
Use = Callable[[Any, int], object]

USES: dict[str, Use] = {
    "activate": lambda driver, _: driver.activate(),
    "connect by TCP": lambda driver, port: driver.connect("TCP", "127.0.0.1", port),
    "connect by UDP": lambda driver, port: driver.connect("UDP", "127.0.0.1", port),
    "connect by steps": lambda driver, port: driver.connect("TCP", "127.0.0.1", port, step_by_step=True),
    "listen by TCP": lambda driver, _: driver.listen("TCP"),
    "listen by UDP": lambda driver, _: driver.listen("UDP"),
    "resolve": lambda driver, _: driver.resolve("www.quectel.com"),
    "set_name_servers": lambda driver, _: driver.set_name_servers("8.8.8.8"),
}
EVERY_USE = pytest.mark.parametrize("use", USES.values(), ids=USES)


def refused(there: Way, rule: str, act: Callable[[], object]) -> str:
    """What the driver says, without having sent anything."""
    before = there.heard
    with pytest.raises(TcpipError) as said:
        act()
    assert type(said.value) is TcpipError
    assert rule in str(said.value)
    assert "IP INITIAL" not in str(said.value)
    assert there.heard == before
    return str(said.value)


# -- 7.2: two contexts on one UART exclude transparent mode ----------------------------------------------------------


def refuse_all(there: Way, driver: Any, port: int) -> None:
    for use in USES.values():
        refused(there, "app note 7.2", lambda use=use: use(driver, port))  # type: ignore[misc]


@pytest.mark.requirement("S7.6")
@pytest.mark.parametrize("escape", ["+++", "dtr"])
def test_a_second_context_cannot_be_transparent(way: MakeWay, escape: str, echo_server: Peer) -> None:
    there = way()
    first, second = there.driver(0), there.driver(1, transparent=Transparent(escape=escape))
    with first:
        first.connect("TCP", "127.0.0.1", echo_server.port)
        said = refused(there, "app note 7.2", second.claim)
        assert "context 1: transparent mode is not possible while this UART has another active context, 0" in said
        refuse_all(there, second, echo_server.port)
        assert first.state() == "CONNECT OK"
    if escape == "+++" or not there.plain:  # the plain UART of the laboratory has no DTR
        with second:  # alone it can
            second.activate()


@pytest.mark.requirement("S7.6")
def test_nor_can_there_be_a_second_context_beside_a_transparent_one(way: MakeWay, echo_server: Peer) -> None:
    there = way(clock=QuickClock(5.0))
    first, second = there.driver(0, transparent=True), there.driver(1)
    with first:
        session = first.connect("TCP", "127.0.0.1", echo_server.port)
        session.settimeout(5 * PATIENCE)
        refuse_all(there, second, echo_server.port)
        session.sendall(b"unharmed")
        assert session.recv(8) == b"unharmed"
        first.escape()
        refuse_all(there, second, echo_server.port)


@only("channel")
@pytest.mark.requirement("S7.6", "S8.5")
def test_on_another_uart_there_can(way: MakeWay, echo_server: Peer) -> None:
    there = way(clock=QuickClock(5.0))
    with there.driver(0, transparent=True) as first, there.driver(1, uart=2, transparent=True) as second:
        for driver in (first, second):
            driver.connect("TCP", "127.0.0.1", echo_server.port)


# -- 7.1: two contexts at once are GPRS both -------------------------------------------------------------------------


BEARERS = pytest.mark.parametrize("bearers", [(Gprs(), CSD), (CSD, Gprs()), (CSD, CSD)], ids=["GC", "CG", "CC"])


@pytest.mark.requirement("S7.3")
@EVERY_USE
@BEARERS
def test_csd_beside_another_context_is_told_before_anything_is_sent(
    way: MakeWay, bearers: tuple[Any, Any], use: Use, echo_server: Peer
) -> None:
    there = way(clock=QuickClock(5.0))
    first, second = there.driver(0, bearer=bearers[0]), there.driver(1, bearer=bearers[1])
    with first, second:
        first.activate()
        said = refused(there, "app note 7.1", lambda: use(second, echo_server.port))
        assert "context 0 is active" in said
        assert first.state() == "IP STATUS"
        first.deactivate()
        use(second, echo_server.port)


@only("channel")
@pytest.mark.requirement("S7.3")
@EVERY_USE
def test_also_on_another_virtual_uart(way: MakeWay, use: Use, echo_server: Peer) -> None:
    there = way(clock=QuickClock(5.0))
    first, second = there.driver(0), there.driver(1, uart=2, bearer=CSD)
    with first, second:
        first.activate()
        refused(there, "app note 7.1", lambda: use(second, echo_server.port))
        there.module.drop_contexts()
        first.deactivate()
        use(second, echo_server.port)
        refused(there, "app note 7.1", lambda: use(first, echo_server.port))


@only("channel")
@pytest.mark.requirement("S7.3")
def test_what_another_program_has_active_the_module_refuses_and_the_rule_is_named(
    way: MakeWay, echo_server: Peer
) -> None:
    there = way()
    with there.driver(0, program=1) as first, there.driver(1, uart=2, bearer=CSD) as second:
        first.activate()
        with pytest.raises(CommandError, match=r"AT\+QIACT"):
            second.activate()
        for name in ("connect by TCP", "connect by UDP", "listen by TCP", "listen by UDP"):
            with pytest.raises(ConnectFailed, match=r"could not be activated, it is in .*app note 7\.1") as said:
                USES[name](second, echo_server.port)
            assert not isinstance(said.value, ConnectionRefusedError)
        assert first.state() == "IP STATUS"


# -- CONNECT FAIL: the state of the context tells what has failed ----------------------------------------------------


@pytest.mark.parametrize("state", ["IP IND", "IP INITIAL", "PDP DEACT"])
@pytest.mark.parametrize("name", ["connect by TCP", "connect by UDP", "listen by TCP", "listen by UDP"])
@pytest.mark.parametrize("muxip", [False, True])
def test_a_context_that_could_not_be_activated_is_no_refused_connection(
    way: MakeWay, name: str, state: str, muxip: bool, echo_server: Peer
) -> None:
    there = way(behaviour=Behaviour(refused_activation=state), clock=QuickClock(5.0))  # type: ignore[arg-type]
    there.module.set_network(Network(accepts=False))
    with there.driver(0, muxip=muxip) as driver:
        with pytest.raises(ConnectFailed) as said:
            USES[name](driver, echo_server.port)
        assert not isinstance(said.value, ConnectRefused | ConnectTimeout)
        assert f"CONNECT FAIL: the context could not be activated, it is in {state}" in str(said.value)
        assert "app note 7.1" not in str(said.value)


@pytest.mark.parametrize("active", [False, True])
def test_only_a_name_can_be_one_that_nobody_knows(way: MakeWay, active: bool) -> None:
    there = way()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with there.driver(0) as driver:
        if active:
            driver.activate()
        with pytest.raises(ConnectRefused) as said:
            driver.connect("TCP", "127.0.0.1", port)
        assert str(said.value).endswith("the module gives no reason: refused or unreachable")
        may_change_form(driver)
        with pytest.raises(ConnectRefused, match="refused, unreachable, or no such name"):
            driver.connect("TCP", "no.such.name.example", port)


# -- arguments and settings ------------------------------------------------------------------------------------------


@pytest.mark.requirement("S4.2", "S3.14")
def test_a_setting_that_is_refused_names_the_rule(way: MakeWay) -> None:
    there = way()
    with there.driver(0, muxip=True) as former:
        former.claim()
        former.release()
        driver = there.driver(0, transparent=True, initialise=())
        with pytest.raises(TcpipError, match=r"AT\+QIMUX is 1, .*exclude each other \(app note 4\.1\)") as said:
            driver.claim()
        assert "needs IP INITIAL" not in str(said.value)
        former.activate()
        former.release()
        with pytest.raises(TcpipError, match=r"AT\+QIMUX needs IP INITIAL: deactivate the context first"):
            there.driver(0, initialise=("QIMUX",)).claim()
        former.claim()


def test_a_server_without_clients_is_not_told_of_muxip(way: MakeWay) -> None:
    there = way()
    for clients in (0, 6, -1):
        with pytest.raises(ValueError, match="a server has 1 to 5 clients"):
            there.driver(0).listen(clients=clients)
    with pytest.raises(ValueError, match="MUXIP"):
        there.driver(0).listen(clients=2)
    assert b"QI" not in there.heard


@only("plain")
@pytest.mark.requirement("S3.29")
def test_a_port_without_dtr_is_told_before_a_session_is_in_data_mode(way: MakeWay) -> None:
    there = way()
    with pytest.raises(AtError, match=r"the port has no DTR; use escape='\+\+\+'"):
        there.driver(0, transparent=Transparent(escape="dtr")).claim()
    assert there.heard == b""


@pytest.mark.parametrize("escape", ["+++", "dtr"])
def test_a_line_that_is_gone_is_told_as_that(escape: str) -> None:
    with EmulatedModule() as module:
        with cmux.open(module.serve_pty()) as mux:
            driver = TcpipDriver(mux.channel(1), 0, transparent=Transparent(escape=escape))
        with pytest.raises(ChannelClosed):
            driver.claim()
        driver.close()


@pytest.mark.parametrize("muxip", [False, True])
def test_the_totals_of_a_session_that_is_gone_are_not_asked_for(way: MakeWay, muxip: bool, echo_server: Peer) -> None:
    there = way()
    with there.driver(0, muxip=muxip) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.settimeout(PATIENCE)
        there.module.drop_contexts()
        with pytest.raises(SessionReset):
            session.recv(1)
        before = there.heard
        with pytest.raises(SessionReset, match=r"\+PDP DEACT"):
            session.acknowledged()
        assert there.heard == before
        other = driver.connect("TCP", "127.0.0.1", echo_server.port)
        before = there.heard
        with pytest.raises(SessionReset, match=r"\+PDP DEACT"):
            session.acknowledged()  # they would be those of the other one
        assert there.heard == before
        assert other.acknowledged().sent == 0


def test_a_driver_that_is_not_transparent_has_no_data_mode(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    with there.driver(0) as driver:
        driver.connect("TCP", "127.0.0.1", echo_server.port)
        refused(there, "no data mode without transparent=True", driver.resume)


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_server_that_another_host_has_left_does_not_keep_its_port(way: MakeWay, protocol: str) -> None:
    there = way()
    gone = there.driver(0)
    gone.listen(protocol)
    gone.release()
    with there.driver(0) as driver, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert driver.listen(protocol, port).port == port


def test_bare_data_is_told_of_the_context_that_has_it(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    first, second = there.driver(0, receive="bare"), there.driver(1, receive="header")
    with first, second:
        first.connect("TCP", "127.0.0.1", echo_server.port)
        with pytest.raises(TcpipError, match="use receive='buffered' or 'header' for context 0"):
            second.connect("TCP", "127.0.0.1", echo_server.port)
