"""One echo request and its reply."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ..environment import Environment, is_loopback

SIZE = 32  # octets of data in a request
_ECHO_REQUEST = 8
_ECHO_REPLY = 0
_DEFAULT_TTL = 64
_IP_RECVTTL = 12  # Linux; elsewhere the number means nothing, and is refused


@dataclass(frozen=True, slots=True)
class EchoReply:
    """Tells what is known of the reply to one echo request.

    Args:
        seconds: how long it took.
        ttl: its time to live.
    """

    seconds: float
    ttl: int


async def ping(environment: Environment, address: str, number: int, wait: float) -> EchoReply | None:
    """Send one echo request.

    Args:
        environment: loop, clock, and what may be reached.
        address: of whom.
        number: its sequence number.
        wait: seconds.

    Returns:
        The reply, or None when none came in time.
    """
    started = environment.clock.now()
    address, _ = environment.route(address, 0)
    if not environment.reachable(address) or environment.network.silent:
        await environment.sleep(wait)
        return None
    try:
        ttl = await environment.within(wait, _echo(environment.loop, address, number))
    except TimeoutError:
        return None
    except (OSError, NotImplementedError):
        if not is_loopback(address):
            await environment.sleep(max(0.0, wait - (environment.clock.now() - started)))
            return None
        ttl = _DEFAULT_TTL  # the system permits no echo requests, but this computer always answers itself
    return EchoReply(environment.clock.now() - started, ttl)


def summary(replies: Sequence[EchoReply | None]) -> tuple[int, ...]:
    """Return how many requests were sent, answered and not, and the least, greatest and mean time in milliseconds.

    Args:
        replies: what `ping` has returned for each request.
    """
    times = [milliseconds(reply) for reply in replies if reply is not None]
    least, most, mean = (min(times), max(times), sum(times) // len(times)) if times else (0, 0, 0)
    return len(replies), len(times), len(replies) - len(times), least, most, mean


def milliseconds(reply: EchoReply) -> int:
    """Return how long a reply took, in whole milliseconds."""
    return round(reply.seconds * 1000)


async def _echo(loop: asyncio.AbstractEventLoop, address: str, number: int) -> int:
    """Return the time to live of the reply."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as endpoint:
        endpoint.setblocking(False)
        endpoint.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        endpoint.connect((address, 0))
        endpoint.send(_request(number))
        while True:
            await _readable(loop, endpoint)
            data, ancillary, _, _ = endpoint.recvmsg(1500, 64)
            if len(data) >= 8 and data[0] == _ECHO_REPLY and struct.unpack_from("!H", data, 6)[0] == number:
                return next((struct.unpack("i", value[:4])[0] for _, _, value in ancillary), _DEFAULT_TTL)


def _request(number: int) -> bytes:
    """Return an echo request; the system puts its own identifier and checksum in."""
    return struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, 0, number) + os.urandom(SIZE)


async def _readable(loop: asyncio.AbstractEventLoop, endpoint: socket.socket) -> None:
    ready: asyncio.Future[None] = loop.create_future()

    def come() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(endpoint, come)
    try:
        await ready
    finally:
        loop.remove_reader(endpoint)
