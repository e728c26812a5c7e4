"""Writes and reads the parts of pcapng that captures of LINKTYPE_MUX27010 need."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from .packets import LINKTYPE_MUX27010, NotACapture, Packet, Source, check_link_type, unwrapped

MAGIC = bytes.fromhex("0A0D0D0A")
"""The first octets of every pcapng file, in either byte order."""

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE = 1
_OLD_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 2, 3, 6
_PACKETS = {_OLD_PACKET: "HxxIIII", _SIMPLE_PACKET: "I", _ENHANCED_PACKET: "IIIII"}
"""The kinds of blocks with a packet, with what is before its data: interface, time, length, original length."""
_PACKET, _STAMP, _SIZES = struct.Struct("=III"), struct.Struct("=II"), struct.Struct("=II")
"""What is in a block before its data: its kind, its octets, the interface; the time; the octets of the data, twice."""
_DIRECTION = struct.Struct("BB")
"""What is before a frame: the size of an extension header, the direction."""
_LENGTH = struct.Struct("=I")
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_IF_TSRESOL, _IF_TSOFFSET = 9, 14
_MICROSECONDS = 6
_LONGEST_BLOCK = 1 << 24
_MOST_INTERFACES = 4096


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
    return around(len(octets), from_host=from_host).blocks((octets,), stamp(timestamp))


def stamp(timestamp: int) -> bytes:
    """Return the time of a block; the argument is that of `packet`."""
    return _STAMP.pack(timestamp >> 32, timestamp & 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around frames of one size and direction in their blocks."""

    before: bytes
    """The beginning of a block, up to its time."""
    behind: bytes
    """What is between the time and the frame."""
    end: bytes
    """What follows the frame."""

    def blocks(self, frames: Sequence[bytes], time: bytes) -> bytes:
        """Return the blocks of one or more frames.

        Args:
            frames: see `packet`; all of the size for which this was made.
            time: see `stamp`.
        """
        if len(frames) == 1:
            return b"".join((self.before, time, self.behind, frames[0], self.end))
        begin = self.before + time + self.behind
        parts = [*frames]
        parts[0] = begin + parts[0]
        parts[-1] += self.end
        return (self.end + begin).join(parts)


@lru_cache(maxsize=256)
def around(size: int, *, from_host: bool) -> Around:
    """Return what stands around frames.

    Args:
        size: their octets, with both flags.
        from_host: their direction.
    """
    size += _DIRECTION.size
    fill = -size % 4
    length = _PACKET.size + _STAMP.size + _SIZES.size + size + fill + _LENGTH.size
    behind = _SIZES.pack(size, size) + _DIRECTION.pack(0, 0 if from_host else 1)
    return Around(_PACKET.pack(_ENHANCED_PACKET, length, 0), behind, bytes(fill) + _LENGTH.pack(length))


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("=II", kind, length) + body + _LENGTH.pack(length)


@dataclass(frozen=True, slots=True)
class _Interface:
    """What a file says about one source of packets."""

    link: int
    longest: int
    """The most octets of a packet that are kept; 0: all."""
    second: int
    """The units of its time in a second."""
    offset: int
    """Seconds to add to its times."""

    def time(self, high: int, low: int) -> int:
        return (high << 32 | low) * 1_000_000_000 // self.second + self.offset * 1_000_000_000


def read(file: BinaryIO, first: bytes = b"") -> Iterator[Packet]:
    """Read the packets of a file, up to a block that is incomplete because the capture is still running.

    Packets of other link types are left out, if there is an interface with this one.

    Args:
        file: the open file.
        first: octets that have already been read from it.

    Yields:
        The packets.

    Raises:
        NotACapture: the file is not pcapng, is damaged, or has another link type.
    """
    links = set[int]()
    for order, kind, body, interfaces in _blocks(Source(file, first)):
        if kind == _INTERFACE:
            if len(interfaces) >= _MOST_INTERFACES:
                raise NotACapture(f"it has more than {_MOST_INTERFACES} interfaces")
            interfaces.append(_interface(order, body))
            links.add(interfaces[-1].link)
        elif kind in _PACKETS:
            found = _packet(order, kind, body, interfaces)
            if found is not None:
                yield found
    if links and LINKTYPE_MUX27010 not in links:
        check_link_type(min(links))


def _blocks(source: Source) -> Iterator[tuple[str, int, bytes, list[_Interface]]]:
    """Read blocks, with the byte order and the interfaces of their section; these are filled in by the caller."""
    order, interfaces = "<", list[_Interface]()
    while True:
        head = source.take(12)
        if len(head) < 12:
            return
        if head.startswith(MAGIC):
            order = "<" if struct.unpack_from("<I", head, 8)[0] == _BYTE_ORDER_MAGIC else ">"
            interfaces = []
        kind, length = struct.unpack_from(order + "II", head)
        if length % 4 or not 12 <= length <= _LONGEST_BLOCK:
            raise NotACapture(f"a block of {length} octets is not valid")
        block = head + source.take(length - 12)
        if len(block) < length:
            return
        yield order, kind, block[8 : length - 4], interfaces


def _interface(order: str, body: bytes) -> _Interface:
    if len(body) < 8:
        raise NotACapture("an interface without a description")
    link, _, longest = struct.unpack_from(order + "HHI", body)
    at, second, offset = 8, 10**_MICROSECONDS, 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == _IF_TSRESOL and len(value) == 1:
            digits = value[0]
            second = 1 << (digits & 0x7F) if digits & 0x80 else int(10**digits)
        if code == _IF_TSOFFSET and len(value) == 8:
            (offset,) = struct.unpack(order + "q", value)
        at += 4 + length + -length % 4
    return _Interface(link, longest, second, offset)


def _packet(order: str, kind: int, body: bytes, interfaces: list[_Interface]) -> Packet | None:
    """Return the packet of a block; None if it has another link type."""
    head = _PACKETS[kind]
    if len(body) < struct.calcsize(order + head):
        raise NotACapture("a packet without a header")
    number, time, length, data = 0, None, 0, body[struct.calcsize(order + head) :]
    if kind == _SIMPLE_PACKET:
        (length,) = struct.unpack_from(order + head, body)
    else:
        number, high, low, length, _ = struct.unpack_from(order + head, body)
        time = high, low
    if number >= len(interfaces):
        raise NotACapture("a packet that contradicts itself")
    interface = interfaces[number]
    if kind == _SIMPLE_PACKET and interface.longest:
        length = min(length, interface.longest)
    if len(data) < length:
        raise NotACapture("a packet that contradicts itself")
    if interface.link != LINKTYPE_MUX27010:
        return None
    return unwrapped(data[:length], None if time is None else interface.time(*time))
