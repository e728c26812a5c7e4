"""What a family of modules provides: the one place where commands are, under sessions that know none.

Above it stand, once for all families, `Session`, `Listener`, `Watch`, sockets, asyncio and the table of contexts. A
family says in four ways how its modules are:

facts: class attributes: how ids are counted, whether a close is due after the other side's, what options there are;
a classifier: `lines`, `framing`, `classify`, `classify_data`: what comes unasked, as `events`;
dialogues: what has one turn of the channel: sending, fetching, asking;
procedures: what takes as many turns as it needs: claiming, activating, opening, closing.

What a family does not have keeps the default here, which says so by name. A refusal of the module is a
`drivers.errors.TcpipError` or `AtError`; where the module gives a number for it, that is its `code`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, NoReturn

from ...at.core import Dialogue, Framing, LinePattern
from ...at.core.dialogue import DEFAULT_TIMEOUT
from ...errors import TcpipError
from .at_port import AtPort
from .context_claim import ContextClaim
from .events import Event
from .extras import Extras
from .listener_state import ListenerState
from .options import Options
from .procedure import Procedure
from .session_table import IdScope, SessionTable
from .socket_state import Acknowledged, Ending, SocketState


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One kind of module: whose family it is, and where that is written. Families add what makes theirs differ.

    Args:
        name: what ``dialect=`` calls it.
        title: the modules that it is for.
        source: the manual, issue or driver that says so.
        family: the stack that they have.
    """

    name: str
    title: str
    source: str
    family: type[TcpipStack]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that a driver gives to its stack.

    Args:
        dialect: which kind of module it is.
        options: how the context is to be used.
        port: the AT channel; stacks that share one are stacks of one UART.
        claim: the claim to the context.
        table: its sessions and listeners.
        emit: takes an event that is no line: what the module has said when it was asked.
        set_dtr: sets DTR of the UART, where it has one.
        now: tells the time, in seconds.
    """

    dialect: Dialect
    options: Options
    port: AtPort
    claim: ContextClaim
    table: SessionTable
    emit: Callable[[Event], None]
    set_dtr: Callable[[bool], None]
    now: Callable[[], float]


class TcpipStack(Extras):
    """One context of a module's TCP/IP stack, driven over one channel. Made for each driver; making it sends nothing.

    Args:
        wiring: what the driver gives to it.

    Raises:
        ValueError: it cannot be used as the options want it.
    """

    OPTIONS: ClassVar[frozenset[str]] = frozenset()
    """The options that it has, beside ``context`` and a GPRS bearer.

    Of a driver: fields of `Options`, and ``csd``. Of opening and listening: ``index``, ``clients``, ``step_by_step``.
    """

    ID_SCOPE: ClassVar[IdScope] = IdScope.CONTEXT
    """Within what the ids of its sockets are unique."""

    CLOSE_AFTER_PEER: ClassVar[bool] = False
    """Whether a session has to be closed here also after the other side has closed it, and has its id until then."""

    send_size: int = 1460
    """The most octets of one `send`."""

    answer_time: float = DEFAULT_TIMEOUT
    """Seconds that the module may take for an answer about a session, at most."""

    transparent: bool = False
    """Whether what is sent and received is not looked at: a session has the UART for itself, in data mode."""

    WORDS: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What messages add in the module's own words.

    Of an ``acknowledged`` that did not come, and of an ``incoming``; how a context is refused that is ``busy``, and the
    command to ``deactivate`` it.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.name: str = wiring.claim.name
        """What messages call the context."""
        wiring.options.refuse_all_but(self.OPTIONS, wiring.dialect.title)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name}>"

    # -- what it is --------------------------------------------------------------------------------------------------

    @property
    def receive(self) -> str:
        """How received data is told from answers, as ``receive=`` words it."""
        return "buffered"

    @property
    def pushes(self) -> bool:
        """Whether the module hands data out by itself; False: it keeps them until `read` fetches them."""
        return False

    def check_sending(self, data: bytes, ending: Ending, period: int) -> None:
        """Make sure that data can be sent in this way.

        Args:
            data: all of it.
            ending: how each piece is to end.
            period: seconds, for ``timer``.

        Raises:
            ValueError: it cannot.
        """
        if ending != "length":
            raise ValueError(f"{self.wiring.dialect.title} has no end={ending!r}, data is sent by its length")

    def _refuse(self, option: str, given: object) -> None:
        if given is not None and option not in self.OPTIONS:
            raise ValueError(f"{self.wiring.dialect.title} has no option {option} (it was {given!r})")

    def lacks(self, what: str) -> NoReturn:
        """Say that the family does not have something."""
        raise TcpipError(f"{self.name}: {self.wiring.dialect.title} has no {what}")

    # -- what comes unasked: called on the channel's reader, returns at once -----------------------------------------

    @property
    @abstractmethod
    def lines(self) -> tuple[LinePattern, ...]:
        """The unsolicited results that it may say now."""

    @property
    def framing(self) -> Framing:
        """How data is told from lines now."""
        return Framing()

    @abstractmethod
    def classify(self, line: str) -> Event | None:
        """Return what a line means; None: it is not this context's."""

    def classify_data(self, header: str, data: bytes) -> Event | None:
        """Return whose data it is; None: it is not this context's.

        Args:
            header: the header that announced it, empty for bare data.
            data: the octets.
        """
        return None

    # -- ownership ---------------------------------------------------------------------------------------------------

    def take(self, deadline: float, *, reclaim: bool) -> Procedure[None]:
        """Ask the module for the context; nothing to do where it lets everybody have it.

        Args:
            deadline: until when to go on trying, on the driver's clock.
            reclaim: whether to take down what a host that is gone has left active.

        Raises:
            CommandError: it refuses.
        """
        yield from ()

    def set_up(self) -> Procedure[None]:
        """Make the settings, right after the context was claimed.

        Raises:
            SettingRefused: the module refuses one that it does not have yet.
        """
        yield from ()

    def verify(self) -> Procedure[None]:
        """Make sure that nobody has taken a context that is held and not used.

        Raises:
            ContextLost: somebody has.
        """
        yield from ()

    def give_up(self) -> Procedure[None]:
        """Tell the module that the context is not wanted any more, where it keeps it for whoever has taken it.

        Called while the claim lasts, where the context was not deactivated; sockets that would stay were closed.
        """
        yield from ()

    def let_go(self) -> None:
        """Forget what is known about the context: the claim to it has ended. Nothing can be sent any more."""
        return

    # -- the context -------------------------------------------------------------------------------------------------

    @abstractmethod
    def activate(self) -> Procedure[str]:
        """Activate the context, where it is not active, and return the local address."""

    @abstractmethod
    def deactivate(self) -> Procedure[None]:
        """Deactivate the context, and end its sockets with it; one that is broken, too.

        The claim ends with it, so a module that keeps the context for whoever has taken it is told here, too.
        """

    @abstractmethod
    def state(self) -> Procedure[str]:
        """Read the state of the context, as the module words it."""

    @abstractmethod
    def learn_address(self) -> Procedure[None]:
        """Read the local address of an active context into the claim."""

    # -- sockets -----------------------------------------------------------------------------------------------------

    def check_opening(self, *, index: int | None, step_by_step: bool) -> None:
        """Make sure that a session can be opened in this way; nothing is sent.

        Args:
            index: the number that it is to have, None for the first that is free.
            step_by_step: whether the context is to be activated by a command of its own.

        Raises:
            ValueError: the family does not have that.
        """
        self._refuse("index", index)
        self._refuse("step_by_step", step_by_step or None)

    @abstractmethod
    def open(
        self, protocol: str, host: str, port: int, *, index: int | None, timeout: float | None, step_by_step: bool
    ) -> Procedure[SocketState]:
        """Open a session to a remote server, activating the context where that is needed.

        What it has reserved in the table when it ends with an error, also that of an interruption, is closed by `close`
        and taken out of the table by the rules of all families.

        Raises:
            ConnectFailed: it could not be opened.
        """

    def check_listening(self, *, port: int | None, clients: int | None, step_by_step: bool) -> None:
        """Make sure that a listener can be had in this way; nothing is sent. See `listen`.

        Raises:
            ValueError: the family does not have that.
        """
        if port is None:
            raise ValueError(f"{self.wiring.dialect.title} has no port of its own to listen on: name one")
        self._refuse("clients", clients)
        self._refuse("step_by_step", step_by_step or None)

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool
    ) -> Procedure[ListenerState]:
        """Begin to listen for clients, activating the context where that is needed.

        Args:
            protocol: TCP or UDP.
            port: where, None for the family's own port.
            clients: how many at once, None for as many as there can be.
            step_by_step: whether the context is to be activated by a command of its own.

        What it has reserved in the table when it ends with an error is closed by `close_listener`, as for `open`.

        Raises:
            ConnectFailed: it could not be set up.
        """
        self.lacks("listeners")

    def datagrams(self, protocol: str) -> bool:
        """Whether the data of such a session comes in datagrams that are kept apart."""
        return protocol == "UDP"

    @abstractmethod
    def close(self, session: SocketState) -> Procedure[None]:
        """Tell the module that a session is closed here.

        It is called also for one that the other side has closed where `CLOSE_AFTER_PEER` says so.
        """

    def turn_away(self, session: SocketState) -> Dialogue[None]:
        """Close a client that the module has accepted for a listener that does not want it; nothing by default."""
        yield from ()

    def close_listener(self, listener: ListenerState) -> Procedure[None]:
        """Tell the module that a listener is closed here; sessions that were accepted stay."""
        self.lacks("listeners")

    def listener_status(self, listener: ListenerState) -> Procedure[tuple[bool, int]]:
        """Return whether it listens, as the module says, and how many clients are connected."""
        self.lacks("status of a listener")

    def ended_by_peer(self, session: SocketState) -> None:
        """Learn that a session was closed by the other side, and that all that it had received was fetched."""
        return

    # -- data --------------------------------------------------------------------------------------------------------

    @abstractmethod
    def send(self, session: SocketState, piece: bytes, ending: Ending, period: int) -> Dialogue[str | None]:
        """Send one piece; once the module has been promised a number of octets it gets them, whoever is interrupted.

        Args:
            session: the session.
            piece: up to `send_size` octets.
            ending: how it ends.
            period: seconds, for ``timer``.

        Returns:
            None when the module has taken it, else what it has said instead.
        """

    def read(self, session: SocketState) -> Dialogue[int | None]:
        """Fetch data that the module keeps; it comes through `classify_data`.

        Returns:
            How many octets have come; None: the module does not know the session any more.
        """
        self.lacks("data that it keeps")

    def acknowledged(self, session: SocketState) -> Dialogue[Acknowledged]:
        """Return how much was sent, acknowledged, and not."""
        self.lacks("count of acknowledged octets")

    def reconcile(self) -> Dialogue[list[Event]]:
        """Ask the module what still stands, after `events.InDoubt`; return what has happened unheard."""
        yield from ()
        return []

    # -- keep-alive --------------------------------------------------------------------------------------------------

    def keep_alive(self, session: SocketState, period: float) -> Procedure[bool]:
        """Let the module itself examine an idle session.

        Args:
            session: the session.
            period: seconds of idleness after which it is examined.

        Returns:
            Whether the module does so; False: the driver has to, by probes and `acknowledged`.
        """
        yield from ()
        return False

    def examine(self, session: SocketState) -> Procedure[str | None]:
        """Ask the module whether it has noticed that a session is gone; return what it says then, else None."""
        yield from ()
        return None
