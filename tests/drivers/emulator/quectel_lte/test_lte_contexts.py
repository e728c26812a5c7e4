"""PDP contexts, one by one the lines of their state machine."""

from __future__ import annotations

import sys

import pytest
from emulator_host import Lab, Turning
from lte_module import ERROR, OK, address, bg96, connected, lab

from drivers.emulator import EmulatedModule, Network

GET_ERROR = "\r\n+QIGETERROR: {}\r\n\r\nOK\r\n"


@pytest.mark.requirement("L2.1", "L2.2")
@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ('1,"internet"', '1,"internet","","",0'),
        ('3,"internet","u","p"', '3,"internet","u","p",0'),
        ('1,"apn","u","p",1', '1,"apn","u","p",1'),
        ('2,"apn","","",3', '2,"apn","","",3'),
        ('1,""', '1,"","","",0'),
        (f'1,"apn","{"u" * 127}","p"', f'1,"apn","{"u" * 127}","p",0'),
    ],
)
async def test_settings_of_a_context_are_kept_and_shown(values: str, shown: str) -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask("AT+QICSGP=16", '\r\n+QICSGP: 1,"","","",0\r\n\r\nOK\r\n')
        await one.plain.ask(f"AT+QICSGP=16,{values}")
        await one.plain.ask("AT+QICSGP=16", f"\r\n+QICSGP: {shown}\r\n\r\nOK\r\n")
        await one.plain.ask("AT+QICSGP=1", '\r\n+QICSGP: 1,"","","",0\r\n\r\nOK\r\n')


@pytest.mark.requirement("L2.2")
@pytest.mark.parametrize(("model", "answer"), [("bg96", ERROR), ("ec25", OK)])
async def test_one_more_number_is_taken_by_newer_firmware_alone(model: str, answer: str) -> None:
    async with Lab(bg96(model=model)) as one:
        await one.plain.ask('AT+QICSGP=1,1,"apn","u","p",1,1', answer)
        await one.plain.ask('AT+QICSGP=1,1,"apn","u","p",1,2', ERROR)


@pytest.mark.requirement("L2.3")
@pytest.mark.parametrize(
    "command",
    [
        *("AT+QICSGP=0", 'AT+QICSGP=17,1,"a"', 'AT+QICSGP=1,0,"a"', 'AT+QICSGP=1,4,"a"', "AT+QICSGP=1,1"),
        *('AT+QICSGP=1,1,"a","u"', 'AT+QICSGP=1,1,"a","u","p",4', f'AT+QICSGP=1,1,"a","{"u" * 128}","p"'),
        *("AT+QIACT=0", "AT+QIACT=17", "AT+QIACT=", "AT+QIACT=1,1", "AT+QIDEACT=0", "AT+QIDEACT=17", "AT+QIDNSCFG=0"),
        *('AT+QIDNSGIP=17,"localhost"', 'AT+QPING=0,"localhost"', 'AT+QNTP=17,"localhost"', "AT+QISTATE=0,17"),
        'AT+QIOPEN=0,0,"TCP","127.0.0.1",7',
    ],
)
async def test_a_context_out_of_range_and_other_wrong_values_give_error(command: str) -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask(command, ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("552,invalid parameters"))


@pytest.mark.requirement("L2.4", "L2.5", "L2.8", "L2.9")
async def test_a_context_is_activated_shown_refused_again_and_deactivated_as_often_as_one_likes() -> None:
    async with Lab(bg96()) as one:
        uart = one.plain
        await uart.ask("AT+QIDEACT=1")  # P7
        await uart.ask('AT+QICSGP=1,1,"apn"')  # P1
        await uart.ask("AT+QIACT?")
        await uart.ask("AT+QIACT=1")  # P2
        own = await address(uart)
        await uart.ask("AT+QIACT?", f'\r\n+QIACT: 1,1,1,"{own}"\r\n\r\nOK\r\n')
        await uart.ask("AT+QIACT=1", ERROR)  # P5
        await uart.ask("AT+QIGETERROR", GET_ERROR.format("561,open PDP context failed"))
        await uart.ask("AT+QIACT?", f'\r\n+QIACT: 1,1,1,"{own}"\r\n\r\nOK\r\n')
        await uart.ask("AT+QIDEACT=1")  # P6
        await uart.ask("AT+QIDEACT=1")
        await uart.ask("AT+QIACT?")
        await uart.ask("AT+QIACT=1")


