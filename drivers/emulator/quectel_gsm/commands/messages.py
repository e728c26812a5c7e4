"""The commands about messages and calls: settings are kept, and no message or call ever comes."""

from __future__ import annotations

from ...interpreter.commandline import Argument, Form
from ...interpreter.replies import ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call

message_commands: CommandTable[Call] = CommandTable()
_command = message_commands.command
_text = message_commands.text

_PLACES = 50  # for messages, all free
_FREE = f"0,{_PLACES}"
_STORES = ("SM", "ME", "MT")
_LISTED = ("ALL", "REC UNREAD", "REC READ", "STO UNSENT", "STO SENT")

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
    def read(call: Call) -> Reply:
        call.line(f"+{name}: {call.modem.texts.get(name, default)}")
        return OK

    @_command(name, Form.WRITE)
    def write(call: Call) -> Reply:
        arguments = call.command.arguments
        if len(arguments) > len(kinds) or not all(map(_fits, arguments, kinds)):
            return ERROR
        shown = call.modem.texts.get(name, default).split(",")
        for place, (argument, kind) in enumerate(zip(arguments, kinds, strict=False)):
            number = kind and isinstance(kind[0], int)
            shown[place] = str(int(argument.text)) if number else f'"{argument.text}"'
        call.modem.texts[name] = ",".join(shown)
        return OK


_setting("CNMI", "(0-3),(0-3),(0,2,3),(0-2),(0,1)", "2,1,0,0,0", (0, 3), (0, 3), (0, 3), (0, 2), (0, 1))
_setting("CSCS", '("GSM","IRA","UCS2","HEX")', '"GSM"', ("GSM", "IRA", "UCS2", "HEX"))
_setting("CSCA", "", '"+8613800100500",145', (), (0, 255))
_setting("CSMP", "", "17,167,0,0", (0, 255), (0, 255), (0, 255), (0, 255))
_setting("CSDH", "(0,1)", "0", (0, 1))
_setting("CMER", "(0-3),(0),(0),(0,2),(0,1)", "0,0,0,0,0", (0, 3), (0, 0), (0, 0), (0, 2), (0, 1))
_setting("CLVL", "(0-100)", "50", (0, 100))
_setting("CMUT", "(0,1)", "0", (0, 1))
_setting("QAUDCH", "(0-2)", "0", (0, 2))

# Where messages are

_text("CPMS", Form.TEST, "+CPMS: " + ",".join(["({})".format(",".join(f'"{store}"' for store in _STORES))] * 3))


@_command("CPMS", Form.READ)
def read_stores(call: Call) -> Reply:
    """Answer AT+CPMS?."""
    stores = call.modem.texts.get("CPMS", "SM,SM,SM").split(",")
    call.line("+CPMS: " + ",".join(f'"{store}",{_FREE}' for store in stores))
    return OK


@_command("CPMS", Form.WRITE)
def set_stores(call: Call) -> Reply:
    """Answer AT+CPMS=: where messages are read, written and received."""
    wanted = call.texts
    if len(wanted) > 3 or not set(wanted) <= set(_STORES):
        return ERROR
    stores = call.modem.texts.get("CPMS", "SM,SM,SM").split(",")
    call.modem.texts["CPMS"] = ",".join(wanted + stores[len(wanted) :])
    call.line("+CPMS: " + ",".join([_FREE] * 3))
    return OK


_text("CMGR", Form.TEST, "")
_text("CMGD", Form.TEST, "+CMGD: (),(0-4)")
_text("CMGL", Form.TEST, "+CMGL: ({})".format(",".join(f'"{kind}"' for kind in _LISTED)))
_text("CMGL", Form.EXECUTE, "")


def _no_message(name: str, highest: int) -> None:
    """Add a command about the message of an index, where there is none."""

    @_command(name, Form.WRITE)
    def answer(call: Call) -> Reply:
        right = call.number(0, 1, _PLACES) is not None and len(call.texts) <= 2
        return OK if right and (len(call.texts) == 1 or call.number(1, 0, highest) is not None) else ERROR


_no_message("CMGR", 1)
_no_message("CMGD", 4)


@_command("CMGL", Form.WRITE)
def list_messages(call: Call) -> Reply:
    """Answer AT+CMGL=: no message of any kind; a text or a number, as AT+CMGF says."""
    kind = call.texts[0]
    known = call.number(0, 0, 4) is not None if call.modem.numbers["CMGF"] == 0 else kind in _LISTED
    return OK if known and len(call.texts) <= 2 else ERROR
