"""The channels of a `Mux`: their near ends, their ports, and those that the peer has opened."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from ..errors import AcceptTimeout, DlcError, StateError
from ..logs import port_logger
from ..opening import check_dlci
from ..protocol.config import Config
from ..protocol.events import DataReceived, Event, SessionClosed
from ..protocol.offers import Offers
from .dlc_handle import ChannelPolicy, DlcHandle
from .engine import Engine
from .interfaces import MuxOfPort
from .receive_buffer import ReceiveBuffer
from .virtual_uart import VirtualUart
from .waiting import Deadline


class Channels:
    """The channels of one `Mux`.

    Args:
        mux: the `Mux` that they belong to.
        drain_timeout: seconds that closing one waits for what is still queued.
    """

    def __init__(self, mux: MuxOfPort, drain_timeout: float) -> None:
        self.buffers: dict[int, ReceiveBuffer] = {}
        """The buffers that receive the data of each channel."""
        self._mux = mux
        self._drain_timeout = drain_timeout
        self._engine: Engine
        self._policy: ChannelPolicy
        self._handles: dict[int, DlcHandle] = {}
        self._uarts: dict[int, VirtualUart] = {}
        self._offers = Offers()
        self._make_locks()

    def _make_locks(self) -> None:
        self._lock = threading.Lock()
        self._offered = threading.Condition(self._lock)  # the peer has opened a channel, or cannot open any more

    def run_by(self, engine: Engine) -> None:
        """Use an engine: at the beginning, and each time after the line was opened again."""
        self._engine = engine
        self.configure(engine.config)
        for handle in self.all():
            handle.renew(engine)

    def configure(self, config: Config) -> None:
        """Use other parameters of the session."""
        with self._lock:
            self._policy = ChannelPolicy(config, self._drain_timeout)
            for handle in self._handles.values():
                handle.policy = self._policy

    @property
    def drain_timeout(self) -> float:
        """Seconds that closing a channel waits for what is still queued."""
        return self._drain_timeout

    @drain_timeout.setter
    def drain_timeout(self, seconds: float) -> None:
        self._drain_timeout = seconds
        self.configure(self._policy.config)

    def all(self) -> list[DlcHandle]:
        """Return the near ends of all DLCs that have been asked for."""
        with self._lock:
            return list(self._handles.values())

    def handle(self, dlci: int) -> DlcHandle:
        """Return the near end of a DLC, for the ports on it."""
        with self._lock:
            if dlci not in self._handles:
                handle = self._handles[dlci] = DlcHandle(self._policy, self._engine, dlci)
                self.buffers[dlci] = handle.buffer
            return self._handles[dlci]

    def port(self, dlci: int) -> VirtualUart:
        """Return the port of a DLC as it is, open or not; see `Mux.port`."""
        handle = self.handle(check_dlci(dlci, self._engine.config))
        with self._lock:
            uart = self._uarts.get(dlci)
            if uart is None:
                uart = self._uarts[dlci] = VirtualUart.of(handle, self._mux)
            return uart

    def take(self, dlci: int) -> VirtualUart:
        """Open a DLC and return its port; `accept` will not return it."""
        uart = self.port(dlci)
        with self._lock:
            self._offers.taken(dlci)
        uart.ensure_open()
        return uart

    def accept(self, timeout: float | None, may_come: Callable[[], bool]) -> VirtualUart | None:
        """Wait for a channel that the peer opens.

        Args:
            timeout: seconds; None: as long as it takes.
            may_come: tells whether the peer can still open channels; called again after each `wake`.

        Returns:
            Its port, open; None when the peer cannot open any more.

        Raises:
            AcceptTimeout: the peer opened none in time.
        """
        deadline = Deadline(timeout)
        while True:
            with self._lock:
                while (dlci := self._offers.take()) is None and may_come():
                    if not self._offered.wait(deadline.left()):
                        raise AcceptTimeout(f"{self._mux.name}: the peer opened no channel within {timeout:g} s")
            if dlci is None:
                return None
            with contextlib.suppress(StateError, DlcError):  # the peer has closed it by now
                return self.take(dlci)

    def on_event(self, dlci: int, event: Event) -> None:
        """Handle an event of a DLC, which the peer may have opened before it was asked for."""
        handle = self.handle(dlci)
        if isinstance(event, DataReceived):
            handle.buffer.feed(event.data)
            return
        handle.on_event(event)
        with self._lock:
            if self._offers.handle(event):
                self._offered.notify()

    def end(self, event: SessionClosed) -> None:
        """Handle the end of the session."""
        for handle in self.all():
            handle.on_event(event)
        self.wake()

    def open_again(self) -> None:
        """Open the channels that were open when the line died; a refusal is logged."""
        for handle in self.all():
            try:
                handle.open_again()
            except DlcError as error:
                port_logger(self._mux.name).warning("%s", error)

    def wake(self) -> None:
        """Make all waiting threads check again: the state of the `Mux` has changed."""
        with self._lock:
            self._offered.notify_all()
        for handle in self.all():  # also threads that wait for a refused one
            handle.wake()

    def retire(self) -> None:
        """Close all descriptors: the `Mux` is closed for good."""
        for handle in self.all():
            handle.retire()

    def discarded(self) -> int:
        """Return how many octets were dropped because there was no room for them."""
        return sum(handle.buffer.discarded for handle in self.all())

    def abandon(self) -> None:
        """Replace the parent's locks, in the child after a fork."""
        self._make_locks()
        for handle in self._handles.values():
            handle.abandon()
