"""The state of one context that the parts of a stack share in every Quectel family."""

from __future__ import annotations

from collections.abc import Callable

from .core.at_port import AtPort
from .core.context_claim import ContextClaim
from .core.events import Event
from .core.session_table import SessionTable
from .core.socket_state import SocketState
from .core.stack import Wiring


class SharedState:
    """What a driver provides, and what is known of data that is on its way.

    Args:
        wiring: what the driver provides.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.port: AtPort = wiring.port
        self.claim: ContextClaim = wiring.claim
        self.table: SessionTable = wiring.table
        self.emit: Callable[[Event], None] = wiring.emit
        self.now: Callable[[], float] = wiring.now
        self.name: str = wiring.claim.name
        self.reading: SocketState | None = None
        """The session whose data is being fetched."""
        self.fetched: int = 0
        """How many octets of it have come so far."""
        self.suspect: bytes = b""
        """A line in data mode that may be the end of the session or data."""

    @property
    def suspected(self) -> bytes:
        """The lines that may end the session in data mode; empty outside data mode."""
        return self.suspect if self.table.online is not None else b""
