"""A restart ends whatever is under way on a UART: commands that wait, prompts, and what stands behind them."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning
from emulator_peer import connect, peer
from message_dialogues import inside

from drivers.emulator import Behaviour, EmulatedModule

BOOT = b"\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n"


async def boots(lab: Lab) -> None:
    """Restart the module, and want its boot lines and an answer to the next command."""
    lab.module.trigger("reset")
    await lab.plain.expect(BOOT)
    await lab.plain.ask("AT")


async def test_a_call_that_waits_for_its_answer_with_colp_ends_with_a_restart() -> None:
    async with Lab(EmulatedModule(faults="calls=no_answer")) as lab:
        await lab.plain.ask("AT+COLP=1")
        lab.plain.write(b"ATD49301;\r")
        await lab.plain.expect(b"ATD49301;\r")
        await boots(lab)


async def test_a_call_that_waits_for_its_answer_ends_with_a_power_down_from_another_channel() -> None:
    """Where the line speaks the multiplexer from the first octet, the channels outlive it."""
    async with Lab(EmulatedModule(startup="none", faults="calls=no_answer")) as lab:
        await lab.start()
        first, second = await lab.open(1), await lab.open(2)
        await first.ask("AT+COLP=1")
        first.write(b"ATD49301;\r")
        await first.expect(b"ATD49301;\r")
        await second.ask("AT+QPOWD=1", "\r\nNORMAL POWER DOWN\r\n")
        await first.ask("AT")


async def test_an_activation_that_waits_for_the_network_ends_with_a_restart() -> None:
    async with Lab(EmulatedModule(clock=Turning(), behaviour=Behaviour(activation_time=3.0))) as lab:
        await lab.plain.ask("AT+QIREGAPP")
        lab.plain.write(b"AT+QIACT\r")
        await lab.plain.expect(b"AT+QIACT\r")
        await boots(lab)


@pytest.mark.parametrize("command", ['AT+CMGF=1;+CMGS="+4930"', "AT+CMGF=1;+CMGW", "AT+CMGF=0;+CMGS=20", "AT+CMGW=20"])
async def test_a_message_prompt_ends_with_a_restart(command: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask(command, "\r\n> ")
        lab.plain.write(b"half a")
        await lab.plain.expect(b"half a")
        await boots(lab)
        await lab.plain.quiet()
        assert lab.module.sent_sms == ()


@pytest.mark.parametrize("command", ["AT+QISEND", "AT+QISEND=5"])
async def test_a_prompt_for_data_ends_with_a_restart(command: str) -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await connect(lab.plain, one)
        await lab.plain.ask(command, "\r\n> ")
        await boots(lab)


async def test_what_stands_behind_a_command_that_restarts_the_module_is_not_executed() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+CFUN=1,1;+QIMUX=1", "\r\nOK\r\n" + BOOT.decode())
        await lab.plain.ask("AT+QIMUX?", "\r\n+QIMUX: 0\r\n\r\nOK\r\n")


@pytest.mark.parametrize("apart", [0.0, 1.0])
async def test_what_waited_at_the_service_centre_comes_behind_the_boot_lines(apart: float) -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock, behaviour=Behaviour(result_time=apart))) as lab:
        await lab.plain.ask("AT")
        lab.module.trigger("registration_lost")
        assert lab.module.receive_sms("hi") == 0
        lab.module.trigger("reset")
        for _ in range(5):
            await clock.turn(apart)
        await lab.plain.expect(BOOT + b'\r\n+CMTI: "SM",1\r\n')
        assert inside(lab.module).lost == 0
