"""The rules of one context of the stack: what is done in which order, and what follows from it. No I/O, no waiting.

Every operation is a dialogue or a plan; `driver` runs them on threads, `aio` in asyncio.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from ...at.core import Dialogue, Sink
from ...errors import (
    AtError,
    AtTimeout,
    ChannelClosed,
    CommandError,
    ConnectFailed,
    ContextInactive,
    ContextLost,
    NameNotFound,
    TcpipError,
)
from ..core.ownership import INITIAL, ContextTable, Lease
from ..core.procedure import Procedure, on_channel
from ..core.socket_state import SERVICE, SocketState
from . import dialogues, dns, reconcile, setup
from .context_claim import ContextClaim
from .data_mode import DataMode
from .demultiplexer import Demultiplexer
from .session_table import SessionTable, uart_of
from .settings import SHOWN, Options, check_address, check_text

T = TypeVar("T")
RESTING = frozenset({INITIAL, "IP STATUS", "IP CLOSE"})  # a context may be left in these after a failure


class Channel(Protocol):
    """What the rules need of an AT channel, on threads or in asyncio."""

    name: str

    def add_sink(self, sink: Sink) -> None:
        """Let a sink take unsolicited results and data."""

    def remove_sink(self, sink: Sink) -> None:
        """Let a sink go."""

    def room_made(self) -> None:
        """Learn that a sink is no longer congested."""


class QuectelGsmStack:
    """One context of the module's stack, driven over one channel.

    Args:
        options: how the context is to be used.
        channel: the channel.
        dlci: its DLCI, None where the port does not tell it.
        table: who owns which context.
        now: tells the time.
        wake: has `work` done soon.
        set_dtr: sets DTR of the UART, where it has one.
    """

    def __init__(
        self,
        options: Options,
        channel: Channel,
        *,
        dlci: int | None,
        table: ContextTable,
        now: Callable[[], float],
        wake: Callable[[], None],
        set_dtr: Callable[[bool], None],
    ) -> None:
        uart = uart_of(channel)
        self.options = options
        self.closed = False
        self.hold = ContextClaim(
            uart.foreground, channel.name, options.context, dlci=dlci, table=table, now=now, ended=self._hold_ended
        )
        self.name = self.hold.name
        self.table = SessionTable(options, self.hold, uart, wake)
        self.data_mode = DataMode(self.table, set_dtr)
        self.ports: dict[str, int] = {}
        """The listening ports that were set, by protocol."""
        self._demultiplexer = Demultiplexer(self.table)
        self._channel = channel
        self._now = now

    # -- taking and leaving ----------------------------------------------------------------------------------------

    def claim(self, timeout: float, *, take_over: bool = False, reclaim: bool = False) -> Procedure[Lease]:
        """Take the context: AT+QIFGCNT, then the settings; where it is held, make sure that nobody took it unheard."""
        self._check_usable()
        if self.hold.check():
            if not self.hold.active:
                yield from self.hold.on_channel(self.hold.verify())
            return self.hold.held
        yield from self._claim(timeout, take_over=take_over, reclaim=reclaim)
        return self.hold.held

    def ready(self) -> Procedure[None]:
        """Make sure that the context is held and not dead, claiming it where it is not held."""
        self._check_usable()
        if self.hold.check() and self.hold.state == "PDP DEACT":
            yield from on_channel(self._deactivate())  # the network took it away; only this frees it for anybody
        if not self.hold.check():
            yield from self._claim(0.0)

    def _claim(self, timeout: float, *, take_over: bool = False, reclaim: bool = False) -> Procedure[None]:
        self.table.receive = self.options.receive or "buffered"
        preset = setup.preset(self.table)
        deadline = self._now() + timeout
        yield from self.hold.claim(deadline, take_over=take_over, reclaim=reclaim, preset=preset)
        try:
            self._channel.add_sink(self._demultiplexer)
            self.table.uart.tables.add(self.table)
            for name in preset:
                yield from self.hold.on_channel(setup.initialise(self.table, name))
            if self.options.transparent is not None:
                yield from self.hold.on_channel(setup.prepare_data_mode(self.table))
        except BaseException:
            self.hold.release("its settings could not be made")
            raise

    def _check_usable(self) -> None:
        if self.closed:
            raise TcpipError(f"{self.name}: the driver was closed")

    def _hold_ended(self, cause: Exception) -> None:
        self.table.break_off(cause)
        self.table.listener = None
        self.table.uart.tables.discard(self.table)
        self._channel.remove_sink(self._demultiplexer)

    def release(self) -> Procedure[None]:
        """Give the context up without deactivating it."""
        with suppress(AtError, TcpipError):
            yield from self.data_mode.leave()
        self.hold.release("the driver gave the context up")

    def close(self) -> Procedure[None]:
        """Close the sessions, deactivate the context, and give it up; nothing the second time, unless interrupted."""
        if self.closed:
            return
        self.closed = True
        try:
            if self.hold.valid:
                yield from self._wind_up()
        except (ChannelClosed, ContextLost):
            pass  # there is nobody to tell, or nothing of ours left
        except Exception:
            self.hold.release("the driver was closed")
            raise
        except BaseException:  # an interruption
            self.closed = False  # the context may still be active: another call goes on
            raise
        self.hold.release("the driver was closed")

    def _wind_up(self) -> Procedure[None]:
        for session in self.table.standing():
            if session.close_here():
                with suppress(AtError, TcpipError):  # deactivating ends it, too
                    yield from self.end_session(session)
        if self.table.listener is not None:
            self.table.listener.close_here()
        if self.hold.active:
            yield from self.data_mode.leave()
            yield from on_channel(self._deactivate())

    # -- the context -----------------------------------------------------------------------------------------------

    def state(self) -> Procedure[str]:
        """Read the state of the context: AT+QISTAT."""
        yield from self.ready()
        word = yield from self.hold.on_channel(self.hold.read_state())
        return word

    def activate(self) -> Procedure[str]:
        """Activate the context step by step: AT+QIREGAPP, AT+QIACT, AT+QILOCIP."""
        yield from self.ready()
        address = yield from self.opening(dialogues.activate())
        self.hold.address = address
        self.hold.note("IP STATUS")
        return address

    def deactivate(self) -> Procedure[None]:
        """Close all sessions and deactivate the context: AT+QIDEACT."""
        yield from self.ready()
        yield from self.data_mode.leave()
        yield from on_channel(self._deactivate())

    def local_address(self) -> Procedure[str]:
        """Return the local address of the active context; AT+QILOCIP once."""
        yield from self.ready()
        if self.hold.address is None:
            if not self.hold.active:
                raise ContextInactive(
                    f"{self.name}: not active, so it has no address; listen(), connect() or activate() first"
                )
            yield from self.hold.on_channel(self.hold.learn_address())
        address = self.hold.address
        if address is None:
            raise ContextInactive(f"{self.name}: the context was lost while its address was read")
        return address

    def _deactivate(self) -> Dialogue[None]:
        yield from self.hold.in_foreground(self._deactivate_unless_so())
        if self.hold.lease is not None:
            self.hold.lease.active = True  # so that IP INITIAL ends it
        self.hold.note(INITIAL)

    def _deactivate_unless_so(self) -> Dialogue[None]:
        try:
            yield from dialogues.deactivate()
        except CommandError:  # some firmware says so in IP INITIAL
            if not self.hold.active:
                yield from self.hold.verify()
            if (yield from dialogues.state()) != INITIAL:
                raise

    def opening(self, dialogue: Dialogue[T]) -> Procedure[T]:
        """Run a dialogue that may activate the context; after a failure leave no context half active."""
        lease = self.hold.lease
        was_active = self.hold.active
        if lease is not None:
            lease.active = True  # from here on only AT+QIDEACT is sure to free it
        try:
            result = yield from self.hold.on_channel(dialogue)
        except (ConnectFailed, CommandError, AtTimeout) as error:
            with suppress(AtError):
                yield from self._clear_up(was_active, doubt=isinstance(error, AtTimeout))
            if isinstance(error, ConnectFailed):
                raise type(error)(f"{self.name}: {error}") from error
            raise
        except NameNotFound:
            with suppress(AtError):
                yield from self._clear_up(was_active, resting=RESTING | {"IP GPRSACT"})
                yield from self.hold.on_channel(self.hold.learn_address())  # a server needs AT+QILOCIP before it
            raise
        return result

    def _clear_up(self, was_active: bool, *, doubt: bool = False, resting: frozenset[str] = RESTING) -> Procedure[None]:
        """After a failure: read the state, and deactivate a context that would be locked for everybody."""
        word = yield from self.hold.on_channel(self.hold.read_state(used=was_active, doubt=doubt))
        in_use = self.table.busy and word not in ("PDP DEACT", "IP IND")
        if word not in resting and not in_use and self.hold.valid:
            yield from on_channel(self._deactivate())

    # -- sessions --------------------------------------------------------------------------------------------------

    def end_session(self, session: SocketState) -> Procedure[None]:
        """AT+QICLOSE for a session, and for its server where that was closed before."""
        try:
            yield from self._end_session(session)
        finally:
            session.ending = False

    def _end_session(self, session: SocketState) -> Procedure[None]:
        if not self.hold.valid or self.hold.state == "PDP DEACT":
            return
        yield from self.data_mode.leave()
        if session.remote_closed:
            return
        if session.half_closed and session.role == "server" and not self.options.muxip:
            _, clients = yield from self.hold.on_channel(dialogues.read_server())
            if not clients:  # it is closed; AT+QICLOSE would end the server now
                return
        service = SERVICE[session.role]
        number = self.table.number(session)
        closing = dialogues.close(lambda: not session.remote_closed, service, number)
        closed = yield from self.hold.on_channel(closing)
        self.hold.learn("QISRVC", str(service))
        if session.role == "client":
            self.hold.note("IP STATUS" if self.options.muxip else "IP CLOSE")
        listener = self.table.listener
        if session.role == "client" or listener is None:
            return
        if not listener.open:
            if not self.table.standing("server"):
                yield from self.hold.on_channel(dialogues.close_only())
                self.table.listener = None
        elif closed and _gone_meanwhile(session) and not self.options.muxip:
            # The client went while AT+QICLOSE was on its way: it has ended the server instead.
            yield from self.hold.on_channel(dialogues.listen(listener.protocol, None))

    def end_listening(self) -> Procedure[None]:
        """AT+QICLOSE for the server, unless a client is still there: that one's close does it."""
        if not self.hold.valid or self.table.standing("server"):
            return
        yield from self.hold.on_channel(dialogues.close(lambda: True, SERVICE["server"]))
        self.hold.learn("QISRVC", str(SERVICE["server"]))
        self.table.listener = None

    def show(self, shown: frozenset[str]) -> Procedure[None]:
        """Set what stands before received data: QISHOWRA, QISHOWLA, QIHEAD, QISHOWPT; possible at any time."""
        strange = sorted(shown - set(SHOWN))
        if strange:
            raise ValueError(f"show knows {', '.join(SHOWN)}, not {', '.join(strange)}")
        yield from self.ready()
        for name in SHOWN:
            if name == "QIHEAD" and self.table.receive == "header" and not self.options.muxip:
                continue  # its count is what tells data from lines
            yield from self.hold.on_channel(self.hold.setting(name, str(int(name in shown))))

    def foreground(self) -> Procedure[tuple[int, int | None]]:
        """Return the UART's foreground context and the virtual UART that controls it: AT+QIFGCNT?."""
        yield from self.ready()
        context, channel = yield from self.hold.on_channel(dialogues.read_foreground())
        return context, None if channel is None else channel + 1

    def server_status(self) -> Procedure[tuple[bool, int]]:
        """Return whether the server listens, and how many clients are connected: AT+QISERVER?."""
        yield from self.ready()
        status = yield from self.hold.on_channel(dialogues.read_server())
        return status

    # -- names -----------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> Procedure[list[str]]:
        """Return the addresses of a name: AT+QIDNSGIP, which activates the context where it is not active."""
        check_text("name", name, empty=False)
        yield from self.ready()
        was_active = self.hold.active
        addresses = yield from self.opening(dns.resolve(name))
        if not was_active:
            self.hold.note("IP GPRSACT")
            yield from self.hold.on_channel(self.hold.learn_address())  # a server needs AT+QILOCIP before it
        return addresses

    def set_name_servers(self, primary: str, secondary: str | None) -> Procedure[None]:
        """Set the servers that names are asked of: AT+QIDNSCFG, in an active context."""
        for address in (primary, *(() if secondary is None else (secondary,))):
            check_address(address)
        yield from self.ready()
        if not self.hold.active:
            yield from self.activate()
        yield from self.hold.on_channel(dns.set_servers(primary, secondary))

    def name_servers(self) -> Procedure[tuple[str, ...]]:
        """Return the servers that names are asked of: AT+QIDNSCFG?."""
        yield from self.ready()
        servers: tuple[str, ...] = yield from self.hold.on_channel(dns.read_servers())
        return servers

    def room_made(self) -> None:
        """Learn that a reader has made room."""
        self._channel.room_made()
        self.table.room_made()

    # -- what is done without being asked ----------------------------------------------------------------------------

    def work(self) -> Dialogue[None] | None:
        """Return what is to be done next without being asked, None when there is nothing."""
        table = self.table
        if not self.hold.valid:
            table.doubt = False
            return None
        if table.online is not None:
            return self.data_mode.verify_end() if table.suspect else None
        if table.doubt:
            table.doubt = False
            return self.hold.in_foreground(reconcile.reconcile(table))
        for key, session in list(table.sessions.items()):
            if session.open and session.unread and not session.congested:
                table.sessions[key] = table.sessions.pop(key)  # the others come first next time
                return reconcile.fetch(table, session)
        return None


def _gone_meanwhile(session: SocketState) -> bool:
    """Tell whether the other side has closed while this side was closing."""
    return session.remote_closed
