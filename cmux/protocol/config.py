"""The parameters of a session, checked when they are made (27.010 §5.7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .errors import ConfigError


class Role(Enum):
    """Which station this is; it decides the C/R bit of every frame (27.010 §5.2.1.2)."""

    INITIATOR = "initiator"
    """The station that starts the multiplexer: normally the host."""
    RESPONDER = "responder"
    """The other one: normally the module."""


class Option(Enum):
    """How frames are delimited, the same for the whole session (27.010 §4)."""

    BASIC = "basic"
    """F9, a length octet, no transparency."""
    ADVANCED = "advanced"
    """7E and 7D as in HDLC."""


MAX_DLCI = 61
"""The highest DLCI that carries data; 62 and 63 are reserved (27.010 §5.6)."""

_DEFAULT_N1 = {Option.BASIC: 31, Option.ADVANCED: 64}  # 27.010 5.7.2
_MAX_N1 = {Option.BASIC: 32767, Option.ADVANCED: 32768}  # 15 bits of length in the basic option


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one station goes by.

    A 0 in `n1`, `n1_receive` or `t2` takes the default; what is read back is always the number in force.

    Raises:
        ConfigError: a value outside its range; the message names it.
    """

    option: Option = Option.BASIC
    """The framing of the session."""
    n1: int = 0
    """Longest information field that we send, in octets: 1 to 32767 (advanced 32768), by default 31 (64) (§5.7.2)."""
    n1_receive: int = 0
    """Longest information field that we accept, in octets; the larger of `n1` and 1600 by default."""
    n2: int = 3
    """How often a frame or command is sent *again*: 0 to 255 (§5.7.3)."""
    k: int = 2
    """Window of the error-recovery mode, told in PN: 1 to 7 (§5.7.4)."""
    t1: float = 0.1
    """Seconds until SABM or DISC is repeated: 0.01 to 2.55 (§5.7.1)."""
    t2: float = 0.0
    """Seconds until a command on DLCI 0 is repeated: 0.02 to 2.55, over `t1`; by default 0.3 or twice `t1` (§5.7.5)."""
    t3: float = 10.0
    """Seconds that a sleeping peer has to answer wake-up flags: 1 to 255 (§5.7.6)."""
    frame_gap: float = 0.05
    """Seconds without growth after which a partial frame with a good one behind its flag is given up."""
    queue_high: int = 16384
    """Octets that a DLC takes before `send` answers 0."""
    queue_low: int = 4096
    """Octets left when `Writable` follows."""
    shared_flags: bool = False
    """Send one flag between frames instead of two: some receivers lose every second frame then."""
    reserved_dlcis: bool = False
    """Let the peer open DLCI 62 and 63, too."""

    def __post_init__(self) -> None:
        def default(name: str, value: float) -> None:
            if not getattr(self, name):
                object.__setattr__(self, name, value)

        default("n1", _DEFAULT_N1[self.option])
        default("n1_receive", max(self.n1, 1600))
        default("t2", max(0.3, min(2 * self.t1, 2.55)))
        limits: tuple[tuple[str, float, float], ...] = (
            ("n1", 1, _MAX_N1[self.option]),
            ("n1_receive", self.n1, _MAX_N1[self.option]),
            ("n2", 0, 255),
            ("k", 1, 7),
            ("t1", 0.01, 2.55),
            ("t2", 0.02, 2.55),
            ("t3", 1, 255),
            ("frame_gap", 0.001, 10),
            ("queue_low", 0, self.queue_high - 1),
            ("queue_high", self.n1, 1 << 30),
        )
        for name, low, high in limits:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} = {value!r} is out of range: {low} to {high}")
        # 27.010 5.7.5: T2 must be longer than T1. At T1 = 2.55 s no such T2 can be coded.
        if self.t2 <= self.t1 < 2.55:
            raise ConfigError(f"t2 = {self.t2!r} must be longer than t1 = {self.t1!r} (27.010 §5.7.5)")
