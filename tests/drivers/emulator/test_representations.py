"""What public objects of the emulated module say about themselves."""

from __future__ import annotations

import pytest
from emulator_host import Lab

from drivers.emulator import Behaviour, Call, EmulatedModule, Form, Ownership, Reply


async def test_a_module_says_where_it_is_and_in_which_mode() -> None:
    module = EmulatedModule()
    assert repr(module) == "<EmulatedModule: not running>"
    async with module:
        assert repr(module) == "<EmulatedModule: not connected>"
    async with Lab(module) as lab:
        await lab.plain.ask("AT")
        assert repr(module) == f"<EmulatedModule at {module.url}: in AT mode>"
        await lab.multiplex()
        assert repr(module) == f"<EmulatedModule at {module.url}: in multiplexer mode>"
    assert repr(module) == "<EmulatedModule: not running>"


def test_a_subclass_has_its_own_name() -> None:
    class M95(EmulatedModule):
        pass

    assert repr(M95()) == "<M95: not running>"


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        ([], "Behaviour()"),
        (["figure2"], "Behaviour(recv_from='RCV FROM', address_line=True, send_ok_blank=True)"),
        (["already_connect=then_error"], "Behaviour(already_connect='then_error')"),
    ],
)
def test_a_behaviour_says_what_differs_from_the_defaults(texts: list[str], shown: str) -> None:
    assert repr(Behaviour.parse(texts)) == shown


def test_a_port_says_whether_it_is_open() -> None:
    with EmulatedModule() as module:
        port = module.port(timeout=2)
        assert repr(port) == "<EmulatedPort open timeout=2>"
        port.close()
        assert repr(port) == "<EmulatedPort closed timeout=2>"


async def test_a_call_says_the_command_and_its_uart() -> None:
    seen: list[str] = []

    def note(call: Call) -> Reply | None:
        seen.append(repr(call))
        return EmulatedModule.commands.answer(call)

    class Noting(EmulatedModule):
        commands = EmulatedModule.commands.replaced("QIOPEN", Form.WRITE, note)

    async with Lab(Noting()) as lab:
        await lab.plain.ask('AT+QIOPEN="TCP","x",1', "\r\nERROR\r\n")
    assert seen == ['<Call QIOPEN="TCP","x",1 on <Uart 0 attached: held, a command is running>>']


def test_a_table_says_how_many_commands_it_has() -> None:
    count = len(list(EmulatedModule.commands.names()))
    assert repr(EmulatedModule.commands) == f"<CommandTable of {count} commands>"


def test_ownership_says_who_has_what() -> None:
    rule = Ownership(Behaviour())
    rule.select(2, 1, in_use=False)
    assert repr(rule) == "<Ownership owners=[None, 2] foregrounds=[0, 0, 1, 0]>"
