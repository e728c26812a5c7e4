"""A context as a server: one listening socket, and up to five clients."""

from __future__ import annotations

import asyncio
import enum
from functools import partial

from ..environment import Environment
from ..network.listening_socket import ListeningSocket
from ..network.session import NetworkSession, SessionState
from ..network.tcp_session import TcpSession
from ..network.udp_session import UdpSession
from .context_session import ContextSession, Role, SessionHost

CLIENTS = 5


class ServerState(enum.Enum):
    """The words of AT+QISSTAT, spelled as the manual spells them; leaving takes no time, so CLOSING is never seen."""

    INITIAL = "INITIAL"
    OPENING = "OPENNING"
    LISTENING = "LISTENING"


class Server:
    """Listens for one context, and holds its clients.

    Args:
        host: the context.
        environment: the event loop.
    """

    def __init__(self, host: SessionHost, environment: Environment) -> None:
        self.state: ServerState = ServerState.INITIAL
        self.clients: dict[int, ContextSession] = {}
        self._host = host
        self._environment = environment
        self._maximum = 1
        self._socket = ListeningSocket(environment, self.arrived, self._datagram)

    @property
    def listening(self) -> bool:
        """Whether it listens, or is about to."""
        return self.state in (ServerState.OPENING, ServerState.LISTENING)

    @property
    def connected(self) -> int:
        """How many clients are connected."""
        return sum(session.connected for session in self.clients.values())

    def prepare(self, maximum: int) -> None:
        """Prepare to listen.

        Args:
            maximum: how many clients are accepted.
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
        await self._socket.open(kind, address, port)
        self.state = ServerState.LISTENING

    def stop(self) -> bool:
        """Stop listening; return False when it did not listen."""
        listened = self.state is ServerState.LISTENING
        self.state = ServerState.INITIAL
        self._socket.close()
        return listened

    def close_client(self, index: int) -> bool:
        """Close one client; return False when there is none."""
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
        """Accept a TCP client, or reject it when there are enough."""
        index = self._free_index()
        if index is None or self.state is not ServerState.LISTENING:
            transport.abort()
            return
        address, port = transport.get_extra_info("peername")[:2]
        session = TcpSession(self._environment, (str(address), int(port)), partial(self._enter, index))
        transport.set_protocol(session)
        session.connection_made(transport)

    def _datagram(self, data: bytes, sender: tuple[str, int]) -> None:
        for client in self.clients.values():
            if client.remote == sender and isinstance(client.network, UdpSession):
                client.network.receive(data)
                return
        index, endpoint = self._free_index(), self._socket.endpoint
        if index is None or endpoint is None:
            return
        session = UdpSession(
            self._environment,
            sender,
            partial(self._enter, index),
            transmit=lambda payload: endpoint.send(payload, sender),
            finish=lambda: None,
        )
        session.established()
        session.receive(data)

    def _enter(self, index: int, network: NetworkSession) -> ContextSession:
        session = ContextSession(self._host, self._environment, Role.SERVER, index, network)
        self.clients[index] = session
        return session

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
