"""Sending and writing messages in both modes, as 27.005 §3.5 has it, and what is refused."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Terminal, Turning, settle
from message_dialogues import CENTRE, OK, PROMPT, SUBMIT, ask, enter, fails

from drivers.emulator import Behaviour, EmulatedModule

NUMBER = "+46708251358"
TO = f'AT+CMGS="{NUMBER}"'


async def in_text_mode(lab: Lab) -> Terminal:
    await lab.plain.ask("ATE0")
    await ask(lab.plain, "AT+CMGF=1")
    return lab.plain


# Text mode


@pytest.mark.statement("27.005 3.5.1a")
async def test_a_text_is_asked_for_at_the_prompt_and_sent_with_ctrl_z() -> None:
    """27.005 §3.5.1: <CR><LF><greater_than><space>, then the text, then Ctrl-Z; +CMGS: <mr>."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await enter(uart, TO, "hellohello", f"\r\n+CMGS: 1\r\n{OK}")
        await enter(uart, TO, "again", f"\r\n+CMGS: 2\r\n{OK}")
        first, second = lab.module.sent_sms
        assert (first.number, first.text, first.coding, first.parts) == (NUMBER, "hellohello", "7 bit", 1)
        assert not first.status_report
        assert first.pdu == CENTRE + "11000B916407281553F80000A70AE8329BFD4697D9EC37"
        assert second.text == "again"


@pytest.mark.statement("27.005 3.5.1c")
async def test_each_carriage_return_brings_the_prompt_again_and_is_part_of_the_text() -> None:
    """27.005 §3.5.1: the four characters are sent after every carriage return that is entered."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await enter(uart, TO, "one\rtwo\r\nthree", f"\r\n+CMGS: 1\r\n{OK}")
        assert lab.module.sent_sms[0].text == "one\rtwo\r\nthree"


@pytest.mark.statement("27.005 3.5.1d")
async def test_what_is_typed_is_echoed_as_ate_says_whatever_qisde_says() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+CMGF=1;+QISDE=0")
        await lab.plain.ask(TO, PROMPT)
        lab.plain.write(b"a\rb\x1a")
        await lab.plain.expect(f"a\r{PROMPT}b\r\n+CMGS: 1\r\n{OK}".encode())


async def test_the_prompt_and_its_text_do_not_depend_on_atv_and_qiprompt() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour(prompt_blank=False))) as lab:
        await lab.plain.ask("ATE0")
        await lab.plain.ask("AT+CMGF=1;+QIPROMPT=0;V0", "0\r", echo=False)
        lab.plain.write(TO.encode() + b"\r")
        await lab.plain.expect(PROMPT.encode())
        lab.plain.write(b"a\x1a")
        await lab.plain.expect(b"+CMGS: 1\r\n0\r")


@pytest.mark.statement("27.005 3.5.1b")
@pytest.mark.parametrize(("behaviour", "answer"), [("OK", OK), ("ERROR", "\r\nERROR\r\n")])
async def test_esc_cancels_and_nothing_is_sent(behaviour: str, answer: str) -> None:
    """27.005 §3.5.1: sending can be cancelled by giving <ESC>."""
    async with Lab(EmulatedModule(behaviour=Behaviour.parse([f"message_escape={behaviour}"]))) as lab:
        uart = await in_text_mode(lab)
        await enter(uart, TO, "oh no", answer, end=b"\x1b")
        await ask(uart, "AT")
        assert lab.module.sent_sms == ()


@pytest.mark.statement("27.005 3.5.1c")
async def test_backspace_deletes_the_last_character() -> None:
    """27.005 §3.5.1, where the text is of the 7 bit alphabet."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await enter(uart, TO, "\bhallo\b\b\b\bello", f"\r\n+CMGS: 1\r\n{OK}")
        assert lab.module.sent_sms[0].text == "hello"


