"""One DLC as a pyserial port."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Self

import serial

from ..errors import DlcError, StateError
from ..forks import Lock
from ..protocol.commands import PortSettings, Signals
from ..protocol.config import Parameters
from ..protocol.events import Cause
from ..urls import CmuxUrl, format_url, parse_url, shown_url
from .channel_stream import ChannelStream
from .dlc_handle import DlcHandle
from .interfaces import Lease, MuxOfPort, UrlOpener
from .rpn import port_settings

_NOTHING_TOLD = PortSettings(baudrate=None)
_LONGEST_BREAK = 3.0


class VirtualUart(ChannelStream):
    """A DLC that behaves like a serial port.

    `Mux.channel` returns it, for the same DLCI always the same one. ``serial.serial_for_url("cmux:…")`` creates one;
    all URLs of a line share one multiplexer. ``cts``, ``dsr``, ``ri`` and ``cd`` are the peer's RTR, RTC, IC and DV;
    before its first MSC they have the idle values of 27.010 §5.4.6.3.7. A setting that is changed while the port is
    open is sent to the peer by RPN, as far as RPN can code it, unless `Config.rpn` is off; no error if the peer
    ignores it.

    Args:
        port: a ``cmux:`` URL, opened at once; None creates a closed port whose ``port`` can be set.
        baudrate: bits per second of the port behind the channel; the rate of the line itself is in the URL.
        bytesize: this and the following parameters are pyserial's, in its order; ``timeout`` and ``write_timeout`` are
            in seconds, None waits as long as it takes.
        older: ``writeTimeout`` and ``interCharTimeout``, the names of two of them in older versions of pyserial.

    Raises:
        ValueError: the URL, or a setting, is not valid.
    """

    open_url: ClassVar[UrlOpener]
    """Opens the line of a URL; ``cmux.threads.public`` sets it."""

    _port: str | None  # both are pyserial's, and missing in the stubs
    _xonxoff: bool

    def __init__(
        self,
        port: str | None = None,
        baudrate: int = 9600,
        bytesize: int = serial.EIGHTBITS,
        parity: str = serial.PARITY_NONE,
        stopbits: float = serial.STOPBITS_ONE,
        timeout: float | None = None,
        xonxoff: bool = False,
        rtscts: bool = False,
        write_timeout: float | None = None,
        dsrdtr: bool = False,
        inter_byte_timeout: float | None = None,
        exclusive: bool | None = None,
        **older: float | None,
    ) -> None:
        self._asking = Lock()
        self._handle: DlcHandle | None = None
        self._mux: MuxOfPort | None = None
        self._lease: Lease | None = None
        self._url: CmuxUrl | None = None
        self._bound = False  # belongs to the DLC of a Mux for good
        self._told = _NOTHING_TOLD
        self._collecting = False
        super().__init__(
            port,
            baudrate,
            bytesize,
            parity,
            stopbits,
            timeout,
            xonxoff,
            rtscts,
            write_timeout,
            dsrdtr,
            inter_byte_timeout,
            exclusive,
            **older,
        )

    @classmethod
    def of(cls, handle: DlcHandle, mux: MuxOfPort) -> Self:
        """Create the port of a DLC of a `Mux`, to which it belongs for good.

        Args:
            handle: the near end of the DLC.
            mux: the `Mux`.

        Returns:
            The port, closed.
        """
        made = cls()
        made._handle, made._mux, made._bound = handle, mux, True
        url = format_url(mux.name, handle.dlci)
        made._port = made.portstr = made.name = url
        return made

    def __repr__(self) -> str:
        text = super().__repr__()  # pyserial's, for which a port is open until it is closed
        if self.portstr:
            text = text.replace(repr(self.portstr), repr(shown_url(self.portstr)), 1)
        gone = self._handle is not None and not self._handle.up
        return text.replace("open=True", "open=False", 1) if gone else text

    @property
    def port(self) -> str | None:
        """The URL as it was given."""
        return self._port

    @port.setter
    def port(self, port: str | None) -> None:
        if self._bound:
            raise ValueError(f"{self._port} belongs to its Mux: make another port for {port!r}")
        self._url = parse_url(port) if isinstance(port, str) else None
        serial.SerialBase.port.fset(self, port)  # type: ignore[attr-defined]  # it is a property in pyserial

    @property
    def mux(self) -> MuxOfPort | None:
        """The `Mux` that this channel belongs to; None while the port of a URL is closed."""
        return self._mux

    @property
    def dlci(self) -> int:
        """The number of the DLC; 0 if there is none."""
        if self._handle is not None:
            return self._handle.dlci
        return self._url.dlci if self._url is not None else 0

    @property
    def received_discarded(self) -> int:
        """Octets that were dropped because the buffer was full."""
        return self._handle.buffer.discarded if self._handle is not None else 0

    # --- Opening and closing ---

    def ensure_open(self) -> None:
        """Open the DLC unless it is open on the line; several threads may ask at once.

        Raises:
            DlcError: it could not be opened, see `open`.
            SessionEnded: the multiplexer is closed.
        """
        with self._asking:
            if self.is_open and self._handle is not None and not self._handle.up:
                self.close()
            if not self.is_open:
                self.open()

    def open(self) -> None:
        """Open the DLC and wait for the peer's answer; the port of a URL also opens the line if it is not open yet.

        Raises:
            DlcRefused: the peer answered DM.
            DlcTimeout: the peer did not answer.
            SessionEnded: the multiplexer is closed.
            PortBusy: another port of this program has the DLC.
            ValueError: the line is open with other settings.
            serial.SerialException: the port is open already, or has no URL.
        """
        if self.is_open:
            raise serial.SerialException("Port is already open.")
        if self._handle is None:
            if self._url is None:
                raise serial.SerialException("Port must be configured before it can be used.")
            self._lease = self.open_url(self._url, self)
            self._mux = self._lease.mux
            self._handle = self._mux._handle(self._url.dlci)
        handle = self._handle
        try:
            handle.claim(self, str(self._port))
        except BaseException:
            self._leave(handle)
            raise
        try:
            self._read_cancelled = self._write_cancelled = False
            self._told, _ = port_settings(self, _NOTHING_TOLD)
            handle.buffer.xonxoff = bool(self._xonxoff)
            handle.open(self._signals(handle))
            self.is_open: bool = True
        except BaseException:
            self._let_go(handle)
            raise

    def wait_up(self, stop: Callable[[], bool]) -> bool:
        """Wait while the channel may come back: the line is being opened again, or the peer may open the channel.

        With ``reattach`` a channel that the peer has closed is waited for as well, because a peer that ends in order
        closes its channels first.

        Args:
            stop: ends the wait early when it returns True; `cancel_read` makes it be called again.

        Returns:
            Whether the channel can be used (again).

        Raises:
            PortNotOpenError: this is the port of a URL, and it is closed.
        """
        handle, mux = self._handle, self._mux
        if handle is None or mux is None:
            raise self._not_open()
        while True:
            with handle.condition:
                while not handle.up and self._may_come_back(handle, mux) and not stop():
                    handle.condition.wait()
                if not handle.up or self.is_open:
                    return handle.up
            with contextlib.suppress(StateError, DlcError):  # the peer has closed it by now
                self.ensure_open()

    def wait_down(self, stop: Callable[[], bool]) -> None:
        """Wait while the channel can be used.

        Args:
            stop: ends the wait early when it returns True; `cancel_read` makes it be called again.

        Raises:
            PortNotOpenError: the port is closed.
            DlcClosed: the peer closed the DLC.
            SessionEnded: the line died.
        """
        handle = self._opened()
        with handle.condition:
            while handle.up and not stop():
                handle.condition.wait()
            if not handle.up:
                raise handle.reason(was_open=True)

    @staticmethod
    def _may_come_back(handle: DlcHandle, mux: MuxOfPort) -> bool:
        closed_by_peer = handle.error is not None and handle.error.cause is Cause.PEER
        return mux.serving or mux.reattaching or (mux.reattaches and closed_by_peer)

    def close(self) -> None:
        """Send what is queued, for at most half a second, discard the rest, close the DLC; it can be opened again."""
        if getattr(self, "_finalizing", False) or not hasattr(self, "_handle"):
            self.is_open = False  # from __del__: no lock, no waiting
            forgotten: DlcHandle | None = getattr(self, "_handle", None)
            if forgotten is not None:
                forgotten.drop_flag()
            return
        handle = self._handle
        if handle is None:
            return
        with handle.condition:
            if not self.is_open:
                return
            self.is_open = False
            handle.poke()
        self._let_go(handle)

    def _let_go(self, handle: DlcHandle) -> None:
        try:
            handle.close()
        finally:
            self._leave(handle)

    def _leave(self, handle: DlcHandle) -> None:
        handle.release(self)
        if not self._bound:
            self._handle = self._mux = None
            lease, self._lease = self._lease, None
            if lease is not None:
                lease.release()

    # --- Signals and settings ---

    def _signals(self, handle: DlcHandle) -> Signals:
        others = handle.wanted_signals
        return replace(others, fc=handle.buffer.paused, rtc=bool(self.dtr), rtr=bool(self.rts))

    def _update_rts_state(self) -> None:
        handle = self._opened()
        with handle.condition:
            handle.set_signals(self._signals(handle))

    _update_dtr_state = _update_rts_state

    def _update_break_state(self) -> None:
        # A break has a length in MSC, so its end cannot be sent: it is the longest one, or one of length 0.
        self.send_break(_LONGEST_BREAK if self.break_condition else 0.0)

    def send_break(self, duration: float = 0.25) -> None:
        """Send a break.

        Args:
            duration: seconds, at most 3, rounded to steps of 0.2.
        """
        handle = self._opened()
        length = min(duration, _LONGEST_BREAK)
        handle.engine.call(lambda core, now: core.send_break(handle.dlci, length, now))

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

    @property
    def peer_signals(self) -> Signals:
        """The peer's V.24 signals; before its first, the idle ones (27.010 §5.4.6.3.7)."""
        return self._opened().peer_signals()

    @property
    def own_signals(self) -> Signals:
        """The V.24 signals that this side sends: ``rts``, ``dtr``, and whether the peer is asked to stop."""
        handle = self._opened()
        return handle.engine.call(lambda core, now: core.own_signals(handle.dlci))

    def wait_signals_told(self, timeout: float) -> bool:
        """Wait until the peer has answered what it was told about our signals, which data that is written then follows.

        Args:
            timeout: seconds.

        Returns:
            False when the time was over first, or the session ended.
        """
        handle = self._opened()
        return handle.engine.wait(lambda core: core.signals_told(handle.dlci), timeout)

    @property
    def parameters(self) -> Parameters:
        """The parameters in force on the channel: N1, frame type, convergence layer, priority (27.010 §5.4.6.3.1)."""
        handle = self._opened()
        return handle.engine.call(lambda core, now: core.parameters(handle.dlci))

    def apply_settings(self, d: Mapping[str, object]) -> None:
        """Change several settings, and send all of them to the peer at once.

        Args:
            d: settings from `get_settings`, or some of them; unknown keys are ignored.
        """
        self._collecting = True
        try:
            super().apply_settings(dict(d))
        finally:
            self._collecting = False
            if self.is_open:
                self._reconfigure_port()

    def _reconfigure_port(self) -> None:
        """Send the peer what has changed, without waiting for its answer (27.010 §5.4.6.3.9)."""
        if self._collecting:
            return
        handle = self._opened()
        settings, mask = port_settings(self, self._told)
        with handle.condition:
            handle.buffer.xonxoff = bool(self._xonxoff)
            if not handle.buffer.xonxoff and handle.buffer.held:
                handle.buffer.held = False
                handle.condition.notify_all()
        if settings != self._told and handle.policy.config.rpn:
            self._told = settings
            handle.engine.call(lambda core, now: core.negotiate_port(handle.dlci, settings, now, mask))
