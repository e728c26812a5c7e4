"""AT+QCFG and AT+QURCCFG of LTE modules, and where unsolicited lines go that belong to no socket."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Terminal
from lte_module import ERROR, bg96, connected, lab

RING = b"\r\nRING\r\n"


def info(text: str) -> str:
    return f"\r\n{text}\r\n\r\nOK\r\n"


async def listed(uart: Terminal) -> list[str]:
    """Return the lines of AT+QCFG=?, which share their line ends."""
    uart.write(b"AT+QCFG=?\r")
    text = (await uart.until(b"\r\n\r\nOK\r\n")).decode()
    lines = text.removeprefix("AT+QCFG=?\r\r\n").removesuffix("\r\n\r\nOK\r\n").split("\r\n")
    assert all(line.startswith('+QCFG: "') for line in lines)
    return lines


async def test_the_list_is_that_of_the_model() -> None:
    async with Lab(bg96()) as one:
        lines = await listed(one.plain)
        for line in (
            '+QCFG: "nwscanmode",(0,1,3),(0,1)',
            '+QCFG: "nwscanseq",(00-010203),(0,1)',
            '+QCFG: "servicedomain",(1,2),(0,1)',
            '+QCFG: "band",(0-F),(0-7FFFFFFFFFFFFFFF),(0-7FFFFFFFFFFFFFFF),(0,1)',
            '+QCFG: "cmux/urcport",(0-4)',
            '+QCFG: "urc/ri/other",("off","pulse"),(1-2000),(1-5)',
        ):
            assert line in lines
        assert not any("usbnet" in line for line in lines)
    async with Lab(bg96(model="ec25")) as one:
        lines = await listed(one.plain)
        assert '+QCFG: "cmux/urcport",(0-4)' in lines
        assert '+QCFG: "servicedomain",(0,1,2),(0,1)' in lines
        assert not any("iotopmode" in line for line in lines)


@pytest.mark.parametrize("model", ["bg96", "ec25", "eg91"])
async def test_each_setting_of_the_list_is_read(model: str) -> None:
    async with Lab(bg96(model=model)) as one:
        for line in await listed(one.plain):
            name = line.split('"')[1]
            one.plain.write(f'AT+QCFG="{name}"\r'.encode())
            answer = (await one.plain.until(b"\r\nOK\r\n")).decode()
            assert answer.startswith(f'AT+QCFG="{name}"\r\r\n+QCFG: "{name}",')


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ('"nwscanmode",3,1', '"nwscanmode",3'),
        ('"nwscanseq",020103,1', '"nwscanseq",020103'),
        ('"iotopmode",2,1', '"iotopmode",2'),
        ('"band",F,400A0E189F,A0E189F,1', '"band",f,400a0e189f,a0e189f'),
        ('"urc/ri/ring","wave",100', '"urc/ri/ring","wave",100,1000,5000,"off",1'),
        ('"risignaltype","physical"', '"risignaltype","physical"'),
        ('"roamservice",255', '"roamservice",255'),
        ('"cmux/urcport",4', '"cmux/urcport",4'),
    ],
)
async def test_what_is_set_is_read_and_survives_a_restart(command: str, shown: str) -> None:
    async with Lab(bg96()) as one:
        name = command.split(",")[0]
        await one.plain.ask(f"AT+QCFG={command}")
        await one.plain.ask(f"AT+QCFG={name}", info(f"+QCFG: {shown}"))
        await one.plain.ask("AT+CFUN=1,1", "\r\nOK\r\n\r\nPOWERED DOWN\r\n")
        await one.plain.until(b"APP RDY\r\n")
        await one.plain.ask(f"AT+QCFG={name}", info(f"+QCFG: {shown}"))


@pytest.mark.parametrize(
    "command",
    ['"cmux/urcport",5', '"cmux/urcport",1,1', '"nosuch"', '"nosuch",1', '"usbnet"', '"nwscanseq",1', '"ims","on"'],
)
async def test_a_setting_or_a_value_that_there_is_not_is_error_and_changes_nothing(command: str) -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask(f"AT+QCFG={command}", ERROR)
        await one.plain.ask('AT+QCFG="cmux/urcport"', info('+QCFG: "cmux/urcport",0'))


# Who is told


@pytest.mark.requirement("L9.3")
@pytest.mark.parametrize("chosen", [0, 1, 2, 3])
async def test_the_virtual_uart_that_urcport_names_is_told_or_with_0_all(chosen: int) -> None:
    async with Lab(bg96()) as one:
        await one.multiplex()
        uarts = {dlci: await one.open(dlci) for dlci in (1, 2)}
        for uart in uarts.values():
            await uart.ask("AT+CREG=1")
        await uarts[2].ask(f'AT+QCFG="cmux/urcport",{chosen}')
        await uarts[1].ask('AT+QCFG="cmux/urcport"', info(f'+QCFG: "cmux/urcport",{chosen}'))
        one.module.trigger("ring")
        one.module.trigger("hang_up")
        one.module.trigger("registration_lost")
        for dlci, uart in uarts.items():
            if chosen in (0, dlci):
                await uart.expect(RING + b"\r\nNO CARRIER\r\n\r\n+CREG: 0\r\n")
            await uart.quiet()


@pytest.mark.requirement("L9.3")
async def test_messages_and_what_the_network_says_go_there_too() -> None:
    async with Lab(bg96()) as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        for uart in (first, second):
            await uart.ask("AT+CNMI=2,1;+CUSD=1")
        await first.ask('AT+QCFG="cmux/urcport",2')
        one.module.receive_sms("hello")
        one.module.trigger("ussd told")
        one.module.trigger("sim_missing")
        lines = ('+CMTI: "SM",1', '+CUSD: 0,"told",15', "+CPIN: NOT INSERTED")
        await second.expect("".join(f"\r\n{line}\r\n" for line in lines).encode())
        one.module.trigger("sim_ready")
        await second.until(b"+QIND: PB DONE\r\n")
        await first.quiet()
        await first.ask('AT+CUSD=1,"*1#"', "\r\nOK\r\n\r\n+CUSD: 4\r\n")  # an answer goes to who has asked


@pytest.mark.requirement("L9.3")
async def test_a_choice_is_for_multiplexer_mode_and_lines_for_a_closed_dlc_are_lost() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask('AT+QCFG="cmux/urcport",3')
        one.module.trigger("ring")
        await one.plain.expect(RING)
        one.module.trigger("hang_up")
        await one.plain.expect(b"\r\nNO CARRIER\r\n")
        await one.multiplex()
        first = await one.open(1)
        one.module.trigger("ring")
        await first.quiet()
        third = await one.open(3)
        await third.quiet()


@pytest.mark.parametrize(("reading", "kept"), [("dropped", False), ("queued", True)])
async def test_what_is_told_while_a_virtual_uart_carries_data(reading: str, kept: bool) -> None:
    told = b'\r\n+CUSD: 0,"told",15\r\n'
    async with lab(f"urc_in_data_mode={reading}") as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        for uart in (first, second):
            await uart.ask("AT+CUSD=1")
        async with connected(first, 0, 2):
            one.module.trigger("ussd told")
            await second.expect(told)
            one.module.trigger("pdp_deact")
            came = await first.until(b'"pdpdeact",1\r\n') + bytes(first.received)
            assert came.startswith(b"\r\nNO CARRIER\r\n")
            assert (told in came) is kept


@pytest.mark.parametrize(("reading", "told"), [("uart1", True), ("all", True), ("usbat", False), ("usbmodem", False)])
async def test_the_port_of_the_module_may_be_another_than_this_line(reading: str, told: bool) -> None:
    async with Lab(bg96(f"urc_port={reading}")) as one:
        uart = one.plain
        await uart.ask('AT+QURCCFG="urcport"', info(f'+QURCCFG: "urcport","{reading}"'))
        one.module.trigger("ring")
        if told:
            await uart.expect(RING)
        await uart.quiet()
        one.module.trigger("hang_up")
        if told:
            await uart.expect(b"\r\nNO CARRIER\r\n")
        await uart.ask('AT+QURCCFG="urcport","uart1"')
        one.module.trigger("ring")
        await uart.expect(RING)
        one.module.trigger("reset")
        await uart.until(b"APP RDY\r\n")
        await uart.ask('AT+QURCCFG="urcport"', info('+QURCCFG: "urcport","uart1"'))


async def test_forms_of_qurccfg() -> None:
    async with Lab(bg96()) as one:
        ports = '("usbat","usbmodem","uart1","all")'
        await one.plain.ask("AT+QURCCFG=?", info(f'+QURCCFG: "urcport",{ports}'))
        for command in ('"urcport","uart3"', '"port"', '"urcport","uart1",1'):
            await one.plain.ask(f"AT+QURCCFG={command}", ERROR)
