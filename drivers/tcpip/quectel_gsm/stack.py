"""The stack of M10 and kin as a `TcpipStack`: passes each operation to the part of the family that does it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from ...at.core import Dialogue
from ...errors import CommandError
from ..core.events import Event
from ..core.extras import Identified
from ..core.listener_state import ListenerState
from ..core.options import Transparent
from ..core.ownership import modem_of
from ..core.procedure import Procedure, on_channel
from ..core.socket_state import Acknowledged, Ending, SocketState
from ..core.stack import Wiring
from ..quectel_stack import QuectelStack
from . import closing, coexistence, dialogues, dns, exchange, identification, reconcile, setup
from .activation import Activation
from .classifier import Classifier
from .data_mode import DataMode
from .opening import Opening
from .settings import SHOWN, check_shown
from .state import StackState
from .timeouts import deadline
from .transfer import check_sending


class QuectelGsmStack(QuectelStack):
    """One context of Quectel's GSM stack; see `TcpipStack` for what each of its methods does.

    Args:
        wiring: what the driver provides.
    """

    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {"muxip", "transparent", "receive", "show", "initialise", "csd", "index", "clients", "step_by_step"}
    )

    WORDS: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "acknowledged": "AT+QISACK",
            "incoming": "REMOTE IP",
            "deactivate": "AT+QIDEACT",
        }
    )
    answer_time: float = deadline("QISACK")
    _members: ClassVar[weakref.WeakSet[object]] = weakref.WeakSet()  # modules that have let a context be claimed

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._state = StackState(wiring)
        self.send_size: int = self._state.settings.dialect.send_size
        self._foreground = self._state.foreground
        self._classifier = Classifier(self._state)
        self._data_mode: DataMode = DataMode(self._state, wiring.set_dtr)
        self._activation = Activation(self._state)
        self._opening = Opening(self._state, self._activation, self._data_mode)

    # -- properties ------------------------------------------------------------------------------------------------

    @property
    def receive(self) -> str:
        """See `TcpipStack.receive`."""
        return self._state.receive

    def pushes(self, session: SocketState) -> bool:
        """See `TcpipStack.pushes`."""
        return self._state.receive != "buffered"

    @property
    def _asked_transparent(self) -> Transparent | None:
        return self._state.settings.transparent

    @property
    def _transparent(self) -> bool:
        return self._state.settings.transparent is not None

    def transparent(self, session: SocketState) -> bool:
        """See `TcpipStack.transparent`: it is a mode of the context."""
        return self._transparent

    def check_sending(self, data: bytes, ending: Ending, period: int) -> None:
        """See `TcpipStack.check_sending`."""
        check_sending(data, ending, period)
        if not self._transparent:
            exchange.check_escape(self._state, data, ending)

    # -- ownership -------------------------------------------------------------------------------------------------

    def take(self, deadline: float, *, reclaim: bool) -> Procedure[None]:
        """See `TcpipStack.take`: AT+QIFGCNT."""
        return self._foreground.take(deadline, self.wiring.now, reclaim=reclaim)

    def identify(self, refusal: CommandError) -> Procedure[Identified]:
        """See `TcpipStack.identify`: AT+GMM, AT+QIFGCNT?, unless another UART of the module has claimed one before."""
        if modem_of(self.wiring.port._modem) in self._members:
            return Identified(speaks=True)
        return (yield from on_channel(identification.identify(refusal)))

    def set_up(self) -> Procedure[None]:
        """See `TcpipStack.set_up`."""
        state = self._state
        state.receive = state.settings.receive or "buffered"
        preset = setup.preset(state)
        self._foreground.begin(preset)
        state.hold()
        self._members.add(modem_of(self.wiring.port._modem))
        for name in preset:
            yield from self._foreground.on_channel(setup.initialise(state, name))
        transparent = state.settings.transparent
        if transparent is not None:
            yield from self._foreground.on_channel(setup.prepare_data_mode(state, transparent))

    def verify(self) -> Procedure[None]:
        """See `TcpipStack.verify`: AT+QIFGCNT?."""
        return self._foreground.on_channel(self._foreground.verify())

    def let_go(self) -> None:
        """See `TcpipStack.let_go`."""
        self._foreground.forget_settings()
        self._state.let_go()

    def check_claiming(self) -> None:
        """See `TcpipStack.check_claiming`."""
        coexistence.check_claiming(self._state)
        super().check_claiming()

    def check_activating(self) -> None:
        """See `TcpipStack.check_activating`."""
        coexistence.check_activating(self._state)

    # -- the context -----------------------------------------------------------------------------------------------

    def activate(self) -> Procedure[str]:
        """See `TcpipStack.activate`: AT+QIREGAPP, AT+QIACT, AT+QILOCIP."""
        return self._activation.activate()

    def deactivate(self) -> Procedure[None]:
        """See `TcpipStack.deactivate`: AT+QIDEACT."""
        return self._activation.deactivate()

    def state(self) -> Procedure[str]:
        """See `TcpipStack.state`: AT+QISTAT."""
        return self._foreground.on_channel(self._foreground.read_state())

    def learn_address(self) -> Procedure[None]:
        """See `TcpipStack.learn_address`: AT+QILOCIP."""
        return self._foreground.on_channel(self._foreground.learn_address())

    # -- sockets ---------------------------------------------------------------------------------------------------

    def check_opening(self, *, index: int | None, step_by_step: bool) -> None:
        """See `TcpipStack.check_opening`."""
        self._opening.check_index(index)

    def open(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        index: int | None,
        timeout: float | None,
        step_by_step: bool,
        receive: str | None,
    ) -> Procedure[SocketState]:
        """See `TcpipStack.open`: AT+QIOPEN."""
        return self._opening.connect(protocol, host, port, index=index, timeout=timeout, step_by_step=step_by_step)

    def check_listening(self, *, port: int | None, clients: int | None, step_by_step: bool) -> None:
        """See `TcpipStack.check_listening`."""
        self._opening.check_clients(clients)

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool, receive: str | None
    ) -> Procedure[ListenerState]:
        """See `TcpipStack.listen`: AT+QISERVER."""
        return self._opening.listen(protocol, port, clients, step_by_step=step_by_step)

    def datagrams(self, protocol: str) -> bool:
        """See `TcpipStack.datagrams`."""
        return self._state.datagrams(protocol)

    def close(self, session: SocketState) -> Procedure[None]:
        """See `TcpipStack.close`: AT+QICLOSE."""
        return closing.close(self._state, session)

    def turn_away(self, session: SocketState) -> Dialogue[None]:
        """See `TcpipStack.turn_away`: AT+QICLOSE, in transparent mode after data mode has been left."""
        if self._transparent:
            yield from self._data_mode.leave(session)
        yield from closing.turn_away(self._state, session)

    def close_listener(self, listener: ListenerState) -> Procedure[None]:
        """See `TcpipStack.close_listener`: AT+QICLOSE."""
        return closing.close_listener(self._state)

    def listener_status(self, listener: ListenerState) -> Procedure[tuple[bool, int]]:
        """See `TcpipStack.listener_status`: AT+QISERVER?."""
        return self._foreground.on_channel(dialogues.read_server())

    def ended_by_peer(self, session: SocketState) -> None:
        """See `TcpipStack.ended_by_peer`."""
        if session.role == "server":
            closing.left_by_client(self._state)
        elif not self._state.settings.muxip:
            self._foreground.note("IP CLOSE")

    # -- data ------------------------------------------------------------------------------------------------------

    def send(self, session: SocketState, piece: bytes, ending: Ending, period: int) -> Dialogue[str | None]:
        """See `TcpipStack.send`: AT+QISEND, or the octets themselves in data mode."""
        if self._transparent:
            return self._data_mode.send(session, piece)
        return exchange.send(self._state, session, piece, ending, period)

    def read(self, session: SocketState) -> Dialogue[int | None]:
        """See `TcpipStack.read`: AT+QIRD."""
        return exchange.read(self._state, session)

    def acknowledged(self, session: SocketState) -> Dialogue[Acknowledged]:
        """See `TcpipStack.acknowledged`: AT+QISACK."""
        return exchange.acknowledged(self._state, session)

    def reconcile(self) -> Dialogue[list[Event]]:
        """See `TcpipStack.reconcile`."""
        return self._foreground.in_foreground(reconcile.reconcile(self._state))

    def examine(self, session: SocketState) -> Procedure[str | None]:
        """See `TcpipStack.examine`: AT+QISTAT, for a session that this side has opened (app note 10.1)."""
        if session.role == "server":
            return None
        if self._state.settings.muxip:
            word, sockets = yield from self._foreground.on_channel(dialogues.read_sockets())
            alive = session.index in sockets
        else:
            word = yield from self._foreground.on_channel(dialogues.state())
            alive = word == "CONNECT OK"
        return None if alive else word

    # -- names -----------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> Procedure[list[str]]:
        """See `TcpipStack.resolve`: AT+QIDNSGIP, which activates the context if it is not active."""
        was_active = self.wiring.claim.active
        addresses = yield from self._activation.opening(self._foreground.on_channel(dns.resolve(name)))
        if not was_active:
            self._foreground.note("IP GPRSACT")
            yield from self.learn_address()  # a server needs AT+QILOCIP before it
        return addresses

    def set_name_servers(self, primary: str, secondary: str | None) -> Procedure[None]:
        """See `TcpipStack.set_name_servers`: AT+QIDNSCFG."""
        return self._foreground.on_channel(dns.set_servers(primary, secondary))

    def name_servers(self) -> Procedure[tuple[str, ...]]:
        """See `TcpipStack.name_servers`: AT+QIDNSCFG?."""
        return self._foreground.on_channel(dns.read_servers())

    # -- data mode -------------------------------------------------------------------------------------------------

    def work(self) -> Dialogue[None] | None:
        """See `TcpipStack.work`: the end of a session in data mode, or of a server whose last client has left."""
        if self._state.suspected:
            return self._data_mode.verify_end()
        due = self._state.server_due and self.wiring.table.online is None
        return closing.after_last_client(self._state) if due else None

    # -- only in this family ---------------------------------------------------------------------------------------

    def foreground(self) -> Procedure[tuple[int, int | None]]:
        """See `TcpipStack.foreground`: AT+QIFGCNT?."""
        context, channel = yield from self._foreground.on_channel(dialogues.read_foreground())
        return context, None if channel is None else channel + 1

    def show(self, shown: frozenset[str]) -> Procedure[None]:
        """See `TcpipStack.show`: QISHOWRA, QISHOWLA, QIHEAD, QISHOWPT; possible at any time."""
        check_shown(shown)
        return self._show(shown)

    def _show(self, shown: frozenset[str]) -> Procedure[None]:
        for name in SHOWN:
            if name == "QIHEAD" and self._state.receive == "header" and not self._state.settings.muxip:
                continue  # its count distinguishes data from lines
            yield from self._foreground.on_channel(self._foreground.setting(name, str(int(name in shown))))
