"""What the owner of a `Multiplexer` can count on, whatever the peer does; every fuzz target of the core checks it.

1. Each `open()` of a DLC that is not open ends in one `Opened` or `Closed`, at the latest when nothing is due.
2. `DataReceived`, `SignalsChanged`, `Writable`, `Reestablished` come for an open DLC only; `Opened` for one that is
   not; `Closed` for one that is open, or that somebody has asked for.
3. `Writable` follows `send()` that has taken less than it was offered, and nothing else; once.
4. Before `SessionClosed` every DLC has had its `Closed`; after it nothing comes but the next session.
5. No DLC opens that cannot carry data: only 1 to 61, and with `reserved_dlcis` 62 and 63 (27.010 §5.6).
"""

from __future__ import annotations

from collections.abc import Iterable

from cmux.protocol import Multiplexer
from cmux.protocol.errors import StateError
from cmux.protocol.events import (
    Cause,
    Closed,
    DataReceived,
    Event,
    Opened,
    Reestablished,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
    Writable,
)


class EventContract:
    """Calls a core and checks its events.

    Args:
        core: the multiplexer.
    """

    def __init__(self, core: Multiplexer) -> None:
        self.core = core
        self.up: set[int] = set()
        """The DLCs that the owner takes for open."""
        self.asked: set[int] = set()
        """The DLCs whose `open()` has no result yet."""
        self.closing: set[int] = set()
        """The DLCs that the owner has closed, and whose `Closed` is due; what `open()` has begun comes after that."""
        self.refused: set[int] = set()
        """The DLCs whose `send()` took less than it was offered."""
        self.in_session = False
        self.beginning = False
        """`start()` has no result yet."""
        self.again = False
        """The same, of the next session: this one is still being shut down."""

    # --- The calls ---

    def start(self, now: float) -> None:
        """See `Multiplexer.start`."""
        if self.core._session.shutting_down:
            self.again = True
        else:
            self.beginning = not self.in_session
        self.core.start(now)

    def open(self, dlci: int, now: float) -> bool:
        """See `Multiplexer.open`; return whether it was possible."""
        try:
            self.core.open(dlci, now)
        except StateError:
            return False
        if dlci not in self.up or dlci in self.closing:
            self.asked.add(dlci)
        return True

    def close(self, dlci: int, now: float, *, drain: bool) -> None:
        """See `Multiplexer.close`."""
        if dlci in self.up or dlci in self.asked:
            self.closing.add(dlci)
            self.asked.discard(dlci)  # one `Closed` ends both
        self.core.close(dlci, now, drain=drain)

    def shutdown(self, now: float) -> None:
        """See `Multiplexer.shutdown`: it closes everything."""
        if self.core.session_open:
            self.closing |= self.up | self.asked
            self.asked.clear()
        self.core.shutdown(now)

    def send(self, dlci: int, data: bytes, now: float) -> int:
        """See `Multiplexer.send`."""
        try:
            taken = self.core.send(dlci, data, now)
        except StateError:
            return 0
        assert dlci in self.up, f"send() takes octets for DLCI {dlci}, which is not open"
        assert 0 <= taken <= len(data)
        if taken < len(data):
            self.refused.add(dlci)
        return taken

    def receive(self, data: bytes, now: float) -> list[Event]:
        """See `Multiplexer.receive_data`."""
        return self.take(self.core.receive_data(data, now))

    def pass_time(self, now: float) -> list[Event]:
        """See `Multiplexer.handle_timeout`."""
        return self.take(self.core.handle_timeout(now))

    def line_lost(self, now: float) -> list[Event]:
        """See `Multiplexer.line_lost`."""
        events = self.take(self.core.line_lost("gone", now))
        self.in_session = self.beginning = self.again = False
        self.at_rest()
        return events

    # --- The events ---

    def take(self, events: Iterable[Event]) -> list[Event]:
        """Check events."""
        events = list(events)
        for event in events:
            self._check(event)
        return events

    def _check(self, event: Event) -> None:
        match event:
            case SessionOpened():
                self.in_session, self.beginning = True, False
            case SessionClosed():
                assert self.in_session or self.beginning, "SessionClosed without a session"
                assert not self.up, f"SessionClosed before Closed of {self.up}"
                assert not self.asked, f"SessionClosed before the result of open() of {self.asked}"
                self.in_session, self.beginning, self.again = False, self.again, False
                self.closing.clear()
                self.refused.clear()
            case Opened(dlci=dlci):
                assert self.in_session, "Opened without a session"
                assert 1 <= dlci <= (63 if self.core.config.reserved_dlcis else 61), f"DLCI {dlci} carries no data"
                assert dlci not in self.up or dlci in self.closing, f"Opened twice: DLCI {dlci}"
                self.closing.discard(dlci)  # it was still draining
                self.up.add(dlci)
                self.asked.discard(dlci)
                self.refused.discard(dlci)
            case Closed(dlci=dlci, cause=cause):
                self._closed(dlci, cause)
            case Writable(dlci=dlci):
                assert dlci in self.refused, f"Writable without a refusal: DLCI {dlci}"
                assert dlci in self.up, f"Writable for DLCI {dlci}, which is not open"
                self.refused.discard(dlci)
            case Reestablished(dlci=0):
                assert self.in_session, "DLCI 0 begins again without a session"
            case DataReceived(dlci=dlci) | SignalsChanged(dlci=dlci) | Reestablished(dlci=dlci):
                assert dlci in self.up, f"{event} for DLCI {dlci}, which is not open"

    def _closed(self, dlci: int, cause: Cause) -> None:
        assert dlci in self.up or dlci in self.asked or dlci in self.closing, f"Closed of DLCI {dlci}, which is closed"
        with_session = cause in (Cause.SESSION, Cause.LINE_LOST, Cause.PEER)  # then it ends what is to come, too
        again = dlci in self.asked and dlci in self.closing and not with_session
        self.up.discard(dlci)
        self.closing.discard(dlci)
        self.refused.discard(dlci)
        if not again:
            self.asked.discard(dlci)

    def at_rest(self) -> None:
        """Check what holds when nothing is due any more."""
        assert not self.asked, f"open() of {self.asked} had no result"
        assert not self.closing, f"close() of {self.closing} had no result"