@pytest.mark.statement("27.005 3.1a")
@pytest.mark.parametrize(
    ("charset", "dcs", "number", "typed", "text"),
    [
        ("GSM", 0, NUMBER, b"a\x00\x11", "a@_"),  # the codes of the alphabet themselves
        ("IRA", 0, NUMBER, b"a@_[", "a@_["),
        ("HEX", 0, "2B3436373038323531333538", b"61001B3C", "a@["),
        ("HEX", 0, NUMBER, b"61001B3C", "a@["),  # TinyGSM, which gives the number of a text for HEX as it is
        ("UCS2", 0, "002B00340036003700300038003200350031003300350038", b"006100E4", "aä"),
        ("UCS2", 8, "002B00340036003700300038003200350031003300350038", b"0061042F", "aЯ"),
        ("GSM", 8, NUMBER, b"0061042f", "aЯ"),
        ("IRA", 4, NUMBER, b"00FF", "00FF"),
    ],
)
async def test_texts_and_numbers_are_of_the_terminals_character_set(
    charset: str, dcs: int, number: str, typed: bytes, text: str
) -> None:
    """27.005 §3.5.1 and §3.1: 8 bit data and UCS-2 are hexadecimal digits in any character set."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await ask(uart, f'AT+CSCS="{charset}";+CSMP=17,167,0,{dcs}')
        await enter(uart, f'AT+CMGS="{number}"', typed, f"\r\n+CMGS: 1\r\n{OK}")
        assert [(one.number, one.text) for one in lab.module.sent_sms] == [(NUMBER, text)]


async def test_a_header_that_the_host_writes_is_taken_with_the_text_in_hexadecimal_digits() -> None:
    """27.005 §3.5.1: where <fo> says that there is a header."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await ask(uart, "AT+CSMP=81,167,0,8")
        for number, piece in ((2, "042F"), (1, "0042")):
            await enter(uart, TO, f"05000307020{number}{piece}", f"\r\n+CMGS: {3 - number}\r\n{OK}")
        await ask(uart, "AT+CSMP=81,167,0,0")
        await enter(uart, TO, "0500030702026031", f"\r\n+CMGS: 3\r\n{OK}")
        first, second = lab.module.sent_sms
        assert (first.text, first.parts, first.complete) == ("BЯ", 2, True)
        assert (second.text, second.parts, second.complete) == ("01", 2, False)


@pytest.mark.parametrize(
    ("charset", "dcs", "typed"),
    [
        ("GSM", 0, b"x" * 161),
        ("GSM", 0, b"x" * 5000),
        ("GSM", 0, b"\xe4"),
        ("IRA", 0, b"\xe4"),
        ("IRA", 0, b"x" * 151 + b"[]{}~"),  # 161 septets
        ("GSM", 8, b"00" * 141),
        ("GSM", 8, b"0"),
        ("GSM", 4, b"hello"),
        ("GSM", 4, b"00 11"),
        ("UCS2", 0, b"0061006"),
        ("UCS2", 0, b"042F"),  # not in the 7 bit alphabet
        ("HEX", 0, b"80"),
    ],
)
async def test_a_text_over_the_limit_or_of_another_coding_is_refused(charset: str, dcs: int, typed: bytes) -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await ask(uart, f"AT+CSMP=17,167,0,{dcs}")
        await ask(uart, f'AT+CSCS="{charset}"')
        number = NUMBER if charset in ("GSM", "IRA") else {"UCS2": "0031", "HEX": "31"}[charset]
        await enter(uart, f'AT+CMGS="{number}"', typed, "\r\n+CMS ERROR: 305\r\n")
        await ask(uart, "AT")
        assert lab.module.sent_sms == ()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ('AT+CMGS="+49abc"', 305),
        ('AT+CMGS="Mum"', 305),
        ('AT+CMGS=""', 305),
        ('AT+CMGS="123456789012345678901"', 305),
        ('AT+CMGS="+49",7', 305),
        ('AT+CMGS="+49",145,1', None),
        ("AT+CMGS", None),
        ("AT+CMGS?", None),
        ('AT+CMGW="12a"', 305),
        ('AT+CMGW="12",129,"SENT"', None),
        ('AT+CMGC=2,0,0,0,"abc"', 305),
        ("AT+CMGC=2", None),
        ("AT+CMGC=256,0", 305),
    ],
)
async def test_numbers_with_letters_and_other_parameters_are_refused_without_a_prompt(
    command: str, code: int | None
) -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await fails(uart, command, code)


