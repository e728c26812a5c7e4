"""Nothing in the emulated module but the row of its family in `MODEMS` says which family it is of."""

from __future__ import annotations

import pytest
from emulator_host import Lab

from drivers.clock import FakeClock
from drivers.emulator import OK, EmulatedModule, Form, Reply
from drivers.emulator import module as emulated
from drivers.emulator.interpreter.bytestream import DataStream, Online
from drivers.emulator.interpreter.commandline import Command
from drivers.emulator.interpreter.host import Execution
from drivers.emulator.interpreter.output import Delivery, Urc
from drivers.emulator.interpreter.table import CommandTable
from drivers.emulator.interpreter.uart_commands import uart_commands
from drivers.emulator.interpreter.uart_settings import SendSettings
from drivers.emulator.line.line_commands import line_commands
from drivers.emulator.modem import Modem, ModemCall

commands = CommandTable[ModemCall]().merged(uart_commands).merged(line_commands)
commands.text("TNAME", Form.READ, "+TNAME: toy")


class ToyCall(ModemCall):
    def run(self) -> Reply | None:
        return commands.answer(self) if self.command.name else OK


class ToyModem(Modem):
    """A modem without a TCP/IP stack."""

    dropped = 0

    def begin(self, uart: int, command: Command) -> Execution:
        return ToyCall(self, self.uarts[uart], command)

    def sending(self, uart: int) -> SendSettings:
        return self.uarts[uart].settings

    def next_output(self, uart: int) -> Urc | Delivery | None:
        return None

    def forget_urcs(self, uart: int) -> int:
        return 0

    def online(self, uart: int) -> Online | None:
        return None

    def forget_stream(self, stream: DataStream) -> None:
        pass

    def hang_up(self, uart: int) -> None:
        pass

    def drop_contexts(self) -> None:
        self.dropped += 1

    def break_sessions(self) -> None:
        pass


class EmulatedToy(EmulatedModule):
    family = "toy"


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> EmulatedToy:
    monkeypatch.setitem(
        emulated.MODEMS, "toy", lambda module, environment: ToyModem(environment, uart_class=module.uart_class)
    )
    return EmulatedToy(clock=FakeClock())


async def test_a_module_of_another_family_answers_in_at_mode_and_on_its_channels(toy: EmulatedToy) -> None:
    async with Lab(toy) as lab:
        await lab.plain.ask("AT+TNAME?", "\r\n+TNAME: toy\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+QISTAT", "\r\nERROR\r\n")
        await lab.multiplex()
        for dlci in (1, 2):
            await (await lab.open(dlci)).ask("AT+TNAME?", "\r\n+TNAME: toy\r\n\r\nOK\r\n")


async def test_what_goes_wrong_reaches_a_modem_of_any_family(toy: EmulatedToy) -> None:
    async with Lab(toy) as lab:
        toy.trigger("pdp_deact")
        assert isinstance(modem := lab.module._modem, ToyModem)
        assert modem.dropped == 1
