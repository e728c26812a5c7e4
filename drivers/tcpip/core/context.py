"""The operations on one context, for all families: each in the right order of steps.

Every operation is a procedure; `ThreadRunner` and `TaskRunner` run them. No I/O, no waiting.
"""

from __future__ import annotations

import datetime
from contextlib import suppress

from ...errors import AtError, ContextInactive, InvalidArgument, TcpipError
from .bounded import Stay
from .extras import PingReply
from .holding import Holder
from .listener_state import ListenerState
from .options import check_address, check_host, check_port, check_protocol, check_text
from .procedure import Procedure, on_channel
from .socket_state import Role, SocketState

MOST_PINGS, MOST_SECONDS = 10, 255


class Context(Holder):
    """One context, controlled over one channel; see `EventHandler` for the arguments."""

    # -- the context -----------------------------------------------------------------------------------------------

    def state(self) -> Procedure[str]:
        """Return the state of the context, in the words of the module."""
        yield from self.ready()
        return (yield from self.stack.state())

    def local_address(self) -> Procedure[str]:
        """Return the local address of the active context; it is read only once."""
        yield from self.ready()
        if self.claim.address is None:
            if not self.claim.active:
                raise ContextInactive(
                    f"{self.name}: not active, so it has no address; listen(), connect() or activate() first"
                )
            yield from self.stack.learn_address()
        address = self.claim.address
        if address is None:
            raise ContextInactive(f"{self.name}: the context was lost while its address was read")
        return address

    def foreground(self) -> Procedure[tuple[int, int | None]]:
        """Return the foreground context of the UART, and the virtual UART that controls it."""
        yield from self.ready()
        return (yield from self.stack.foreground())

    def show(self, shown: frozenset[str]) -> Procedure[None]:
        """Set the information that precedes received data."""
        showing = self.stack.show(shown)  # raises for unknown names before anything is sent
        yield from self.ready()
        yield from showing

    # -- sessions and listeners ------------------------------------------------------------------------------------

    def connect(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        index: int | None = None,
        timeout: float | None = None,
        step_by_step: bool = False,
        receive: str | None = None,
        stay: Stay = lambda: None,
    ) -> Procedure[SocketState]:
        """Open a session to a remote server; it is closed again if its caller has left meanwhile."""
        check_protocol(protocol)
        check_host(host)
        check_port(port)
        mode = self._mode(receive)
        self.stack.check_opening(index=index, step_by_step=step_by_step)
        yield from self.ready_to_activate()
        opening = self.stack.open(
            protocol, host, port, index=index, timeout=timeout, step_by_step=step_by_step, receive=mode
        )
        return (yield from self._opened(opening, "client", stay))

    def udp_service(self, port: int, *, receive: str | None = None) -> Procedure[SocketState]:
        """Open a socket for datagrams from and to any host."""
        opening = self.stack.udp_service(check_port(port), receive=self._mode(receive))  # raises if there is none
        yield from self.ready_to_activate()
        return (yield from self._opened(opening, "server", lambda: None))

    def _mode(self, receive: str | None) -> str | None:
        """Return the receive mode of a session or a listener; None if the family has only that of the context."""
        if receive is not None:
            self.stack.check_receive(receive)
        return (receive or self.stack.receive) if self.stack.RECEIVE else None

    def _opened(self, opening: Procedure[SocketState], role: Role, stay: Stay) -> Procedure[SocketState]:
        """Open a session; whatever ends that, it is closed again in the module."""
        before = self.table.standing(role)
        try:
            session = yield from opening
            session.reserved = False
            session.used(self._now(), heard=True)
            stay()
            return session
        except BaseException:
            for session in self.table.standing(role):
                if session not in before and (role == "client" or session.service is not None):
                    try:
                        yield from self.stack.close(session)
                    except (AtError, TcpipError):  # the module may still have it
                        session.close_here()
                        session.ending = False
                    else:
                        self.table.drop(session)
            raise

    def set_receive(self, session: SocketState, mode: str) -> Procedure[None]:
        """Change the receive mode of an open session."""
        self.stack.check_receive(mode)
        session.check_sendable()
        self.check_held()
        if session is self.table.online:
            if mode == "transparent":
                return
            yield from on_channel(self.stack.escape())
        yield from self.stack.set_receive(session, mode)
        session.receive = mode

    def listen(
        self,
        protocol: str,
        port: int | None,
        clients: int | None,
        *,
        step_by_step: bool,
        receive: str | None = None,
    ) -> Procedure[ListenerState]:
        """Start to listen for clients."""
        check_protocol(protocol)
        if port is not None:
            check_port(port)
        mode = self._mode(receive)
        self.stack.check_listening(port=port, clients=clients, step_by_step=step_by_step)
        yield from self.ready_to_activate()
        before = list(self.table.listeners.values())
        try:
            return (yield from self.stack.listen(protocol, port, clients, step_by_step=step_by_step, receive=mode))
        except BaseException:
            for listener in list(self.table.listeners.values()):
                if listener not in before:
                    with suppress(AtError, TcpipError):
                        yield from self.stack.close_listener(listener)
                    self.table.drop(listener)
            raise

    def listener_status(self, listener: ListenerState) -> Procedure[tuple[bool, int]]:
        """Return whether the listener is listening and the number of connected clients, as the module reports them."""
        yield from self.ready()
        return (yield from self.stack.listener_status(listener))

    def room_made(self) -> None:
        """Continue to receive after a reader has made room."""
        self._port._room_made()
        self.table._room_made()

    # -- questions to other hosts ----------------------------------------------------------------------------------

    def ping(self, host: str, *, count: int, timeout: int) -> Procedure[list[PingReply]]:
        """Send echo requests, and return what has become of each."""
        check_host(host)
        for what, given, most in (("count", count, MOST_PINGS), ("timeout", timeout, MOST_SECONDS)):
            if type(given) is not int or not 1 <= given <= most:
                raise InvalidArgument(f"{what} is 1 to {most}, not {given!r}")
        asking = self.stack.ping(host, count=count, timeout=timeout)  # raises if there is none
        yield from self.ready_to_activate()
        return (yield from asking)

    def network_time(self, server: str, port: int) -> Procedure[datetime.datetime]:
        """Ask a time server."""
        asking = self.stack.network_time(check_host(server), check_port(port))
        yield from self.ready_to_activate()
        return (yield from asking)

    def wanted(self, session: SocketState) -> None:
        """Fetch data that the module keeps, because a reader waits for it."""
        if session.unread:
            self.table.wake()

    # -- data mode -------------------------------------------------------------------------------------------------

    def escape(self) -> Procedure[None]:
        """Go from data mode to command mode."""
        yield from on_channel(self.stack.escape())
        self.table.wake()  # what has had to wait for it

    @property
    def resumable(self) -> bool:
        """Whether there is a session for which data mode can be entered again."""
        return bool(self.table.standing())

    # -- names -----------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> Procedure[list[str]]:
        """Return the addresses of a name."""
        check_text("name", name, empty=False)
        yield from self.ready_to_activate()
        return (yield from self.stack.resolve(name))

    def set_name_servers(self, primary: str, secondary: str | None) -> Procedure[None]:
        """Set the name servers, in an active context."""
        for address in (primary, *(() if secondary is None else (secondary,))):
            check_address(address)
        yield from self.ready_to_activate()
        if not self.claim.active:
            yield from self.stack.activate()
        yield from self.stack.set_name_servers(primary, secondary)

    def name_servers(self) -> Procedure[tuple[str, ...]]:
        """Return the name servers."""
        yield from self.ready_to_activate() if self.stack.ACTIVATES_FIRST else self.ready()
        return (yield from self.stack.name_servers())
