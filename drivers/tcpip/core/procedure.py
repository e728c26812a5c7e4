"""How a procedure of the driver is written: a generator over five helpers, run by threads and by asyncio alike.

::

    def ask_again(stack: QuectelGsmStack) -> Procedure[str]:
        word = yield from on_channel(dialogues.state())
        if word == "IP START":
            yield from wait(5.0)
            word = yield from on_channel(dialogues.state())
        return word

Where an AT dialogue has one turn of the channel from its first step to its last, a procedure lets others have the
channel between its steps. What goes wrong in a step is raised in the procedure, an interruption of the caller too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...at.core import Dialogue
from ...errors import DriverError
from .changes import Changes

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Step(Generic[T_co]):
    """What a procedure yields: something to be done for it."""

    result: T_co


class OnChannel(Step[T_co]):
    """A dialogue that is to have one turn of the channel; see `on_channel`."""

    def __init__(self, dialogue: Dialogue[T_co]) -> None:
        self.dialogue = dialogue


class Wait(Step[T_co | None]):
    """A wait beside the channel; see `wait`."""

    def __init__(self, seconds: float | None, changes: Changes, ready: Callable[[], T_co | None]) -> None:
        self.seconds = seconds
        self.changes = changes
        self.ready = ready


class Exclusive(Step[T_co]):
    """A procedure that no other one of the same driver may come between; see `exclusive`."""

    def __init__(self, procedure: Procedure[T_co]) -> None:
        self.procedure = procedure


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a dialogue on another virtual UART.

    Args:
        name: the name of its port.
        failure: what it raised, None when it ended well.
    """

    name: str
    failure: DriverError | None


class OnFreeUart(Step[Tried | None]):
    """A dialogue that is to be run on another virtual UART; see `on_free_uart`."""

    def __init__(self, dlci: int, dialogue: Dialogue[None]) -> None:
        self.dlci = dlci
        self.dialogue = dialogue
        self.tried: Tried | None = None
        """The result, as far as it has come."""

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Note what becomes of the dialogue, which is run inside.

        Args:
            name: the name of the port that it is run on.
        """
        try:
            yield
        except DriverError as failure:
            self.tried = Tried(name, failure)
        else:
            self.tried = Tried(name, None)


class LeaveChannel(Step[None]):
    """The channel is needed no longer; see `leave_channel`."""


Request = OnChannel[object] | Wait[object] | Exclusive[object] | OnFreeUart | LeaveChannel
Procedure = Generator[Request, None, T]
"""A procedure: yields requests, each of which has its result when it goes on; returns its own."""


class Progress(Generic[T]):
    """A procedure under way; whoever runs it does each step inside ``with progress:``.

    Args:
        procedure: a fresh generator.
    """

    result: T

    def __init__(self, procedure: Procedure[T]) -> None:
        self._procedure = procedure
        self._failure: BaseException | None = None
        self._step: Step[object] | None = None

    def next_request(self) -> Request | None:
        """Return what is to be done next; None: the procedure is over, and `result` is what it returned."""
        failure, self._failure = self._failure, None
        try:
            self._step = request = next(self._procedure) if failure is None else self._procedure.throw(failure)
        except StopIteration as stop:
            self.result = stop.value
            return None
        return request

    def answer(self, result: object) -> None:
        """Say what came of the request that was returned last."""
        if self._step is not None:
            self._step.result = result

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, failure: BaseException | None, trace: object) -> bool:
        self._failure = failure  # the procedure's own business, an interruption too
        return failure is not None


def on_channel(dialogue: Dialogue[T]) -> Procedure[T]:
    """Run a dialogue in one turn of the channel and return what it returns.

    Args:
        dialogue: a fresh generator.
    """
    step = OnChannel(dialogue)
    yield step
    return step.result


def _never() -> None:
    return None


def wait(
    seconds: float | None, changes: Changes | None = None, ready: Callable[[], T | None] = _never
) -> Procedure[T | None]:
    """Let time pass, during which the channel is free for others.

    Args:
        seconds: how long at most, on the driver's clock; None: as long as it takes.
        changes: what may end the wait when it changes.
        ready: asked at first and after every change; what it returns ends the wait, unless it is None.

    Returns:
        What was ready, None when the time has run out.
    """
    step = Wait(seconds, changes or Changes(), ready)
    yield step
    return step.result


def exclusive(procedure: Procedure[T]) -> Procedure[T]:
    """Carry out a procedure that no other exclusive one of the same driver may come between.

    Every operation of a driver is exclusive from its first step to its last; inside one it changes nothing. What a
    driver does beside its operations says it, as a watch does when it opens a session again.

    Args:
        procedure: a fresh generator.
    """
    step = Exclusive(procedure)
    yield step
    return step.result


def on_free_uart(dlci: int, dialogue: Dialogue[None]) -> Procedure[Tried | None]:
    """Run a dialogue on another virtual UART of the same multiplexer, one that nobody here uses.

    Args:
        dlci: which one.
        dialogue: a fresh generator.

    Returns:
        What became of it; None: there is no such virtual UART, or a channel of this process uses it.
    """
    step = OnFreeUart(dlci, dialogue)
    yield step
    return step.result


def leave_channel() -> Procedure[None]:
    """Let go of the channel, where it was made for this driver: it needs it no longer."""
    step = LeaveChannel()
    yield step
    return step.result
