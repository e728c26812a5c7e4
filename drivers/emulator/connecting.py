"""From AT+QIOPEN to a connected socket."""

from __future__ import annotations

from .environment import Environment, is_loopback
from .sessions import Role, Session, SessionHost
from .tcp_session import TcpSession
from .udp_session import UdpEndpoint, UdpSession


async def connect(
    host: SessionHost,
    environment: Environment,
    profiles: dict[int, Session],
    index: int,
    kind: str,
    remote: tuple[str, int],
) -> None:
    """Connect a client session and enter it among the profiles.

    Args:
        host: the context.
        environment: loop, names, and what may be reached.
        profiles: the client sessions of the context.
        index: the new one's place among them.
        kind: ``TCP`` or ``UDP``.
        remote: a name or an address, and the port.

    Raises:
        OSError: there is no such address, it may not be reached, or it refuses.
    """
    name, port = remote
    for address in await environment.resolve(name):
        there = environment.route(address, port)
        if not environment.reachable(there[0]):
            continue
        if environment.network.silent and kind == "TCP":
            await environment.sleep(environment.behaviour.connect_timeout)
        local = (host.local_address, 0) if is_loopback(there[0]) else None
        if kind == "UDP":
            await _connect_udp(host, environment, profiles, index, (address, port), there, local)
        else:
            session = TcpSession(host, environment, Role.CLIENT, index, (address, port))
            profiles[index] = session
            await environment.loop.create_connection(lambda: session, *there, local_addr=local)  # noqa: B023
        return
    raise OSError(f"{name} is no address that the module may reach")


async def _connect_udp(
    host: SessionHost,
    environment: Environment,
    profiles: dict[int, Session],
    index: int,
    remote: tuple[str, int],
    there: tuple[str, int],
    local: tuple[str, int] | None,
) -> None:
    def received(data: bytes, sender: tuple[str, int]) -> None:
        session.receive(data)

    _, endpoint = await environment.loop.create_datagram_endpoint(
        lambda: UdpEndpoint(received), local_addr=local, remote_addr=there
    )
    session = UdpSession(host, environment, Role.CLIENT, index, remote, transmit=endpoint.send, finish=endpoint.close)
    profiles[index] = session
    session.established()
