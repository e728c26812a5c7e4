"""What the arguments of a module say about its line, checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cmux.protocol.config import MAX_DLCI, Config, Option

OPTIONS: Final[dict[str, tuple[Option, ...]]] = {
    "basic": (Option.BASIC,),
    "advanced": (Option.ADVANCED,),
    "any": (Option.BASIC, Option.ADVANCED),
}
"""The framings that AT+CMUX may ask for, by the names of the argument."""

_LONGEST = 32767


def check_line(startup: str, option: str, n1: int, loopback: Iterable[int], line_rate: int) -> frozenset[int]:
    """Check arguments of `EmulatedModule`.

    Args:
        startup: ``at`` or ``none``.
        option: one of `OPTIONS`.
        n1: octets, 1 to 32767.
        loopback: DLCIs, 1 to 61.
        line_rate: bits per second, or 0.

    Returns:
        The DLCIs.

    Raises:
        ValueError: one of them is out of its range.
    """
    if startup not in ("at", "none"):
        raise ValueError(f"startup is 'at' or 'none', not {startup!r}")
    if option not in OPTIONS:
        raise ValueError(f"option is 'basic', 'advanced' or 'any', not {option!r}")
    if not 1 <= n1 <= _LONGEST:
        raise ValueError(f"n1 is 1 to {_LONGEST} octets, not {n1!r}")
    echoing = frozenset(loopback)
    if wrong := sorted(dlci for dlci in echoing if not 1 <= dlci <= MAX_DLCI):
        raise ValueError(f"loopback DLCIs are 1 to {MAX_DLCI}, not {wrong[0]}")
    if line_rate < 0:
        raise ValueError(f"line_rate is in bits per second, or 0, not {line_rate!r}")
    for chosen in OPTIONS[option]:
        Config(option=chosen, n1=n1)
    return echoing