@pytest.mark.requirement("L2.8")
async def test_the_other_reading_of_activating_again_says_ok() -> None:
    async with lab("qiact_again=ok") as one:
        await one.plain.ask("AT+QIACT=1")


async def test_the_network_refuses_or_does_not_answer() -> None:  # P3
    clock = Turning()
    async with Lab(bg96(clock=clock)) as one:
        one.module.set_network(Network(accepts=False))
        await one.plain.ask("AT+QIACT=1", ERROR)
        one.module.set_network(Network(silent=True))
        one.plain.write(b"AT+QIACT=1\r")
        await one.plain.expect(b"AT+QIACT=1\r")
        await clock.turn(149)
        await one.plain.quiet()
        await clock.turn(1.1)
        await one.plain.expect(b"\r\nERROR\r\n")
        one.module.set_network(Network())
        await one.plain.ask("AT+QIACT=1")


@pytest.mark.parametrize(("reading", "answer"), [("ok", OK), ("error", ERROR)])
async def test_activation_without_an_apn_takes_that_of_the_network(reading: str, answer: str) -> None:  # P4
    async with Lab(bg96(f"qiact_without_apn={reading}")) as one:
        await one.plain.ask("AT+QIACT=2", answer)
        code = "0,operate successfully" if answer == OK else "573,APN not configured"
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format(code))
        await one.plain.ask('AT+QICSGP=3,1,"apn"')
        await one.plain.ask("AT+QIACT=3")


async def test_a_network_without_ipv6_grants_a_context_for_both_and_none_for_ipv6_alone() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask('AT+QICSGP=1,2,"apn"')
        await one.plain.ask("AT+QIACT=1", ERROR)
        await one.plain.ask('AT+QICSGP=1,3,"apn"')
        await one.plain.ask("AT+QIACT=1")
        one.plain.write(b"AT+QIACT?\r")
        assert b'\r\n+QIACT: 1,1,3,"127.10.' in await one.plain.until(b"\r\nOK\r\n")


@pytest.mark.requirement("L2.6")
@pytest.mark.parametrize(
    "command",
    [
        *('AT+QIOPEN=2,0,"TCP","127.0.0.1",7', 'AT+QPING=2,"127.0.0.1"', 'AT+QNTP=2,"127.0.0.1"'),
        *('AT+QIDNSGIP=2,"localhost"', "AT+QIDNSCFG=2", 'AT+QIDNSCFG=2,"192.0.2.1"'),
        'AT+QIOPEN=2,0,"TCP LISTENER","127.0.0.1",0,2020,0',
    ],
)
async def test_nothing_activates_a_context_by_itself(command: str) -> None:  # P13
    async with lab() as one:
        await one.plain.ask(command, ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("561,open PDP context failed"))
        await one.plain.ask("AT+QISTATE?")
        one.plain.write(b"AT+QIACT?\r")
        assert (await one.plain.until(b"\r\nOK\r\n")).count(b"+QIACT: ") == 1


async def test_other_settings_of_an_active_context_take_effect_at_its_next_activation() -> None:
    async with lab() as one:
        own = await address(one.plain)
        await one.plain.ask('AT+QICSGP=1,3,"apn"')
        await one.plain.ask("AT+QIACT?", f'\r\n+QIACT: 1,1,1,"{own}"\r\n\r\nOK\r\n')
        await one.plain.ask("AT+QIDEACT=1")
        await one.plain.ask("AT+QIACT=1")
        one.plain.write(b"AT+QIACT?\r")
        assert b"\r\n+QIACT: 1,1,3," in await one.plain.until(b"\r\nOK\r\n")


async def test_a_deactivation_can_take_its_time() -> None:
    clock = Turning()
    async with lab("deactivation_time=40", clock=clock) as one:
        one.plain.write(b"AT+QIDEACT=1\r")
        await one.plain.expect(b"AT+QIDEACT=1\r")
        await clock.turn(39)
        await one.plain.quiet()
        await clock.turn(1.1)
        await one.plain.expect(b"\r\nOK\r\n")


@pytest.mark.requirement("L2.7")
async def test_a_fourth_context_is_refused_until_one_is_free() -> None:  # P14
    async with Lab(bg96()) as one:
        for number in (1, 7, 16):
            await one.plain.ask(f"AT+QIACT={number}")
        await one.plain.ask("AT+QIACT=2", ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("561,open PDP context failed"))
        await one.plain.ask("AT+QIDEACT=7")
        await one.plain.ask("AT+QIACT=2")
        one.plain.write(b"AT+QIACT?\r")
        lines = (await one.plain.until(b"\r\nOK\r\n")).decode().split("\r\n")
        assert [line[:11] for line in lines if line.startswith("+QIACT: ")] == [
            "+QIACT: 1,1",
            "+QIACT: 2,1",
            "+QIACT: 16,",
        ]


