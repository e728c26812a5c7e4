"""A line for asyncio: its transport, and the dialogues on it before and after a session."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

from ..errors import SessionEnded, StartupError
from ..line.base import HEARD, HungUp, Line, hung_up, hung_up_after
from ..line.physical import DescriptorLine
from ..logs import StepLog, port_logger
from ..opening import Plan
from ..protocol import bounds
from ..protocol.events import Cause
from ..protocol.startup_steps import Dialogue, Stall, StepResult
from ..resetting import Resetter
from .fd_transport import FdTransport
from .thread_transport import ThreadTransport

T = TypeVar("T")


class _Collector(asyncio.Protocol):
    """Keeps the octets that come during a dialogue."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.changed = asyncio.Event()
        self.lost: HungUp | None = None
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.connected.done():
            self.connected.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = hung_up(exc)
        self.changed.set()


class AioLine:
    """An open line with its transport; `open_aio_line` creates it.

    Args:
        line: the open line; `close` closes it.
    """

    def __init__(self, line: Line) -> None:
        self.name: str = line.name
        """The name of the port."""
        self._line = line
        loop = asyncio.get_running_loop()
        self._released = asyncio.Event()
        self._collector = _Collector()
        self.transport: asyncio.Transport
        """The transport that carries the octets."""
        if isinstance(line, DescriptorLine) and hasattr(loop, "add_reader"):
            transport = FdTransport(loop, line.fileno(), self._collector, name=line.name, on_close=self._release)
            transport.set_write_buffer_limits(bounds.AHEAD)
            self.transport = transport
        else:
            self.transport = ThreadTransport(loop, line, self._collector, self._released)

    @property
    def rate(self) -> int | None:
        """See `Line.rate`."""
        return self._line.rate

    @property
    def has_baudrate(self) -> bool:
        """See `Line.has_baudrate`."""
        return self._line.has_baudrate

    def explain(self, error: StartupError) -> None:
        """See `Line.explain`."""
        self._line.explain(error)

    def _release(self) -> None:
        self._line.close()
        self._released.set()

    async def connected(self) -> None:
        """Wait until the transport is ready."""
        await self._collector.connected

    async def run(self, dialogue: Dialogue[T]) -> T:
        """Run a dialogue; afterwards the caller has to give the transport back to its previous protocol.

        Args:
            dialogue: a dialogue of the core.

        Returns:
            The result of the dialogue.

        Raises:
            SessionEnded: the line was lost.
        """
        loop, collector, stall, heard = asyncio.get_running_loop(), self._collector, Stall(), b""
        log = StepLog(port_logger(self.name))
        self.transport.set_protocol(collector)
        try:
            step = next(dialogue)
            while True:
                started = loop.time()
                if step.baudrate is not None and self._line.has_baudrate:
                    self._line.set_baudrate(step.baudrate)
                    log.set_to(step.baudrate)
                self._look(stall)
                self.transport.write(step.write)
                heard = b"" if step.write else heard
                if step.wait > 0:
                    await self._listen(started + step.wait, stall)
                received, collector.received = bytes(collector.received) if step.wait > 0 else b"", bytearray()
                heard = (heard + received)[:HEARD]
                log(step.write, received)
                step = dialogue.send(StepResult(received, loop.time() - started))
        except StopIteration as stop:
            return cast(T, stop.value)
        except HungUp as error:
            raise SessionEnded(Cause.LINE_LOST, f"{self.name}: {hung_up_after(heard, error)}") from error

    async def _listen(self, until: float, stall: Stall) -> None:
        """Wait until octets have come, or until a time on the loop's clock."""
        loop, collector = asyncio.get_running_loop(), self._collector
        while True:
            collector.changed.clear()
            self._look(stall)
            if collector.received or loop.time() >= until:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until if stall.lost_at is None else min(until, stall.lost_at)):
                    await collector.changed.wait()

    def _look(self, stall: Stall) -> None:
        """Raise the reason why the line is lost, if it is."""
        lost = stall.look(self.transport.get_write_buffer_size(), asyncio.get_running_loop().time())
        if self._collector.lost is not None and not self._collector.received:
            raise self._collector.lost
        if lost is not None:
            raise HungUp(lost)

    async def close(self) -> None:
        """Write what is queued, for a limited time, and release the port; no protocol is told."""
        self.transport.set_protocol(asyncio.Protocol())
        self.transport.close()
        await self._released.wait()


async def attempt(resetter: Resetter) -> None:
    """See `Resetter.attempt`: the command runs in a temporary thread, and ends with the task that waits for it."""
    if not resetter.is_due():
        return
    executor = ThreadPoolExecutor(1, "cmux resetter")
    try:
        await asyncio.wrap_future(executor.submit(resetter.run))
    except asyncio.CancelledError:
        resetter.cancel()
        raise
    finally:
        executor.shutdown(wait=True)


async def open_aio_line(plan: Plan, *, again: bool = False) -> AioLine:
    """Open a line; if it is on another machine, in a temporary thread.

    Args:
        plan: the line, and how to open it.
        again: the line was lost; see `Plan.open_line`.

    Returns:
        The line, with its transport ready.

    Raises:
        PortError: it cannot be opened.
    """
    remote = isinstance(plan.port, str) and "://" in plan.port
    line = await _open_by_thread(plan, again) if remote else plan.open_line(again=again)
    try:
        opened = AioLine(line)
    except BaseException:
        line.close()
        raise
    try:
        await opened.connected()
    except BaseException:
        await opened.close()
        raise
    return opened


async def _open_by_thread(plan: Plan, again: bool) -> Line:
    executor = ThreadPoolExecutor(1, f"cmux opener {plan.port}")
    opening = executor.submit(plan.open_line, again=again)
    try:
        return await asyncio.wrap_future(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    finally:
        executor.shutdown(wait=opening.done())


def _close_late(opening: Future[Line]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
