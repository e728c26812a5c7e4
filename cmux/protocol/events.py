"""The events that a `Multiplexer` reports to its owner: frozen dataclasses, one class for each kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .cause import Cause as Cause
from .commands import Command, PortMask, PortSettings, Signals
from .config import KeepAlive, Parameters
from .power import Power

__all__ = [
    "AtReceived",
    "Cause",
    "Closed",
    "CommandDone",
    "CommandReceived",
    "DataReceived",
    "DropReason",
    "Event",
    "FlowChanged",
    "FrameDropped",
    "KeepAliveChosen",
    "LineStatus",
    "ModeChanged",
    "Opened",
    "Outcome",
    "ParametersChanged",
    "PortChanged",
    "PowerChanged",
    "Reestablished",
    "ResetSuspected",
    "ServiceChanged",
    "SessionClosed",
    "SessionOpened",
    "SignalsChanged",
    "UnknownCommand",
    "Writable",
]


class DropReason(StrEnum):
    """Why octets between flags are not a frame (27.010 §5.2.3)."""

    FCS = "fcs"
    """The frame check sequence does not match."""
    LENGTH = "length"
    """Too short to be a frame, or an information field where the type has none."""
    NO_CLOSING_FLAG = "no_closing_flag"
    """Basic option: the octet behind the FCS is not a flag."""
    TRUNCATED = "truncated"
    """The frame was never completed, and given up."""
    ABORTED = "aborted"
    """Advanced option: the sender ended it with 7D 7E."""
    ADDRESS = "address"
    """EA of the address octet is 0: longer addresses are not defined."""
    CONTROL = "control"
    """The control octet is not a frame type of this option."""
    TOO_LONG = "too_long"
    """The information field has more octets than ``Config.n1_receive``."""


@dataclass(frozen=True, slots=True)
class Event:
    """The base class of everything that the core reports."""


@dataclass(frozen=True, slots=True)
class SessionOpened(Event):
    """DLCI 0 is up: channels can be opened."""

    by_peer: bool
    """True when the other station sent the SABM."""


@dataclass(frozen=True, slots=True)
class SessionClosed(Event):
    """DLCI 0 is down; every DLC has had its own `Closed` before."""

    cause: Cause
    """Why."""
    detail: str
    """The reason, as a sentence."""


@dataclass(frozen=True, slots=True)
class Opened(Event):
    """A DLC carries data from now on."""

    dlci: int
    """Its number, 1 to 61."""
    by_peer: bool
    """True when the other station asked for it."""


@dataclass(frozen=True, slots=True)
class Reestablished(Event):
    """The peer sent SABM on a DLC that was open already: it restarted, or never saw our UA."""

    dlci: int
    """Its number, 0 to 61."""


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """A DLC is closed, or could not be opened."""

    dlci: int
    """Its number, 1 to 61."""
    cause: Cause
    """Why."""
    detail: str
    """The reason, as a sentence."""
    discarded: int = 0
    """Octets that were queued but never sent."""


@dataclass(frozen=True, slots=True)
class DataReceived(Event):
    """Octets came in on a DLC; consecutive frames of one DLC in one call form one event."""

    dlci: int
    """Its number, 1 to 61."""
    data: bytes
    """At least one octet."""


@dataclass(frozen=True, slots=True)
class Writable(Event):
    """A DLC that took less than it was offered is down to its low-water mark: send again."""

    dlci: int
    """Its number, 1 to 61."""


@dataclass(frozen=True, slots=True)
class SignalsChanged(Event):
    """The peer sent its V.24 signals (MSC, 27.010 §5.4.6.3.7)."""

    dlci: int
    """Its number, 1 to 61."""
    signals: Signals
    """As the peer sent them."""
    break_length: float | None
    """Seconds of break that came with it, in steps of 0.2; None without a break signal."""


@dataclass(frozen=True, slots=True)
class ParametersChanged(Event):
    """PN negotiated the parameters of a DLC; they apply from its next SABM on (27.010 §5.4.6.3.1)."""

    dlci: int
    """Its number, 1 to 61."""
    parameters: Parameters
    """The negotiated parameters."""


@dataclass(frozen=True, slots=True)
class PortChanged(Event):
    """The peer set the serial port behind a DLC (RPN, 27.010 §5.4.6.3.9)."""

    dlci: int
    """Its number, 1 to 61."""
    settings: PortSettings
    """The settings in force now."""
    mask: PortMask
    """Which settings the peer set."""


@dataclass(frozen=True, slots=True)
class LineStatus(Event):
    """The peer reports errors on the serial port behind a DLC (RLS, 27.010 §5.4.6.3.10)."""

    dlci: int
    """Its number, 1 to 61."""
    overrun: bool
    """A character was overwritten before it was read."""
    parity: bool
    """A parity bit was wrong."""
    framing: bool
    """A stop bit was missing."""


@dataclass(frozen=True, slots=True)
class ServiceChanged(Event):
    """The peer set the service of a DLC (SNC, 27.010 §5.4.6.3.11)."""

    dlci: int
    """Its number, 1 to 61."""
    service: int
    """The service octet as coded: 03 data, 05 voice."""
    codec: int | None
    """The codec octet as coded, if one came."""


@dataclass(frozen=True, slots=True)
class FlowChanged(Event):
    """The peer stopped all channels, or released them again (FCoff, FCon, 27.010 §5.4.6.3.5, §5.4.6.3.6)."""

    held: bool
    """True after FCoff."""


@dataclass(frozen=True, slots=True)
class PowerChanged(Event):
    """The session fell asleep, or woke up."""

    power: Power
    """The new state: ASLEEP or AWAKE."""


@dataclass(frozen=True, slots=True)
class KeepAliveChosen(Event):
    """The peer has shown what it answers, so that `KeepAlive.AUTO` has a meaning in this session."""

    kind: KeepAlive
    """TEST, MSC, or NONE: it answers neither, so that nothing tells when it is gone."""


@dataclass(frozen=True, slots=True)
class ResetSuspected(Event):
    """A text that modules send after a restart came in place of frames; the module is being asked for a frame."""

    text: str
    """The text."""


@dataclass(frozen=True, slots=True)
class ModeChanged(Event):
    """A responder has entered multiplexer mode, or is back in AT mode."""

    multiplexing: bool
    """Whether it is in multiplexer mode now."""


@dataclass(frozen=True, slots=True)
class AtReceived(Event):
    """Octets came to a responder in AT mode that leaves AT commands to its owner."""

    data: bytes
    """At least one octet."""


@dataclass(frozen=True, slots=True)
class CommandReceived(Event):
    """An AT command came that a responder does not know; the owner has to call `Responder.answer`."""

    command: str
    """The command line with its ``AT``, without the line end."""


class Outcome(StrEnum):
    """How a command on the control channel ended."""

    ANSWERED = "answered"
    NOT_SUPPORTED = "not supported by the peer (NSC)"
    TIMEOUT = "no answer from the peer"
    SUPERSEDED = "replaced by another command"
    """FCon replaced FCoff, or the other way round, before there was an answer."""
    CANCELLED = "the session ended or restarted"


@dataclass(frozen=True, slots=True)
class CommandDone(Event):
    """A command that this side sent on DLCI 0 has its result."""

    command: Command
    """What was sent."""
    outcome: Outcome
    """How it ended."""
    answer: Command | None
    """The answer, if there was one."""


@dataclass(frozen=True, slots=True)
class UnknownCommand(Event):
    """The peer sent a command that 27.010 does not define; it was answered with NSC."""

    type_octet: int
    """The type octet as received."""
    value: bytes
    """Its value octets."""


@dataclass(frozen=True, slots=True)
class FrameDropped(Event):
    """Octets after a flag were not a valid frame; the search continued behind that flag."""

    offset: int
    """The position of the opening flag, in octets since the decoder was created."""
    reason: DropReason
    """Which check failed."""
    raw: bytes
    """From the opening flag to the last octet that was examined.

    No octet is told of more than twice: where another event has told of it already, this one ends at the next flag.
    """
