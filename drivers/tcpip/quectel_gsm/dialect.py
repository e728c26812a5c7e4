"""The differences between the stacks of Quectel's GSM modules, as fields of a dialect."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.stack import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class GsmDialect(Dialect):
    """One kind of GSM module; see `Dialect` for what is not told here.

    Args:
        name: what ``dialect=`` calls it.
        title: the modules that it is for.
        source: the manual, issue or driver that says so.
        family: the stack that they have.
        csd: whether it has CSD bearers.
        indication: what AT+QINDI is set to so that it keeps data for AT+QIRD; None: it has no such command.
        read_size: the most octets of one AT+QIRD.
        send_size: the most octets of one AT+QISEND.
    """

    csd: bool = True
    indication: str | None = "1"
    read_size: int = 1500
    send_size: int = 1460
