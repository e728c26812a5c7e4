"""Messages in an information field of DLCI 0: type octet, length, value octets (27.010 §5.4.6.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from construct import ConstructError

from . import wire
from .commands import COMMANDS, Command
from .octets import build
from .wire import MessageType


@dataclass(frozen=True, slots=True)
class Message:
    """One message in an information field of DLCI 0."""

    type_octet: int
    """The type octet as received, including its C/R bit."""
    command: bool
    """True for a command, False for a response."""
    type: MessageType | None
    """Which message; None for a type that 27.010 does not define."""
    value: bytes
    """The value octets as received."""
    body: Command | None
    """The decoded message; None if it cannot be decoded."""
    problem: str | None = None
    """What is wrong with the message, if anything."""

    @property
    def name(self) -> str:
        """The name of the message in the specification, or its type octet."""
        return f"type {self.type_octet:02X}" if self.type is None else COMMANDS[self.type].name


def parse_messages(info: bytes) -> list[Message]:
    """Split an information field of DLCI 0 into its messages.

    Args:
        info: the field; several messages may follow each other.

    Returns:
        The messages in order. A message that is cut short has a `problem` and is the last. One with a wrong number of
        value octets, or a wrong length octet, has a `problem`, and a `body` if it can be decoded nevertheless.
    """
    messages: list[Message] = []
    at, field = 0, memoryview(info)  # what is left of it is not copied for each message
    while at < len(info):
        octet, rest = info[at], field[at + 1 :]
        kind, is_command = _message_type(octet)
        size = 1 if rest and rest[0] & 1 else 2
        length = wire.length.parse(bytes(rest[:size])) if len(rest) >= size else None
        value = bytes(rest[size : size + (length or 0)])
        problem = _length_problem(rest, length, value)
        meant = _meant(kind, rest, size, length)
        if meant is not None:
            # A CLD of one octet is well known: Linux documents it for leaving the multiplexer.
            problem = None if kind is MessageType.CLD and not rest else problem or _other_length(length, meant)
            messages.append(replace(_read(octet, is_command, kind, meant), problem=problem))
            break
        if length is None or problem is not None:
            messages.append(Message(octet, is_command, kind, value, None, problem))
            break
        messages.append(_read(octet, is_command, kind, value))
        at += 1 + size + length
    return messages


def _length_problem(rest: memoryview, length: int | None, value: bytes) -> str | None:
    if not rest:
        return "no length octet"
    if length is None:
        return "the length field is cut short"
    return None if len(value) == length else _other_length(length, value)


def _other_length(length: int | None, value: bytes) -> str:
    return f"the length field says {length}, {len(value)} follow"


def _meant(kind: MessageType | None, rest: memoryview, size: int, length: int | None) -> bytes | None:
    """Return the value of a message whose length octet is wrong or missing, if it can mean one thing only.

    ofono and libgsm0710 send MSC with two value octets and a length of 1; at-cmux sends CLD, FCon, FCoff and NSC
    without a length octet. A length that the message may have is believed: what is missing from its value was cut off.

    Args:
        kind: which message.
        rest: the octets behind its type octet.
        size: how many octets its length field has.
        length: what the length field says; None if it is incomplete.
    """
    if size == 2 and len(rest) > 2 and rest[1] & 1 and len(rest) - 2 == rest[0] >> 1 | (rest[1] >> 1) << 7:
        return bytes(rest[2:]) if length != len(rest) - 2 else None  # the second octet was given an EA bit, too
    sizes = wire.VALUE_SIZES.get(kind, ()) if kind is not None else ()
    if length in sizes:
        return None
    left_over = rest[size + (length or 0) :]
    if rest and len(rest) - 1 in sizes and (not left_over or _message_type(left_over[0])[0] is None):
        return bytes(rest[1:])  # the length octet is wrong, or has no EA bit
    if (length is None or len(rest) < size + length) and len(rest) in sizes:
        return bytes(rest)  # there is none
    return None


def _message_type(octet: int) -> tuple[MessageType | None, bool]:
    parsed = wire.message_type.parse(bytes((octet,)))
    known = parsed.ea and parsed.type in frozenset(MessageType)
    return MessageType(parsed.type) if known else None, parsed.command


def _read(octet: int, is_command: bool, kind: MessageType | None, value: bytes) -> Message:
    if kind is None:
        return Message(octet, is_command, kind, value, None)
    try:
        body = COMMANDS[kind].parse(value)
    except ConstructError:
        return Message(octet, is_command, kind, value, None, f"{len(value)} value octets are too few")
    sizes = wire.VALUE_SIZES.get(kind)
    problem = None
    if sizes is not None and len(value) not in sizes:
        problem = f"{len(value)} value octets instead of {' or '.join(map(str, sizes))}"
    return Message(octet, is_command, kind, value, body, problem)


def encode_value(kind: MessageType, value: bytes, *, command: bool) -> bytes:
    """Put type and length in front of value octets.

    Args:
        kind: which message.
        value: its value octets, at most 32767.
        command: True for a command, False for a response.

    Returns:
        The octets for an information field of DLCI 0.
    """
    type_octet = build(wire.message_type, {"type": int(kind), "command": command, "ea": True})
    return type_octet + build(wire.length, len(value)) + value


def encode_message(body: Command, *, command: bool) -> bytes:
    """Encode a message.

    Args:
        body: the message.
        command: True for a command, False for a response.

    Returns:
        The octets for an information field of DLCI 0.

    Raises:
        FrameError: a number in it does not fit its field.
    """
    return encode_value(body.type, body.value(), command=command)
