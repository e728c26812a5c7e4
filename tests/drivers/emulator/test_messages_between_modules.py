"""Messages between the modules of one process, and those that Python and a control socket let a module receive."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning, settle
from message_dialogues import CENTRE, DELIVER, OK, ask, enter, inside

from drivers.clock import FakeClock
from drivers.emulator import Behaviour, EmulatedModule, EmulatedPort
from drivers.emulator.sms.messages import MOST_WAITING

ONE, TWO = "+491701234567", "+491701234568"


def until(port: EmulatedPort, end: bytes) -> bytes:
    """Read to these octets, in threads."""
    octets = bytearray()
    while not octets.endswith(end):
        came = port.read(1)
        assert came, octets
        octets += came
    return bytes(octets)


async def told(lab: Lab, line: str) -> None:
    await lab.plain.expect(f"\r\n{line}\r\n".encode())


async def test_a_message_reaches_the_module_with_its_number_and_the_report_says_so() -> None:
    async with Lab(EmulatedModule(number=ONE)) as one, Lab(EmulatedModule(number=TWO)) as two:
        for lab in (one, two):
            await lab.plain.ask("ATE0")
            await ask(lab.plain, "AT+CMGF=1;+CNMI=2,1,0,1;+CSMP=49,167,0,0")
        await enter(one.plain, f'AT+CMGS="{TWO}"', "hello", f"\r\n+CMGS: 1\r\n{OK}")
        await told(two, '+CMTI: "SM",1')
        when = '"04/01/01,00:00:00+00"'
        await ask(two.plain, "AT+CMGR=1", f'+CMGR: "REC UNREAD","{ONE}","",{when}\r\nhello')
        await told(one, f'+CDS: 6,1,"{TWO}",145,{when},{when},0')
        await enter(two.plain, 'AT+CMGS="491701234567"', "hi", f"\r\n+CMGS: 1\r\n{OK}")  # without the plus sign
        await told(one, '+CMTI: "SM",1')


async def test_a_module_can_send_to_itself() -> None:
    async with Lab(EmulatedModule(number=ONE)) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, "AT+CMGF=1")
        await enter(lab.plain, f'AT+CMGS="{ONE}"', "me", f'\r\n+CMGS: 1\r\n{OK}\r\n+CMTI: "SM",1\r\n')


def test_modules_of_different_threads_reach_each_other() -> None:
    with (
        EmulatedModule(number=ONE, clock=FakeClock()) as one,
        EmulatedModule(number=TWO) as two,
        one.port(timeout=5) as port,
        two.port(timeout=5) as other,
    ):
        port.write(b"ATE0+CMGF=1\r")
        until(port, b"OK\r\n")
        port.write(f'AT+CMGS="{TWO}"\r'.encode())
        until(port, b"> ")
        port.write(b"hello\x1a")
        assert until(other, b'+CMTI: "SM",1\r\n').endswith(b'+CMTI: "SM",1\r\n')
        assert one.sent_sms[0].number == TWO


async def test_a_report_waits_until_the_other_module_has_room_or_a_network() -> None:
    async with Lab(EmulatedModule(number=ONE)) as one, Lab(EmulatedModule(number=TWO)) as two:
        for lab in (one, two):
            await lab.plain.ask("ATE0")
            await ask(lab.plain, "AT+CMGF=1;+CNMI=2,1,0,1;+CSMP=49,167,0,0")
        two.module.trigger("registration_lost")
        await enter(one.plain, f'AT+CMGS="{TWO}"', "hello", f"\r\n+CMGS: 1\r\n{OK}")
        await one.plain.quiet()
        two.module.trigger("registered")
        await told(two, '+CMTI: "SM",1')
        when = '"04/01/01,00:00:00+00"'
        await told(one, f'+CDS: 6,1,"{TWO}",145,{when},{when},0')


async def test_every_message_whose_outcome_is_to_come_gets_its_report() -> None:
    """23.040 §9.2.3.6: TP-MR tells 256 messages apart."""
    async with Lab(EmulatedModule(number=ONE)) as one, Lab(EmulatedModule(number=TWO)) as two:
        for lab in (one, two):
            await lab.plain.ask("ATE0")
            await ask(lab.plain, "AT+CMGF=1;+CNMI=2,1,0,1;+CSMP=49,167,0,0")
        two.module.trigger("registration_lost")
        for number in range(1, 41):
            await enter(one.plain, f'AT+CMGS="{TWO}"', "hello", f"\r\n+CMGS: {number}\r\n{OK}")
        two.module.trigger("registered")
        for number in range(1, 41):
            assert f"+CDS: 6,{number},".encode() in await one.plain.until(b",0\r\n")


@pytest.mark.parametrize("fault", ["sms_delivered", "sms_undelivered"])
async def test_what_the_service_centre_has_outlives_a_restart_of_the_sender(fault: str) -> None:
    """23.040 §3.2: the service centre has the message with +CMGS, whatever becomes of the terminal."""
    clock = Turning()
    sender = EmulatedModule(number=ONE, clock=clock, behaviour=Behaviour(result_time=2.0))
    async with Lab(sender) as one, Lab(EmulatedModule(number=TWO)) as two:
        for lab in (one, two):
            await lab.plain.ask("ATE0")
            await ask(lab.plain, "AT+CMGF=1;+CSMP=49,167,0,0")
        await ask(one.plain, "AT+CNMI=2,0,0,2;&W")
        sender.trigger(fault)
        await one.plain.ask(f'AT+CMGS="{TWO}"', "\r\n> ", echo=False)
        one.plain.write(b"hello\x1a")
        await clock.turn(2)
        await one.plain.expect(f"\r\n+CMGS: 1\r\n{OK}".encode())
        sender.trigger("reset")
        if fault == "sms_delivered":
            await told(two, '+CMTI: "SM",1')
        for _ in range(4):  # boot lines, before which nothing is told
            await clock.turn(2)
        await one.plain.until(b'\r\n+CDSI: "SM",1\r\n')
        await two.plain.quiet()


async def test_a_restart_lets_a_message_to_nobody_have_its_report() -> None:
    clock = Turning()
    sender = EmulatedModule(number=ONE, clock=clock, behaviour=Behaviour(result_time=2.0))
    async with Lab(sender) as one:
        await one.plain.ask("ATE0")
        await ask(one.plain, "AT+CMGF=1;+CSMP=49,167,0,0;+CNMI=2,0,0,2;&W")
        await one.plain.ask('AT+CMGS="+4930123456"', "\r\n> ", echo=False)
        one.plain.write(b"hello\x1a")
        await clock.turn(2)
        await one.plain.expect(f"\r\n+CMGS: 1\r\n{OK}".encode())
        sender.trigger("reset")
        await settle()
        for _ in range(4):  # boot lines, before which nothing is told
            await clock.turn(2)
        await one.plain.until(b'\r\n+CDSI: "SM",1\r\n')


async def test_what_a_host_refuses_is_reported_as_refused() -> None:
    async with Lab(EmulatedModule(number=ONE)) as one, Lab(EmulatedModule(number=TWO)) as two:
        for lab in (one, two):
            await lab.plain.ask("ATE0")
        await ask(one.plain, "AT+CMGF=1;+CNMI=2,1,0,1;+CSMP=49,167,0,0")
        await ask(two.plain, "AT+CSMS=1", "+CSMS: 1,1,1")
        await ask(two.plain, "AT+CNMI=2,2")
        await enter(one.plain, f'AT+CMGS="{TWO}"', "hello", f"\r\n+CMGS: 1\r\n{OK}")
        await two.plain.until(b"\r\n+CMT: ,")
        two.plain.write(b"AT+CNMA=2\r")
        await two.plain.until(OK.encode())
        when = '"04/01/01,00:00:00+00"'
        await told(one, f'+CDS: 6,1,"{TWO}",145,{when},{when},66')


async def test_a_message_to_a_module_that_has_ended_reaches_nobody() -> None:
    async with Lab(EmulatedModule(number=ONE)) as one:
        async with Lab(EmulatedModule(number=TWO)):
            pass
        await one.plain.ask("ATE0")
        await ask(one.plain, "AT+CMGF=1")
        await enter(one.plain, f'AT+CMGS="{TWO}"', "hello", f"\r\n+CMGS: 1\r\n{OK}")
        assert [sent.number for sent in one.module.sent_sms] == [TWO]


# From Python


async def test_a_long_text_comes_in_parts_that_name_each_other() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, "AT+CNMI=2,0;+CMGF=1")
        assert lab.module.receive_sms("я" * 150, reference=5, number="1234") == 3
        assert lab.module.receive_sms("x" * 161, reference=0x1234, wide_reference=True) == 2
        for index, header in ((1, "050003050301"), (3, "050003050303"), (5, "06080412340202")):
            lab.plain.write(f"AT+CMGR={index}\r".encode())
            assert f"\r\n{header}".encode() in await lab.plain.until(OK.encode())


async def test_texts_have_a_coding_and_a_class() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, "AT+CNMI=2,0")
        lab.module.receive_sms("hi", coding="UCS-2", message_class=0)
        lab.module.receive_sms("00FF", coding="8 bit")
        for index, end in (
            (1, "0018" + "40101000000000" + "04" + "00680069"),
            (2, "0004" + "40101000000000" + "0200FF"),
        ):
            lab.plain.write(f"AT+CMGR={index}\r".encode())
            assert end.encode() + b"\r\n" in await lab.plain.until(OK.encode())


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"text": "a", "pdu": CENTRE + DELIVER},
        {"text": "a", "number": ""},
        {"text": "a", "number": "+12ab"},
        {"text": "a", "number": "a name of many letters"},
        {"text": "я", "coding": "7 bit"},
        {"text": "a", "coding": "9 bit"},
        {"text": "a", "message_class": 4},
        {"text": "a", "reference": 256},
        {"text": "x" * 153 * 256},
        {"pdu": ""},
        {"pdu": "0g"},
        {"pdu": CENTRE + DELIVER[:-2]},
        {"pdu": "0011000B916407281553F80000AA0AE8329BFD4697D9EC37"},
    ],
)
async def test_what_makes_no_sense_is_a_value_error(arguments: dict[str, object]) -> None:
    async with EmulatedModule() as module:
        with pytest.raises(ValueError, match=r"."):
            module.receive_sms(**arguments)  # type: ignore[arg-type]
        assert inside(module).stores["MT"].used == 0


def test_a_module_that_does_not_run_receives_nothing_and_has_sent_what_it_has_sent() -> None:
    module = EmulatedModule()
    with pytest.raises(RuntimeError, match="not running"):
        module.receive_sms("a")
    assert module.sent_sms == ()
    with module, module.port(timeout=5) as port:
        port.write(b'AT+CMGF=1;+CMGS="1"\r')
        until(port, b"> ")
        port.write(b"a\x1a")
        until(port, b"OK\r\n")
    assert [(sent.number, sent.text) for sent in module.sent_sms] == [("1", "a")]
    assert module.sent_sms_discarded == 0


async def test_the_service_centre_keeps_what_finds_no_room_and_brings_it_when_there_is() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, "AT+CNMI=2,0;+CMGF=1")
        assert [lab.module.receive_sms(str(number)) for number in range(52)] == [1] * 50 + [0] * 2
        await ask(lab.plain, "AT+CMGD=7")
        lab.plain.write(b"AT+CMGR=7\r")
        assert b"\r\n50\r\n" in await lab.plain.until(OK.encode())
        await ask(lab.plain, "AT+CMGD=1,4")
        await ask(lab.plain, "AT+CMGD=?", "+CMGD: (1),(0-4)")


async def test_the_service_centre_keeps_64_messages_and_counts_the_others() -> None:
    async with Lab(EmulatedModule(faults="registration=off")) as lab:
        assert sum(lab.module.receive_sms("a") for _ in range(MOST_WAITING + 3)) == 0
        assert inside(lab.module).lost == 3
        lab.module.trigger("registered")
        assert inside(lab.module).stores["SM"].used == 50


async def test_messages_come_one_after_the_other_as_the_behaviour_says() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock, behaviour=Behaviour(message_interval=2.0))) as lab:
        await lab.plain.ask("AT")
        assert lab.module.receive_sms("x" * 400) == 1
        for index in (1, 2, 3):
            await told(lab, f'+CMTI: "SM",{index}')
            await lab.plain.quiet()
            await clock.turn(2)
        assert lab.module.receive_sms("x") == 1
        await told(lab, '+CMTI: "SM",4')
        lab.module.receive_sms("x")
        lab.module.trigger("reset")
        await lab.plain.until(b"Call Ready\r\n")
        assert inside(lab.module).stores["SM"].used == 5


# As words


async def test_a_word_lets_a_message_come() -> None:
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, "AT+CMGF=1;+CNMI=2,2")
        lab.module.trigger("sms +491234 Hello, world")
        await told(lab, '+CMT: "+491234",,"04/01/01,00:00:00+00"\r\nHello, world')


@pytest.mark.parametrize("line", ["sms", "sms +491234", "sms +49x hello", "sms +49 " + "x" * 153 * 256])
async def test_a_word_that_makes_no_sense_is_refused(line: str) -> None:
    async with EmulatedModule() as module:
        with pytest.raises(ValueError, match=r"."):
            module.trigger(line)
