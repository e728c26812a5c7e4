"""Writes and reads the parts of pcapng that captures of LINKTYPE_MUX27010 need."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from .packets import LINKTYPE_MUX27010, NotACapture, Packet, check_link_type, unwrapped

MAGIC = bytes.fromhex("0A0D0D0A")
"""The first octets of every pcapng file, in either byte order."""

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE = 1
_ENHANCED_PACKET = 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_IF_TSRESOL = 9
_MICROSECONDS = 6
_LONGEST_BLOCK = 1 << 24


def header() -> bytes:
    """Return the beginning of a file: a section, and one interface with nanoseconds."""
    section = struct.pack("=IHHq", _BYTE_ORDER_MAGIC, 1, 0, -1)
    resolution = struct.pack("=HHB3xHH", _IF_TSRESOL, 1, 9, 0, 0)
    return _block(_SECTION_HEADER, section) + _block(
        _INTERFACE, struct.pack("=HHI", LINKTYPE_MUX27010, 0, 0) + resolution
    )


def packet(octets: bytes, *, from_host: bool, timestamp: int) -> bytes:
    """Return the block of one frame.

    Args:
        octets: the frame, with both flags, in the basic option, the only one that the link type knows.
        from_host: its direction.
        timestamp: nanoseconds since 1970.
    """
    data = bytes((0, 0 if from_host else 1)) + octets
    stamp = struct.pack("=II", timestamp >> 32, timestamp & 0xFFFFFFFF)
    fixed = struct.pack("=I", 0) + stamp + struct.pack("=II", len(data), len(data))
    return _block(_ENHANCED_PACKET, fixed + data + bytes(-len(data) % 4))


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("=II", kind, length) + body + struct.pack("=I", length)


def read(file: BinaryIO, first: bytes = b"") -> Iterator[Packet]:
    """Read the packets of a file, up to a block that is incomplete because the capture is still running.

    Args:
        file: the open file.
        first: octets that have already been read from it.

    Yields:
        The packets.

    Raises:
        NotACapture: the file is not pcapng, is damaged, or has another link type.
    """
    order, resolutions = "<", list[int]()
    pending = first
    while True:
        pending += file.read(max(0, 12 - len(pending)))
        if len(pending) < 12:
            return
        if pending.startswith(MAGIC):
            order = "<" if struct.unpack_from("<I", pending, 8)[0] == _BYTE_ORDER_MAGIC else ">"
            resolutions = []
        kind, length = struct.unpack_from(order + "II", pending)
        if length % 4 or not 12 <= length <= _LONGEST_BLOCK:
            raise NotACapture(f"a block of {length} octets is not valid")
        pending += file.read(max(0, length - len(pending)))
        if len(pending) < length:
            return
        body, pending = pending[8 : length - 4], pending[length:]
        if kind == _INTERFACE:
            resolutions.append(_resolution(order, body))
        elif kind == _ENHANCED_PACKET:
            yield _packet(order, body, resolutions)


def _resolution(order: str, body: bytes) -> int:
    if len(body) < 8:
        raise NotACapture("an interface without a description")
    (link,) = struct.unpack_from(order + "H", body)
    check_link_type(link)
    at, digits = 8, _MICROSECONDS
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == _IF_TSRESOL and length == 1:
            digits = body[at + 4]
        at += 4 + length + -length % 4
    if digits > 9:
        raise NotACapture(f"a time resolution of {digits:#x} is not supported")
    return int(10 ** (9 - digits))


def _packet(order: str, body: bytes, resolutions: list[int]) -> Packet:
    if len(body) < 20:
        raise NotACapture("a packet without a header")
    interface, high, low, length, _ = struct.unpack_from(order + "IIIII", body)
    data = body[20 : 20 + length]
    if interface >= len(resolutions) or len(data) != length:
        raise NotACapture("a packet that contradicts itself")
    return unwrapped(data, (high << 32 | low) * resolutions[interface])
