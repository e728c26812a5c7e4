"""Messages of the control channel: frozen dataclasses to octets and back (27.010 §5.4.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from construct import Construct, ConstructError

from . import wire
from .errors import FrameError
from .wire import MessageType

BREAK_STEP = 0.2
"""Seconds that one unit of a break length stands for (27.010 §5.4.6.3.7)."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The V.24 signals that one station sends about one DLC (27.010 §5.4.6.3.7, table 7)."""

    fc: bool = False
    """Flow control: this station cannot accept frames of the DLC."""
    rtc: bool = True
    """Ready to communicate: DTR of a terminal, DSR of a module."""
    rtr: bool = True
    """Ready to receive: RTS of a terminal, CTS of a module."""
    ic: bool = False
    """Incoming call: RI of a module."""
    dv: bool = True
    """Data valid: DCD of a module; a terminal always sends 1."""

    @property
    def stops_data(self) -> bool:
        """Whether the peer of the sender has to hold its data: FC = 1, or RTR = 0 as real stacks read it."""
        return self.fc or not self.rtr


@dataclass(frozen=True, slots=True)
class Command:
    """The value octets of a control message; the C/R bit of its type octet is not part of it."""

    type: ClassVar[MessageType]
    name: ClassVar[str]

    def value(self) -> bytes:
        """Return the value octets."""
        return b""


@dataclass(frozen=True, slots=True)
class CLD(Command):
    """Multiplexer close down (27.010 §5.4.6.3.3)."""

    type = MessageType.CLD
    name = "CLD"


@dataclass(frozen=True, slots=True)
class Test(Command):
    """Test: the peer sends the same octets back (27.010 §5.4.6.3.4)."""

    type = MessageType.TEST
    name = "Test"

    data: bytes
    """Any octets."""

    def value(self) -> bytes:
        """See `Command.value`."""
        return self.data


@dataclass(frozen=True, slots=True)
class MSC(Command):
    """Modem status: V.24 signals of one DLC and, maybe, a break (27.010 §5.4.6.3.7)."""

    type = MessageType.MSC
    name = "MSC"

    dlci: int
    """The DLC that it is about."""
    signals: Signals
    """What the sender says about it."""
    break_length: float | None = None
    """Seconds of break, 0 to 3.0 in steps of 0.2; None: no break signal."""

    def value(self) -> bytes:
        """See `Command.value`."""
        signals = {name: getattr(self.signals, name) for name in Signals.__slots__}
        if self.break_length is None:
            return _build(wire.msc, {"dlci": {"dlci": self.dlci}, "signals": signals, "break": None})
        steps = min(15, round(self.break_length / BREAK_STEP))
        return _build(
            wire.msc,
            {
                "dlci": {"dlci": self.dlci},
                "signals": {**signals, "ea": False},
                "break": {"length": steps, "on": True},
            },
        )

    @classmethod
    def parse(cls, value: bytes) -> MSC:
        """Read the value octets: two or three, by the length octet and not by EA."""
        parsed = wire.msc.parse(value)
        signals = Signals(**{name: getattr(parsed.signals, name) for name in Signals.__slots__})
        third = getattr(parsed, "break")
        return cls(parsed.dlci.dlci, signals, third.length * BREAK_STEP if third is not None and third.on else None)


@dataclass(frozen=True, slots=True)
class NSC(Command):
    """Non-supported command: the answer to a type that this station does not know (27.010 §5.4.6.3.8)."""

    type = MessageType.NSC
    name = "NSC"

    type_octet: int
    """The type octet of the command, as it was received."""

    def value(self) -> bytes:
        """See `Command.value`."""
        return _build(wire.nsc, {"type_octet": self.type_octet})

    @classmethod
    def parse(cls, value: bytes) -> NSC:
        """Read the value octet."""
        return cls(wire.nsc.parse(value).type_octet)


@dataclass(frozen=True, slots=True)
class FCon(Command):
    """The sender can receive again on all channels (27.010 §5.4.6.3.5)."""

    type = MessageType.FCON
    name = "FCon"


@dataclass(frozen=True, slots=True)
class FCoff(Command):
    """The sender cannot receive on any channel but DLCI 0 (27.010 §5.4.6.3.6)."""

    type = MessageType.FCOFF
    name = "FCoff"


