"""A client that asks a time server once (RFC 5905)."""

from __future__ import annotations

import asyncio
import struct
from datetime import datetime, timedelta

from ..environment import Environment, UnknownName

_REQUEST = bytes([0x1B]) + bytes(47)  # version 3, client
_EPOCH = datetime(1900, 1, 1)
_SERVER_MODE = 4
_LENGTH = 48


class _Answer(asyncio.DatagramProtocol):
    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        self._answer = answer

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if not self._answer.done():
            self._answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(exc)


async def time_of(environment: Environment, name: str, port: int, wait: float) -> datetime:
    """Return the time of a server that is given by its name or its address, in UTC.

    Args:
        environment: loop, names, and what may be reached.
        name: the server.
        port: its port.
        wait: seconds until it is given up.

    Raises:
        UnknownName: the name has no address.
        TimeoutError: there is no answer.
        OSError: it cannot be reached.
        ValueError: what came is not an answer.
    """
    addresses = await environment.resolve(name)
    if not addresses:
        raise UnknownName(f"{name} has no address")
    there, port = environment.route(addresses[0], port)
    if not environment.reachable(there):
        raise OSError(f"{there} must not be reached")
    if environment.network.silent:
        await environment.sleep(wait)
        raise TimeoutError(f"{name} does not answer")
    return await environment.within(wait, ask(environment, there, port))


async def ask(environment: Environment, address: str, port: int) -> datetime:
    """Return the server's time, in UTC.

    Args:
        environment: the loop.
        address: the server.
        port: its port.

    Raises:
        OSError: it cannot be reached.
        ValueError: what came is not an answer.
    """
    answer: asyncio.Future[bytes] = environment.loop.create_future()
    transport, _ = await environment.loop.create_datagram_endpoint(lambda: _Answer(answer), remote_addr=(address, port))
    try:
        transport.sendto(_REQUEST)
        data = await answer
    finally:
        transport.close()
    if len(data) < _LENGTH or data[0] & 7 != _SERVER_MODE:
        raise ValueError(f"{address} answers something else than the time")
    seconds, fraction = struct.unpack_from("!II", data, 40)
    return _EPOCH + timedelta(seconds=seconds + fraction / 2**32)
