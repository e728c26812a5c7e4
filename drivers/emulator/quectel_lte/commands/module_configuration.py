"""AT+QCFG and AT+QURCCFG: settings of the module outside of its TCP/IP stack, which survive a restart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ...interpreter.commandline import Argument, Form
from ...interpreter.replies import ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call
from ..surroundings import MODULE_PORT, URC_PORT

module_configuration: CommandTable[Call] = CommandTable()
_command = module_configuration.command

URC_PORTS: Final = ("usbat", "usbmodem", "uart1", "all")
"""The ports of AT+QURCCFG; the line of this module is uart1."""

#: A number between two bounds, one of some texts, or hexadecimal digits.
_Kind = tuple[int, int] | tuple[str, ...] | re.Pattern[str]

_HEXADECIMAL = re.compile(r"(?:0x)?[0-9A-F]{1,32}", re.IGNORECASE)
_SEQUENCE = re.compile(r"00|(?:0[1-9])+")
_FLAG = (0, 1)
_PULSE = ("off", "pulse", "always")
_RING = ("off", "pulse", "always", "auto", "wave")


@dataclass(frozen=True, slots=True)
class Item:
    """Describes one setting.

    Args:
        shown: its ranges in the test form.
        default: its values from the factory, as the read form shows them.
        kinds: what each value may be.
        effect: whether a last value says when it takes effect, which is not kept.
        models: those that have it; none where all have it.
    """

    shown: str
    default: str
    kinds: tuple[_Kind, ...]
    effect: bool = False
    models: tuple[str, ...] = ()


_LTE = ("ec25", "eg91")
_BANDS = (_HEXADECIMAL, _HEXADECIMAL, _HEXADECIMAL)

ITEMS: Final[tuple[tuple[str, Item], ...]] = (
    ("gprsattach", Item("(0,1)", "1", (_FLAG,), models=_LTE)),
    ("nwscanmode", Item("(0,1,3),(0,1)", "0", ((0, 3),), effect=True, models=("bg96",))),
    ("nwscanmode", Item("(0-5),(0,1)", "0", ((0, 5),), effect=True, models=_LTE)),
    ("nwscanseq", Item("(00-010203),(0,1)", "00", (_SEQUENCE,), effect=True, models=("bg96",))),
    ("nwscanseq", Item("(00-0102030405),(0,1)", "00", (_SEQUENCE,), effect=True, models=_LTE)),
    ("servicedomain", Item("(1,2),(0,1)", "1", ((1, 2),), effect=True, models=("bg96",))),
    ("servicedomain", Item("(0,1,2),(0,1)", "2", ((0, 2),), effect=True, models=_LTE)),
    ("roamservice", Item("(1,2,255),(0,1)", "255", (("1", "2", "255"),), effect=True)),
    (
        "band",
        Item(
            "(0-F),(0-7FFFFFFFFFFFFFFF),(0-7FFFFFFFFFFFFFFF),(0,1)",
            "0xf,0x400a0e189f,0xa0e189f",
            _BANDS,
            effect=True,
            models=("bg96",),
        ),
    ),
    (
        "band",
        Item(
            "(0-200),(0-7FFFFFFFFFFFFFFF),(0-7FFFFFFFFFFFFFFF),(0,1)",
            "0x93,0x1a0080800d5,0x0",
            _BANDS,
            effect=True,
            models=_LTE,
        ),
    ),
    ("celevel", Item("(0-2)", "0", ((0, 2),), models=("bg96",))),
    ("iotopmode", Item("(0-2),(0,1)", "0", ((0, 2),), effect=True, models=("bg96",))),
    ("pdp/duplicatechk", Item("(0,1)", "0", (_FLAG,))),
    ("psm/urc", Item("(0,1)", "0", (_FLAG,), models=("bg96",))),
    ("ledmode", Item("(0,1,3)", "0", (("0", "1", "3"),), models=("bg96",))),
    ("ledmode", Item("(0-2)", "0", ((0, 2),), models=_LTE)),
    ("airplanecontrol", Item("(0,1)", "0", (_FLAG,))),
    ("usbnet", Item("<0-3>", "0", ((0, 3),), models=_LTE)),
    (
        "urc/ri/ring",
        Item(
            '("off","pulse","always","auto","wave"),(1-2000),(1-10000),(1-10000),("off","on"),(1-5)',
            '"pulse",120,1000,5000,"off",1',
            (_RING, (1, 2000), (1, 10000), (1, 10000), ("off", "on"), (1, 5)),
        ),
    ),
    (
        "urc/ri/smsincoming",
        Item('("off","pulse","always"),(1-2000),(1-5)', '"pulse",120,1', (_PULSE, (1, 2000), (1, 5))),
    ),
    ("urc/ri/other", Item('("off","pulse"),(1-2000),(1-5)', '"pulse",120,1', (("off", "pulse"), (1, 2000), (1, 5)))),
    ("risignaltype", Item('("respective","physical")', '"respective"', (("respective", "physical"),))),
    ("urc/delay", Item("(0,1)", "0", (_FLAG,))),
    ("urc/cache", Item("(0,1)", "0", (_FLAG,), models=_LTE)),
    (URC_PORT, Item("(0-4)", "0", ((0, 4),))),
    ("ims", Item("(0-2)", "0", ((0, 2),))),
    ("apready", Item("(0,1),(0,1),(100-3000)", "0,0,500", (_FLAG, _FLAG, (100, 3000)))),
)
"""The settings, in the order of the test form; names and ranges are those that an EG25-G and a BG96 print."""


def _items(call: Call) -> dict[str, Item]:
    """Return the settings of a model."""
    model = call.modem.environment.model.name
    return {name: item for name, item in ITEMS if not item.models or model in item.models}


@_command("QCFG", Form.TEST)
def list_settings(call: Call) -> Reply:
    """Answer AT+QCFG=?."""
    call.line("\r\n".join(f'+QCFG: "{name}",{item.shown}' for name, item in _items(call).items()))
    return OK


@_command("QCFG", Form.WRITE)
def configure(call: Call) -> Reply:
    """Answer AT+QCFG=: a name alone reads, values set; those that are left out stay as they are."""
    name = call.texts[0].lower()
    known = next((known for known in _items(call) if known.lower() == name), None)
    if known is None:
        return ERROR
    item = _items(call)[known]
    values = call.command.arguments[1:]
    now = call.modem.kept.get(name, item.default).split(",")
    if not values:
        call.line(f'+QCFG: "{known}",{",".join(now)}')
        return OK
    kinds = (*item.kinds, _FLAG) if item.effect else item.kinds
    if len(values) > len(kinds) or not all(map(_fits, values, kinds)):
        return ERROR
    for place, (value, kind) in enumerate(zip(values, item.kinds, strict=False)):
        now[place] = _shown(value, kind)
    call.modem.kept[name] = ",".join(now)
    return OK


def _fits(value: Argument, kind: _Kind) -> bool:
    if isinstance(kind, re.Pattern):
        return kind.fullmatch(value.text) is not None
    low, *rest = kind
    if isinstance(low, int):
        return value.number(low, int(rest[0])) is not None
    return value.text in kind


def _shown(value: Argument, kind: _Kind) -> str:
    """Return a value as the read form shows it: words in quotes, numbers and digits without."""
    text = value.text.lower()
    if isinstance(kind, re.Pattern):
        return text
    return text if text.isdigit() else f'"{text}"'


@_command("QURCCFG", Form.TEST)
def list_ports(call: Call) -> Reply:
    """Answer AT+QURCCFG=?."""
    ports = ",".join(f'"{port}"' for port in URC_PORTS)
    call.line(f'+QURCCFG: "urcport",({ports})')
    return OK


@_command("QURCCFG", Form.WRITE)
def choose_port(call: Call) -> Reply:
    """Answer AT+QURCCFG="urcport": the port that unsolicited lines go to, which is kept at once."""
    name, *ports = (text.lower() for text in call.texts)
    if name != "urcport" or len(ports) > 1 or not set(ports) <= set(URC_PORTS):
        return ERROR
    if not ports:
        port = call.modem.kept.get(MODULE_PORT, call.modem.environment.behaviour.urc_port)
        call.line(f'+QURCCFG: "urcport","{port}"')
        return OK
    call.modem.kept[MODULE_PORT] = ports[0]
    return OK
