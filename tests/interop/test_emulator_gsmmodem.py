"""python-gsmmodem-new as the host of the emulated module, by its pty."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from emulator_programs import wait_for

from drivers.cli.emulate import BASE
from drivers.emulator import EmulatedModule

with warnings.catch_warnings():  # about its regular expressions, when it is compiled
    warnings.simplefilter("ignore")
    from gsmmodem import modem as gsmmodem

NUMBER = "+4930123456"
LONG = "Привет, мир! " * 12
DEADLINE = 20.0  # seconds


@contextmanager
def host(module: EmulatedModule, **settings: Any) -> Iterator[Any]:
    """Have it connected; it leaves no thread behind."""
    before = set(threading.enumerate())
    modem = gsmmodem.GsmModem(module.serve_pty(), 115200, **settings)
    modem.connect(waitingForModemToStartInSeconds=0)
    try:
        yield modem
    finally:
        modem.close()
        for thread in set(threading.enumerate()) - before:
            thread.join(DEADLINE)
            assert not thread.is_alive(), thread


@pytest.fixture
def module() -> Iterator[EmulatedModule]:
    """A module like that of `gsm0710 emulate`, and a network that takes its time, for a computer that is busy."""
    behaviour = replace(BASE, message_interval=1.0, result_time=0.3)
    with EmulatedModule(behaviour=behaviour, number="+491701234567", ussd={"*100#": "5 EUR left"}) as one:
        yield one


def test_it_knows_the_module_and_its_network(module: EmulatedModule) -> None:
    with host(module) as modem:
        assert (modem.manufacturer, modem.model, modem.imei) == ("Quectel_Ltd", "Quectel_M10", "861001001234560")
        assert (modem.networkName, modem.signalStrength) == ("CHINA MOBILE", 28)
        assert modem.ownNumber == "+491701234567"


@pytest.mark.parametrize(("model", "serial"), [("ec25", "861107030000012"), ("bg96", "866425030000017")])
def test_it_knows_an_lte_module_and_is_called_with_a_message(model: str, serial: str) -> None:
    came: queue.Queue[Any] = queue.Queue()
    with (
        EmulatedModule(model=model, behaviour=replace(BASE, message_interval=1.0)) as module,
        host(module, smsReceivedCallbackFunc=came.put) as modem,
    ):
        assert (modem.manufacturer, modem.model, modem.imei) == ("Quectel", model.upper(), serial)
        assert (modem.networkName, modem.signalStrength) == ("CHINA MOBILE", 28)
        module.receive_sms("The tank is full.", number=NUMBER)
        assert came.get(timeout=DEADLINE).text == "The tank is full."
        assert wait_for("an empty store", lambda: not modem.listStoredSms(), DEADLINE)


def test_it_sends_and_gets_its_delivery_report(module: EmulatedModule) -> None:
    with host(module) as modem:
        sent = modem.sendSms(NUMBER, "The tank is empty.", waitForDeliveryReport=True, deliveryTimeout=DEADLINE)
        assert sent.status == sent.DELIVERED
        (message,) = module.sent_sms
        assert (message.number, message.text) == (NUMBER, "The tank is empty.")
        assert message.status_report


def test_it_sends_three_parts_in_ucs_2(module: EmulatedModule) -> None:
    """Without status reports, which it would read at the prompt of the next part."""
    with host(module, AT_CNMI="2,1,0,0") as modem:
        modem.sendSms(NUMBER, LONG)
        (message,) = module.sent_sms
        assert (message.text, message.coding, message.parts, message.complete) == (LONG, "UCS-2", 3, True)


def test_its_handler_is_called_with_each_message_that_comes(module: EmulatedModule) -> None:
    came: queue.Queue[Any] = queue.Queue(maxsize=16)
    with host(module, smsReceivedCallbackFunc=came.put) as modem:
        module.receive_sms("Refilled [€].", number=NUMBER)
        message = came.get(timeout=DEADLINE)
        assert (message.number, message.text) == (NUMBER, "Refilled [€].")
        assert module.receive_sms("я" * 150, number=NUMBER) == 0  # the next one waits for the one before
        parts = [came.get(timeout=DEADLINE) for _ in range(3)]
        assert "".join(part.text for part in parts) == "я" * 150
        assert wait_for("an empty store", lambda: not modem.listStoredSms(), DEADLINE)


def test_it_asks_a_ussd_code(module: EmulatedModule) -> None:
    with host(module) as modem:
        answer = modem.sendUssd("*100#", responseTimeout=DEADLINE)
        assert (answer.message, answer.sessionActive) == ("5 EUR left", False)


def test_it_asks_a_ussd_code_after_a_message_in_ucs_2(module: EmulatedModule) -> None:
    """It leaves AT+CSCS="UCS2" behind then, and types the code as it is all the same."""
    with host(module, AT_CNMI="2,1,0,0") as modem:
        modem.sendSms(NUMBER, "Привет")
        answer = modem.sendUssd("*100#", responseTimeout=DEADLINE)
        assert bytes.fromhex(answer.message).decode("utf-16-be") == "5 EUR left"


def test_it_is_told_that_a_message_was_not_sent(module: EmulatedModule) -> None:
    with host(module) as modem:
        module.trigger("sms_refused")
        with pytest.raises(gsmmodem.CmsError, match="21"):
            modem.sendSms(NUMBER, "The tank is empty.")
        assert module.sent_sms == ()
