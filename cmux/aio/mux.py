"""One multiplexed line for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Self, TypeVar

from ..capture.recorder import Capture
from ..errors import CmuxError, SessionEnded
from ..logs import log_event, port_logger
from ..opening import check_dlci
from ..protocol import startup, waits
from ..protocol.commands import Signals, Test
from ..protocol.config import Config, Role
from ..protocol.events import Cause, CommandDone, Event, Outcome, SessionClosed, SessionOpened
from ..reconnector import Backoff
from .channel_transport import ChannelTransport
from .channels import Channels, Streams
from .line import AioLine
from .protocol import MuxProtocol

P = TypeVar("P", bound=asyncio.BaseProtocol)

Reopen = Callable[[], Awaitable[tuple[AioLine, bytes]]]
"""Opens a line and brings the module into multiplexer mode; with it comes what was read too far."""


class Mux:
    """One multiplexed line; `cmux.aio.open` makes it.

    Args:
        name: of the line.
        config: parameters of the session.
        leave_by_at: after closing, ask with AT whether the module is back in AT mode.
        line_rate: bits per second to which writing is paced; None: not at all.
        capture: told every octet; the Mux closes it.
        drain_timeout: seconds that closing leaves for what is still queued.
        names: of channels, with their DLCI.
        reopen: opens the line anew after it died; None: a dead line stays dead.
    """

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        leave_by_at: bool = True,
        line_rate: int | None = None,
        capture: Capture | None = None,
        drain_timeout: float = 0.5,
        names: Mapping[str, int] = MappingProxyType({}),
        reopen: Reopen | None = None,
    ) -> None:
        self.name = name
        """What was opened."""
        self.config = config
        """The parameters of the session."""
        self.drain_timeout = drain_timeout
        """Seconds that closing leaves for what is still queued."""
        self.error: SessionEnded | None = None
        """Why the session is over: the first cause; None while it lives."""
        self.back_in_at_mode: bool | None = None
        """Whether the module answered AT after closing; None when it was not asked."""
        self.reattached = 0
        """How often a line that died was opened anew."""
        self._log = port_logger(name)
        self._leave_by_at = leave_by_at
        self._line_rate = line_rate
        self._capture = capture
        self._names = names
        self._reopen = reopen
        self._line: AioLine
        self.protocol: MuxProtocol
        """What runs the session: another one after the line was opened anew."""
        self._session: asyncio.Future[None]
        self._channels = Channels(self)
        self._changed = asyncio.Event()
        self._tests: list[tuple[Test, asyncio.Future[Outcome]]] = []
        self._opened = False
        self._reattacher: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def start(self, line: AioLine, first: bytes = b"") -> None:
        """Open DLCI 0 on a line and wait for the peer.

        Args:
            line: open; the Mux closes it.
            first: octets that have been read from it already.

        Raises:
            NoMultiplexer: the peer did not answer SABM.
            SessionEnded: the line was lost.
        """
        self._line, self.error, self._opened = line, None, False
        session = self._session = asyncio.get_running_loop().create_future()
        self.protocol = MuxProtocol(
            Role.INITIATOR, self.config, self._on_event, tap=self._tap, line_rate=self._line_rate
        )
        line.transport.set_protocol(self.protocol)
        self.protocol.connection_made(line.transport)
        if first:
            self.protocol.data_received(first)
        try:
            async with asyncio.timeout(waits.opening(self.config)):
                await asyncio.shield(session)
        except (SessionEnded, TimeoutError) as error:
            if isinstance(error, SessionEnded) and error.cause is Cause.LINE_LOST:
                raise
            if self.error is None:
                self.error = SessionEnded(Cause.TIMEOUT, f"{self.name}: SABM did not leave")
            raise self.protocol.link.not_opened(self.name, after_at=self._leave_by_at) from error

    # --- Channels ---

    async def channel(self, dlci: int | str) -> Streams:
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
        return await self._channels.streams(self._number(dlci))

    async def create_connection(self, factory: Callable[[], P], dlci: int | str) -> tuple[ChannelTransport, P]:
        """Open a DLC for a protocol of the caller's.

        Args:
            factory: makes the protocol; called once more when the line is opened anew after it died.
            dlci: 1 to 61, or a name that the profile has for it.

        Returns:
            The transport and the protocol.

        Raises:
            InvalidDlci: the number cannot carry data.
            DlcError: it could not be opened, or is open already.
            SessionEnded: this Mux is closed, or the line died.
        """
        return await self._channels.connect(self._number(dlci), factory)

    def _number(self, dlci: int | str) -> int:
        return check_dlci(self._names.get(dlci, dlci) if isinstance(dlci, str) else dlci)

    def check(self) -> None:
        """Raise why the session is over, if it is."""
        if self.error is not None:
            raise SessionEnded(self.error.cause, str(self.error))

    # --- The control channel ---

    async def test(self, payload: bytes = b"gsm0710") -> Outcome:
        """Have the peer send octets back on DLCI 0 (27.010 §5.4.6.3.4), and wait for them.

        Args:
            payload: the octets.

        Returns:
            What became of it.

        Raises:
            SessionEnded: the session is over.
        """
        self.check()
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = Test(bytes(payload)), answered
        self._tests.append(waiting)
        try:
            self.protocol.multiplexer.test(payload, self.protocol.now())
            self.protocol.flush()
            async with asyncio.timeout(waits.answer(self.config)):
                return await answered
        except TimeoutError:
            return Outcome.TIMEOUT
        finally:
            self._tests.remove(waiting)

    # --- For the channels ---

    def send(self, dlci: int, data: bytes) -> int:
        """Queue octets; return how many were taken."""
        return self.protocol.write(dlci, data)

    def unsent(self, dlci: int) -> int:
        """Return how many octets of a DLC wait to be sent."""
        return self.protocol.multiplexer.unsent(dlci)

    def signals(self, dlci: int) -> Signals | None:
        """Return the peer's V.24 signals."""
        return self.protocol.multiplexer.signals(dlci)

    def set_signals(self, dlci: int, signals: Signals, *, paused: bool = False) -> None:
        """Set our V.24 signals; where the peer has been asked to stop it goes on being asked."""
        self._channels.ours[dlci] = signals
        said = replace(signals, fc=True) if paused else signals
        self.protocol.multiplexer.set_signals(dlci, said, self.protocol.now())
        self.protocol.flush()

    def pause(self, dlci: int) -> None:
        """Ask the peer to stop on a DLC."""
        self.protocol.multiplexer.pause_reading(dlci, self.protocol.now())
        self.protocol.flush()

    def resume(self, dlci: int) -> None:
        """Let the peer go on."""
        self.protocol.multiplexer.resume_reading(dlci, self.protocol.now())
        self.protocol.flush()

    def close_dlc(self, dlci: int, *, drain: bool) -> None:
        """Close a DLC."""
        self.protocol.multiplexer.close(dlci, self.protocol.now(), drain)
        self.protocol.flush()

    # --- Events ---

    def _tap(self, data: bytes, outgoing: bool) -> None:
        self._changed.set()
        if self._capture is not None:
            self._capture.feed(data, from_host=outgoing, timestamp=time.time_ns())

    def _on_event(self, event: Event) -> None:
        log_event(self._log, event)
        match event:
            case SessionOpened() if not self._session.done():
                self._opened = True
                self._session.set_result(None)
            case SessionClosed():
                self._session_closed(event)
            case CommandDone(command=command, outcome=outcome) if outcome is not Outcome.CANCELLED:  # why, comes next
                for asked, answered in self._tests:
                    if asked == command and not answered.done():
                        answered.set_result(outcome)
            case _:
                self._channels.handle(event)
        self._changed.set()

    def _session_closed(self, event: SessionClosed) -> None:
        cause = event.cause
        if self.error is None:
            self.error = SessionEnded(cause, f"{self.name}: {event.detail}")
            if cause is not Cause.LOCAL and self._opened:  # what ends the opening is raised there
                self._log.log(logging.WARNING if self._reopen else logging.INFO, "%s", event.detail)
        if not self._session.done():
            self._session.set_exception(self.error)
            self._session.exception()  # it may be that nobody waits any more
        for _, answered in self._tests:
            if not answered.done():
                answered.set_exception(SessionEnded(self.error.cause, str(self.error)))
        wanted = self._reopen is not None and self._opened and self._closing is None and cause is not Cause.LOCAL
        if wanted and self._reattacher is None:
            self._reattacher = asyncio.get_running_loop().create_task(self._reattach())

    # --- State ---

    @property
    def reattaching(self) -> bool:
        """Whether a line that died is going to be opened anew."""
        return self._reattacher is not None

    def stats(self) -> dict[str, object]:
        """Return the counters of session and line as a plain dictionary, those of each DLC under ``dlcs``."""
        stats = self.protocol.stats()
        stats["reattached"] = self.reattached
        stats["received_discarded"] = self._channels.discarded
        return stats

    # --- After the line has died ---

    async def wait_attached(self) -> None:
        """Wait while a line that died is going to be opened anew; return at once while it lives.

        A stream or a transport that has heard of the end stays ended. When this returns the channels that were open
        are open again: `channel` gives their new streams, and the factories of `create_connection` have been called
        once more.

        Raises:
            SessionEnded: it is not going to be opened anew.
        """
        while self.error is not None or self._reattacher is not None:
            if self._reattacher is None:
                self.check()
            self._changed.clear()
            await self._changed.wait()

    async def _reattach(self) -> None:
        backoff = Backoff()
        try:
            while True:
                await asyncio.sleep(backoff.delay)
                try:
                    if await self._attempt():
                        break
                    backoff.succeeded()
                except (CmuxError, OSError) as error:
                    backoff.failed(self.name, error)
        finally:
            self._reattacher = None
            self._changed.set()
        self.reattached += 1
        self._log.warning("attached again")

    async def _attempt(self) -> bool:
        """Try once to open the line anew; return False when it died again at once."""
        assert self._reopen is not None  # noqa: S101 - else nobody comes here
        self.protocol.detach()
        await self._line.close()
        line, first = await self._reopen()
        await self.start(line, first)
        await self._channels.open_again()
        return self.error is None

    # --- The end ---

    async def close(self) -> None:
        """Close each DLC and the multiplexer, make sure that the module is back in AT mode, and release the port.

        It never raises because of the line. It goes on when the caller is cancelled; a second call waits for the first.
        """
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._reattacher is not None:
            self._reattacher.cancel()
            await asyncio.wait([self._reattacher])
        try:
            await self._end_session()
        except asyncio.CancelledError:  # the loop ends: the module may not have heard of the end
            transport = self.protocol.detach()
            if transport is not None and not transport.is_closing() and self._leave_by_at:
                transport.write(startup.rescue_frames(self.config.option))
            raise
        finally:
            if self.error is None:
                self.error = SessionEnded(Cause.LOCAL, f"{self.name}: closed")
            self._channels.end(self.error)
            self.protocol.detach()
            await self._line.close()
            if self._capture is not None:
                self._capture.close()
            self._changed.set()

    async def _end_session(self) -> None:
        core, config = self.protocol.multiplexer, self.config
        await self._until(lambda: not self._channels.unsent(), self.drain_timeout)
        if self.error is None and core.session_open:
            core.shutdown(self.protocol.now())
            self.protocol.flush()
            await self._until(lambda: not core.session_open, waits.shutdown(config))
        transport = self.protocol.detach()
        if transport is None or transport.is_closing() or not self._leave_by_at:
            return
        if not self._opened:
            transport.write(startup.rescue_frames(config.option))
        with contextlib.suppress(SessionEnded):
            self.back_in_at_mode = await self._line.run(startup.leave(config.option, close_down=False))

    async def _until(self, ready: Callable[[], bool], limit: float) -> None:
        """Wait until something holds that an event, or what is handed to the line, brings about."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self.error is None and not ready():
                    self._changed.clear()
                    await self._changed.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
