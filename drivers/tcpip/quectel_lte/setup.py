"""The settings made after a claim: the bearer, the form of received data, the channel for unsolicited results."""

from __future__ import annotations

from ...at.core import Dialogue, LinePattern, command
from ...errors import CommandError, SettingRefused
from ...wording import retold
from ..core.options import Transparent
from . import dialogues
from .settings import bearer_value
from .state import StackState
from .timeouts import deadline

MOST_WAIT = 20
"""The most tenths of a second that the module waits for more octets before it sends (QICFG of a BG96)."""

_URC_PORT = LinePattern("+QCFG:", r' *"cmux/urcport" *, *(?P<dlci>[0-9]) *(?:,.*)?', 60)


def make_settings(state: StackState) -> Dialogue[None]:
    """Make the settings of the context, and those of the module that others may have changed."""
    if not state.claim.active:  # it is up for another driver that shares it
        yield from _bearer(state)
    yield from dialogues.try_to_put("QISDE", "0")
    yield from dialogues.try_to_put("QICFG", '"viewmode",0')
    yield from dialogues.try_to_put("QICFG", '"dataformat",0,0')
    if state.claim.dlci is not None:
        yield from _hear(state.claim.dlci, {one.claim.dlci for one in state.module.stacks()})
    if state.settings.asked is not None:
        yield from _data_mode(state.settings.asked)


def _bearer(state: StackState) -> Dialogue[None]:
    settings = state.settings
    try:
        yield from dialogues.put("QICSGP", bearer_value(settings.context, settings.bearer))
    except CommandError as refusal:
        if settings.context not in (yield from dialogues.read_active()):
            raise SettingRefused(retold(state.name, refusal), code=refusal.code) from refusal


def _data_mode(transparent: Transparent) -> Dialogue[None]:
    """Set how the module cuts what it gets in data mode, and what DTR means."""
    yield from dialogues.put("QICFG", f'"transpktsize",{transparent.size}')
    yield from dialogues.put("QICFG", f'"transwaittm",{min(MOST_WAIT, round(transparent.wait * 10))}')
    if transparent.escape == "dtr":
        yield from command("AT&D1", timeout=deadline("AT&D1"), info=())


def _hear(dlci: int, heard: set[int | None]) -> Dialogue[None]:
    """Let unsolicited results come on a channel of this process; the module saves that at once, so it is asked first.

    Args:
        dlci: the channel.
        heard: the channels that drivers have.
    """
    try:
        lines = (yield from command('AT+QCFG="cmux/urcport"', timeout=deadline("QCFG"), info=(_URC_PORT,))).lines
    except CommandError:
        return  # old firmware
    found = _URC_PORT.match(lines[0]) if lines else None
    if found is not None and int(found["dlci"]) not in {0, dlci, *heard}:  # 0: they come on all channels
        yield from dialogues.try_to_put("QCFG", f'"cmux/urcport",{dlci}')
