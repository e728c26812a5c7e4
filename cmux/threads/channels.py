"""The channels of a `Mux`: their near ends and ports, what the peer has opened, what is opened anew."""

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
        mux: whose they are.
        drain_timeout: seconds that closing one leaves for what is still queued.
    """

    def __init__(self, mux: MuxOfPort, drain_timeout: float) -> None:
        self.buffers: dict[int, ReceiveBuffer] = {}
        """Where the data of each channel go."""
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
        self._offered = threading.Condition(self._lock)  # the peer opened a channel, or will open none any more

    def run_by(self, engine: Engine) -> None:
        """Belong to an engine: at the beginning, and each time after the line was opened anew."""
        self._engine = engine
        self.configure(engine.config)
        for handle in self.all():
            handle.renew(engine)

    def configure(self, config: Config) -> None:
        """Go by other parameters of the session."""
        with self._lock:
            self._policy = ChannelPolicy(config, self._drain_timeout)
            for handle in self._handles.values():
                handle.policy = self._policy

    @property
    def drain_timeout(self) -> float:
        """Seconds that closing a channel leaves for what is still queued."""
        return self._drain_timeout

    @drain_timeout.setter
    def drain_timeout(self, seconds: float) -> None:
        self._drain_timeout = seconds
        self.configure(self._policy.config)

    def all(self) -> list[DlcHandle]:
        """Return the near ends of all DLCs that anybody has asked for."""
        with self._lock:
            return list(self._handles.values())

    def handle(self, dlci: int) -> DlcHandle:
        """Return the near end of a DLC, for the ports that are made on it."""
        with self._lock:
            if dlci not in self._handles:
                handle = self._handles[dlci] = DlcHandle(self._policy, self._engine, dlci)
                self.buffers[dlci] = handle.buffer
            return self._handles[dlci]

    def port(self, dlci: int) -> VirtualUart:
        """Return the port of a DLC as it is, open or not; see `Mux.port`."""
        handle = self.handle(check_dlci(dlci))
        with self._lock:
            uart = self._uarts.get(dlci)
            if uart is None:
                uart = self._uarts[dlci] = VirtualUart.of(handle, self._mux)
            return uart

    def take(self, dlci: int) -> VirtualUart:
        """Return the port of a DLC, opened; `accept` will not hand it out."""
        uart = self.port(dlci)
        with self._lock:
            self._offers.taken(dlci)
        uart.ensure_open()
        return uart

    def accept(self, timeout: float | None, may_come: Callable[[], bool]) -> VirtualUart | None:
        """Wait for a channel that the peer opens.

        Args:
            timeout: seconds; None: as long as it takes.
            may_come: whether the peer may open any still; asked again after each `wake`.

        Returns:
            Its port, open; None when none may come.

        Raises:
            AcceptTimeout: there was none in time.
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
        """Take an event of a DLC, which the peer may have opened before anybody asked for it."""
        handle = self.handle(dlci)
        if isinstance(event, DataReceived):
            handle.buffer.feed(event.data)
            return
        handle.on_event(event)
        with self._lock:
            if self._offers.handle(event):
                self._offered.notify()

    def end(self, event: SessionClosed) -> None:
        """Take the end of everything."""
        for handle in self.all():
            handle.on_event(event)
        self.wake()

    def open_again(self) -> None:
        """Open the channels that were open when the line died; one that is refused is logged."""
        for handle in self.all():
            try:
                handle.open_again()
            except DlcError as error:
                port_logger(self._mux.name).warning("%s", error)

    def wake(self) -> None:
        """Let whoever waits look again: what the `Mux` is at has changed."""
        with self._lock:
            self._offered.notify_all()
        for handle in self.all():  # who waits for one that was refused has to look, too
            handle.wake()

    def retire(self) -> None:
        """Keep no descriptors: the `Mux` is closed for good."""
        for handle in self.all():
            handle.retire()

    def discarded(self) -> int:
        """Return how many octets came although there was no room for them."""
        return sum(handle.buffer.discarded for handle in self.all())

    def abandon(self) -> None:
        """Disconnect from the parent's locks, in the child after a fork."""
        self._make_locks()
        for handle in self._handles.values():
            handle.abandon()
        for uart in self._uarts.values():
            uart.abandon()
