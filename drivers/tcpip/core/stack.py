"""The interface of a family of modules: all AT commands are below it; sessions, above it, know none.

`Session`, `Listener`, `Watch`, sockets, asyncio and the table of contexts exist once for all families. A family
provides

facts: class attributes: the scope of ids, whether a close is due after the other side has closed, the options;
a classifier: `lines`, `framing`, `classify`, `classify_data`: unsolicited results and data, as `events`;
dialogues: operations with one turn of the channel: sending, fetching, asking;
procedures: operations with as many turns as they need: claiming, activating, opening, closing.

A method that a family does not override raises an error that names what the family lacks. A refusal of the module is a
`drivers.errors.TcpipError` or `AtError`; if the module gives a number for it, that is its `code`.
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
    """One kind of module: its family, and the source for that. Families add fields for the differences of theirs.

    Args:
        name: its name for ``dialect=``.
        title: the modules that it applies to.
        source: the manual, issue or driver that it is taken from.
        family: the stack of these modules.
        models: the models, as regular expressions for words in the name that the module gives for its model.
    """

    name: str
    title: str
    source: str
    family: type[TcpipStack]
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that a driver provides to its stack.

    Args:
        dialect: the kind of module.
        options: the options of the context.
        port: the AT channel; stacks with the same channel share a UART.
        modem: the object that identifies the module; stacks with the same one are on one module.
        claim: the claim to the context.
        table: its sessions and listeners.
        emit: called with an event that follows from an answer of the module, not from an unsolicited result.
        set_dtr: sets DTR of the UART, if it has one.
        now: returns the time in seconds.
    """

    dialect: Dialect
    options: Options
    port: AtPort
    modem: object
    claim: ContextClaim
    table: SessionTable
    emit: Callable[[Event], None]
    set_dtr: Callable[[bool], None]
    now: Callable[[], float]


