"""Connecting a session to a name or an address."""

from __future__ import annotations

from collections.abc import Callable

from ..environment import Environment, is_loopback
from .session import NetworkSession, SessionOwner
from .tcp_session import TcpSession
from .udp_session import UdpEndpoint, UdpSession

Own = Callable[[NetworkSession], SessionOwner]


async def connect(environment: Environment, kind: str, remote: tuple[str, int], local_address: str, own: Own) -> None:
    """Connect to the first address of a name that may be reached.

    In a silent network nobody answers a TCP session; TCP asks again, so it connects when the silence ends.

    Args:
        environment: loop, names, and what may be reached.
        kind: ``TCP`` or ``UDP``.
        remote: a name or an address, and the port.
        local_address: where connections that stay on this computer come from.
        own: makes the owner of the session.

    Raises:
        OSError: there is no such address, it may not be reached, or it refuses.
    """
    name, port = remote
    for address in await environment.resolve(name):
        there = environment.route(address, port)
        if not environment.reachable(there[0]):
            continue
        if kind == "TCP":
            await environment.audible()
        local = (local_address, 0) if is_loopback(there[0]) else None
        if kind == "UDP":
            await _connect_udp(environment, (address, port), there, local, own)
        else:
            session = TcpSession(environment, (address, port), own)
            await environment.loop.create_connection(lambda: session, *there, local_addr=local)  # noqa: B023
        return
    raise OSError(f"{name} has no address that the module may reach")


async def _connect_udp(
    environment: Environment,
    remote: tuple[str, int],
    there: tuple[str, int],
    local: tuple[str, int] | None,
    own: Own,
) -> None:
    def received(data: bytes, sender: tuple[str, int]) -> None:
        session.receive(data)

    _, endpoint = await environment.loop.create_datagram_endpoint(
        lambda: UdpEndpoint(received), local_addr=local, remote_addr=there
    )
    session = UdpSession(environment, remote, own, transmit=endpoint.send, finish=endpoint.close)
    session.established()
