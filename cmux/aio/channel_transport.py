"""One DLC as an asyncio transport."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from ..errors import DlcError, SessionEnded, StateError
from ..octets_only import octets
from ..protocol import bounds, waits
from ..protocol.config import Config
from ..protocol.signals import Signals
from .core_calls import CoreCalls
from .water_marks import water_marks

_HIGH_WATER = 16384
_PIECE = 16384


class MuxOfChannel(Protocol):
    """What a transport needs from its `Mux`."""

    @property
    def drain_timeout(self) -> float:
        """Seconds that closing waits for what is still queued."""

    @property
    def config(self) -> Config:
        """The parameters of the session."""


class ChannelTransport(asyncio.Transport):
    """A transport that carries the octets of one DLC; `Mux.create_connection` creates it.

    ``pause_reading`` asks the peer to stop; the protocol's ``pause_writing`` is called when the peer takes nothing.
    ``get_extra_info`` knows ``"dlci"``, ``"mux"`` and ``"signals"`` (the peer's, or None).

    Args:
        mux: the multiplexer.
        calls: the calls to its core.
        dlci: 1 to 61, open.
        protocol: an `asyncio.Protocol`.
    """

    def __init__(self, mux: MuxOfChannel, calls: CoreCalls, dlci: int, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self.dlci = dlci
        """The number of the DLC."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the DLC is closed."""
        self._mux = mux
        self._calls = calls
        self._protocol = cast(asyncio.Protocol, protocol)
        self._buffer = bytearray()
        self._high, self._low = _HIGH_WATER, _HIGH_WATER // 4
        self._protocol_paused = False
        self._reading = True
        self._beyond = 0  # octets that came although the peer has been asked to stop
        self._closing = False
        self._ended = False
        self._pushing = False

    def __repr__(self) -> str:
        state = "closed" if self._ended else "closing" if self._closing else "open"
        return f"<ChannelTransport DLCI {self.dlci} {state} queued={self.get_write_buffer_size()}>"

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return something about the channel.

        Args:
            name: ``dlci``, ``mux``, or ``signals``: the peer's V.24 signals.
            default: what is returned for any other name.

        Returns:
            The number of the DLC, the `Mux` or the signals.
        """
        if name == "dlci":
            return self.dlci
        if name == "mux":
            return self._mux
        return self._calls.signals(self.dlci) if name == "signals" else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Pass the octets that come from now on to another protocol.

        Args:
            protocol: gets them.
        """
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol that gets the octets."""
        return self._protocol

    # --- reading ---

    def is_reading(self) -> bool:
        """Tell whether the peer may send."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Ask the peer to stop sending (FC = 1); octets already under way still arrive."""
        if self._reading and not self._ended:
            self._reading = False
            self._calls.pause(self.dlci)

    def resume_reading(self) -> None:
        """Let the peer send again."""
        if not self._reading and not self._ended:
            self._reading, self._beyond = True, 0
            self._calls.resume(self.dlci)

    # --- writing ---

    def get_write_buffer_size(self) -> int:
        """Return how many octets wait to be sent."""
        return len(self._buffer) + (0 if self._ended else self._calls.unsent(self.dlci))

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high water mark in octets."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set how many octets may wait beyond what the multiplexer itself queues.

        Args:
            high: octets above which ``pause_writing`` is called.
            low: octets at which ``resume_writing`` follows.

        Raises:
            ValueError: `low` is not between 0 and `high`.
        """
        self._low, self._high = water_marks(high, low, _HIGH_WATER)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send octets: the multiplexer queues some, the others wait here.

        Args:
            data: the octets; discarded when the channel is closing.

        Raises:
            TypeError: it is text, or nothing like octets.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            data = octets(data)  # type: ignore[unreachable]  # it is for those who check no types
        if self._closing or not data:
            return
        self._buffer += data
        self._push()
        if len(self._buffer) > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._protocol.pause_writing()

    def _push(self) -> None:
        """Pass the waiting octets to the multiplexer, as far as it has room; it calls this when there is room again."""
        if self._pushing:  # sending makes room and causes this call: the loop below continues anyway
            return
        self._pushing = True
        try:
            taken = 1
            while self._buffer and taken and not self._ended:
                taken = self._calls.send(self.dlci, bytes(self._buffer[:_PIECE]))
                del self._buffer[:taken]
        except StateError:  # it is being closed
            return
        finally:
            self._pushing = False
        if self._protocol_paused and len(self._buffer) <= self._low:
            self._protocol_paused = False
            self._protocol.resume_writing()
        if self._closing and not self._buffer:
            self._calls.close(self.dlci, drain=True)

    def set_signals(self, signals: Signals) -> None:
        """Set our V.24 signals (27.010 §5.4.6.3.7).

        Args:
            signals: the signals; its FC follows `pause_reading`.
        """
        self._calls.set_signals(self.dlci, signals, paused=not self._reading)

    # --- the end ---

    def is_closing(self) -> bool:
        """Tell whether `close` was called, or the DLC is gone."""
        return self._closing or self._ended

    def close(self) -> None:
        """Send what is queued, for at most the drain time-out of the Mux, then close the DLC."""
        if not self._closing and not self._ended:
            self._closing = True
            limit = waits.draining(self._mux.config, self._mux.drain_timeout)
            asyncio.get_running_loop().call_later(limit, self.abort)
            self._push()

    def abort(self) -> None:
        """Close the DLC now; what is queued is discarded."""
        self._closing = True
        self._buffer.clear()
        if not self._ended:
            self._calls.close(self.dlci, drain=False)

    # --- called by the multiplexer ---

    def _received(self, data: bytes) -> int:
        """Pass octets to the protocol, also when it has asked the peer to stop, but then not without end.

        Returns:
            How many of them were dropped.
        """
        dropped = 0
        if not self._reading:
            self._beyond += len(data)
            dropped = min(len(data), max(0, self._beyond - bounds.RECEIVE_LIMIT))
            data = data[: len(data) - dropped]
        if data:
            self._protocol.data_received(data)
        return dropped

    def _end(self, error: DlcError | SessionEnded | None) -> None:
        """Tell the protocol that the DLC is gone; None if this side closed it."""
        if self._ended:
            return
        self._ended = True
        self._buffer.clear()
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None if self._closing else error)
        if not self.closed.done():
            self.closed.set_result(None)
