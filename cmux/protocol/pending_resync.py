"""What the peer may have missed, as it did not answer our last message: repeated as soon as the peer sends again."""

from __future__ import annotations

from .wire import FrameType, MessageType

Said = MessageType | FrameType


class PendingResync:
    """The DLCIs about which the peer may be wrong; 0 stands for all channels at once."""

    def __init__(self) -> None:
        self._dlcis: set[int] = set()
        self._answered: set[Said] = set()
        self._said_again: set[tuple[int, Said]] = set()

    def __bool__(self) -> bool:
        return bool(self._dlcis)

    def unanswered(self, dlci: int, said: Said) -> None:
        """Note a message that was not answered; if the peer never answers its kind, it is repeated only once."""
        if said in self._answered or (dlci, said) not in self._said_again:
            self._said_again.add((dlci, said))
            self._dlcis.add(dlci)

    def answered(self, said: Said) -> None:
        """Note that the peer does answer messages of this kind."""
        self._answered.add(said)

    def forget(self, dlci: int) -> None:
        """Do not repeat it: it no longer applies."""
        self._dlcis.discard(dlci)

    def take(self) -> list[int]:
        """Return the DLCIs in order, and clear them."""
        dlcis, self._dlcis = sorted(self._dlcis), set()
        return dlcis
