"""What the drivers on threads and in asyncio have in common: how they are made, and what describes them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Generic, Protocol, TypeVar

from ..clock import Clock
from .context import ContextTable, table_for
from .endpoint import Address, Endpoint, Role, Server
from .settings import INITIALISE, Csd, Gprs, Options, Transparent
from .stack import Channel, Stack

P = TypeVar("P")


class ClockedChannel(Channel, Protocol):
    """An AT channel with its clock."""

    @property
    def clock(self) -> Clock:
        """The source of time."""

    def room_made(self) -> None:
        """Learn that a sink is no longer congested."""


C = TypeVar("C", bound=ClockedChannel)
M = TypeVar("M")


class Front(Generic[P, C]):
    """A driver without its runner; see `drivers.tcpip.TcpipDriver` for the arguments."""

    def __init__(
        self,
        port: P,
        context: int = 0,
        apn: str = "CMNET",
        *,
        user: str = "",
        password: str = "",
        bearer: Gprs | Csd | None = None,
        muxip: bool = False,
        transparent: Transparent | bool = False,
        receive: str | None = None,
        show: Collection[str] = (),
        initialise: Sequence[str] = INITIALISE,
        dialect: str = "m10",
        table: ContextTable | None = None,
        clock: Clock | None = None,
    ) -> None:
        options = Options.make(
            context,
            bearer or Gprs(apn, user, password),
            muxip=muxip,
            transparent=transparent,
            receive=receive,
            show=show,
            initialise=initialise,
            dialect=dialect,
        )
        self.context = options.context
        self._channel, modem, dlci = self._enter(port, clock)
        self._clock = clock or self._channel.clock
        self._table = table if table is not None else table_for(modem, clock=self._clock)
        self.stack = Stack(
            options,
            self._channel,
            dlci=dlci,
            table=self._table,
            now=self._clock.now,
            new_session=self._new_session,
            new_server=self._new_listener,
            wake=self._wake,
            set_dtr=self._set_dtr,
        )
        """The rules of the context; for sessions and listeners."""

    @property
    def channel(self) -> C:
        """The AT channel that the driver uses."""
        return self._channel

    @property
    def table(self) -> ContextTable:
        """Who owns which context of this modem."""
        return self._table

    @property
    def receive(self) -> str:
        """How received data is told from answers: ``buffered``, ``header`` or ``bare``; settled when it claims."""
        return self.stack.roster.receive

    @property
    def online(self) -> bool:
        """Whether the UART is in data mode."""
        return self.stack.roster.online is not None

    def room_made(self) -> None:
        """Learn that a reader has made room."""
        self._channel.room_made()
        self.stack.roster.room_made()

    # -- what the runner adds --------------------------------------------------------------------------------------

    @abstractmethod
    def _enter(self, port: P, clock: Clock | None) -> tuple[C, object, int | None]:
        """Return the channel of a port, what stands for its modem, and its DLCI."""

    @abstractmethod
    def _new_session(self, role: Role, protocol: str, remote: Address, index: int, datagrams: bool) -> Endpoint:
        """Make a session."""

    @abstractmethod
    def _new_listener(self, protocol: str, port: int, clients: int) -> Server:
        """Make a listener."""

    @abstractmethod
    def _wake(self) -> None:
        """Have what is due done soon."""

    @abstractmethod
    def _set_dtr(self, on: bool) -> None:
        """Set DTR of the UART."""


def own(kind: type[M], made: object) -> M:
    """Return a session or a listener that this shell has made."""
    if not isinstance(made, kind):
        raise TypeError(f"{made!r} was not made by this driver")
    return made
