"""The stack of EC2x, EG9x and BG9x as a `TcpipStack`: passes each operation to the part of the family that does it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from ...at.core import Dialogue
from ...errors import CommandError
from ..core.events import Closed, Event
from ..core.extras import Identified, PingReply
from ..core.leftovers import Leftover
from ..core.listener_state import ListenerState
from ..core.options import Transparent
from ..core.procedure import Procedure, on_channel
from ..core.scope import IdScope
from ..core.socket_state import CONGESTED, Acknowledged, Address, Ending, SocketId, SocketState
from ..core.stack import Wiring
from ..quectel_stack import QuectelStack
from . import activation, dialogues, identification, names, setup, tools, transfer
from .classifier import Classifier
from .codes import stack_command
from .data_mode import DataMode
from .dialogues import CONNECTED, LISTENING, Listed
from .opening import Opening
from .settings import MODES, check_index
from .state import StackState
from .timeouts import deadline

KEEP_ALIVE_INTERVAL, KEEP_ALIVE_PROBES = 25, 3
"""Seconds between two probes of the module, and how many of them: the least that it has (AT+QICFG=? of an EG25-G)."""
KEEP_ALIVE_MINUTES = 120


class QuectelLteStack(QuectelStack):
    """One context of Quectel's LTE stack; see `TcpipStack` for what each of its methods does.

    Args:
        wiring: what the driver provides.
    """

    OPTIONS: ClassVar[frozenset[str]] = frozenset({"transparent", "receive", "share", "index", "step_by_step"})
    DEFAULT_CONTEXT: ClassVar[int] = 1
    ID_SCOPE: ClassVar[IdScope] = IdScope.MODULE
    CLOSE_AFTER_PEER: ClassVar[bool] = True
    ACTIVATES_FIRST: ClassVar[bool] = True
    RECEIVE: ClassVar[tuple[str, ...]] = tuple(MODES)
    FETCH_AHEAD: ClassVar[int] = 0
    ID_TAKEN: ClassVar[int | None] = 563
    WORDS: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"acknowledged": "AT+QISEND=<id>,0", "incoming": "incoming", "deactivate": "AT+QIDEACT"}
    )
    answer_time: float = deadline("QISEND")
    send_size: int = transfer.SEND_SIZE
    retry_after: float | None = transfer.RETRY

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._state = StackState(wiring)
        self._classifier = Classifier(self._state)
        self._data_mode: DataMode = DataMode(self._state, wiring.set_dtr)
        self._opening = Opening(self._state, self._data_mode)

    # -- properties ------------------------------------------------------------------------------------------------

    @property
    def receive(self) -> str:
        """See `TcpipStack.receive`."""
        return self._state.settings.receive

    @property
    def _asked_transparent(self) -> Transparent | None:
        return self._state.settings.asked

    def check_sending(self, data: bytes, ending: Ending, period: int) -> None:
        """See `TcpipStack.check_sending`."""
        transfer.check_sending(data, ending, self._state.settings.dialect.title)

    def piece_size(self, ending: Ending) -> int:
        """See `TcpipStack.piece_size`."""
        return transfer.piece_size(ending)

    # -- claiming --------------------------------------------------------------------------------------------------

    def identify(self, refusal: CommandError) -> Procedure[Identified]:
        """See `TcpipStack.identify`: AT+CGMM."""
        return on_channel(identification.identify(refusal))

    def survey(self) -> Procedure[list[Leftover]]:
        """See `TcpipStack.survey`: AT+QISTATE?, AT+QIACT?."""
        return on_channel(self._survey())

    def _survey(self) -> Dialogue[list[Leftover]]:
        listed = yield from dialogues.read_sockets()
        active = yield from dialogues.read_active()
        self._state.module.note_pushed({one.id for one in listed.values() if one.mode == MODES["pushed"]})
        contexts = [Leftover("context", context, address=(address, 0)) for context, address in active.items()]
        return [*contexts, *map(_leftover, listed.values())]

    def clear(self, leftovers: tuple[Leftover, ...]) -> Procedure[None]:
        """See `TcpipStack.clear`: AT+QIDEACT, or AT+QICLOSE."""
        for one in leftovers:
            if one.id is None:
                yield from on_channel(dialogues.deactivate(one.context))
            else:
                yield from on_channel(dialogues.close(one.id.number, 0))

    def set_up(self) -> Procedure[None]:
        """See `TcpipStack.set_up`: AT+QICSGP and settings of the module."""
        self._state.hold()
        yield from on_channel(setup.make_settings(self._state))

    def let_go(self) -> None:
        """See `TcpipStack.let_go`."""
        self._state.let_go()

    # -- the context -----------------------------------------------------------------------------------------------

    def activate(self) -> Procedure[str]:
        """See `TcpipStack.activate`: AT+QIACT?, AT+QIACT, AT+QIACT?."""
        return activation.activate(self._state)

    def deactivate(self) -> Procedure[None]:
        """See `TcpipStack.deactivate`: AT+QIDEACT."""
        return activation.deactivate(self._state)

    def state(self) -> Procedure[str]:
        """See `TcpipStack.state`: AT+QIACT?."""
        return activation.read_state(self._state)

    def learn_address(self) -> Procedure[None]:
        """See `TcpipStack.learn_address`: AT+QIACT?."""
        return activation.learn_address(self._state)

    # -- sockets ---------------------------------------------------------------------------------------------------

    def check_opening(self, *, index: int | None, step_by_step: bool) -> None:
        """See `TcpipStack.check_opening`; the context is always activated by a command of its own."""
        if index is not None:
            check_index(index)

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
        mode = receive or self.receive
        return self._opening.connect(protocol, host, port, index=index, timeout=timeout, receive=mode)

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool, receive: str | None
    ) -> Procedure[ListenerState]:
        """See `TcpipStack.listen`: AT+QIOPEN with TCP LISTENER."""
        return self._opening.listen(protocol, port or 0, receive or self.receive)

    def udp_service(self, port: int, *, receive: str | None) -> Procedure[SocketState]:
        """See `TcpipStack.udp_service`: AT+QIOPEN with UDP SERVICE."""
        return self._opening.serve(port, receive or self.receive)

    def set_receive(self, session: SocketState, mode: str) -> Procedure[None]:
        """See `TcpipStack.set_receive`: AT+QISWTMD."""
        if mode == "transparent":
            return on_channel(self._data_mode.switch(session))
        return on_channel(self._switch(session, mode))

    def _switch(self, session: SocketState, mode: str) -> Dialogue[None]:
        before, session.receive = session.receive, mode if mode == "pushed" else session.receive
        try:  # data in the new form may come before OK
            yield from stack_command(f"AT+QISWTMD={session.index},{MODES[mode]}", timeout=deadline("QISWTMD"))
        except CommandError:
            session.receive = before
            raise
        session.receive = mode  # or follow at once

    def close(self, session: SocketState) -> Procedure[None]:
        """See `TcpipStack.close`: AT+QICLOSE, also after the other side has closed."""
        return on_channel(dialogues.close(session.index))

    def turn_away(self, session: SocketState) -> Dialogue[None]:
        """See `TcpipStack.turn_away`: AT+QICLOSE."""
        return dialogues.close(session.index, 0)

    def close_listener(self, listener: ListenerState) -> Procedure[None]:
        """See `TcpipStack.close_listener`: AT+QICLOSE; accepted sessions stay."""
        yield from on_channel(dialogues.close(listener.id.number, 0))
        self.wiring.table.drop(listener)

    def listener_status(self, listener: ListenerState) -> Procedure[tuple[bool, int]]:
        """See `TcpipStack.listener_status`: AT+QISTATE?."""
        listed = yield from on_channel(dialogues.read_sockets())
        own = listed.get(listener.id.number)
        clients = [one for one in listed.values() if one.kind == "TCP INCOMING" and one.server == listener.id.number]
        return own is not None and own.state == LISTENING, len(clients)

    # -- data --------------------------------------------------------------------------------------------------------

    def send(self, session: SocketState, piece: bytes, ending: Ending, period: int) -> Dialogue[str | None]:
        """See `TcpipStack.send`: AT+QISEND, AT+QISENDEX, or the octets themselves in data mode."""
        if self.transparent(session):
            yield from self._data_mode.send(session, piece)
            return None
        return (yield from transfer.send(self._state, session, piece, ending))

    def send_to(self, session: SocketState, piece: bytes, to: Address) -> Dialogue[str | None]:
        """See `TcpipStack.send_to`: AT+QISEND with an address."""
        return transfer.send(self._state, session, piece, to=to)

    def read(self, session: SocketState) -> Dialogue[int | None]:
        """See `TcpipStack.read`: AT+QIRD."""
        return transfer.read(self._state, session)

    def acknowledged(self, session: SocketState) -> Dialogue[Acknowledged]:
        """See `TcpipStack.acknowledged`: AT+QISEND=<id>,0."""
        return transfer.acknowledged(session)

    def reconcile(self) -> Dialogue[list[Event]]:
        """See `TcpipStack.reconcile`: AT+QISTATE?; only a socket that is not there at all has ended."""
        listed = yield from dialogues.read_sockets()
        sessions = self.wiring.table.standing()
        return [Closed(session.id) for session in sessions if session.index not in listed]

    def examine(self, session: SocketState) -> Procedure[str | None]:
        """See `TcpipStack.examine`: AT+QISTATE, and the acknowledgements where that says nothing good."""
        return on_channel(self._examine(session))

    def _examine(self, session: SocketState) -> Dialogue[str | None]:
        listed = yield from dialogues.read_socket(session.index)
        if listed is not None and listed.state in CONNECTED:
            return None
        try:
            yield from transfer.acknowledged(session)
        except CommandError as refusal:
            shown = "no such socket" if listed is None else f"state {listed.state}"
            return f"{shown} (AT+QISTATE), and {refusal.answer} to {refusal.command}"
        return None

    def keep_alive(self, session: SocketState, period: float) -> Procedure[bool]:
        """See `TcpipStack.keep_alive`: AT+QICFG="tcp/keepalive", where the module has it."""
        if not self._state.settings.dialect.keeps_alive or session.protocol != "TCP":
            return False
        minutes = min(KEEP_ALIVE_MINUTES, max(1, math.ceil(period / 60)))
        value = f'"tcp/keepalive",1,{minutes},{KEEP_ALIVE_INTERVAL},{KEEP_ALIVE_PROBES}'
        return (yield from on_channel(dialogues.try_to_put("QICFG", value)))

    # -- names -----------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> Procedure[list[str]]:
        """See `TcpipStack.resolve`: AT+QIDNSGIP."""
        return names.resolve(self._state, name)

    def set_name_servers(self, primary: str, secondary: str | None) -> Procedure[None]:
        """See `TcpipStack.set_name_servers`: AT+QIDNSCFG."""
        return on_channel(names.set_servers(self._state.settings.context, primary, secondary))

    def name_servers(self) -> Procedure[tuple[str, ...]]:
        """See `TcpipStack.name_servers`: AT+QIDNSCFG."""
        return on_channel(names.read_servers(self._state.settings.context))

    # -- tools -----------------------------------------------------------------------------------------------------

    def ping(self, host: str, *, count: int, timeout: int) -> Procedure[list[PingReply]]:
        """See `TcpipStack.ping`: AT+QPING."""
        return on_channel(tools.ping(self._state.settings.context, host, count, timeout))

    def network_time(self, server: str, port: int) -> Procedure[datetime]:
        """See `TcpipStack.network_time`: AT+QNTP."""
        return on_channel(tools.network_time(self._state, server, port))

    # -- data mode -------------------------------------------------------------------------------------------------

    @property
    def congested(self) -> bool:
        """See `TcpipStack.congested`: what has come behind NO CARRIER."""
        return len(self._state.suspect) > CONGESTED

    def work(self) -> Dialogue[None] | None:
        """See `TcpipStack.work`: NO CARRIER in data mode may be its end, or data."""
        return self._data_mode.verify_end() if self._state.suspected else None


def _leftover(one: Listed) -> Leftover:
    remote = None if one.kind == "TCP LISTENER" else (one.address, one.port)
    return Leftover(one.kind, one.context, SocketId(one.id), remote, one.local, one.uart)
