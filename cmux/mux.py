"""The thread shell: `open` a line, get channels, close it again."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast

from .capture import Capture
from .endpoint import Endpoint
from .engine import Engine
from .errors import InvalidDlci, SessionEnded, StartupError
from .line import HungUp, Line, SerialLike, open_line
from .protocol import startup as startup_dialogues
from .protocol.config import MAX_DLCI, Config, Option
from .protocol.events import Cause, Event, SessionClosed
from .protocol.startup import Dialogue, Heard
from .virtual_uart import VirtualUart

T = TypeVar("T")

Startup = Literal["at", "none"]

_T1, _T2, _N2 = 0.3, 0.6, 5  # real modules need more than the 0.1 s, 0.3 s and 3 of 27.010 §5.7
_WRITE_TIMEOUT = 2.0
_JOIN_TIMEOUT = 2.0
_PATIENCE = 5.0
_SERIAL_SETTINGS = {"bytesize", "parity", "stopbits", "xonxoff", "rtscts", "dsrdtr"}

_log = logging.getLogger("cmux")
_muxes: weakref.WeakSet[Mux] = weakref.WeakSet()


class Mux:
    """One multiplexed line; `cmux.open` makes it.

    Args:
        line: open; the Mux closes it.
        config: parameters of the session.
        leave_by_at: after closing, ask with AT whether the module is back in AT mode.
        line_rate: bits per second to which writing is paced; None: not at all.
        capture: told every octet; the Mux closes it.
        drain_timeout: seconds that closing leaves for what is still queued.
    """

    def __init__(
        self,
        line: Line,
        config: Config,
        *,
        leave_by_at: bool = True,
        line_rate: int | None = None,
        capture: Capture | None = None,
        drain_timeout: float = 0.5,
    ) -> None:
        self.name = line.name
        """What was opened: a path, a URL, or the name of the object."""
        self.config = config
        """The parameters of the session."""
        self.drain_timeout = drain_timeout
        """Seconds that closing a channel leaves for what is still queued."""
        self.patience = _PATIENCE
        """Seconds beyond the protocol's own that a call waits for a line that takes nothing."""
        self._line = line
        self._leave_by_at = leave_by_at
        self._capture = capture
        self._engine = Engine(line, config, self._handle, line_rate, capture)
        self._endpoints: dict[int, Endpoint] = {}
        self._channels: dict[int, VirtualUart] = {}
        self._lock = threading.Lock()  # of _endpoints, _channels and _closer
        self._closer: threading.Thread | None = None
        self._closed = threading.Event()
        self._opened = False
        _muxes.add(self)

    def start(self, first: bytes = b"") -> None:
        """Open DLCI 0 and wait for the peer.

        Args:
            first: octets that have been read from the line already.

        Raises:
            NoMultiplexer: the peer did not answer SABM.
            SessionEnded: the line was lost.
        """
        self._engine.start(first)
        config = self.config
        self._opened = self._engine.wait(lambda core: core.session_open, (config.n2 + 1) * config.t1 + self.patience)
        if not self._opened:
            error = self._engine.error
            if error is not None and error.cause is Cause.LINE_LOST:
                raise self._engine.ended()
            heard = self._engine.heard
            raise startup_dialogues.no_multiplexer(
                self.name, config.option, heard, after_at=self._leave_by_at
            ) from error

    # --- Channels ---

    def channel(self, dlci: int) -> VirtualUart:
        """Return the port of a DLC, opened; always the same object for the same DLCI.

        Args:
            dlci: 1 to 61.

        Returns:
            The port.

        Raises:
            InvalidDlci: the number cannot carry data.
            DlcRefused: the peer said DM.
            DlcTimeout: it did not answer.
            PortBusy: a ``cmux:`` URL has it open.
            SessionEnded: this Mux is closed, or the line died.
        """
        _check_dlci(dlci)
        endpoint = self.endpoint(dlci)
        with self._lock:
            uart = self._channels.get(dlci)
            if uart is None:
                uart = self._channels[dlci] = VirtualUart.of(endpoint)
        uart.ensure_open()
        return uart

    def endpoint(self, dlci: int) -> Endpoint:
        """Return the near end of a DLC, for the ports that are made on it."""
        with self._lock:
            if dlci not in self._endpoints:
                self._endpoints[dlci] = Endpoint(self, self._engine, dlci)
            return self._endpoints[dlci]

    def _handle(self, event: Event) -> None:
        if isinstance(event, SessionClosed):
            _log.log(
                logging.DEBUG if event.cause is Cause.LOCAL else logging.WARNING, "%s: %s", self.name, event.detail
            )
            for endpoint in self._all():
                endpoint.handle(event)
            return
        dlci = getattr(event, "dlci", 0)
        if dlci:  # the peer may have opened one that nobody has asked for yet
            self.endpoint(dlci).handle(event)

    def _all(self) -> list[Endpoint]:
        with self._lock:
            return list(self._endpoints.values())

    # --- State ---

    @property
    def error(self) -> SessionEnded | None:
        """Why the session is over: the first cause; None while it lives."""
        return self._engine.error

    @property
    def reattaching(self) -> bool:
        """Whether a line that died is going to be opened anew."""
        return False

    def stats(self) -> dict[str, object]:
        """Return the counters of session and line as a plain dictionary, those of each DLC under ``dlcs``."""
        stats = self._engine.stats()
        stats["received_discarded"] = sum(endpoint.buffer.discarded for endpoint in self._all())
        return stats

    def __repr__(self) -> str:
        state = "closed" if self._closed.is_set() else f"dead: {self.error}" if self.error else "open"
        return f"<Mux {self.name} {state}>"

    # --- Closing ---

    def close(self) -> None:
        """Close each DLC and the multiplexer, make sure that the module is back in AT mode, and release the port.

        It never raises because of the line: why a session ended is in `error`. A second call waits for the first one.
        """
        with self._lock:
            mine = self._closer is None
            if mine:
                self._closer = threading.current_thread()
        if not mine:
            if self._closer is not threading.current_thread() and not self._engine.is_own_thread:
                self._closed.wait()
        elif self._engine.is_own_thread:  # it cannot join itself
            threading.Thread(target=self._close, name=f"cmux closer {self.name}", daemon=True).start()
        else:
            self._close()

    def _close(self) -> None:
        try:
            self._end_session()
        finally:
            try:
                stopped = self._engine.stop(_JOIN_TIMEOUT)
                alive = self.error is None or self.error.cause is not Cause.LINE_LOST
                if stopped and alive and self._leave_by_at:
                    _leave(self._line, self.config.option, close_down=not self._opened)
            finally:
                self._line.close()
                self._engine.stop(_JOIN_TIMEOUT)
                if self._capture is not None:
                    self._capture.close()
                for endpoint in self._all():
                    endpoint.retire()
                _muxes.discard(self)
                self._closed.set()

    def _end_session(self) -> None:
        deadline = time.monotonic() + self.drain_timeout
        for endpoint in self._all():
            if endpoint.up:
                self._engine.wait_written(endpoint.dlci, max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(SessionEnded):
            self._engine.call(lambda core, now: core.shutdown(now))
            config = self.config
            self._engine.wait(
                lambda core: not core.session_open, (config.n2 + 1) * (config.t1 + config.t2) + _JOIN_TIMEOUT
            )
            self._engine.lose(Cause.LOCAL, "closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def abandon(self) -> None:
        """Be dead in the child after a fork."""
        self._lock = threading.Lock()
        self._closer = threading.current_thread()
        self._closed.set()
        self._engine.abandon()
        for endpoint in self._endpoints.values():
            endpoint.abandon()
        for channel in self._channels.values():
            channel.abandon()


def open(
    port: str | os.PathLike[str] | SerialLike,
    *,
    baudrate: int = 115200,
    startup: Startup = "at",
    option: Option | str = Option.BASIC,
    n1: int | None = None,
    line_rate: int | None = None,
    capture: str | os.PathLike[str] | None = None,
    capture_payload: bool = True,
    channels: Iterable[int] = (),
    drain_timeout: float = 0.5,
    **settings: Any,
) -> Mux:
    """Open a line, bring the module into multiplexer mode, and open DLCI 0.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``; it belongs to the Mux
            from now on, also when this fails.
        baudrate: of the line, bits per second.
        startup: ``"at"`` says AT+CMUX first, ``"none"`` finds the module in multiplexer mode.
        option: the framing: ``"basic"`` or ``"advanced"``.
        n1: longest information field to send, in octets; told to the module when given.
        line_rate: bits per second to which writing is paced, so that a keystroke does not queue behind a file; 0: not
            at all; by default `baudrate` on a real serial port.
        capture: a pcapng file to write the frames to.
        capture_payload: False keeps the octets of user DLCs out of it.
        channels: DLCIs to open at once.
        drain_timeout: seconds that closing leaves for what is still queued.
        settings: more fields of `Config` (``t1``, ``t2``, ``n2``, …; 0.3 s, 0.6 s and 5 by default), and more settings
            of pyserial (``rtscts``, …).

    Returns:
        The multiplexer.

    Raises:
        PortNotFound: there is no such port.
        PortBusy: somebody has it.
        ModuleSilent: the module does not answer AT.
        CmuxRefused: it answers AT+CMUX with an error.
        NoMultiplexer: it does not answer SABM.
        InvalidDlci: one of `channels` cannot carry data.
        DlcError: one of `channels` was refused.
        ConfigError: a parameter is out of range.
    """
    wanted = list(channels)
    for dlci in wanted:
        _check_dlci(dlci)
    config, rest = _config(Option(option), n1, settings)
    line = open_line(port, baudrate, **rest)
    try:
        recorder = None if capture is None else Capture(capture, config, payload=capture_payload)
    except BaseException:
        line.close()
        raise
    try:
        first = b""
        if startup == "at":
            forms = startup_dialogues.command_forms(config, n1_given=n1 is not None, baudrate=baudrate)
            first = _enter(line, config.option, forms)
    except BaseException:
        line.close()
        if recorder is not None:
            recorder.close()
        raise
    mux = Mux(
        line,
        config,
        leave_by_at=startup == "at",
        line_rate=line.rate if line_rate is None else line_rate or None,
        capture=recorder,
        drain_timeout=drain_timeout,
    )
    try:
        mux.start(first)
        for dlci in wanted:
            mux.channel(dlci)
    except BaseException:
        mux.close()
        raise
    return mux


def _check_dlci(dlci: int) -> None:
    if not isinstance(dlci, int) or not 1 <= dlci <= MAX_DLCI:
        raise InvalidDlci(dlci)


def _config(option: Option, n1: int | None, settings: dict[str, Any]) -> tuple[Config, dict[str, Any]]:
    """Tell the fields of `Config` from pyserial's settings."""
    known = {field.name for field in dataclasses.fields(Config)}
    ours = {name: value for name, value in settings.items() if name in known}
    rest = {name: value for name, value in settings.items() if name not in known}
    for name in rest:
        if name not in _SERIAL_SETTINGS:
            raise TypeError(f"open() got an unknown setting {name!r}")
    t1 = ours.setdefault("t1", _T1)
    ours.setdefault("t2", max(_T2, min(2 * t1, 2.55)))
    ours.setdefault("n2", _N2)
    if n1 is not None:
        ours["n1"] = n1
    return Config(option=option, **ours), rest


# --- The dialogues in AT mode, run on a line whose threads do not run ---


def _run(line: Line, dialogue: Dialogue[T]) -> T:
    try:
        step = next(dialogue)
        while True:
            started = time.monotonic()
            left = step.write
            while left:
                left = left[line.write(left, _WRITE_TIMEOUT) :]
                if left and time.monotonic() - started > _WRITE_TIMEOUT:
                    raise HungUp(f"the line has taken no octet for {_WRITE_TIMEOUT:g} s (flow control?)")
            heard = line.read(step.wait) if step.wait > 0 else b""
            _log.debug("%s: said %r, heard %r", line.name, step.write, heard)
            step = dialogue.send(Heard(heard, time.monotonic() - started))
    except StopIteration as stop:
        return cast(T, stop.value)


def _enter(line: Line, option: Option, forms: tuple[str, ...]) -> bytes:
    try:
        return _run(line, startup_dialogues.enter(line.name, option, forms))
    except HungUp as error:
        raise SessionEnded(Cause.LINE_LOST, f"{line.name}: {error}") from error
    except StartupError:
        raise
    except BaseException:  # interrupted: it may be in multiplexer mode already
        _leave(line, option, close_down=True)
        raise


def _leave(line: Line, option: Option, *, close_down: bool) -> None:
    line.rearm()
    try:
        if not _run(line, startup_dialogues.leave(option, close_down=close_down)):
            _log.warning("%s: the module does not answer AT after the end of the session", line.name)
    except HungUp as error:
        _log.warning("%s: %s", line.name, error)


# --- The end of the process, and its children ---


def _close_all() -> None:
    for mux in list(_muxes):
        mux.close()


def _after_fork() -> None:
    for mux in list(_muxes):
        mux.abandon()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
