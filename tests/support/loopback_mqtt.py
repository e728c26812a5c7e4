"""A broker for one topic tree in memory: enough of MQTT 3.1.1 for a real client to connect, subscribe and publish."""

from __future__ import annotations

import socket

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14


def serve(connection: socket.socket) -> None:
    """Serve one client: what it publishes comes back to it where it has subscribed to the topic."""
    topics: set[bytes] = set()
    with connection.makefile("rwb") as stream:
        while first := stream.read(1):
            kind, flags = first[0] >> 4, first[0] & 15
            body = stream.read(_length(stream.read))
            if kind == CONNECT:
                stream.write(bytes([CONNACK << 4, 2, 0, 0]))
            elif kind == SUBSCRIBE:
                size = int.from_bytes(body[2:4])
                topics.add(body[4 : 4 + size])
                stream.write(bytes([SUBACK << 4, 3]) + body[:2] + b"\x00")
            elif kind == PUBLISH:
                size = int.from_bytes(body[:2])
                topic, rest = body[2 : 2 + size], body[2 + size :]
                if flags & 6:
                    stream.write(bytes([PUBACK << 4, 2]) + rest[:2])
                    rest = rest[2:]
                if topic in topics:
                    packet = size.to_bytes(2) + topic + rest
                    stream.write(bytes([PUBLISH << 4]) + _encoded(len(packet)) + packet)
            elif kind == PINGREQ:
                stream.write(bytes([PINGRESP << 4, 0]))
            elif kind == DISCONNECT:
                return
            stream.flush()


def _length(read: object) -> int:
    value, shift = 0, 0
    while True:
        octet = read(1)[0]  # type: ignore[operator]
        value |= (octet & 127) << shift
        shift += 7
        if octet < 128:
            return value


def _encoded(value: int) -> bytes:
    result = bytearray()
    while True:
        value, octet = divmod(value, 128)
        result.append(octet | (128 if value else 0))
        if not value:
            return bytes(result)
