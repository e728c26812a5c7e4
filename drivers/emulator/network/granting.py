"""The network's answer to the activation of a context: an address, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..environment import Environment
from .addresses import Address, allocate

NAME_SERVERS = ("192.0.2.53", "198.51.100.53")
"""The name servers of the emulated network: addresses reserved for documentation."""


async def grant(environment: Environment, admitted: Callable[[], bool]) -> Address | None:
    """Ask the network for an address.

    In a silent network nobody answers; the module asks again, so the address comes when the silence ends.

    Args:
        environment: clock, behaviour, network.
        admitted: returns, when the network has answered, whether the module may have the context.

    Returns:
        The address, or None when the network refuses, or has not answered within `Behaviour.activation_timeout`.
    """
    behaviour = environment.behaviour
    await environment.sleep(behaviour.activation_time)
    with suppress(TimeoutError):
        await environment.within(behaviour.activation_timeout, environment.audible())
    if not environment.network.grants or not admitted():
        return None
    return allocate(environment.chooser)
