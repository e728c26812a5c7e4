"""PPP data calls of LTE modules: a context that one has is not the stack's, and the other way round."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning, settle
from lte_module import ERROR, OK, lab
from ppp_programs import ECHO, dialled

from drivers.emulator import EmulatedModule

CONNECT = "\r\nCONNECT\r\n"
NO_CARRIER = "\r\nNO CARRIER\r\n"


def calling(model: str = "bg96", clock: Turning | None = None) -> EmulatedModule:
    return EmulatedModule(model=model, ppp=ECHO, clock=clock)


@pytest.mark.parametrize("command", ["ATD*99***1#", "ATD*99#", 'AT+CGDATA="PPP",1', "AT+CGDATA"])
async def test_a_context_that_a_call_has_cannot_be_activated(command: str) -> None:
    clock = Turning()
    async with Lab(calling(clock=clock)) as one:
        await dialled(one.plain, command)
        one.plain.write(b"octets")
        await one.plain.expect(b"octets")
        await clock.turn(1.1)
        one.plain.write(b"+++")
        await clock.turn(1.1)
        await one.plain.expect(OK.encode())
        await one.plain.ask("AT+QIACT=1", ERROR)
        await one.plain.ask("AT+QIACT=2")
        await one.plain.ask("ATO", CONNECT)
        await clock.turn(1.1)
        one.plain.write(b"+++")
        await clock.turn(1.1)
        await one.plain.expect(OK.encode())
        await one.plain.ask("ATH")
        await one.plain.ask("AT+QIACT=1")


async def test_a_context_that_is_active_cannot_be_called_with_and_the_next_one_is_free() -> None:
    async with Lab(calling()) as one:
        await one.plain.ask("AT+QIACT=1")
        await one.plain.ask("ATD*99***1#", NO_CARRIER)
        await one.plain.ask("ATD*99***17#", ERROR)
        await dialled(one.plain, "ATD*99***16#")


@pytest.mark.parametrize("dlci", [1, 2])
async def test_any_channel_can_dial_while_the_others_are_at_ports(dlci: int) -> None:
    async with Lab(calling("ec25")) as one:
        await one.multiplex()
        uarts = {number: await one.open(number) for number in (1, 2)}
        await dialled(uarts[dlci], "ATD*99***1#")
        await uarts[3 - dlci].ask("AT+QIACT=1", ERROR)
        await uarts[3 - dlci].ask("AT+QIACT=3")
        uarts[dlci].write(b"octets")
        await uarts[dlci].expect(b"octets")


async def test_the_call_lives_on_while_the_at_channel_is_dead() -> None:
    async with Lab(calling("eg91")) as one:
        await one.multiplex()
        dead, ppp = await one.open(1), await one.open(2)
        await dialled(ppp, "ATD*99***1#")
        one.module.trigger("at_channel_dies")
        dead.write(b"AT\r")
        await settle()
        await dead.quiet()
        ppp.write(b"octets")
        await ppp.expect(b"octets")


async def test_a_network_that_takes_the_contexts_ends_the_call() -> None:
    async with Lab(calling()) as one:
        await dialled(one.plain, "ATD*99***1#")
        one.module.trigger("pdp_deact")
        await one.plain.expect(NO_CARRIER.encode())
        await one.plain.ask("AT+QIACT=1")  # it was never the stack's


async def test_without_a_program_there_is_no_carrier() -> None:
    async with lab() as one:
        await one.plain.ask("ATD*99***2#", NO_CARRIER)
