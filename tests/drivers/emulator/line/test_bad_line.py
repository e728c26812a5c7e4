"""A host with a multiplexer on a line that turns bits over, loses octets and cuts everything into pieces."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from emulator_host import Lab, Terminal, settle

from drivers.emulator import EmulatedModule


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("option", [0, 1], ids=["basic", "advanced"])
async def test_the_module_comes_through_a_bad_line(option: int, seed: int) -> None:
    problems: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    async with Lab(EmulatedModule(seed=seed)) as lab:
        await lab.multiplex(f"AT+CMUX={option}", option)
        uarts = [await lab.open(dlci) for dlci in (1, 2, 3, 4)]
        lab.module.set_faults("ber=2e-4,drop=2e-4,chunk=1-40,urc_storm=100")
        for turn in range(300):
            uarts[turn % 4].write(b"AT+QIFGCNT?\rAT+CSQ\r")
            await settle(3)
        wire = lab.module._wire
        assert wire is not None
        assert wire.rx.injury.flipped
        assert wire.tx.injury.lost
        lab.module.set_faults("")
        await settle()
        answered = sum(bytes(uart.received).count(b"\r\n+CSQ: 28,0\r\n\r\nOK\r\n") for uart in uarts)
        assert answered > 100  # the others were injured: a basic frame that is damaged is gone
        for uart in uarts:
            await answers(uart)
    assert problems == []


async def answers(uart: Terminal) -> None:
    """Want an answer at the third attempt at the latest: what was half typed has to end first."""
    for _ in range(3):
        uart.received.clear()
        uart.write(b"\rATE1\r")
        await settle()
        with contextlib.suppress(AssertionError):
            uart.received.clear()
            await uart.ask("AT+CSQ", "\r\n+CSQ: 28,0\r\n\r\nOK\r\n")
            return
    raise AssertionError("the UART does not answer any more")
