"""Opens sessions and servers in a context that may hold others: their indexes, and how their data is distinguished."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...at.core import Dialogue
from ...errors import CommandError, ConnectFailed, SettingRefused, TcpipError
from ..core.listener_state import ListenerState
from ..core.options import is_dotted
from ..core.procedure import Procedure
from ..core.socket_state import Role, SocketId, SocketState
from . import closing, dialogues
from .activation import Activation
from .connecting import Connecting
from .data_mode import DataMode
from .dialogues import BROKEN
from .settings import check_clients, check_index
from .state import SERVER, StackState
from .unsolicited import CLOSED, SERVER_CLOSED

T = TypeVar("T")
SESSIONS = range(6)  # app note 4.2


class Opening:
    """Opens the sessions and the server of one context.

    Args:
        state: the state that the parts of the stack share.
        activation: activates the context.
        data_mode: the data mode of transparent sessions.
    """

    def __init__(self, state: StackState, activation: Activation, data_mode: DataMode) -> None:
        self._state = state
        self._table = state.table
        self._foreground = state.foreground
        self._activation = activation
        self._data_mode = data_mode

    # -- a server --------------------------------------------------------------------------------------------------

    def check_clients(self, clients: int | None) -> int:
        """Return the most clients of a server as AT+QISERVER takes it, or raise `ValueError`."""
        muxip = self._state.settings.muxip
        most = check_clients(clients if clients is not None else (5 if muxip else 1))
        if most != 1 and not muxip:
            raise ValueError("more than one client needs MUXIP: muxip=True")
        return most

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool
    ) -> Procedure[ListenerState]:
        """Start to listen: AT+QISERVER, which activates the context if it is not active."""
        return self._alone(self._listen(protocol, port, self.check_clients(clients), step_by_step=step_by_step))

    def _listen(self, protocol: str, port: int | None, most: int, *, step_by_step: bool) -> Procedure[ListenerState]:
        listener = self._state.listener
        if listener is not None and listener.open:
            raise TcpipError(
                f"{self._state.name}: it listens already, on port {listener.port}: close that listener first"
            )
        if listener is not None and not listener.broken and self._table.standing("server"):
            raise TcpipError(
                f"{self._state.name}: the former server has been closed, but the module keeps it as long as its client "
                "is connected; close that session first (app note 6.4)"
            )
        yield from self._tell_apart("server")
        if step_by_step and not self._state.claim.active:
            yield from self._activation.activate()
        number = yield from self._listening_port(protocol, port)
        server = ListenerState(name=self._state.name, protocol=protocol, port=number, id=SERVER, clients=most)
        self._table.listeners[SERVER] = server  # a client may come in the octets right behind SERVER OK
        try:
            clients = most if self._state.settings.muxip else None
            others = self._state.others()  # it may be theirs that is closed
            alone = not any(one.candidates(None) for one in (self._state, *others)) and not any(
                o.serves for o in others
            )
            ends = (*CLOSED, *SERVER_CLOSED) if alone else ()
            listening = self._after_end_of_left_server(lambda: dialogues.listen(protocol, clients, ends))
            yield from self._activation.opening(self._foreground.on_channel(listening))
        except BaseException:
            self._table.drop(SERVER)
            raise
        if not self._table.standing("client"):
            self._foreground.note("IP STATUS")
        return server

    def _listening_port(self, protocol: str, port: int | None) -> Procedure[int]:
        ports, key = self._state.module.ports, (self._state.claim.context, protocol)
        if port is None:
            return ports.get(key, dialogues.DEFAULT_PORT)
        known = f"QILPORT {protocol}"
        if self._foreground.known(known) != str(port):
            setting = self._after_end_of_left_server(lambda: dialogues.listening_port(protocol, port))
            try:
                yield from self._foreground.on_channel(setting)
            except CommandError as refusal:
                raise SettingRefused(str(refusal)) from refusal
            ports[key] = port
            self._foreground.learn(known, str(port))
        return port

    def _after_end_of_left_server(self, make: Callable[[], Dialogue[None]]) -> Dialogue[None]:
        """Run a dialogue, and if it is refused because another host has left a server, end that and run it again."""
        try:
            yield from make()
        except CommandError as refusal:
            yield from closing.end_left_server(self._state, refusal)
            yield from make()

    # -- a client --------------------------------------------------------------------------------------------------

    def check_index(self, index: int | None) -> None:
        """Raise `ValueError` if a session cannot have this index."""
        if index is not None:
            check_index(index)
            if index and not self._state.settings.muxip:
                raise ValueError("an index needs MUXIP: muxip=True")

    def connect(
        self, protocol: str, host: str, port: int, *, index: int | None, timeout: float | None, step_by_step: bool
    ) -> Procedure[SocketState]:
        """Open a session to a remote server: AT+QIOPEN, which activates the context if it is not active."""
        return self._alone(self._connect(protocol, host, port, index, timeout, step_by_step=step_by_step))

    def _connect(
        self, protocol: str, host: str, port: int, index: int | None, timeout: float | None, *, step_by_step: bool
    ) -> Procedure[SocketState]:
        muxip = self._state.settings.muxip
        number = self._free_index(index)
        yield from self._tell_apart("client")
        form = self._foreground.setting("QIDNSIP", "0" if is_dotted(host) else "1")
        yield from self._foreground.on_channel(form)  # in IP INITIAL where possible (app note 3.1)
        if step_by_step and not self._state.claim.active:
            yield from self._activation.activate()
        datagrams = self._state.datagrams(protocol)
        id = SocketId(number, "client")
        session = self._table.new_session(id, "client", protocol, (host, port), datagrams=datagrams)

        def connected() -> None:
            self._table.adopt(session)
            if self._state.settings.transparent is not None:
                self._data_mode.enter(session)

        own = number if muxip else None
        close = (
            (lambda: closing.close_half_open(self._state, own)) if self._state.claim.active else dialogues.deactivate
        )
        connecting = Connecting(
            self._state,
            session,
            timeout=timeout,
            connected=connected,
            close=lambda: self._data_mode.abandon_opening(close),
        )
        yield from self._activation.opening(connecting.run())
        self._foreground.note("IP PROCESSING" if muxip else "CONNECT OK")
        return session

    def _alone(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure that opens a session or a server when no other one is being opened on this UART."""
        return self._state.uart.alone(self._if_held(procedure))

    def _if_held(self, procedure: Procedure[T]) -> Procedure[T]:
        claim = self._state.claim  # the network or the module may have taken the context while others had the UART
        if not claim.valid:
            raise TcpipError(f"{self._state.name}: the context is no longer held by this driver")
        if claim.broken:
            raise ConnectFailed(f"{self._state.name}: the network has deactivated the context meanwhile ({BROKEN})")
        return (yield from procedure)

    def _free_index(self, index: int | None) -> int:
        taken = {session.index for session in self._table.standing("client")}
        if not self._state.settings.muxip:
            if taken:
                raise TcpipError(
                    f"{self._state.name}: a session is open already: close it first, or make the driver with "
                    "muxip=True, for up to six at once"
                )
            return 0
        if index is not None:
            if index in taken:
                raise TcpipError(f"{self._state.name}: session {index} is open already; close it first")
            return index
        free = [number for number in SESSIONS if number not in taken]
        if not free:
            raise TcpipError(f"{self._state.name}: all six sessions are open already; close one first")
        return free[0]

    # -- several of them -------------------------------------------------------------------------------------------

    def _tell_apart(self, role: Role) -> Procedure[None]:
        """Make sure that the data of all sessions on this UART can be distinguished with one more session."""
        state, others = self._state, self._state.others()
        if state.settings.transparent is not None:
            if self._table.busy:
                raise TcpipError(f"{state.name}: transparent mode has one session at a time, or one server")
            return
        if state.receive == "buffered":
            return
        crowd = [other for other in others if other.table.busy and other.receive != "buffered"]
        other_role = self._table.standing("client") if role == "server" else self._table.standing("server")
        both = bool(other_role) or (role == "client" and self._table.listening)
        if not crowd and not both:
            return
        bare = next((one for one in (state, *crowd) if one.mixes), None)
        if bare is not None:
            raise TcpipError(
                f"{state.name}: bare data of two sessions cannot be distinguished; "
                f"use receive='buffered' or 'header' for context {bare.claim.context}"
            )
        for foreground in (one.foreground for one in (state, *crowd)):
            for name in ("QISHOWRA", *(("QISHOWLA",) if crowd else ())):
                yield from foreground.on_channel(foreground.setting(name, "1"))
            if crowd:
                yield from foreground.on_channel(foreground.learn_address())
