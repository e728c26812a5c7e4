"""Classifies what the stack sends unasked: the meaning of each line, and the session that data belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...at.core import VOLTAGE_WARNING, Framing, LinePattern
from ...at.core.patterns import any_match
from ...at.core.results import RESTARTED
from ..core import events
from ..core.socket_state import Address, SocketId
from ..data_mode import suspicious
from .codes import DEACTIVATED
from .state import Behind, NameAnswer, StackState
from .unsolicited import (
    ADDRESS,
    CLOSED,
    FULL,
    INCOMING,
    LINES,
    LOST,
    NAMES,
    NO_CARRIER,
    ONLINE_LINES,
    OPENED,
    READ,
    RECEIVED,
    lines_behind,
    pushed_header,
)

BROKEN, INACTIVE, ACTIVE = "pdpdeact", "inactive", "active"
"""The states of a context; the module has only the first word."""

_ONLINE, _FETCHED = Framing(bare=True, online=True), Framing(headers=(READ,))
_PUSHED = re.compile(r'\+QIURC: *"recv" *, *([0-9]+)')
_SOURCE = re.compile(r'"([0-9A-Fa-f.:]+)" *, *([0-9]+)')

Build = Callable[[re.Match[str]], events.Event]


class Classifier:
    """Turns the lines and the data of one channel into events; runs on its reader, without waiting.

    Args:
        state: the state that the parts of the stack share.
    """

    def __init__(self, state: StackState) -> None:
        self._state = state
        self._table: tuple[tuple[LinePattern, Build], ...] = (
            (RECEIVED, self._data_waits),
            (OPENED, lambda found: events.Opened(_id(found), int(found["code"]))),
            (CLOSED, lambda found: events.Closed(_id(found))),
            (INCOMING, self._client_came),
            (FULL, lambda _found: events.IncomingFull()),
            (LOST, _context_dropped),
            (NAMES, self._names),
            (ADDRESS, self._address),
        )

    # -- calls of the engine ---------------------------------------------------------------------------------------

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """The unsolicited results that may come at present."""
        if self._state.table.online is None:
            return LINES
        return lines_behind(self._pushing()) if self._state.suspect else ONLINE_LINES

    @property
    def framing(self) -> Framing:
        """How data is distinguished from lines: sockets of the whole module may push theirs on any channel."""
        if self._state.table.online is not None and not self._state.suspect:
            return _ONLINE
        ids = self._pushing()
        if self._state.table.online is not None:
            return Framing(headers=(pushed_header(ids),), bare=True, online=True) if ids else _ONLINE
        return Framing(headers=(READ, pushed_header(ids))) if ids else _FETCHED

    def _pushing(self) -> frozenset[int]:
        return self._state.module.pushing(self._state.port)

    def classify(self, text: str) -> events.Event | None:
        """Return the event for a line, or None if the line does not concern the stack."""
        if self._state.table.online is not None:
            return self._in_data_mode(text)
        if (event := self._known(text)) is not None:
            return event
        if any_match(RESTARTED, text):
            self._state.module.forget()
            return events.ModuleReset(f"the module was reset ({text})", INACTIVE)
        if any_match(VOLTAGE_WARNING, text) and self._state.claim.valid:
            return events.Nothing()
        return None

    def _known(self, text: str) -> events.Event | None:
        for pattern, build in self._table:
            if (found := pattern.match(text)) is not None:
                return build(found)
        return None

    def _data_waits(self, found: re.Match[str]) -> events.Event:
        session = self._state.table.sessions.get(_id(found))
        if found["count"] is not None and session is not None and session.open and session.receive == "buffered":
            self._state.module.counts = True
        return events.Readable(_id(found))

    def _client_came(self, found: re.Match[str]) -> events.Event:
        listener, client = SocketId(int(found["listener"])), _id(found)
        self._state.module.note_client(listener, client)
        return events.Incoming(listener, client, (found["address"], int(found["port"])))

    def _in_data_mode(self, text: str) -> events.Event:
        """Handle NO CARRIER, behind which there may be news, as the module is in command mode; it may all be data."""
        if NO_CARRIER.match(text) is not None:
            self._state.behind.clear()
            return suspicious(self._state, text)
        line = f"\r\n{text}\r\n".encode("latin-1")
        if not self._state.suspect:
            return self.classify_data("", line) or events.Nothing()
        return self._keep(line, lambda: self._known(text))

    def _keep(self, octets: bytes, meaning: Callable[[], events.Event | None]) -> events.Event:
        """Keep what has come behind NO CARRIER, until it is known whether that was data."""
        self._state.suspect += octets
        self._state.behind.append(Behind(meaning, self._state.module.sessions()))
        return events.Nothing()

    # -- data ------------------------------------------------------------------------------------------------------

    def classify_data(self, header: str, data: bytes) -> events.Event | None:
        """Return the event for data, or None if it was not asked for here."""
        online, reading = self._state.table.online, self._state.reading
        pushed = _PUSHED.match(header)
        push = None if pushed is None else events.Pushed(SocketId(int(pushed[1])), data, _source(header))
        if online is not None and push is not None:
            return self._keep(b"\r\n" + header.encode("latin-1") + data, lambda: push)
        if online is not None:
            before, self._state.suspect = self._state.suspect, b""  # data comes, so the session had not ended
            self._state.behind.clear()
            return events.Pushed(online.id, before + data)
        if push is not None:
            return push
        if reading is None:
            return None
        source = _source(header)
        self._state.fetched += len(data) or int(source is not None)  # behind an empty datagram may be others
        return events.Pushed(reading.id, data, source) if data else events.Nothing()

    # -- names -----------------------------------------------------------------------------------------------------

    def _names(self, found: re.Match[str]) -> events.Event:
        answer = self._state.module.names
        if answer is None or answer.port is not None:
            return events.Nothing()  # nobody asks, or it has come on another channel already
        answer.port = self._state.port
        code = int(found["code"])
        answer.count = 0 if code else int(found["count"] or 0)
        return self._resolved(answer, code or None)

    def _address(self, found: re.Match[str]) -> events.Event:
        answer = self._state.module.names
        if answer is None or answer.port is not self._state.port or answer.complete:
            return events.Nothing()
        answer.addresses.append(found["address"])
        return self._resolved(answer, None)

    def _resolved(self, answer: NameAnswer, code: int | None) -> events.Event:
        return events.Resolved(tuple(answer.addresses), code) if answer.complete else events.Nothing()


def _id(found: re.Match[str]) -> SocketId:
    return SocketId(int(found["id"]))


def _source(header: str) -> Address | None:
    found = _SOURCE.search(header)
    return None if found is None else (found[1], int(found[2]))


def _context_dropped(found: re.Match[str]) -> events.Event:
    reason = f"the network deactivated the context ({found.string})"
    return events.ContextDropped(reason, BROKEN, int(found["context"]), DEACTIVATED)
