"""What a module has sent, put together again for the tests of its users."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .tpdu import Submit
from .user_data import Concatenation, UserData, text_of

MOST_SENT = 1000
"""Messages that are kept; the oldest make room."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that the module has sent, in one part or in several.

    Args:
        number: where to, with a plus sign where it is international.
        text: the text of all parts that were sent; of 8 bit data the hexadecimal digits.
        pdu: what was sent: the service centre and the TPDU as hexadecimal digits, a line for each part in their order.
        coding: ``7 bit``, ``8 bit`` or ``UCS-2``.
        parts: how many it consists of.
        status_report: whether a status report was asked for.
    """

    number: str
    text: str
    pdu: str
    coding: str
    parts: int
    status_report: bool

    @property
    def complete(self) -> bool:
        """Whether all parts were sent."""
        return len(self.pdu.split("\n")) == self.parts


class SentLog:
    """Keeps the last `MOST_SENT` messages that a module has sent."""

    def __init__(self) -> None:
        self.discarded: int = 0  # messages that made room for others
        self._messages: deque[_Assembly] = deque(maxlen=MOST_SENT)

    def messages(self) -> tuple[SentMessage, ...]:
        """Return the messages, the oldest first."""
        return tuple(message.whole() for message in self._messages)

    def add(self, centre: bytes, message: Submit, tpdu: bytes | None = None) -> None:
        """Note what was sent.

        Args:
            centre: the service centre's address as it stands before the TPDU.
            message: the part, or all of it.
            tpdu: how the host has written it; None where it has not.
        """
        part = message.data.concatenation
        pdu = (centre + (message.encode() if tpdu is None else tpdu)).hex().upper()
        if part is not None:
            for earlier in reversed(self._messages):
                if earlier.takes(message, part):
                    earlier.add(message, part, pdu)
                    return
        if len(self._messages) == MOST_SENT:
            self.discarded += 1
        self._messages.append(_Assembly(message, part or Concatenation(0, 1, 1), pdu))


class _Assembly:
    """One message that is put together of its parts."""

    def __init__(self, message: Submit, part: Concatenation, pdu: str) -> None:
        self._number = message.destination.number
        self._common = (part.reference, part.total, part.wide)
        self._kind = message.data.alphabet
        self._report = False
        self._parts: dict[int, tuple[UserData, str]] = {}
        self.add(message, part, pdu)

    def takes(self, message: Submit, part: Concatenation) -> bool:
        """Return whether a part belongs to it, and is missing."""
        same = (part.reference, part.total, part.wide) == self._common
        same = same and message.destination.number == self._number and message.data.alphabet is self._kind
        return same and part.total > 1 and part.number not in self._parts

    def add(self, message: Submit, part: Concatenation, pdu: str) -> None:
        """Add a part."""
        self._parts[part.number] = (message.data, pdu)
        self._report |= message.wants_report

    def whole(self) -> SentMessage:
        """Return what it is so far."""
        parts = [self._parts[number] for number in sorted(self._parts)]
        payload = b"".join(data.payload for data, _ in parts)  # joined first: others divide characters
        return SentMessage(
            self._number,
            text_of(self._kind, payload),
            "\n".join(pdu for _, pdu in parts),
            self._kind.value,
            self._common[1],
            self._report,
        )
