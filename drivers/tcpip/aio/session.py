"""Sessions in asyncio: sending and receiving."""

from __future__ import annotations

from collections.abc import Callable

from ..core import operations
from ..core.keepalive import KeepAlive, examine
from ..core.session_base import SessionBase
from ..core.socket_state import Acknowledged, Address, Ending
from .runner import TaskRunner


class Session(SessionBase[TaskRunner]):
    """A session with a remote host; see `drivers.tcpip.Session`.

    `TcpipDriver.connect` and `Listener.accept` return it.
    """

    async def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send up to 1460 octets; see `drivers.tcpip.Session.send`."""
        return await self._runner.run(operations.send(self._context, self._state, data))

    async def sendall(self, data: bytes | bytearray | memoryview, *, end: Ending = "length", period: int = 1) -> None:
        """Send all octets, in pieces of up to 1460; see `drivers.tcpip.Session.sendall`."""
        await self._runner.run(operations.send_all(self._context, self._state, data, end, period))

    async def sendto(self, data: bytes | bytearray | memoryview, address: Address) -> int:
        """Send a datagram of a UDP service; see `drivers.tcpip.Session.sendto`."""
        return await self._runner.run(operations.send_to(self._context, self._state, data, address))

    async def acknowledged(self) -> Acknowledged:
        """Return how many octets were sent, acknowledged, and not acknowledged."""
        return await self._runner.run(operations.acknowledged(self._context, self._state))

    async def check(
        self, settings: KeepAlive | None = None, *, stopped: Callable[[], bool] | None = None
    ) -> Acknowledged:
        """Examine whether the connection still exists; see `drivers.tcpip.Session.check`."""
        return await self._runner.run(examine(self._context, self._state, settings or KeepAlive(), stopped))

    async def rest(
        self, seconds: float, stopped: Callable[[], bool] | None = None, *, even_closed: bool = False
    ) -> None:
        """Wait while the session is open; see `drivers.tcpip.Session.rest`."""
        await self._runner.run(operations.rest(self._state, seconds, stopped, even_closed=even_closed))

    async def recv(self, size: int) -> bytes:
        """Return received data, waiting for at least one octet; see `drivers.tcpip.Session.recv`."""
        return (await self.recvfrom(size))[0]

    async def recvfrom(self, size: int) -> tuple[bytes, Address]:
        """Return received data and the address that it came from; see `drivers.tcpip.Session.recvfrom`."""
        return await self._runner.run(operations.receive(self._context, self._state, size))

    async def recv_into(self, buffer: bytearray | memoryview, size: int = 0) -> int:
        """Fill a buffer with received data; see `drivers.tcpip.Session.recv_into`."""
        return await self._runner.run(operations.receive_into(self._context, self._state, buffer, size))

    async def set_receive(self, mode: str) -> None:
        """Change how received data comes; see `drivers.tcpip.Session.set_receive`."""
        await self._runner.run(operations.set_receive(self._context, self._state, mode))

    async def close(self) -> None:
        """Close the session; see `drivers.tcpip.Session.close`."""
        await self._runner.run(operations.close(self._context, self._state))

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
