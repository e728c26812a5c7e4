"""What a claim sets: bearer, sessions, how received data is handed out (app note 3.1)."""

from __future__ import annotations

from ...at.core import Dialogue, command
from ...errors import CommandError, SettingRefused
from . import dialogues
from .roster import Roster
from .settings import DEFAULTS


def preset(roster: Roster) -> list[str]:
    """Tell which settings are made: those asked for, and those that have to differ from the module's own."""
    values = roster.options.values(roster.receive)
    needed = [name for name, value in values.items() if name not in roster.options.initialise]
    skipped = ("QICSGP", "QISDE")
    return [
        *roster.options.initialise,
        *(name for name in needed if name not in skipped and values[name] != DEFAULTS[name]),
    ]


def initialise(roster: Roster, name: str) -> Dialogue[None]:
    """Make one setting as the options want it."""
    value = roster.options.values(roster.receive)[name]
    if name == "QINDI":
        yield from _buffering(roster, value)
        return
    try:
        yield from roster.hold.setting(name, value)
    except SettingRefused:
        if name != "QIMUX" or value == "0":
            raise
        yield from roster.hold.setting("QIMODE", "0")  # a former driver may have left transparent mode on
        yield from roster.hold.setting(name, value)


def _buffering(roster: Roster, value: str) -> Dialogue[None]:
    """AT+QINDI, which not every module has."""
    try:
        yield from roster.hold.setting("QINDI", value)
    except (CommandError, SettingRefused) as refusal:
        roster.hold.learn("QINDI", "0")
        if value == "0":
            return
        if roster.options.receive == "buffered":
            raise SettingRefused(f"{refusal}; this module hands data out directly: receive='header'") from refusal
        roster.receive = "header"
        if not roster.options.muxip and "QIHEAD" not in roster.options.initialise:
            yield from roster.hold.setting("QIHEAD", "1")


def prepare_data_mode(roster: Roster) -> Dialogue[None]:
    """Make the settings of transparent sessions: AT+QITCFG, AT&D1."""
    transparent = roster.options.transparent
    if transparent is None:
        return
    yield from dialogues.put("QITCFG", transparent.value)
    if transparent.escape == "dtr":
        yield from command("AT&D1", timeout=5.0, info=())
