"""What two modules of a process tell each other about a call."""

from __future__ import annotations

from dataclasses import dataclass

from ..subscribers import Subscriber
from .states import CallInput


@dataclass(frozen=True, slots=True)
class CallOffered:
    """A module calls another one.

    Args:
        call: an object that only this call has.
        caller: whom to answer.
        number: what is shown of the caller; empty where that is withheld.
    """

    call: object
    caller: Subscriber
    number: str


@dataclass(frozen=True, slots=True)
class CallProgress:
    """Something happened to a call on the other side.

    Args:
        call: as it was offered.
        what: what happened.
    """

    call: object
    what: CallInput
