"""One DLC as a pyserial port."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import serial
from serial.serialutil import PortNotOpenError, SerialTimeoutException

from . import sharing
from .endpoint import Endpoint
from .protocol.commands import PortSettings, Signals
from .remote_port import port_settings
from .urls import format_url, parse_url
from .waiting import Deadline

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from .mux import Mux
    from .urls import CmuxUrl

_PIECE = 65536
_XONXOFF_PIECE = 64  # XOFF cannot stop what is queued, so little is
_LONGEST_BREAK = 3.0
_LOOK_AGAIN = 1.0


class VirtualUart(serial.SerialBase):
    """A DLC that behaves like a serial port.

    `Mux.channel` makes it, and always returns the same one; and ``serial.serial_for_url("cmux:…")`` does, which shares
    one multiplexer among all URLs of a line. ``cts``, ``dsr``, ``ri`` and ``cd`` are the peer's RTR, RTC, IC and DV;
    until it has said something they are as 27.010 §5.4.6.3.7 has them idle. A setting that is changed while the port
    is open is told to the peer by RPN, as far as RPN can code it; a peer that does not care about it is no error.

    Args:
        port: a ``cmux:`` URL, opened at once; None makes a closed port whose ``port`` can be set.
        baudrate: of the port behind the channel, bits per second; the line's own is in the URL.
        settings: more settings of pyserial: ``timeout``, ``write_timeout``, ``parity``, …

    Raises:
        ValueError: the URL, or a setting, is not understood.
    """

    _port: str | None  # both are pyserial's, and missing in the stubs
    _xonxoff: bool

    def __init__(self, port: str | None = None, baudrate: int = 9600, *settings: Any, **named: Any) -> None:
        self._make_locks()
        self._endpoint: Endpoint | None = None
        self._lease: sharing.Lease | None = None
        self._url: CmuxUrl | None = None
        self._bound = False  # to the DLC of a Mux for good
        self._told = PortSettings()
        self._collecting = False
        self._read_cancelled = False
        self._write_cancelled = False
        super().__init__(port, baudrate, *settings, **named)

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        """Make the port of a DLC of a `Mux`: it stays that DLC's for good.

        Args:
            endpoint: the near end of the DLC.

        Returns:
            The port, closed.
        """
        made = cls()
        made._endpoint, made._bound = endpoint, True
        url = format_url(endpoint.mux.name, endpoint.dlci)
        made._port = made.portstr = made.name = url
        return made

    def _make_locks(self) -> None:
        self._asking = threading.Lock()

    @property
    def port(self) -> str | None:
        """The URL, as it was given."""
        return self._port

    @port.setter
    def port(self, port: str | None) -> None:
        if self._bound:
            raise ValueError(f"{self._port} belongs to its Mux: make another port for {port!r}")
        self._url = parse_url(port) if isinstance(port, str) else None
        serial.SerialBase.port.fset(self, port)  # type: ignore[attr-defined]  # a property, says pyserial

    @property
    def mux(self) -> Mux | None:
        """The `Mux` that this channel belongs to; None while the port of a URL is closed."""
        return self._endpoint.mux if self._endpoint is not None else None

    @property
    def dlci(self) -> int:
        """The number of the DLC; 0 while there is none."""
        if self._endpoint is not None:
            return self._endpoint.dlci
        return self._url.dlci if self._url is not None else 0

    @property
    def received_discarded(self) -> int:
        """Octets that came although the buffer was full."""
        return self._endpoint.buffer.discarded if self._endpoint is not None else 0

    # --- Opening and closing ---

    def ensure_open(self) -> None:
        """Open the DLC unless it is open on the line; several threads may ask at once.

        Raises:
            DlcError: it could not be opened, see `open`.
            SessionEnded: the multiplexer is closed.
        """
        with self._asking:
            if self.is_open and self._endpoint is not None and not self._endpoint.up:
                self.close()
            if not self.is_open:
                self.open()

    def open(self) -> None:
        """Open the DLC and wait for the peer's answer; the port of a URL also opens the line where nobody has yet.

        Raises:
            DlcRefused: the peer said DM.
            DlcTimeout: it said nothing.
            SessionEnded: the multiplexer is closed.
            PortBusy: another port of this program has the DLC.
            ValueError: the line is open with other settings.
            serial.SerialException: the port is open already, or has no URL.
        """
        if self.is_open:
            raise serial.SerialException("Port is already open.")
        if self._endpoint is None:
            if self._url is None:
                raise serial.SerialException("Port must be configured before it can be used.")
            self._lease = sharing.acquire(self._url, self)
            self._endpoint = self._lease.mux.endpoint(self._url.dlci)
        endpoint = self._endpoint
        try:
            endpoint.claim(self, str(self._port))
        except BaseException:
            self._leave(endpoint)
            raise
        try:
            self._read_cancelled = self._write_cancelled = False
            self._told = port_settings(self, PortSettings())
            endpoint.xonxoff = bool(self._xonxoff)
            endpoint.open(self._signals())
            self.is_open = True
        except BaseException:
            self._let_go(endpoint)
            raise

    def wait_up(self, stop: Callable[[], bool]) -> bool:
        """Wait while a line that died may be opened anew.

        Args:
            stop: ends the wait early when it says True; `cancel_read` makes it be asked.

        Returns:
            Whether the channel can be used (again).
        """
        endpoint = self._opened()
        with endpoint.condition:
            while not endpoint.up and endpoint.mux.reattaching and not stop():
                endpoint.condition.wait(_LOOK_AGAIN)
            return endpoint.up

    def close(self) -> None:
        """Send what is queued, for half a second at most, discard the rest, close the DLC; it can be opened again."""
        if getattr(self, "_finalizing", False) or not hasattr(self, "_endpoint"):
            self.is_open = False  # from __del__: no lock, no waiting
            forgotten: Endpoint | None = getattr(self, "_endpoint", None)
            if forgotten is not None:
                forgotten.drop_flag()
            return
        endpoint = self._endpoint
        if endpoint is None:
            return
        with endpoint.condition:
            if not self.is_open:
                return
            self.is_open = False
            endpoint.poke()
        self._let_go(endpoint)

    def _let_go(self, endpoint: Endpoint) -> None:
        try:
            endpoint.close()
        finally:
            self._leave(endpoint)

    def _leave(self, endpoint: Endpoint) -> None:
        endpoint.release(self)
        if not self._bound:
            self._endpoint = None
            lease, self._lease = self._lease, None
            if lease is not None:
                lease.release()

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
        endpoint = self._opened()
        with endpoint.condition:
            self._await(endpoint, size, Deadline(self.timeout))
            return endpoint.take(size)

    def read_until(self, expected: bytes = b"\n", size: int | None = None) -> bytes:
        """Read up to and including a sequence.

        Args:
            expected: the sequence.
            size: the most octets to read; None for no limit.

        Returns:
            What ends with `expected`, or less when the time or `size` ran out.
        """
        endpoint = self._opened()
        with endpoint.condition:
            deadline = Deadline(self.timeout)
            searched = 0
            while True:
                found = endpoint.buffer.find(expected, max(0, searched - len(expected) + 1), size)
                if found >= 0:
                    return endpoint.take(found + len(expected))
                searched = len(endpoint.buffer)
                if size is not None and searched >= size:
                    return endpoint.take(size)
                if not self._await(endpoint, searched + 1, deadline):
                    return endpoint.take(searched)

    def _await(self, endpoint: Endpoint, size: int, deadline: Deadline) -> bool:
        """Wait for so many octets; the condition is held."""
        buffer = endpoint.buffer
        while len(buffer) < size:
            if not self.is_open:
                raise PortNotOpenError
            if self._read_cancelled:
                self._read_cancelled = False
                return False
            if not endpoint.up:
                if buffer:
                    return False
                raise endpoint.reason()
            left = deadline.left()
            if buffer and self.inter_byte_timeout is not None:
                gap = buffer.arrived_at + self.inter_byte_timeout - time.monotonic()
                left = gap if left is None else min(left, gap)
            if left is not None and left <= 0:
                return False
            buffer.wanted = size  # the water marks are for what nobody waits for
            try:
                endpoint.resume()
                endpoint.condition.wait(left)
            finally:
                buffer.wanted = 0
        return True

    @property
    def in_waiting(self) -> int:
        """How many octets can be read without waiting."""
        return len(self._opened().buffer)

    def reset_input_buffer(self) -> None:
        """Throw away what has been received and not read."""
        endpoint = self._opened()
        with endpoint.condition:
            endpoint.take(len(endpoint.buffer))

    def cancel_read(self) -> None:
        """End a `read` that waits in another thread, or else the next one that would."""
        endpoint = self._endpoint
        if endpoint is not None and self.is_open:
            with endpoint.condition:
                self._read_cancelled = True
                endpoint.condition.notify_all()

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
        endpoint = self._opened()
        deadline = Deadline(self.write_timeout)
        done = 0
        while done < len(octets):
            piece = bytes(octets[done : done + (_XONXOFF_PIECE if endpoint.xonxoff else _PIECE)])
            if endpoint.xonxoff:
                endpoint.wait_sent(lambda: self._write_cancelled or not self.is_open, deadline.left())
            taken = self._write_once(endpoint, piece, deadline)
            if taken is None:
                break
            done += taken
        return done

    def _write_once(self, endpoint: Endpoint, piece: bytes, deadline: Deadline) -> int | None:
        """Queue octets or wait; None when no more is to be written."""
        with endpoint.condition:
            if not self.is_open:
                raise PortNotOpenError
            if not endpoint.up:
                raise endpoint.reason()
            stopped = endpoint.xonxoff and (endpoint.held or self._queued(endpoint))
            taken = 0 if stopped else endpoint.send(piece)
            if taken == len(piece):
                return taken
            if self._write_cancelled or self.write_timeout == 0:
                self._write_cancelled = False
                return taken or None
            # The condition is held since send(), so Writable cannot slip in between.
            if not taken and not endpoint.condition.wait(deadline.left()):
                raise SerialTimeoutException("Write timeout")
            return taken

    def _queued(self, endpoint: Endpoint) -> bool:
        return endpoint.engine.call(lambda core, now: core.unsent(endpoint.dlci)) > 0

    @property
    def out_waiting(self) -> int:
        """How many octets wait to be sent."""
        endpoint = self._opened()
        return endpoint.engine.call(lambda core, now: core.unsent(endpoint.dlci))

    def flush(self) -> None:
        """Wait until everything that was written has gone to the line.

        Raises:
            serial.SerialTimeoutException: that took longer than ``write_timeout``.
            DlcClosed: the peer closed the DLC first.
            SessionEnded: the line died first.
        """
        endpoint = self._opened()
        if not endpoint.engine.wait_written(endpoint.dlci, self.write_timeout):
            if not endpoint.up or endpoint.engine.error is not None:
                raise endpoint.reason()
            raise SerialTimeoutException("Write timeout")

    def reset_output_buffer(self) -> None:
        """Throw away what has been written and not sent."""
        endpoint = self._opened()
        with endpoint.condition:
            endpoint.engine.call(lambda core, now: core.discard(endpoint.dlci))
            endpoint.condition.notify_all()

    def cancel_write(self) -> None:
        """End a `write` that waits in another thread, or else the next one that would."""
        endpoint = self._endpoint
        if endpoint is not None and self.is_open:
            with endpoint.condition:
                self._write_cancelled = True
                endpoint.poke()

    # --- Signals and settings ---

    def _signals(self) -> Signals:
        paused = self._endpoint is not None and self._endpoint.buffer.paused
        return Signals(fc=paused, rtc=bool(self.dtr), rtr=bool(self.rts))

    def _update_rts_state(self) -> None:
        endpoint = self._opened()
        with endpoint.condition:
            endpoint.set_signals(self._signals())

    _update_dtr_state = _update_rts_state

    def _update_break_state(self) -> None:
        # A break has a length in MSC, so its end cannot be told: it is the longest one, or one of no length.
        self.send_break(_LONGEST_BREAK if self.break_condition else 0.0)

    def send_break(self, duration: float = 0.25) -> None:
        """Send a break.

        Args:
            duration: seconds, rounded to steps of 0.2, 3 at most.
        """
        endpoint = self._opened()
        length = min(duration, _LONGEST_BREAK)
        endpoint.engine.call(lambda core, now: core.send_break(endpoint.dlci, length, now))

    @property
    def cts(self) -> bool:
        """The peer's RTR: clear to send."""
        return self._opened().peer_signals().rtr

    @property
    def dsr(self) -> bool:
        """The peer's RTC: data set ready."""
        return self._opened().peer_signals().rtc

    @property
    def ri(self) -> bool:
        """The peer's IC: ring indicator."""
        return self._opened().peer_signals().ic

    @property
    def cd(self) -> bool:
        """The peer's DV: carrier detect."""
        return self._opened().peer_signals().dv

    def apply_settings(self, d: dict[str, Any]) -> None:
        """Change several settings, and tell the peer of all of them at once.

        Args:
            d: from `get_settings`, or part of that; unknown keys are ignored.
        """
        self._collecting = True
        try:
            super().apply_settings(d)
        finally:
            self._collecting = False
            if self.is_open:
                self._reconfigure_port()

    def _reconfigure_port(self) -> None:
        """Tell the peer what has changed, without waiting for what it makes of it (27.010 §5.4.6.3.9)."""
        if self._collecting:
            return
        endpoint = self._opened()
        settings = port_settings(self, self._told)
        with endpoint.condition:
            endpoint.xonxoff = bool(self._xonxoff)
            if not endpoint.xonxoff and endpoint.held:
                endpoint.held = False
                endpoint.condition.notify_all()
        if settings != self._told:
            self._told = settings
            endpoint.engine.call(lambda core, now: core.negotiate_port(endpoint.dlci, settings, now))

    # --- For select ---

    def fileno(self) -> int:
        """Return a descriptor for ``select``; read with `read` and write with `write`, not with it.

        Returns:
            The descriptor, the same one until the port is closed: readable while octets wait or the DLC is gone,
            writable while it takes octets.
        """
        endpoint = self._opened()
        with endpoint.condition:
            return endpoint.fileno()

    # --- Checks ---

    def _opened(self) -> Endpoint:
        if not self.is_open or self._endpoint is None:
            raise PortNotOpenError
        return self._endpoint

    def abandon(self) -> None:
        """Be dead in the child after a fork."""
        self._make_locks()
