"""The rules of negotiation by PN, for both stations (27.010 §5.4.6.3.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .commands import PN
from .config import MIN_N1_LAYER_2, Config, Parameters, default_priority
from .events import CommandDone
from .wire import FrameType

_SUPPORTED_TYPES = (FrameType.UIH, FrameType.UI)
_SUPPORTED_LAYERS = (1, 2)


def collide(theirs: PN, ours: PN) -> PN:
    """Merge two PN commands for one DLC that crossed, so that both stations grant the same.

    Args:
        theirs: the peer's command.
        ours: this station's command, not answered yet.

    Returns:
        What to grant: the smaller numbers, and the defaults where the two differ.
    """

    def same(name: str, default: int | None) -> Any:
        value = getattr(theirs, name)
        return value if value == getattr(ours, name) else default

    return replace(
        theirs,
        frame_type=same("frame_type", FrameType.UIH),
        convergence=same("convergence", 1),
        priority=same("priority", default_priority(theirs.dlci)),
        n1=min(theirs.n1, ours.n1),
        k=min(theirs.k, ours.k),
    )


def request(dlci: int, wanted: Parameters, config: Config) -> PN:
    """Build the PN command that asks for parameters.

    Args:
        dlci: which DLC.
        wanted: what to ask for.
        config: this station's T1 and N2, which the command carries.

    Returns:
        The command.
    """
    priority = default_priority(dlci) if wanted.priority is None else wanted.priority
    return PN(dlci, wanted.frame_type, wanted.convergence, priority, config.t1, wanted.n1, config.n2, wanted.k)


def grant(asked: PN, config: Config) -> PN:
    """Build the answer to the peer's PN; what this station does not support is answered with the default.

    Args:
        asked: the command.
        config: the limits of this station.

    Returns:
        The response; its N1 and k are never larger than those asked for.
    """
    n1 = min(asked.n1, config.n1_receive)
    layered = asked.convergence in _SUPPORTED_LAYERS and (asked.convergence == 1 or n1 >= MIN_N1_LAYER_2)
    return PN(
        asked.dlci,
        asked.frame_type if asked.frame_type in _SUPPORTED_TYPES else FrameType.UIH,
        asked.convergence if layered else 1,
        asked.priority,
        asked.t1,
        n1,
        asked.n2,
        max(1, min(asked.k or 1, config.k)),
    )


def parameters(granted: PN) -> Parameters:
    """Return the parameters that apply after this station's answer.

    Args:
        granted: the answer that `grant` returned.

    Returns:
        The parameters of the DLC.
    """
    return Parameters(
        n1=max(1, granted.n1),
        frame_type=granted.frame_type or FrameType.UIH,
        convergence=granted.convergence,
        priority=granted.priority,
        k=granted.k,
    )


def settle(asked: PN, answer: PN) -> Parameters:
    """Return the parameters that apply after the peer's answer.

    Args:
        asked: our command.
        answer: the response. T1 and N2 in it are the peer's own.

    Returns:
        What was granted, where it is legal: N1 and k may only be lowered; frame type, convergence layer and priority
        have to come back unchanged, otherwise the default applies.
    """
    same_type = answer.frame_type == asked.frame_type
    layer = asked.convergence if answer.convergence == asked.convergence else 1
    return Parameters(
        n1=max(1 if layer == 1 else MIN_N1_LAYER_2, min(asked.n1, answer.n1)),
        frame_type=asked.frame_type or FrameType.UIH if same_type else FrameType.UIH,
        convergence=layer,
        priority=asked.priority if answer.priority == asked.priority else default_priority(asked.dlci),
        k=max(1, min(asked.k, answer.k)),
    )


def wanted(config: Config, n1: int | None, priority: int | None, convergence: int | None) -> Parameters:
    """Build the parameters that an owner asks for.

    Args:
        config: the parameters of the session, which replace those that are None.
        n1: longest information field in either direction, in octets.
        priority: 0 to 63; None: the default of the DLC.
        convergence: 1 or 2; None: 1.

    Returns:
        The parameters.

    Raises:
        ConfigError: a value is out of range.
    """
    return Parameters(
        n1=config.n1 if n1 is None else n1,
        frame_type=config.frame_type,
        convergence=1 if convergence is None else convergence,
        priority=priority,
    )


def granted(done: CommandDone, config: Config) -> Parameters:
    """Return the parameters that apply from the next SABM on, given the result of our PN.

    Args:
        done: the result.
        config: the parameters of the session; its defaults apply if the peer did not answer, or answered NSC.

    Returns:
        The parameters.
    """
    if isinstance(done.command, PN) and isinstance(done.answer, PN):
        return settle(done.command, done.answer)
    return Parameters(n1=config.n1, frame_type=config.frame_type)
