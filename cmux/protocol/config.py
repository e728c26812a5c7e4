"""The parameters of a session, checked when they are created (27.010 §5.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from .checks import check_range, check_types
from .errors import ConfigError
from .wire import FrameType

__all__ = ["RANGES", "Config", "KeepAlive", "Option", "Parameters", "PriorityOrder", "Role", "Wakeup"]


class Role(Enum):
    """The role of a station; it decides the C/R bit of every frame (27.010 §5.2.1.2)."""

    INITIATOR = "initiator"
    """The station that starts the multiplexer: normally the host."""
    RESPONDER = "responder"
    """The other station: normally the module."""


class Option(Enum):
    """How frames are delimited, the same for the whole session (27.010 §4)."""

    BASIC = "basic"
    """F9, a length octet, no transparency."""
    ADVANCED = "advanced"
    """7E and 7D as in HDLC."""


class PriorityOrder(Enum):
    """Which priority number of PN is served first (27.010 §5.4.6.3.1 and §5.6 can be read either way)."""

    LOW_FIRST = "low-first"
    """A low number is urgent, as in real stacks."""
    HIGH_FIRST = "high-first"
    """A high number is urgent: "0 = lowest priority"."""
    NONE = "none"
    """All channels are equal."""


class Wakeup(Enum):
    """What to do before the first frame to a sleeping peer (27.010 §5.4.7)."""

    HANDSHAKE = "handshake"
    """Send flags until the peer answers with flags, for at most T3."""
    FLAGS = "flags"
    """Send flags and continue at once: the peer never answers them."""
    NONE = "none"
    """Just send."""


class KeepAlive(Enum):
    """How to ask a silent peer whether it is still there."""

    NONE = "none"
    """Do not ask."""
    TEST = "test"
    """With a Test command; NSC also counts as a sign of life."""
    MSC = "msc"
    """With an MSC for the lowest open DLC, and not at all while none is open: for modules that do not answer Test."""
    AUTO = "auto"
    """With what it answers: a Test is sent when the session opens. If that is not answered, by MSC, if those of the
    channels are; otherwise not at all, and `KeepAliveChosen` tells it."""


MAX_DLCI = 61
"""The highest DLCI that carries data; 62 and 63 are reserved (27.010 §5.6)."""

MIN_N1_LAYER_2 = 3
"""The smallest N1 with convergence layer 2: status octet, break octet, and one octet of data (27.010 §5.5.2)."""

_DEFAULT_N1 = {Option.BASIC: 31, Option.ADVANCED: 64}  # 27.010 5.7.2
_MAX_N1 = {Option.BASIC: 32767, Option.ADVANCED: 32768}  # 15 bits of length in the basic option

RANGES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        # 27.010 5.1.2 lists narrower ranges for N1 and N2 than 5.7.2 and 5.7.3; the wider ones are accepted.
        "n1": (1, max(_MAX_N1.values())),
        "n1_receive": (1, max(_MAX_N1.values())),
        "n2": (0, 255),
        "k": (1, 7),
        "t1": (0.01, 2.55),
        "t2": (0.02, 2.55),
        "t3": (1, 255),
        "sleeps_after": (0.05, 86400),
        "wake_pause": (0, 10),
        "frame_gap": (0.001, 10),
        "queue_low": (0, (1 << 30) - 1),
        "queue_high": (1, 1 << 30),
        "keep_alive_interval": (0.1, 86400),
    }
)
"""The ranges of the numbers in a `Config`; other fields narrow some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The parameters of one station.

    A 0 in `n1`, `n1_receive`, `t2`, `queue_high` or `queue_low` selects the default; the field then has the number in
    force.

    Raises:
        ConfigError: a value is out of range; the message names it.
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
    """Window of the error-recovery mode, announced in PN: 1 to 7 (§5.7.4)."""
    t1: float = 0.1
    """Seconds until SABM or DISC is repeated: 0.01 to 2.55 (§5.7.1)."""
    t2: float = 0.0
    """Seconds until a command on DLCI 0 is repeated: 0.02 to 2.55, over `t1`; by default the larger of 0.3 and twice
    `t1` (§5.7.5)."""
    t3: float = 10.0
    """Seconds that a sleeping peer has to answer wake-up flags: 1 to 255 (§5.7.6)."""
    frame_gap: float = 0.05
    """Seconds without new octets after which a partial frame is given up if a good frame lies behind its flag."""
    queue_high: int = 0
    """Octets that a DLC queues before `send` returns 0; by default the larger of `n1` and 16384."""
    queue_low: int = 0
    """Octets left in the queue when `Writable` follows: fewer than `queue_high`, by default a quarter of it."""
    frame_type: FrameType = FrameType.UIH
    """Frame type of messages, and of data unless PN agreed on another: UIH, or UI, whose FCS covers them (AT+CMUX)."""
    xonxoff: bool = False
    """The line uses software flow control, so bare 11, 13, 91 and 93 are not part of a frame: advanced option only."""
    priority_order: PriorityOrder = PriorityOrder.LOW_FIRST
    """Which priority of PN goes first; channels without PN have priority 7, that of DLCI 1 to 7."""
    wakeup: Wakeup = Wakeup.HANDSHAKE
    """How a sleeping peer is woken."""
    sleeps_after: float | None = None
    """Seconds of silence in both directions after which the peer sleeps by itself and loses what wakes it: 0.05 to
    86400. Flags and `wake_pause` go before the first frame then, and at the start of a session."""
    wake_pause: float = 0.1
    """Seconds from these flags to the frame: 0 to 10, less than `sleeps_after`."""
    keep_alive: KeepAlive = KeepAlive.NONE
    """How a silent peer is asked whether it is still there; no answer to N2 + 1 questions in a row ends the session."""
    keep_alive_interval: float = 30.0
    """Seconds of silence before the peer is asked: 0.1 to 86400."""
    adm: bool = False
    """The peer answers DM on DLCI 0 but still serves data channels: continue without a control channel."""
    break_octet: bool = False
    """Every MSC carries a break octet, empty if there is no break: some modules need it."""
    keep_open: bool = False
    """Never send DISC for a channel before the end of the session: some modules cannot open it again."""
    shared_flags: bool = False
    """Send one flag between frames instead of two: some receivers lose every second frame then."""
    reserved_dlcis: bool = False
    """Let the peer open DLCI 62 and 63 too."""
    rpn: bool = True
    """Send RPN whenever the settings of a channel's port change: some modules answer it with a stop, or not at all."""
    strict_final: bool = False
    """Discard UA with F = 0, as 27.010 §5.4.4.2 asks; by default it answers a SABM or DISC that awaits one."""

    def __post_init__(self) -> None:
        check_types(self)

        def default(name: str, value: float) -> None:
            if not getattr(self, name):
                object.__setattr__(self, name, value)

        default("n1", _DEFAULT_N1[self.option])
        default("n1_receive", max(self.n1, 1600))
        default("t2", max(0.3, min(2 * self.t1, 2.55)))
        default("queue_high", max(self.n1, 16384))
        default("queue_low", self.queue_high // 4)
        narrowed: dict[str, tuple[float, float]] = {
            "n1": (1, _MAX_N1[self.option]),
            "n1_receive": (self.n1, _MAX_N1[self.option]),
            "queue_low": (0, self.queue_high - 1),
            "queue_high": (self.n1, 1 << 30),
        }
        for name, (low, high) in {**RANGES, **narrowed}.items():
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, low, high)
        if self.frame_type not in (FrameType.UIH, FrameType.UI):
            raise ConfigError(f"frame_type = {self.frame_type!r} cannot carry data here: UIH or UI")
        if self.xonxoff and self.option is Option.BASIC:  # 27.010 4, 5.2.7.3: only the advanced option is transparent
            raise ConfigError("xonxoff = True needs the advanced option: frames of the basic option contain 11 and 13")
        # 27.010 5.7.5: T2 must be longer than T1. At T1 = 2.55 s no such T2 can be coded.
        if self.t2 <= self.t1 < 2.55:
            raise ConfigError(f"t2 = {self.t2!r} must be longer than t1 = {self.t1!r} (27.010 §5.7.5)")
        if self.sleeps_after is not None and self.wake_pause >= self.sleeps_after:  # it would sleep again meanwhile
            raise ConfigError(
                f"wake_pause = {self.wake_pause!r} must be less than sleeps_after = {self.sleeps_after!r}"
            )

    def carries_data(self, dlci: object) -> bool:
        """Tell whether a DLC may carry data: 1 to 61, with `reserved_dlcis` also 62 and 63 (27.010 §5.6).

        Args:
            dlci: the number of a DLC.
        """
        if not isinstance(dlci, int) or isinstance(dlci, bool):
            return False
        return 1 <= dlci <= (63 if self.reserved_dlcis else MAX_DLCI)


