"""ATD: a table of what can be dialled, to which the modules for each kind of call add their forms."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..interpreter.commandline import Form
from ..interpreter.replies import ERROR, NO_CARRIER, Reply
from ..interpreter.table import CommandTable
from ..modem import ModemCall

dial_commands: CommandTable[ModemCall] = CommandTable()

#: Starts the call that a dial string asks for; returns how the command ends, or None when it ends later.
Dialler = Callable[[ModemCall, "re.Match[str]"], Reply | None]

_DIALLERS: list[tuple[re.Pattern[str], Dialler]] = []

_ELEMENTS = re.compile(r"[0-9A-D*#+,TPW!@]+", re.IGNORECASE)  # V.250 §6.3.1.1 and §6.3.1.2
_BLANKS = re.compile(r'("[^"]*")|[-()./]')  # as people write them in numbers; a name in quotes stays as it is


def dials(form: str) -> Callable[[Dialler], Dialler]:
    """Return a decorator that adds a kind of call to the table.

    Args:
        form: a regular expression for the whole dial string, without blanks and with the semicolon of a voice call;
            no two kinds have a string in common.
    """

    def enter(dialler: Dialler) -> Dialler:
        _DIALLERS.append((re.compile(form, re.IGNORECASE), dialler))
        return dialler

    return enter


@dial_commands.command("D", Form.EXECUTE)
def dial(call: ModemCall) -> Reply | None:
    """Answer ATD (V.250 §6.3.1): the call of the first form that fits; nobody answers a data call to a number."""
    (text,) = call.texts or [""]
    text = _BLANKS.sub(r"\1", text)
    for form, dialler in _DIALLERS:
        if match := form.fullmatch(text):
            return dialler(call, match)
    return NO_CARRIER if _ELEMENTS.fullmatch(text) else ERROR
