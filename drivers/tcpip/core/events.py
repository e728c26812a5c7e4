"""Events: what a module says by itself, as a family's classifier of lines reports it to the rules of all families."""

from __future__ import annotations

from dataclasses import dataclass

from .socket_state import Address, SocketId


@dataclass(frozen=True, slots=True)
class Opened:
    """The module has done with opening a socket.

    Args:
        id: which one.
        code: 0 when it stands, else the module's number for what went wrong.
    """

    id: SocketId
    code: int = 0


@dataclass(frozen=True, slots=True)
class Readable:
    """The module keeps data of a session until it is fetched; may be told once only, until all has been fetched."""

    id: SocketId


@dataclass(frozen=True, slots=True)
class Pushed:
    """Data of a session, handed out by the module.

    Args:
        id: which session.
        data: the octets.
        sender: where they came from, None where the module does not tell it.
    """

    id: SocketId
    data: bytes
    sender: Address | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The other side has closed a session; what the module keeps of it can still be fetched."""

    id: SocketId


@dataclass(frozen=True, slots=True)
class Incoming:
    """A client has connected to a listener; one that is told twice, on two channels, is one client.

    Args:
        listener: which listener.
        id: what the module calls the session.
        remote: address and port of the client, port 0 where the module does not tell it.
    """

    listener: SocketId
    id: SocketId
    remote: Address


@dataclass(frozen=True, slots=True)
class ListenerEnded:
    """The network has ended a listener."""

    id: SocketId
    reason: str


@dataclass(frozen=True, slots=True)
class ContextDropped:
    """The network has taken the context away, and its sessions with it.

    Args:
        reason: what messages say of it.
        word: the state that the context is in now, as the module words it.
        context: which one, where ids have the scope of the module and it may be told on any channel; None: the one of
            whoever classified the line.
    """

    reason: str
    word: str
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The module has done with looking a name up.

    Args:
        addresses: what it has found.
        code: the module's number for what went wrong, None when nothing did.
    """

    addresses: tuple[str, ...] = ()
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Online:
    """The UART has gone over to data mode: all that comes from now on is data of one session."""

    id: SocketId


@dataclass(frozen=True, slots=True)
class OnlineEnd:
    """The UART is in command mode again because the other side has closed the session."""


@dataclass(frozen=True, slots=True)
class ModuleReset:
    """The module has started again or has been switched off; it concerns every context of a UART.

    Args:
        reason: what messages say of it.
        word: the state that its contexts are in now, as the module words it.
    """

    reason: str
    word: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Something has happened to this context, and the module does not tell what: it is to be asked."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A line of this stack after which nothing is otherwise."""


Event = (
    Opened
    | Readable
    | Pushed
    | Closed
    | Incoming
    | ListenerEnded
    | ContextDropped
    | Resolved
    | Online
    | OnlineEnd
    | ModuleReset
    | InDoubt
    | Nothing
)
