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

from ...at.core import Framing, LinePattern
from ...at.core.dialogue import DEFAULT_TIMEOUT
from ...errors import TcpipError
from .at_port import AtPort
from .context_claim import ContextClaim
from .events import Event
from .leftovers import Leftover
from .options import Options
from .procedure import Procedure
from .scope import IdScope
from .session_table import SessionTable
from .socket_operations import SocketOperations
from .socket_state import CONGESTED


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
        hear: called with an event that follows from an unsolicited result of which it was not known before whether
            it was one; it may repeat what another channel has said.
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
    hear: Callable[[Event], None]
    set_dtr: Callable[[bool], None]
    now: Callable[[], float]


class TcpipStack(SocketOperations):
    """One context of the TCP/IP stack of a module, controlled over one channel. The constructor sends nothing.

    Args:
        wiring: what the driver provides.

    Raises:
        ValueError: the family does not have one of the options.
    """

    DEFAULT_CONTEXT: ClassVar[int] = 0
    """The context of a driver that names none."""

    ACTIVATES_FIRST: ClassVar[bool] = False
    """Whether `activate` has to come before opening, listening and names; otherwise these activate the context."""

    ID_SCOPE: ClassVar[IdScope] = IdScope.CONTEXT
    """The scope within which the ids of its sockets are unique."""

    CLOSE_AFTER_PEER: ClassVar[bool] = False
    """Whether a session has to be closed here after the other side has closed it, and keeps its id until then."""

    ID_TAKEN: ClassVar[int | None] = None
    """The code of opening a socket whose id is in use, if the module has one; see `SessionTable.reserve`."""

    FETCH_AHEAD: ClassVar[int] = CONGESTED
    """The most unread octets of a session beyond which no more is fetched; 0: only what a reader waits for."""

    answer_time: float = DEFAULT_TIMEOUT
    """The most seconds that the module may take for an answer about a session."""

    WORDS: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Words of the module that are added to messages.

    ``acknowledged`` and ``incoming``: the command or line that was waited for; ``deactivate``: the command that
    deactivates a context.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.name: str = wiring.claim.name
        """The name of the context in messages."""
        self.title: str = wiring.dialect.title
        wiring.options.refuse_all_but(self.OPTIONS, self.title)
        if self.RECEIVE and wiring.options.receive is not None:
            self.check_receive(wiring.options.receive)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name}>"

    # -- properties --------------------------------------------------------------------------------------------------

    @property
    def congested(self) -> bool:
        """Whether it keeps so much of which it is not known yet what it is that no more should be read."""
        return False

    @property
    def receive(self) -> str:
        """The receive mode of sessions for which none is asked, with the words of ``receive=``."""
        return "buffered"

    def lacks(self, what: str) -> NoReturn:
        """Raise an error that says that the family does not have something.

        Args:
            what: what it does not have, in words.

        Raises:
            TcpipError: always.
        """
        raise TcpipError(f"{self.name}: {self.title} has no {what}")

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

    def survey(self) -> Procedure[list[Leftover]]:
        """Ask for all sockets and active contexts that the module has, right after the context has been claimed.

        The rules find out which of them are of drivers of this process; by default nothing is asked.

        Returns:
            All of them.
        """
        yield from ()
        return []

    def clear(self, leftovers: tuple[Leftover, ...]) -> Procedure[None]:
        """End what somebody who is gone has left in the module.

        Args:
            leftovers: sockets of this context, or the context alone, which ends its sockets.
        """
        self.lacks("list of what was left in it")

    def set_up(self) -> Procedure[None]:
        """Make the settings, right after the context has been claimed.

        Of drivers that share the context each makes them; where the claim is active, another one uses it already.

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
        """Deactivate the context, also a broken one; its sockets end with it. Of drivers that share it, the last does.

        This ends the claim, so a module that keeps the owner of a context has to be told here, too.
        """

    @abstractmethod
    def state(self) -> Procedure[str]:
        """Return the state of the context, in the words of the module."""

    @abstractmethod
    def learn_address(self) -> Procedure[None]:
        """Read the local address of an active context, and store it in the claim."""
