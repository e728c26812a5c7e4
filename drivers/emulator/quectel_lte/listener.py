"""A TCP listener of the module."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..network.listening_socket import ListeningSocket
from .codes import Code
from .connection import problem
from .context import PdpContext
from .sockets import ModuleSocket, Opening, SocketHost, State

log: logging.Logger = logging.getLogger(__name__)


class Listener(ModuleSocket):
    """Listens on a port of its context.

    Args:
        host: the module.
        context: where it belongs.
        opening: what was asked for.
        arrived: called with the listener and each client.
    """

    remote: tuple[str, int]
    server: int

    established = State.LISTENING

    def __init__(
        self,
        host: SocketHost,
        context: PdpContext,
        opening: Opening,
        arrived: Callable[[Listener, asyncio.Transport], None],
    ) -> None:
        super().__init__(host, context, opening)
        self.remote = (context.address, 0)
        self.server = opening.number
        self._socket = ListeningSocket(
            host.environment, lambda transport: arrived(self, transport), lambda data, sender: None
        )

    async def _establish(self) -> Code:
        try:
            await self._socket.open("TCP", self.context.address, self.local_port)
        except OSError as error:
            log.info("socket %d cannot listen on port %d: %s", self.number, self.local_port, error)
            return problem(error)
        return Code.DONE

    def _release(self) -> None:
        self._socket.close()
