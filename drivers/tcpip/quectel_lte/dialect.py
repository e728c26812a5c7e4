"""The differences between the stacks of Quectel's LTE modules, as fields of a dialect."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.stack import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class LteDialect(Dialect):
    """The properties of one kind of LTE module; see also `Dialect`.

    Args:
        name: its name for ``dialect=``.
        title: the modules that it applies to.
        source: the manual, log or driver that it is taken from.
        family: the stack of these modules.
        models: the models, as AT+CGMM names them.
        contexts: the highest number of a context; the lowest is 1.
        keeps_alive: whether they examine idle connections by themselves (AT+QICFG="tcp/keepalive").
    """

    contexts: int = 16
    keeps_alive: bool = False
