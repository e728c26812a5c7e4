"""Runs the procedures of a driver, its sessions and its listeners on threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ...at import AtChannel, Dialogue, Port
from ...at.threads.registry import shared_channel
from ...clock import Clock
from ..core.procedure import OnFreeUart, Procedure, Progress, Wait
from ..core.runner_base import RunnerBase
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
        self._administration = threading.RLock()  # claim, listen, connect, close: one at a time; never on the reader
        self._work_asked = False

    def run(self, procedure: Procedure[T]) -> T:
        """Run a procedure: its dialogues on the channel, its waits without it.

        Args:
            procedure: a new generator.
        """
        progress = Progress(procedure)
        while (request := progress.next_request()) is not None:
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
            self.channel.call_soon(do)

    def close(self) -> None:
        """Release the channel if it was created for this runner; idempotent."""
        with self._administration:
            owned = self._disown()
        if owned:
            self.channel._release()

    def _on_channel(self, dialogue: Dialogue[object]) -> object:
        return self.channel.run(dialogue)

    def _wait(self, step: Wait[object]) -> object:
        return until(self.clock, step.changes, step.ready, step.seconds)

    def _exclusive(self, procedure: Procedure[object]) -> object:
        with self._administration:
            return self.run(procedure)

    def _on_free_uart(self, step: OnFreeUart) -> object:
        neighbour = self.channel._neighbour(step.dlci)
        if neighbour is not None:
            with neighbour, step.trying(neighbour.name):
                neighbour.run(step.dialogue)
        return step.tried
