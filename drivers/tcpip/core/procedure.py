"""Procedures of the driver: generators over a few helpers, which run unchanged on threads and in asyncio.

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

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...at.core import Dialogue
from ...at.core.ticket import Ticket
from ...errors import DriverError
from .changes import Changes
from .exclusion import Claimant

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class RequestBase(Generic[T_co]):
    """What a procedure yields: something to do for it."""

    result: T_co

    def abandon(self, failure: Exception) -> None:
        """Make it end with an exception if it waits; called by another thread or task."""

    @property
    def waits_for(self) -> str:
        """The name of what is waited for; empty for a turn."""
        return ""


class OnChannel(RequestBase[T_co]):
    """A request to run a dialogue in one turn of the channel; see `on_channel`."""

    def __init__(self, dialogue: Dialogue[T_co], of: object = None) -> None:
        self.dialogue = dialogue
        self.of = of
        self.ticket: Ticket = Ticket()
        """Its ticket for the channel."""

    def abandon(self, failure: Exception) -> None:
        """See `RequestBase.abandon`."""
        self.ticket.abandon(failure)

    @property
    def waits_for(self) -> str:
        """See `RequestBase.waits_for`."""
        return self.ticket.waits_for


class Wait(RequestBase[T_co | None]):
    """A request to wait while others may use the channel; see `wait`."""

    def __init__(self, seconds: float | None, changes: Changes, ready: Callable[[], T_co | None], what: str) -> None:
        self.seconds = seconds
        self.changes = changes
        self._what = what
        self._ready = ready
        self._failure: Exception | None = None

    def ready(self) -> T_co | None:
        """Return the result, or None if it is not there yet."""
        if self._failure is not None:
            raise self._failure
        return self._ready()

    def abandon(self, failure: Exception) -> None:
        """See `RequestBase.abandon`."""
        self._failure = failure
        with self.changes:
            self.changes.notify()

    @property
    def waits_for(self) -> str:
        """See `RequestBase.waits_for`."""
        return self._what


class Exclusive(RequestBase[T_co]):
    """A request to run a procedure that excludes others of the same driver; see `exclusive`."""

    def __init__(self, procedure: Procedure[T_co]) -> None:
        self.claimant: Claimant | None = None
        """The caller that runs it."""
        self.progress: Progress[T_co] = Progress(self._in_turn(procedure))
        """The procedure, after the wait for its turn."""

    def _in_turn(self, procedure: Procedure[T_co]) -> Procedure[T_co]:
        if self.claimant is not None:
            yield from wait(None, self.claimant.changes, self.claimant.take)
        return (yield from procedure)

    def abandon(self, failure: Exception) -> None:
        """See `RequestBase.abandon`."""
        self.progress.abandon(failure)

    @property
    def waits_for(self) -> str:
        """See `RequestBase.waits_for`."""
        return self.progress.waits_for


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
        self.ticket: Ticket = Ticket()
        """Its ticket for the channel of that UART."""
        self.tried: Tried | None = None
        """The result so far."""

    def abandon(self, failure: Exception) -> None:
        """See `RequestBase.abandon`."""
        self.ticket.abandon(failure)

    @property
    def waits_for(self) -> str:
        """See `RequestBase.waits_for`."""
        return self.ticket.waits_for

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Record the result of the dialogue, which runs in the ``with`` block.

        Args:
            name: the name of the port that it is run on.
        """
        try:
            yield
        except DriverError as failure:
            if self.ticket.abandoned:
                raise
            self.tried = Tried(name, failure)
        else:
            self.tried = Tried(name, None)


class LeaveChannel(RequestBase[None]):
    """A request to release the channel; see `leave_channel`."""


class AbandonOthers(RequestBase[None]):
    """A request to abandon what other callers wait for; see `abandon_others`."""

    def __init__(self, failure: Callable[[], Exception], of: object = None) -> None:
        self.failure = failure
        self.of = of


Request = OnChannel[object] | Wait[object] | Exclusive[object] | OnFreeUart | LeaveChannel
Procedure = Generator[Request | AbandonOthers, BaseException | None, T]
"""A procedure yields requests, each of which has its result when the procedure continues, and returns its result.

It is sent None, or why a request has no result.
"""


