"""What programs read of the SIM besides its numbers: whether it is there, its files, and the networks it prefers."""

from __future__ import annotations

from ...commands.module_numbers import add_number
from ...commands.sim import ICCID, IMSI, sim_problem
from ...environment import Sim
from ...interpreter.commandline import Form
from ...interpreter.replies import ERROR, NOT_SUPPORTED, OK, Reply, cme
from ...interpreter.table import CommandTable
from ...modem import ModemCall

card_commands: CommandTable[ModemCall] = CommandTable()
_command = card_commands.command
_text = card_commands.text

_READ_BINARY = 176
_DONE, _NO_FILE, _NO_INSTRUCTION = "144,0", "106,130", "109,0"  # 0x9000, 0x6A82, 0x6D00 (TS 102 221 §10.2.1)


def _swapped(digits: str) -> str:
    """Return digits as a card holds them: two in an octet, the first one in the lower half."""
    even = digits + "F" * (len(digits) % 2)
    return "".join(second + first for first, second in zip(even[::2], even[1::2], strict=True))


_FILES = {
    0x2FE2: _swapped(ICCID),
    0x6F07: f"08{_swapped(f'9{IMSI}')}",  # behind its length; 9: an odd number of digits
    0x6F62: "64F000C080" + 2 * "FFFFFF0000",  # the networks to look for: 460 00, and two entries that are free
    0x6F7B: 4 * "FFFFFF",  # the networks to keep away from: none
}
"""The files that can be read, by the number of each (31.102 §4.2, 102 221 §13.2)."""


add_number(card_commands, "QSIMSTAT", "(0,1)", 1)


@_command("QSIMSTAT", Form.READ)
def sim_status(call: ModemCall) -> Reply:
    """Answer AT+QSIMSTAT?: whether a change is told, and whether a SIM is inserted."""
    inserted = call.modem.environment.network.sim is not Sim.MISSING
    call.line(f"+QSIMSTAT: {call.modem.numbers['QSIMSTAT']},{int(inserted)}")
    return OK


_text("QSIMDET", Form.TEST, "+QSIMDET: (0,1),(0,1)")


@_command("QSIMDET", Form.READ)
def detection(call: ModemCall) -> Reply:
    """Answer AT+QSIMDET?: whether the pin of the holder is looked at, and its level while there is a SIM."""
    call.line(f"+QSIMDET: {call.modem.kept.get('QSIMDET', '0,0')}")
    return OK


@_command("QSIMDET", Form.WRITE)
def change_detection(call: ModemCall) -> Reply:
    """Answer AT+QSIMDET=; the pin always says what is so."""
    values = [call.number(index, 0, 1) for index in range(2)]
    if None in values or len(call.texts) != 2:
        return ERROR
    call.modem.kept["QSIMDET"] = f"{values[0]},{values[1]}"
    return OK


_text("CRSM", Form.TEST, "")


@_command("CRSM", Form.WRITE)
def read_file(call: ModemCall) -> Reply:
    """Answer AT+CRSM= (27.007 §8.18): READ BINARY of a few files; a length of 0 is the whole file."""
    if (problem := sim_problem(call)) is not None:
        return problem
    instruction, file = call.number(0, 0, 255), call.number(1, 0, 65535)
    high, low, length = (call.number(index, 0, 255) if len(call.texts) > 2 else 0 for index in (2, 3, 4))
    if instruction is None or file is None or high is None or low is None or length is None:
        return ERROR
    if instruction != _READ_BINARY:
        call.line(f"+CRSM: {_NO_INSTRUCTION}")
    elif (content := _FILES.get(file)) is None:
        call.line(f"+CRSM: {_NO_FILE}")
    else:
        begin = 2 * (high << 8 | low)
        call.line(f'+CRSM: {_DONE},"{content[begin : begin + 2 * length if length else None]}"')
    return OK


@_command("CPOL", Form.READ)
def preferred_networks(call: ModemCall) -> Reply:
    """Answer AT+CPOL? (27.007 §7.19): the list is empty."""
    return sim_problem(call) or OK


@_command("CPOL", Form.WRITE)
def change_preferred_networks(call: ModemCall) -> Reply:
    """Answer AT+CPOL=: an entry is deleted, or the format chosen; there is no room for one."""
    if (problem := sim_problem(call)) is not None:
        return problem
    index, *more = call.texts
    if not ((index.isascii() and index.isdigit()) or (not index and more)):
        return ERROR
    return cme(NOT_SUPPORTED) if index and more else OK
