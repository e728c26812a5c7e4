"""What programs ask for first of parts that this module lacks: satellites, TLS, power saving, a thermometer.

Nothing of it works: a position is never found, and the network agrees to no power saving. Programs go on to what they
need only when these commands are known.
"""

from __future__ import annotations

import re

from ...interpreter.commandline import Form
from ...interpreter.replies import (
    ERROR,
    NO_POSITION,
    NO_SESSION,
    OK,
    SATELLITES_NOT_SUPPORTED,
    SESSION_RUNS,
    Reply,
    cme,
)
from ...interpreter.table import CommandTable
from ...modem import ModemCall

lacking_commands: CommandTable[ModemCall] = CommandTable()
_command = lacking_commands.command
_text = lacking_commands.text

_NAME = re.compile(r"[a-z_/]{1,32}", re.IGNORECASE)

_FROM_FACTORY = {"gnssconfig": "1"}
"""Settings of AT+QGPSCFG that programs read first, as programs for an EC25 expect them."""

# Satellites


@_command("QGPSCFG", Form.WRITE)
def configure_receiver(call: ModemCall) -> Reply:
    """Answer AT+QGPSCFG=: a setting is kept, and a name alone shows one that has been set or is known."""
    name, values = call.texts[0].lower(), call.command.arguments[1:]
    key = f"QGPSCFG {name}"
    if not _NAME.fullmatch(name):
        return ERROR
    if values:
        call.modem.kept[key] = ",".join(f'"{one.text}"' if one.quoted else one.text for one in values)
        return OK
    shown = call.modem.kept.get(key, _FROM_FACTORY.get(name))
    if shown is None:
        return ERROR
    call.line(f'+QGPSCFG: "{name}",{shown}')
    return OK


@_command("QGPSSUPLURL", Form.READ)
def supl_server(call: ModemCall) -> Reply:
    """Answer AT+QGPSSUPLURL?."""
    call.line(f"+QGPSSUPLURL: {call.modem.kept.get('QGPSSUPLURL', chr(34) * 2)}")
    return OK


@_command("QGPSSUPLURL", Form.WRITE)
def change_supl_server(call: ModemCall) -> Reply:
    """Answer AT+QGPSSUPLURL=."""
    if len(call.texts) != 1:
        return ERROR
    call.modem.kept["QGPSSUPLURL"] = f'"{call.texts[0]}"'
    return OK


_text("QGPS", Form.TEST, "+QGPS: (1-4),(1-255),(1-1000),(0-1000),(1-65535)")


@_command("QGPS", Form.READ)
def receiver_state(call: ModemCall) -> Reply:
    """Answer AT+QGPS?."""
    call.line(f"+QGPS: {call.modem.numbers['QGPS']}")
    return OK


@_command("QGPS", Form.WRITE)
def start_receiver(call: ModemCall) -> Reply:
    """Answer AT+QGPS=."""
    if call.number(0, 1, 4) is None:
        return ERROR
    if call.modem.numbers["QGPS"]:
        return cme(SESSION_RUNS)
    call.modem.numbers["QGPS"] = 1
    return OK


@_command("QGPSEND", Form.EXECUTE)
def stop_receiver(call: ModemCall) -> Reply:
    """Answer AT+QGPSEND."""
    if not call.modem.numbers["QGPS"]:
        return cme(NO_SESSION)
    call.modem.numbers["QGPS"] = 0
    return OK


def _position(call: ModemCall) -> Reply:
    """Answer AT+QGPSLOC and AT+QGPSGNMEA: nothing has been found."""
    return cme(NO_POSITION if call.modem.numbers["QGPS"] else NO_SESSION)


def _incomplete(call: ModemCall) -> Reply:
    """Answer AT+QGPS and AT+QGPSLOC without anything behind them."""
    return cme(SATELLITES_NOT_SUPPORTED)


for _name in ("QGPS", "QGPSLOC"):
    _command(_name, Form.EXECUTE)(_incomplete)
for _name, _form in (("QGPSLOC", Form.READ), ("QGPSLOC", Form.WRITE), ("QGPSGNMEA", Form.WRITE)):
    _command(_name, _form)(_position)

