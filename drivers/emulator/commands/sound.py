"""The commands about sound and events of the keypad: settings that are kept, and change nothing."""

from __future__ import annotations

from ..interpreter.commandline import Argument, Form
from ..interpreter.replies import ERROR, OK, Reply
from ..interpreter.table import CommandTable
from ..modem import ModemCall

sound_commands: CommandTable[ModemCall] = CommandTable()
_command = sound_commands.command
_text = sound_commands.text

#: A number between two bounds, one of some texts, or any text.
_Kind = tuple[int, int] | tuple[str, ...]


def _fits(argument: Argument, kind: _Kind) -> bool:
    if kind and isinstance(kind[0], int):
        low, high = kind
        return argument.number(int(low), int(high)) is not None
    return not kind or argument.text in kind


def _setting(name: str, values: str, default: str, *kinds: _Kind) -> None:
    """Add test, read and write of a setting; values that a write leaves out stay as they are.

    Args:
        name: of the command.
        values: what the test form shows.
        default: what is read at first, as it is shown.
        kinds: what each value may be.
    """
    _text(name, Form.TEST, f"+{name}: {values}" if values else "")

    @_command(name, Form.READ)
    def read(call: ModemCall) -> Reply:
        call.line(f"+{name}: {call.modem.texts.get(name, default)}")
        return OK

    @_command(name, Form.WRITE)
    def write(call: ModemCall) -> Reply:
        arguments = call.command.arguments
        if len(arguments) > len(kinds) or not all(map(_fits, arguments, kinds)):
            return ERROR
        shown = call.modem.texts.get(name, default).split(",")
        for place, (argument, kind) in enumerate(zip(arguments, kinds, strict=False)):
            number = kind and isinstance(kind[0], int)
            shown[place] = str(int(argument.text)) if number else f'"{argument.text}"'
        call.modem.texts[name] = ",".join(shown)
        return OK


_setting("CMER", "(0-3),(0),(0),(0,2),(0,1)", "0,0,0,0,0", (0, 3), (0, 0), (0, 0), (0, 2), (0, 1))
_setting("CLVL", "(0-100)", "50", (0, 100))
_setting("CMUT", "(0,1)", "0", (0, 1))
_setting("QAUDCH", "(0-2)", "0", (0, 2))
