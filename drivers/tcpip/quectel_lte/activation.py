"""Activates and deactivates a context: the module is asked what is active, and its list decides."""

from __future__ import annotations

from contextlib import suppress

from ...at.core import Dialogue
from ...errors import AtError, CommandError
from .. import obstacles
from ..core.ownership import ContextState
from ..core.procedure import Procedure, on_channel
from . import dialogues
from .classifier import ACTIVE, INACTIVE
from .codes import DEACTIVATED
from .state import StackState

_REGISTRATIONS = (("CEREG", "CREG"),)
"""A module is registered for LTE, or in an older network."""
_MOST_ACTIVE = 3
"""Contexts that may be active at once (BG96 manual); the module is asked all the same: others may have more."""


def activate(state: StackState) -> Procedure[str]:
    """Activate the context if it is not active, and return the local address."""
    others: list[int] = []
    try:
        return (yield from on_channel(_activate(state, others)))
    except CommandError as refusal:
        why = ""
        with suppress(AtError):
            why = yield from on_channel(obstacles.find(dialogues.read, _REGISTRATIONS))
        refusal.args = (f"{refusal}; {why or _full(others) or obstacles.in_order(state.settings.bearer.apn)}",)
        raise


def _full(active: list[int]) -> str:
    """Return that no more contexts can be active, where it may be so; otherwise nothing."""
    if len(active) < _MOST_ACTIVE:
        return ""
    return (
        f"contexts {', '.join(map(str, active))} are active, and there may be no more at once: deactivate() one of them"
    )


def _activate(state: StackState, others: list[int]) -> Dialogue[str]:
    context = state.settings.context
    active = yield from dialogues.read_active()
    others.extend(active)
    if context not in active:
        active = yield from _ask_for(state, context)
    state.claim.note(ACTIVE, ContextState.UP)
    state.claim.address = active.get(context, "")
    return state.claim.address


def _ask_for(state: StackState, context: int) -> Dialogue[dict[int, str]]:
    lease = state.claim.lease
    was_active = state.claim.active
    if lease is not None:
        lease.active = True  # from here on only AT+QIDEACT is certain to free it, whatever becomes of this call
    try:
        return (yield from _ask(context))
    except CommandError:
        if lease is not None:
            lease.active = was_active
        raise


def _ask(context: int) -> Dialogue[dict[int, str]]:
    try:
        try:
            yield from dialogues.activate(context)
        except CommandError as refusal:
            if refusal.code != DEACTIVATED:
                raise
            yield from dialogues.deactivate(context)  # the network has deactivated it before; only this frees it
            yield from dialogues.activate(context)
    except CommandError:
        active = yield from dialogues.read_active()
        if context not in active:  # some firmware says ERROR for one that is active
            raise
        return active
    return (yield from dialogues.read_active())


def deactivate(state: StackState) -> Procedure[None]:
    """Deactivate the context, with all of its sockets."""
    yield from on_channel(_deactivate(state))


def _deactivate(state: StackState) -> Dialogue[None]:
    yield from dialogues.deactivate(state.settings.context)
    if state.claim.lease is not None:
        state.claim.lease.active = True  # so that the claim ends
    state.claim.note(INACTIVE, ContextState.DOWN)


def learn_address(state: StackState) -> Procedure[None]:
    """Read the local address of an active context."""
    active = yield from on_channel(dialogues.read_active())
    state.claim.address = active.get(state.settings.context)


def read_state(state: StackState) -> Procedure[str]:
    """Return whether the module lists the context as active."""
    active = yield from on_channel(dialogues.read_active())
    word = ACTIVE if state.settings.context in active else INACTIVE
    if word == ACTIVE:
        state.claim.note(ACTIVE, ContextState.UP)
    return word