def default_priority(dlci: int) -> int:
    """Return the priority that 27.010 §5.6 gives a DLC: 0, then 7 for 1 to 7, 15 for 8 to 15, …, 61 for 56 to 61."""
    return 0 if dlci == 0 else min(dlci | 7, MAX_DLCI)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters that PN negotiates for one DLC (27.010 §5.4.6.3.1).

    Raises:
        ConfigError: a value is out of range; the message names it.
    """

    n1: int
    """Longest information field in either direction, 1 to 32768 octets; with convergence layer 2 at least 3."""
    frame_type: FrameType = FrameType.UIH
    """UIH or UI."""
    convergence: int = 1
    """Convergence layer: 1, plain octets, or 2, with the V.24 signals in every frame (27.010 §5.5)."""
    priority: int | None = None
    """0 to 63; None for the default of the DLC."""
    k: int = 2
    """Window of the error-recovery mode, 1 to 7."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.frame_type not in (FrameType.UIH, FrameType.UI):
            raise ConfigError(f"frame_type = {self.frame_type!r} cannot carry data here: UIH or UI")
        if self.convergence not in (1, 2):
            raise ConfigError(f"convergence = {self.convergence!r} is not supported: 1 or 2")
        least = 1 if self.convergence == 1 else MIN_N1_LAYER_2
        for name, low, high in (("n1", least, 32768), ("priority", 0, 63), ("k", 1, 7)):
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, low, high)
