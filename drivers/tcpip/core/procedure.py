"""Procedures of the driver: generators over five helpers, which run unchanged on threads and in asyncio.

::

    def ask_again(stack: QuectelGsmStack) -> Procedure[str]:
        word = yield from on_channel(dialogues.state())
        if word == "IP START":
            yield from wait(5.0)
            word = yield from on_channel(dialogues.state())
        return word

An AT dialogue has one turn of the channel from its first step to its last; a procedure lets others use the channel
between its steps. An error in a step is raised in the procedure, and so is an interruption of the caller.
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


class RequestBase(Generic[T_co]):
    """What a procedure yields: something to do for it."""

    result: T_co


class OnChannel(RequestBase[T_co]):
    """A request to run a dialogue in one turn of the channel; see `on_channel`."""

    def __init__(self, dialogue: Dialogue[T_co]) -> None:
        self.dialogue = dialogue


class Wait(RequestBase[T_co | None]):
    """A request to wait while others may use the channel; see `wait`."""

    def __init__(self, seconds: float | None, changes: Changes, ready: Callable[[], T_co | None]) -> None:
        self.seconds = seconds
        self.changes = changes
        self.ready = ready


class Exclusive(RequestBase[T_co]):
    """A request to run a procedure that excludes others of the same driver; see `exclusive`."""

    def __init__(self, procedure: Procedure[T_co]) -> None:
        self.procedure = procedure


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of a dialogue on another virtual UART.

    Args:
        name: the name of the port.
        failure: the exception that it raised, or None.
    """

    name: str
    failure: DriverError | None


class OnFreeUart(RequestBase[Tried | None]):
    """A request to run a dialogue on another virtual UART; see `on_free_uart`."""

    def __init__(self, dlci: int, dialogue: Dialogue[None]) -> None:
        self.dlci = dlci
        self.dialogue = dialogue
        self.tried: Tried | None = None
        """The result so far."""

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Record the result of the dialogue, which runs in the ``with`` block.

        Args:
            name: the name of the port that it is run on.
        """
        try:
            yield
        except DriverError as failure:
            self.tried = Tried(name, failure)
        else:
            self.tried = Tried(name, None)


class LeaveChannel(RequestBase[None]):
    """A request to release the channel; see `leave_channel`."""


Request = OnChannel[object] | Wait[object] | Exclusive[object] | OnFreeUart | LeaveChannel
Procedure = Generator[Request, None, T]
"""A procedure yields requests, each of which has its result when the procedure continues, and returns its result."""


class Progress(Generic[T]):
    """A procedure that is being run; the runner does each step inside ``with progress:``.

    Args:
        procedure: a new generator.
    """

    result: T

    def __init__(self, procedure: Procedure[T]) -> None:
        self._procedure = procedure
        self._failure: BaseException | None = None
        self._step: RequestBase[object] | None = None

    def next_request(self) -> Request | None:
        """Return the next request, or None when the procedure has ended; `result` is its return value."""
        failure, self._failure = self._failure, None
        try:
            self._step = request = next(self._procedure) if failure is None else self._procedure.throw(failure)
        except StopIteration as stop:
            self.result = stop.value
            return None
        return request

    def answer(self, result: object) -> None:
        """Set the result of the request that was returned last."""
        if self._step is not None:
            self._step.result = result

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, failure: BaseException | None, trace: object) -> bool:
        self._failure = failure  # it is raised in the procedure, also if it is an interruption
        return failure is not None


def on_channel(dialogue: Dialogue[T]) -> Procedure[T]:
    """Run a dialogue in one turn of the channel and return its result.

    Args:
        dialogue: a new generator.
    """
    step = OnChannel(dialogue)
    yield step
    return step.result


def _never() -> None:
    return None


def wait(
    seconds: float | None, changes: Changes | None = None, ready: Callable[[], T | None] = _never
) -> Procedure[T | None]:
    """Wait, while others may use the channel.

    Args:
        seconds: the most seconds to wait, on the driver's clock; None: without limit.
        changes: the state whose changes may end the wait.
        ready: called at the start and after every change; a result other than None ends the wait.

    Returns:
        The result of `ready`, or None if the time ran out.
    """
    step = Wait(seconds, changes or Changes(), ready)
    yield step
    return step.result


def exclusive(procedure: Procedure[T]) -> Procedure[T]:
    """Run a procedure during which no other exclusive procedure of the same driver runs.

    Every operation of a driver is exclusive from its first step to its last, and inside of one this changes nothing.
    It is needed outside of operations, as in a watch that opens a session again.

    Args:
        procedure: a new generator.
    """
    step = Exclusive(procedure)
    yield step
    return step.result


def on_free_uart(dlci: int, dialogue: Dialogue[None]) -> Procedure[Tried | None]:
    """Run a dialogue on another virtual UART of the same multiplexer that this process does not use.

    Args:
        dlci: the DLCI of the virtual UART.
        dialogue: a new generator.

    Returns:
        Its result; None if there is no such virtual UART, or a channel of this process uses it.
    """
    step = OnFreeUart(dlci, dialogue)
    yield step
    return step.result


def leave_channel() -> Procedure[None]:
    """Release the channel if it was created for this driver."""
    step = LeaveChannel()
    yield step
    return step.result
