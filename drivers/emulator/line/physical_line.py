"""The module's one physical line: AT mode, the change to multiplexer mode, and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from cmux.aio import MuxProtocol
from cmux.departed import has_left
from cmux.protocol.commands import Signals
from cmux.protocol.config import Config
from cmux.protocol.events import (
    AtReceived,
    Closed,
    DataReceived,
    Event,
    ModeChanged,
    Opened,
    SignalsChanged,
    Writable,
)
from cmux.protocol.responder import Responder

from ...clock import Timer
from ..environment import limit_buffers
from ..interpreter.commandline import Command
from ..interpreter.replies import OK, SIM_FAILURE, Reply, cme
from ..interpreter.uart import Uart
from ..modem import UARTS, Modem
from .channel import Channel, Loopback
from .frame_habits import FrameHabits
from .hearing import Hearing
from .mux_command import LineSettings, MuxCommand
from .sleeper import Sleeper
from .software_flow import XOFF, XON, SoftwareFlow

log: logging.Logger = logging.getLogger(__name__)

_HIGH_WATER = 16384  # octets that wait for the line before a UART waits, too
_ESCAPE_WAIT = 0.05  # seconds that the second half of an escape sequence may take
_LAST_DLCI = 63
_SOFTWARE = 1  # of AT+IFC
_FRAME_OVERHEAD = 7  # octets of a frame besides its information field


class Room(Protocol):
    """See `Wire.room`."""

    def __call__(self, wanted: int, ahead: int, worth: int = 1) -> int:
        """Tell how many octets a line with a rate takes now."""


class PhysicalLine(asyncio.Protocol):
    """Runs the module's side of one connection, in AT mode and in multiplexer mode.

    Args:
        modem: the inside of the module.
        settings: how it behaves.
        admit: returns the line that has the module, or None if this one has it now; else the connection is ended.
        lost: called when it has ended.
    """

    def __init__(
        self,
        modem: Modem,
        settings: LineSettings,
        admit: Callable[[PhysicalLine], PhysicalLine | None],
        lost: Callable[[PhysicalLine, Exception | None], None],
    ) -> None:
        self._modem = modem
        self._settings = settings
        self._admit = admit
        self._lost = lost
        self.gone: asyncio.Future[None] = modem.environment.loop.create_future()
        """Done when the connection has ended, or was never admitted."""
        self._transport: asyncio.Transport | None = None
        self._writable = True
        self._flow = SoftwareFlow(escape=modem.environment.behaviour.xon_escape)
        self._undecided: Timer | None = None
        self._mux: MuxProtocol | None = None
        self._command = MuxCommand(settings)
        self._room: Room | None = None  # of a line with a rate
        self._loopbacks: dict[int, Loopback] = {}
        self._left = float("-inf")  # when multiplexer mode was left

    # As a protocol: AT mode

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"the module's line is a stream, not {transport!r}")
        former = self._admit(self)
        if former is not None and former.host_has_left:  # which has not been read: it gave way to this one
            transport.pause_reading()
            former.gone.add_done_callback(lambda _: self._succeed(transport))
            former.close()
            return
        if former is not None:
            log.warning("the module is in use: a second connection is refused")
            transport.abort()
            self.gone.set_result(None)
            return
        self._transport = transport
        self._room = transport.get_extra_info("room")
        limit_buffers(transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._modem.multiplex = self._multiplex
        self._modem.describe_multiplexer = self._describe
        self._modem.restarted = self._restarted
        if self._settings.at_first:
            self._modem.uarts[0].attach(self)
        else:
            self._start(Config(option=self._settings.options[0], n1=self._settings.n1), b"")

    def _succeed(self, transport: asyncio.Transport) -> None:
        """Take the place of the host that has left, unless this one has left, too."""
        if transport.is_closing():
            self.gone.set_result(None)
            return
        transport.resume_reading()
        self.connection_made(transport)

    @property
    def host_has_left(self) -> bool:
        """Whether the host has ended the connection, as far as the system can tell."""
        endpoint = None if self._transport is None else self._transport.get_extra_info("socket")
        return endpoint is not None and endpoint.fileno() >= 0 and has_left(endpoint.fileno())

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._modem.deaf:
            return
        if self._modem.flow[0] == _SOFTWARE:
            went = not self._flow.stopped
            data = self._flow.filter(data)
            if not self._flow.stopped:
                self._modem.uarts[0].writable()
            elif went and self._transport is not None and self._modem.environment.behaviour.xoff_answer == "FF":
                self._transport.write(b"\xff")
            self._await_escape()
        if data:
            self._modem.uarts[0].feed(data)

    def _await_escape(self) -> None:
        """Start the time after which an octet that may begin an escape sequence counts as data."""
        if self._undecided is not None:
            self._undecided.cancel()
            self._undecided = None
        if self._flow.pending:
            environment = self._modem.environment
            self._undecided = environment.clock.call_later(environment.loop, _ESCAPE_WAIT, self._no_escape)

    def _no_escape(self) -> None:
        self._undecided = None
        if self._transport is not None and (octet := self._flow.settle()):
            self._modem.uarts[0].feed(octet)

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._writable = False

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._writable = True
        self._modem.uarts[0].writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        if self._transport is None:
            return
        self._transport = None
        self._modem.uarts[0].detach()
        self._lost(self, exc)
        self.gone.set_result(None)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    # As the outlet of the plain UART

    def send(self, data: bytes) -> int:
        """See `Outlet.send`."""
        held = self._flow.stopped and self._modem.flow[0] == _SOFTWARE
        if self._transport is None or not self._writable or held:
            return 0
        escapes = self._modem.flow[1] == _SOFTWARE
        if self._room is not None:
            data = self._fitting(data, self._room(len(data), self._modem.environment.behaviour.fifo), escapes)
        if data:
            self._transport.write(self._flow.escape(data) if escapes else data)
        return len(data)

    def _fitting(self, data: bytes, room: int, escapes: bool) -> bytes:
        """Return the first octets, for which there is room: what is escaped has twice as many at most."""
        fitting = data[:room]
        if escapes and 1 < room < len(self._flow.escape(fitting)):
            fitting = data[: room // 2]
        return fitting

    def pause_input(self) -> None:
        """See `Outlet.pause_input`."""
        if self._transport is not None and not self._transport.is_closing():
            self._signal_flow(XOFF)
            self._transport.pause_reading()

    def resume_input(self) -> None:
        """See `Outlet.resume_input`."""
        if self._transport is not None and not self._transport.is_closing():
            self._signal_flow(XON)
            self._transport.resume_reading()

    def carrier(self, on: bool) -> None:
        """See `Outlet.carrier`: a pseudo-terminal or a TCP port has none, and a null-modem cable joins it to DTR."""

    def _signal_flow(self, octet: int) -> None:
        if self._transport is not None and self._modem.flow[1] == _SOFTWARE:
            self._transport.write(bytes([octet]))

    # AT+CMUX

    def _describe(self, ranges: bool) -> str:
        return self._command.ranges() if ranges else self._command.state(running=self._mux is not None)

    def _multiplex(self, uart: Uart, command: Command) -> Reply | None:
        config = self._command.read(command)
        if isinstance(config, Reply):
            return config
        environment = self._modem.environment
        if environment.clock.now() < self._left + environment.behaviour.cmux_reentry:
            return cme(SIM_FAILURE)
        uart.reply(OK)
        self._start(config, *uart.take_over())
        rate = self._command.rate(command)
        if rate and environment.behaviour.cmux_speed == "follow" and self._modem.change_rate is not None:
            self._modem.change_rate(rate)
        return None

    def _start(self, config: Config, tx: bytes, rx: bytes = b"") -> None:
        transport = self._transport
        if transport is None:
            return
        environment = self._modem.environment
        responder = Responder(config, multiplexing=not self._settings.at_first)
        if self._settings.at_first:
            responder.multiplex(config, environment.clock.now())
        sleeper = Sleeper(environment)
        self._mux = MuxProtocol(
            link=responder,
            on_event=self._on_event,
            clock=environment.clock.now,
            call_later=lambda delay, callback: environment.clock.call_later(environment.loop, delay, callback),
            tap=sleeper.passed,
            room=None if self._room is None else partial(self._room_for_frames, self._room, responder),
        )
        habits = FrameHabits(environment, config, self._modem.fall_silent, transport.write)
        hearing = Hearing(self._modem, sleeper.filter(habits.incoming(self._mux.data_received)))
        for dlci in range(1, _LAST_DLCI + 1):
            if dlci > UARTS and dlci not in self._settings.loopback:
                self._mux.multiplexer.refuse(dlci)
        self._modem.multiplexing = True
        self._modem.reset_uarts()
        watched = _Watched(self._mux, self, hearing.take)
        transport.set_protocol(watched)
        if self._settings.at_first and environment.behaviour.cmux_settle:
            watched.hears(hearing.settling(watched.hears))
            if rx:
                watched.data_received(rx)
            rx = b""
        if tx:
            transport.write(tx)
        if self._settings.tap is not None:
            self._settings.tap.begin(config)
            self._settings.tap.feed(rx, from_host=True)
        transport.resume_reading()
        self._mux.connection_made(habits.outgoing(transport, partial(self._answered, responder)))
        if rx:
            hearing.take(rx)

    def _answered(self, link: Responder, octets: bytes) -> None:
        """Take the host's part of what is not said on the line."""

        def take() -> None:
            if link.multiplexing and self._mux is not None:
                self._mux.data_received(octets)

        self._modem.environment.loop.call_soon(take)

    def _room_for_frames(self, room: Room, link: Responder) -> int | None:
        """Return how many octets beyond the next frame the line takes; None: not even that.

        The next frame is asked for when the last octet of the one before leaves, so that no other is behind a stop.
        """
        if not link.multiplexing:  # these are the last
            return _HIGH_WATER
        core = link.multiplexer
        frame = core.config.n1 + _FRAME_OVERHEAD
        octets = room(max(1, core.sendable), 1, frame)
        return max(0, octets - frame) if octets else None

    def _stop_tap(self) -> None:
        if self._settings.tap is not None:
            self._settings.tap.end()

    def _back_to_at(self) -> None:
        self._stop_tap()
        mux, self._mux = self._mux, None
        self._left = self._modem.environment.clock.now()
        self._modem.left_multiplexer()
        self._loopbacks.clear()
        if mux is None:
            return
        mux.detach()
        if self._transport is not None and not self._transport.is_closing():
            self._writable = True
            self._transport.set_protocol(self)
            self._modem.uarts[0].attach(self)

    def _restarted(self) -> None:
        if self._mux is not None and self._settings.at_first:
            self._back_to_at()

    def mux_lost(self, exc: Exception | None) -> None:
        """Called when the connection has ended in multiplexer mode."""
        self._stop_tap()
        self._mux = None
        self._loopbacks.clear()
        self._modem.left_multiplexer()
        self.connection_lost(exc)

    # Multiplexer mode

    def _on_event(self, event: Event) -> None:
        match event:
            case Opened(dlci=dlci):
                self._opened(dlci)
            case Closed(dlci=dlci) if dlci in self._loopbacks:
                del self._loopbacks[dlci]
            case Closed(dlci=dlci) if 1 <= dlci <= UARTS:
                self._modem.disconnected(dlci - 1)
            case DataReceived(dlci=dlci, data=data) if dlci in self._loopbacks:
                self._loopbacks[dlci].feed(data)
            case DataReceived(dlci=dlci, data=data) if 1 <= dlci <= UARTS:
                self._modem.uarts[dlci - 1].feed(data)
            case Writable(dlci=dlci) if dlci in self._loopbacks:
                self._loopbacks[dlci].pump()
            case Writable(dlci=dlci) if 1 <= dlci <= UARTS:
                self._modem.uarts[dlci - 1].writable()
            case SignalsChanged(dlci=dlci, signals=signals):
                self._signals(dlci, signals)
            case ModeChanged(multiplexing=False) if self._transport is not None:
                if self._mux is not None:
                    self._mux.resume_writing()  # the last frames, if there was no room for them
                self._back_to_at()
            case AtReceived(data=data):  # right behind CLD
                self.data_received(data)

    def _opened(self, dlci: int) -> None:
        if self._mux is None:
            return
        channel = Channel(self._mux, dlci)
        if dlci in self._settings.loopback:
            self._loopbacks[dlci] = Loopback(channel)
        elif dlci <= UARTS:
            self._modem.uarts[dlci - 1].attach(channel)

    def _signals(self, dlci: int, signals: Signals) -> None:
        if self._mux is None:
            return
        if dlci in self._loopbacks:
            paused = self._loopbacks[dlci].paused
            own = Signals(fc=paused, rtc=signals.rtc, rtr=signals.rtr, ic=False, dv=True)
            self._mux.multiplexer.set_signals(dlci, own, self._mux.now())
            self._mux.flush()
        elif dlci <= UARTS:
            self._modem.uarts[dlci - 1].dtr(signals.rtc)


class _Watched(asyncio.Protocol):
    """Passes a transport's calls to the multiplexer, and the end of the connection to the line, too."""

    def __init__(self, mux: MuxProtocol, line: PhysicalLine, receive: Callable[[bytes], None]) -> None:
        self._mux = mux
        self._line = line
        self.hears(receive)
        self.pause_writing = mux.pause_writing  # type: ignore[method-assign]
        self.resume_writing = mux.resume_writing  # type: ignore[method-assign]

    def hears(self, receive: Callable[[bytes], None]) -> None:
        self.data_received = receive  # type: ignore[method-assign, assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._mux.connection_lost(exc)
        self._line.mux_lost(exc)
