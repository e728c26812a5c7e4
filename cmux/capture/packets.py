"""The packets of a capture with LINKTYPE_MUX27010, whatever file they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

LINKTYPE_MUX27010: Final = 236
"""The number of the link type in pcap and pcapng."""

_MODULE = 1  # in the lowest two bits of the octet of the direction; 0 is the host


class NotACapture(ValueError):
    """The octets are not a capture of this link type; the text says why."""


class Source:
    """A file of which some octets have been read already.

    Args:
        file: the open file.
        first: these octets.
    """

    def __init__(self, file: BinaryIO, first: bytes) -> None:
        self._file = file
        self._first = first
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return so many octets, fewer at the end of the file."""
        taken = self._first[self._at : self._at + count]
        self._at += len(taken)
        return taken + self._file.read(count - len(taken)) if len(taken) < count else taken


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame of a capture."""

    timestamp: int | None
    """Nanoseconds since 1970, if the file says them."""
    from_host: bool
    """Its direction."""
    octets: bytes
    """The frame in the basic option; the closing flag may be missing."""


def check_link_type(link: int) -> None:
    """Check the link type of an interface.

    Raises:
        NotACapture: it is another one.
    """
    if link != LINKTYPE_MUX27010:
        raise NotACapture(f"it has the link type {link}, not {LINKTYPE_MUX27010} (MUX27010)")


def unwrapped(data: bytes, timestamp: int | None) -> Packet:
    """Take apart the data of a packet: the size of an extension header, that header, the direction, the frame.

    Args:
        data: the octets of the packet.
        timestamp: nanoseconds since 1970, if they are known.

    Raises:
        NotACapture: it is too short for what it says.
    """
    if not data or len(data) < 2 + data[0]:
        raise NotACapture("a packet that contradicts itself")
    return Packet(timestamp, data[1 + data[0]] & 3 != _MODULE, data[2 + data[0] :])