_PARSERS: dict[MessageType, Callable[[bytes], Command]] = {
    MessageType.CLD: lambda value: CLD(),
    MessageType.TEST: Test,
    MessageType.MSC: MSC.parse,
    MessageType.NSC: NSC.parse,
    MessageType.FCON: lambda value: FCon(),
    MessageType.FCOFF: lambda value: FCoff(),
}

_NAMES = {
    MessageType.PN: "PN",
    MessageType.PSC: "PSC",
    MessageType.CLD: "CLD",
    MessageType.TEST: "Test",
    MessageType.FCON: "FCon",
    MessageType.FCOFF: "FCoff",
    MessageType.MSC: "MSC",
    MessageType.NSC: "NSC",
    MessageType.RPN: "RPN",
    MessageType.RLS: "RLS",
    MessageType.SNC: "SNC",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it stood in an information field of DLCI 0."""

    type_octet: int
    """The type octet as it came, C/R bit included."""
    command: bool
    """True for a command, False for a response."""
    type: MessageType | None
    """Which message; None for a type that 27.010 does not know."""
    value: bytes
    """The value octets as they came."""
    body: Command | None
    """What they mean; None where that cannot be told."""
    problem: str | None = None
    """What is wrong with the message, if anything."""

    @property
    def name(self) -> str:
        """The name of the message in the specification, or its type octet."""
        return f"type {self.type_octet:02X}" if self.type is None else _NAMES[self.type]


def parse_messages(info: bytes) -> list[Message]:
    """Split an information field of DLCI 0 into its messages.

    Args:
        info: the field; several messages may follow each other.

    Returns:
        The messages in order. One that is cut short has a `problem` and is the last.
    """
    messages: list[Message] = []
    at = 0
    while at < len(info):
        octet, rest = info[at], info[at + 1 :]
        kind, is_command = _message_type(octet)
        if not rest:  # Linux documents a CLD without length octet for leaving the multiplexer
            problem = None if kind is MessageType.CLD else "no length octet"
            body = CLD() if kind is MessageType.CLD else None
            messages.append(Message(octet, is_command, kind, b"", body, problem))
            break
        size = 1 if rest[0] & 1 else 2
        if len(rest) < size:
            messages.append(Message(octet, is_command, kind, b"", None, "the length field is cut short"))
            break
        length = wire.length.parse(rest)
        value = rest[size : size + length]
        if len(value) < length:
            problem = f"the length field says {length}, {len(value)} follow"
            messages.append(Message(octet, is_command, kind, value, None, problem))
            break
        messages.append(_read(octet, is_command, kind, value))
        at += 1 + size + length
    return messages


def _message_type(octet: int) -> tuple[MessageType | None, bool]:
    parsed = wire.message_type.parse(bytes((octet,)))
    known = parsed.ea and parsed.type in _NAMES
    return MessageType(parsed.type) if known else None, parsed.command


def _read(octet: int, is_command: bool, kind: MessageType | None, value: bytes) -> Message:
    parse = None if kind is None else _PARSERS.get(kind)
    if parse is None:
        return Message(octet, is_command, kind, value, None)
    try:
        return Message(octet, is_command, kind, value, parse(value))
    except ConstructError:
        return Message(octet, is_command, kind, value, None, f"{len(value)} value octets do not make one")


def encode_value(kind: MessageType, value: bytes, *, command: bool) -> bytes:
    """Put type and length in front of value octets.

    Args:
        kind: which message.
        value: its value octets, at most 32767.
        command: True for a command, False for a response.

    Returns:
        The octets for an information field of DLCI 0.
    """
    type_octet = _build(wire.message_type, {"type": int(kind), "command": command, "ea": True})
    return type_octet + _build(wire.length, len(value)) + value


def encode_message(body: Command, *, command: bool) -> bytes:
    """Turn a message into octets.

    Args:
        body: what it says.
        command: True for a command, False for a response.

    Returns:
        The octets for an information field of DLCI 0.

    Raises:
        FrameError: a number in it does not fit its field.
    """
    return encode_value(body.type, body.value(), command=command)


def _build(layout: Construct[Any, Any], values: object) -> bytes:
    try:
        return layout.build(values)
    except ConstructError as error:
        raise FrameError(f"a value does not fit its field: {error}") from error
