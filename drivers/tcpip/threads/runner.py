"""Runs the procedures of a driver, its sessions and its listeners on threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ...at import AtChannel, Dialogue, Port
from ...at.threads.registry import shared_channel
from ...clock import Clock
from ..core.bounded import Bounded, Expired, Stay
from ..core.procedure import Exclusive, OnChannel, OnFreeUart, Procedure, Progress, Wait
from ..core.runner_base import LEAVING, RunnerBase
from .waiting import until

T = TypeVar("T")


class ThreadRunner(RunnerBase[AtChannel, object]):
    """Runs procedures on a channel, in the thread of the caller.

    Args:
        port: a pyserial-like port, or a channel of one.
        clock: the source of time; None: that of the channel.
    """

    def __init__(self, port: Port | AtChannel, clock: Clock | None) -> None:
        if isinstance(port, AtChannel):
            super().__init__(port, clock, owned=False)
        else:
            super().__init__(shared_channel(port, clock=clock), clock, owned=True)
        self._work_asked = False
        self._background: set[threading.Thread] = set()

    def run(self, procedure: Procedure[T]) -> T:
        """Run a procedure: its dialogues on the channel, its waits without it.

        Args:
            procedure: a new generator.
        """
        return self._run(Progress(procedure))

    def close_by(self, procedure: Procedure[None]) -> None:
        """Run a procedure that closes something; not in the child after a fork, where it is the parent's.

        Args:
            procedure: a new generator.
        """
        if not self.channel._inherited:
            self.run(procedure)

    def _run(self, progress: Progress[T]) -> T:
        self._check_process()
        with self._registered(progress):
            return self._carry_out(progress)

    def run_within(
        self, seconds: float | None, make: Callable[[Stay], Procedure[T]], expired: Expired | None = None
    ) -> T:
        """Run a procedure for no longer than a time, with all that it cleans up; the rest is done in a thread.

        Args:
            seconds: how long; None: without limit.
            make: returns the procedure; see `Stay`.
            expired: makes the exception for the caller; None: `AtTimeout`.

        Raises:
            AtTimeout: the time is up.
        """
        on_reader = threading.current_thread() in self.channel._threads[:1]  # it would wait for itself: `run` says so
        if seconds is None or on_reader:
            return self.run(make(lambda: None))
        self._check_process()
        bounded = self._bounded(seconds, make, expired)
        thread = threading.Thread(target=self._work_off, args=(bounded,), name=f"at call {self.channel.name}")
        thread.daemon = True
        self._background.add(thread)
        thread.start()
        try:
            until(self.clock, bounded.changes, bounded.over, seconds)
            if not bounded.leave():
                until(self.clock, bounded.changes, bounded.over, None)  # it is about to end
        except BaseException:
            bounded.leave()
            raise
        return bounded.result()

    def _check_process(self) -> None:
        if self.channel._inherited:  # its threads will not end the waits of this process
            self.channel._check_alive()

    def _abandon(self) -> None:
        super()._abandon()
        self._background.clear()

    def _work_off(self, bounded: Bounded[T]) -> None:
        failure: BaseException | None = None
        try:
            self._run(bounded.progress)
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller, unless he has left
            failure = error
        self._background.discard(threading.current_thread())
        bounded.ended(failure)

    def _carry_out(self, progress: Progress[T]) -> T:
        while (request := self._next(progress)) is not None:
            with progress:
                progress.answer(self._do(request))
        return progress.result

    def wake(self, work: Callable[[], Dialogue[None] | None]) -> None:
        """See `RunnerBase.wake`: the dialogues run on the dispatch thread of the channel."""

        def do() -> None:
            self._work_asked = False
            while (dialogue := work()) is not None:
                self.channel.run(dialogue)

        if not self._work_asked:
            self._work_asked = True
            self.channel._work_soon(do)

    def close(self) -> None:
        """Release the channel if it was created for this runner; idempotent."""
        if self._disown():
            self.channel._release()
        for thread in self._background - {threading.current_thread()}:
            thread.join(LEAVING)

    def _on_channel(self, step: OnChannel[object]) -> object:
        return self.channel.run(step.dialogue, ticket=step.ticket)

    def _wait(self, step: Wait[object]) -> object:
        return until(self.clock, step.changes, step.ready, step.seconds)

    def _exclusive(self, step: Exclusive[object]) -> object:
        with self._exclusion.claiming(threading.current_thread()) as step.claimant:
            return self._carry_out(step.progress)

    def _on_free_uart(self, step: OnFreeUart) -> object:
        neighbour = self.channel._neighbour(step.dlci)
        if neighbour is not None:
            with neighbour, step.trying(neighbour.name):
                neighbour.run(step.dialogue, ticket=step.ticket)
        return step.tried
