"""A context that is not activated: the module is asked why, and the exception names what is the cause, with a cure."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from driver_lab import BG96, Peer, QuickClock
from every_way import MakeWay, in_each_way
from silent_module import ERROR, OK, Bed, SilentModule, lines

from drivers.clock import FakeClock
from drivers.emulator.environment import Network, Sim
from drivers.errors import CommandError, ConnectFailed, DriverError
from drivers.tcpip import Csd, Gprs

Use = Callable[[Any, int], object]

USES: dict[str, Use] = {
    "activate": lambda driver, _: driver.activate(),
    "connect": lambda driver, port: driver.connect("TCP", "127.0.0.1", port),
    "connect by steps": lambda driver, port: driver.connect("TCP", "127.0.0.1", port, step_by_step=True),
    "listen": lambda driver, _: driver.listen(),
    "resolve": lambda driver, _: driver.resolve("www.quectel.com"),
}

CAUSES: dict[str, tuple[Network, str]] = {
    "no SIM": (
        Network(sim=Sim.MISSING),
        "no SIM is inserted: put one in while the power is off (AT+CPIN? was answered +CME ERROR: 10)",
    ),
    "a locked SIM": (
        Network(sim=Sim.PIN),
        "the SIM wants its PIN: unlock() of a drivers.modem.Modem enters it (AT+CPIN? was answered SIM PIN)",
    ),
    "a blocked SIM": (Network(sim=Sim.PUK), "the SIM is blocked, and wants its PUK: unlock(puk, new_pin)"),
    "no network": (
        Network(registered=False),
        "the module is not registered in a network, and does not search for one now: is the antenna connected",
    ),
    "no packet service": (
        Network(attached=False),
        "the module is not attached to packet service: attach() of a drivers.modem.Modem does that",
    ),
    "nothing of these": (Network(accepts=False), "it may be the APN, which is 'CMNET', or the user name or password"),
}


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("use", USES)
def test_the_cause_is_named_with_its_cure(way: MakeWay, use: str, cause: str, echo_server: Peer) -> None:
    network, said = CAUSES[cause]
    there = way(clock=QuickClock(5.0))
    there.set_network(network)
    with there.driver(0) as driver:
        with pytest.raises(DriverError) as caught:
            USES[use](driver, echo_server.port)
        assert said in str(caught.value)
        if use in ("connect", "listen"):
            assert type(caught.value) is ConnectFailed  # as before: nobody has refused a connection
        if use == "activate":
            assert type(caught.value) is CommandError
            assert caught.value.command == "AT+QIACT"
        there.set_network(Network())
        USES[use](driver, echo_server.port)  # and the cure is one


USES_OF_LTE = ("activate", "connect", "resolve")
OF_LTE = [(USES_OF_LTE[number % 3], cause) for number, cause in enumerate(CAUSES)]


@in_each_way("use cause", *OF_LTE, kinds=(BG96,))
def test_the_cause_that_an_lte_module_has_is_named_with_its_cure(
    way: MakeWay, use: str, cause: str, echo_server: Peer
) -> None:
    network, said = CAUSES[cause]
    there = way(clock=QuickClock(5.0))
    there.set_network(network)
    with there.driver(0, apn="CMNET") as driver:
        with pytest.raises(DriverError) as caught:
            USES[use](driver, echo_server.port)
        assert said.partition(" (")[0] in str(caught.value)
        there.set_network(Network())
        USES[use](driver, echo_server.port)


def test_what_is_in_order_is_not_asked_for(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    with there.driver(0) as driver:
        driver.connect("TCP", "127.0.0.1", echo_server.port)
    for question in (b"CPIN", b"CREG", b"CGREG", b"CGATT"):
        assert question not in there.heard


def test_nothing_is_asked_where_an_active_context_is_not_the_reason(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    free = echo_server.port
    with there.driver(0) as driver:
        driver.activate()
        echo_server.close()
        with pytest.raises(DriverError):
            driver.connect("TCP", "127.0.0.1", free)
    assert b"CPIN" not in there.heard


def test_a_data_call_is_not_asked_about_packet_service(way: MakeWay) -> None:
    there = way(clock=QuickClock(5.0))
    there.set_network(Network(accepts=False, attached=False))
    with there.driver(0, bearer=Csd("17201")) as driver, pytest.raises(CommandError, match=r"app note 7\.1"):
        driver.activate()
    assert b"CREG" in there.heard
    assert b"CGATT" not in there.heard


def test_the_password_is_not_told(way: MakeWay) -> None:
    there = way(clock=QuickClock(5.0))
    there.set_network(Network(accepts=False))
    driver = there.driver(0, bearer=Gprs("internet", "user", "secret"))
    with pytest.raises(CommandError, match="the APN, which is 'internet'") as caught:
        driver.activate()
    driver.close()
    assert "secret" not in str(caught.value)


IN_ORDER = {
    "AT+CPIN?": lines("+CPIN: READY") + OK,
    "AT+CREG?": lines("+CREG: 0,1") + OK,
    "AT+CGREG?": lines("+CGREG: 0,1") + OK,
    "AT+CGATT?": lines("+CGATT: 1") + OK,
}
"""The answers of a module that is registered and attached."""

ANSWERS: dict[str, tuple[str, bytes, str]] = {
    "a SIM that does not work": ("AT+CPIN?", lines("+CME ERROR: 13"), "the SIM does not work"),
    "a SIM that is busy, in words": ("AT+CPIN?", lines("+CME ERROR: SIM busy"), "the SIM is not ready yet"),
    "a device that is locked": ("AT+CPIN?", lines("+CPIN: PH-NET PIN") + OK, "the device is locked to another SIM"),
    "a network that is searched for": ("AT+CREG?", lines("+CREG: 0,2") + OK, "no network has been found yet"),
    "a network that refuses": ("AT+CREG?", lines("+CREG: 0,3") + OK, "the network refuses the SIM"),
    "emergency calls only": ("AT+CREG?", lines('+CREG: 2,8,"1A2B","00FF"') + OK, "emergency calls only"),
    "a network that refuses packets": ("AT+CGREG?", lines("+CGREG: 0,3") + OK, "the network refuses the SIM"),
    "roaming": ("AT+CREG?", lines("+CREG: 0,5") + OK, "it may be the APN"),
    "a question that is not known": ("AT+CGREG?", ERROR, "it may be the APN"),
    "an answer without its name": ("AT+CGATT?", OK, "it may be the APN"),
}


@pytest.mark.parametrize("shell", ["threads", "aio"])
@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_that_a_module_may_give(shell: str, name: str) -> None:
    question, answer, said = ANSWERS[name]
    with ExitStack() as stack:
        module = SilentModule("AT+QIACT", ERROR, state="IP IND")
        module.answers |= IN_ORDER | {question: answer}
        with pytest.raises(CommandError, match=re.escape(said)):
            Bed(stack, shell, module, FakeClock()).driver().activate()
    assert question in module.commands


@pytest.mark.parametrize("shell", ["threads", "aio"])
def test_a_module_that_answers_no_question_is_not_asked_the_others(shell: str) -> None:
    with ExitStack() as stack:
        module = SilentModule("AT+QIACT", ERROR, state="IP IND")
        module.answers |= {"AT+CPIN?": b""}
        bed = Bed(stack, shell, module, QuickClock(200.0))
        with pytest.raises(CommandError, match="it may be the APN"):
            bed.driver().activate()
    assert not {"AT+CREG?", "AT+CGATT?"}.intersection(module.commands)