def _raise(failure: BaseException | None) -> None:
    """Raise why a request has no result: here, and not thrown in, as in a dialogue."""
    if failure is not None:
        raise failure


class Progress(Generic[T]):
    """A procedure that is being run; the runner does each step inside ``with progress:``.

    Args:
        procedure: a new generator.
    """

    result: T

    def __init__(self, procedure: Procedure[T]) -> None:
        self.procedure: Procedure[T] = procedure
        """The generator."""
        self._failure: BaseException | None = None
        self._step: RequestBase[object] | None = None
        self._lock = threading.Lock()
        self._due: Exception | None = None  # of `abandon`, until a step has raised it
        self._abandoned = self._closes = False

    def next_request(self) -> Request | AbandonOthers | None:
        """Return the next request, or None when the procedure has ended; `result` is its return value."""
        failure, self._failure = self._failure, None
        try:
            request = self.procedure.send(failure)
        except StopIteration as stop:
            self.result = stop.value
            return None
        with self._lock:
            self._step = request
            self._closes |= isinstance(request, AbandonOthers)
            if self._due is not None and not self._closes:
                request.abandon(self._due)
        return request

    def abandon(self, failure: Exception, of: object = None) -> None:
        """Raise an exception in the step in flight or the next one, once, unless the procedure closes something.

        Args:
            failure: the exception.
            of: abandon only a dialogue that is about this, and no later step.
        """
        with self._lock:
            step = self._step
            if self._closes or self._abandoned:
                return
            if of is None:
                self._due, self._abandoned = failure, True
            elif not isinstance(step, OnChannel) or step.of is not of:
                return
            if step is not None:
                step.abandon(failure)

    @property
    def waits_for(self) -> str:
        """The name of what the step in flight waits for; empty for a turn."""
        step = self._step
        return "" if step is None else step.waits_for

    def answer(self, result: object) -> None:
        """Set the result of the request that was returned last."""
        if self._step is not None:
            self._step.result = result

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, failure: BaseException | None, trace: object) -> bool:
        self._failure = failure  # it is raised in the procedure, also if it is an interruption
        with self._lock:
            self._step = None
            self._due = None if failure is self._due else self._due
        return failure is not None


def on_channel(dialogue: Dialogue[T], *, of: object = None) -> Procedure[T]:
    """Run a dialogue in one turn of the channel and return its result.

    Args:
        dialogue: a new generator.
        of: the session that it is about, if closing that abandons it.
    """
    step = OnChannel(dialogue, of)
    _raise((yield step))
    return step.result


def _never() -> None:
    return None


def wait(
    seconds: float | None,
    changes: Changes | None = None,
    ready: Callable[[], T | None] = _never,
    *,
    what: str = "",
) -> Procedure[T | None]:
    """Wait, while others may use the channel.

    Args:
        seconds: the most seconds to wait, on the driver's clock; None: without limit.
        changes: the state whose changes may end the wait.
        ready: called at the start and after every change; a result other than None ends the wait.
        what: the name of what is waited for in messages.

    Returns:
        The result of `ready`, or None if the time ran out.
    """
    step = Wait(seconds, changes or Changes(), ready, what)
    _raise((yield step))
    return step.result


def exclusive(procedure: Procedure[T]) -> Procedure[T]:
    """Run a procedure during which no other exclusive procedure of the same driver runs.

    Every operation of a driver is exclusive from its first step to its last, and inside of one this changes nothing.
    It is needed outside of operations, as in a watch that opens a session again.

    Args:
        procedure: a new generator.

    Returns:
        The result of the procedure.
    """
    step = Exclusive(procedure)
    _raise((yield step))
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
    _raise((yield step))
    return step.result


def leave_channel() -> Procedure[None]:
    """Release the channel if it was created for this driver."""
    step = LeaveChannel()
    _raise((yield step))
    return step.result


def abandon_others(failure: Callable[[], Exception], *, of: object = None) -> Procedure[None]:
    """Abandon what others wait for, as an interruption does; from here on the procedure itself cannot be abandoned.

    Args:
        failure: makes the exception for each of them.
        of: a session, of which only dialogues are abandoned; None: all calls of the driver.
    """
    _raise((yield AbandonOthers(failure, of)))
