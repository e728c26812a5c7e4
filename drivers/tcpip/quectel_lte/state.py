"""The state that the parts of a stack share: its settings, its sockets, and the record of the module."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

from cmux.forks import Lock

from ..core.at_port import AtPort
from ..core.events import Event
from ..core.exclusion import Exclusion
from ..core.socket_state import SocketId, SocketState
from ..core.stack import Wiring
from ..shared_state import SharedState
from .settings import Settings


@dataclass(slots=True)
class NameAnswer:
    """The answer to AT+QIDNSGIP, as far as it has come; it may come on several channels."""

    port: AtPort | None = None
    """The channel that it comes on; None: it has not begun."""
    count: int | None = None
    """How many addresses there will be; None: the module has not said yet."""
    addresses: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all of it has come."""
        return len(self.addresses) == self.count


@dataclass(frozen=True, slots=True)
class Behind:
    """What has come behind a line in data mode that may be its end.

    Args:
        meaning: returns what it means in command mode.
        sessions: the sessions that there were when it came: it may be about one of them, and about no later one.
    """

    meaning: Callable[[], Event | None]
    sessions: frozenset[SocketState]


@dataclass(slots=True)
class Module:
    """The record of a module, shared by all stacks on its channels: its sockets are the same on each of them."""

    pushed_to_others: set[int] = field(default_factory=set)
    """The sockets of others whose data the module sends unasked, maybe on a channel of this process."""
    resolving: Exclusion = field(default_factory=Exclusion)
    """The right to ask for a name: the module resolves one at a time."""
    names: NameAnswer | None = None
    """The answer that is awaited."""
    counts: bool = False
    """Whether it tells with the news of data that it keeps how much that is: then a count does not mean pushed data."""
    _pushed: set[int] = field(default_factory=set)
    _stacks: weakref.WeakSet[StackState] = field(default_factory=weakref.WeakSet)
    _lock: Lock = field(default_factory=Lock)

    def add(self, stack: StackState) -> None:
        """Note that a stack holds its context."""
        with self._lock:
            self._stacks.add(stack)

    def remove(self, stack: StackState) -> None:
        """Note that a stack does not hold its context any more."""
        with self._lock:
            self._stacks.discard(stack)

    def stacks(self) -> list[StackState]:
        """Return the stacks that hold their context, on whatever channel; readers ask while others come and go."""
        with self._lock:
            return list(self._stacks)

    def pushing(self, port: AtPort) -> frozenset[int]:
        """Return the numbers of the sockets whose data the module may send unasked on a channel.

        Also of sockets that are closed by now, and whose numbers others may have: a channel on which a command runs
        gets later what another one has had already.
        """
        pushed, fetched = set[int](), set[int]()
        for state in self.stacks():
            for session in list(state.table.sessions.values()):
                if session.released:
                    continue
                if session.receive == "pushed":
                    pushed.add(session.index)
                elif state.port is port and not session.pending:  # a channel keeps the order of its own
                    fetched.add(session.index)
        with self._lock:
            self._pushed |= pushed
            late = set[int]() if self.counts else self._pushed - fetched
        return frozenset(pushed | late | self.pushed_to_others)

    def sessions(self) -> frozenset[SocketState]:
        """Return the sessions of this process that the module has."""
        ours = (session for state in self.stacks() for session in list(state.table.sessions.values()))
        return frozenset(session for session in ours if not session.released)

    def note_client(self, listener: SocketId, client: SocketId) -> None:
        """Learn of a client of a listener, before its own channel has heard of it: its data may come at once."""
        listeners = (state.table.listeners.get(listener) for state in self.stacks())
        if any(one is not None and one.receive == "pushed" for one in listeners):
            with self._lock:
                self._pushed.add(client.number)

    def note_pushed(self, ids: set[int]) -> None:
        """Learn whose data the module sends unasked, besides that of the sessions of this process."""
        ours = {id.number for state in self.stacks() for id in list(state.table.sessions)}
        self.pushed_to_others = ids - ours

    def forget(self) -> None:
        """Forget its sockets, because the module was reset."""
        self.pushed_to_others.clear()
        with self._lock:
            self._pushed.clear()
        self.names = None


_modules: weakref.WeakKeyDictionary[object, Module] = weakref.WeakKeyDictionary()
_records_lock = Lock()


def module_of(modem: object) -> Module:
    """Return the record of a module; for the same module it is always the same object."""
    with _records_lock:
        return _modules.setdefault(modem, Module())


class StackState(SharedState):
    """The state of one context that the parts of the stack share.

    Args:
        wiring: what the driver provides.
    """

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.settings: Settings = Settings.of(wiring.options, wiring.dialect)
        self.module: Module = module_of(wiring.modem)
        self.hear: Callable[[Event], None] = wiring.hear
        self.behind: list[Behind] = []
        """What has come behind that line; it is in `suspect`, too."""

    def hold(self) -> None:
        """Note that the context is held."""
        self.module.add(self)

    def let_go(self) -> None:
        """Note that the context is not held any more."""
        self.module.remove(self)
