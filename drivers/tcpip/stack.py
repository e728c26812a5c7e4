"""The rules of one context of the stack: what is done in which order, and what follows from it. No I/O, no waiting.

Every operation is a dialogue or a plan; `driver` runs them on threads, `aio` in asyncio.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from ..at import Dialogue
from ..errors import (
    AtError,
    AtTimeout,
    CommandError,
    ConnectFailed,
    ContextInactive,
    SessionReset,
    TcpipError,
)
from . import dialogues, names, setup, upkeep
from .context import INITIAL, ContextTable, Lease
from .data_mode import DataMode
from .endpoint import SERVICE, Address, Endpoint, Role, Server
from .hold import ContextHold, Plan, Uart
from .inbox import Inbox
from .settings import (
    SHOWN,
    Options,
    check_text,
    is_dotted,
)

T = TypeVar("T")
RESTING = frozenset({INITIAL, "IP STATUS", "IP CLOSE"})  # a context may be left in these after a failure
SESSIONS = range(6)  # app note 4.2

NewSession = Callable[[Role, str, Address, int], Endpoint]
NewServer = Callable[[str, int, int], Server]


class Stack:
    """One context of the module's stack, driven over one channel.

    Args:
        options: how the context is to be used.
        uart: what is known about the virtual UART.
        port: what messages call it.
        dlci: its DLCI, None for a bare UART.
        table: who owns which context.
        now: tells the time.
        new_session: makes a session for role, protocol, remote address and index.
        new_server: makes a server for protocol, port and number of clients.
        wake: has `work` done soon.
        set_dtr: sets DTR of the UART, where it has one.
        attach: begins (True) or ends (False) the flow of unsolicited results to the inbox.
    """

    def __init__(
        self,
        options: Options,
        uart: Uart,
        port: str,
        *,
        dlci: int | None,
        table: ContextTable,
        now: Callable[[], float],
        new_session: NewSession,
        new_server: NewServer,
        wake: Callable[[], None],
        set_dtr: Callable[[bool], None],
        attach: Callable[[bool], None],
    ) -> None:
        self.options = options
        self.receive = options.receive or "buffered"
        self.wake = wake
        self.new_session = new_session
        self.closed = False
        self.doubt = False
        """Whether sessions may have ended unheard, so that the module has to be asked."""
        self.hold = ContextHold(uart, port, options.context, dlci=dlci, table=table, ended=self._hold_ended)
        self.name = self.hold.name
        self.inbox = Inbox(self)
        self._table = table
        self._now = now
        self.new_server = new_server
        self.data_mode = DataMode(self, set_dtr)
        self._attach = attach
        self.ports: dict[str, int] = {}
        """The listening ports that were set, by protocol."""

    # -- taking and leaving ----------------------------------------------------------------------------------------

    def others(self) -> list[Stack]:
        """Return the other contexts that are held on this UART."""
        return [stack for stack in self.hold.uart.stacks if stack is not self and stack.hold.valid]

    def claim(self, timeout: float, *, take_over: bool) -> Plan[Lease]:
        """Take the context: AT+QIFGCNT, then the settings; nothing while it is held."""
        self._check_usable()
        if self.hold.check():
            return self.hold.held
        self.receive = self.options.receive or "buffered"
        preset = setup.preset(self)
        deadline = self._now() + timeout
        yield from self.hold.claim(deadline, self._now, take_over=take_over, preset=preset)
        try:
            self._attach(True)
            self.hold.uart.stacks.add(self)
            for name in preset:
                yield self.hold.in_foreground(setup.initialise(self, name))
            if self.options.transparent is not None:
                yield self.hold.in_foreground(setup.prepare_data_mode(self))
        except BaseException:
            self.hold.release("its settings could not be made")
            raise
        return self.hold.held

    def ready(self) -> Plan[None]:
        """Make sure that the context is held and not dead, claiming it where it is not held."""
        self._check_usable()
        if self.hold.check() and self.hold.state == "PDP DEACT":
            yield self._deactivate()  # the network took it away; only this frees it for anybody
        if not self.hold.check():
            yield from self.claim(0.0, take_over=False)

    def _check_usable(self) -> None:
        if self.closed:
            raise TcpipError(f"{self.name}: the driver was closed")

    def _hold_ended(self, cause: Exception) -> None:
        self.inbox.break_off(cause)
        self.inbox.listener = None
        self.hold.uart.stacks.discard(self)
        self._attach(False)

    def wind_up(self) -> Plan[None]:
        """Close the sessions and deactivate the context."""
        for session in self.inbox.standing():
            if session.close_here():
                with suppress(CommandError, TcpipError):
                    yield from self.end_session(session)
        if self.inbox.listener is not None:
            self.inbox.listener.close_here()
        if self.hold.active:
            yield self._deactivate()

    # -- the context -----------------------------------------------------------------------------------------------

    def state(self) -> Plan[str]:
        """Read the state of the context: AT+QISTAT."""
        yield from self.ready()
        word: str = yield self.hold.in_foreground(dialogues.state())
        self.hold.note(word)
        return word

    def activate(self) -> Plan[str]:
        """Activate the context step by step: AT+QIREGAPP, AT+QIACT, AT+QILOCIP."""
        yield from self.ready()
        address: str = yield from self.opening(dialogues.activate())
        self.hold.address = address
        self.hold.note("IP STATUS")
        return address

    def deactivate(self) -> Plan[None]:
        """Close all sessions and deactivate the context: AT+QIDEACT."""
        yield from self.ready()
        yield from self.data_mode.leave()
        yield self._deactivate()

    def local_address(self) -> Plan[str]:
        """Return the local address of the active context; AT+QILOCIP once."""
        yield from self.ready()
        if self.hold.address is None:
            if not self.hold.active:
                raise ContextInactive(
                    f"{self.name}: not active, so it has no address; listen(), connect() or activate() first"
                )
            yield self.hold.in_foreground(self.learn_address())
        address = self.hold.address
        if address is None:
            raise ContextInactive(f"{self.name}: the context was lost while its address was read")
        return address

    def learn_address(self) -> Dialogue[None]:
        """Read the local address of an active context unless it is known: AT+QILOCIP."""
        if self.hold.address is None and self.hold.active:
            self.hold.address = yield from dialogues.local_address()

    def _deactivate(self) -> Dialogue[None]:
        yield from self.hold.in_foreground(dialogues.deactivate())
        if self.hold.lease is not None:
            self.hold.lease.active = True  # so that IP INITIAL ends it
        self.hold.note(INITIAL)

    def opening(self, dialogue: Dialogue[T]) -> Plan[T]:
        """Run a dialogue that may activate the context; after a failure leave no context half active."""
        lease = self.hold.lease
        was_active = self.hold.active
        if lease is not None:
            lease.active = True  # from here on only AT+QIDEACT is sure to free it
        try:
            result: T = yield self.hold.in_foreground(dialogue)
        except (ConnectFailed, CommandError, AtTimeout) as error:
            with suppress(AtError):
                yield from self._clear_up(was_active)
            if isinstance(error, ConnectFailed):
                raise type(error)(f"{self.name}: {error}") from error
            raise
        return result

    def _clear_up(self, was_active: bool) -> Plan[None]:
        """After a failure: read the state, and deactivate a context that would be locked for everybody."""
        word: str = yield self.hold.in_foreground(dialogues.state())
        lease = self.hold.lease
        if lease is not None and word == INITIAL:
            lease.active = was_active
        self.hold.note(word)
        in_use = self.inbox.busy and word not in ("PDP DEACT", "IP IND")
        if word not in RESTING and not in_use and self.hold.valid:
            yield self._deactivate()

    @property
    def mixes(self) -> bool:
        """Whether data comes without a length, so that two sessions cannot be told apart."""
        return self.receive == "bare" and not self.options.muxip and self.hold.known("QIHEAD") != "1"

    # -- sessions --------------------------------------------------------------------------------------------------

    def number(self, session: Endpoint) -> int | None:
        """Return what a session is called in commands: its index with MUXIP, nothing without."""
        return session.index if self.options.muxip else None

    def end_session(self, session: Endpoint) -> Plan[None]:
        """AT+QICLOSE for a session, and for its server where that was closed before."""
        if not self.hold.valid or self.hold.state == "PDP DEACT":
            return
        yield from self.data_mode.leave()
        if session.remote_closed:
            return
        service = SERVICE[session.role]
        number = self.number(session)
        closing = dialogues.close(lambda: not session.remote_closed, service, number)
        closed: bool = yield self.hold.in_foreground(closing)
        self.hold.learn("QISRVC", str(service))
        if session.role == "client":
            self.hold.note("IP STATUS" if self.options.muxip else "IP CLOSE")
        listener = self.inbox.listener
        if session.role == "client" or listener is None:
            return
        if not listener.open:
            if not self.inbox.standing("server"):
                yield self.hold.in_foreground(dialogues.close_only())
                self.inbox.listener = None
        elif closed and _gone_meanwhile(session) and not self.options.muxip:
            # The client went while AT+QICLOSE was on its way: it has ended the server instead.
            yield self.hold.in_foreground(dialogues.listen(listener.protocol, None))

    def end_listening(self) -> Plan[None]:
        """AT+QICLOSE for the server, unless a client is still there: that one's close does it."""
        if not self.hold.valid or self.inbox.standing("server"):
            return
        yield self.hold.in_foreground(dialogues.close(lambda: True, SERVICE["server"]))
        self.hold.learn("QISRVC", str(SERVICE["server"]))
        self.inbox.listener = None

    def show(self, names: frozenset[str]) -> Plan[None]:
        """Set what stands before received data: QISHOWRA, QISHOWLA, QIHEAD, QISHOWPT; possible at any time."""
        strange = sorted(names - set(SHOWN))
        if strange:
            raise ValueError(f"show knows {', '.join(SHOWN)}, not {', '.join(strange)}")
        yield from self.ready()
        for name in SHOWN:
            if name == "QIHEAD" and self.receive == "header" and not self.options.muxip:
                continue  # its count is what tells data from lines
            yield self.hold.in_foreground(self.hold.setting(name, str(int(name in names))))

    def foreground(self) -> Plan[tuple[int, int | None]]:
        """Return the UART's foreground context and the virtual UART that controls it: AT+QIFGCNT?."""
        yield from self.ready()
        context, channel = yield self.hold.in_foreground(dialogues.read_foreground())
        return context, None if channel is None else channel + 1

    def server_status(self) -> Plan[tuple[bool, int]]:
        """Return whether the server listens, and how many clients are connected: AT+QISERVER?."""
        yield from self.ready()
        status: tuple[bool, int] = yield self.hold.in_foreground(dialogues.read_server())
        return status

    # -- names -----------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> Plan[list[str]]:
        """Return the addresses of a name: AT+QIDNSGIP, which activates the context where it is not active."""
        check_text("name", name, empty=False)
        yield from self.ready()
        was_active = self.hold.active
        addresses: list[str] = yield from self.opening(names.resolve(name))
        if not was_active:
            self.hold.note("IP GPRSACT")
            yield self.hold.in_foreground(self.learn_address())  # a server needs AT+QILOCIP before it
        return addresses

    def set_name_servers(self, primary: str, secondary: str | None) -> Plan[None]:
        """Set the servers that names are asked of: AT+QIDNSCFG, in an active context."""
        for address in (primary, *(() if secondary is None else (secondary,))):
            if not is_dotted(address):
                raise ValueError(f"a name server is given by its dotted address, not {address!r}")
        yield from self.ready()
        if not self.hold.active:
            yield from self.activate()
        yield self.hold.in_foreground(names.set_servers(primary, secondary))

    def name_servers(self) -> Plan[tuple[str, ...]]:
        """Return the servers that names are asked of: AT+QIDNSCFG?."""
        yield from self.ready()
        servers: tuple[str, ...] = yield self.hold.in_foreground(names.read_servers())
        return servers

    # -- what happens by itself: the reader tells, `work` does ------------------------------------------------------

    def remote_closed(self, session: Endpoint) -> None:
        """Learn that the other side has closed a session."""
        if self.receive == "buffered" and self.inbox.online is None:
            session.closing = session.unread = True  # what the module keeps is fetched first
            self.wake()
        else:
            self.ended_by_remote(session)

    def ended_by_remote(self, session: Endpoint) -> None:
        """Learn that a session has ended, and that all it had received has been fetched."""
        session.end_by_remote()
        if session.role == "client" and not self.options.muxip:
            self.hold.note("IP CLOSE")

    def lost_context(self, why: str) -> None:
        """Learn that the network has taken the context away."""
        self.hold.address = None
        self.hold.note("PDP DEACT")
        self.inbox.break_off(SessionReset(f"{self.name}: {why}"))

    def module_reset(self, text: str) -> None:
        """Learn that the module has started again: nothing of what was set or open exists any more."""
        cause = SessionReset(f"{self.name}: the module was reset ({text})")
        self.inbox.break_off(cause)
        self.hold.uart.foreground = None
        self.hold.note(INITIAL)
        self.hold.release(f"the module was reset ({text})")

    def doubt_all(self) -> None:
        """Have all contexts of this UART ask the module what still stands."""
        for stack in (self, *self.others()):
            stack.doubt = True
            stack.wake()

    def room_made(self) -> None:
        """Learn that a reader has made room."""
        if any(session.unread for session in self.inbox.standing()):
            self.wake()

    def work(self) -> Dialogue[Any] | None:
        """Return what is to be done next without being asked, None when there is nothing."""
        if not self.hold.valid:
            self.doubt = False
            return None
        if self.inbox.online is not None:
            return self.data_mode.verify_end() if self.inbox.suspect else None
        if self.doubt:
            self.doubt = False
            return self.hold.in_foreground(upkeep.reconcile(self))
        for key, session in list(self.inbox.sessions.items()):
            if session.open and session.unread and not session.congested:
                self.inbox.sessions[key] = self.inbox.sessions.pop(key)  # the others come first next time
                return upkeep.fetch(self, session)
        return None


def _gone_meanwhile(session: Endpoint) -> bool:
    """Tell whether the other side has closed while this side was closing."""
    return session.remote_closed
