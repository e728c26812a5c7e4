"""A multiplexer as an `asyncio.Protocol` on any transport.

The shell moves octets and arms one timer; every rule and every deadline is in `cmux.protocol`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from ..line.base import hung_up
from ..protocol.config import Config, Role
from ..protocol.events import Event, SessionClosed
from ..protocol.link import Link
from ..protocol.multiplexer import Multiplexer
from ..protocol.responder import Responder


class _Timer(Protocol):
    def cancel(self) -> None: ...


class MuxProtocol(asyncio.Protocol):
    """One `Link` on one asyncio transport.

    Every event is passed to `on_event` from the loop's thread, in the order in which it happened, after the answers
    that are due to the peer have been passed to the transport. The callback may call any method here.

    Args:
        role: which station this is; an initiator opens DLCI 0 as soon as the transport is there.
        config: the parameters of the session.
        on_event: called with each `Event`.
        tap: called with all octets as they pass, and whether they are outgoing.
        clock: returns seconds on a scale that never runs backwards; by default the loop's own clock.
        call_later: calls a callback after a number of seconds of `clock`, and returns something with ``cancel()``; by
            default the loop's own.
        line_rate: bits per second to which writing is paced; None: no pacing.
        link: the link to run; by default one made from `role`, `config` and `line_rate`.
        room: returns how many octets beyond the next frame the transport takes now, for one that knows; None: not even
            that, until it calls ``resume_writing``.
    """

    def __init__(
        self,
        role: Role = Role.RESPONDER,
        config: Config | None = None,
        on_event: Callable[[Event], object] | None = None,
        clock: Callable[[], float] | None = None,
        call_later: Callable[[float, Callable[[], None]], _Timer] | None = None,
        tap: Callable[[bytes, bool], object] | None = None,
        line_rate: int | None = None,
        link: Link | None = None,
        room: Callable[[], int | None] | None = None,
    ) -> None:
        if link is None:
            initiates = role is Role.INITIATOR
            link = Link(role, config, line_rate=line_rate) if initiates else Responder(config, multiplexing=True)
        self.link: Link = link
        """The session and the rules of its line."""
        self.closed_cause: SessionClosed | None = None
        """The event that ended the session."""
        self.transport: asyncio.Transport | None = None
        """The transport, from ``connection_made`` until it is lost or `detach` is called."""
        self._on_event = on_event
        self._tap = tap
        self._clock = clock
        self._call_later = call_later
        self._room = room
        self._full = False  # there was no room
        self._timer: _Timer | None = None
        self._timer_at: float | None = None
        self._paused = False
        self._waiting = 0  # octets that the transport had not written at the last look
        self._closing = False
        self._pending: deque[Event] = deque()
        self._dispatching = False

    def __repr__(self) -> str:
        return f"<MuxProtocol {'on' if self.transport is not None else 'without'} a transport {self.link!r}>"

    @property
    def multiplexer(self) -> Multiplexer:
        """The core. After a direct call to it, call `flush`."""
        return self.link.multiplexer

    def now(self) -> float:
        """Return the time on the clock that every call to `multiplexer` has to use."""
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()

    # --- called by asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start on this transport (called by asyncio; after ``set_protocol`` the caller has to call it).

        Args:
            transport: the line.
        """
        self.transport = cast(asyncio.Transport, transport)
        if self.multiplexer.role is Role.INITIATOR:
            self.link.start(self.now())
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Process octets from the line; no input raises.

        Args:
            data: the octets.
        """
        if self._tap is not None:
            self._tap(data, False)
        self._emit(self.link.receive(data, self.now()))

    def eof_received(self) -> None:
        """Let the transport close: nothing more will come."""

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session: each DLC gets its `Closed`, then `SessionClosed`.

        Args:
            exc: why the line was lost; None: it was closed.
        """
        reason = "the line was closed" if self._closing else str(hung_up(exc))
        self.transport = None
        self._disarm()
        self._emit(self.link.line_lost(reason, self.now()))

    def pause_writing(self) -> None:
        """Hold frames back until `resume_writing`."""
        self._paused = True
        self._look_at_transport(self.now())
        self._arm()

    def resume_writing(self) -> None:
        """Send frames again."""
        self._paused = self._full = False
        self.link.wrote(0, self.now())
        self.flush()

    # --- called by the owner ---

    def write(self, dlci: int, data: bytes) -> int:
        """Queue octets on a DLC.

        Args:
            dlci: 1 to 61, open.
            data: the octets.

        Returns:
            How many were queued; if fewer than offered, `Writable` follows.
        """
        taken = self.multiplexer.send(dlci, data, self.now())
        self.flush()
        return taken

    def stats(self) -> dict[str, object]:
        """Return the counters of session and line, see `Link.stats`."""
        self._look_at_transport(self.now())
        return self.link.stats()

    def flush(self) -> None:
        """Write what is due, report events, set the timer: to be called after each direct call to the core."""
        self._transmit()
        if self.transport is not None and self.link.has_events:
            # Due timers run in the timer, so that octets that have come are read first.
            self._emit(self.link.waiting_events(self.now()))
        elif not self._dispatching:
            self._arm()

    def close(self) -> None:
        """Close each DLC and the multiplexer, then the transport; without a session only the transport."""
        if self.transport is None or self._closing:
            return
        self._closing = True
        if self.multiplexer.session_open:
            self.multiplexer.shutdown(self.now())
            self.flush()
        else:
            self.transport.close()

    def detach(self) -> asyncio.Transport | None:
        """Give up the transport without closing it, so that another protocol can use it.

        Returns:
            The transport; None if there was none.
        """
        transport, self.transport = self.transport, None
        self._disarm()
        return transport

    # --- inside ---

    def _transmit(self) -> None:
        if self._waiting and not self._paused:
            self._look_at_transport(self.now())
        while not self._full and self.link.has_output and self.transport is not None and not self._paused:
            limit = None
            if self._room is not None and (limit := self._room()) is None:
                self._full = True
                break
            now = self.now()
            data = self.link.next_write(now, limit)
            if not data:
                break
            if self._tap is not None:
                self._tap(data, True)
            self._waiting += len(data)
            self.transport.write(data)
            self._look_at_transport(now)

    def _look_at_transport(self, now: float) -> None:
        """Tell the link how much the transport has written since the last look."""
        if self.transport is None:
            return
        before, self._waiting = self._waiting, self.transport.get_write_buffer_size()
        if before > self._waiting:
            self.link.wrote(before - self._waiting, now)
        if self._paused:
            self.link.blocked(now)

    def _emit(self, events: Iterable[Event]) -> None:
        """Report the events that a direct call to `link` returned, after the answers that are due to the peer."""
        # A callback that calls a method here leaves its events to the outer loop.
        self._pending.extend(events)
        self._transmit()
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._pending:
                self._one(self._pending.popleft())
        finally:
            self._dispatching = False
            self._transmit()
            self._arm()

    def _one(self, event: Event) -> None:
        if isinstance(event, SessionClosed):
            self.closed_cause = self.closed_cause or event
        if self._on_event is not None:
            self._on_event(event)
        if isinstance(event, SessionClosed) and self._closing and self.transport is not None:
            self.transport.close()

    def _arm(self) -> None:
        due = self.link.next_timeout() if self.transport is not None else None
        if self._timer_at is not None and due is not None and self._timer_at <= due:
            return  # a deadline that has moved on is found then
        self._disarm()
        if due is None:
            return
        self._timer_at = due
        delay = max(0.0, due - self.now())
        arm = self._call_later or asyncio.get_running_loop().call_later
        self._timer = arm(delay, self._on_timer)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._timer_at = None

    def _on_timer(self) -> None:
        # A loop may wake slightly early: the time that was asked for counts.
        now = max(self.now(), self._timer_at or 0.0)
        self._timer = self._timer_at = None
        due = self.link.next_timeout()
        if due is None or due > now:
            self._arm()
        else:
            self._on_time(now)

    def _on_time(self, now: float) -> None:
        self._look_at_transport(now)
        self._emit(self.link.handle_timeout(now))
