"""What `serve` adds to `open`, for either shell: how commands are answered, and which DLCIs are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from .opening import Plan, check_dlci
from .protocol.at_mode import AtMode
from .protocol.config import MAX_DLCI
from .protocol.multiplexer import Multiplexer
from .protocol.responder import Responder

Refuse = Iterable[int] | Callable[[int], bool]
"""DLCIs that the peer may not open, or a function that tells this for each DLCI."""

ALL: Final = range(1, MAX_DLCI + 1)


def make_responder(plan: Plan, rate: int | None, *, forward: bool) -> Responder:
    """Create the responder of a line.

    Args:
        plan: the plan that follows from the arguments of ``serve``.
        rate: bits per second of the line, if it has a rate.
        forward: pass AT commands that it does not know to the owner.

    Returns:
        The responder: in AT mode or, with ``startup="none"``, multiplexing.
    """
    at = AtMode(plan.config, plan.options, forward=forward) if plan.by_at else None
    return Responder(plan.config, at=at, multiplexing=not plan.by_at, line_rate=plan.pace(rate))


def refused(refuse: Refuse) -> frozenset[int]:
    """Return which DLCIs the peer may not open.

    Args:
        refuse: see `Refuse`; a function is called for each DLCI.

    Returns:
        The DLCIs.

    Raises:
        InvalidDlci: one of them is not a data channel.
    """
    if callable(refuse):
        return frozenset(dlci for dlci in ALL if refuse(dlci))
    return frozenset(check_dlci(dlci) for dlci in refuse)


def apply_refusals(core: Multiplexer, dlcis: frozenset[int]) -> None:
    """Make a core answer the peer's SABM for these DLCIs with DM, and for no others."""
    for dlci in ALL:
        core.refuse(dlci, dlci in dlcis)
