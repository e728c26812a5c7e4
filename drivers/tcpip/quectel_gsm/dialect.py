"""The differences between the stacks of Quectel's GSM modules, as fields of a dialect."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.stack import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class GsmDialect(Dialect):
    """The properties of one kind of GSM module; see also `Dialect`.

    Args:
        name: its name for ``dialect=``.
        title: the modules that it applies to.
        source: the manual, issue or driver that it is taken from.
        family: the stack of these modules.
        models: the models, as AT+GMM names them.
        csd: whether they support CSD bearers.
        indication: the value of AT+QINDI with which they keep data for AT+QIRD; None: they do not have the command.
        read_size: the most octets of one AT+QIRD.
        send_size: the most octets of one AT+QISEND.
    """

    csd: bool = True
    indication: str | None = "1"
    read_size: int = 1500
    send_size: int = 1460
