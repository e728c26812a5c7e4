"""The V.24 signals of a DLC, and their octets in MSC and in convergence layer 2 (27.010 §5.4.6.3.7, §5.5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from construct import ConstructError

from . import wire
from .errors import FrameError
from .octets import build

BREAK_STEP = 0.2
"""Seconds that one unit of a break length stands for (27.010 §5.4.6.3.7)."""

LONGEST_BREAK = 3.0
"""The longest break in seconds that the four bits of a break length can express."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The V.24 signals that one station sends for one DLC (27.010 §5.4.6.3.7, table 7)."""

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
        """Whether the peer of the sender has to hold back its data: FC = 1, or RTR = 0 as real stacks read it."""
        return self.fc or not self.rtr


def status_fields(signals: Signals, break_length: float | None, *, always: bool = False) -> dict[str, object]:
    """Return signals and a break as the declarations need them.

    Args:
        signals: the signals of a station for a DLC.
        break_length: seconds of break, 0 to 3.0; None: no break signal.
        always: with a break octet even if there is no break.

    Returns:
        The fields ``signals`` and ``break``.

    Raises:
        FrameError: the break cannot be coded.
    """
    lines = {name: getattr(signals, name) for name in Signals.__slots__}
    if break_length is None and not always:
        return {"signals": lines, "break": None}
    length = break_length or 0.0
    if not isinstance(length, int | float) or not 0 <= length <= LONGEST_BREAK:
        raise FrameError(f"a break of {length!r} s cannot be coded: 0 to {LONGEST_BREAK}")
    steps = round(length / BREAK_STEP)
    return {"signals": {**lines, "ea": False}, "break": {"length": steps, "on": break_length is not None}}


def status_values(parsed: Any) -> tuple[Signals, float | None]:
    """Return the signals, and the seconds of break or None, of octets that a declaration has parsed."""
    signals = Signals(**{name: getattr(parsed.signals, name) for name in Signals.__slots__})
    third = getattr(parsed, "break")
    return signals, round(third.length * BREAK_STEP, 1) if third is not None and third.on else None


def build_status(signals: Signals, break_length: float | None = None) -> bytes:
    """Build the octets that convergence layer 2 puts before the data of a frame (27.010 §5.5.2).

    Args:
        signals: the signals of this station for the DLC.
        break_length: seconds of break, 0 to 3.0; None: no break signal.

    Returns:
        One octet, or two with a break.
    """
    return build(wire.status, status_fields(signals, break_length))


def split_status(info: bytes) -> tuple[Signals, float | None, bytes] | None:
    """Take the status octets of convergence layer 2 off an information field.

    Args:
        info: the field.

    Returns:
        The signals, the break length in seconds or None, the data; None when the status octets are incomplete.
    """
    try:
        parsed = wire.status.parse(info)
    except ConstructError:
        return None
    return *status_values(parsed), info[1 if parsed.signals.ea else 2 :]
