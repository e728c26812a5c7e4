"""What the module can tell of the past: how many octets its sockets have carried, and why something has ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..calls.states import CallInput
from .data_socket import DataSocket
from .sockets import ModuleSocket

NO_CAUSE: Final = "No cause information available"
CAUSES: Final = {
    CallInput.HANG_UP: "Client ended call",
    CallInput.BUSY: "User busy",
    CallInput.UNANSWERED: "User alerting, no answer",
    CallInput.RELEASED: "Normal call clearing",
    CallInput.EXPIRED: "No user responding",
    CallInput.LOST: "No service available",
}
"""How AT+CEER names the end of a voice call."""
REFUSED: Final = "Activation rejected, unspecified"
DROPPED: Final = "Regular deactivation"


class History:
    """Holds the counters of AT+QGDCNT and the cause of AT+CEER."""

    def __init__(self) -> None:
        self.cause: str = NO_CAUSE
        self._gone = (0, 0)  # what sockets that are gone have sent and received, and what was saved
        self._zero = (0, 0)  # where counting began

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.cause!r}>"

    def call_ended(self, what: CallInput) -> None:
        """Note what has ended a voice call."""
        self.cause = CAUSES.get(what, NO_CAUSE)

    def removed(self, socket: ModuleSocket) -> None:
        """Count what a socket has carried that is no longer in the table."""
        self._gone = self._total([socket])

    def counted(self, sockets: Iterable[ModuleSocket]) -> tuple[int, int]:
        """Return how many octets were sent and received since `restart`.

        Args:
            sockets: those that are open.
        """
        sent, received = self._total(sockets)
        return sent - self._zero[0], received - self._zero[1]

    def restart(self, sockets: Iterable[ModuleSocket]) -> None:
        """Begin to count at 0."""
        self._zero = self._total(sockets)

    def power_up(self, saved: str) -> None:
        """Go on from saved counters, as AT+QGDCNT? shows them; nothing has failed yet."""
        sent, received = saved.split(",")
        self._gone, self._zero = (int(sent), int(received)), (0, 0)
        self.cause = NO_CAUSE

    def _total(self, sockets: Iterable[ModuleSocket]) -> tuple[int, int]:
        sent, received = self._gone
        for socket in sockets:
            if isinstance(socket, DataSocket):
                sent += socket.counters[0]
                received += socket.received
        return sent, received
