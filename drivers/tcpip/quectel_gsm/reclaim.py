"""Frees a context that a host which is gone has left active (it stays with its virtual UART: see ownership.md)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ...at.core import Dialogue
from ...errors import AtTimeout, ChannelClosed, CommandError
from ...logs import port_logger
from ..core.procedure import Procedure, on_free_uart
from . import dialogues

DLCIS = range(1, 5)  # VIRTUAL_UART_1 to 4
REFUSALS = (CommandError, AtTimeout, ChannelClosed)
"""The answers of a virtual UART that does not control the context."""


def free_context(context: int, own: int | None, deadline: float, now: Callable[[], float]) -> Procedure[None]:
    """Deactivate a context from the virtual UART that controls it; nothing is sent on UARTs that this process uses.

    Args:
        context: the number of the context.
        own: the DLCI of the driver's own virtual UART, or None.
        deadline: the time after which no further UART is tried.
        now: returns the time.
    """
    for dlci in DLCIS:
        if dlci == own:
            continue
        if now() >= deadline:
            return
        tried = yield from on_free_uart(dlci, take_down(context))
        if tried is None:
            continue
        log = port_logger(tried.name)
        if tried.failure is None:
            log.info("context %d was freed: a host that is gone had left it active on this channel", context)
            return
        if not isinstance(tried.failure, REFUSALS):
            raise tried.failure
        log.log(logging.DEBUG if isinstance(tried.failure, CommandError) else logging.INFO, "%s", tried.failure)


def take_down(context: int) -> Dialogue[None]:
    """Deactivate a context from the virtual UART that controls it; ERROR means that another one does."""
    yield from dialogues.select_context(context)
    yield from dialogues.take_down()
