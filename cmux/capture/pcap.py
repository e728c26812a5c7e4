"""Reads classic pcap files of LINKTYPE_MUX27010, in both byte orders, with micro- or nanoseconds."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from .packets import NotACapture, Packet, Source, check_link_type, unwrapped

_MICROSECONDS, _NANOSECONDS, _MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
_HEADER, _RECORD, _MODIFIED_RECORD = 24, 16, 24
MAGICS: Final[dict[bytes, tuple[str, int, int]]] = {
    struct.pack(order + "I", magic): (order, scale, size)
    for order in "<>"
    for magic, scale, size in (
        (_MICROSECONDS, 1000, _RECORD),
        (_NANOSECONDS, 1, _RECORD),
        (_MODIFIED, 1000, _MODIFIED_RECORD),  # of an old libpcap: more about each packet
    )
}
"""The first four octets of a file, with its byte order, the nanoseconds of the unit of its fractions, and the octets
before each packet."""

_LINK_BITS = 0xFFFF  # above them is what the packets have behind the frame
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
    source = Source(file, first)
    header = source.take(_HEADER)
    if header[:4] not in MAGICS:
        raise NotACapture("it does not begin like a pcap file")
    if len(header) < _HEADER:
        return
    order, scale, size = MAGICS[header[:4]]
    check_link_type(struct.unpack_from(order + "I", header, 20)[0] & _LINK_BITS)
    while True:
        record = source.take(size)
        if len(record) < size:
            return
        seconds, fraction, length, _ = struct.unpack_from(order + "IIII", record)
        if length > _LONGEST_PACKET:
            raise NotACapture(f"a packet of {length} octets is not valid")
        data = source.take(length)
        if len(data) < length:
            return
        yield unwrapped(data, seconds * 1_000_000_000 + fraction * scale)
