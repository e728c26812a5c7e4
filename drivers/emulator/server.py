"""The module as a server: one listening socket of a context, and up to five clients."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from typing import cast

from .environment import Environment
from .sessions import Role, Session, SessionHost, SessionState
from .tcp_session import TcpSession
from .udp_session import UdpEndpoint, UdpSession

CLIENTS = 5


class ServerState(enum.Enum):
    """The words of AT+QISSTAT, spelled as the manual spells them; leaving takes no time, so CLOSING is never seen."""

    INITIAL = "INITIAL"
    OPENING = "OPENNING"
    LISTENING = "LISTENING"


class Server:
    """What AT+QISERVER starts.

    Args:
        host: the context, which is told what its sessions do.
        environment: the event loop.
    """

    def __init__(self, host: SessionHost, environment: Environment) -> None:
        self.state: ServerState = ServerState.INITIAL
        self.clients: dict[int, Session] = {}
        self._host = host
        self._environment = environment
        self._maximum = 1
        self._listener: asyncio.Server | UdpEndpoint | None = None

    @property
    def listening(self) -> bool:
        """Whether it listens, or is about to."""
        return self.state in (ServerState.OPENING, ServerState.LISTENING)

    @property
    def connected(self) -> int:
        """How many clients are connected."""
        return sum(session.connected for session in self.clients.values())

    def prepare(self, maximum: int) -> None:
        """Note that it is about to listen.

        Args:
            maximum: how many clients are let in.
        """
        self.state = ServerState.OPENING
        self._maximum = maximum

    async def listen(self, kind: str, address: str, port: int) -> None:
        """Begin to listen.

        Args:
            kind: ``TCP`` or ``UDP``.
            address: the context's address.
            port: AT+QILPORT.

        Raises:
            OSError: the system does not let it.
        """
        loop = self._environment.loop
        if kind == "TCP":
            # In two steps, so that there is something to close wherever this is cancelled.
            self._listener = await loop.create_server(lambda: _Arrival(self), address, port, start_serving=False)
            await self._listener.start_serving()
        else:
            _, self._listener = await loop.create_datagram_endpoint(
                lambda: UdpEndpoint(self._datagram), local_addr=(address, port)
            )
        self.state = ServerState.LISTENING

    def stop(self) -> bool:
        """Leave the listening state; False when it was not in it."""
        listened = self.state is ServerState.LISTENING
        self.state = ServerState.INITIAL
        listener, self._listener = self._listener, None
        if isinstance(listener, asyncio.Server):
            self._close(listener)
        elif listener is not None:
            listener.close()
        return listened

    def _close(self, listener: asyncio.Server) -> None:
        """Close a listening socket after what asyncio is accepting: that would stay open where it finds it closed."""
        for endpoint in listener.sockets:
            with contextlib.suppress(NotImplementedError):  # by a loop that has no readers
                self._environment.loop.remove_reader(endpoint)
        self._environment.loop.call_soon(listener.close)

    def close_client(self, index: int) -> bool:
        """Close one client; False when there is none to close."""
        session = self.clients.get(index)
        if session is None or not session.connected:
            return False
        session.close()
        del self.clients[index]
        return True

    def close_clients(self) -> None:
        """Close all clients."""
        for session in self.clients.values():
            session.close()
        self.clients.clear()

    def arrived(self, transport: asyncio.Transport) -> None:
        """Take in a TCP client, or turn it away when there are enough."""
        index = self._free_index()
        if index is None or self.state is not ServerState.LISTENING:
            transport.abort()
            return
        address, port = transport.get_extra_info("peername")[:2]
        session = TcpSession(self._host, self._environment, Role.SERVER, index, (str(address), int(port)))
        self.clients[index] = session
        transport.set_protocol(session)
        session.connection_made(transport)

    def _datagram(self, data: bytes, sender: tuple[str, int]) -> None:
        for session in self.clients.values():
            if session.remote == sender and isinstance(session, UdpSession):
                session.receive(data)
                return
        index, endpoint = self._free_index(), self._listener
        if index is None or not isinstance(endpoint, UdpEndpoint):
            return
        session = UdpSession(
            self._host,
            self._environment,
            Role.SERVER,
            index,
            sender,
            transmit=lambda payload: endpoint.send(payload, sender),
            finish=lambda: None,
        )
        self.clients[index] = session
        session.established()
        session.receive(data)

    def _free_index(self) -> int | None:
        """Return the lowest index for a new client, or None when there are enough."""
        for index, session in list(self.clients.items()):
            if session.state is SessionState.CLOSED and session.drained:
                del self.clients[index]
        free = next((index for index in range(self._maximum) if index not in self.clients), None)
        if free is None and self._host.indicating:  # nobody reads a closed one with AT+QIRD: it makes room
            for index, session in self.clients.items():
                if session.state is SessionState.CLOSED:
                    self._host.discard(self.clients.pop(index))
                    return index
        return free


class _Arrival(asyncio.Protocol):
    """A TCP client before it is known whether there is room for it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server.arrived(cast(asyncio.Transport, transport))
