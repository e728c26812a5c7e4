"""The channels of an asyncio `Mux`: their transports, those to open again, and data that came early."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from ..errors import DlcError, SessionEnded, StateError, dlc_error
from ..logs import port_logger
from ..protocol import bounds
from ..protocol.commands import Signals
from ..protocol.config import Config, Parameters
from ..protocol.events import Cause, Closed, DataReceived, Event, Opened, Writable
from ..protocol.offers import Offers
from ..protocol.openings import Opening
from .channel_transport import ChannelTransport, MuxOfChannel
from .core_calls import CoreCalls
from .protocol import MuxProtocol

P = TypeVar("P", bound=asyncio.BaseProtocol)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class MuxOfChannels(MuxOfChannel, Protocol):
    """What the channels need from the `Mux` that they belong to."""

    name: str
    protocol: MuxProtocol

    @property
    def error(self) -> SessionEnded | None:
        """Why the session is over."""

    @property
    def config(self) -> Config:
        """The parameters of the session."""

    def _check(self) -> None:
        """Raise the reason why the session is over, if it is."""


class Channels:
    """The channels of one `Mux`.

    Args:
        mux: the `Mux` that they belong to.
    """

    def __init__(self, mux: MuxOfChannels) -> None:
        self.discarded: int = 0
        """Octets that were dropped because there was no room for them."""
        self._mux = mux
        self._calls = CoreCalls(mux)
        self._transports: dict[int, ChannelTransport] = {}
        self._streams: dict[int, Streams] = {}
        self._again: dict[int, Callable[[], Awaitable[object]]] = {}
        self._openings: dict[int, Opening] = {}
        self._opened: dict[int, asyncio.Future[None]] = {}  # of those that are under way
        self._failed: dict[int, Exception] = {}  # why one of them is over, perhaps before its task has had its turn
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._early: dict[int, bytearray] = {}
        self._offers = Offers()
        self._offered = asyncio.Event()

    def require(self, dlci: int, parameters: Parameters) -> None:
        """Have parameters negotiated by PN before a DLC is opened, the next time and each time after that.

        Args:
            dlci: the DLC.
            parameters: what to ask for.

        Raises:
            StateError: the DLC is open with other parameters.
        """
        core, transport = self._mux.protocol.multiplexer, self._transports.get(dlci)
        is_open = core.is_open(dlci) and (
            transport is None or not transport.is_closing()
        )  # the peer may have opened it
        self._opening(dlci).require(parameters, core.parameters(dlci) if is_open else None)

    async def accept(self, may_come: Callable[[], bool]) -> Streams | None:
        """Wait for a channel that the peer opens.

        Args:
            may_come: tells whether the peer can still open channels; called again after each `wake`.

        Returns:
            Its streams; None when the peer cannot open any more.
        """
        while True:
            while (dlci := self._offers.take()) is None:
                if not may_come():
                    return None
                self._offered.clear()
                await self._offered.wait()
            with contextlib.suppress(StateError, DlcError):  # the peer has closed it by now
                return await self.streams(dlci)

    def wake(self) -> None:
        """Make all waiting calls of `accept` check again: the state of the `Mux` has changed."""
        self._offered.set()

    async def streams(self, dlci: int) -> Streams:
        """Open a DLC and return its streams; see `Mux.channel`."""
        async with self._locks[dlci]:
            transport = self._transports.get(dlci)
            if dlci in self._streams and transport is not None and not transport.is_closing():
                return self._streams[dlci]
            return await self._connect_streams(dlci)

    async def connect(self, dlci: int, factory: Callable[[], P]) -> tuple[ChannelTransport, P]:
        """Open a DLC for a protocol; see `Mux.create_connection`."""
        async with self._locks[dlci]:
            return await self._connect(dlci, factory)

    async def open_again(self) -> None:
        """Open the channels that were open when the line died; one that is refused is logged and forgotten."""
        for dlci, again in list(self._again.items()):
            try:
                async with self._locks[dlci]:
                    if dlci not in self._transports:
                        await again()
            except DlcError as error:
                self._again.pop(dlci, None)
                port_logger(self._mux.name).warning("%s", error)

    def set_signals(self, dlci: int, signals: Signals) -> None:
        """Set our V.24 signals for an open DLC, also for one that nobody has taken yet.

        Args:
            dlci: 1 to 61.
            signals: the signals; FC follows the reading of the channel.

        Raises:
            StateError: it is not open.
        """
        if not self._mux.protocol.multiplexer.is_open(dlci):
            raise StateError(f"DLCI {dlci} is not open, so it has no signals to set")
        transport = self._transports.get(dlci)
        self._calls.set_signals(dlci, signals, paused=transport is not None and not transport.is_reading())

    def unsent(self) -> int:
        """Return how many octets of all channels wait to be sent."""
        return sum(transport.get_write_buffer_size() for transport in self._transports.values())

    def end(self, error: SessionEnded) -> None:
        """Tell every protocol that its channel is gone, and the waiting calls of `accept` that none will come."""
        for transport in list(self._transports.values()):
            transport._end(error)
        self._transports.clear()
        self.wake()

    # --- Opening ---

    async def _connect_streams(self, dlci: int) -> Streams:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        transport, protocol = await self._connect(dlci, lambda: asyncio.StreamReaderProtocol(reader, loop=loop))
        streams = self._streams[dlci] = reader, asyncio.StreamWriter(transport, protocol, reader, loop)
        self._again[dlci] = lambda: self._connect_streams(dlci)
        return streams

    async def _connect(self, dlci: int, factory: Callable[[], P]) -> tuple[ChannelTransport, P]:
        before = self._transports.get(dlci)
        if before is not None:
            if not before.is_closing():
                raise dlc_error(Closed(dlci, Cause.LOCAL, "it is already open, with another protocol"))
            await before.closed
        await self._open(dlci)
        self._offers.taken(dlci)
        try:
            protocol = factory()
        except BaseException:
            self._calls.close(dlci, drain=False)
            raise
        transport = self._transports[dlci] = ChannelTransport(self._mux, self._calls, dlci, protocol)
        self._again[dlci] = lambda: self._connect(dlci, factory)
        protocol.connection_made(transport)
        early = self._early.pop(dlci, b"")
        if early:
            transport._received(bytes(early))
            if transport.is_reading():
                self._calls.resume(dlci)
        return transport, protocol

    def _opening(self, dlci: int) -> Opening:
        return self._openings.setdefault(dlci, Opening(dlci))

    async def _open(self, dlci: int) -> None:
        self._mux._check()
        opening, config, protocol = self._opening(dlci), self._mux.config, self._mux.protocol
        opened = self._opened[dlci] = asyncio.get_running_loop().create_future()
        try:
            is_open = opening.begin(protocol.multiplexer, protocol.now(), self._calls.ours.get(dlci))
            protocol.flush()
            if not is_open:
                async with asyncio.timeout(opening.patience(config)):
                    await opened
            if dlci in self._failed:
                raise self._failed[dlci]
        except (asyncio.CancelledError, TimeoutError) as error:
            if self._mux.error is None:
                self._calls.close(dlci, drain=False)
            if isinstance(error, DlcError) or not isinstance(error, TimeoutError):
                raise
            raise dlc_error(opening.not_sent(config)) from None
        finally:
            opening.over()
            self._opened.pop(dlci, None)
            self._failed.pop(dlci, None)

    # --- Events ---

    def handle(self, event: Event) -> None:
        """Handle an event of a DLC."""
        if isinstance(event, DataReceived):
            transport = self._transports.get(event.dlci)
            if transport is not None:
                self.discarded += transport._received(event.data)
            else:
                self._keep(event.dlci, event.data)
            return
        if self._offers.handle(event):
            self.wake()
        match event:
            case Writable(dlci=dlci) if dlci in self._transports:
                self._transports[dlci]._push()
            case Opened(dlci=dlci):
                self._opening(dlci).over()
                self._settle(dlci, None)
            case Closed():
                self._closed(event)

    def _keep(self, dlci: int, data: bytes) -> None:
        """Keep data of a channel that the peer opened and that has no protocol yet; too much stops the peer."""
        early = self._early.setdefault(dlci, bytearray())
        room = max(0, bounds.RECEIVE_LIMIT - len(early))
        early += data[:room]
        self.discarded += max(0, len(data) - room)
        if len(early) >= bounds.RECEIVE_HIGH:
            self._calls.pause(dlci)

    def _closed(self, event: Closed) -> None:
        dlci, lost = event.dlci, event.cause in (Cause.SESSION, Cause.LINE_LOST)
        error: DlcError | SessionEnded = dlc_error(event)
        ended = self._mux.protocol.link.ended  # None: only the session of a responder has ended
        if lost and ended is not None:
            error = SessionEnded(ended.cause, f"{self._mux.name}: {ended.detail}")
        if not self._opening(dlci).is_of_previous(event):
            self._settle(dlci, error)
        transport = self._transports.pop(dlci, None)
        if not lost or (transport is not None and transport.is_closing()):
            self._again.pop(dlci, None)
            self._calls.ours.pop(dlci, None)
        if transport is not None:
            transport._end(error)
        self._early.pop(dlci, None)
        self._streams.pop(dlci, None)

    def _settle(self, dlci: int, error: Exception | None) -> None:
        opened = self._opened.get(dlci)
        if opened is None:
            return
        if error is not None:
            self._failed[dlci] = error
        if not opened.done():
            opened.set_result(None)
