"""What `serve` adds to `open`, for either shell: how commands are answered, and which DLCIs are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from .errors import ConfigError
from .opening import Plan, check_dlci
from .protocol.at_mode import AtMode
from .protocol.config import Config
from .protocol.multiplexer import Multiplexer
from .protocol.responder import Responder

Refuse = Iterable[int] | Callable[[int], bool]
"""DLCIs that the peer may not open, or a function that tells this for each DLCI."""

ALL: Final = range(1, 64)
"""Every number that a data channel can have, the reserved ones too."""


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


def refused(refuse: Refuse, config: Config) -> frozenset[int]:
    """Return which DLCIs the peer may not open.

    Args:
        refuse: see `Refuse`; a function is called for each DLCI that can carry data.
        config: the parameters of the session.

    Returns:
        The DLCIs.

    Raises:
        ConfigError: `refuse` is neither a function nor a collection of numbers.
        InvalidDlci: one of them is not a data channel.
    """
    if callable(refuse):
        return frozenset(dlci for dlci in ALL if config.carries_data(dlci) and refuse(dlci))
    if not isinstance(refuse, Iterable):
        raise ConfigError(f"refuse={refuse!r} is neither a function nor a collection of DLCIs")
    return frozenset(check_dlci(dlci, config, "refuse") for dlci in refuse)


def refusing(plan: Plan, refuse: Refuse) -> Refuse:
    """Return whom to refuse where ``channels`` says which DLCIs the peer may open.

    Args:
        plan: the plan that follows from the arguments of ``serve``.
        refuse: see `Refuse`.
    """
    channels = plan.channels
    if not channels:
        return refuse
    if callable(refuse):
        return lambda dlci: dlci not in channels or refuse(dlci)
    others = (dlci for dlci in ALL if plan.config.carries_data(dlci) and dlci not in channels)
    return {*refused(refuse, plan.config), *others}


def apply_refusals(core: Multiplexer, dlcis: frozenset[int]) -> None:
    """Make a core answer the peer's SABM for these DLCIs with DM, and for no others."""
    for dlci in ALL:
        core.refuse(dlci, dlci in dlcis)


def check_answer(text: object) -> str:
    """Return what ``on_command`` has returned, if it is a text.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(text, str):
        raise TypeError(f"on_command returned {text!r}, which is not a text")
    return text
