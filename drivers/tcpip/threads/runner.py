"""Runs the procedures of a driver, its sessions and its listeners on threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from ...at import AtChannel, Dialogue, Port, in_use, shared_channel
from ...clock import Clock
from ...errors import DriverError
from ..core.procedure import Exclusive, OnChannel, OnFreeUart, Procedure, Progress, Request, Tried, Wait
from .waiting import until

T = TypeVar("T")


class UartSource(Protocol):
    """What is needed of a multiplexer, to have the port of another virtual UART."""

    def channel(self, dlci: int) -> Port:
        """Return the port of a DLC, opened."""


class ThreadRunner:
    """Runs procedures on a channel, in the thread of whoever asks for them.

    Args:
        port: a pyserial-like port, or a channel of one.
        clock: the source of time; None: that of the channel.
    """

    def __init__(self, port: Port | AtChannel, clock: Clock | None) -> None:
        self._owns_channel = not isinstance(port, AtChannel)
        self.channel: AtChannel = port if isinstance(port, AtChannel) else shared_channel(port, clock=clock)
        if self._owns_channel:
            self.channel.retain()
        self.clock: Clock = clock or self.channel.clock
        self._administration = threading.RLock()  # claim, listen, connect, close: one at a time; never on the reader
        self._work_asked = False

    @property
    def modem(self) -> object:
        """What stands for the modem: the port; see `table_for`."""
        return self.channel.port

    @property
    def dlci(self) -> int | None:
        """The DLCI of the port, None where it does not tell it."""
        dlci = getattr(self.channel.port, "dlci", None)
        return dlci if isinstance(dlci, int) else None

    def run(self, procedure: Procedure[T]) -> T:
        """Run a procedure: its dialogues on the channel, its waits beside it.

        Args:
            procedure: a fresh generator.
        """
        progress = Progress(procedure)
        while (request := progress.next_request()) is not None:
            with progress:
                self._do(request)
        return progress.result

    def _do(self, request: Request) -> None:
        match request:
            case OnChannel():
                request.result = self.channel.run(request.dialogue)
            case Wait():
                request.result = until(self.clock, request.changes, request.ready, request.seconds)
            case Exclusive():
                with self._administration:
                    request.result = self.run(request.procedure)
            case OnFreeUart():
                request.result = self._on_free_uart(request.dlci, request.dialogue)

    def _on_free_uart(self, dlci: int, dialogue: Dialogue[None]) -> Tried | None:
        multiplexer = getattr(self.channel.port, "mux", None)
        if not hasattr(multiplexer, "channel"):
            return None  # a bare UART is the only one
        try:
            port = cast(UartSource, multiplexer).channel(dlci)
        except OSError:
            return None  # the module does not have it
        if in_use(port):
            return None
        with AtChannel(port, clock=self.clock) as channel:
            try:
                channel.run(dialogue)
            except DriverError as failure:
                return Tried(channel.name, failure)
            return Tried(channel.name, None)

    def close(self) -> None:
        """Let go of a channel that was made for this runner; idempotent."""
        with self._administration:
            if self._owns_channel:
                self._owns_channel = False
                self.channel.release()

    def wake(self, work: Callable[[], Dialogue[None] | None]) -> None:
        """See `Runner.wake`: it is done on the channel's dispatch thread, one turn at a time."""

        def do() -> None:
            self._work_asked = False
            while (dialogue := work()) is not None:
                self.channel.run(dialogue)

        if not self._work_asked:
            self._work_asked = True
            self.channel.call_soon(do)

    def set_dtr(self, on: bool) -> None:
        """See `Runner.set_dtr`."""
        self.channel.set_dtr(on)
