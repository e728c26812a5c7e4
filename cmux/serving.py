"""What `serve` adds to `open`, for either shell: how commands are answered, and who is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from .opening import Plan, check_dlci
from .protocol.at_mode import AtMode
from .protocol.config import MAX_DLCI
from .protocol.multiplexer import Multiplexer
from .protocol.responder import Responder

Refuse = Iterable[int] | Callable[[int], bool]
"""DLCIs, or a function that says of one whether the peer may not open it."""

ALL: Final = range(1, MAX_DLCI + 1)


def make_responder(plan: Plan, rate: int | None, *, tells: bool) -> Responder:
    """Make the responder of a line.

    Args:
        plan: what the arguments of ``serve`` come down to.
        rate: of the line, bits per second, where it has one.
        tells: AT commands that it does not know are for the owner to answer.

    Returns:
        The responder: in AT mode, or, with ``startup="none"``, multiplexing.
    """
    at = AtMode(plan.config, plan.options, tells=tells) if plan.by_at else None
    return Responder(plan.config, at=at, multiplexing=not plan.by_at, line_rate=plan.pace(rate))


def refused(refuse: Refuse) -> frozenset[int]:
    """Work out which DLCIs the peer may not open.

    Args:
        refuse: see `Refuse`; a function is asked for each DLCI.

    Returns:
        The DLCIs.

    Raises:
        InvalidDlci: one of them is no data channel.
    """
    if callable(refuse):
        return frozenset(dlci for dlci in ALL if refuse(dlci))
    return frozenset(check_dlci(dlci) for dlci in refuse)


def apply_refusals(core: Multiplexer, dlcis: frozenset[int]) -> None:
    """Have a core answer the peer's SABM for these DLCIs with DM, and for no others."""
    for dlci in ALL:
        core.refuse(dlci, dlci in dlcis)
