"""What a module still has of a host that is gone, or has of another program: sockets and active contexts."""

from __future__ import annotations

from dataclasses import dataclass

from .socket_state import Address, SocketId


@dataclass(frozen=True, slots=True)
class Leftover:
    """A socket or an active context that no driver of this process has opened or activated.

    Args:
        kind: the kind of socket, in the words of the module, or ``context``.
        context: the number of its context.
        id: the id of the socket; None: it is a context.
        address: address and port of the other side of a socket, the local address and port 0 of a context, as far as
            the module tells.
        local_port: the local port of the socket, as far as the module tells.
        channel: the port of the module on which it was opened, as far as the module tells.
    """

    kind: str
    context: int
    id: SocketId | None = None
    address: Address | None = None
    local_port: int | None = None
    channel: str = ""
