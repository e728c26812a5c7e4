"""Classifies what the stack sends unasked: the meaning of each line, and the session that data belongs to."""

from __future__ import annotations

from ...at.core import Framing, LinePattern
from ...at.core.patterns import any_match
from ...at.core.results import CALL_RESULTS, CONNECTED
from ...at.core.values import leading_index
from ..core import events
from ..core.socket_state import Role, SocketId, SocketState
from ..data_mode import suspicious
from .dialogues import BROKEN, INITIAL
from .state import SERVER, StackState
from .unsolicited import (
    CLOSED,
    FROM_LINES,
    IPD,
    LINES,
    ONLINE_LINES,
    OPENING_ENDS,
    QIRD,
    TO_LINES,
    ClientCame,
    ContextDeactivated,
    DataFrom,
    DataTo,
    DataWaits,
    Heading,
    ModuleReset,
    RemoteClosed,
    ServerEnded,
    VoltageWarning,
    parse,
    read_header,
    receive_header,
)

ROLES: dict[int, Role] = {1: "client", 2: "server"}

# Asked for with each token and each line that comes, so they are ready.
_WITHOUT_TO, _WITHOUT_FROM = (tuple(one for one in LINES if one not in absent) for absent in (TO_LINES, FROM_LINES))
_ONLINE, _BARE, _LINES = Framing(bare=True, online=True), Framing(bare=True), Framing()
_BUFFERED, _COUNTED = Framing(headers=(QIRD,)), Framing(headers=(IPD,))


