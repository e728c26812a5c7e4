"""One command and its answer in AT mode, for the dialogues of `hand_over`; and what follows one that did not come."""

from __future__ import annotations

from typing import Final

from . import startup_steps as steps
from .diagnosis import at_lost
from .errors import ModuleSilent
from .startup_steps import GOOD, Dialogue, Receiver

_RESYNC_TRIES: Final = 10


def ask_once(receiver: Receiver, text: str, wait: float) -> Dialogue[bytes | None]:
    """Send a command and wait for its result code; None: there was none in time."""
    receiver.text = b""
    return (yield from receiver.listen(wait, text.encode("ascii") + b"\r"))


def resynchronise(name: str, receiver: Receiver, why: str) -> Dialogue[None]:
    """Make sure that no answer is under way any more, after a command that was not answered in time.

    Args:
        name: the name of the port, for the error message.
        receiver: what has been received.
        why: the beginning of the message for a module that does not answer any more.

    Raises:
        ModuleSilent: it does not.
    """
    for _ in range(_RESYNC_TRIES):
        if (yield from ask_once(receiver, "AT", steps.AT_WAIT)) in GOOD:
            # That may have been the late answer, and the answers to several AT may follow it.
            yield from drain(receiver, steps.N1_WAIT)
            return
    raise ModuleSilent(name, f"{why} AT is not answered any more{receiver.seen()}", at_lost(receiver))


def drain(receiver: Receiver, wait: float) -> Dialogue[None]:
    """Let late answers come, until none has come for a while."""
    for _ in range(_RESYNC_TRIES):
        if (yield from receiver.listen(wait)) is None:
            return
