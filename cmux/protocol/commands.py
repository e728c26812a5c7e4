"""The messages of the control channel: frozen dataclasses to value octets and back (27.010 §5.4.6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from . import wire
from .errors import FrameError
from .octets import build
from .ports import Flow as Flow
from .ports import Parity as Parity
from .ports import PortMask as PortMask
from .ports import PortSettings as PortSettings
from .signals import Signals as Signals
from .signals import build_status as build_status
from .signals import split_status as split_status
from .signals import status_fields, status_values
from .wire import FrameType, MessageType

__all__ = [
    "CLD",
    "COMMANDS",
    "MSC",
    "NSC",
    "PN",
    "PSC",
    "RLS",
    "RPN",
    "SNC",
    "Command",
    "FCoff",
    "FCon",
    "Flow",
    "Parity",
    "PortMask",
    "PortSettings",
    "Signals",
    "Test",
]

LONGEST_T1 = 2.55
"""The longest T1 in seconds that the octet of PN can express (27.010 §5.4.6.3.1)."""


@dataclass(frozen=True, slots=True)
class Command:
    """The content of a control message, without the C/R bit of its type octet."""

    type: ClassVar[MessageType]
    name: ClassVar[str]

    def value(self) -> bytes:
        """Return the value octets.

        Raises:
            FrameError: a number does not fit its field.
        """
        return b""

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """Read value octets.

        Args:
            value: the octets of the value.

        Returns:
            The message.

        Raises:
            construct.ConstructError: there are too few of them.
        """
        return cls()


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

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """See `Command.parse`."""
        return cls(value)


@dataclass(frozen=True, slots=True)
class MSC(Command):
    """Modem status: V.24 signals of one DLC and optionally a break (27.010 §5.4.6.3.7)."""

    type = MessageType.MSC
    name = "MSC"

    dlci: int
    """The DLC that the message is about."""
    signals: Signals
    """The signals of the sender for this DLC."""
    break_length: float | None = None
    """Seconds of break, 0 to 3.0 in steps of 0.2; None: no break signal."""
    break_octet: bool = False
    """Send a break octet even without a break signal; ignored in received messages."""

    def value(self) -> bytes:
        """See `Command.value`."""
        fields = status_fields(self.signals, self.break_length, always=self.break_octet)
        layout = wire.msc if fields["break"] is None else wire.msc_with_break
        return build(layout, {"dlci": {"dlci": self.dlci}, **fields})

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """See `Command.parse`: two octets or three, told apart by the length and not by EA."""
        parsed = wire.msc.parse(value)
        return cls(parsed.dlci.dlci, *status_values(parsed))


@dataclass(frozen=True, slots=True)
class NSC(Command):
    """Non-supported command: the answer to a type that this station does not know (27.010 §5.4.6.3.8)."""

    type = MessageType.NSC
    name = "NSC"

    type_octet: int
    """The type octet of the command, as it was received."""

    def value(self) -> bytes:
        """See `Command.value`."""
        return build(wire.nsc, {"type_octet": self.type_octet})

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """See `Command.parse`."""
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


@dataclass(frozen=True, slots=True)
class PSC(Command):
    """Power saving: the sender wants to sleep (27.010 §5.4.6.3.2)."""

    type = MessageType.PSC
    name = "PSC"

    octets: bytes = b""
    """Empty in the specification; some modules put a mode here, and in the response whether they agree."""

    def value(self) -> bytes:
        """See `Command.value`."""
        return self.octets

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """See `Command.parse`."""
        return cls(value)


@dataclass(frozen=True, slots=True)
class PN(Command):
    """Parameter negotiation for one DLC, before its SABM (27.010 §5.4.6.3.1)."""

    type = MessageType.PN
    name = "PN"

    dlci: int
    """The DLC, 1 to 61."""
    frame_type: FrameType | None = FrameType.UIH
    """The frame type of its data: UIH, UI or I; None for a reserved value."""
    convergence: int = 1
    """Convergence layer type, 1 to 4."""
    priority: int = 0
    """0 to 63."""
    t1: float = 0.1
    """T1 of the sender in seconds, 0.01 to 2.55."""
    n1: int = 31
    """Longest information field, 1 to 32768 octets."""
    n2: int = 3
    """N2 of the sender, 0 to 255."""
    k: int = 2
    """Window of the error-recovery mode, 1 to 7."""

    def value(self) -> bytes:
        """See `Command.value`."""
        codes = {kind: code for code, kind in wire.PN_FRAME_TYPES.items()}
        if self.frame_type not in codes:
            raise FrameError(f"PN cannot code the frame type {self.frame_type!r}: UIH, UI or I")
        if not 0 <= self.t1 <= LONGEST_T1:
            raise FrameError(f"PN cannot code a T1 of {self.t1!r} s: 0 to {LONGEST_T1}")
        return build(
            wire.pn,
            {
                "dlci": {"dlci": self.dlci},
                "kind": {"convergence": self.convergence - 1, "frame": codes[self.frame_type]},
                "priority": {"priority": self.priority},
                "t1": round(self.t1 * 100),
                "n1": self.n1,
                "n2": self.n2,
                "k": {"k": self.k},
            },
        )

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """See `Command.parse`."""
        parsed = wire.pn.parse(value)
        return cls(
            parsed.dlci.dlci,
            wire.PN_FRAME_TYPES.get(parsed.kind.frame),
            parsed.kind.convergence + 1,
            parsed.priority.priority,
            parsed.t1 / 100,
            parsed.n1,
            parsed.n2,
            parsed.k.k,
        )


@dataclass(frozen=True, slots=True)
class RPN(Command):
    """Remote port: asks for the settings of the port behind a DLC, or sets them (27.010 §5.4.6.3.9)."""

    type = MessageType.RPN
    name = "RPN"

    dlci: int
    """The DLC."""
    settings: PortSettings | None = None
    """The settings to apply, or those in force; None asks for them."""
    mask: PortMask = PortMask.ALL
    """Which settings are meant or, in a response, accepted."""

    def value(self) -> bytes:
        """See `Command.value`."""
        if self.settings is None:
            return build(wire.rpn_query, {"dlci": {"dlci": self.dlci}})
        ours = self.settings
        codes: dict[int | None, int] = {rate: code for code, rate in wire.BAUD_RATES.items()}
        if ours.baudrate not in codes and self.mask & PortMask.BAUDRATE:
            raise FrameError(f"RPN cannot code {ours.baudrate} baud: {', '.join(map(str, codes))}")
        return build(
            wire.rpn,
            {
                "dlci": {"dlci": self.dlci},
                "baud": codes.get(ours.baudrate, 0),  # masked out where it has no code
                "format": {
                    "parity_type": ours.parity.value or 0,
                    "parity": ours.parity is not Parity.NONE,
                    "stop": int(ours.stop_bits > 1),
                    "data": ours.data_bits - 5,
                },
                "flow": int(ours.flow),
                "xon": ours.xon,
                "xoff": ours.xoff,
                "mask": int(self.mask),
            },
        )

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """See `Command.parse`."""
        if len(value) < wire.RPN_LENGTH:
            return cls(wire.rpn_query.parse(value).dlci.dlci)
        parsed = wire.rpn.parse(value)
        parity = Parity(parsed.format.parity_type) if parsed.format.parity else Parity.NONE
        settings = PortSettings(
            wire.BAUD_RATES.get(parsed.baud),
            parsed.format.data + 5,
            1.5 if parsed.format.stop else 1,
            parity,
            Flow(parsed.flow & 0x3F),
            parsed.xon,
            parsed.xoff,
        )
        return cls(parsed.dlci.dlci, settings, PortMask(parsed.mask & PortMask.ALL))


def parity_kind(value: bytes) -> Parity:
    """Return the kind of parity that an RPN names, whether or not its parity bit is set.

    Args:
        value: its value octets, at least eight.

    Returns:
        The kind, never NONE.
    """
    return Parity(wire.rpn.parse(value).format.parity_type)


@dataclass(frozen=True, slots=True)
class RLS(Command):
    """Remote line status: the port behind a DLC had an error, or has none (27.010 §5.4.6.3.10)."""

    type = MessageType.RLS
    name = "RLS"

    dlci: int
    """The DLC."""
    overrun: bool = False
    """A character was overwritten before it was read."""
    parity: bool = False
    """A parity bit was wrong."""
    framing: bool = False
    """A stop bit was missing."""

    def value(self) -> bytes:
        """See `Command.value`."""
        error = self.overrun or self.parity or self.framing
        status = {"error": error, "overrun": self.overrun, "parity": self.parity, "framing": self.framing}
        return build(wire.rls, {"dlci": {"dlci": self.dlci}, "status": status})

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """See `Command.parse`."""
        parsed = wire.rls.parse(value)
        status = parsed.status if parsed.status.error else None  # 27.010 5.4.6.3.10: L1 = 0, no errors
        return cls(parsed.dlci.dlci, *(bool(status and status[name]) for name in ("overrun", "parity", "framing")))


@dataclass(frozen=True, slots=True)
class SNC(Command):
    """Service negotiation: data or voice on a DLC, and with which codec (27.010 §5.4.6.3.11)."""

    type = MessageType.SNC
    name = "SNC"

    dlci: int
    """The DLC."""
    service: int | None = None
    """The service octet as coded: 03 data, 05 voice; None asks for it."""
    codec: int | None = None
    """The codec octet as coded; None if there is none."""

    NO_CODEC: ClassVar[int] = 0x01
    DATA: ClassVar[int] = 0x03
    VOICE: ClassVar[int] = 0x05

    def value(self) -> bytes:
        """See `Command.value`."""
        fields = {"dlci": {"dlci": self.dlci}, "service": self.service, "codec": self.codec or SNC.NO_CODEC}
        return build(wire.snc_query if self.service is None else wire.snc_set, fields)

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """See `Command.parse`."""
        parsed = wire.snc.parse(value)
        return cls(parsed.dlci.dlci, parsed.service, parsed.codec)


COMMANDS: dict[MessageType, type[Command]] = {
    command.type: command for command in (PN, PSC, CLD, Test, FCon, FCoff, MSC, NSC, RPN, RLS, SNC)
}
"""Every message that 27.010 defines."""
