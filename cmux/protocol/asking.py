"""Commands and answers in AT mode, one behind the other: no late answer is taken for that to the next command."""

from __future__ import annotations

from typing import Final

from . import startup_steps as steps
from .diagnosis import at_lost
from .errors import ModuleSilent
from .hints import Hint
from .startup_steps import GOOD, Dialogue, Receiver

_RESYNC_TRIES: Final = 10


def ask_once(receiver: Receiver, text: str, wait: float) -> Dialogue[bytes | None]:
    """Send a command, and wait for its result code.

    Args:
        receiver: what has been received.
        text: the command.
        wait: seconds.

    Returns:
        The result code, or None if none came in time.
    """
    receiver.text = b""
    return (yield from receiver.listen(wait, text.encode("ascii") + b"\r"))


def resynchronise(
    name: str, receiver: Receiver, why: str, *, waited: float = 0.0, hint: Hint | None = None
) -> Dialogue[None]:
    """Make sure that no answer is under way any more, after a command that was not answered in time.

    Args:
        name: the name of the port, for the error message.
        receiver: what has been received.
        why: the beginning of the message for a module that does not answer any more.
        waited: seconds that have passed since that command.
        hint: what to do about such a module.

    Raises:
        ModuleSilent: it does not.
    """
    since, owed = receiver.elapsed - waited, 1
    for _ in range(_RESYNC_TRIES):
        owed += 1
        answer = yield from ask_once(receiver, "AT", steps.AT_WAIT)
        owed -= answer is not None
        if answer in GOOD:  # that may have been the late answer, and those to each AT may follow it
            yield from let_come(receiver, owed, since, steps.N1_WAIT)
            return
    raise ModuleSilent(name, f"{why} AT is not answered any more{receiver.seen()}", hint or at_lost(receiver))


def let_come(
    receiver: Receiver, owed: int, since: float, least: float, most: float | None = None
) -> Dialogue[None]:  # fmt: skip
    """Let late answers come.

    Args:
        receiver: what has been received.
        owed: the number of commands that were not answered; a busy module may have lost some of them.
        since: when the first of them was sent, on the clock of `Receiver.elapsed`. A module that took so long for one
            answer may take as long for the next.
        least: the seconds to wait for each at least.
        most: the seconds to wait for each at most; by default as long as for the answer to a question.
    """
    wait = max(least, min(receiver.elapsed - since + steps.LATE_WAIT, steps.ASK_WAIT if most is None else most))
    for _ in range(owed):
        if (yield from receiver.listen(wait)) is None:
            return
