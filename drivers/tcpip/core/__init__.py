"""The part that all families of TCP/IP stacks share: sessions, listeners, the ownership of contexts.

No AT command is here (see the folder of each family), and nothing here waits (see the shells). A family derives its
stack from `TcpipStack`, and finds everything that it needs for that among the names of this package.
"""

from __future__ import annotations

from . import events
from .changes import Changes
from .context_claim import ContextClaim
from .extras import Identified, PingReply
from .leftovers import Leftover
from .listener_state import ListenerState
from .options import Options
from .ownership import ContextState
from .procedure import Procedure, Tried, exclusive, on_channel, on_free_uart, wait
from .scope import IdScope
from .session_table import SessionTable
from .socket_state import ANYWHERE, Acknowledged, Address, Ending, Role, SocketId, SocketState
from .stack import Dialect, TcpipStack, Wiring

__all__ = [
    "ANYWHERE",
    "Acknowledged",
    "Address",
    "Changes",
    "ContextClaim",
    "ContextState",
    "Dialect",
    "Ending",
    "IdScope",
    "Identified",
    "Leftover",
    "ListenerState",
    "Options",
    "PingReply",
    "Procedure",
    "Role",
    "SessionTable",
    "SocketId",
    "SocketState",
    "TcpipStack",
    "Tried",
    "Wiring",
    "events",
    "exclusive",
    "on_channel",
    "on_free_uart",
    "wait",
]


def __dir__() -> list[str]:
    return sorted(__all__)
