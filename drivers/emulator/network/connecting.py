"""Connecting a session to a name or an address."""

from __future__ import annotations

from collections.abc import Callable

from ..environment import Environment, UnknownName, is_loopback
from .session import NetworkSession, SessionOwner
from .tcp_session import TcpSession
from .udp_session import UdpEndpoint, UdpSession

Own = Callable[[NetworkSession], SessionOwner]


async def connect(
    environment: Environment,
    kind: str,
    remote: tuple[str, int],
    local_address: str,
    own: Own,
    local_port: int = 0,
) -> None:
    """Connect to the first address of a name that may be reached.

    In a silent network nobody answers a TCP session; TCP asks again, so it connects when the silence ends.

    Args:
        environment: loop, names, and what may be reached.
        kind: ``TCP`` or ``UDP``.
        remote: a name or an address, and the port.
        local_address: where connections that stay on this computer come from.
        own: makes the owner of the session.
        local_port: the port of this side, 0 for any.

    Raises:
        UnknownName: the name has no address.
        OSError: it may not be reached, or it refuses; the local port is taken.
    """
    name, port = remote
    addresses = await environment.resolve(name)
    if not addresses:
        raise UnknownName(f"{name} has no address")
    for address in addresses:
        there = environment.route(address, port)
        if not environment.reachable(there[0]):
            continue
        if kind == "TCP":
            await environment.audible()
        local = (local_address, local_port) if is_loopback(there[0]) else None
        if local is None and local_port:
            local = ("0.0.0.0", local_port)  # noqa: S104 - it sends from there
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
    session.local = endpoint.local
    session.established()
