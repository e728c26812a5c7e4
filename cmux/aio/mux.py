"""One multiplexed line for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ..errors import CmuxError, SessionEnded, StartupError
from ..logs import log_event, log_left
from ..protocol import hand_over, leaving, waits
from ..protocol.cause import CLOSED_HERE
from ..protocol.config import Role
from ..protocol.events import (
    Cause,
    CommandDone,
    CommandReceived,
    DataReceived,
    Event,
    ModeChanged,
    SessionClosed,
    SessionOpened,
)
from ..protocol.hand_over import Entered
from ..protocol.link import Link
from ..protocol.responder import Responder
from ..protocol.startup_steps import rescue_frames
from ..reconnector import Backoff
from ..resetting import Resetter
from ..serving import Refuse, apply_refusals, check_answer, refused
from .channel_access import ChannelAccess
from .channels import Channels
from .line import AioLine, attempt
from .protocol import MuxProtocol

if TYPE_CHECKING:
    from ..capture import Capture

P = TypeVar("P", bound=asyncio.BaseProtocol)

OnCommand = Callable[[str], str | Awaitable[str]]
"""Answers an AT command."""

Reopen = Callable[[], Awaitable[tuple[AioLine, Entered | None]]]
"""Opens a line and brings the module into multiplexer mode."""

BeginAgain = Callable[[AioLine, Entered], Awaitable[Entered | None]]
"""Takes a module that did not answer SABM back to AT mode, and brings it into multiplexer mode once more."""


class Mux(ChannelAccess):
    """One multiplexed line; `cmux.aio.open` and `cmux.aio.serve` return it.

    Args:
        name: the name of the line.
        make_link: creates the session and the rules of its line; called again when the line is opened again.
        entered: how the module came into multiplexer mode; None: not by AT+CMUX.
        capture: gets every octet; the Mux closes it.
        drain_timeout: seconds that closing waits for what is still queued.
        names: names of channels, with their DLCI.
        reopen: opens the line again after it died; None: a line that died stays dead.
        on_command: answers AT commands that a responder does not know.
        refuse: the DLCIs that the peer may not open.
        resetter: resets a module that does not answer when the line is opened again.
        begin_again: enters multiplexer mode once more, where SABM was not answered; None: that is not tried.
        attempts: how often it is entered at most.
    """

    _kind = "aio.Mux"

    def __init__(
        self,
        name: str,
        make_link: Callable[[], Link],
        *,
        entered: Entered | None = None,
        capture: Capture | None = None,
        drain_timeout: float = 0.5,
        names: Mapping[str, int] = MappingProxyType({}),
        reopen: Reopen | None = None,
        on_command: OnCommand | None = None,
        refuse: Refuse = (),
        resetter: Resetter | None = None,
        begin_again: BeginAgain | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(
            name,
            make_link,
            entered=entered,
            capture=capture,
            names=names,
            can_reopen=reopen is not None,
            refuse=refuse,
            resetter=resetter,
            attempts=attempts if begin_again is not None else 1,
        )
        self.drain_timeout = drain_timeout
        """Seconds that closing waits for what is still queued."""
        self._reopen = reopen
        self._begin_again = begin_again
        self._on_command = on_command
        self._error: SessionEnded | None = None
        self._awaited = []
        self._answering: asyncio.Task[None] | None = None
        self._line: AioLine
        self.protocol: MuxProtocol = self._make_protocol()
        """The protocol that runs the session: another one after the line was opened again."""
        self._session: asyncio.Future[None]
        self._channels = Channels(self)
        self._changed = asyncio.Event()
        self._reconnector: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    def _make_protocol(self) -> MuxProtocol:
        return MuxProtocol(link=self._new_link(), on_event=self._on_event, tap=self._tap)

    async def _start(self, line: AioLine) -> None:
        """Open DLCI 0 on a line and wait for the peer; a responder waits for its peer in `accept` instead.

        Args:
            line: the open line; the Mux closes it.

        Raises:
            NoMultiplexer: the peer did not answer SABM.
            SessionEnded: the line was lost.
        """
        self._line = line
        if self.role is Role.RESPONDER:
            self._connect()
            self._opened = True
            return
        self._told_before, attempt = None, 1
        reason = await self._send_sabm()
        while reason is not None and self._enters_again(attempt):
            attempt += 1
            self.protocol.detach()
            if not await self._entered_again():
                break
            reason = await self._send_sabm()
        if reason is not None:
            self._raise_not_opened(reason)

    async def _send_sabm(self) -> SessionEnded | TimeoutError | None:
        """Begin a session, and wait until it is open; return why it is not going to be, at other rates either."""
        self._connect()
        reason = await self._refusal()
        for rate in self._rates_to_follow(self._line.has_baudrate):
            if reason is None or not self._may_follow():
                break
            self.protocol.detach()
            wait = self._entered.settle if self._entered is not None else 0.0
            self._followed(rate, await self._line.run(hand_over.settle(wait, rate)))
            self._connect()
            reason = await self._refusal()
        return reason

    async def _entered_again(self) -> bool:
        """Enter multiplexer mode once more; return False where the module does not get there."""
        assert self._begin_again is not None  # noqa: S101 - else there is one attempt
        assert self._entered is not None  # noqa: S101 - else it was not entered by AT
        try:
            self._entered = await self._begin_again(self._line, self._entered)
        except StartupError:
            return False
        return True

    def _connect(self) -> None:
        """Begin a session on the line."""
        self._error, self._opened = None, False
        self._session = asyncio.get_running_loop().create_future()
        if self.protocol.link.ended is not None:
            self.protocol = self._make_protocol()
        self._line.transport.set_protocol(self.protocol)
        self.protocol.connection_made(self._line.transport)
        if self._first:
            self.protocol.data_received(self._first)

    async def _refusal(self) -> SessionEnded | TimeoutError | None:
        """Wait until the session is open; return why it is not going to be."""
        try:
            async with asyncio.timeout(waits.opening(self.config)):
                await asyncio.shield(self._session)
        except (SessionEnded, TimeoutError) as error:
            return error
        return None

    def _raise_not_opened(self, error: SessionEnded | TimeoutError) -> None:
        if isinstance(error, SessionEnded) and error.cause is Cause.LINE_LOST:
            raise error
        if self.error is None:
            self._error = SessionEnded(Cause.TIMEOUT, f"{self.name}: SABM was not sent")
        refusal = self._told_before or self.protocol.link.not_opened(self.name, self._entered)
        self._line.explain(refusal)
        raise refusal from error

    # --- Events ---

    def _tap(self, data: bytes, outgoing: bool) -> None:
        self._changed.set()
        if self._capture is not None:
            from_host = outgoing == (self.role is Role.INITIATOR)
            self._capture.feed(data, from_host=from_host, timestamp=time.time_ns())

    def _on_event(self, event: Event) -> None:
        log_event(self._log, event)
        match event:
            case DataReceived():  # the only one that is not rare
                self._channels.handle(event)
            case SessionOpened() if not self._session.done():
                self._opened = True
                self._session.set_result(None)
            case SessionClosed():
                self._session_closed(event)
            case CommandDone():
                self._answer(event)
            case CommandReceived(command=command):
                self._answering = asyncio.get_running_loop().create_task(self._answer_command(command))
            case ModeChanged() if self._capture is not None:
                self._capture.reconfigure(self.config)
            case _:
                self._channels.handle(event)
        self._changed.set()

    def _session_closed(self, event: SessionClosed) -> None:
        ended = self.protocol.link.ended  # None: only the session of a responder has ended
        if ended is not None and self.error is None:
            self._error = SessionEnded(ended.cause, f"{self.name}: {ended.detail}")
        self._keep_end(event)
        if self.error is not None and not self._session.done():
            self._session.set_exception(self.error)
            self._session.exception()  # perhaps no caller waits any more
        self._answer(None)
        if self._reconnector is None and self._is_to_reattach():
            self._reconnector = asyncio.get_running_loop().create_task(self._reattach())
        if callable(self._refuse) and (self.error is None or self.reattaching):
            asyncio.get_running_loop().call_soon(self._ask_again_whom_to_refuse)
        self._channels.wake()

    async def _answer_command(self, command: str) -> None:
        text = "ERROR"
        try:
            answer = self._on_command(command) if self._on_command is not None else text
            text = check_answer(await answer if isinstance(answer, Awaitable) else answer)
        except Exception:  # noqa: BLE001 - a callback of the user may raise anything
            self._log.exception("a callback failed")
        link = self.protocol.link
        if self.error is None and isinstance(link, Responder):
            self.protocol._emit(link.answer(text, self.protocol.now()))

    def _ask_again_whom_to_refuse(self) -> None:
        try:
            self._refused = refused(self._refuse, self.config)
        except Exception:  # noqa: BLE001 - a callback of the user may raise anything
            self._log.exception("a callback failed")
            return
        apply_refusals(self.protocol.multiplexer, self._refused)

    # --- State ---

    @property
    def _link(self) -> Link:
        return self.protocol.link

    def _cause(self) -> SessionEnded | None:
        return self._error

    def _is_closed(self, *, wholly: bool) -> bool:
        return self._closing is not None and (self._closing.done() or not wholly)

    def stats(self) -> dict[str, object]:
        """Return the counters of session and line as a plain dictionary, those of each DLC under ``dlcs``."""
        stats = self.protocol.stats()
        stats["reattached"] = self.reattached
        stats["received_discarded"] = self._channels.discarded
        return stats

    # --- After the line has died ---

    async def wait_attached(self) -> None:
        """Wait while a line that died is being opened again; return at once while it is alive.

        Streams and transports that have ended stay ended. When this returns, the channels that were open are open
        again: `channel` returns their new streams, and the factories of `create_connection` have been called once more.

        Raises:
            SessionEnded: the line will not be opened again.
        """
        while self.error is not None or self._reconnector is not None:
            if self._reconnector is None:
                self._check()
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
            self._reconnector = None
            self._changed.set()
        self._count_reattaching()
        self._log.warning("attached again")

    async def _attempt(self) -> bool:
        """Try once to open the line again; return False if it died again at once."""
        assert self._reopen is not None  # noqa: S101 - otherwise there is no reconnector
        self.protocol.detach()
        await self._line.close()
        await attempt(self._resetter)
        line, self._entered = await self._reopen()
        await self._start(line)
        if self.role is Role.INITIATOR:  # for a responder, its peer opens them
            await self._channels.open_again()
        return self.error is None

    # --- The end ---

    async def close(self) -> None:
        """Close each DLC and the multiplexer, make sure that the module is back in AT mode, and release the port.

        Errors of the line do not raise. Closing continues if the caller is cancelled; further calls wait for its end.
        """
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        for task in (self._reconnector, self._answering):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait([task])
        try:
            await self._end_session()
        except asyncio.CancelledError:  # the loop is ending: the module may not know of the end
            transport = self.protocol.detach()
            if transport is not None and not transport.is_closing() and self._leave_by_at:
                transport.write(rescue_frames(self.config.option))
            raise
        finally:
            if self._error is None:
                self._error = SessionEnded(Cause.LOCAL, f"{self.name}: {CLOSED_HERE}")
            self._channels.end(self._error)
            self.protocol.detach()
            await self._line.close()
            if self._capture is not None:
                self._capture.close()
            self._changed.set()

    async def _end_session(self) -> None:
        core, config = self.protocol.multiplexer, self.config
        await self._until(lambda: not self._channels.unsent(), waits.draining(config, self.drain_timeout))
        if self.error is None and core.session_open:
            core.shutdown(self.protocol.now())
            self.protocol.flush()
            await self._until(lambda: not core.session_open, waits.shutdown(config))
        transport = self.protocol.detach()
        if transport is None or transport.is_closing() or not self._leave_by_at:
            return
        with contextlib.suppress(SessionEnded):
            way, pause = self._way_back, self._leave_pause
            back = leaving.leave(config.option, close_down=not self._opened, way=way, pause=pause)
            answered = await self._line.run(back)
            self._keep_left(answered=answered)
            log_left(self._log, answered=answered, ended=self._opened)

    async def _until(self, ready: Callable[[], bool], limit: float) -> None:
        """Wait for a condition that an event, or writing to the line, brings about."""
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
