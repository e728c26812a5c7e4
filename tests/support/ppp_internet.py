"""IPv4, ICMP, UDP and a TCP client without retransmission on a PPP link of the tests (RFC 791, 792, 768, 793)."""

from __future__ import annotations

import ipaddress
import struct

from ppp_end import PppEnd

ICMP, TCP, UDP = 1, 6, 17
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_WINDOW = 8192
_SEGMENT = 512


def checksum(octets: bytes) -> int:
    """Return the checksum of the Internet (RFC 1071)."""
    octets += bytes(len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Internet:
    """What a host does with its packets.

    Args:
        link: up.
        gateway: the address that is spoken to.
    """

    def __init__(self, link: PppEnd, gateway: str = "10.0.2.2") -> None:
        self.link = link
        self.gateway = ipaddress.IPv4Address(gateway).packed
        self.echoes: list[tuple[int, bytes]] = []
        self.datagrams: list[tuple[int, int, bytes]] = []  # from port, to port, data
        self.connections: dict[int, Connection] = {}
        self._number = 0
        link.on_packet = self._packet

    def ping(self, number: int, data: bytes) -> None:
        """Send an echo and wait for its answer."""
        body = struct.pack("!BBHHH", 8, 0, 0, 77, number) + data
        self.send(ICMP, body[:2] + struct.pack("!H", checksum(body)) + body[4:])
        self.link.until(lambda: (number, data) in self.echoes, "an ICMP echo")

    def datagram(self, source: int, port: int, data: bytes) -> None:
        """Send a datagram."""
        head = struct.pack("!HHHH", source, port, 8 + len(data), 0)
        self.send(UDP, head[:6] + struct.pack("!H", self._sum(UDP, head + data) or 0xFFFF) + data)

    def connect(self, source: int, port: int) -> Connection:
        """Open a connection and wait until it is there."""
        connection = self.connections[source] = Connection(self, source, port)
        connection.say(SYN)
        self.link.until(lambda: connection.open, "a connection")
        return connection

    def send(self, protocol: int, body: bytes) -> None:
        """Send a packet to the gateway."""
        self._number += 1
        head = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), self._number, 0, 64, protocol, 0, self.link.address, self.gateway
        )
        self.link.send(head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body)

    def send_segment(self, head: bytes, data: bytes) -> None:
        """Send a segment whose checksum is 0 as yet."""
        total = struct.pack("!H", self._sum(TCP, head + data))
        self.send(TCP, head[:16] + total + head[18:] + data)

    def _sum(self, protocol: int, body: bytes) -> int:
        return checksum(self.link.address + self.gateway + struct.pack("!HH", protocol, len(body)) + body)

    def _packet(self, packet: bytes) -> None:
        size = (packet[0] & 15) * 4
        assert checksum(packet[:size]) == 0, "the checksum of a header is wrong"
        body = packet[size : int.from_bytes(packet[2:4])]
        protocol = packet[9]
        if protocol == ICMP and body[0] == 0:
            assert checksum(body) == 0
            self.echoes.append((int.from_bytes(body[6:8]), body[8:]))
        elif protocol == UDP:
            source, target, length, _ = struct.unpack("!HHHH", body[:8])
            self.datagrams.append((source, target, body[8:length]))
        elif protocol == TCP and (target := int.from_bytes(body[2:4])) in self.connections:
            self.connections[target].segment(body)


class Connection:
    """A TCP connection of the host."""

    def __init__(self, internet: Internet, source: int, port: int) -> None:
        self._internet = internet
        self._ports = (source, port)
        self._next, self._wanted, self._acknowledged = 1000, 0, 0
        self.open = self.closed = self.reset = False
        self.received = bytearray()

    def say(self, flags: int, data: bytes = b"") -> None:
        """Send a segment."""
        head = struct.pack("!HHIIBBHHH", *self._ports, self._next, self._wanted, 5 << 4, flags, _WINDOW, 0, 0)
        self._next += len(data) + bool(flags & (SYN | FIN))
        self._internet.send_segment(head, data)

    def sendall(self, data: bytes) -> None:
        """Send data, each segment once the one before is acknowledged."""
        for at in range(0, len(data), _SEGMENT):
            self.say(ACK | PSH, data[at : at + _SEGMENT])
            self._internet.link.until(lambda: self._acknowledged == self._next, "an acknowledgement")

    def recv(self, size: int) -> bytes:
        """Wait for data; return so many octets."""
        self._internet.link.until(lambda: len(self.received) >= size, f"{size} octets")
        data = bytes(self.received[:size])
        del self.received[:size]
        return data

    def close(self) -> None:
        """Close, and wait until the peer has closed, too."""
        self.say(FIN | ACK)
        self._internet.link.until(lambda: self.closed or self.reset, "the end of a connection")

    def segment(self, body: bytes) -> None:
        """Take a segment."""
        sequence, acknowledged = struct.unpack("!II", body[4:12])
        flags, data = body[13], body[(body[12] >> 4) * 4 :]
        self.reset |= bool(flags & RST)
        self._acknowledged = acknowledged
        if flags & SYN:
            self._wanted, self.open = sequence + 1, True
        elif sequence != self._wanted:
            self.say(ACK)  # again, or out of order
            return
        else:
            self.received += data
            self._wanted += len(data) + (flags & FIN)
            self.closed |= bool(flags & FIN)
        if data or flags & (SYN | FIN):
            self.say(ACK)
