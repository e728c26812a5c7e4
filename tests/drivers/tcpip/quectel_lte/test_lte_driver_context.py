"""The context of an LTE module: what is sent for it, when it counts as active, how it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from driver_lab import PATIENCE
from lte_script import (
    BEARER,
    CLAIM,
    DOWN,
    LISTED,
    OPENED,
    RESYNCHRONISED,
    SETTINGS,
    SURVEY,
    UP,
    Pair,
    connected,
    error,
    line,
    play,
    urc,
)
from scripted_port import ERROR, OK
from stepped_clock import SteppedClock

from drivers.errors import (
    AtTimeout,
    CommandError,
    SessionReset,
    SettingRefused,
    WrongDialect,
)

READY = line("+CPIN: READY") + OK
IN_ORDER = [("AT+CPIN?", READY), ("AT+CEREG?", line("+CEREG: 0,1") + OK), ("AT+CGATT?", line("+CGATT: 1") + OK)]
MARGIN = 5.0
"""Seconds that the driver gives a module beyond its own limit."""


@pytest.mark.requirement("L11.3")
def test_a_claim_asks_what_is_there_and_then_makes_the_settings() -> None:
    with play(*CLAIM) as one:
        one.driver.claim()
        assert one.driver.leftovers == ()


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"apn": "internet"}, '1,1,"internet","","",0'),
        ({"apn": "internet", "user": "me", "password": "secret"}, '1,1,"internet","me","secret",3'),
        ({"context": 16}, '16,1,"CMNET","","",0'),
    ],
)
def test_the_bearer_is_set_for_the_context(options: dict[str, object], value: str) -> None:
    with play(*SURVEY, (f"AT+QICSGP={value}", OK), *SETTINGS, **options) as one:
        one.driver.claim()


def test_settings_that_the_firmware_does_not_have_are_left_alone() -> None:
    settings = [(command, ERROR) for command, _ in SETTINGS]
    with play(*SURVEY, *BEARER, *settings) as one:
        one.driver.claim()


def test_a_bearer_that_is_refused_is_an_error_with_the_code_of_the_module() -> None:
    rows = [*SURVEY, (BEARER[0][0], ERROR), *error(552), ("AT+QIACT?", OK)]
    with play(*rows) as one:
        with pytest.raises(
            SettingRefused, match=r"AT\+QICSGP=.* was answered ERROR, 552 \(invalid parameters"
        ) as refused:
            one.driver.claim()
        assert refused.value.code == 552


@pytest.mark.parametrize(
    ("read", "more"),
    [
        ('"cmux/urcport",0', []),
        ('"cmux/urcport",1', []),
        ('"cmux/urcport",3', [('AT+QCFG="cmux/urcport",1', OK)]),
        ('"cmux/urcport", 3 , 1', [('AT+QCFG="cmux/urcport",1', ERROR)]),
    ],
)
def test_unsolicited_results_are_let_onto_the_channel_that_is_read(read: str, more: list[Pair]) -> None:
    """LTE L21: they did not come at all on the port in use."""
    ask = ('AT+QCFG="cmux/urcport"', line(f"+QCFG: {read}") + OK)
    with play(*SURVEY, *BEARER, *SETTINGS[:-1], ask, *more) as one:
        one.driver.claim()


# -- activating --------------------------------------------------------------------------------------------------------


def test_the_address_comes_from_the_list_of_active_contexts() -> None:
    with play(*CLAIM, *UP, *DOWN) as one:
        assert one.driver.activate() == "10.7.158.1"
        assert one.driver.local_address == "10.7.158.1"


@pytest.mark.requirement("L2.12")
def test_error_for_a_context_that_is_listed_afterwards_is_success() -> None:
    """LTE L13: QIACT gives ERROR after a reset of the host, and the context is up."""
    up: list[Pair] = [("AT+QIACT?", OK), ("AT+QIACT=1", ERROR), *error(561), ("AT+QIACT?", LISTED)]
    with play(*CLAIM, *up, *DOWN) as one:
        assert one.driver.activate() == "10.7.158.1"


@pytest.mark.requirement("L2.12")
def test_a_context_that_is_listed_already_is_not_activated_again_and_stays_for_whom_it_is() -> None:
    """LTE L14, L16: the module is asked, and what others use is not taken down."""
    survey = [SURVEY[0], ("AT+QIACT?", LISTED)]
    with play(*survey, *BEARER, *SETTINGS, ("AT+QIACT?", LISTED)) as one:
        assert one.driver.activate() == "10.7.158.1"


def test_a_context_that_is_refused_is_an_error_with_the_code_of_the_module() -> None:
    rows = [*CLAIM, ("AT+QIACT?", OK), ("AT+QIACT=1", ERROR), *error(573), ("AT+QIACT?", OK), *IN_ORDER]
    with play(*rows) as one:
        with pytest.raises(CommandError, match=r"573 \(the access point is not configured") as refused:
            one.driver.activate()
        assert refused.value.code == 573


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([line("+CME ERROR: 10")], "no SIM is inserted"),
        ([line("+CPIN: SIM PIN") + OK], "the SIM wants its PIN"),
        ([READY, line("+CEREG: 0,2") + OK, line("+CREG: 0,2") + OK], "no network has been found yet"),
        ([READY, line("+CEREG: 0,3") + OK, line("+CREG: 0,0") + OK], "the network refuses the SIM"),
        ([READY, line("+CEREG: 0,4") + OK, line("+CREG: 0,5") + OK, line("+CGATT: 0") + OK], "not attached"),
        ([READY, ERROR, ERROR, line("+CGATT: 1") + OK], "it may be the APN, which is 'CMNET'"),
    ],
)
def test_why_a_context_is_refused_is_found_out_by_questions(answers: list[bytes], why: str) -> None:
    asked = list(zip(("AT+CPIN?", "AT+CEREG?", "AT+CREG?", "AT+CGATT?"), answers, strict=False))
    rows = [*CLAIM, ("AT+QIACT?", OK), ("AT+QIACT=1", ERROR), *error(561), ("AT+QIACT?", OK), *asked]
    with play(*rows) as one, pytest.raises(CommandError, match=why) as refused:
        one.driver.activate()
    assert refused.value.code == 561


def test_a_context_that_is_refused_beside_three_active_ones_is_said_to_be_one_too_many() -> None:
    three = "\r\n".join(f'+QIACT: {n},1,1,"10.7.158.{n}"' for n in (2, 3, 4))
    asked = [("AT+CPIN?", READY), ("AT+CEREG?", line("+CEREG: 0,1") + OK), ("AT+CGATT?", line("+CGATT: 1") + OK)]
    full = ("AT+QIACT?", line(three) + OK)
    with play(*CLAIM, full, ("AT+QIACT=1", ERROR), *error(561), full, *asked) as one:
        with pytest.raises(CommandError, match=r"contexts 2, 3, 4 are active") as refused:
            one.driver.activate()
        assert "APN" not in str(refused.value)


def test_a_context_that_the_network_took_before_is_deactivated_first() -> None:
    up: list[Pair] = [("AT+QIACT?", OK), ("AT+QIACT=1", ERROR), *error(570), *DOWN, *UP[1:]]
    with play(*CLAIM, *up, *DOWN) as one:
        assert one.driver.activate() == "10.7.158.1"


def test_the_state_is_asked_for() -> None:
    with play(*CLAIM, ("AT+QIACT?", OK), *UP, ("AT+QIACT?", LISTED), *DOWN) as one:
        assert one.driver.state() == "inactive"
        one.driver.activate()
        assert one.driver.state() == "active"


def test_a_warning_about_the_supply_ends_nothing() -> None:
    with play(*CLAIM) as one:
        one.driver.claim()
        one.port.say(line("UNDER_VOLTAGE WARNING"))
        assert one.port.drained()
        assert one.driver.lease is not None
        assert "unclaimed" not in one.driver.channel.stats()


@pytest.mark.requirement("L1.9")
@pytest.mark.parametrize("form", ["+QIACT:1,1,1,10.7.158.1", '+QIACT:  1 , 1 , 3 , "10.7.158.1" , "fe80::1"'])
def test_blanks_and_quotes_in_the_list_do_not_matter(form: str) -> None:
    with play(*CLAIM, *UP[:2], ("AT+QIACT?", line(form) + OK), *DOWN) as one:
        assert one.driver.activate() == "10.7.158.1"


@pytest.mark.requirement("L2.15")
def test_the_module_has_all_of_its_time_for_activating_and_deactivating() -> None:
    clock = SteppedClock()
    begun, ended = (1, ">", b"AT+QIACT=1\r"), (1, ">", b"AT+QIDEACT=1\r")
    with play(*CLAIM, UP[0], begun, UP[2], ended, clock=clock) as one, ThreadPoolExecutor(1) as pool:
        for call, most in ((one.driver.activate, 150.0), (one.driver.deactivate, 40.0)):
            running = pool.submit(call)
            clock.await_wait(most + MARGIN)
            one.port.say(OK)
            running.result(PATIENCE)


def test_a_context_whose_activation_was_not_answered_is_deactivated_in_the_end() -> None:
    clock = SteppedClock()
    begun = (1, ">", b"AT+QIACT=1\r")
    rows = [*CLAIM, UP[0], begun, *RESYNCHRONISED, *DOWN]
    with play(*rows, clock=clock) as one, ThreadPoolExecutor(1) as pool:
        running = pool.submit(one.driver.activate)
        clock.await_wait(150.0 + MARGIN)
        clock.advance(150.0 + MARGIN)
        with pytest.raises(AtTimeout, match="QIACT"):
            running.result(PATIENCE)


# -- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("L2.13", "L3.12")
def test_a_context_that_the_network_takes_is_deactivated_before_it_is_activated_again() -> None:
    again = [*DOWN, *CLAIM, *UP, *OPENED, ("AT+QICLOSE=0,2", OK), *DOWN]
    with play(*CLAIM, *UP, *OPENED, (1, "<", urc('"pdpdeact",1')), *again) as one:
        session = one.connect()
        with pytest.raises(SessionReset, match=r'the network deactivated the context .*"pdpdeact",1') as ended:
            session.recv(1)
        assert ended.value.code == 570
        one.connect().close()


def test_the_loss_of_another_context_is_nothing_here() -> None:
    with connected((1, "<", urc('"pdpdeact",2')), ("AT+QIRD=0,1500", line("+QIRD: 1") + b"x\r\n" + OK)) as (
        one,
        session,
    ):
        one.port.drained()
        assert session.open
        one.port.say(urc('"recv",0'))
        assert session.recv(1) == b"x"
        session.close()


@pytest.mark.requirement("L11.2")
@pytest.mark.parametrize("last", ["RDY", "POWERED DOWN"])
def test_a_restart_of_the_module_ends_every_session_with_this_cause(last: str) -> None:
    with play(*CLAIM, *UP, *OPENED) as one:
        session = one.connect()
        one.port.say(line(last))
        with pytest.raises(SessionReset, match=rf"the module was reset \({last}\)"):
            session.recv(1)
        assert one.driver.lease is None


# -- another family ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "dialect"),
    [("BG96", "bg96"), ("Quectel_M10", "m10"), ("EC25", "ec25"), ("EG91", "eg91"), ("SIMCOM_SIM800L", None)],
)
def test_a_module_that_does_not_know_the_question_is_named_with_the_dialect_that_fits(
    model: str, dialect: str | None
) -> None:
    with play(("AT+QISTATE?", ERROR), ("AT+CGMM", line(model) + OK)) as one:
        if dialect in ("bg96", "ec25", "eg91"):  # of this family, so it is no reason
            with pytest.raises(CommandError, match=r"AT\+QISTATE\?"):
                one.driver.claim()
            return
        with pytest.raises(WrongDialect, match=f"the module is '{model}'") as wrong:
            one.driver.claim()
        assert (wrong.value.model, wrong.value.dialect) == (model, dialect)
