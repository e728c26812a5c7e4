"""Reads classic pcap files of LINKTYPE_MUX27010, in both byte orders, with micro- or nanoseconds."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from .packets import NotACapture, Packet, check_link_type, unwrapped

_MICROSECONDS, _NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
MAGICS: Final[dict[bytes, tuple[str, int]]] = {
    struct.pack(order + "I", magic): (order, scale)
    for order in "<>"
    for magic, scale in ((_MICROSECONDS, 1000), (_NANOSECONDS, 1))
}
"""The first four octets of a file, with its byte order and the nanoseconds of the unit of its fractions."""

_HEADER, _RECORD = 24, 16
_LINK_BITS = 0x0FFFFFFF  # above them is the length of a frame check sequence
_LONGEST_PACKET = 1 << 24


def read(file: BinaryIO, first: bytes = b"") -> Iterator[Packet]:
    """Read the packets of a file, up to one that is incomplete because the capture is still running.

    Args:
        file: the open file.
        first: octets that have already been read from it.

    Yields:
        The packets.

    Raises:
        NotACapture: the file is not pcap, is damaged, or has another link type.
    """
    header, pending = _taken(file, first, _HEADER)
    if header[:4] not in MAGICS:
        raise NotACapture("it does not begin like a pcap file")
    if len(header) < _HEADER:
        return
    order, scale = MAGICS[header[:4]]
    check_link_type(struct.unpack_from(order + "I", header, 20)[0] & _LINK_BITS)
    while True:
        record, pending = _taken(file, pending, _RECORD)
        if len(record) < _RECORD:
            return
        seconds, fraction, length, _ = struct.unpack(order + "IIII", record)
        if length > _LONGEST_PACKET:
            raise NotACapture(f"a packet of {length} octets is not valid")
        data, pending = _taken(file, pending, length)
        if len(data) < length:
            return
        yield unwrapped(data, seconds * 1_000_000_000 + fraction * scale)


def _taken(file: BinaryIO, pending: bytes, count: int) -> tuple[bytes, bytes]:
    """Return so many octets, fewer at the end of the file, and what is left of those that were read before."""
    pending += file.read(max(0, count - len(pending)))
    return pending[:count], pending[count:]
