"""The settings made after a claim: bearer, sessions, the delivery of received data (app note 3.1)."""

from __future__ import annotations

from ...at.core import Dialogue, command
from ...errors import CommandError, SettingRefused
from ..core.options import Transparent
from .settings import DEFAULTS, transparent_value
from .state import StackState


def preset(state: StackState) -> list[str]:
    """Return the settings to make: those of the options, and those that must differ from the module's defaults."""
    values = state.settings.values(state.receive)
    needed = [name for name, value in values.items() if name not in state.settings.initialise]
    skipped = ("QICSGP", "QISDE")
    return [
        *state.settings.initialise,
        *(name for name in needed if name not in skipped and values[name] != DEFAULTS[name]),
    ]


def initialise(state: StackState, name: str) -> Dialogue[None]:
    """Make one setting as the options specify."""
    value = state.settings.values(state.receive)[name]
    if name == "QINDI":
        yield from _buffering(state, value)
        return
    try:
        yield from state.foreground.setting(name, value)
    except SettingRefused:
        if name == "QIDNSIP":
            return  # the context is active already; what opens a session by the other form tells
        if name != "QIMUX" or value == "0":
            raise
        state.foreground.learn("QIMODE", "1")  # a former driver may have left transparent mode on
        yield from state.foreground.setting("QIMODE", "0")
        yield from state.foreground.setting(name, value)


def _buffering(state: StackState, value: str) -> Dialogue[None]:
    """Set AT+QINDI, which not every module has."""
    try:
        yield from state.foreground.setting("QINDI", value)
    except (CommandError, SettingRefused) as refusal:
        state.foreground.learn("QINDI", "0")
        if value == "0":
            return
        if state.settings.receive == "buffered":
            raise SettingRefused(f"{refusal}; this module hands data out directly: receive='header'") from refusal
        state.receive = "header"
        if not state.settings.muxip and "QIHEAD" not in state.settings.initialise:
            yield from state.foreground.setting("QIHEAD", "1")


def prepare_data_mode(state: StackState, transparent: Transparent) -> Dialogue[None]:
    """Make the settings of transparent sessions: AT+QITCFG, AT&D1."""
    yield from state.foreground.setting("QITCFG", transparent_value(transparent))
    if transparent.escape == "dtr":
        yield from command("AT&D1", timeout=5.0, info=())
