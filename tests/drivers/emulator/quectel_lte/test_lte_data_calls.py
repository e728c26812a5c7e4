"""PPP data calls of LTE modules: a context that one has is not the stack's, and the other way round."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning, settle
from lte_module import ERROR, OK, lab
from ppp_programs import ECHO, dialled

from cmux.protocol.commands import Signals
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


@pytest.mark.parametrize(
    ("setting", "dropped", "ended"), [(0, "", False), (1, OK, False), (2, NO_CARRIER, True), (None, OK, False)]
)
async def test_dtr_from_on_to_off_keeps_the_call_or_ends_it(setting: int | None, dropped: str, ended: bool) -> None:
    async with Lab(calling()) as one:
        await one.multiplex()
        uart = await one.open(1)
        if setting is not None:  # from the factory it is 1
            await uart.ask(f"AT&D{setting}")
        await dialled(uart, "ATD*99***1#")
        mux = one.mux
        assert mux is not None
        for rtc in (False, True):
            mux.multiplexer.set_signals(1, Signals(rtc=rtc), mux.now())
            mux.flush()
            await settle()
        await uart.expect(dropped.encode())
        await uart.quiet()
        if not dropped:
            uart.write(b"octets")
            await uart.expect(b"octets")
        elif not ended:
            await uart.ask("ATO", CONNECT)
        else:
            await uart.ask("ATO", NO_CARRIER)


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
