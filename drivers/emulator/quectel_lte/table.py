"""The one table of sockets that a module has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from ..network.tcp_session import TcpSession
from .codes import Code
from .connection import Connection
from .context import PdpContext
from .data_socket import DataSocket
from .listener import Listener
from .sockets import AccessMode, Kind, ModuleSocket, Opening, SocketHost, State
from .udp_service import UdpService

SOCKETS = 12
"""How many sockets there can be, of all kinds together."""
INCOMING_FULL = '+QIURC: "incoming full"'
"""Tells that a client was refused, as there are no more."""


class TableHost(SocketHost, Protocol):
    """The module of the table."""

    def in_data_mode(self, socket: ModuleSocket) -> bool:
        """Return whether a UART is in data mode on a socket."""

    def removed(self, socket: ModuleSocket) -> None:
        """Called when a socket is no longer in the table."""


class SocketTable:
    """Holds the sockets of the module by their connectIDs, 0 to 11.

    Args:
        host: the module.
    """

    def __init__(self, host: TableHost) -> None:
        self._host = host
        self._sockets: dict[int, ModuleSocket] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {list(self)}>"

    def __iter__(self) -> Iterator[ModuleSocket]:
        return iter([self._sockets[number] for number in sorted(self._sockets)])

    def get(self, number: int) -> ModuleSocket | None:
        """Return the socket with a connectID, or None where that is free."""
        return self._sockets.get(number)

    def of_context(self, context: int) -> list[ModuleSocket]:
        """Return the sockets of a context."""
        return [socket for socket in self if socket.context.number == context]

    def _same_port(self, context: PdpContext, opening: Opening) -> bool:
        return any(
            other.kind is opening.kind and other.local_port == opening.local_port
            for other in self.of_context(context.number)
            if other.state in (State.OPENING, State.CONNECTED, State.LISTENING)
        )

    def open(self, context: PdpContext, opening: Opening) -> ModuleSocket:
        """Enter a socket and begin to open it; the caller has seen that its connectID is free.

        Args:
            context: where it belongs.
            opening: what was asked for.
        """
        taken = opening.kind in (Kind.LISTENER, Kind.SERVICE) and self._same_port(context, opening)
        socket = self._enter(self._new(context, opening))
        socket.open(Code(int(self._host.environment.behaviour.port_taken)) if taken else Code.DONE)
        return socket

    def _new(self, context: PdpContext, opening: Opening) -> ModuleSocket:
        if opening.kind is Kind.LISTENER:
            return Listener(self._host, context, opening, self._arrived)
        if opening.kind is Kind.SERVICE:
            return UdpService(self._host, context, opening)
        return Connection(self._host, context, opening)

    def _enter(self, socket: ModuleSocket) -> ModuleSocket:
        if isinstance(socket, DataSocket):
            socket.online = lambda: self._host.in_data_mode(socket)
        self._sockets[socket.number] = socket
        return socket

    def close(self, socket: ModuleSocket, timeout: float, done: Callable[[], None]) -> None:
        """Carry out AT+QICLOSE.

        Args:
            socket: one of the table.
            timeout: seconds that the other side has to close, too.
            done: called when it is closed and its connectID is free.
        """

        def closed() -> None:
            self.remove(socket)
            done()

        if socket.kind is Kind.LISTENER and self._host.environment.behaviour.listener_close == "all":
            for client in list(self):
                if client.kind is Kind.INCOMING and client.server == socket.number:
                    self.end(client)
        socket.close(timeout, closed)

    def end(self, socket: ModuleSocket) -> None:
        """Close a socket at once, and remove it."""
        socket.close(0, lambda: self.remove(socket))

    def remove(self, socket: ModuleSocket) -> None:
        """Make the connectID of a socket free."""
        if self._sockets.get(socket.number) is socket:
            del self._sockets[socket.number]
            self._host.removed(socket)

    def _arrived(self, listener: Listener, transport: asyncio.Transport) -> None:
        """Accept a client, or reject it where no connectID is free."""
        behaviour, free = self._host.environment.behaviour, [n for n in range(SOCKETS) if n not in self._sockets]
        if not free or not self._host.configuration.number("tcp/accept") or listener.state is not State.LISTENING:
            transport.abort()
            if not free:
                self._host.announce(listener.uart, INCOMING_FULL)
            return
        address, port = (str(part) for part in transport.get_extra_info("peername")[:2])
        opening = Opening(
            number=max(free) if behaviour.incoming_id == "highest" else min(free),
            kind=Kind.INCOMING,
            remote=(address, int(port)),
            local_port=listener.local_port,
            mode=listener.mode if behaviour.incoming_mode == "listener" else AccessMode.BUFFERED,
            uart=listener.uart,
            port=listener.port,
        )
        socket = Connection(self._host, listener.context, opening)
        socket.server = listener.number
        self._enter(socket)
        session = TcpSession(self._host.environment, opening.remote, socket.own)
        transport.set_protocol(session)
        session.connection_made(transport)
