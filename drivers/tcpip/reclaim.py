"""Freeing a context that a host has left active which is no longer there (ownership.md: it stays with its UART)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar, cast

from ..at import AtChannel, Dialogue, Port, in_use
from ..at.aio import AtChannel as AioChannel
from ..clock import Clock
from ..errors import AtTimeout, ChannelClosed, CommandError
from . import dialogues
from .context import INITIAL

T = TypeVar("T")
log = logging.getLogger("drivers.reclaim")
DLCIS = range(1, 5)  # VIRTUAL_UART_1 to 4


class Multiplexer(Protocol):
    """What is needed of a multiplexer."""

    def channel(self, dlci: int) -> Port:
        """Return the port of a DLC, opened."""


def free(port: Port, context: int, clock: Clock, more: Callable[[], bool]) -> bool:
    """Deactivate a context from the virtual UART that controls it: one of ours that nobody here uses.

    Nothing is sent on a DLCI that a driver of this process uses.

    Args:
        port: the virtual UART of the driver that wants the context.
        context: which context.
        clock: the source of time.
        more: tells whether there is time left.

    Returns:
        Whether one of them controlled the context, which is in IP INITIAL now.
    """
    multiplexer, own = getattr(port, "mux", None), getattr(port, "dlci", None)
    if multiplexer is None or not hasattr(multiplexer, "channel"):
        return False  # a bare UART is the only one
    for dlci in DLCIS:
        if dlci == own or not more():
            continue
        other = cast(Multiplexer, multiplexer).channel(dlci)
        if in_use(other):
            continue
        with AtChannel(other, clock=clock) as channel:
            try:
                channel.run(take_down(context))
            except CommandError as refusal:
                log.debug("%s", refusal)
            except (AtTimeout, ChannelClosed) as error:
                log.info("DLCI %d does not help: %s", dlci, error)
            else:
                log.info("context %d was freed from DLCI %d, where a host had left it", context, dlci)
                return True
    return False


async def free_by(channels: Iterable[AioChannel], context: int) -> bool:
    """Deactivate a context from the channel that controls it.

    Args:
        channels: channels of this loop, on virtual UARTs that no driver uses.
        context: which context.

    Returns:
        Whether one of them controlled it.
    """
    for channel in channels:
        try:
            await channel.run(take_down(context))
        except (CommandError, AtTimeout, ChannelClosed) as error:
            log.debug("%s does not help: %s", channel.name, error)
        else:
            return True
    return False


def take_down(context: int) -> Dialogue[None]:
    """Bring a context to IP INITIAL from the virtual UART that controls it; ERROR: another one does."""
    yield from dialogues.select_context(context)
    if (yield from dialogues.state()) != INITIAL:
        yield from dialogues.deactivate()
