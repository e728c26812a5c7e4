"""A UDP service of the module: one socket for datagrams from and to anybody."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from ..network.listening_socket import ListeningSocket
from .codes import Code
from .connection import problem
from .context import PdpContext
from .data_socket import DataSocket, Place
from .sockets import Opening, SocketHost, State

log: logging.Logger = logging.getLogger(__name__)

_CAPACITY = 65536  # octets that wait to be read before datagrams are lost


class UdpService(DataSocket):
    """Receives datagrams on a port of its context; arguments as for `ModuleSocket`."""

    remote: tuple[str, int]
    server: int
    lost: int

    def __init__(self, host: SocketHost, context: PdpContext, opening: Opening) -> None:
        super().__init__(host, context, opening)
        self.remote = (context.address, 0)
        self.server = opening.number
        self.sent: int = 0
        self._datagrams: deque[tuple[bytes, Place]] = deque()
        self._held = 0
        self._socket = ListeningSocket(host.environment, lambda transport: None, self._datagram)

    async def _establish(self) -> Code:
        try:
            await self._socket.open("UDP", self.context.address, self.local_port)
        except OSError as error:
            log.info("socket %d cannot use port %d: %s", self.number, self.local_port, error)
            return problem(error)
        return Code.DONE

    def _datagram(self, data: bytes, sender: Place) -> None:
        if not data or self.host.environment.network.silent:
            return
        if self._held + len(data) > _CAPACITY:
            self.lost += len(data)
            return
        self._datagrams.append((data, self.host.environment.seen_from(*sender)))
        self._held += len(data)
        self._arrived(len(data))

    @property
    def held(self) -> int:
        """See `DataSocket.held`."""
        return self._held

    @property
    def connected(self) -> bool:
        """See `DataSocket.connected`."""
        return self.state is State.CONNECTED

    @property
    def counters(self) -> tuple[int, int, int]:
        """See `DataSocket.counters`; nobody acknowledges datagrams."""
        return self.sent, self.sent, 0

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """See `DataSocket.send`; there is no peer to send to."""
        done(False)

    def send_to(self, data: bytes, to: Place, done: Callable[[bool], None]) -> None:
        """Send a datagram; where it must not go it is lost, as in any network.

        Args:
            data: the datagram.
            to: address and port.
            done: called with whether it was handed over.
        """
        self._arrival.sent()
        environment, endpoint = self.host.environment, self._socket.endpoint
        if endpoint is None:
            done(False)
            return
        there = environment.route(*to)
        if environment.reachable(there[0]) and not environment.network.silent:
            endpoint.send(data, there)
        self.sent += len(data)
        done(True)

    def _pull(self, most: int, *, cut: bool) -> tuple[bytes, Place | None]:
        if not self._datagrams:
            return b"", None
        data, sender = self._datagrams.popleft()
        if cut and len(data) > most:
            self._datagrams.appendleft((data[most:], sender))
            data = data[:most]
        self._held -= len(data)
        return data, sender

    def _release(self) -> None:
        self._socket.close()
