"""The settings of the serial port behind a DLC, as RPN encodes them (27.010 §5.4.6.3.9, table 11)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntFlag
from typing import Any


class Parity(Enum):
    """The parity bit of a character, as RPN codes it."""

    NONE = None
    ODD = 0
    EVEN = 1
    MARK = 2
    SPACE = 3


class Flow(IntFlag):
    """The six kinds of flow control of RPN."""

    NONE = 0
    XONXOFF_IN = 0x01
    XONXOFF_OUT = 0x02
    RTR_IN = 0x04
    RTR_OUT = 0x08
    RTC_IN = 0x10
    RTC_OUT = 0x20


class PortMask(IntFlag):
    """Which settings an RPN changes, or, in a response, which were accepted."""

    BAUDRATE = 0x0001
    DATA_BITS = 0x0002
    STOP_BITS = 0x0004
    PARITY = 0x0008
    PARITY_TYPE = 0x0010
    XON = 0x0020
    XOFF = 0x0040
    FLOW = 0x3F00
    ALL = 0x3F7F


@dataclass(frozen=True, slots=True)
class PortSettings:
    """The settings of the serial port behind a DLC, at their defaults (27.010 §5.4.6.3.9, table 11)."""

    baudrate: int | None = 9600
    """Bits per second; None for a code that the specification does not define."""
    data_bits: int = 8
    """5 to 8."""
    stop_bits: float = 1
    """1 or 1.5; 2 is coded as 1.5."""
    parity: Parity = Parity.NONE
    """The parity bit."""
    flow: Flow = Flow.NONE
    """Flow control in both directions."""
    xon: int = 0x11
    """The XON character."""
    xoff: int = 0x13
    """The XOFF character."""


def merge(old: PortSettings, new: PortSettings, kind: Parity, mask: PortMask) -> PortSettings:
    """Return settings in which those that a mask selects are replaced.

    Args:
        old: the settings in force.
        new: the settings that the peer wants.
        kind: the kind of parity that the peer names; it may set the kind without the parity bit.
        mask: which settings the peer wants to change.

    Returns:
        The settings in force afterwards.
    """

    def chosen(bit: PortMask, name: str) -> Any:
        return getattr(new if mask & bit else old, name)

    # Whether there is a parity bit, and its kind, are two settings; the kind is kept only while there is a parity bit.
    on = (new if mask & PortMask.PARITY else old).parity is not Parity.NONE
    if old.parity is not Parity.NONE and not mask & PortMask.PARITY_TYPE:
        kind = old.parity
    flow_bits = int(mask) >> 8
    return PortSettings(
        chosen(PortMask.BAUDRATE, "baudrate"),
        chosen(PortMask.DATA_BITS, "data_bits"),
        chosen(PortMask.STOP_BITS, "stop_bits"),
        kind if on else Parity.NONE,
        Flow((old.flow & ~flow_bits) | (new.flow & flow_bits)),
        chosen(PortMask.XON, "xon"),
        chosen(PortMask.XOFF, "xoff"),
    )
