"""Captures read by the letter of the pcapng draft."""

import struct
from typing import NamedTuple


class Packet(NamedTuple):
    timestamp: int
    data: bytes


def read_pcapng(octets: bytes) -> tuple[int, list[Packet]]:
    """Read a capture by the letter of the pcapng draft; return its link type and packets."""
    blocks = []
    while octets:
        kind, length = struct.unpack_from("<II", octets)
        assert length % 4 == 0
        assert struct.unpack_from("<I", octets, length - 4) == (length,)
        blocks.append((kind, octets[8 : length - 4]))
        octets = octets[length:]
    (section, head), (interface, description), *packets = blocks
    assert (section, interface) == (0x0A0D0D0A, 1)
    assert struct.unpack("<IHHq", head) == (0x1A2B3C4D, 1, 0, -1)
    link, _, snap = struct.unpack_from("<HHI", description)
    assert snap == 0
    assert struct.unpack_from("<HHB", description, 8) == (9, 1, 9)  # if_tsresol: nanoseconds
    found = []
    for kind, body in packets:
        assert kind == 6
        number, high, low, captured, original = struct.unpack_from("<IIIII", body)
        assert number == 0
        assert captured == original
        found.append(Packet(high << 32 | low, body[20 : 20 + captured]))
    return link, found
