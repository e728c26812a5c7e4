"""What a claim sets: bearer, sessions, how received data is handed out (app note 3.1)."""

from __future__ import annotations

from ...at.core import Dialogue, command
from ...errors import CommandError, SettingRefused
from . import dialogues
from .session_table import SessionTable
from .settings import DEFAULTS


def preset(table: SessionTable) -> list[str]:
    """Tell which settings are made: those asked for, and those that have to differ from the module's own."""
    values = table.options.values(table.receive)
    needed = [name for name, value in values.items() if name not in table.options.initialise]
    skipped = ("QICSGP", "QISDE")
    return [
        *table.options.initialise,
        *(name for name in needed if name not in skipped and values[name] != DEFAULTS[name]),
    ]


def initialise(table: SessionTable, name: str) -> Dialogue[None]:
    """Make one setting as the options want it."""
    value = table.options.values(table.receive)[name]
    if name == "QINDI":
        yield from _buffering(table, value)
        return
    try:
        yield from table.hold.setting(name, value)
    except SettingRefused:
        if name != "QIMUX" or value == "0":
            raise
        yield from table.hold.setting("QIMODE", "0")  # a former driver may have left transparent mode on
        yield from table.hold.setting(name, value)


def _buffering(table: SessionTable, value: str) -> Dialogue[None]:
    """AT+QINDI, which not every module has."""
    try:
        yield from table.hold.setting("QINDI", value)
    except (CommandError, SettingRefused) as refusal:
        table.hold.learn("QINDI", "0")
        if value == "0":
            return
        if table.options.receive == "buffered":
            raise SettingRefused(f"{refusal}; this module hands data out directly: receive='header'") from refusal
        table.receive = "header"
        if not table.options.muxip and "QIHEAD" not in table.options.initialise:
            yield from table.hold.setting("QIHEAD", "1")


def prepare_data_mode(table: SessionTable) -> Dialogue[None]:
    """Make the settings of transparent sessions: AT+QITCFG, AT&D1."""
    transparent = table.options.transparent
    if transparent is None:
        return
    yield from dialogues.put("QITCFG", transparent.value)
    if transparent.escape == "dtr":
        yield from command("AT&D1", timeout=5.0, info=())
