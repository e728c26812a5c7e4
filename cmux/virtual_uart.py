"""One DLC as a pyserial port."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import serial
from serial.serialutil import PortNotOpenError, SerialTimeoutException

from .errors import DlcClosed, DlcError, SessionEnded, StateError, dlc_error
from .protocol.commands import Signals
from .protocol.events import (
    Cause,
    Closed,
    DataReceived,
    Event,
    Opened,
    Reestablished,
    SessionClosed,
    SignalsChanged,
    Writable,
)
from .waiting import Deadline, ReadyFlag

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from .engine import Engine
    from .mux import Mux
    from .protocol.multiplexer import Multiplexer

RECEIVE_HIGH = 32768
"""Octets in the receive buffer at which the peer is asked to stop."""
RECEIVE_LOW = 8192
"""Octets left when it may go on."""
RECEIVE_LIMIT = 1 << 20
"""Octets that are kept at most when the peer does not stop."""

_PIECE = 65536
_CLOSE_MARGIN = 1.0
_LONGEST_BREAK = 3.0


class VirtualUart(serial.SerialBase):
    """A DLC that behaves like a serial port; `Mux.channel` makes it, and always returns the same one.

    Settings such as the baud rate are kept, and mean nothing on the line. ``cts``, ``dsr``, ``ri`` and ``cd`` are the
    peer's RTR, RTC, IC and DV; until it has said something they are as 27.010 §5.4.6.3.7 has them idle.

    Args:
        mux: the multiplexer.
        engine: what runs it.
        dlci: 1 to 61.
    """

    def __init__(self, mux: Mux, engine: Engine, dlci: int) -> None:
        self.mux = mux
        """The `Mux` that this channel belongs to."""
        self.dlci = dlci
        """The number of the DLC."""
        self.received_discarded = 0
        """Octets that came although the buffer was full."""
        self._engine = engine
        self._error: DlcError | SessionEnded | None = None
        self._up = False  # the DLC is open on the line; is_open is what the user wants
        self._opening = False
        self._buffer = bytearray()
        self._arrived_at = 0.0
        self._paused = False
        self._wanted = 0
        self._read_cancelled = False
        self._write_cancelled = False
        self._flag: ReadyFlag | None = None
        self._make_locks()
        super().__init__(None)
        self._port = self.portstr = self.name = f"cmux://{mux.name}?dlci={dlci}"

    def _make_locks(self) -> None:
        self._condition = threading.Condition()
        self._asking = threading.Lock()

    # --- Opening and closing ---

    def ensure_open(self) -> None:
        """Open the DLC unless it is open on the line; several threads may ask at once.

        Raises:
            DlcError: it could not be opened, see `open`.
            SessionEnded: the multiplexer is closed.
        """
        with self._asking:
            if self.is_open and not self._up:
                self.close()
            if not self.is_open:
                self.open()

    def open(self) -> None:
        """Open the DLC and wait for the peer's answer.

        Raises:
            DlcRefused: the peer said DM.
            DlcTimeout: it said nothing.
            SessionEnded: the multiplexer is closed.
            serial.SerialException: the port is open already.
        """
        with self._condition:
            if self.is_open:
                raise serial.SerialException("Port is already open.")
            self._error = None
            self._opening = True
            self._read_cancelled = self._write_cancelled = False
            try:
                self._up = self._engine.call(self._begin)
                config = self.mux.config
                patience = (config.n2 + 1) * config.t1 + self.mux.patience
                self._condition.wait_for(lambda: self._up or self._error is not None, patience)
                if self._up:
                    self.is_open = True
                    return
            finally:
                self._opening = False
        error = self._error
        if error is None:
            error = dlc_error(Closed(self.dlci, Cause.TIMEOUT, f"SABM did not leave within {patience:g} s"))
            self._engine.call(lambda core, now: core.close(self.dlci, now, drain=False))
        raise error

    def _begin(self, core: Multiplexer, now: float) -> bool:
        core.set_signals(self.dlci, self._signals(), now)
        if not core.is_open(self.dlci):  # the peer may have opened it
            core.open(self.dlci, now)
        return core.is_open(self.dlci)

    def close(self) -> None:
        """Send what is queued, for half a second at most, discard the rest, close the DLC; it can be opened again."""
        if getattr(self, "_finalizing", False) or not hasattr(self, "_condition"):
            self.is_open = False  # from __del__: no lock, no waiting
            if hasattr(self, "_flag"):
                self._drop_flag()
            return
        with self._condition:
            if not self.is_open:
                return
            self.is_open = False
            self._condition.notify_all()
        try:
            self._engine.wait_written(self.dlci, self.mux.drain_timeout)
            self._engine.call(lambda core, now: core.close(self.dlci, now, drain=False))
            config = self.mux.config
            self._await_closed((config.n2 + 1) * config.t1 + _CLOSE_MARGIN)
        except SessionEnded:
            pass  # then it is closed
        finally:
            with self._condition:
                self._up = False
                self._buffer.clear()
                self._drop_flag()

    def _await_closed(self, timeout: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: not self._up, timeout)

    # --- Reading ---

    def read(self, size: int = 1) -> bytes:
        """Read octets as pyserial does.

        Args:
            size: how many; fewer come when ``timeout`` or ``inter_byte_timeout`` runs out or `cancel_read` is called.

        Returns:
            The octets.

        Raises:
            DlcClosed: the peer closed the DLC, and nothing is left to read.
            SessionEnded: the line died, and nothing is left to read.
        """
        with self._condition:
            self._await(size)
            return self._take(size)

    def read_until(self, expected: bytes = b"\n", size: int | None = None) -> bytes:
        """Read up to and including a sequence.

        Args:
            expected: the sequence.
            size: the most octets to read; None for no limit.

        Returns:
            What ends with `expected`, or less when the time or `size` ran out.
        """
        with self._condition:
            deadline = Deadline(self.timeout)
            searched = 0
            while True:
                found = self._buffer.find(expected, max(0, searched - len(expected) + 1), size)
                if found >= 0:
                    return self._take(found + len(expected))
                searched = len(self._buffer)
                if size is not None and searched >= size:
                    return self._take(size)
                if not self._await(searched + 1, deadline):
                    return self._take(searched)

    def _await(self, size: int, deadline: Deadline | None = None) -> bool:
        """Wait for so many octets; the condition is held."""
        deadline = deadline or Deadline(self.timeout)
        self._check_open()
        while len(self._buffer) < size:
            if self._read_cancelled:
                self._read_cancelled = False
                return False
            if not self._up or not self.is_open:
                if self._buffer:
                    return False
                raise self._reason()
            left = deadline.left()
            if self._buffer and self.inter_byte_timeout is not None:
                gap = self._arrived_at + self.inter_byte_timeout - time.monotonic()
                left = gap if left is None else min(left, gap)
            if left is not None and left <= 0:
                return False
            self._wanted = size  # the water marks are for what nobody waits for
            self._resume()
            self._condition.wait(left)
            self._wanted = 0
        return True

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._set_flag()
        self._resume()
        return data

    def _resume(self) -> None:
        if self._paused and len(self._buffer) <= RECEIVE_LOW + self._wanted:
            self._paused = False
            if self._up and self._engine.error is None:
                self._engine.call(lambda core, now: core.resume_reading(self.dlci, now))

    @property
    def in_waiting(self) -> int:
        """How many octets can be read without waiting."""
        self._check_open()
        return len(self._buffer)

    def reset_input_buffer(self) -> None:
        """Throw away what has been received and not read."""
        with self._condition:
            self._check_open()
            self._take(len(self._buffer))

    def cancel_read(self) -> None:
        """End a `read` that waits in another thread, or else the next one that would."""
        with self._condition:
            self._read_cancelled = True
            self._condition.notify_all()

    # --- Writing ---

    def write(self, data: ReadableBuffer, /) -> int:
        """Queue octets, and wait for room when there is none.

        Args:
            data: the octets.

        Returns:
            How many were taken: all of them, except with a ``write_timeout`` of 0 or after `cancel_write`.

        Raises:
            serial.SerialTimeoutException: ``write_timeout`` ran out; part of it may have been sent.
            DlcClosed: the peer closed the DLC.
            SessionEnded: the line died.
        """
        octets = memoryview(serial.to_bytes(data))  # type: ignore[attr-defined]  # missing in the stubs
        done = 0
        with self._condition:
            self._check_open()
            deadline = Deadline(self.write_timeout)
            while done < len(octets):
                if not self._up or not self.is_open:
                    raise self._reason()
                piece = bytes(octets[done : done + _PIECE])
                taken = self._send(piece)
                done += taken
                if taken == len(piece):
                    continue
                if self._write_cancelled or self.write_timeout == 0:
                    self._write_cancelled = False
                    break
                # The condition is held since send(), so Writable cannot slip in between.
                if not self._condition.wait(deadline.left()):
                    raise SerialTimeoutException("Write timeout")
        return done

    def _send(self, piece: bytes) -> int:
        try:
            return self._engine.call(lambda core, now: core.send(self.dlci, piece, now))
        except StateError:  # the core has closed it; the event that says why is on its way
            self._condition.wait_for(lambda: not self._up, _CLOSE_MARGIN)
            raise self._reason() from None

    @property
    def out_waiting(self) -> int:
        """How many octets wait to be sent."""
        self._check_open()
        return self._engine.call(lambda core, now: core.unsent(self.dlci))

    def flush(self) -> None:
        """Wait until everything that was written has gone to the line.

        Raises:
            serial.SerialTimeoutException: that took longer than ``write_timeout``.
            DlcClosed: the peer closed the DLC first.
            SessionEnded: the line died first.
        """
        self._check_open()
        if not self._engine.wait_written(self.dlci, self.write_timeout):
            if not self._up or self._engine.error is not None:
                raise self._reason()
            raise SerialTimeoutException("Write timeout")

    def reset_output_buffer(self) -> None:
        """Throw away what has been written and not sent."""
        with self._condition:
            self._check_open()
            self._engine.call(lambda core, now: core.discard(self.dlci))
            self._condition.notify_all()

    def cancel_write(self) -> None:
        """End a `write` that waits in another thread, or else the next one that would."""
        with self._condition:
            self._write_cancelled = True
            self._condition.notify_all()

    # --- Signals ---

    def _signals(self) -> Signals:
        return Signals(fc=self._paused, rtc=bool(self.dtr), rtr=bool(self.rts))

    def _update_rts_state(self) -> None:
        self._engine.call(lambda core, now: core.set_signals(self.dlci, self._signals(), now))

    _update_dtr_state = _update_rts_state

    def _update_break_state(self) -> None:
        # A break has a length in MSC, so its end cannot be told: it is the longest one, or one of no length.
        length = _LONGEST_BREAK if self.break_condition else 0.0
        self._engine.call(lambda core, now: core.send_break(self.dlci, length, now))

    def send_break(self, duration: float = 0.25) -> None:
        """Send a break.

        Args:
            duration: seconds, rounded to steps of 0.2, 3 at most.
        """
        self._check_open()
        self._engine.call(lambda core, now: core.send_break(self.dlci, duration, now))

    def _peer(self) -> Signals:
        self._check_open()
        return self._engine.call(lambda core, now: core.signals(self.dlci)) or Signals()

    @property
    def cts(self) -> bool:
        """The peer's RTR: clear to send."""
        return self._peer().rtr

    @property
    def dsr(self) -> bool:
        """The peer's RTC: data set ready."""
        return self._peer().rtc

    @property
    def ri(self) -> bool:
        """The peer's IC: ring indicator."""
        return self._peer().ic

    @property
    def cd(self) -> bool:
        """The peer's DV: carrier detect."""
        return self._peer().dv

    def _reconfigure_port(self) -> None:
        """Settings of pyserial: kept, there is no line of its own behind them."""

    # --- For select ---

    def fileno(self) -> int:
        """Return a descriptor that is readable while octets wait or the DLC is gone; read with `read`, not from it.

        Returns:
            The descriptor, the same one until the port is closed. It is always writable.
        """
        with self._condition:
            self._check_open()
            if self._flag is None:
                self._flag = ReadyFlag()
                self._set_flag()
            return self._flag.fileno()

    def _set_flag(self) -> None:
        if self._flag is not None:
            self._flag.set(bool(self._buffer) or not self._up)

    def _drop_flag(self) -> None:
        if self._flag is not None:
            self._flag.close()
            self._flag = None

    # --- What the engine tells ---

    def handle(self, event: Event) -> None:
        """Take an event of this DLC, or the end of the session.

        Args:
            event: from the core.
        """
        with self._condition:
            if isinstance(event, DataReceived):
                self._receive(event.data)
            elif isinstance(event, Opened):
                self._up, self._error = True, None
                self._set_flag()
                self._restore_flow()
            elif isinstance(event, Reestablished):
                self._restore_flow()
            elif isinstance(event, Closed):
                if not (self._opening and event.cause in (Cause.LOCAL, Cause.PEER)):  # the end of the one before
                    self._end(dlc_error(event))
            elif isinstance(event, SessionClosed):
                self._end(SessionEnded(event.cause, event.detail))
            elif not isinstance(event, (Writable, SignalsChanged)):
                return
            self._condition.notify_all()

    def _receive(self, data: bytes) -> None:
        room = RECEIVE_LIMIT + self._wanted - len(self._buffer)
        self.received_discarded += max(0, len(data) - room)
        self._buffer += data[:room]
        self._arrived_at = time.monotonic()
        self._set_flag()
        if not self._paused and len(self._buffer) >= RECEIVE_HIGH + self._wanted:
            self._paused = True
            self._restore_flow()

    def _restore_flow(self) -> None:
        if self._paused and self._engine.error is None:
            self._engine.call(lambda core, now: core.pause_reading(self.dlci, now))

    def _end(self, error: DlcError | SessionEnded) -> None:
        self._up = False
        if self._error is None:
            self._error = error
        self._set_flag()

    def abandon(self) -> None:
        """Be dead in the child after a fork."""
        self._make_locks()
        self._up = False

    # --- Checks ---

    def _check_open(self) -> None:
        if not self.is_open:
            raise PortNotOpenError

    def _reason(self) -> Exception:
        """Make the exception for a port that is not up."""
        if not self.is_open:
            return PortNotOpenError()
        if self._engine.error is not None:
            return self._engine.ended()
        return self._error or DlcClosed(self.dlci, Cause.PEER, "closed")
