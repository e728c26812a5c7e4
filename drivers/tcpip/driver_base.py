"""The part that the drivers on threads and in asyncio share: construction and properties."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Generic, TypeVar

from ..at.core.channel_base import ChannelBase
from ..clock import Clock
from .core.context import Context
from .core.leftovers import Leftover
from .core.options import Csd, Gprs, Options, Transparent
from .core.ownership import ContextTable, Lease, table_for
from .core.runner_base import RunnerBase
from .core.stack import Dialect
from .families import dialect_of, recognise

P = TypeVar("P")
R = TypeVar("R", bound=RunnerBase[ChannelBase, object])


class DriverBase(ABC, Generic[P, R]):
    """The part of a driver that does not wait; see `drivers.tcpip.TcpipDriver` for the arguments."""

    def __init__(
        self,
        port: P,
        context: int | None = None,
        apn: str = "CMNET",
        *,
        user: str = "",
        password: str = "",
        bearer: Gprs | Csd | None = None,
        muxip: bool = False,
        transparent: Transparent | bool = False,
        receive: str | None = None,
        show: Collection[str] = (),
        initialise: Sequence[str] | None = None,
        share: bool = False,
        dialect: str | Dialect = "m10",
        table: ContextTable | None = None,
        clock: Clock | None = None,
    ) -> None:
        kind = dialect_of(dialect)
        options = Options(
            kind.family.DEFAULT_CONTEXT if context is None else context,
            bearer or Gprs(apn, user, password),
            muxip,
            Transparent() if transparent is True else transparent or None,
            receive,
            frozenset(show),
            None if initialise is None else tuple(initialise),
            share,
        )
        runner = self._runner = self._make_runner(port, clock)
        self._table = table if table is not None else table_for(runner.modem)
        self._context = Context(
            kind,
            options,
            runner.channel,
            dlci=runner.dlci,
            owners=self._table,
            now=runner.clock.now,
            wake=lambda: runner.wake(self._context.work),
            set_dtr=runner.set_dtr,
            recognise=recognise,
        )

    @abstractmethod
    def _make_runner(self, port: P, clock: Clock | None) -> R:
        """Return the runner for the procedures on a port."""

    def __repr__(self) -> str:
        if self._context.closed:
            state = "closed"
        elif self.lease is None:
            state = "not claimed"
        else:
            state = f"claimed, {self._table.state(self.context) or 'state not known'}"
        return f"<{type(self).__name__} {self._context.name}: {state}>"

    @property
    def context(self) -> int:
        """The number of the context."""
        return self._context.claim.context

    @property
    def table(self) -> ContextTable:
        """The owners of the contexts of this modem."""
        return self._table

    @property
    def lease(self) -> Lease | None:
        """The lease of the driver on its context; None while it has none."""
        return self._context.claim.lease if self._context.claim.valid else None

    @property
    def receive(self) -> str:
        """The receive mode of sessions for which none is asked; of Quectel's GSM modules decided when it is claimed."""
        return self._context.stack.receive

    @property
    def leftovers(self) -> tuple[Leftover, ...]:
        """What the module had of this context when it was claimed, and no driver of this process: see `reclaim`."""
        return self._context.leftovers

    @property
    def counters(self) -> dict[str, int]:
        """What was unexpected, by name: data for nobody, clients refused here or by the module, repeated events."""
        return dict(self._context.table.counters)

    @property
    def online(self) -> bool:
        """Whether the UART is in data mode."""
        return self._context.table.online is not None