class TcpipStack(Extras):
    """One context of the TCP/IP stack of a module, controlled over one channel. The constructor sends nothing.

    Args:
        wiring: what the driver provides.

    Raises:
        ValueError: the family does not have one of the options.
    """

    OPTIONS: ClassVar[frozenset[str]] = frozenset()
    """The options that the family has, besides ``context`` and a GPRS bearer.

    Of a driver: fields of `Options`, and ``csd``. Of opening and listening: ``index``, ``clients``, ``step_by_step``.
    """

    ID_SCOPE: ClassVar[IdScope] = IdScope.CONTEXT
    """The scope within which the ids of its sockets are unique."""

    CLOSE_AFTER_PEER: ClassVar[bool] = False
    """Whether a session has to be closed here after the other side has closed it, and keeps its id until then."""

    send_size: int = 1460
    """The most octets of one `send`."""

    answer_time: float = DEFAULT_TIMEOUT
    """The most seconds that the module may take for an answer about a session."""

    transparent: bool = False
    """Whether a session has the whole UART, in data mode, where all octets are data."""

    WORDS: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Words of the module that are added to messages.

    ``acknowledged`` and ``incoming``: the command or line that was waited for; ``deactivate``: the command that
    deactivates a context.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.name: str = wiring.claim.name
        """The name of the context in messages."""
        wiring.options.refuse_all_but(self.OPTIONS, wiring.dialect.title)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name}>"

    # -- properties --------------------------------------------------------------------------------------------------

    @property
    def receive(self) -> str:
        """The receive mode, with the words of ``receive=``."""
        return "buffered"

    @property
    def pushes(self) -> bool:
        """Whether the module sends received data by itself; False: it keeps the data until `read` fetches it."""
        return False

    def check_sending(self, data: bytes, ending: Ending, period: int) -> None:
        """Check that data can be sent with an ending.

        Args:
            data: all of the data.
            ending: how each piece ends.
            period: seconds, for ``timer``.

        Raises:
            ValueError: it cannot be sent in this way.
        """
        if ending != "length":
            raise ValueError(f"{self.wiring.dialect.title} has no end={ending!r}, data is sent by its length")

    def _refuse(self, option: str, given: object) -> None:
        if given is not None and option not in self.OPTIONS:
            raise ValueError(f"{self.wiring.dialect.title} has no option {option} (it was {given!r})")

    def lacks(self, what: str) -> NoReturn:
        """Raise an error that says that the family does not have something.

        Args:
            what: what it does not have, in words.

        Raises:
            TcpipError: always.
        """
        raise TcpipError(f"{self.name}: {self.wiring.dialect.title} has no {what}")

    # -- unsolicited results: called on the reader of the channel, returns at once -----------------------------------

    @property
    @abstractmethod
    def lines(self) -> tuple[LinePattern, ...]:
        """The unsolicited results that the module may send at present."""

    @property
    def framing(self) -> Framing:
        """How data is distinguished from lines at present."""
        return Framing()

    @abstractmethod
    def classify(self, line: str) -> Event | None:
        """Return the event for a line, or None if it does not concern this context.

        Args:
            line: the line without CR LF.
        """

    def classify_data(self, header: str, data: bytes) -> Event | None:
        """Return the event for received data, or None if it does not belong to this context.

        Args:
            header: the header that announced the data; empty for bare data.
            data: the octets.
        """
        return None

    # -- ownership ---------------------------------------------------------------------------------------------------

    def take(self, deadline: float, *, reclaim: bool) -> Procedure[None]:
        """Claim the context from the module; does nothing if the module has no owner of a context.

        Args:
            deadline: the time until which to try, on the driver's clock.
            reclaim: whether to deactivate a context that a host which is gone has left active.

        Raises:
            CommandError: the module refuses.
        """
        yield from ()

    def set_up(self) -> Procedure[None]:
        """Make the settings, right after the context has been claimed.

        Raises:
            SettingRefused: the module refuses a setting and has another value.
        """
        yield from ()

    def verify(self) -> Procedure[None]:
        """Check that a context that is held and not in use has not been taken by another program.

        Raises:
            ContextLost: it has been taken.
        """
        yield from ()

    def give_up(self) -> Procedure[None]:
        """Tell the module that the context is no longer needed, if the module keeps the owner of a context.

        Called while the claim lasts, if the context was not deactivated; sockets that would stay have been closed.
        """
        yield from ()

    def let_go(self) -> None:
        """Forget what is known about the context, because the claim to it has ended; nothing can be sent any more."""
        return

    # -- the context -------------------------------------------------------------------------------------------------

    @abstractmethod
    def activate(self) -> Procedure[str]:
        """Activate the context if it is not active, and return the local address."""

    @abstractmethod
    def deactivate(self) -> Procedure[None]:
        """Deactivate the context, also a broken one; its sockets end with it.

        This ends the claim, so a module that keeps the owner of a context has to be told here, too.
        """

    @abstractmethod
    def state(self) -> Procedure[str]:
        """Return the state of the context, in the words of the module."""

    @abstractmethod
    def learn_address(self) -> Procedure[None]:
        """Read the local address of an active context, and store it in the claim."""

    # -- sockets -----------------------------------------------------------------------------------------------------

    def check_opening(self, *, index: int | None, step_by_step: bool) -> None:
        """Check that a session can be opened in this way; nothing is sent.

        Args:
            index: the number of the session; None: the first free one.
            step_by_step: whether the context is activated by a command of its own.

        Raises:
            ValueError: the family does not have that.
        """
        self._refuse("index", index)
        self._refuse("step_by_step", step_by_step or None)

    @abstractmethod
    def open(
        self, protocol: str, host: str, port: int, *, index: int | None, timeout: float | None, step_by_step: bool
    ) -> Procedure[SocketState]:
        """Open a session to a remote server; activate the context if that is needed.

        If this ends with an error or an interruption, the rules close the session that it has reserved in the table by
        `close`, and remove it from the table.

        Args:
            protocol: TCP or UDP.
            host: a dotted address or a name.
            port: 1 to 65535.
            index: the number of the session; None: the first free one.
            timeout: seconds to wait for it; None: the longest time of the module.
            step_by_step: whether the context is activated by a command of its own.

        Returns:
            The session, in the table.

        Raises:
            ConnectFailed: it could not be opened.
        """

    def check_listening(self, *, port: int | None, clients: int | None, step_by_step: bool) -> None:
        """Check that a listener can be set up in this way; nothing is sent. See `listen`.

        Args:
            port: the port; None: the default port of the family.
            clients: the most clients at once; None: as many as possible.
            step_by_step: whether the context is activated by a command of its own.

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
        """Start to listen for clients; activate the context if that is needed.

        If this ends with an error, the rules close the reserved listener by `close_listener`, as for `open`.

        Args:
            protocol: TCP or UDP.
            port: the port; None: the default port of the family.
            clients: the most clients at once; None: as many as possible.
            step_by_step: whether the context is activated by a command of its own.

        Returns:
            The listener, in the table.

        Raises:
            ConnectFailed: it could not be set up.
        """
        self.lacks("listeners")

    def datagrams(self, protocol: str) -> bool:
        """Tell whether the data of a session with this protocol comes in datagrams that are kept apart.

        Args:
            protocol: TCP or UDP.
        """
        return protocol == "UDP"

    @abstractmethod
    def close(self, session: SocketState) -> Procedure[None]:
        """Close a session in the module.

        If `CLOSE_AFTER_PEER` is True, this is also called for a session that the other side has closed.

        Args:
            session: the session.
        """

    def turn_away(self, session: SocketState) -> Dialogue[None]:
        """Close a client that the module has accepted but the listener refuses; does nothing by default.

        Args:
            session: the session.
        """
        yield from ()

    def close_listener(self, listener: ListenerState) -> Procedure[None]:
        """Close a listener in the module; accepted sessions stay.

        Args:
            listener: the listener.
        """
        self.lacks("listeners")

    def listener_status(self, listener: ListenerState) -> Procedure[tuple[bool, int]]:
        """Return whether the listener is listening and the number of connected clients, as the module reports them.

        Args:
            listener: the listener.
        """
        self.lacks("status of a listener")

    def ended_by_peer(self, session: SocketState) -> None:
        """Handle that the other side has closed a session, and all of its data has been fetched.

        Args:
            session: the session.
        """
        return

    # -- data --------------------------------------------------------------------------------------------------------

    @abstractmethod
    def send(self, session: SocketState, piece: bytes, ending: Ending, period: int) -> Dialogue[str | None]:
        """Send one piece. Once a number of octets has been announced, they are sent even if the caller is interrupted.

        Args:
            session: the session.
            piece: up to `send_size` octets.
            ending: how it ends.
            period: seconds, for ``timer``.

        Returns:
            None if the module has accepted the piece, otherwise its answer.
        """

    def read(self, session: SocketState) -> Dialogue[int | None]:
        """Fetch data that the module keeps; it is delivered through `classify_data`.

        Args:
            session: the session.

        Returns:
            The number of octets; None: the module no longer has the session.
        """
        self.lacks("data that it keeps")

    def acknowledged(self, session: SocketState) -> Dialogue[Acknowledged]:
        """Return how many octets were sent, acknowledged, and not acknowledged.

        Args:
            session: the session.
        """
        self.lacks("count of acknowledged octets")

    def reconcile(self) -> Dialogue[list[Event]]:
        """Ask the module what is still open, after `events.InDoubt`; return the events that were missed."""
        yield from ()
        return []

    # -- keep-alive --------------------------------------------------------------------------------------------------

    def keep_alive(self, session: SocketState, period: float) -> Procedure[bool]:
        """Let the module examine an idle session by itself.

        Args:
            session: the session.
            period: seconds without data after which it is examined.

        Returns:
            Whether the module does so; if not, the driver does it by probes and `acknowledged`.
        """
        yield from ()
        return False

    def examine(self, session: SocketState) -> Procedure[str | None]:
        """Ask the module whether a session is gone; return its answer if so, otherwise None.

        Args:
            session: the session.
        """
        yield from ()
        return None