@pytest.mark.requirement("L2.10")
@pytest.mark.parametrize(("reading", "told"), [("off", ""), ("on", '\r\n+QIURC: "closed",3\r\n')])
async def test_deactivation_removes_the_sockets_of_the_context_without_a_word(reading: str, told: str) -> None:
    async with lab(f"qideact_closed={reading}") as one, connected(one.plain, 3) as far:  # P6, K11
        await one.plain.ask("AT+QIDEACT=1", OK + told)
        assert await far.reader.read() == b""
        await one.plain.ask("AT+QISTATE?")
        await one.plain.ask("AT+QIACT=1")
        await one.plain.quiet()


async def test_deactivation_leaves_the_sockets_of_other_contexts_alone() -> None:
    async with lab() as one, connected(one.plain, 3) as far:
        await one.plain.ask("AT+QIACT=2")
        await one.plain.ask("AT+QIDEACT=2")
        far.writer.write(b"x")
        await one.plain.expect(b'\r\n+QIURC: "recv",3\r\n')


@pytest.mark.requirement("L2.11")
async def test_a_context_that_the_network_takes_away_is_told_once_and_wants_qideact() -> None:
    async with lab() as one, connected(one.plain, 0) as far, connected(one.plain, 1):
        uart = one.plain
        far.writer.write(b"abc")
        await uart.expect(b'\r\n+QIURC: "recv",0\r\n')
        one.module.trigger("pdp_deact")
        await uart.expect(b'\r\n+QIURC: "pdpdeact",1\r\n')  # P8, K12
        await uart.quiet()
        await uart.ask("AT+QIACT?")
        for command in ("AT+QIACT=1", 'AT+QIOPEN=1,2,"TCP","127.0.0.1",7', "AT+QISEND=0,1"):  # P10, P11
            await uart.ask(command, ERROR)
            await uart.ask("AT+QIGETERROR", GET_ERROR.format("570,PDP context broken down"))
        await uart.ask("AT+QIRD=0,2", "\r\n+QIRD: 2\r\nab\r\n\r\nOK\r\n")
        await uart.ask("AT+QIDEACT=1")  # P9
        await uart.ask("AT+QISTATE?")
        await uart.ask("AT+QIRD=0,1", ERROR)
        await uart.ask("AT+QIACT=1")


async def test_the_other_readings_of_pdpdeact() -> None:
    async with lab("pdpdeact_closed=on", "qiact_broken=ok") as one, connected(one.plain, 4):
        one.module.trigger("pdp_deact")
        await one.plain.expect(b'\r\n+QIURC: "pdpdeact",1\r\n\r\n+QIURC: "closed",4\r\n')
        await one.plain.ask("AT+QIACT=1")


async def test_a_lost_registration_ends_all_contexts() -> None:
    async with lab() as one:
        await one.plain.ask("AT+QIACT=9")
        one.module.trigger("registration_lost")
        await one.plain.expect(b'\r\n+QIURC: "pdpdeact",1\r\n\r\n+QIURC: "pdpdeact",9\r\n')


@pytest.mark.parametrize(("reading", "shown"), [("off", '1,"","","",0'), ("on", '1,"apn","","",0')])
async def test_a_restart_ends_contexts_and_forgets_their_settings(reading: str, shown: str) -> None:  # P12
    async with lab(f"qicsgp_kept={reading}") as one:
        await one.plain.ask('AT+QICSGP=1,1,"apn"')
        one.module.trigger("reset")
        await one.plain.until(b"APP RDY\r\n")
        await one.plain.ask("AT+QIACT?")
        await one.plain.ask("AT+QICSGP=1", f"\r\n+QICSGP: {shown}\r\n\r\nOK\r\n")
        await one.plain.ask("AT+QIACT=1")


async def test_a_default_bearer_is_up_at_the_start_and_after_a_restart() -> None:
    async with Lab(bg96("default_bearer=on")) as one:
        assert (await address(one.plain)).startswith("127.10.")
        one.module.trigger("reset")
        await one.plain.until(b"APP RDY\r\n")
        assert (await address(one.plain)).startswith("127.10.")
        await one.plain.ask("AT+QIACT=1", ERROR)


