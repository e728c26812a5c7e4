"""The part that the runners of procedures on threads and in asyncio share: channel, and dispatch of requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from cmux import forks

from ...at.core import Dialogue
from ...at.core.channel_base import ChannelBase, check_seconds
from ...clock import Clock
from ...errors import AtTimeout
from .bounded import Bounded, Expired, Stay
from .exclusion import Exclusion
from .procedure import AbandonOthers, Exclusive, OnChannel, OnFreeUart, Procedure, Progress, Request, Wait

C_co = TypeVar("C_co", bound=ChannelBase, covariant=True)
D_co = TypeVar("D_co", covariant=True)
T = TypeVar("T")
LEAVING = 2.0
"""Real seconds that `RunnerBase.close` gives to calls whose callers have left; what still runs then ends by itself."""


class RunnerBase(ABC, Generic[C_co, D_co]):
    """Runs the procedures of a driver on a channel. A step returns its result; in asyncio, an awaitable of it.

    Args:
        channel: the AT channel.
        owned: whether the channel was created for this runner, which then releases it.
        clock: the source of time; None: that of the channel.
    """

    def __init__(self, channel: C_co, clock: Clock | None, *, owned: bool) -> None:
        self.channel = channel
        self.clock: Clock = clock or channel.clock
        self._owns_channel = owned
        self._exclusion = Exclusion()  # claim, listen, connect, close: one at a time; never on the reader
        self._running: dict[object, Callable[[Exception, object], None]] = {}
        self._running_lock = forks.Lock()
        forks.register(self)
        if owned:
            channel._retain()

    def _abandon(self) -> None:
        """Forget the threads of the parent, in the child after a fork."""
        self._running.clear()

    @property
    def modem(self) -> object:
        """The object that identifies the modem; see `table_for`."""
        return self.channel._modem

    @property
    def dlci(self) -> int | None:
        """The DLCI of the channel; None if the port does not have one."""
        return self.channel._dlci

    def set_dtr(self, on: bool) -> None:
        """Set DTR of the UART."""
        self.channel.set_dtr(on)

    @abstractmethod
    def wake(self, work: Callable[[], Dialogue[None] | None]) -> None:
        """Run the dialogues that are due, soon, each in a turn of its own, without waiting for them.

        Args:
            work: returns the next dialogue to run, or None.
        """

    def _bounded(
        self, seconds: float, make: Callable[[Stay], Procedure[T]], expired: Expired | None = None
    ) -> Bounded[T]:
        """Return a procedure that is to be run in the background, for a caller who waits no longer than a limit."""

        def late(what: str) -> AtTimeout:
            came = f" (came: {self.channel._came})" if what else ""
            what = what or "the turn of the call"
            return AtTimeout(
                f"{self.channel.name}: {what} did not come within {seconds:g} s{came}; what was begun is undone in the "
                "background",
                command=what,
            )

        check_seconds(seconds)
        return Bounded(make, expired or late)

    @contextmanager
    def _registered(self, progress: Progress[T]) -> Iterator[None]:
        """Run a procedure in the ``with`` block, in which others may abandon it."""
        with self._running_lock:
            self._running[progress.procedure] = progress.abandon
        try:
            yield
        finally:
            with self._running_lock:
                self._running.pop(progress.procedure, None)  # there are none after a fork

    def abandon(self, failure: Callable[[], Exception], of: object = None, only: Procedure[T] | None = None) -> None:
        """Abandon procedures that are being run, except those that close; see `abandon_others`.

        Args:
            failure: makes the exception for each of them.
            of: a session, of which only dialogues are abandoned.
            only: the procedure to abandon; None: all of them.
        """
        with self._running_lock:
            running = [give_up for one, give_up in self._running.items() if only in (None, one)]
        for give_up in running:
            give_up(failure(), of)

    def _next(self, progress: Progress[T]) -> Request | None:
        """Return the next request that has to be done in the way of the shell, or None at the end."""
        while isinstance(request := progress.next_request(), AbandonOthers):
            self.abandon(request.failure, request.of)
        return request

    def _do(self, request: Request) -> D_co:
        match request:
            case OnChannel():
                return self._on_channel(request)
            case Wait():
                return self._wait(request)
            case Exclusive():
                return self._exclusive(request)
            case OnFreeUart():
                return self._on_free_uart(request)
        return self.close()  # `procedure.LeaveChannel`

    @abstractmethod
    def _on_channel(self, step: OnChannel[object]) -> D_co:
        """Run a dialogue."""

    @abstractmethod
    def _wait(self, step: Wait[object]) -> D_co:
        """Wait while others may use the channel."""

    @abstractmethod
    def _exclusive(self, step: Exclusive[object]) -> D_co:
        """Run a procedure during which no other exclusive procedure runs."""

    @abstractmethod
    def _on_free_uart(self, step: OnFreeUart) -> D_co:
        """Run a dialogue on another virtual UART, if there is one."""

    @abstractmethod
    def close(self) -> D_co:
        """Release the channel if it was created for this runner; idempotent."""

    def _disown(self) -> bool:
        """Tell whether to release the channel now."""
        with self._running_lock:
            owned, self._owns_channel = self._owns_channel, False
        return owned
