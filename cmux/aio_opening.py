"""`open` for asyncio: from a name to a multiplexer."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

from .aio_fd import FdTransport
from .aio_mux import Mux
from .capture import Capture
from .errors import SessionEnded
from .line import DescriptorLine, HungUp, Line, SerialLike, open_line
from .mux import check_dlci
from .opening import Startup, find_profile, manner_of, session_config, told_apart
from .protocol import startup as dialogues
from .protocol.config import Option
from .protocol.events import Cause
from .protocol.profiles import Profile
from .protocol.startup import OTHER_RATES, Dialogue, Heard

T = TypeVar("T")

_AHEAD = 1024  # octets that may wait for a line before the multiplexer holds the rest
_QUEUE_HIGH, _QUEUE_LOW = 16384, 4096  # octets that wait for a line without a descriptor


class _Ear(asyncio.Protocol):
    """Runs dialogues on a transport."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._heard = bytearray()
        self._changed = asyncio.Event()
        self._lost: Exception | None = None
        self.connected = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.connected.done():
            self.connected.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = exc or EOFError("end of file")
        self._changed.set()

    async def run(self, transport: asyncio.Transport, dialogue: Dialogue[T]) -> T:
        loop = asyncio.get_running_loop()
        transport.set_protocol(self)
        try:
            step = next(dialogue)
            while True:
                if self._lost is not None:
                    raise SessionEnded(Cause.LINE_LOST, f"{self._line.name}: hung up: {self._lost}")
                started = loop.time()
                if step.baudrate is not None:
                    self._line.set_baudrate(step.baudrate)
                transport.write(step.write)
                if step.wait > 0 and not self._heard:
                    self._changed.clear()
                    try:
                        async with asyncio.timeout(step.wait):
                            await self._changed.wait()
                    except TimeoutError:
                        pass
                heard, self._heard = bytes(self._heard) if step.wait > 0 else b"", bytearray()
                step = dialogue.send(Heard(heard, loop.time() - started))
        except StopIteration as stop:
            return cast(T, stop.value)
        except HungUp as error:
            raise SessionEnded(Cause.LINE_LOST, f"{self._line.name}: {error}") from error


