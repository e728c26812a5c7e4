"""One end of a PPP link, written from RFC 1661, 1662 and 1332: framing, LCP and IPCP, as little as serves the tests."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from typing import Protocol

LCP, IPCP, IP = 0xC021, 0x8021, 0x0021
REQUEST, ACK, NAK, REJECT, TERMINATE, TERMINATED, CODE_REJECT, PROTOCOL_REJECT, ECHO, ECHOED = range(1, 11)
TOLERATED = {LCP: {1, 2, 5, 7, 8}, IPCP: {3}}  # options that are agreed to: MRU, ACCM, magic number, PFC, ACFC; address
PEER = bytes((10, 0, 2, 2))
"""The address for a peer that asks for one."""
PATIENCE = 20.0
_FLAG, _ESCAPE = 0x7E, 0x7D
_RESTART = 3.0  # seconds between requests: RFC 1661 §4.6


class Port(Protocol):
    """A serial port with a short timeout."""

    def read(self, size: int, /) -> bytes: ...
    def write(self, data: bytes, /) -> object: ...


def fcs(octets: bytes) -> int:
    """Return the FCS-16 of RFC 1662, appendix C.2, as it goes on the line."""
    value = 0xFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = (value >> 1) ^ 0x8408 if value & 1 else value >> 1
    return value ^ 0xFFFF


def framed(protocol: int, packet: bytes) -> bytes:
    """Return a frame in octet-stuffed framing (RFC 1662 §4), all control characters escaped."""
    inside = b"\xff\x03" + struct.pack("!H", protocol) + packet
    inside += struct.pack("<H", fcs(inside))
    stuffed = bytearray()
    for octet in inside:
        if octet < 0x20 or octet in (_FLAG, _ESCAPE):
            stuffed += bytes((_ESCAPE, octet ^ 0x20))
        else:
            stuffed.append(octet)
    return b"\x7e" + bytes(stuffed) + b"\x7e"


class Deframer:
    """Finds frames in octets; everything else, as a banner before the first one, is passed over."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def feed(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        """Take octets; yield the protocol and the packet of each frame that is whole."""
        self._octets += octets
        *whole, rest = self._octets.split(b"\x7e")
        self._octets = bytearray(rest)
        for stuffed in whole:
            parts = stuffed.split(b"\x7d")
            inside = bytes(parts[0]) + b"".join(bytes((part[0] ^ 0x20,)) + part[1:] for part in parts[1:] if part)
            if len(inside) < 4 or fcs(inside[:-2]) != int.from_bytes(inside[-2:], "little"):
                continue
            inside = inside[:-2].removeprefix(b"\xff\x03")
            size = 1 if inside[0] & 1 else 2  # a compressed protocol field: RFC 1661 §6.5
            yield int.from_bytes(inside[:size]), inside[size:]


class PppEnd:
    """The host's end of a link, on a port that is read while something is waited for.

    Args:
        port: where the octets go, with a short timeout.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._deframer = Deframer()
        self._agreed: dict[int, set[str]] = {LCP: set(), IPCP: set()}
        self._asked_at = {LCP: float("-inf"), IPCP: float("-inf")}
        self._identifier = 0
        self.banner = bytearray()
        """What came before the first flag."""
        self.address = bytes(4)
        """Ours, as the peer has given it."""
        self.terminated = False
        self.echoed: list[int] = []
        self.on_packet: Callable[[bytes], object] = lambda packet: None
        """Called with each IP packet."""

    def up(self, protocol: int) -> bool:
        """Whether both sides have agreed."""
        return self._agreed[protocol] == {"we", "they"}

    def open(self) -> None:
        """Bring the link up: LCP, then IPCP."""
        for protocol in (LCP, IPCP):
            self.until(lambda one=protocol: self.up(one), f"protocol {protocol:#x}", asks=protocol)  # type: ignore[misc]

    def send(self, packet: bytes) -> None:
        """Send an IP packet."""
        self._port.write(framed(IP, packet))

    def echo(self) -> None:
        """Ask the peer whether it is there, and wait for its answer (RFC 1661 §5.8)."""
        before = len(self.echoed)
        self._say(LCP, ECHO, bytes(4))
        self.until(lambda: len(self.echoed) > before, "an echo of LCP")

    def terminate(self) -> None:
        """Ask the peer to end the link; it may do so before it answers."""
        self._say(LCP, TERMINATE, b"")

    def until(self, wanted: Callable[[], object], what: str, asks: int | None = None) -> None:
        """Read the port until something is the case."""
        deadline = time.monotonic() + PATIENCE
        while not wanted():
            now = time.monotonic()
            assert now < deadline, f"{what} did not come; the peer has said {bytes(self.banner)!r}"
            if asks is not None and "they" not in self._agreed[asks] and now - self._asked_at[asks] > _RESTART:
                self._asked_at[asks] = now
                self._ask(asks)
            self.read()

    def read(self) -> None:
        """Take what has come."""
        octets = self._port.read(4096)
        if len(self.banner) < 4096 and b"\x7e" not in self.banner:
            self.banner += octets
        for protocol, packet in self._deframer.feed(octets):
            if protocol == IP:
                self.on_packet(packet)
            elif protocol in self._agreed:
                self._control(protocol, packet)
            else:
                self._say(LCP, PROTOCOL_REJECT, struct.pack("!H", protocol) + packet[:64])

    def _ask(self, protocol: int) -> None:
        self._say(protocol, REQUEST, b"\x03\x06" + self.address if protocol == IPCP else b"")

    def _say(self, protocol: int, code: int, data: bytes, identifier: int | None = None) -> None:
        if identifier is None:
            self._identifier = identifier = (self._identifier + 1) % 256
        self._port.write(framed(protocol, struct.pack("!BBH", code, identifier, 4 + len(data)) + data))

    def _control(self, protocol: int, packet: bytes) -> None:
        code, identifier, length = struct.unpack("!BBH", packet[:4])
        data = packet[4:length]
        if code == REQUEST:
            self._answer(protocol, identifier, data)
        elif code == ACK:
            self._agreed[protocol].add("they")
        elif code == NAK and protocol == IPCP:
            self.address = dict(_options(data))[3]
            self._ask(protocol)
        elif code == TERMINATE:
            self._say(protocol, TERMINATED, b"", identifier)
            self.terminated = True
        elif code == TERMINATED:
            self.terminated = True
        elif code == ECHO:
            self._say(protocol, ECHOED, bytes(4) + data[4:], identifier)
        elif code == ECHOED:
            self.echoed.append(identifier)

    def _answer(self, protocol: int, identifier: int, data: bytes) -> None:
        options = list(_options(data))
        unwanted = [option for option in options if option[0] not in TOLERATED[protocol]]
        if unwanted:
            self._say(protocol, REJECT, _packed(unwanted), identifier)
        elif protocol == IPCP and dict(options).get(3) == bytes(4):  # it asks for an address itself
            self._say(protocol, NAK, _packed([(3, PEER)]), identifier)
        else:
            self._say(protocol, ACK, data, identifier)
            self._agreed[protocol].add("we")


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 2 and 2 <= data[1] <= len(data):
        yield data[0], data[2 : data[1]]
        data = data[data[1] :]


def _packed(options: list[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes((kind, len(value) + 2)) + value for kind, value in options)
