"""AT+QENG, AT+CIND?, AT+CEER and AT+QGDCNT: what the module reports of its network and of the past."""

from __future__ import annotations

import pytest
from emulator_host import Lab
from lte_module import ERROR, OK, bg96, connected, lab, send

from drivers.emulator import Network


def info(text: str) -> str:
    return f"\r\n{text}\r\n\r\nOK\r\n"


@pytest.mark.parametrize(("model", "technology"), [("bg96", "CAT-M"), ("ec25", "LTE"), ("eg91", "LTE")])
async def test_the_serving_cell_is_that_of_the_other_commands(model: str, technology: str) -> None:
    # The fields as an EC25 ("NOCONN","LTE","FDD",234,15,2549F0B,420,1300,3,5,5,2D0D,-93,-12,-67,15,-) and a BG96
    # ("CONNECT","CAT-M","FDD",262,03,2FAA03,187,6200,20,3,3,2AFB,-105,-11,-76,10,-) show them.
    cell = f'"{technology}","FDD",460,00,1A2D101,187,1650,3,5,5,1806,-84,-9,-57,16,-'
    async with lab(model=model) as one:
        await one.plain.ask('AT+QENG="servingcell"', info(f'+QENG: "servingcell","NOCONN",{cell}'))
        async with connected(one.plain):
            await one.plain.ask('AT+QENG="SERVINGCELL"', info(f'+QENG: "servingcell","CONNECT",{cell}'))
            await one.plain.ask("AT+QICLOSE=0,0", OK)
        await one.plain.ask('AT+QENG="servingcell"', info(f'+QENG: "servingcell","NOCONN",{cell}'))
        await one.plain.ask('AT+QENG="neighbourcell"', OK)
        await one.plain.ask('AT+QENG="cells"', ERROR)


async def test_a_module_without_service_searches_for_a_cell() -> None:
    async with Lab(bg96()) as one:
        one.module.set_network(Network(registered=False))
        await one.plain.ask('AT+QENG="servingcell"', info('+QENG: "servingcell","SEARCH"'))


async def test_the_indicators_are_those_of_an_ec25() -> None:
    async with Lab(bg96(model="ec25")) as one:
        await one.plain.ask(
            "AT+CIND=?",
            info(
                '+CIND: ("battchg",(0-5)),("signal",(0-5)),("service",(0-1)),("call",(0-1)),("roam",(0-1)),'
                '("smsfull",(0-1)),("GPRS coverage",(0-1)),("callsetup",(0-3))'
            ),
        )
        await one.plain.ask("AT+CIND?", info("+CIND: 0,5,1,0,0,0,1,0"))
        one.module.trigger("ring +491701")
        await one.plain.expect(b"\r\nRING\r\n")
        await one.plain.ask("AT+CIND?", info("+CIND: 0,5,1,0,0,0,1,1"))
        await one.plain.ask("ATA", OK)
        await one.plain.ask("AT+CIND?", info("+CIND: 0,5,1,1,0,0,1,0"))
        one.module.set_network(Network(registered=False))
        await one.plain.expect(b"\r\nNO CARRIER\r\n")
        await one.plain.ask("AT+CIND?", info("+CIND: 0,0,0,0,0,0,0,0"))


async def test_the_cause_of_the_last_end_has_the_texts_of_the_manual() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask("AT+CEER=?", OK)
        await one.plain.ask("AT+CEER", info("+CEER: No cause information available"))
        one.module.set_network(Network(calls="busy"))
        await one.plain.ask("ATD+491701;", f"{OK}\r\nBUSY\r\n")
        await one.plain.ask("AT+CEER", info("+CEER: User busy"))
        one.module.set_network(Network(accepts=False))
        await one.plain.ask("AT+QIACT=1", ERROR)
        await one.plain.ask("AT+CEER", info("+CEER: Activation rejected, unspecified"))
        one.module.set_network(Network())
        await one.plain.ask("AT+QIACT=1", OK)
        one.module.drop_contexts()
        await one.plain.expect(b'\r\n+QIURC: "pdpdeact",1\r\n')
        await one.plain.ask("AT+CEER", info("+CEER: Regular deactivation"))
        one.module.trigger("ring")
        await one.plain.expect(b"\r\nRING\r\n")
        await one.plain.ask("ATH", OK)
        await one.plain.ask("AT+CEER", info("+CEER: Client ended call"))


async def test_octets_are_counted_until_they_are_reset_and_saved_over_a_restart() -> None:
    async with lab() as one:
        await one.plain.ask("AT+QGDCNT=?", info("+QGDCNT: (0,1)"))
        await one.plain.ask("AT+QGDCNT?", info("+QGDCNT: 0,0"))
        async with connected(one.plain) as peer:
            await send(one.plain, 0, b"x" * 100)
            peer.writer.write(b"y" * 30)
            await one.plain.expect(b'\r\n+QIURC: "recv",0\r\n')
            await one.plain.ask("AT+QGDCNT?", info("+QGDCNT: 100,30"))
            await one.plain.ask("AT+QICLOSE=0,0", OK)
        await one.plain.ask("AT+QGDCNT?", info("+QGDCNT: 100,30"))  # the connection is gone, and has been carried
        await one.plain.ask("AT+QGDCNT=1", OK)
        async with connected(one.plain):
            await send(one.plain, 0, b"x" * 7)
            await one.plain.ask("AT+QGDCNT?", info("+QGDCNT: 107,30"))
            one.module.trigger("reset")
        await one.plain.until(b"APP RDY\r\n")
        await one.plain.ask("AT+QGDCNT?", info("+QGDCNT: 100,30"))
        await one.plain.ask("AT+QGDCNT=0", OK)
        await one.plain.ask("AT+QGDCNT?", info("+QGDCNT: 0,0"))
        await one.plain.ask("AT+QGDCNT=2", ERROR)


async def test_commands_without_parameters_that_change_nothing_are_ok() -> None:
    async with Lab(bg96()) as one:
        for command in ("AT+QIACT", "AT+CGDCONT"):  # on the console of a BG96 (catm1_bg96)
            await one.plain.ask(command, OK)
        await one.plain.ask("AT+QIACT?", OK)
        await one.plain.ask("AT+COPS", OK)  # a driver of an EC25 sends it behind AT+COPS=0 and wants OK