# TLS, power saving, unsolicited lines about packet service and the signal, the thermometer


def _nothing(call: ModemCall) -> Reply:
    """Answer AT+QSSLSTATE: there is no connection with TLS."""
    return OK


for _form in (Form.EXECUTE, Form.READ):
    _command("QSSLSTATE", _form)(_nothing)


_TIMER, _CYCLE = re.compile("[01]{8}"), re.compile("[01]{4}")


@_command("CPSMS", Form.READ)
def power_saving(call: ModemCall) -> Reply:
    """Answer AT+CPSMS? (27.007 §7.38), with the timers that have been asked for."""
    call.line(f"+CPSMS: {call.modem.numbers['CPSMS']}{call.modem.kept.get('CPSMS', '')}")
    return OK


@_command("CPSMS", Form.WRITE)
def ask_for_power_saving(call: ModemCall) -> Reply:
    """Answer AT+CPSMS=: it is kept, as by a module whose network does not agree."""
    mode, timers = call.number(0, 0, 2), call.texts[1:]
    if mode is None or len(timers) > 4 or not all(_TIMER.fullmatch(one) for one in timers if one):
        return ERROR
    call.modem.numbers["CPSMS"] = mode % 2
    if timers:
        call.modem.kept["CPSMS"] = "".join(f',"{one}"' if one else "," for one in timers)
    return OK


@_command("CEDRXS", Form.READ)
def long_sleep(call: ModemCall) -> Reply:
    """Answer AT+CEDRXS? (27.007 §7.40): a line for each technology that it has been asked for."""
    for technology in range(1, 6):
        if (cycle := call.modem.kept.get(f"CEDRXS {technology}")) is not None:
            call.line(f'+CEDRXS: {technology},"{cycle}"')
    return OK


@_command("CEDRXS", Form.WRITE)
def ask_for_long_sleep(call: ModemCall) -> Reply:
    """Answer AT+CEDRXS=: kept likewise; without a technology, or with 0 or 3 as the mode, all of them go."""
    mode, technology = call.number(0, 0, 3), call.number(1, 1, 5) if len(call.texts) > 1 else 0
    cycle = call.texts[2] if len(call.texts) > 2 else "0000"
    if mode is None or technology is None or len(call.texts) > 3 or not _CYCLE.fullmatch(cycle):
        return ERROR
    if mode in (1, 2) and technology:
        call.modem.kept[f"CEDRXS {technology}"] = cycle
    else:
        for one in [technology] if technology else range(1, 6):
            call.modem.kept.pop(f"CEDRXS {one}", None)
    return OK


@_command("CGEREP", Form.READ)
def event_lines(call: ModemCall) -> Reply:
    """Answer AT+CGEREP? (27.007 §10.1.19)."""
    call.line(f"+CGEREP: {call.modem.numbers['CGEREP']},0")
    return OK


@_command("CGEREP", Form.WRITE)
def change_event_lines(call: ModemCall) -> Reply:
    """Answer AT+CGEREP=: there are no such lines, and so nothing to be kept for later."""
    mode = call.number(0, 0, 2)
    if mode is None or len(call.texts) > 2 or (len(call.texts) == 2 and call.number(1, 0, 0) is None):
        return ERROR
    call.modem.numbers["CGEREP"] = mode
    return OK


@_command("QINDCFG", Form.WRITE)
def signal_lines(call: ModemCall) -> Reply:
    """Answer AT+QINDCFG="csq" and "act": lines about a change of signal and technology, which do not change."""
    name, *values = call.texts
    if name not in ("csq", "act") or len(values) > 2 or not set(values) <= {"0", "1"}:
        return ERROR
    key = f"QINDCFG {name}"
    if values:
        call.modem.kept[key] = values[0]
    else:
        call.line(f'+QINDCFG: "{name}",{call.modem.kept.get(key, "0")}')
    return OK


_text("QTEMP", Form.TEST, "")


@_command("QTEMP", Form.EXECUTE)
def temperatures(call: ModemCall) -> Reply:
    """Answer AT+QTEMP: degrees Celsius at three places."""
    call.line("+QTEMP: 26,25,25")
    return OK
