"""The TCP/IP driver on threads: one context of the module's stack, over one channel."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ..at import AtChannel, Dialogue, Port, shared_channel
from ..clock import Clock, SystemClock
from ..errors import (
    AtError,
    AtTimeout,
    ChannelClosed,
    CommandError,
    ConnectFailed,
    ContextBusy,
    ContextInactive,
    ContextLost,
    DriverError,
    SendFailed,
    SessionClosed,
    SettingRefused,
    TcpipError,
)
from . import dialogues
from .context import INITIAL, ContextTable, Lease, table_for
from .inbox import MODES, Inbox
from .session import SERVICE, Listener, Role, Session
from .settings import (
    DEFAULTS,
    INITIALISE,
    bearer,
    check_context,
    check_port,
    check_protocol,
    check_text,
    is_dotted,
)

T = TypeVar("T")
RETRY = 1.0  # seconds between two AT+QIFGCNT for a context that is busy
RESTING = frozenset({INITIAL, "IP STATUS", "IP CLOSE"})  # a context may be left in these after a failure


@dataclass(slots=True)
class _Uart:
    """What two drivers on one channel must both know."""

    foreground: int | None = None


_uarts: weakref.WeakKeyDictionary[AtChannel, _Uart] = weakref.WeakKeyDictionary()
_uarts_lock = threading.Lock()


def _uart_of(channel: AtChannel) -> _Uart:
    with _uarts_lock:
        return _uarts.setdefault(channel, _Uart())


class TcpipDriver:
    """One context of the module's TCP/IP stack, driven over one channel. The constructor sends nothing.

    Args:
        port: a virtual UART, any other pyserial-like port, or an `AtChannel`.
        context: which context, 0 or 1.
        apn: the access point.
        user: the user name, where the access point wants one.
        password: the password.
        receive: how received data is told from answers: ``header`` (AT+QIHEAD=1, by count) or ``bare`` (the
            module's default: what is no known line is data).
        initialise: which of QICSGP, QIMUX, QIMODE, QIDNSIP, QISDE `claim` sends, in this order; what is not listed is
            taken to be at the module's default.
        table: who owns which context; None: the one of the port's multiplexer, or of the port alone.
        clock: the source of time.

    Raises:
        ValueError: a context other than 0 and 1; an APN, user name or password that cannot stand in a command.
    """

    def __init__(
        self,
        port: Port | AtChannel,
        context: int = 0,
        apn: str = "CMNET",
        *,
        user: str = "",
        password: str = "",
        receive: str = "header",
        initialise: Sequence[str] = INITIALISE,
        table: ContextTable | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.context = check_context(context)
        values = {"QICSGP": bearer(apn, user, password), "QIMUX": "0", "QIMODE": "0", "QIDNSIP": "0", "QISDE": "0"}
        unknown = [name for name in initialise if name not in values]
        if unknown:
            raise ValueError(f"initialise knows {', '.join(values)}, not {', '.join(unknown)}")
        if receive not in MODES:
            raise ValueError(f"receive is one of {', '.join(MODES)}, not {receive!r}")
        self._mode = MODES[receive]
        self._settings = [*((name, values[name]) for name in initialise), *self._mode.settings]
        if isinstance(port, AtChannel):
            self._port, self._channel, clock = port.port, port, clock or port.clock
        else:
            self._port, self._channel = port, shared_channel(port, clock=clock)
        self._clock: Clock = clock or SystemClock()
        self._owns_channel = not isinstance(port, AtChannel)
        if self._owns_channel:
            self._channel.retain()
        dlci = getattr(self._port, "dlci", None)
        self._dlci = dlci if isinstance(dlci, int) else None
        self._table = table if table is not None else table_for(self._port, clock=self._clock)
        self._uart = _uart_of(self._channel)
        self._name = f"{self._channel.name}, context {self.context}"
        self._log = logging.getLogger(f"drivers.{self._channel.name}")
        self._administration = threading.RLock()  # claim, listen, connect, close: one at a time; never on the reader
        self._known: dict[str, str] = {}
        self._ports: dict[str, int] = {}
        self._address: str | None = None
        self._lease: Lease | None = None
        self._closed = False
        self._inbox = Inbox(
            self._name,
            self._mode,
            make_session=lambda address: self._session("server", "TCP", (address, 0)),
            deactivated=self._deactivated_by_network,
            client_closed=lambda: self._note_state("IP CLOSE"),
            ambiguous=lambda: self._channel.call_soon(self._find_closed_session),
        )

    # -- ownership -------------------------------------------------------------------------------------------------

    @property
    def channel(self) -> AtChannel:
        """The AT channel that the driver uses."""
        return self._channel

    @property
    def table(self) -> ContextTable:
        """Who owns which context of this modem."""
        return self._table

    def claim(self, *, timeout: float = 0.0, take_over: bool = False) -> None:
        """Take the context: AT+QIFGCNT, then the settings; does nothing while the driver holds it.

        Args:
            timeout: seconds to wait for a context that is busy; AT+QIFGCNT is repeated at most once a second.
            take_over: take it also from a driver that holds it but has not brought it out of IP INITIAL.

        Raises:
            ContextBusy: somebody else holds it.
            ContextLost: it was ours and somebody took it since the last call.
            SettingRefused: the module refuses a setting.
        """
        with self._administration:
            if self._current() is not None:
                return
            lease = self._reserve(self._clock.now() + timeout, take_over=take_over)
            try:
                self._lease = lease
                self._known = {name: value for name, value in DEFAULTS.items() if name not in dict(self._settings)}
                self._channel.add_sink(self._inbox)
                for name, value in self._settings:
                    self._run(self._setting(name, value))
            except BaseException:
                self._lease = None
                self._channel.remove_sink(self._inbox)
                self._table.release(lease, "its settings could not be made")
                raise

    def release(self) -> None:
        """Give the context up without deactivating it; does nothing while the driver does not hold it."""
        lease, self._lease = self._lease, None
        self._forget()
        if lease is not None:
            self._inbox.break_off(SessionClosed(f"{self._name}: the driver gave the context up"))
            self._channel.remove_sink(self._inbox)
            self._table.release(lease)

    def close(self) -> None:
        """Close the sessions, deactivate the context, give it up, and close the channel that was made for this.

        Raises:
            AtError: the module did not do it; the driver is closed all the same.
        """
        with self._administration:
            if self._closed:
                return
            self._closed = True
            try:
                lease = self._lease
                if lease is not None and lease.ended is None:
                    self._wind_up(lease)
            except ChannelClosed:
                pass  # there is nobody to tell
            finally:
                self.release()
                if self._owns_channel:
                    self._channel.release()

    def __enter__(self) -> TcpipDriver:
        try:
            self.claim()
        except BaseException:
            with suppress(DriverError):
                self.close()
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except DriverError:
            if error is None:
                raise

    # -- the context -----------------------------------------------------------------------------------------------

    def state(self) -> str:
        """Return the state of the context as the module words it: AT+QISTAT."""
        with self._administration:
            lease = self._ready()
            word = self._run(dialogues.state())
            self._note(lease, word)
            return word

    def activate(self) -> str:
        """Activate the context step by step: AT+QIREGAPP, AT+QIACT, AT+QILOCIP.

        Returns:
            The local address.

        Raises:
            CommandError: the network refuses; the context has been deactivated again.
        """
        with self._administration:
            lease = self._ready()
            lease.active = True  # from here on only AT+QIDEACT is sure to free it
            self._address = self._run(dialogues.activate())
            self._table.update(lease, "IP STATUS")
            return self._address

    def deactivate(self) -> None:
        """Close all sessions and deactivate the context: AT+QIDEACT; it is free for others then."""
        with self._administration:
            self._deactivate(self._ready())

    @property
    def local_address(self) -> str:
        """The local address of the active context; AT+QILOCIP at the first read, then kept until IP INITIAL.

        Raises:
            ContextInactive: nothing has activated the context yet.
        """
        with self._administration:
            lease = self._ready()
            if self._address is None:
                if not lease.active:
                    raise ContextInactive(
                        f"{self._name}: not active, so it has no address; listen(), connect() or activate() first"
                    )
                self._address = self._run(dialogues.local_address())
            return self._address

    # -- server and client -----------------------------------------------------------------------------------------

    def listen(self, protocol: str = "TCP", port: int | None = None, *, step_by_step: bool = False) -> Listener:
        """Begin to listen for a client: AT+QISERVER, which activates the context where it is not active.

        Args:
            protocol: TCP or UDP.
            port: the port (AT+QILPORT); None: the one that is set, 2020 by default.
            step_by_step: activate with AT+QIREGAPP, AT+QIACT, AT+QILOCIP first.

        Raises:
            ConnectFailed: the server could not be set up.
            CommandError: the module refuses.
        """
        check_protocol(protocol)
        if port is not None:
            check_port(port)
        with self._administration:
            lease = self._ready()
            if self._inbox.listener is not None and self._inbox.listener.open:
                raise TcpipError(f"{self._name}: it listens already, on port {self._inbox.listener.port}")
            self._tell_apart(self._inbox.client)
            if step_by_step and not lease.active:
                self.activate()
            number = self._listening_port(protocol, port)
            listener = Listener(self._end_listening, name=self._name, protocol=protocol, port=number, clock=self._clock)
            self._inbox.listener = listener  # a client may come in the octets right behind SERVER OK
            try:
                self._open(lease, dialogues.listen(protocol))
            except BaseException:
                self._inbox.listener = None
                raise
            if self._inbox.client is None or not self._inbox.client.open:
                self._table.update(lease, "IP STATUS")
            return listener

    def connect(self, protocol: str, host: str, port: int) -> Session:
        """Open a session to a remote server: AT+QIOPEN, which activates the context where it is not active.

        Args:
            protocol: TCP or UDP.
            host: a dotted address or a name (AT+QIDNSIP follows from its form).
            port: 1 to 65535.

        Raises:
            ConnectFailed: refused, unreachable, or no such name.
            CommandError: the module refuses.
        """
        check_protocol(protocol)
        check_text("host", host, empty=False)
        check_port(port)
        with self._administration:
            lease = self._ready()
            if self._inbox.client is not None and self._inbox.client.open:
                raise TcpipError(f"{self._name}: a session is open already; close it first")
            self._tell_apart(self._inbox.server or self._inbox.listener)
            self._run(self._setting("QIDNSIP", "0" if is_dotted(host) else "1"))
            session = self._session("client", protocol, (host, port))

            def connected() -> None:
                self._inbox.client = session

            self._open(lease, dialogues.connect(protocol, host, port, connected))
            self._table.update(lease, "CONNECT OK")
            return session

    # -- inside ----------------------------------------------------------------------------------------------------

    def _run(self, dialogue: Dialogue[T]) -> T:
        """Run a dialogue for this context; an ERROR because somebody took the context becomes `ContextLost`."""
        try:
            return self._channel.run(self._in_foreground(dialogue))
        except CommandError as error:
            self._uart.foreground = None
            lost = self._find_loss()
            if lost is None:
                raise
            raise ContextLost(self.context, lost, port=self._channel.name) from error

    def _in_foreground(self, dialogue: Dialogue[T]) -> Dialogue[T]:
        if self._uart.foreground != self.context:
            yield from dialogues.select_context(self.context)
            self._uart.foreground = self.context
        return (yield from dialogue)

    def _find_loss(self) -> str | None:
        """After an ERROR: tell who has the context now, None while it is ours or the module does not say."""
        lease = self._lease
        if lease is None:
            return None
        if lease.ended is None and self._dlci is not None:
            with suppress(AtError, ValueError):
                context, channel = self._channel.run(dialogues.read_foreground())
                if context == self.context and channel is not None and channel != self._dlci - 1:
                    self._table.forget(lease, f"VIRTUAL_UART_{channel + 1} controls it now (AT+QIFGCNT?)")
        if not lease.lost:
            return None
        self._lease = None
        self._forget()
        return lease.ended

    def _reserve(self, deadline: float, *, take_over: bool) -> Lease:
        while True:
            try:
                lease = self._table.reserve(self.context, self._dlci, take_over=take_over, port=self._channel.name)
            except ContextBusy:
                left = deadline - self._clock.now()
                if left <= 0:
                    raise
                self._table.wait(self.context, left)
                continue
            try:
                self._channel.run(self._selection())
            except CommandError as refusal:
                self._table.undo(lease)
                left = deadline - self._clock.now()
                if left <= 0:
                    raise ContextBusy(self.context, port=self._channel.name) from refusal
                self._table.rest(min(RETRY, left))
            except BaseException:
                self._table.undo(lease)
                raise
            else:
                self._table.confirm(lease)
                return lease

    def _selection(self) -> Dialogue[None]:
        self._uart.foreground = None
        yield from dialogues.select_context(self.context)
        self._uart.foreground = self.context

    def _current(self) -> Lease | None:
        """Return the lease that is valid, None when there is none."""
        if self._closed:
            raise TcpipError(f"{self._name}: the driver was closed")
        lease = self._lease
        if lease is None or lease.ended is None:
            return lease
        self._lease = None
        self._forget()
        if lease.lost:
            self._inbox.break_off(ContextLost(self.context, lease.ended, port=self._channel.name))
            raise ContextLost(self.context, lease.ended, port=self._channel.name)
        return None

    def _ready(self) -> Lease:
        """Return a valid lease on a context that is not dead, claiming it where there is none."""
        lease = self._current()
        if lease is not None and self._table.state(self.context) == "PDP DEACT":
            self._deactivate(lease)  # the network took it away; only this frees it for anybody
            lease = self._current()
        if lease is None:
            self.claim()
            lease = self._current()
        if lease is None:
            raise ContextLost(self.context, "it came back to IP INITIAL at once", port=self._channel.name)
        return lease

    def _forget(self) -> None:
        self._address = None
        self._known = {}

    def _note(self, lease: Lease, word: str) -> None:
        """Take a state that was read; IP INITIAL ends what was active."""
        self._table.update(lease, word)
        if word == INITIAL:
            self._address = None
            if lease.ended is not None:
                self._lease = None
                self._inbox.break_off(SessionClosed(f"{self._name}: the context is in {INITIAL}"))

    def _note_state(self, word: str) -> None:
        lease = self._lease
        if lease is not None:
            self._table.update(lease, word)

    def _setting(self, name: str, value: str) -> Dialogue[None]:
        if self._known.get(name) == value:
            return
        yield from dialogues.setting(name, value, self._note_state)
        self._known[name] = value

    def _listening_port(self, protocol: str, port: int | None) -> int:
        current = self._ports.get(protocol, dialogues.DEFAULT_PORT)
        if port is None or port == current:
            return current
        try:
            self._run(dialogues.listening_port(protocol, port))
        except CommandError as refusal:
            raise SettingRefused(f"{refusal} (the port of a server that listens cannot be changed)") from refusal
        self._ports[protocol] = port
        return port

    def _tell_apart(self, other: Session | Listener | None) -> None:
        """Before a context has client and server at once: make sure that their data can be told apart."""
        if other is None or not other.open:
            return
        if self._mode.several is None:
            raise TcpipError(
                f"{self._name}: bare data cannot be told apart with a server and a client on one context; "
                "use receive='header'"
            )
        for name, value in self._mode.several:
            self._run(self._setting(name, value))

    def _session(self, role: Role, protocol: str, remote: tuple[str, int]) -> Session:
        listener = self._inbox.listener
        return Session(
            self._transmit,
            self._end_session,
            name=self._name,
            protocol=listener.protocol if role == "server" and listener is not None else protocol,
            role=role,
            remote=remote,
            clock=self._clock,
        )

    def _open(self, lease: Lease, dialogue: Dialogue[None]) -> None:
        """Run a dialogue that may activate the context; after a failure leave no context half active."""
        lease.active = True
        try:
            self._run(dialogue)
        except (ConnectFailed, CommandError, AtTimeout) as error:
            with suppress(AtError):
                word = self._run(dialogues.state())
                self._note(lease, word)
                standing = self._inbox.sessions() or (self._inbox.listener and self._inbox.listener.open)
                if word not in RESTING and not (standing and word != "PDP DEACT" and word != "IP IND"):
                    self._deactivate(lease)
            if isinstance(error, ConnectFailed):
                raise ConnectFailed(f"{self._name}: {error}") from error
            raise

    def _deactivate(self, lease: Lease) -> None:
        self._run(dialogues.deactivate())
        lease.active = True  # so that IP INITIAL ends it
        self._note(lease, INITIAL)

    def _wind_up(self, lease: Lease) -> None:
        for session in self._inbox.sessions():
            session.close()
        if lease.active:
            self._deactivate(lease)

    def _transmit(self, session: Session, data: bytes, ctrl_z: bool) -> None:
        lease = self._lease
        if lease is None or lease.ended is not None:
            raise SessionClosed(f"{self._name}: the context is no longer held by this driver")
        try:
            final = self._run(self._sending(session, data, ctrl_z))
        except CommandError as error:
            if session.open:
                raise
            raise SessionClosed(f"{self._name}: the session was closed before the data was taken") from error
        if final == "SEND OK":
            return
        if not session.open:
            raise SessionClosed(f"{self._name}: the session ended while {len(data)} octets were sent ({final})")
        raise SendFailed(f"{self._name}: {len(data)} octets were answered {final}; is the network there?")

    def _sending(self, session: Session, data: bytes, ctrl_z: bool) -> Dialogue[str]:
        yield from self._setting("QISRVC", str(SERVICE[session.role]))
        return (yield from dialogues.send(data, ctrl_z=ctrl_z, echo=self._known.get("QISDE") != "0"))

    def _end_session(self, session: Session) -> None:
        """AT+QICLOSE for a session, and for its server where that was closed before."""
        if self._lease is None or self._lease.ended is not None:
            return
        service = SERVICE[session.role]
        closed = self._run(dialogues.close(lambda: not session.remote_closed, service))
        self._known["QISRVC"] = str(service)
        if session.role == "client":
            self._note_state("IP CLOSE")
        listener = self._inbox.listener
        if session.role == "client" or listener is None:
            return
        if not listener.open:
            self._run(dialogues.close_only())
            self._inbox.listener = None
        elif closed and session.remote_closed:
            # The client went while AT+QICLOSE was on its way: it has ended the server instead.
            self._run(dialogues.listen(listener.protocol))

    def _end_listening(self, listener: Listener) -> None:
        """AT+QICLOSE for the server, unless its client is still there: that one's close does it."""
        server = self._inbox.server
        if self._lease is None or self._lease.ended is not None or (server is not None and server.open):
            return
        self._run(dialogues.close(lambda: True, SERVICE["server"]))
        self._known["QISRVC"] = str(SERVICE["server"])
        self._inbox.listener = None

    # -- called from the reader, or for it ---------------------------------------------------------------------------

    def _deactivated_by_network(self) -> bool:
        lease = self._lease
        if lease is None or lease.ended is not None or not lease.active:
            return False
        self._address = None
        self._table.update(lease, "PDP DEACT")
        return True

    def _find_closed_session(self) -> None:
        """Of a client and a server session one was closed: AT+QISTAT speaks of the client."""
        word = self._run(dialogues.state())
        client, server = self._inbox.client, self._inbox.server
        gone = server if word == "CONNECT OK" else client
        if gone is not None and gone.open:
            gone.end_by_remote()
        self._note_state(word)