class Classifier:
    """Turns the lines and the data of one context into events; runs on the reader of the channel, without waiting.

    Args:
        state: the state that the parts of the stack share.
    """

    def __init__(self, state: StackState) -> None:
        self._state = state
        self._table = state.table

    # -- calls of the engine ---------------------------------------------------------------------------------------

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """The unsolicited results that may come at present."""
        if self._table.online is not None:
            return ONLINE_LINES
        known = self._state.foreground.known
        lines = LINES
        if known("QISHOWLA") != "1":
            lines = _WITHOUT_TO
        elif known("QISHOWRA") == "0":
            lines = _WITHOUT_FROM
        if self._state.take_connect_result is not None:
            lines += OPENING_ENDS
        return (*lines, *CONNECTED) if self._state.settings.transparent and self._state.listener is not None else lines

    @property
    def framing(self) -> Framing:
        """How data is distinguished from lines; bare data is possible only while there is a session."""
        state = self._state
        if self._table.online is not None:
            return _ONLINE
        if state.receive == "buffered":
            return _BUFFERED
        if state.settings.muxip:
            remote, local, head = (state.foreground.known(name) == "1" for name in ("QISHOWRA", "QISHOWLA", "QIHEAD"))
            return Framing(headers=(receive_header(remote=remote, local=local, head=head),))
        if state.receive == "header" or state.foreground.known("QIHEAD") == "1":
            return _COUNTED
        bare = bool(self._table.standing()) and state.settings.transparent is None
        return _BARE if bare else _LINES

    # -- lines -----------------------------------------------------------------------------------------------------

    def classify(self, text: str) -> events.Event | None:
        """Return the event for a line, or None if the line does not concern this context."""
        if self._table.online is not None:
            return suspicious(self._state, text)
        take_result = self._state.take_connect_result
        if take_result is not None and any_match(OPENING_ENDS, text):
            if any_match(CALL_RESULTS, text) and self._state.port._call_ended:
                return None  # a call of this channel had nothing to do with it
            closed = any_match(CLOSED, text)
            taken = take_result(text) if not (closed and self._others_end(text)) else None
            if taken is not None or not closed:
                return taken
        if any_match(CONNECTED, text):
            return self._went_online()
        match parse(text):
            case ClientCame(address, index):
                return self._client_came(address, index)
            case RemoteClosed(index):
                return self._remote_closed(index)
            case ContextDeactivated():
                return self._deactivated(text)
            case ModuleReset():
                return self._module_reset(text)
            case VoltageWarning():
                return events.Nothing() if self._state.claim.valid else None
            case DataWaits(context, service, index):
                mine = context == self._state.claim.context
                return events.Readable(SocketId(index, ROLES[service])) if mine else None
            case ServerEnded():
                ended = events.ListenerEnded(SERVER, f"the network ended the server ({text})")
                return ended if self._table.listening else None
            case DataFrom(address, port):
                return self._heading(Heading(sender=(address, port), local=self._state.uart.heading.local))
            case DataTo(address):
                return self._heading(Heading(sender=self._state.uart.heading.sender, local=address))
        return None

    def _heading(self, heading: Heading) -> events.Event | None:
        if not self._table.standing():
            return None
        self._state.uart.heading = heading
        return events.Nothing()

    def _client_came(self, address: str, index: int | None) -> events.Event | None:
        if not self._state.serves:
            return None
        came = events.Incoming(SERVER, SocketId(index or 0, "server"), (address, 0))
        if any(other.serves for other in self._state.others()):
            self._state.uart.unplaced.append(came)
            return self._state.doubt_others()
        return came

    def _others_end(self, text: str) -> bool:
        """Tell whether CLOSED may be about an open session, not only about the one that is being opened."""
        named = leading_index(text)
        return any(one.candidates(named) for one in (self._state, *self._state.others()))

    def _remote_closed(self, index: int | None) -> events.Event | None:
        mine = self._state.candidates(index)
        rivals = sum(len(other.candidates(index)) for other in self._state.others())
        if len(mine) == 1 and not rivals:
            return events.Closed(mine[0].id)
        if mine:
            return self._state.doubt_others()
        if not rivals:
            self._table.counters["repeated_closed"] += 1
            return events.Nothing() if self._table.sessions else None
        return None

    def _deactivated(self, text: str) -> events.Event | None:
        if not self._state.claim.active:
            return None
        if any(other.claim.active for other in self._state.others()):
            return self._state.doubt_others()
        return events.ContextDropped(f"the network deactivated the context ({text})", BROKEN)

    def _module_reset(self, text: str) -> events.Event | None:
        if not self._state.claim.valid:
            return None
        self._state.uart.foreground.context = None
        self._state.module.forget()
        return events.ModuleReset(f"the module was reset ({text})", INITIAL)

    # -- data ------------------------------------------------------------------------------------------------------

    def classify_data(self, header: str, data: bytes) -> events.Event | None:
        """Return the event for received data, or None if the data does not belong to this context."""
        state, online = self._state, self._table.online
        if online is not None:
            before, state.suspect = state.suspect, b""  # data comes, so the session had not ended
            return events.Pushed(online.id, before + data)
        found = read_header(header)
        if header.startswith("+QIRD"):
            if state.reading is None:
                return None
            state.fetched += len(data)
            return events.Pushed(state.reading.id, data, found.sender)
        if state.receive == "buffered":
            return None  # it belongs to the other context of this UART
        before_it = state.uart.heading
        heading = Heading(found.index, found.sender or before_it.sender, found.local or before_it.local)
        if heading.local is not None and state.claim.address not in (None, heading.local):
            return None
        session = self._addressee(heading)
        if session is None:
            return None
        state.uart.heading = Heading()
        return events.Pushed(session.id, data, heading.sender)

    def _addressee(self, heading: Heading) -> SocketState | None:
        """Return the session of received data: the only one, or the one of the index or address in the header."""
        standing = self._table.standing()
        if heading.index is not None:
            standing = [session for session in standing if session.index == heading.index]
        sender = heading.sender
        if len(standing) == 1:
            return standing[0]
        if not standing or sender is None:
            return None
        exact = [session for session in standing if session.remote_address == sender]
        if exact:
            return exact[0]
        servers = [s for s in standing if s.role == "server" and s.remote_address == (sender[0], 0)]
        clients = [s for s in standing if s.role == "client"]
        return next(iter((*servers, *clients)), None)

    # -- data mode -------------------------------------------------------------------------------------------------

    def _went_online(self) -> events.Event | None:
        client = self._table.sessions.get(SocketId(0, "server"))
        if client is None or not (client.open or client.ending) or self._state.settings.transparent is None:
            return None
        self._state.suspect = b""
        return events.Online(client.id)  # also one that nobody takes: its data mode has to be left
