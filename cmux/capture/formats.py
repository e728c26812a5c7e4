"""The file formats of captures: pcapng for Wireshark, JSON lines for programs, text for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final, Protocol

from ..protocol.config import Option
from ..protocol.errors import FrameError
from ..protocol.events import FrameDropped
from ..protocol.frames import Frame, encode
from ..protocol.messages import encode_value
from ..protocol.wire import FrameType
from . import pcapng
from .describe import dropped_entry, frame_entry, frame_text, messages, octets_text
from .names import ending


class Format(Protocol):
    """A way to write captured frames."""

    def header(self) -> bytes:
        """Return the beginning of the file."""

    def frame(self, frame: Frame, option: Option, *, from_host: bool, timestamp: int) -> bytes:
        """Return the octets for a frame."""

    def dropped(self, item: FrameDropped, *, from_host: bool, timestamp: int) -> bytes:
        """Return the octets for what is not a frame."""


class Pcapng:
    """LINKTYPE_MUX27010, which Wireshark shows without any option set. What is not a frame is left out."""

    def header(self) -> bytes:
        """See `Format.header`."""
        return pcapng.header()

    def frame(self, frame: Frame, option: Option, *, from_host: bool, timestamp: int) -> bytes:
        """See `Format.frame`: in the basic option, one control message per packet."""
        octets = b""
        for one in _split(frame):
            try:
                octets += pcapng.packet(encode(one, Option.BASIC), from_host=from_host, timestamp=timestamp)
            except FrameError:  # a frame of the error-recovery mode has no basic form
                continue
        return octets

    def dropped(self, item: FrameDropped, *, from_host: bool, timestamp: int) -> bytes:
        """See `Format.dropped`."""
        return b""


class JsonLines:
    """One object per line, with the keys of ``decode --format json``, ``time`` (ns) and ``from``."""

    def header(self) -> bytes:
        """See `Format.header`."""
        return b""

    def frame(self, frame: Frame, option: Option, *, from_host: bool, timestamp: int) -> bytes:
        """See `Format.frame`."""
        return self._line(frame_entry(frame, option), from_host, timestamp)

    def dropped(self, item: FrameDropped, *, from_host: bool, timestamp: int) -> bytes:
        """See `Format.dropped`."""
        return self._line(dropped_entry(item), from_host, timestamp)

    def _line(self, entry: dict[str, object], from_host: bool, timestamp: int) -> bytes:
        return json.dumps({"time": timestamp, "from": side(from_host), **entry}).encode() + b"\n"


class Log:
    """A line of text for each frame."""

    def header(self) -> bytes:
        """See `Format.header`."""
        return b""

    def frame(self, frame: Frame, option: Option, *, from_host: bool, timestamp: int) -> bytes:
        """See `Format.frame`."""
        pf = "P/F" if frame.pf else "   "
        return self._line(f"DLCI {frame.dlci:<2} {frame.type.name:<4} {pf} {frame_text(frame)}", from_host, timestamp)

    def dropped(self, item: FrameDropped, *, from_host: bool, timestamp: int) -> bytes:
        """See `Format.dropped`."""
        return self._line(f"dropped ({item.reason.value}): {octets_text(item.raw)}", from_host, timestamp)

    def _line(self, text: str, from_host: bool, timestamp: int) -> bytes:
        seconds, nanoseconds = divmod(timestamp, 1_000_000_000)
        clock = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{clock}.{nanoseconds // 1000:06}Z {side(from_host):<6} {text}".rstrip().encode() + b"\n"


_FORMATS: Final[dict[str, type[Format]]] = {"pcapng": Pcapng, "jsonl": JsonLines, "log": Log}


def format_for(path: str) -> Format:
    """Return the format for the name of a file; pcapng if the name does not tell."""
    return _FORMATS[ending(path) or "pcapng"]()


def side(from_host: bool) -> str:
    """Return the name of a direction, which is that of its sender."""
    return "host" if from_host else "module"


def _split(frame: Frame) -> list[Frame]:
    """Give each control message its own frame: Wireshark reads one message per frame."""
    if frame.dlci or frame.type not in (FrameType.UIH, FrameType.UI):
        return [frame]
    found = messages(frame)
    if len(found) < 2 or any(message.type is None or message.problem for message in found):
        return [frame]
    return [
        frame._replace(info=encode_value(message.type, message.value, command=message.command))
        for message in found
        if message.type is not None
    ]
