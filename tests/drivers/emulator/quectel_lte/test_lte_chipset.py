"""AT$QCPDPP and NV items, as candy-board-qws has them, which sets up an EC21 and an EC25 with them."""

from __future__ import annotations

from emulator_host import Lab
from lte_module import ERROR, bg96

from drivers.emulator import EmulatedModule


def info(text: str) -> str:
    return f"\r\n{text}\r\n\r\nOK\r\n"


def logins(first: str) -> str:
    return info("\r\n".join((f"$QCPDPP: 1,{first}", *(f"$QCPDPP: {number},0" for number in range(2, 17)))))


async def test_a_login_is_kept_and_its_password_is_not_shown() -> None:
    # The answer to AT$QCPDPP? that the package's own tests have: sixteen lines, the first with a user
    async with Lab(bg96(model="ec25")) as one:
        ask = one.plain.ask
        await ask("AT$QCPDPP?", logins("0"))
        await ask('AT+CGDCONT=1,"IPV4V6","access_point_name",,0,0')
        await ask('AT$QCPDPP=1,3,"password","user_id"')
        await ask("AT$QCPDPP?", logins('3,"user_id"'))
        await ask("AT$QCPDPP=1,0")
        await ask("AT$QCPDPP?", logins("0"))
        for wrong in ("AT$QCPDPP=0,0", "AT$QCPDPP=17,0", "AT$QCPDPP=1,4", "AT$QCPDPP=1,3", "AT$QCPDPP", "AT+$QCPDPP?"):
            await ask(wrong, ERROR)


async def test_a_login_goes_with_its_context() -> None:
    async with Lab(bg96(model="ec25")) as one:
        await one.plain.ask('AT+CGDCONT=1,"IP","one";$QCPDPP=1,1,"password","user_id";+CGDCONT=1')
        await one.plain.ask("AT$QCPDPP?", logins("0"))


async def test_nv_items_that_were_written_are_read() -> None:
    async with Lab(bg96(model="ec25")) as one:
        ask = one.plain.ask
        await ask("AT+QNVR=4548,0", ERROR)
        await ask('AT+QNVW=4548,0,"0000400c00000210"')
        await ask("AT+QNVR=4548,0", info('+QNVR: "0000400C00000210"'))
        await ask("AT+QNVR=4548,1", ERROR)
        for wrong in ('AT+QNVW=65536,0,"00"', 'AT+QNVW=1,0,"0"', 'AT+QNVW=1,0,"0G"', "AT+QNVW=1,0", "AT+QNVR=4548"):
            await ask(wrong, ERROR)


async def test_the_constellations_are_told_before_they_are_chosen() -> None:
    async with Lab(bg96(model="ec25")) as one:
        await one.plain.ask('AT+QGPSCFG="gnssconfig"', info('+QGPSCFG: "gnssconfig",1'))
        await one.plain.ask('AT+QGPSCFG="gnssconfig",2')
        await one.plain.ask('AT+QGPSCFG="gnssconfig"', info('+QGPSCFG: "gnssconfig",2'))


async def test_an_m10_has_none_of_them() -> None:
    async with Lab(EmulatedModule()) as one:
        for command in ("AT$QCPDPP?", "AT+QNVR=4548,0"):
            await one.plain.ask(command, ERROR)
