"""Commands of the chip set, which programs send to modules of this family: who logs in to a context, and NV items.

The manuals of the modules have none of them; candy-board-qws has their answers. What is kept survives a restart.
"""

from __future__ import annotations

import re
from typing import Final

from ...commands.packet_data import packet_data_commands
from ...interpreter.commandline import Form
from ...interpreter.replies import ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call

chipset_commands: CommandTable[Call] = CommandTable()
_command = chipset_commands.command

_WAYS: Final = 3  # to log in: not at all, PAP, CHAP, either
_ITEMS: Final = 65535
_OCTETS: Final = re.compile(r"(?:[0-9A-F]{2}){1,64}", re.IGNORECASE)

# Who logs in


@_command("$QCPDPP", Form.READ)
def read_logins(call: Call) -> Reply:
    """Answer AT$QCPDPP?: a line for each context, with the user where there is one, and never the password."""
    for number in call.modem.DEFINITIONS:
        call.line(f"$QCPDPP: {number},{call.modem.kept.get(f'$QCPDPP {number}', '0')}")
    return OK


@_command("$QCPDPP", Form.WRITE)
def change_login(call: Call) -> Reply:
    """Answer AT$QCPDPP=: context, way, password and user; a context alone has none afterwards."""
    number, way = call.number(0, 1, call.modem.DEFINITIONS[-1]), 0
    if len(call.texts) > 1:
        given = call.number(1, 0, _WAYS)
        if given is None or len(call.texts) != (4 if given else 2):
            return ERROR
        way = given
    if number is None:
        return ERROR
    if way:
        call.modem.kept[f"$QCPDPP {number}"] = f'{way},"{call.texts[3]}"'
    else:
        call.modem.kept.pop(f"$QCPDPP {number}", None)
    return OK


_DEFINES = packet_data_commands.get("CGDCONT", Form.WRITE)


@_command("CGDCONT", Form.WRITE)
def define(call: Call) -> Reply | None:
    """Answer AT+CGDCONT=: a context that is forgotten has no login either."""
    reply = _DEFINES.handler(call) if _DEFINES is not None else ERROR
    if reply is OK and len(call.texts) == 1:
        call.modem.kept.pop(f"$QCPDPP {int(call.texts[0])}", None)
    return reply


# NV items


def _item(call: Call) -> str | None:
    """Return where an item is kept, or None where its number or index is none."""
    number, index = call.number(0, 0, _ITEMS), call.number(1, 0, 255) if len(call.texts) > 1 else None
    return None if number is None or index is None else f"QNVW {number},{index}"


@_command("QNVR", Form.WRITE)
def read_item(call: Call) -> Reply:
    """Answer AT+QNVR=: what has been written here; what a module has from its factory is not known."""
    octets = call.modem.kept.get(_item(call) or "")
    if octets is None or len(call.texts) != 2:
        return ERROR
    call.line(f'+QNVR: "{octets}"')
    return OK


@_command("QNVW", Form.WRITE)
def write_item(call: Call) -> Reply:
    """Answer AT+QNVW=: an item that is kept, without an effect."""
    item = _item(call)
    if item is None or len(call.texts) != 3 or not _OCTETS.fullmatch(call.texts[2]):
        return ERROR
    call.modem.kept[item] = call.texts[2].upper()
    return OK