@pytest.mark.requirement("L2.11")
@pytest.mark.parametrize("command", ["AT+CGATT=0", "AT+CFUN=4", "AT+CFUN=0", "AT+COPS=2"])
async def test_a_host_that_leaves_the_network_breaks_its_contexts(command: str) -> None:  # P8
    async with lab() as one:
        await one.plain.ask(command, OK + '\r\n+QIURC: "pdpdeact",1\r\n')
        await one.plain.ask("AT+QIACT=1", ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("570,PDP context broken down"))
        await one.plain.ask("AT+QIDEACT=1")
        await one.plain.ask("AT+QIACT=1", ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("561,open PDP context failed"))


async def test_cgact_tells_of_contexts_of_the_stack_and_deactivates_them() -> None:
    # 27.007 §10.1.10: the states of all contexts that are defined, and the command deactivates what it names
    async with Lab(bg96()) as one:
        ask = one.plain.ask
        await ask('AT+CGDCONT=3,"IP","three"')
        await ask("AT+CGACT?", "\r\n+CGACT: 3,0\r\n\r\nOK\r\n")
        await ask("AT+QIACT=1")
        await ask("AT+CGACT?", "\r\n+CGACT: 1,1\r\n+CGACT: 3,0\r\n\r\nOK\r\n")
        await ask("AT+CGACT=0,3")
        await ask("AT+CGACT=0,1", OK + '\r\n+QIURC: "pdpdeact",1\r\n')
        await ask("AT+CGACT?", "\r\n+CGACT: 3,0\r\n\r\nOK\r\n")
        await ask("AT+QIACT?")
        await ask("AT+QIDEACT=1")
        await ask("AT+QIACT=1")
        await ask("AT+CGACT=0", OK + '\r\n+QIURC: "pdpdeact",1\r\n')


async def test_addresses_are_also_told_by_cgpaddr() -> None:
    async with lab() as one:
        await one.plain.ask("AT+QIACT=5")
        first, fifth = await address(one.plain), await address(one.plain, 5)
        both = f'\r\n+CGPADDR: 1,"{first}"\r\n+CGPADDR: 5,"{fifth}"\r\n\r\nOK\r\n'
        await one.plain.ask("AT+CGPADDR", both)
        await one.plain.ask("AT+CGPADDR=1,5", both)
        await one.plain.ask("AT+CGPADDR=2", "\r\n+CGPADDR: 2\r\n\r\nOK\r\n")
        await one.plain.ask("AT+CGPADDR=17", ERROR)
        for number in (1, 5):
            await one.plain.ask(f"AT+QIDEACT={number}")
        await one.plain.ask("AT+CGPADDR")


async def test_a_context_is_either_the_stacks_or_that_of_a_data_call() -> None:
    module = EmulatedModule(model="bg96", ppp=[sys.executable, "-c", "import time; time.sleep(60)"])
    async with Lab(module) as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        await first.ask("AT+QIACT=1")
        await second.ask("ATD*99***1#", "\r\nNO CARRIER\r\n")
        await second.ask("ATD*99***2#", "\r\nCONNECT\r\n")
        await first.ask("AT+QIACT=2", ERROR)
        await first.ask("AT+QIGETERROR", GET_ERROR.format("561,open PDP context failed"))
        await first.ask("AT+QIACT=3")


async def test_name_servers_come_with_each_activation() -> None:
    async with lab() as one:
        given = '\r\n+QIDNSCFG: 1,"192.0.2.53","198.51.100.53"\r\n\r\nOK\r\n'
        await one.plain.ask("AT+QIDNSCFG=1", given)
        await one.plain.ask('AT+QIDNSCFG=1,"192.0.2.9"')
        await one.plain.ask("AT+QIDNSCFG=1", '\r\n+QIDNSCFG: 1,"192.0.2.9","198.51.100.53"\r\n\r\nOK\r\n')
        await one.plain.ask('AT+QIDNSCFG=1,"192.0.2.9","192.0.2.10"')
        await one.plain.ask('AT+QIDNSCFG=1,"nowhere"', ERROR)
        await one.plain.ask("AT+QIDNSCFG=1", '\r\n+QIDNSCFG: 1,"192.0.2.9","192.0.2.10"\r\n\r\nOK\r\n')
        await one.plain.ask("AT+QIDEACT=1")
        await one.plain.ask("AT+QIACT=1")
        await one.plain.ask("AT+QIDNSCFG=1", given)
