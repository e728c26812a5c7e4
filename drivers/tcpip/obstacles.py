"""Why the module activates no context: what its SIM and its network say when they are asked after the refusal.

ERROR to AT+QIACT comes without a reason (app note 3.2), or without one that tells; 27.007 has the questions (8.3, 7.2,
10.1.20, 10.1.22).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ..at.core import Dialogue
from ..at.core.results import CME_TEXTS
from ..errors import AtTimeout, CmeError, CommandError, UnexpectedAnswer

_INSERT: Final = "no SIM is inserted: put one in while the power is off"
_PIN: Final = "the SIM wants its PIN: unlock() of a drivers.modem.Modem enters it"
_PUK: Final = "the SIM is blocked, and wants its PUK: unlock(puk, new_pin) of a drivers.modem.Modem enters it"
_FAILURE: Final = "the SIM does not work: is it well seated, and does it work in a telephone?"
_LOCKED: Final = "the device is locked to another SIM, or to another network: its seller can unlock it"
_WAIT: Final = "the SIM is not ready yet: wait_for_sim() of a drivers.modem.Modem waits until it is"

_SIM: Final[dict[str, str]] = {"NOT INSERTED": _INSERT, "SIM PIN": _PIN, "SIM PUK": _PUK, "NOT READY": _WAIT}
"""The states of the SIM, as AT+CPIN? has them, each with what to do."""
_SIM_ERRORS: Final[dict[int, str]] = {10: _INSERT, 11: _PIN, 12: _PUK, 13: _FAILURE, 14: _WAIT, 15: _FAILURE}
"""The same as numbers of +CME ERROR (27.007 §9.2)."""

_CODES: Final = {text.lower(): code for code, text in CME_TEXTS.items()}
"""The numbers of +CME ERROR, by the texts that a module may answer instead (AT+CMEE=2)."""

_SEARCHES: Final = (
    "no network has been found yet: is the antenna connected? wait_for_network() of a drivers.modem.Modem waits for it"
)
_REGISTRATION: Final[dict[str, str]] = {
    "0": "the module is not registered in a network, and does not search for one now: is the antenna connected, its "
    "radio switched on, and the choice of a network automatic?",
    "2": _SEARCHES,
    "3": "the network refuses the SIM: is it activated, and may it be used in this country and in this device?",
    "4": _SEARCHES,
    "6": "the network allows short messages only: does the contract of the SIM contain data?",
    "7": "the network allows short messages only: does the contract of the SIM contain data?",
    "8": "the network allows emergency calls only: is the SIM activated?",
}
"""The states of registration, as AT+CREG?, AT+CGREG? and AT+CEREG? have them (27.007 §7.2, §10.1.20, §10.1.22)."""
_REGISTERED: Final = frozenset({"1", "5"})

_DETACHED: Final = "the module is not attached to packet service: attach() of a drivers.modem.Modem does that"


Read = Callable[[str], Dialogue[str]]
"""Asks for the value of a setting, as AT+NAME? has it."""


def find(read: Read, registrations: tuple[tuple[str, ...], ...], *, packets: bool = True) -> Dialogue[str]:
    """Ask the module what prevents an activation.

    Args:
        read: asks one question.
        registrations: the questions about registration; of each group, one answer that says so is enough.
        packets: whether the context needs packet service.

    Returns:
        What it is, with what the module has said and what to do about it; empty if none of its answers tells that.
    """
    questions = [_sim(read), *(_registration(read, names) for names in registrations)]
    if packets:
        questions.append(_attachment(read))
    try:
        for question in questions:
            with suppress(CommandError, UnexpectedAnswer):  # a question that this module does not know tells nothing
                found = yield from question
                if found:
                    return found
    except AtTimeout:  # nor would it answer the others
        pass
    return ""


def in_order(apn: str) -> str:
    """Return what is left to be the reason where `find` has found none.

    Args:
        apn: the access point.
    """
    return (
        f"the SIM is ready and the module registered, so it may be the APN, which is {apn!r}, or the user name "
        "or password for it: they are those of the SIM's provider"
    )


def _sim(read: Read) -> Dialogue[str]:
    try:
        state = yield from read("CPIN")
    except CmeError as refusal:
        text = refusal.answer.partition(":")[2].strip().lower()
        code = _CODES.get(text, 0) if refusal.code is None else refusal.code
        return _told(_SIM_ERRORS.get(code), "CPIN", refusal.answer)
    return _told(_LOCKED if state.startswith("PH-") else _SIM.get(state), "CPIN", state)


def _registration(read: Read, names: tuple[str, ...]) -> Dialogue[str]:
    told = ""
    for name in names:
        with suppress(CommandError, UnexpectedAnswer):
            said = yield from read(name)
            found = re.match(r"\d *, *(\d+)", said)
            if found is not None and found[1] in _REGISTERED:
                return ""
            told = told or ("" if found is None else _told(_REGISTRATION.get(found[1]), name, said))
    return told


def _attachment(read: Read) -> Dialogue[str]:
    said = yield from read("CGATT")
    return _told(_DETACHED if said == "0" else None, "CGATT", said)


def _told(what: str | None, name: str, said: str) -> str:
    return "" if what is None else f"{what} (AT+{name}? was answered {said})"
