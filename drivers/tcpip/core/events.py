"""Events: the unsolicited results of a module, as the classifier of a family passes them to the common rules."""

from __future__ import annotations

from dataclasses import dataclass

from .socket_state import Address, SocketId

__all__ = [
    "Closed",
    "ContextDropped",
    "Event",
    "InDoubt",
    "Incoming",
    "IncomingFull",
    "ListenerEnded",
    "ModuleReset",
    "Nothing",
    "Online",
    "OnlineEnd",
    "Opened",
    "Pushed",
    "Readable",
    "Resolved",
]


@dataclass(frozen=True, slots=True)
class Opened:
    """The module has finished opening a socket.

    Args:
        id: the id of the socket.
        code: 0 if it is open, otherwise the error code of the module.
    """

    id: SocketId
    code: int = 0


@dataclass(frozen=True, slots=True)
class Readable:
    """The module keeps data of a session until it is fetched; maybe reported only once until all has been fetched.

    Args:
        id: the id of the session.
    """

    id: SocketId


@dataclass(frozen=True, slots=True)
class Pushed:
    """Data of a session, sent by the module.

    Args:
        id: the id of the session.
        data: the octets.
        sender: the address that they came from; None if the module does not report it.
    """

    id: SocketId
    data: bytes
    sender: Address | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The other side has closed a session; data that the module keeps can still be fetched.

    Args:
        id: the id of the session.
    """

    id: SocketId


@dataclass(frozen=True, slots=True)
class Incoming:
    """A client has connected to a listener; reported twice, on two channels, it is still one client.

    Args:
        listener: the id of the listener.
        id: the id of the session.
        remote: address and port of the client; port 0 if the module does not report it.
    """

    listener: SocketId
    id: SocketId
    remote: Address


@dataclass(frozen=True, slots=True)
class IncomingFull:
    """The module has refused a client by itself, because it has no socket for it.

    Args:
        listener: the id of the listener; None: the module does not tell which.
    """

    listener: SocketId | None = None


@dataclass(frozen=True, slots=True)
class ListenerEnded:
    """The network has ended a listener.

    Args:
        id: the id of the listener.
        reason: the reason, for messages.
    """

    id: SocketId
    reason: str


@dataclass(frozen=True, slots=True)
class ContextDropped:
    """The network has deactivated the context, which ends its sessions.

    Args:
        reason: the reason, for messages.
        word: the state of the context now, in the words of the module.
        context: the number of the context, if ids have the scope of the module and the line may come on any channel;
            None: the context whose stack has classified the line.
        code: the error code that the module has for it; None if it has none.
    """

    reason: str
    word: str
    context: int | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The module has finished resolving a name.

    Args:
        addresses: the addresses that it has found.
        code: the error code of the module; None if there was no error.
    """

    addresses: tuple[str, ...] = ()
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Online:
    """The UART has entered data mode: everything received from now on is data of one session.

    Args:
        id: the id of the session.
    """

    id: SocketId


@dataclass(frozen=True, slots=True)
class OnlineEnd:
    """The UART is in command mode again, because the other side has closed the session."""


@dataclass(frozen=True, slots=True)
class ModuleReset:
    """The module has restarted or has been switched off; this concerns every context of a UART.

    Args:
        reason: the reason, for messages.
        word: the state of its contexts now, in the words of the module.
    """

    reason: str
    word: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Something has happened to this context that the module has not reported in full, so it has to be asked."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A line that belongs to this stack and changes nothing."""


Event = (
    Opened
    | Readable
    | Pushed
    | Closed
    | Incoming
    | IncomingFull
    | ListenerEnded
    | ContextDropped
    | Resolved
    | Online
    | OnlineEnd
    | ModuleReset
    | InDoubt
    | Nothing
)
"""What a module tells: one of these."""
