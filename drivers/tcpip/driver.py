"""The TCP/IP driver on threads: one context of the module's stack, over one channel."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

from ..at import AtChannel, Dialogue, Port, shared_channel
from ..clock import Clock, SystemClock
from ..errors import (
    AtError,
    AtTimeout,
    ChannelClosed,
    CommandError,
    ConnectFailed,
    ContextInactive,
    DriverError,
    SendFailed,
    SessionClosed,
    SettingRefused,
    TcpipError,
)
from . import dialogues
from .context import INITIAL, ContextTable, table_for
from .hold import ContextHold
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
RESTING = frozenset({INITIAL, "IP STATUS", "IP CLOSE"})  # a context may be left in these after a failure


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
        initialise: which of QICSGP, QIMUX, QIMODE, QIDNSIP, QISDE, QIHEAD `claim` sends, in this order; what is not
            listed is taken to be at the module's default (QIHEAD=1 is sent in any case where ``receive`` needs it).
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
        if receive not in MODES:
            raise ValueError(f"receive is one of {', '.join(MODES)}, not {receive!r}")
        self._mode = MODES[receive]
        values = {"QICSGP": bearer(apn, user, password), **dict.fromkeys(("QIMUX", "QIMODE", "QIDNSIP", "QISDE"), "0")}
        values["QIHEAD"] = self._mode.head
        unknown = [name for name in initialise if name not in values]
        if unknown:
            raise ValueError(f"initialise knows {', '.join(values)}, not {', '.join(unknown)}")
        needed = [name for name in ("QIHEAD",) if values[name] != DEFAULTS[name] and name not in initialise]
        self._settings = [(name, values[name]) for name in (*initialise, *needed)]
        if isinstance(port, AtChannel):
            self._port, self._channel, clock = port.port, port, clock or port.clock
        else:
            self._port, self._channel = port, shared_channel(port, clock=clock)
        self._clock: Clock = clock or SystemClock()
        self._owns_channel = not isinstance(port, AtChannel)
        if self._owns_channel:
            self._channel.retain()
        dlci = getattr(self._port, "dlci", None)
        self._table = table if table is not None else table_for(self._port, clock=self._clock)
        self._administration = threading.RLock()  # claim, listen, connect, close: one at a time; never on the reader
        self._ports: dict[str, int] = {}
        self._closed = False
        self._hold = ContextHold(
            self._channel,
            self.context,
            dlci=dlci if isinstance(dlci, int) else None,
            table=self._table,
            clock=self._clock,
            ended=self._hold_ended,
        )
        self._name = self._hold.name
        self._inbox = Inbox(
            self._name,
            self._mode,
            make_session=lambda address: self._session("server", "TCP", (address, 0)),
            deactivated=self._deactivated_by_network,
            client_closed=lambda: self._hold.note("IP CLOSE"),
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
            self._check_usable()
            if self._hold.check():
                return
            self._hold.claim(timeout, take_over=take_over, preset=[name for name, _ in self._settings])
            try:
                self._channel.add_sink(self._inbox)
                self._hold.uart.inboxes.add(self._inbox)
                for name, value in self._settings:
                    self._hold.run(self._hold.setting(name, value))
            except BaseException:
                self._hold.release("its settings could not be made")
                raise

    def release(self) -> None:
        """Give the context up without deactivating it; its sessions end; does nothing while it is not held."""
        self._hold.release("the driver gave the context up")

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
                if self._hold.valid:
                    self._wind_up()
            except ChannelClosed:
                pass  # there is nobody to tell
            finally:
                self._hold.release("the driver was closed")
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
            self._ready()
            word = self._hold.run(dialogues.state())
            self._hold.note(word)
            return word

    def activate(self) -> str:
        """Activate the context step by step: AT+QIREGAPP, AT+QIACT, AT+QILOCIP.

        Returns:
            The local address.

        Raises:
            CommandError: the network refuses; the context has been deactivated again.
        """
        with self._administration:
            self._ready()
            address = self._open(dialogues.activate())
            self._hold.address = address
            self._hold.note("IP STATUS")
            return address

    def deactivate(self) -> None:
        """Close all sessions and deactivate the context: AT+QIDEACT; it is free for others then."""
        with self._administration:
            self._ready()
            self._deactivate()

    @property
    def local_address(self) -> str:
        """The local address of the active context; AT+QILOCIP at the first read, then kept until IP INITIAL.

        Raises:
            ContextInactive: nothing has activated the context yet.
        """
        with self._administration:
            self._ready()
            if self._hold.address is None:
                if not self._hold.active:
                    raise ContextInactive(
                        f"{self._name}: not active, so it has no address; listen(), connect() or activate() first"
                    )
                self._hold.address = self._hold.run(dialogues.local_address())
            return self._hold.address

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
            self._ready()
            if self._inbox.listener is not None and self._inbox.listener.open:
                raise TcpipError(f"{self._name}: it listens already, on port {self._inbox.listener.port}")
            self._tell_apart(self._inbox.client)
            if step_by_step and not self._hold.active:
                self.activate()
            number = self._listening_port(protocol, port)
            listener = Listener(self._end_listening, name=self._name, protocol=protocol, port=number, clock=self._clock)
            self._inbox.listener = listener  # a client may come in the octets right behind SERVER OK
            try:
                self._open(dialogues.listen(protocol))
            except BaseException:
                self._inbox.listener = None
                raise
            if self._inbox.client is None or not self._inbox.client.open:
                self._hold.note("IP STATUS")
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
            self._ready()
            if self._inbox.client is not None and self._inbox.client.open:
                raise TcpipError(f"{self._name}: a session is open already; close it first")
            self._tell_apart(self._inbox.server or self._inbox.listener)
            self._hold.run(self._hold.setting("QIDNSIP", "0" if is_dotted(host) else "1"))
            session = self._session("client", protocol, (host, port))

            def connected() -> None:
                self._inbox.client = session

            self._open(dialogues.connect(protocol, host, port, connected))
            self._hold.note("CONNECT OK")
            return session

    # -- inside ----------------------------------------------------------------------------------------------------

    def _check_usable(self) -> None:
        if self._closed:
            raise TcpipError(f"{self._name}: the driver was closed")

    def _ready(self) -> None:
        """Make sure that the context is held and not dead, claiming it where it is not held."""
        self._check_usable()
        if self._hold.check() and self._hold.state == "PDP DEACT":
            self._deactivate()  # the network took it away; only this frees it for anybody
        if not self._hold.check():
            self.claim()

    def _hold_ended(self, cause: Exception) -> None:
        self._inbox.break_off(cause)
        self._inbox.listener = None
        self._hold.uart.inboxes.discard(self._inbox)
        self._channel.remove_sink(self._inbox)

    def _listening_port(self, protocol: str, port: int | None) -> int:
        current = self._ports.get(protocol, dialogues.DEFAULT_PORT)
        if port is None or port == current:
            return current
        try:
            self._hold.run(dialogues.listening_port(protocol, port))
        except CommandError as refusal:
            raise SettingRefused(f"{refusal} (the port of a server that listens cannot be changed)") from refusal
        self._ports[protocol] = port
        return port

    def _tell_apart(self, other: Session | Listener | None) -> None:
        """Before there is a second session on one UART: make sure that their data can be told apart."""
        if any(inbox.busy for inbox in self._hold.uart.inboxes if inbox is not self._inbox):
            raise TcpipError(
                f"{self._name}: the other context has sessions on this channel; use a channel for each context"
            )
        if other is None or not other.open:
            return
        if self._mode.several is None:
            raise TcpipError(
                f"{self._name}: bare data cannot be told apart with a server and a client on one context; "
                "use receive='header'"
            )
        for name, value in self._mode.several:
            self._hold.run(self._hold.setting(name, value))

    def _session(self, role: Role, protocol: str, remote: tuple[str, int]) -> Session:
        listener = self._inbox.listener
        return Session(
            self._transmit,
            self._end_session,
            self._channel.room_made,
            name=self._name,
            protocol=listener.protocol if role == "server" and listener is not None else protocol,
            role=role,
            remote=remote,
            clock=self._clock,
        )

    def _open(self, dialogue: Dialogue[T]) -> T:
        """Run a dialogue that may activate the context; after a failure leave no context half active."""
        lease = self._hold.lease
        was_active = self._hold.active
        if lease is not None:
            lease.active = True  # from here on only AT+QIDEACT is sure to free it
        try:
            return self._hold.run(dialogue)
        except (ConnectFailed, CommandError, AtTimeout) as error:
            with suppress(AtError):
                self._clear_up(was_active)
            if isinstance(error, ConnectFailed):
                raise ConnectFailed(f"{self._name}: {error}") from error
            raise

    def _clear_up(self, was_active: bool) -> None:
        """After a failure: read the state, and deactivate a context that would be locked for everybody."""
        word = self._hold.run(dialogues.state())
        lease = self._hold.lease
        if lease is not None and word == INITIAL:
            lease.active = was_active
        self._hold.note(word)
        in_use = self._inbox.busy and word not in ("PDP DEACT", "IP IND")
        if word not in RESTING and not in_use:
            self._deactivate()

    def _deactivate(self) -> None:
        self._hold.run(dialogues.deactivate())
        if self._hold.lease is not None:
            self._hold.lease.active = True  # so that IP INITIAL ends it
        self._hold.note(INITIAL)

    def _wind_up(self) -> None:
        for session in self._inbox.sessions():
            session.close()
        if self._hold.active:
            self._deactivate()

    def _transmit(self, session: Session, data: bytes, ctrl_z: bool) -> None:
        if not self._hold.valid:
            raise SessionClosed(f"{self._name}: the context is no longer held by this driver")
        try:
            final = self._hold.run(self._sending(session, data, ctrl_z))
        except CommandError as error:
            if session.open:
                raise
            raise SessionClosed(f"{self._name}: the session was closed before the data was taken") from error
        except AtTimeout as error:
            session.break_off(error)  # nobody knows what of it the other side will get
            raise
        if final == "SEND OK":
            return
        if not session.open:
            raise SessionClosed(f"{self._name}: the session ended while {len(data)} octets were sent ({final})")
        raise SendFailed(f"{self._name}: {len(data)} octets were answered {final}; is the network there?")

    def _sending(self, session: Session, data: bytes, ctrl_z: bool) -> Dialogue[str]:
        yield from self._hold.setting("QISRVC", str(SERVICE[session.role]))
        return (yield from dialogues.send(data, ctrl_z=ctrl_z, echo=self._hold.known("QISDE") != "0"))

    def _end_session(self, session: Session) -> None:
        """AT+QICLOSE for a session, and for its server where that was closed before."""
        if not self._hold.valid or self._hold.state == "PDP DEACT" or self._channel.closed:
            return
        service = SERVICE[session.role]
        closed = self._hold.run(dialogues.close(lambda: not session.remote_closed, service))
        self._hold.learn("QISRVC", str(service))
        if session.role == "client":
            self._hold.note("IP CLOSE")
        listener = self._inbox.listener
        if session.role == "client" or listener is None:
            return
        if not listener.open:
            self._hold.run(dialogues.close_only())
            self._inbox.listener = None
        elif closed and session.remote_closed:
            # The client went while AT+QICLOSE was on its way: it has ended the server instead.
            self._hold.run(dialogues.listen(listener.protocol))

    def _end_listening(self, listener: Listener) -> None:
        """AT+QICLOSE for the server, unless its client is still there: that one's close does it."""
        server = self._inbox.server
        if not self._hold.valid or self._channel.closed or (server is not None and server.open):
            return
        self._hold.run(dialogues.close(lambda: True, SERVICE["server"]))
        self._hold.learn("QISRVC", str(SERVICE["server"]))
        self._inbox.listener = None

    # -- called from the reader, or for it ---------------------------------------------------------------------------

    def _deactivated_by_network(self) -> bool:
        if not self._hold.active:
            return False
        self._hold.address = None
        self._hold.note("PDP DEACT")
        return True

    def _find_closed_session(self) -> None:
        """Of a client and a server session one was closed: AT+QISTAT speaks of the client."""
        word = self._hold.run(dialogues.state())
        client, server = self._inbox.client, self._inbox.server
        gone = server if word == "CONNECT OK" else client
        if gone is not None and gone.open:
            gone.end_by_remote()
        self._hold.note(word)