@pytest.mark.statement("27.005 3.3.2")
@pytest.mark.parametrize(
    ("parameters", "tpdu"),
    [
        ("17,167,0,0", "11000B916407281553F80000A70161"),
        ("1,167,0,0", "01000B916407281553F800000161"),
        ("49,255,1,16", "31000B916407281553F80110FF0161"),  # a status report, a flash message
        ('25,"10/09/25,15:06:37+32",0,0', "19000B916407281553F80000019052516073230161"),
        ('9,"01020304050607",0,0', "09000B916407281553F80000010203040506070161"),
    ],
)
async def test_csmp_is_the_header_of_what_is_sent(parameters: str, tpdu: str) -> None:
    """27.005 §3.3.2 with <fo>, <vp>, <pid> and <dcs> of 23.040; the validity period is of the form that <fo> says."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await ask(uart, f"AT+CSMP={parameters}")
        await ask(uart, "AT+CSMP?", f"+CSMP: {parameters}")
        await enter(uart, TO, "a", f"\r\n+CMGS: 1\r\n{OK}")
        (sent,) = lab.module.sent_sms
        assert sent.pdu == CENTRE + tpdu
        assert sent.status_report == (parameters[:2] == "49")


@pytest.mark.parametrize("parameters", ["25,167,0,0", '17,"10/09/25,15:06:37+32"', '9,"10/09/25,15:06:37+32"'])
async def test_a_validity_period_of_another_form_than_fo_says_is_refused_when_it_is_to_be_sent(parameters: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await ask(uart, f"AT+CSMP={parameters}")
        await enter(uart, TO, "a", "\r\n+CMS ERROR: 305\r\n")


# PDU mode


@pytest.mark.statement("27.005 4.3")
async def test_a_pdu_is_sent_as_it_was_typed() -> None:
    """27.005 §4.3: AT+CMGS=<length>, the octets of the TPDU without the service centre."""
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await enter(lab.plain, "AT+CMGS=23", "00" + SUBMIT, f"\r\n+CMGS: 1\r\n{OK}")
        await enter(lab.plain, "AT+CMGS=23", CENTRE.lower() + SUBMIT.lower(), f"\r\n+CMGS: 2\r\n{OK}")
        first, second = lab.module.sent_sms
        assert (first.pdu, first.text) == ("00" + SUBMIT, "hellohello")
        assert second.pdu == CENTRE + SUBMIT


@pytest.mark.parametrize(
    "pdu",
    [
        "0041000281210004020041",  # TP-UDHI with a header of no octets
        "0001990281210004021234",  # a TP-MR of its own
    ],
)
async def test_every_octet_that_was_typed_is_kept(pdu: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        length = len(pdu) // 2 - 1
        await enter(lab.plain, f"AT+CMGS={length}", pdu, f"\r\n+CMGS: 1\r\n{OK}")
        await enter(lab.plain, f"AT+CMGW={length}", pdu, f"\r\n+CMGW: 1\r\n{OK}")
        await ask(lab.plain, "AT+CMSS=1", "+CMSS: 2")
        assert [sent.pdu for sent in lab.module.sent_sms] == [pdu, pdu]


PDUS = {
    "one octet less": (22, "00" + SUBMIT),
    "one octet more": (24, "00" + SUBMIT),
    "no service centre": (23, SUBMIT),
    "half an octet": (23, "00" + SUBMIT[:-1]),
    "no digits": (23, "hello"),
    "nothing": (23, ""),
    "cut off": (10, "00" + SUBMIT[:20]),
    "a deliver": (29, "00040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"),
    "a command": (14, "00220000000070B916407281553F800"),
    "no destination": (9, "00010000810000024833"),
    "161 septets": (154, "0011000B916407281553F80000AAA1" + "00" * 141),
    "a service centre that is too long": (23, "0C91" + "11" * 11 + SUBMIT),
    "far too long": (255, "00" * 2000),
}


@pytest.mark.statement("27.005 4.3")
@pytest.mark.parametrize("name", PDUS)
async def test_pdus_of_a_wrong_length_or_coding_are_refused(name: str) -> None:
    length, pdu = PDUS[name]
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await enter_pdu(lab.plain, f"AT+CMGS={length}", pdu)
        assert lab.module.sent_sms == ()


async def enter_pdu(uart: Terminal, command: str, pdu: str) -> None:
    await uart.ask(command, PROMPT, echo=False)
    uart.write(pdu.encode() + b"\x1a")
    await uart.expect(b"\r\n+CMS ERROR: 304\r\n")
    await ask(uart, "AT")


@pytest.mark.parametrize("command", ['AT+CMGS="+49123"', "AT+CMGS=0", "AT+CMGS=256", "AT+CMGS=23,1", "AT+CMGW=23,4"])
async def test_in_pdu_mode_a_number_is_no_length(command: str) -> None:
    """As from a host that has forgotten AT+CMGF=1."""
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await fails(lab.plain, command, 304)


async def test_esc_cancels_a_pdu() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await enter(lab.plain, "AT+CMGS=23", "00" + SUBMIT, OK, end=b"\x1b")
        assert lab.module.sent_sms == ()


# What stands in the way


@pytest.mark.statement("27.005 3.2.5")
@pytest.mark.parametrize(
    ("faults", "code"),
    [("sim=missing", 310), ("sim=pin", 311), ("registration=off", 331), ("sms=refused", 21)],
)
async def test_without_sim_or_network_or_where_it_refuses_a_message_fails(faults: str, code: int) -> None:
    async with Lab(EmulatedModule(faults=faults)) as lab:
        uart = await in_text_mode(lab)
        if faults.startswith("sim"):
            await fails(uart, TO, code)
        else:
            await enter(uart, TO, "a", f"\r\n+CMS ERROR: {code}\r\n")
        assert lab.module.sent_sms == ()


async def test_a_blocked_sim_wants_its_puk() -> None:
    async with Lab(EmulatedModule(faults="sim=pin")) as lab:
        uart = await in_text_mode(lab)
        for _ in range(3):
            await uart.ask('AT+CPIN="9999"', "\r\n+CME ERROR: 16\r\n", echo=False)
        await fails(uart, TO, 316)


@pytest.mark.parametrize("command", ["AT+CMSS=99", "AT+CMGR=99", 'AT+CPIN="1"', "AT+CLCC=1"])
async def test_where_results_are_quiet_no_error_is_written(command: str) -> None:
    """V.250 §6.2.5 with 27.005 §3.2.5 and 27.007 §9.2: the numbered errors are final result codes."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await uart.ask("AT+CMEE=1;Q1", "", echo=False)
        await uart.ask(command, "", echo=False)
        await uart.quiet()
        await ask(uart, "ATQ0")


