"""Who is told of a message, and how: AT+CNMI for each UART, AT+CSMS and AT+CNMA, status reports (27.005 §3.4)."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Terminal, Turning, settle
from emulator_peer import peer
from message_dialogues import CENTRE, DELIVER, OK, PROMPT, SUBMIT, ask, enter, fails, inside
from ppp_programs import ECHO

from drivers.emulator import EmulatedModule
from drivers.emulator.sms.addresses import Address
from drivers.emulator.sms.tpdu import StatusReport

NUMBER = "+46708251358"
WHEN = "04/01/01,00:00:00+00"
CMT = f"\r\n+CMT: ,28\r\n{CENTRE}{DELIVER}\r\n".encode()
WITH_CLASS = {
    None: DELIVER,
    **{number: DELIVER.replace("F80000", f"F8001{number}") for number in range(4)},
    "waiting": DELIVER.replace("F80000", "F800D0"),
}

WAITS = DELIVER.replace("51607323", "51607423")  # a minute or so later


def arrives(lab: Lab, kind: object = None) -> None:
    lab.module.receive_sms(pdu=CENTRE + WITH_CLASS[kind])  # type: ignore[index]


async def plain(lab: Lab, *commands: str) -> Terminal:
    await lab.plain.ask("ATE0")
    for command in commands:
        lab.plain.write(command.encode() + b"\r")
        await lab.plain.until(OK.encode())
    return lab.plain


async def channels(lab: Lab, *commands: str) -> list[Terminal]:
    """Open a channel for each command, which is carried out on it; None for no command."""
    await lab.multiplex()
    uarts = []
    for dlci, command in enumerate(commands, start=1):
        uart = await lab.open(dlci)
        await uart.ask("ATE0")
        if command:
            await ask(uart, command)
        uarts.append(uart)
    return uarts


# AT+CNMI


@pytest.mark.statement("27.005 3.4.1a")
@pytest.mark.parametrize(
    ("setting", "kind", "told"),
    [
        ("2,0", None, b""),
        ("2,1", None, b'\r\n+CMTI: "SM",1\r\n'),
        ("2,2", None, CMT),
        ("2,3", None, b'\r\n+CMTI: "SM",1\r\n'),
        ("2,1", 2, b'\r\n+CMTI: "SM",1\r\n'),
        ("2,2", 2, b'\r\n+CMTI: "SM",1\r\n'),
        ("2,2", "waiting", b'\r\n+CMTI: "SM",1\r\n'),
        ("2,2", 0, CMT.replace(b"F80000", b"F80010")),
        ("2,3", 3, CMT.replace(b"F80000", b"F80013")),
        ("2,3", 1, b'\r\n+CMTI: "SM",1\r\n'),
        ("3,2", None, CMT),
        ("1,2", None, CMT),
    ],
)
async def test_mt_says_what_a_message_brings(setting: str, kind: object, told: bytes) -> None:
    """27.005 §3.4.1, the table of <mt>."""
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, f"AT+CNMI={setting}")
        arrives(lab, kind)
        await uart.expect(told)
        await uart.quiet()
        await ask(uart, "AT+CMGD=?", f"+CMGD: ({'' if b'CMT:' in told else '1'}),(0-4)")


async def test_a_message_of_class_2_belongs_into_the_sim() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, 'AT+CPMS="ME","ME","ME"')
        arrives(lab)
        await uart.expect(b'\r\n+CMTI: "ME",1\r\n')
        arrives(lab, 2)
        await uart.expect(b'\r\n+CMTI: "SM",1\r\n')


@pytest.mark.statement("27.005 3.3.3")
async def test_cmt_in_text_mode_has_who_when_and_what() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, "AT+CMGF=1;+CNMI=2,2")
        arrives(lab)
        await uart.expect(f'\r\n+CMT: "{NUMBER}",,"10/09/25,15:06:37+32"\r\nhellohello\r\n'.encode())
        await ask(uart, "AT+CSDH=1")
        arrives(lab)
        details = '145,4,0,0,"+8613800100500",145,10'
        await uart.expect(f'\r\n+CMT: "{NUMBER}",,"10/09/25,15:06:37+32",{details}\r\nhellohello\r\n'.encode())


async def test_at_first_the_first_uart_is_told_where_a_message_is() -> None:
    async with Lab(EmulatedModule()) as lab:
        first, second = await channels(lab, "", "")
        arrives(lab)
        await first.expect(b'\r\n+CMTI: "SM",1\r\n')
        await second.quiet()


async def test_only_the_channel_that_has_set_cnmi_is_told() -> None:
    async with Lab(EmulatedModule()) as lab:
        first, second, third = await channels(lab, "", "AT+CNMI=2,1", "")
        arrives(lab)
        await second.expect(b'\r\n+CMTI: "SM",1\r\n')
        await first.quiet()
        await third.quiet()
        await ask(first, "AT+CNMI?", "+CNMI: 2,0,0,0,0")  # what holds there
        await ask(first, "AT+CNMI=3")  # and stays where it is left out
        await ask(first, "AT+CNMI?", "+CNMI: 3,0,0,0,0")


async def test_without_cnmi_the_first_uart_shows_that_it_is_told_and_others_that_they_are_not() -> None:
    async with Lab(EmulatedModule()) as lab:
        first, second = await channels(lab, "", "")
        await ask(first, "AT+CNMI?", "+CNMI: 2,1,0,0,0")
        await ask(second, "AT+CNMI?", "+CNMI: 2,0,0,0,0")


async def test_each_channel_is_told_as_it_has_set() -> None:
    async with Lab(EmulatedModule()) as lab:
        first, second, third = await channels(lab, "AT+CNMI=2,2", "AT+CNMI=2,1", "AT+CNMI=2,0")
        arrives(lab)
        await first.expect(CMT)
        await second.expect(b'\r\n+CMTI: "SM",1\r\n')
        await third.quiet()


async def test_what_a_closed_channel_would_be_told_is_stored_quietly() -> None:
    async with Lab(EmulatedModule()) as lab:
        first, _ = await channels(lab, "", "AT+CNMI=2,2")
        await lab.close(2)
        arrives(lab)
        await first.quiet()
        await ask(first, "AT+CMGD=?", "+CMGD: (1),(0-4)")


@pytest.mark.statement("27.005 3.2.3")
async def test_format_and_character_set_belong_to_the_channel() -> None:
    async with Lab(EmulatedModule()) as lab:
        first, second = await channels(lab, "AT+CMGF=1", "")
        await ask(first, "AT+CMGF?", "+CMGF: 1")
        await ask(second, "AT+CMGF?", "+CMGF: 0")


@pytest.mark.statement("27.005 3.4.1c")
async def test_mode_0_keeps_what_it_would_tell_until_another_mode_is_set() -> None:
    """27.005 §3.4.1 <mode> and <bfr>."""
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, "AT+CNMI=0,1")
        arrives(lab)
        await uart.quiet()
        await ask(uart, "AT+CNMI=2,1,0,0,0")
        await uart.expect(b'\r\n+CMTI: "SM",1\r\n')
        await ask(uart, "AT+CNMI=0,1,0,0,1")
        arrives(lab)
        await ask(uart, "AT+CNMI=2,1,0,0,1")  # 1: what was kept is dropped
        await uart.quiet()


async def full(lab: Lab) -> Terminal:
    """Fill the SIM; one message more waits at the service centre, with another text than what `arrives`."""
    uart = await plain(lab, "AT+CNMI=2,0", "AT+CMGF=0")
    for _ in range(50):
        arrives(lab)
    assert lab.module.receive_sms(pdu=CENTRE + WAITS) == 0
    return uart


async def test_what_waits_for_room_is_passed_on_once_cnmi_says_so() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await full(lab)
        await uart.ask("AT+CNMI=2,2", OK + f"\r\n+CMT: ,28\r\n{CENTRE}{WAITS}\r\n", echo=False)
        await uart.quiet()


async def test_what_waits_for_room_is_stored_once_cpms_says_where() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await full(lab)
        await ask(uart, "AT+CNMI=2,1")
        lines = "\r\n+CPMS: 50,50,50,50,0,50\r\n"
        await uart.ask('AT+CPMS="SM","SM","ME"', lines + OK + '\r\n+CMTI: "ME",1\r\n', echo=False)


async def test_a_message_does_not_overtake_one_that_waits() -> None:
    """A channel that is opened again is told as it has set; what waited meanwhile comes before what is new."""
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        await lab.open(1)
        uart = await lab.open(2)
        await uart.ask("ATE0")
        await ask(uart, "AT+CNMI=2,2")
        await lab.close(2)
        for _ in range(50):
            arrives(lab)
        assert lab.module.receive_sms(pdu=CENTRE + WAITS) == 0
        uart = await lab.open(2)
        arrives(lab)
        await uart.expect(f"\r\n+CMT: ,28\r\n{CENTRE}{WAITS}\r\n".encode() + CMT)


async def test_mode_0_keeps_64_lines_and_counts_the_others() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, "AT+CNMI=0,2")
        for _ in range(70):
            arrives(lab)
        assert inside(lab.module).router.dropped == 6
        uart.write(b"AT+CNMI=2,2\r")
        await settle()
        assert (await uart.until(OK.encode())).count(b"+CMT:") + bytes(uart.received).count(b"+CMT:") == 64


@pytest.mark.statement("27.005 3.4.1d")
@pytest.mark.parametrize(("mode", "told"), [(2, b'\r\n+CMTI: "SM",1\r\n'), (1, b"")])
async def test_in_data_mode_mode_1_drops_what_mode_2_keeps(mode: int, told: bytes) -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        uart = await plain(lab, f"AT+CNMI={mode},1", "AT+QIFGCNT=0", "AT+QIMODE=1")
        uart.write(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}\r'.encode())
        await uart.until(b"CONNECT\r\n")
        await one.arrived.wait()
        arrives(lab)
        await uart.quiet()
        one.writer.close()
        await uart.expect(b"\r\nCLOSED\r\n" + told if not told else told + b"\r\nCLOSED\r\n")
        await uart.quiet()
        assert inside(lab.module).router.dropped == (mode == 1)


async def test_lines_wait_for_the_end_of_a_command_and_of_a_prompt() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, "AT+CMGF=1")
        await uart.ask(f'AT+CMGS="{NUMBER}"', PROMPT, echo=False)
        arrives(lab)
        await uart.quiet()
        uart.write(b"a\x1a")
        await uart.expect(f'\r\n+CMGS: 1\r\n{OK}\r\n+CMTI: "SM",1\r\n'.encode())


# AT+CSMS and AT+CNMA


@pytest.mark.statement("27.005 3.2.1", "27.005 3.4.4")
async def test_with_csms_1_each_message_waits_for_the_acknowledgement_of_the_one_before() -> None:
    """27.005 §3.4.4: no other +CMT or +CDS before the previous one is acknowledged."""
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        uart = await plain(lab, "AT+CSMS=1", "AT+CNMI=2,2")
        arrives(lab)
        arrives(lab)
        await uart.expect(CMT)
        await uart.quiet()
        await uart.ask("AT+CNMA", OK + CMT.decode(), echo=False)
        await ask(uart, "AT+CNMA=0")
        await fails(uart, "AT+CNMA", 340)
        await ask(uart, "AT+CMGD=?", "+CMGD: (),(0-4)")


async def test_with_csms_0_nothing_is_to_be_acknowledged() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, "AT+CNMI=2,2")
        arrives(lab)
        arrives(lab)
        await uart.expect(CMT + CMT)
        await fails(uart, "AT+CNMA", 340)


@pytest.mark.statement("27.005 3.4.4")
async def test_a_message_that_is_not_acknowledged_ends_the_routing_and_is_stored() -> None:
    """27.005 §3.4.4: both <mt> and <ds> of +CNMI are zero then."""
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        uart = await plain(lab, "AT+CSMS=1", "AT+CNMI=2,2,0,1,0")
        arrives(lab)
        arrives(lab)
        await uart.expect(CMT)
        await clock.turn(16)
        await uart.quiet()
        await ask(uart, "AT+CNMI?", "+CNMI: 2,0,0,0,0")
        await ask(uart, "AT+CMGD=?", "+CMGD: (1,2),(0-4)")
        await fails(uart, "AT+CNMA", 340)


async def test_only_the_channel_that_does_not_acknowledge_loses_its_routing() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        first, second = await channels(lab, "AT+CNMI=2,2", "AT+CNMI=2,1")
        first.write(b"AT+CSMS=1\r")
        await first.until(OK.encode())
        arrives(lab)
        await first.expect(CMT)
        await second.expect(b'\r\n+CMTI: "SM",1\r\n')
        await clock.turn(16)
        await ask(first, "AT+CNMI?", "+CNMI: 2,0,0,0,0")
        await ask(second, "AT+CNMI?", "+CNMI: 2,1,0,0,0")
        await ask(second, "AT+CMGD=?", "+CMGD: (1),(0-4)")  # it was stored once, and is not stored again


@pytest.mark.statement("27.005 3.4.4")
async def test_an_acknowledgement_may_have_a_pdu_and_may_refuse() -> None:
    """27.005 §4.7: AT+CNMA=<n>,<length> and the prompt."""
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        uart = await plain(lab, "AT+CSMS=1", "AT+CNMI=2,2")
        arrives(lab)
        await uart.expect(CMT)
        await enter(uart, "AT+CNMA=2,3", "00D300", OK)
        arrives(lab)
        await uart.expect(CMT)
        await enter(uart, "AT+CNMA=1,3", "00D3", "\r\n+CMS ERROR: 304\r\n")
        await ask(uart, "AT+CNMA=1")


@pytest.mark.parametrize("command", ["AT+CNMA=3", "AT+CNMA=0,0", "AT+CNMA=0,1,2", "AT+CNMA=x"])
async def test_an_acknowledgement_that_makes_no_sense_is_an_error(command: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await fails(await plain(lab), command, None)


async def test_in_text_mode_cnma_has_no_values() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, "AT+CMGF=1")
        await ask(uart, "AT+CNMA=?")
        await fails(uart, "AT+CNMA=0", None)


async def test_a_restart_forgets_what_is_to_be_acknowledged_and_keeps_the_message() -> None:
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        uart = await plain(lab, "AT+CSMS=1", "AT+CNMI=2,2")
        arrives(lab)
        await uart.expect(CMT)
        uart.write(b"AT+CFUN=1,1\r")
        await uart.until(b'Call Ready\r\n\r\n+CMTI: "SM",1\r\n')
        await uart.ask("AT+CMGD=?", f"\r\n+CMGD: (1),(0-4)\r\n{OK}")


@pytest.mark.parametrize("command", ["AT&F", "ATZ", "AT+CSMS=0"])
async def test_a_host_that_acknowledges_no_longer_loses_no_message_and_no_routing(command: str) -> None:
    """27.005 §3.4.4: what has to be acknowledged has come with +CSMS 1, and no time is over for a host that has 0."""
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        uart = await plain(lab, "AT+CNMI=2,1;&W", "AT+CSMS=1", "AT+CNMI=2,2")
        arrives(lab)
        arrives(lab)
        await uart.expect(CMT)
        uart.write(command.encode() + b"\r")
        await uart.until(OK.encode())
        if command == "AT+CSMS=0":
            await uart.expect(CMT + CMT)
        else:
            await uart.expect(b'\r\n+CMTI: "SM",1\r\n\r\n+CMTI: "SM",2\r\n')
        await clock.turn(16)
        arrives(lab)
        await uart.expect(CMT if command == "AT+CSMS=0" else b'\r\n+CMTI: "SM",3\r\n')


async def test_a_channel_that_is_closed_gives_back_what_it_has_not_acknowledged() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        first, second = await channels(lab, "", "AT+CNMI=2,1")
        for command in (b"AT+CSMS=1\r", b"AT+CNMI=2,2,0,1\r"):
            first.write(command)
            await first.until(OK.encode())
        inside(lab.module).receive(StatusReport(1, Address("1"), WHEN, WHEN, 0))
        await first.until(b"+CDS: ")
        await lab.close(1)
        await ask(second, "AT+CMGD=?", "+CMGD: (1),(0-4)")
        await clock.turn(16)
        first = await lab.open(1)
        await first.ask("AT+CNMI?", f"\r\n+CNMI: 2,2,0,1,0\r\n{OK}", echo=False)


async def test_the_start_of_the_multiplexer_gives_back_what_is_not_acknowledged() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        uart = await plain(lab, "AT+CSMS=1", "AT+CNMI=2,2")
        arrives(lab)
        await uart.expect(CMT)
        await lab.multiplex_quietly()
        assert inside(lab.module).stores["SM"].used == 1
        await clock.turn(16)
        channel = await lab.open(1)
        arrives(lab)
        await channel.expect(b'\r\n+CMTI: "SM",2\r\n')


async def test_two_channels_do_not_get_a_message_again_that_one_of_them_has_not_acknowledged() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        first, second = await channels(lab, "", "")
        for uart in (first, second):
            for command in (b"AT+CSMS=1\r", b"AT+CNMI=2,2\r"):
                uart.write(command)
                await uart.until(OK.encode())
        arrives(lab)
        await first.expect(CMT)
        await second.expect(CMT)
        await lab.close(1)
        await ask(second, "AT+CNMA")
        await second.quiet()
        await ask(second, "AT+CMGD=?", "+CMGD: (),(0-4)")


async def test_a_report_that_is_not_acknowledged_is_stored() -> None:
    """27.005 §3.4.4: <ds> is zero after that, as <mt> is."""
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        uart = await plain(lab, "AT+CSMS=1", "AT+CNMI=2,0,0,1")
        inside(lab.module).receive(StatusReport(1, Address("1"), WHEN, WHEN, 0))
        await uart.until(b"+CDS: ")
        await uart.until(b"00\r\n")
        await clock.turn(16)
        await ask(uart, "AT+CNMI?", "+CNMI: 2,0,0,0,0")
        await ask(uart, "AT+CMGD=?", "+CMGD: (1),(0-4)")


async def test_messages_that_a_uart_in_data_mode_cannot_be_told_of_are_stored() -> None:
    """27.005 §3.4.1, <mode> 2: what is buffered in data mode is flushed after it, and no message is lost."""
    clock = Turning()
    async with Lab(EmulatedModule(ppp=ECHO, clock=clock)) as lab:
        uart = await plain(lab, "AT+CNMI=2,2")
        await uart.ask("ATD*99#", "\r\nCONNECT\r\n", echo=False)
        await uart.until(b".")  # the program has said its number
        taken = sum(lab.module.receive_sms(pdu=CENTRE + DELIVER) for _ in range(80))
        await clock.turn(1.1)
        uart.write(b"+++")
        await clock.turn(1.1)
        await uart.expect(OK.encode())
        told = (await uart.until(f'+CMTI: "SM",{taken - 32}\r\n'.encode())) if taken < 65 else b""
        await settle()
        told += bytes(uart.received)
        assert told.count(b"+CMT: ") + inside(lab.module).stores["SM"].used == taken
        assert lab.module._modem is not None
        assert lab.module._modem.uarts[0].dropped_lines == 0


async def test_the_end_of_a_call_counts_the_line_that_makes_room_for_it() -> None:
    async with Lab(EmulatedModule(ppp=ECHO, clock=Turning())) as lab:
        uart = await plain(lab)
        await uart.ask("ATD*99#", "\r\nCONNECT\r\n", echo=False)
        assert lab.module._modem is not None
        inner = lab.module._modem.uarts[0]
        while inner.spare_lines:
            inner.announce("RING")
        lab.module.trigger("registration_lost")
        told = await uart.until(b"\r\nNO CARRIER\r\n")
        await settle()
        told += bytes(uart.received)
        assert (told.count(b"RING"), inner.dropped_lines) == (63, 1)


# Status reports

REPORT = "06010B916407281553F8" + "40101000000000" * 2


@pytest.mark.statement("27.005 3.4.1b")
@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("2,0,0,0", b""),
        ("2,0,0,1", f"\r\n+CDS: 25\r\n{CENTRE}{REPORT}00\r\n".encode()),
        ("2,0,0,2", b'\r\n+CDSI: "SM",1\r\n'),
    ],
)
async def test_ds_says_what_a_status_report_brings(setting: str, told: bytes) -> None:
    """27.005 §3.4.1, the table of <ds>."""
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        uart = await plain(lab, f"AT+CNMI={setting}")
        await enter(uart, "AT+CMGS=23", "0031" + SUBMIT[2:], f"\r\n+CMGS: 1\r\n{OK}{told.decode()}")
        await uart.quiet()
        if b"CDSI" in told:
            await ask(uart, "AT+CMGR=1", f'+CMGR: 0,"",25\r\n{CENTRE}{REPORT}00')


async def test_cds_in_text_mode_has_reference_recipient_times_and_status() -> None:
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        uart = await plain(lab, "AT+CMGF=1;+CNMI=2,0,0,1;+CSMP=49,167,0,0")
        when = '"04/01/01,00:00:00+00"'
        told = f'\r\n+CDS: 6,1,"{NUMBER}",145,{when},{when},0\r\n'
        await enter(uart, f'AT+CMGS="{NUMBER}"', "a", f"\r\n+CMGS: 1\r\n{OK}{told}")
        assert lab.module.sent_sms[0].status_report


async def test_no_report_comes_unless_it_is_asked_for() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, "AT+CNMI=2,0,0,1")
        await enter(uart, "AT+CMGS=23", "00" + SUBMIT, f"\r\n+CMGS: 1\r\n{OK}")
        await uart.quiet()


@pytest.mark.parametrize(("fault", "status"), [("sms_undelivered", "46"), ("sms_lost", None)])
async def test_a_report_says_what_the_fault_says(fault: str, status: str | None) -> None:
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        uart = await plain(lab, "AT+CNMI=2,0,0,1")
        lab.module.trigger(fault)
        told = f"\r\n+CDS: 25\r\n{CENTRE}{REPORT}{status}\r\n" if status else ""
        await enter(uart, "AT+CMGS=23", "0031" + SUBMIT[2:], f"\r\n+CMGS: 1\r\n{OK}{told}")
        await uart.quiet()
        assert len(lab.module.sent_sms) == 1


@pytest.mark.statement("27.005 3.5.5")
async def test_an_enquiry_is_answered_with_a_report_on_the_message_that_it_names() -> None:
    """23.040 §9.2.2.4 and §9.2.3.19: TP-CT 0 asks what became of the message TP-MN."""
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        uart = await plain(lab, "AT+CNMI=2,0,0,1")
        await enter(uart, "AT+CMGS=23", "00" + SUBMIT, f"\r\n+CMGS: 1\r\n{OK}")
        enquiry = "2200000001" + "0B916407281553F800"
        told = f"\r\n+CDS: 25\r\n{CENTRE}{REPORT}00\r\n"
        await enter(uart, "AT+CMGC=14", "00" + enquiry, f"\r\n+CMGC: 2\r\n{OK}{told}")
        await ask(uart, "AT+CMGF=1")
        when = '"04/01/01,00:00:00+00"'
        told = f'\r\n+CDS: 6,9,"{NUMBER}",145,{when},{when},73\r\n'  # there is no such message
        await enter(uart, f'AT+CMGC=34,0,0,9,"{NUMBER}",145', "", f"\r\n+CMGC: 3\r\n{OK}{told}")
        await enter(uart, f'AT+CMGC=2,2,0,1,"{NUMBER}"', "", f"\r\n+CMGC: 4\r\n{OK}")  # deletes, and wants no report
        await uart.quiet()


@pytest.mark.parametrize(("length", "pdu"), [(23, "00" + SUBMIT), (14, "00" + "2200000001" + "0B916407281553F801")])
async def test_what_is_no_command_is_not_sent_as_one(length: int, pdu: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab)
        await enter(uart, f"AT+CMGC={length}", pdu, "\r\n+CMS ERROR: 304\r\n")
        await fails(uart, "AT+CMGC=0", 304)


async def test_references_of_messages_count_to_255_and_go_on_with_0() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = await plain(lab, "AT+CMGF=1")
        for number in range(1, 258):
            await enter(uart, f'AT+CMGS="{NUMBER}"', "a", f"\r\n+CMGS: {number % 256}\r\n{OK}")
