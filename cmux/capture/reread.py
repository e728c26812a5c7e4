"""Reads what `JsonLines` and `Log` have written: a line, and the frame that it was written for."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from ..protocol.commands import COMMANDS, Command
from ..protocol.config import Option
from ..protocol.errors import FrameError
from ..protocol.events import DropReason, FrameDropped
from ..protocol.frames import Frame, encode
from ..protocol.messages import encode_message, encode_value
from ..protocol.octets import build
from ..protocol.wire import FrameType, MessageType, length

_LOG_LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(?P<micro>\d{6})Z (?P<side>host|module) +"
    r"(?:DLCI (?P<dlci>\d+) +(?P<type>[A-Z]+)(?P<rest>(?: .*)?)|dropped \((?P<reason>\w+)\): ?(?P<raw>.*))"
)
_OCTETS = re.compile(r"((?:[0-9a-f]{2})(?: [0-9a-f]{2})*)(?:  .*?)?(?: … (\d+) octets)?", re.DOTALL)
_MESSAGE = re.compile(r"(?P<name>[A-Za-z]+|type [0-9A-F]{2}) (?P<kind>command|response)(?P<rest>.*)")
_PROBLEM = re.compile(r", .*: (?P<value>[0-9a-f ]*)")
_HEX = re.compile(r"(?: [0-9a-f]{2})*")
_FIELD = re.compile(r" (?=\w+=)")
_TYPES: Final = {command.name: kind for kind, command in COMMANDS.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """One line of a capture."""

    item: Frame | FrameDropped
    """The frame, or the octets that were none; the offset of these is 0."""
    option: Option
    """The framing; basic where the line does not say."""
    timestamp: int | None
    """Nanoseconds since 1970."""
    from_host: bool | None
    """Its direction."""
    missing: int = 0
    """How many octets of it the line has not."""

    @property
    def size(self) -> int:
        """How many octets it had on the line."""
        return self.missing + len(
            self.item.raw if isinstance(self.item, FrameDropped) else encode(self.item, self.option)
        )


def json_line(text: str) -> Recorded | None:
    """Read a line of a ``.jsonl`` file, or of what ``decode --format json`` has written; None if it is neither."""
    try:
        entry = json.loads(text)
        return _entry(entry) if isinstance(entry, dict) else None
    except (ValueError, KeyError, TypeError, FrameError, RecursionError):
        return None


def _entry(entry: Mapping[str, Any]) -> Recorded:
    time, sender = entry.get("time"), entry.get("from")
    if not (time is None or type(time) is int) or sender not in (None, "host", "module"):
        raise ValueError("neither a time nor a direction")
    if "dropped" in entry:
        item: Frame | FrameDropped = FrameDropped(0, DropReason(entry["dropped"]), bytes.fromhex(entry["raw"]))
        option = Option.BASIC
    else:
        dlci, cr, pf = entry["dlci"], entry["cr"], entry["pf"]
        if type(dlci) is not int or type(cr) is not bool or type(pf) is not bool:
            raise ValueError("not a frame")
        item = Frame(dlci, cr, FrameType[entry["type"]], pf, bytes.fromhex(entry["info"]))
        option = Option(entry["option"])
        encode(item, option)  # raises for what is no frame
    return Recorded(item, option, time, None if sender is None else sender == "host")


def log_line(text: str) -> Recorded | None:
    """Read a line of a ``.log`` file; None if it is none.

    The log has no C/R bit: it follows from the direction, the host being the initiator (27.010 §5.2.1.2).
    """
    line = _LOG_LINE.fullmatch(text)
    if line is None:
        return None
    try:
        moment = datetime.fromisoformat(line["time"]).replace(tzinfo=UTC)
        timestamp = int(moment.timestamp()) * 1_000_000_000 + int(line["micro"]) * 1000
        from_host = line["side"] == "host"
        if line["reason"] is not None:
            raw, missing = _octets(line["raw"])
            dropped = FrameDropped(0, DropReason(line["reason"]), raw)
            return Recorded(dropped, Option.BASIC, timestamp, from_host, missing)
        kind, dlci, rest = FrameType[line["type"]], int(line["dlci"]), line["rest"].strip()
        pf = rest.startswith("P/F")
        info, missing = _info(rest.removeprefix("P/F").strip())
        cr = from_host is not (kind in (FrameType.UA, FrameType.DM))
        frame = Frame(dlci, cr, kind, pf, info)
        option = Option.BASIC if kind in _BASIC else Option.ADVANCED
        encode(frame, option)
        return Recorded(frame, option, timestamp, from_host, missing)
    except (ValueError, KeyError, TypeError, OverflowError, FrameError):
        return None


_BASIC: Final = (FrameType.SABM, FrameType.UA, FrameType.DM, FrameType.DISC, FrameType.UIH, FrameType.UI)


def _octets(text: str) -> tuple[bytes, int]:
    """Read what `describe.octets_text` has written: the octets, and how many of them it left out."""
    found = _OCTETS.fullmatch(text)
    if found is None:
        if text:
            raise ValueError(text)
        return b"", 0
    octets = bytes.fromhex(found[1])
    return octets, int(found[2]) - len(octets) if found[2] else 0


def _info(text: str) -> tuple[bytes, int]:
    """Read what `describe.frame_text` has written: messages, or the beginning of data."""
    if not _MESSAGE.match(text):
        return _octets(text)
    return b"".join(_message(part) for part in text.split("; ")), 0


def _message(text: str) -> bytes:
    found = _MESSAGE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    command, rest = found["kind"] == "command", found["rest"]
    problem = _PROBLEM.fullmatch(rest)
    if problem is not None or _HEX.fullmatch(rest):
        value = bytes.fromhex(problem["value"] if problem is not None else rest)
        if found["name"].startswith("type "):
            return bytes.fromhex(found["name"][5:]) + build(length, len(value)) + value
        return encode_value(MessageType(_TYPES[found["name"]]), value, command=command)
    values = dict(field.split("=", 1) for field in _FIELD.split(rest.strip()))
    body = _made(COMMANDS[_TYPES[found["name"]]], values)
    assert isinstance(body, Command)  # noqa: S101 - the class is one of `COMMANDS`
    return encode_message(body, command=command)


def _made(cls: type[Any], values: dict[str, str]) -> object:
    """Make a dataclass from the text of its fields; those of its parts stand beside its own."""
    hints = typing.get_type_hints(cls)
    made: dict[str, object] = {}
    for field in dataclasses.fields(cls):
        kinds = [kind for kind in _kinds(hints[field.name]) if kind is not types.NoneType]
        (kind,) = kinds
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            if any(part.name in values for part in dataclasses.fields(kind)):
                made[field.name] = _made(kind, values)
        elif field.name in values:
            made[field.name] = _value(kind, values[field.name])
        elif field.default is dataclasses.MISSING or len(kinds) < len(_kinds(hints[field.name])):
            made[field.name] = None
    return cls(**made)


def _kinds(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) or typing.get_args(hint) else (hint,)


def _value(kind: type[Any], text: str) -> object:
    if kind is bytes:
        return bytes.fromhex(text)
    if kind is bool:
        return {"0": False, "1": True}[text]
    if issubclass(kind, Enum) and not issubclass(kind, int):
        return kind[text.partition(".")[2]]
    return kind(float(text)) if kind is float else kind(int(text))