async def test_a_silent_network_takes_its_time_and_no_message() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock, faults="silent=on")) as lab:
        uart = await in_text_mode(lab)
        await uart.ask(TO, PROMPT, echo=False)
        uart.write(b"a\x1a")
        await clock.turn(119)
        await uart.quiet()
        await clock.turn(2)
        await uart.expect(b"\r\n+CMS ERROR: 332\r\n")


async def test_a_message_that_a_silent_network_has_not_taken_is_gone_after_a_restart() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock, faults="silent=on")) as lab:
        uart = await in_text_mode(lab)
        await uart.ask(TO, PROMPT, echo=False)
        uart.write(b"a\x1a")
        await settle()
        lab.module.trigger("reset")
        await uart.until(b"Call Ready\r\n")
        await clock.turn(130)
        assert lab.module.sent_sms == ()


async def test_the_answer_of_the_network_takes_its_time() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock, behaviour=Behaviour(result_time=2.0))) as lab:
        uart = await in_text_mode(lab)
        await uart.ask(TO, PROMPT, echo=False)
        uart.write(b"a\x1a")
        await uart.quiet()
        await clock.turn(2)
        await uart.expect(f"\r\n+CMGS: 1\r\n{OK}".encode())


async def test_a_channel_that_is_closed_at_the_prompt_sends_nothing_and_is_good_for_the_next_host() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        uart = await lab.open(1)
        await uart.ask("ATE0")
        await ask(uart, "AT+CMGF=1")
        await uart.ask(TO, PROMPT, echo=False)
        uart.write(b"half a")
        await settle()
        await lab.close(1)
        uart = await lab.open(1)
        await ask(uart, "AT")
        assert lab.module.sent_sms == ()


@pytest.mark.parametrize("option", [0, 1])
async def test_messages_are_sent_on_any_channel_also_octet_by_octet(option: int) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex("AT+CMUX=1" if option else "AT+CMUX=0", option)
        for dlci in (1, 4):
            uart = await lab.open(dlci)
            await uart.ask("ATE0")
            await ask(uart, "AT+CMGF=1")
            await uart.ask(TO, PROMPT, echo=False)
            for octet in f"from {dlci}\x1a".encode():
                uart.write(bytes([octet]))
            await uart.until(OK.encode())
        assert [sent.text for sent in lab.module.sent_sms] == ["from 1", "from 4"]


