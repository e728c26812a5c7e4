"""Captures of a session in pcapng, LINKTYPE_MUX27010: Wireshark shows them with no option set."""

from __future__ import annotations

import io
import logging
import os
import struct
import threading

from .protocol.config import Config, Option
from .protocol.errors import FrameError
from .protocol.events import FrameDropped
from .protocol.frames import AdvancedDecoder, BasicDecoder, Frame, encode
from .protocol.messages import encode_value, parse_messages
from .protocol.wire import FrameType

LINKTYPE_MUX27010 = 236

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE = 1
_ENHANCED_PACKET = 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_IF_TSRESOL = 9

_log = logging.getLogger("cmux.capture")


class Capture:
    """Writes the frames of one line to a file.

    Octets that are no valid frame are not written; what has been written is on disk after every `feed`. When that
    fails (a full disk), the capture ends with one warning, and the session goes on.

    Args:
        path: of the file; it is overwritten.
        config: of the session: the framing and the longest frame.
        payload: False replaces the octets of user DLCs by zeros.

    Raises:
        OSError: the file cannot be created.
    """

    def __init__(self, path: str | os.PathLike[str], config: Config, *, payload: bool = True) -> None:
        decoder = BasicDecoder if config.option is Option.BASIC else AdvancedDecoder
        self._path = os.fspath(path)
        self._decoders = {True: decoder(config.n1_receive), False: decoder(config.n1_receive)}
        self._payload = payload
        self._lock = threading.Lock()
        self._file: io.FileIO | None = io.FileIO(self._path, "w")
        self._write(
            _block(_SECTION_HEADER, struct.pack("=IHHq", _BYTE_ORDER_MAGIC, 1, 0, -1))
            + _block(_INTERFACE, struct.pack("=HHI", LINKTYPE_MUX27010, 0, 0) + _option(_IF_TSRESOL, b"\x09"))
        )

    def feed(self, data: bytes, *, from_host: bool, timestamp: int) -> None:
        """Take octets of one direction as they pass on the line.

        Args:
            data: any number of them.
            from_host: True for host to module.
            timestamp: nanoseconds since 1970.
        """
        with self._lock:
            if self._file is None:
                return
            packets = bytearray()
            for item in self._decoders[from_host].receive_data(data):
                if not isinstance(item, FrameDropped):
                    for frame in _split(item):
                        packets += self._packet(frame, from_host, timestamp)
            if packets:
                self._write(packets)

    def _packet(self, frame: Frame, from_host: bool, timestamp: int) -> bytes:
        if frame.dlci and not self._payload:
            frame = frame._replace(info=bytes(len(frame.info)))
        try:
            octets = encode(frame, Option.BASIC)  # the link type knows the basic option only
        except FrameError:  # a frame of the error-recovery mode has no basic form
            return b""
        packet = bytes((0, 0 if from_host else 1)) + octets
        stamp = struct.pack("=II", timestamp >> 32, timestamp & 0xFFFFFFFF)
        fixed = struct.pack("=I", 0) + stamp + struct.pack("=II", len(packet), len(packet))
        return _block(_ENHANCED_PACKET, fixed + _padded(packet))

    def _write(self, octets: bytes | bytearray) -> None:
        assert self._file is not None  # noqa: S101 - every caller has looked, or just opened it
        try:
            written = self._file.write(octets)
            if written != len(octets):
                raise OSError(f"{written} of {len(octets)} octets were written")
        except OSError as error:
            _log.warning("%s: the capture ends here, the session goes on: %s", self._path, error)
            self._close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _split(frame: Frame) -> list[Frame]:
    """Give each control message a frame of its own: Wireshark reads one a frame."""
    if frame.dlci or frame.type not in (FrameType.UIH, FrameType.UI):
        return [frame]
    messages = parse_messages(frame.info)
    if len(messages) < 2 or any(message.type is None or message.problem for message in messages):
        return [frame]
    return [
        frame._replace(info=encode_value(message.type, message.value, command=message.command))
        for message in messages
        if message.type is not None
    ]


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("=HH", code, len(value)) + _padded(value) + struct.pack("=HH", 0, 0)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("=II", kind, length) + body + struct.pack("=I", length)
