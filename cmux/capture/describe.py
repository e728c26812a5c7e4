"""Frames and control messages for people (text) and for programs (dictionaries of plain values)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ..protocol.config import Option
from ..protocol.events import FrameDropped
from ..protocol.frames import Frame
from ..protocol.messages import Message, parse_messages
from ..protocol.wire import FrameType

_SHOWN_OCTETS = 24


def messages(frame: Frame) -> list[Message]:
    """Return the control messages of a frame; only frames of DLCI 0 have any."""
    control = frame.dlci == 0 and frame.type in (FrameType.UIH, FrameType.UI)
    return parse_messages(frame.info) if control else []


def frame_entry(frame: Frame, option: Option) -> dict[str, object]:
    """Return a frame as plain values, including its messages."""
    return {
        "option": option.value,
        "dlci": frame.dlci,
        "cr": frame.cr,
        "type": frame.type.name,
        "pf": frame.pf,
        "info": frame.info.hex(),
        "fcs_ok": True,
        "commands": [message_entry(message) for message in messages(frame)],
    }


def dropped_entry(item: FrameDropped) -> dict[str, object]:
    """Return octets that are not a frame as plain values."""
    return {"dropped": item.reason.value, "raw": item.raw.hex()}


def message_entry(message: Message) -> dict[str, object]:
    """Return a control message as plain values."""
    return {
        "name": message.name,
        "command": message.command,
        "value": message.value.hex(),
        "text": message_text(message),
        "problem": message.problem,
    }


def message_text(message: Message) -> str:
    """Return a control message as text."""
    kind = "command" if message.command else "response"
    if message.problem:
        return f"{message.name} {kind}, {message.problem}: {message.value.hex(' ')}"
    if message.body is None or not message.value:
        return f"{message.name} {kind} {message.value.hex(' ')}".rstrip()
    return f"{message.name} {kind} {_fields(message.body)}"


def frame_text(frame: Frame) -> str:
    """Return the contents of a frame as text: its messages, or the beginning of its data."""
    return "; ".join(message_text(message) for message in messages(frame)) or octets_text(frame.info)


def octets_text(octets: bytes) -> str:
    """Return octets in hex and as characters; only the first of many."""
    if not octets:
        return ""
    head = octets[:_SHOWN_OCTETS]
    text = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in head)
    more = f" … {len(octets)} octets" if len(octets) > len(head) else ""
    return f"{head.hex(' ')}  {text}{more}"


def _fields(body: object) -> str:
    return " ".join(f"{name}={value}" for name, value in fields_of(body))


def fields_of(body: object) -> Iterator[tuple[str, str]]:
    """Yield the fields of a message that have a value, with the value as text; those of its parts as its own."""
    for field in dataclasses.fields(body):  # type: ignore[arg-type]  # every message is a dataclass
        value = getattr(body, field.name)
        if dataclasses.is_dataclass(value):
            yield from fields_of(value)
        elif isinstance(value, bytes):
            yield field.name, value.hex(" ")
        elif value is not None:
            yield field.name, f"{int(value) if isinstance(value, bool) else value}"
