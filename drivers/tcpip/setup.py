"""What a claim sets: bearer, sessions, how received data is handed out (app note 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..at import Dialogue, command
from ..errors import CommandError, SettingRefused
from . import dialogues
from .settings import DEFAULTS

if TYPE_CHECKING:
    from .stack import Stack


def preset(stack: Stack) -> list[str]:
    """Tell which settings are made: those asked for, and those that have to differ from the module's own."""
    values = stack.options.values(stack.receive)
    needed = [name for name, value in values.items() if name not in stack.options.initialise]
    skipped = ("QICSGP", "QISDE")
    return [
        *stack.options.initialise,
        *(name for name in needed if name not in skipped and values[name] != DEFAULTS[name]),
    ]


def initialise(stack: Stack, name: str) -> Dialogue[None]:
    """Make one setting as the options want it."""
    value = stack.options.values(stack.receive)[name]
    if name == "QINDI":
        yield from _buffering(stack, value)
        return
    try:
        yield from stack.hold.setting(name, value)
    except SettingRefused:
        if name != "QIMUX" or value == "0":
            raise
        yield from stack.hold.setting("QIMODE", "0")  # a former driver may have left transparent mode on
        yield from stack.hold.setting(name, value)


def _buffering(stack: Stack, value: str) -> Dialogue[None]:
    """AT+QINDI, which not every module has."""
    try:
        yield from dialogues.put("QINDI", value)
        stack.hold.learn("QINDI", value)
    except CommandError as refusal:
        stack.hold.learn("QINDI", "0")
        if value == "0":
            return
        if stack.options.receive == "buffered":
            raise SettingRefused(f"{refusal}; this module hands data out directly: receive='header'") from refusal
        stack.receive = "header"
        if not stack.options.muxip and "QIHEAD" not in stack.options.initialise:
            yield from stack.hold.setting("QIHEAD", "1")


def prepare_data_mode(stack: Stack) -> Dialogue[None]:
    """Make the settings of transparent sessions: AT+QITCFG, AT&D1."""
    transparent = stack.options.transparent
    if transparent is None:
        return
    yield from dialogues.put("QITCFG", transparent.value)
    if transparent.escape == "dtr":
        yield from command("AT&D1", timeout=5.0, info=())
