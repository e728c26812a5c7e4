"""The typed transcripts of the app note, played against the module."""

from __future__ import annotations

import pytest
from emulator_host import Lab
from emulator_transcripts import CHAPTER8, play, read

from drivers.emulator import EmulatedModule


@pytest.mark.requirement("S8.2", "S8.4", "S8.6", "S8.8", "S8.9", "S8.10", "S8.12", "S8.13", "S8.16", "S8.17", "S8.18")
@pytest.mark.parametrize("option", [0, 1], ids=["basic", "advanced"])
async def test_chapter_8(option: int) -> None:
    pieces = read(CHAPTER8)
    assert len(pieces) > 40
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex(f"AT+CMUX={option}", option)
        uarts = {number: await lab.open(number) for number in (1, 2, 3)}
        for uart in uarts.values():
            await uart.ask("ATE0")
        await play(pieces, uarts)