class _ThreadTransport(asyncio.Transport):
    """A line without a pollable descriptor, read by a thread and written by the loop's executor in turn."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, line: Line, protocol: asyncio.Protocol, released: asyncio.Event
    ) -> None:
        super().__init__()
        self._released = released
        self._loop = loop
        self._line = line
        self._protocol = protocol
        self._closing = False
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queued = 0
        self._full = False
        self._thread = threading.Thread(target=self._read, name=f"cmux reader {line.name}", daemon=True)
        self._writer = loop.create_task(self._write())
        loop.call_soon(protocol.connection_made, self)
        self._thread.start()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._closing:
            self._queue.put_nowait(bytes(data))
            self._queued += len(data)
            if self._queued > _QUEUE_HIGH and not self._full:
                self._full = True
                self._protocol.pause_writing()

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._queue.put_nowait(None)

    abort = close

    def _read(self) -> None:
        try:
            while not self._closing:
                data = self._line.read(None)
                if data:
                    self._loop.call_soon_threadsafe(self._deliver, data)
        except (HungUp, RuntimeError) as error:  # RuntimeError: the loop has been closed
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._drop, error)

    def _deliver(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)

    def _drop(self, error: Exception) -> None:
        if not self._closing:
            self._protocol.connection_lost(error)
            self.close()

    async def _write(self) -> None:
        while (data := await self._queue.get()) is not None:
            while data:
                try:
                    taken = await self._loop.run_in_executor(None, self._line.write, data, 1.0)
                except HungUp as error:
                    self._drop(error)
                    taken = len(data)
                data = data[taken:]
                self._queued -= taken
            if self._full and self._queued <= _QUEUE_LOW:
                self._full = False
                self._protocol.resume_writing()
        await self._loop.run_in_executor(None, self._finish)
        self._released.set()

    def _finish(self) -> None:
        self._line.cancel()
        self._thread.join()
        self._line.close()


def _transport(line: Line, protocol: asyncio.Protocol, released: asyncio.Event) -> asyncio.Transport:
    loop = asyncio.get_running_loop()

    def release() -> None:
        line.close()
        released.set()

    if isinstance(line, DescriptorLine) and hasattr(loop, "add_reader"):
        transport = FdTransport(loop, line.fileno(), protocol, name=line.name, on_close=release)
        transport.set_write_buffer_limits(_AHEAD)  # what is handed out cannot be overtaken by another channel any more
        return transport
    return _ThreadTransport(loop, line, protocol, released)


async def open(
    port: str | os.PathLike[str] | SerialLike,
    *,
    baudrate: int = 115200,
    startup: Startup = "at",
    profile: str | Profile = "generic",
    option: Option | str | None = None,
    n1: int | None = None,
    capture: str | os.PathLike[str] | None = None,
    capture_payload: bool = True,
    channels: Iterable[int | str] = (),
    drain_timeout: float = 0.5,
    other_rates: Sequence[int] = OTHER_RATES,
    **settings: Any,
) -> Mux:
    """Open a line, bring the module into multiplexer mode whatever state it is in, and open DLCI 0.

    When it is cancelled the module is told to leave multiplexer mode.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``. Where it has no
            descriptor to poll, a thread reads it.
        baudrate: of the line, bits per second.
        startup: ``"at"`` says AT+CMUX first, ``"none"`` finds the module in multiplexer mode.
        profile: what is known about the module, see `cmux.protocol.profiles`.
        option: the framing: ``"basic"`` or ``"advanced"``; by default that of the profile.
        n1: longest information field to send, in octets; told to the module when given.
        capture: a file to write the frames to.
        capture_payload: False keeps the octets of user DLCs out of it.
        channels: DLCIs, or names of the profile, to open at once.
        drain_timeout: seconds that closing leaves for what is still queued.
        other_rates: baud rates at which a module is looked for that does not answer at `baudrate`.
        settings: more fields of `Config`, and more settings of pyserial, as for `cmux.open`.

    Returns:
        The multiplexer.

    Raises:
        PortError: the line cannot be opened.
        StartupError: the module does not multiplex.
        DlcError: one of `channels` was refused.
        ConfigError: a parameter is out of range.
    """
    known = find_profile(profile)
    wanted = [check_dlci(known.channels.get(dlci, dlci) if isinstance(dlci, str) else dlci) for dlci in channels]
    ours, rest = told_apart(settings, port)
    config = session_config(known, option, n1, **ours)
    line = open_line(port, baudrate, **rest)
    recorder: Capture | None = None
    try:
        recorder = None if capture is None else Capture(capture, config, payload=capture_payload)
        ear = _Ear(line)
        released = asyncio.Event()
        transport = _transport(line, ear, released)
    except BaseException:
        line.close()
        if recorder is not None:
            recorder.close()
        raise
    mux: Mux | None = None
    at = startup == "at"
    try:
        await ear.connected
        first, adopted = b"", False
        if at:
            rates = [rate for rate in other_rates if rate != baudrate] if line.has_baudrate else []
            manner = manner_of(known, config, n1 is not None, baudrate)
            entered = await ear.run(transport, dialogues.enter(line.name, manner, other_rates=rates))
            first, adopted, config = entered.unread, entered.adopted, entered.config
        mux = Mux(line.name, config, recorder, drain_timeout, known.channels)
        mux.released = released
        if at and not adopted:
            mux.left = _leaver(line, config.option)
        await mux.start(transport, first)
        for dlci in wanted:
            await mux.channel(dlci)
    except BaseException:
        if mux is not None:
            await mux.close()
        else:
            if at:
                transport.write(dialogues.rescue_frames(config.option))
            transport.close()
            await released.wait()
            if recorder is not None:
                recorder.close()
        raise
    return mux


def _leaver(line: Line, option: Option) -> Callable[[asyncio.Transport], object]:
    async def leave(transport: asyncio.Transport) -> bool:
        return await _Ear(line).run(transport, dialogues.leave(option, close_down=False))

    return leave
