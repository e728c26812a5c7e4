"""One multiplexed line for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, TypeVar

from .aio_channel import ChannelTransport
from .aio_protocol import MuxProtocol
from .capture import Capture
from .errors import SessionEnded, dlc_error
from .mux import check_dlci
from .protocol import startup
from .protocol.commands import Signals
from .protocol.config import Config, Role
from .protocol.events import Cause, Closed, DataReceived, Event, Opened, SessionClosed, SessionOpened, Writable

P = TypeVar("P", bound=asyncio.BaseProtocol)

_CLOSE_MARGIN = 2.0
_PATIENCE = 5.0
_EARLY_LIMIT = 65536

_log = logging.getLogger("cmux.aio")


class Mux:
    """One multiplexed line; `cmux.aio.open` makes it.

    Args:
        name: of the line.
        config: parameters of the session.
        capture: told every octet; the Mux closes it.
        drain_timeout: seconds that closing leaves for what is still queued.
        names: of channels, with their DLCI.
    """

    def __init__(
        self, name: str, config: Config, capture: Capture | None, drain_timeout: float, names: Mapping[str, int]
    ) -> None:
        self.name = name
        """What was opened."""
        self.config = config
        """The parameters of the session."""
        self.drain_timeout = drain_timeout
        """Seconds that closing leaves for what is still queued."""
        self.error: SessionEnded | None = None
        """Why the session is over: the first cause; None while it lives."""
        self.left: Callable[[asyncio.Transport], object] | None = None
        """Coroutine function that asks by AT whether the module is back; None when it is not asked."""
        self.released = asyncio.Event()
        """Set when the port has been released."""
        self._names = names
        self._capture = capture
        self._protocol = MuxProtocol(Role.INITIATOR, config, self._on_event, tap=self._tap)
        self._channels: dict[int, ChannelTransport] = {}
        self._streams: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._opening: dict[int, asyncio.Future[None]] = {}
        self._early: dict[int, bytearray] = {}
        self._changed = asyncio.Event()
        self._session = asyncio.get_running_loop().create_future()
        self._opened = False
        self._closing: asyncio.Task[None] | None = None

    async def start(self, transport: asyncio.Transport, first: bytes) -> None:
        """Open DLCI 0 on a transport and wait for the peer.

        Args:
            transport: of the line.
            first: octets that have been read from it already.

        Raises:
            NoMultiplexer: the peer did not answer SABM.
            SessionEnded: the line was lost.
        """
        transport.set_protocol(self._protocol)
        self._transport = transport
        self._protocol.connection_made(transport)
        if first:
            self._protocol.data_received(first)
        try:
            async with asyncio.timeout((self.config.n2 + 1) * self.config.t1 + _PATIENCE):
                await asyncio.shield(self._session)
        except (SessionEnded, TimeoutError) as error:
            if isinstance(error, SessionEnded) and error.cause is Cause.LINE_LOST:
                raise
            raise startup.no_multiplexer(
                self.name,
                self.config.option,
                b"",
                after_at=self.left is not None,
                refused=isinstance(error, SessionEnded) and error.cause is Cause.REFUSED,
            ) from error

    # --- Channels ---

    async def channel(self, dlci: int | str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return the streams of a DLC, opened; the same ones while it stays open.

        Args:
            dlci: 1 to 61, or a name that the profile has for it.

        Returns:
            Reader and writer of the standard library.

        Raises:
            InvalidDlci: the number cannot carry data.
            DlcRefused: the peer said DM.
            DlcTimeout: it did not answer.
            SessionEnded: this Mux is closed, or the line died.
        """
        number = self._number(dlci)
        transport = self._channels.get(number)
        if number in self._streams and transport is not None and not transport.is_closing():
            return self._streams[number]
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        transport, protocol = await self.create_connection(
            lambda: asyncio.StreamReaderProtocol(reader, loop=loop), number
        )
        streams = reader, asyncio.StreamWriter(transport, protocol, reader, loop)
        self._streams[number] = streams
        return streams

    async def create_connection(self, factory: Callable[[], P], dlci: int | str) -> tuple[ChannelTransport, P]:
        """Open a DLC for a protocol of the caller's.

        Args:
            factory: makes the protocol.
            dlci: 1 to 61, or a name that the profile has for it.

        Returns:
            The transport and the protocol.

        Raises:
            InvalidDlci: the number cannot carry data.
            DlcError: it could not be opened, or is open already.
            SessionEnded: this Mux is closed, or the line died.
        """
        number = self._number(dlci)
        before = self._channels.get(number)
        if before is not None:
            if not before.is_closing():
                raise dlc_error(Closed(number, Cause.LOCAL, "it is open already, with another protocol"))
            await before.closed
        await self._open(number)
        protocol = factory()
        transport = self._channels[number] = ChannelTransport(self, number, protocol)
        protocol.connection_made(transport)
        early = self._early.pop(number, b"")
        if early:
            transport.received(bytes(early))
        return transport, protocol

    async def _open(self, dlci: int) -> None:
        self._check()
        core = self._protocol.multiplexer
        if core.is_open(dlci):  # the peer did it
            return
        if dlci in self._opening:
            await asyncio.shield(self._opening[dlci])
            return
        opened = self._opening[dlci] = asyncio.get_running_loop().create_future()
        core.open(dlci, self._protocol.now())
        self._protocol.flush()
        try:
            await opened
        except asyncio.CancelledError:
            if self.error is None:
                self.close_dlc(dlci, drain=False)
            raise
        finally:
            self._opening.pop(dlci, None)

    def _number(self, dlci: int | str) -> int:
        return check_dlci(self._names.get(dlci, dlci) if isinstance(dlci, str) else dlci)

    def _check(self) -> None:
        if self.error is not None:
            raise SessionEnded(self.error.cause, str(self.error))

    # --- For the channels ---

    def send(self, dlci: int, data: bytes) -> int:
        """Queue octets; return how many were taken."""
        return self._protocol.write(dlci, data)

    def unsent(self, dlci: int) -> int:
        """Return how many octets of a DLC wait to be sent."""
        return self._protocol.multiplexer.unsent(dlci)

    def signals(self, dlci: int) -> Signals | None:
        """Return the peer's V.24 signals."""
        return self._protocol.multiplexer.signals(dlci)

    def set_signals(self, dlci: int, signals: Signals) -> None:
        """Set our V.24 signals."""
        self._protocol.multiplexer.set_signals(dlci, signals, self._protocol.now())
        self._protocol.flush()

    def pause(self, dlci: int) -> None:
        """Ask the peer to stop on a DLC."""
        self._protocol.multiplexer.pause_reading(dlci, self._protocol.now())
        self._protocol.flush()

    def resume(self, dlci: int) -> None:
        """Let the peer go on."""
        self._protocol.multiplexer.resume_reading(dlci, self._protocol.now())
        self._protocol.flush()

    def close_dlc(self, dlci: int, *, drain: bool) -> None:
        """Close a DLC."""
        self._protocol.multiplexer.close(dlci, self._protocol.now(), drain)
        self._protocol.flush()

    # --- Events ---

    def _tap(self, data: bytes, outgoing: bool) -> None:
        if self._capture is not None:
            self._capture.feed(data, from_host=outgoing, timestamp=time.time_ns())

    def _on_event(self, event: Event) -> None:
        match event:
            case DataReceived(dlci=dlci, data=data):
                channel = self._channels.get(dlci)
                if channel is not None:
                    channel.received(data)
                else:  # the peer opened it, and nobody here has yet
                    early = self._early.setdefault(dlci, bytearray())
                    early += data[: max(0, _EARLY_LIMIT - len(early))]
            case Writable(dlci=dlci) if dlci in self._channels:
                self._channels[dlci].push()
            case Opened(dlci=dlci):
                self._settle(dlci, None)
            case Closed(dlci=dlci):
                error = dlc_error(event)
                if event.cause not in (Cause.LOCAL, Cause.PEER):  # that is the end of the one before
                    self._settle(dlci, error)
                self._early.pop(dlci, None)
                channel = self._channels.pop(dlci, None)
                if channel is not None:
                    lost = event.cause in (Cause.SESSION, Cause.LINE_LOST)
                    channel.end(SessionEnded(event.cause, f"{self.name}: {event.detail}") if lost else error)
                self._streams.pop(dlci, None)
            case SessionOpened() if not self._session.done():
                self._opened = True
                self._session.set_result(None)
            case SessionClosed(cause=cause, detail=detail):
                if self.error is None:
                    self.error = SessionEnded(cause, f"{self.name}: {detail}")
                    _log.log(logging.DEBUG if cause is Cause.LOCAL else logging.WARNING, "%s", self.error)
                if not self._session.done():
                    self._session.set_exception(self.error)
                    self._session.exception()  # it may be that nobody waits any more
        self._changed.set()

    def _settle(self, dlci: int, error: Exception | None) -> None:
        opening = self._opening.get(dlci)
        if opening is not None and not opening.done():
            if error is None:
                opening.set_result(None)
            else:
                opening.set_exception(error)

    # --- State, the end ---

    def stats(self) -> dict[str, object]:
        """Return the counters of the session as a plain dictionary, those of each DLC under ``dlcs``."""
        return self._protocol.multiplexer.stats()

    async def close(self) -> None:
        """Close each DLC and the multiplexer, make sure that the module is back in AT mode, and release the port.

        It never raises because of the line. It goes on when the caller is cancelled; a second call waits for the first.
        """
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        core = self._protocol.multiplexer
        try:
            await self._until(lambda: all(not one.get_write_buffer_size() for one in self._channels.values()),
                              self.drain_timeout)  # fmt: skip
            if self.error is None and core.session_open:
                core.shutdown(self._protocol.now())
                self._protocol.flush()
                config = self.config
                await self._until(
                    lambda: not core.session_open, (config.n2 + 1) * (config.t1 + config.t2) + _CLOSE_MARGIN
                )
            alive = self._protocol.transport is not None and not self._transport.is_closing()
            if alive and self.left is not None and not self._opened:
                self._transport.write(startup.rescue_frames(self.config.option))
            if alive and self.left is not None:
                transport = self._protocol.detach()
                if transport is not None:
                    await self.left(transport)  # type: ignore[misc]  # a coroutine function
        finally:
            if self.error is None:
                self.error = SessionEnded(Cause.LOCAL, f"{self.name}: closed")
            for channel in list(self._channels.values()):
                channel.end(self.error)
            self._channels.clear()
            self._protocol.detach()
            self._transport.close()
            await self.released.wait()
            if self._capture is not None:
                self._capture.close()

    async def _until(self, ready: Callable[[], bool], limit: float) -> None:
        """Wait until something holds that an event brings about; writing has none, so that is looked at often."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self.error is None and not ready():
                    self._changed.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.01):
                            await self._changed.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
