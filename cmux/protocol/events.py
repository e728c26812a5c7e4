"""What a `Multiplexer` tells its owner: frozen dataclasses, one class for each kind of news."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .cause import Cause as Cause
from .commands import Command, PortMask, PortSettings, Signals
from .config import Parameters
from .power import Power


class DropReason(StrEnum):
    """Why octets between flags were no frame (27.010 §5.2.3)."""

    FCS = "fcs"
    """The frame check sequence does not fit."""
    LENGTH = "length"
    """Too short to be a frame, or an information field where the type has none."""
    NO_CLOSING_FLAG = "no_closing_flag"
    """Basic option: the octet behind the FCS is no flag."""
    TRUNCATED = "truncated"
    """It never became whole and was given up."""
    ABORTED = "aborted"
    """Advanced option: the sender ended it with 7D 7E."""
    ADDRESS = "address"
    """EA of the address octet is 0: longer addresses are not defined."""
    CONTROL = "control"
    """The control octet names no frame type of this option."""
    TOO_LONG = "too_long"
    """More octets of information than ``Config.n1_receive``."""


@dataclass(frozen=True, slots=True)
class Event:
    """The base of everything that the core reports."""


@dataclass(frozen=True, slots=True)
class SessionOpened(Event):
    """DLCI 0 is up: channels can be opened."""

    by_peer: bool
    """True when the other station sent the SABM."""


@dataclass(frozen=True, slots=True)
class SessionClosed(Event):
    """DLCI 0 is down; every DLC had its own `Closed` before."""

    cause: Cause
    """Why."""
    detail: str
    """The sentence for people."""


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
    """A DLC is over, or could not be opened."""

    dlci: int
    """Its number, 1 to 61."""
    cause: Cause
    """Why."""
    detail: str
    """The sentence for people."""
    discarded: int = 0
    """Octets that were queued to be sent and never were."""


@dataclass(frozen=True, slots=True)
class DataReceived(Event):
    """Octets came in on a DLC; consecutive frames of one DLC in one call are one event."""

    dlci: int
    """Its number, 1 to 61."""
    data: bytes
    """At least one octet."""


@dataclass(frozen=True, slots=True)
class Writable(Event):
    """A DLC that took less than was offered is down to its low-water mark: send again."""

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
    """PN settled the parameters of a DLC; they hold from its next SABM on (27.010 §5.4.6.3.1)."""

    dlci: int
    """Its number, 1 to 61."""
    parameters: Parameters
    """What holds."""


@dataclass(frozen=True, slots=True)
class PortChanged(Event):
    """The peer set the serial port behind a DLC (RPN, 27.010 §5.4.6.3.9)."""

    dlci: int
    """Its number, 1 to 61."""
    settings: PortSettings
    """What is in force now."""
    mask: PortMask
    """Which settings the peer meant."""


@dataclass(frozen=True, slots=True)
class LineStatus(Event):
    """The peer saw errors on the serial port behind a DLC (RLS, 27.010 §5.4.6.3.10)."""

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
    """The peer named the service of a DLC (SNC, 27.010 §5.4.6.3.11)."""

    dlci: int
    """Its number, 1 to 61."""
    service: int
    """The service octet as coded: 03 data, 05 voice."""
    codec: int | None
    """The codec octet as coded, if one came."""


@dataclass(frozen=True, slots=True)
class FlowChanged(Event):
    """The peer stopped all channels, or lets them go again (FCoff, FCon, 27.010 §5.4.6.3.5, §5.4.6.3.6)."""

    held: bool
    """True after FCoff."""


@dataclass(frozen=True, slots=True)
class PowerChanged(Event):
    """The session fell asleep, or woke up."""

    power: Power
    """What holds now: ASLEEP or AWAKE."""


@dataclass(frozen=True, slots=True)
class ResetSuspected(Event):
    """Where frames should be stood what modules say when they have started anew; the module is asked for a frame."""

    text: str
    """What it said."""


@dataclass(frozen=True, slots=True)
class ModeChanged(Event):
    """A responder entered multiplexer mode, or is back in AT mode."""

    multiplexing: bool
    """What holds now."""


@dataclass(frozen=True, slots=True)
class AtReceived(Event):
    """Octets came to a responder in AT mode that leaves AT commands to its owner."""

    data: bytes
    """At least one octet."""


@dataclass(frozen=True, slots=True)
class CommandReceived(Event):
    """An AT command came that a responder does not know; `Responder.answer` has to follow."""

    command: str
    """The command line with its ``AT``, without its end."""


class Outcome(StrEnum):
    """How a command on the control channel ended."""

    ANSWERED = "answered"
    NOT_SUPPORTED = "not supported by the peer (NSC)"
    TIMEOUT = "no answer from the peer"
    SUPERSEDED = "another command took its place"
    """FCon took that of FCoff, or the other way round, before there was an answer."""
    CANCELLED = "the session ended or began anew"


@dataclass(frozen=True, slots=True)
class CommandDone(Event):
    """A command that this side sent on DLCI 0 has its result."""

    command: Command
    """What was sent."""
    outcome: Outcome
    """How it ended."""
    answer: Command | None
    """What came back, when something did."""


@dataclass(frozen=True, slots=True)
class UnknownCommand(Event):
    """The peer sent a command that 27.010 does not know; it was answered with NSC."""

    type_octet: int
    """As it came."""
    value: bytes
    """Its value octets."""


@dataclass(frozen=True, slots=True)
class FrameDropped(Event):
    """Octets after a flag were no valid frame; the search went on behind that flag."""

    offset: int
    """Where its opening flag stood, counted in octets since the decoder was made."""
    reason: DropReason
    """Which check failed."""
    raw: bytes
    """From the opening flag to the last octet that was looked at."""