# Written ones


@pytest.mark.statement("27.005 3.5.2", "27.005 3.5.3")
async def test_a_message_is_written_sent_and_sent_again_to_another_number() -> None:
    """27.005 §3.5.3 and §3.5.2."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await enter(uart, f'AT+CMGW="{NUMBER}"', "hello", f"\r\n+CMGW: 1\r\n{OK}")
        await ask(uart, "AT+CMGR=1", f'+CMGR: "STO UNSENT","{NUMBER}",""\r\nhello')
        await ask(uart, "AT+CMSS=1", "+CMSS: 1")
        await ask(uart, "AT+CMGR=1", f'+CMGR: "STO SENT","{NUMBER}",""\r\nhello')
        await ask(uart, 'AT+CMSS=1,"1234"', "+CMSS: 2")
        assert [(one.number, one.text) for one in lab.module.sent_sms] == [(NUMBER, "hello"), ("1234", "hello")]


async def test_a_written_message_that_could_not_be_sent_stays_unsent() -> None:
    async with Lab(EmulatedModule(faults="sms=refused")) as lab:
        uart = await in_text_mode(lab)
        await enter(uart, f'AT+CMGW="{NUMBER}"', "hello", f"\r\n+CMGW: 1\r\n{OK}")
        await fails(uart, "AT+CMSS=1", 21)
        await ask(uart, "AT+CMGR=1", f'+CMGR: "STO UNSENT","{NUMBER}",""\r\nhello')


async def test_a_message_without_a_number_gets_one_when_it_is_sent() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await enter(uart, "AT+CMGW", "hello", f"\r\n+CMGW: 1\r\n{OK}")
        await fails(uart, "AT+CMSS=1", 305)
        await fails(uart, 'AT+CMSS=1,"Mum"', 305)
        await ask(uart, 'AT+CMSS=1,"1234",129', "+CMSS: 1")
        assert lab.module.sent_sms[0].number == "1234"


@pytest.mark.parametrize(
    ("command", "code"), [("AT+CMSS=1", 321), ("AT+CMSS=51", 321), ("AT+CMSS=0", 321), ("AT+CMSS=x", None)]
)
async def test_what_is_not_written_cannot_be_sent(command: str, code: int | None) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await fails(lab.plain, command, code)


@pytest.mark.statement("27.005 3.5.3")
async def test_messages_can_be_written_as_if_they_had_been_received_and_are_not_sent() -> None:
    """27.005 §3.5.3 with <stat>."""
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await enter(uart, f'AT+CMGW="{NUMBER}",145,"REC READ"', "hello", f"\r\n+CMGW: 1\r\n{OK}")
        await ask(uart, "AT+CMGR=1", f'+CMGR: "REC READ","{NUMBER}","","04/01/01,00:00:00+00"\r\nhello')
        await fails(uart, "AT+CMSS=1", 302)
        await ask(uart, "AT+CMGF=0")
        deliver = "040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"
        await enter(uart, "AT+CMGW=28,0", "00" + deliver, f"\r\n+CMGW: 2\r\n{OK}")
        await enter(uart, "AT+CMGW=28", "00" + deliver, "\r\n+CMS ERROR: 304\r\n")  # 2, where a SUBMIT is wanted
        await ask(uart, "AT+CMGR=2", f'+CMGR: 0,"",28\r\n00{deliver}')


@pytest.mark.statement("27.005 3.2.5")
async def test_a_full_store_takes_no_message_more() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await in_text_mode(lab)
        await ask(uart, 'AT+CPMS="SM","ME"', "+CPMS: 0,50,0,50,0,50")
        for index in range(1, 51):
            await enter(uart, f'AT+CMGW="{NUMBER}"', "hello", f"\r\n+CMGW: {index}\r\n{OK}")
        await enter(uart, f'AT+CMGW="{NUMBER}"', "hello", "\r\n+CMS ERROR: 322\r\n")
        await ask(uart, "AT+CPMS?", '+CPMS: "SM",0,50,"ME",50,50,"SM",0,50')


# Others on the same line


async def test_a_message_may_stand_on_a_line_with_other_commands() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await enter(
            lab.plain,
            f"AT+CMGF=1;{TO[2:]};+CMGF?",
            "hello",
            f"\r\n+CMGS: 1\r\n\r\n+CMGF: 1\r\n{OK}",
        )
