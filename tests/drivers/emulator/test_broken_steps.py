"""Each step of chapter 8 can be broken in the module from outside, as those who test a driver need it."""

from __future__ import annotations

import pytest
from emulator_host import Lab
from emulator_transcripts import CHAPTER8, play, read

from drivers.emulator import ERROR, Call, EmulatedModule, Form, Ownership, Reply, Uart


class Silent(Uart):
    """A UART that does not say some lines."""

    unsaid = ""

    def line(self, text: str) -> None:
        if not (self.unsaid and self.unsaid in text):
            super().line(text)


class Injured(Uart):
    """A UART that gets one octet of received data wrong."""

    def payload(self, data: bytes) -> None:
        super().payload(data[:-1] + b"#")


class Generous(Ownership):
    """A module that lets anybody have any context."""

    def may_select(self, uart: int, context: int, in_use: bool) -> bool:
        return True


def refuse(call: Call) -> Reply:
    return ERROR


class ServerRefused(EmulatedModule):
    commands = EmulatedModule.commands.replaced("QISERVER", Form.EXECUTE, refuse)


def _silent(text: str) -> type[EmulatedModule]:
    uart = type("SilentUart", (Silent,), {"unsaid": text})
    return type("SilentModule", (EmulatedModule,), {"uart_class": uart})


class WrongOctet(EmulatedModule):
    uart_class = Injured


class NobodyRefused(EmulatedModule):
    ownership_class = Generous


@pytest.mark.parametrize(
    ("module", "wanted"),
    [
        (ServerRefused, "ERROR"),
        (_silent("REMOTE IP"), "REMOTE IP"),
        (WrongOctet, "modul#"),
        (_silent("CLOSED"), "CLOSED"),
        (NobodyRefused, "ERROR"),
        (_silent("DEACT OK"), "DEACT OK"),
    ],
    ids=["QISERVER refused", "no REMOTE IP", "a wrong octet", "no CLOSED", "nobody refused", "no DEACT OK"],
)
async def test_a_broken_step_is_seen(
    module: type[EmulatedModule], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator_host.PATIENCE", 0.2)
    async with Lab(module()) as lab:
        await lab.multiplex()
        uarts = {number: await lab.open(number) for number in (1, 2, 3)}
        for uart in uarts.values():
            await uart.ask("ATE0")
        with pytest.raises(AssertionError, match=wanted):
            await play(read(CHAPTER8), uarts)
