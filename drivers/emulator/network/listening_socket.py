"""A listening TCP or UDP socket of the module."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from ..environment import Environment
from .udp_session import UdpEndpoint


class ListeningSocket:
    """Listens, and passes clients and datagrams on.

    Args:
        environment: the event loop.
        arrived: called with each TCP client.
        datagram: called with each datagram and its sender.
    """

    def __init__(
        self,
        environment: Environment,
        arrived: Callable[[asyncio.Transport], None],
        datagram: Callable[[bytes, tuple[str, int]], None],
    ) -> None:
        self._environment = environment
        self._arrived = arrived
        self._datagram = datagram
        self._listener: asyncio.Server | UdpEndpoint | None = None

    async def open(self, kind: str, address: str, port: int) -> None:
        """Begin to listen.

        Args:
            kind: ``TCP`` or ``UDP``.
            address: where.
            port: 0 to 65535.

        Raises:
            OSError: the system does not let it.
        """
        loop = self._environment.loop
        if kind == "TCP":
            # In two steps, so that there is something to close wherever this is cancelled.
            arrival = self._arrived
            self._listener = await loop.create_server(lambda: _Arrival(arrival), address, port, start_serving=False)
            await self._listener.start_serving()
        else:
            _, self._listener = await loop.create_datagram_endpoint(
                lambda: UdpEndpoint(self._datagram), local_addr=(address, port)
            )

    def close(self) -> None:
        """Stop listening; clients stay connected."""
        listener, self._listener = self._listener, None
        if isinstance(listener, asyncio.Server):
            self._close(listener)
        elif listener is not None:
            listener.close()

    @property
    def endpoint(self) -> UdpEndpoint | None:
        """The UDP socket, while it listens there."""
        return self._listener if isinstance(self._listener, UdpEndpoint) else None

    def _close(self, listener: asyncio.Server) -> None:
        """Close a listening socket after a client that asyncio is accepting, whose socket would stay open otherwise."""
        for endpoint in listener.sockets:
            with contextlib.suppress(NotImplementedError):  # by a loop that has no readers
                self._environment.loop.remove_reader(endpoint)
        self._environment.loop.call_soon(listener.close)


class _Arrival(asyncio.Protocol):
    """A TCP client before it is known whether there is room for it."""

    def __init__(self, arrived: Callable[[asyncio.Transport], None]) -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._arrived(cast(asyncio.Transport, transport))
