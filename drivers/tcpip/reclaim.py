"""Freeing a context that a host has left active which is no longer there (ownership.md: it stays with its UART)."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from ..at import Dialogue
from ..errors import AtTimeout, ChannelClosed, CommandError, DriverError
from ..logs import port_logger
from . import dialogues

DLCIS = range(1, 5)  # VIRTUAL_UART_1 to 4
REFUSALS = (CommandError, AtTimeout, ChannelClosed)
"""What a virtual UART that does not help may answer."""


def candidates(own: int | None) -> Iterator[int]:
    """Return the DLCIs from which a context may be freed, other than the driver's own."""
    return (dlci for dlci in DLCIS if dlci != own)


def take_down(context: int) -> Dialogue[None]:
    """Bring a context to IP INITIAL from the virtual UART that controls it; ERROR: another one does."""
    yield from dialogues.select_context(context)
    yield from dialogues.take_down()


def tell(context: int, port: str, failure: DriverError | None) -> None:
    """Log what became of an attempt on one DLCI, under the name of its port."""
    log = port_logger(port)
    if failure is None:
        log.info("context %d was freed from here, where a host had left it", context)
    else:
        log.log(logging.DEBUG if isinstance(failure, CommandError) else logging.INFO, "%s", failure)
