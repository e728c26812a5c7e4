"""The settings of a UART as AT&V of this family shows them, and the registers that it has besides those of all."""

from __future__ import annotations

from typing import Final

from ...interpreter.commandline import Form
from ...interpreter.replies import OK, Reply
from ...interpreter.table import CommandTable
from ...interpreter.uart_commands import add_register
from ..call import Call

profile_commands: CommandTable[Call] = CommandTable()

_RANGES: Final = {6: (2, 10), 8: (0, 255), 10: (1, 254)}
"""V.250 §6.3.9, §6.3.11 and §6.3.12: pauses of modems at a telephone line, which have no effect."""

for _number, (_least, _most) in _RANGES.items():
    add_register(profile_commands, _number, _least, _most)


@profile_commands.command("&V", Form.EXECUTE)
def view(call: Call) -> Reply:
    """Answer AT&V as a BG96 on the console of catm1_bg96."""
    own = call.uart.settings
    shown = {
        "&C": own.dcd,
        "&D": own.dtr,
        **dict.fromkeys(("&F", "&W"), 0),
        **{"E": int(own.echo), "Q": int(own.quiet), "V": int(own.verbose), "X": own.x, "Z": 0},
        **{f"S{number}": value for number, value in sorted(own.registers.items())},
    }
    call.line("\r\n".join(f"{name}: {value}" for name, value in shown.items()))
    return OK
