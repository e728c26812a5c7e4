"""What is to be told to the owner of a `Multiplexer`, in order; data of one DLC that came in a row are one event."""

from __future__ import annotations

from .events import DataReceived, Event


class EventQueue:
    """Events that wait for the next call that returns some."""

    def __init__(self) -> None:
        self.since: float | None = None
        """Since when the oldest waits; None: there is none."""
        self._events: list[Event] = []
        self._data: list[bytes] = []
        self._data_dlci = 0

    def put(self, event: Event, now: float) -> None:
        """Add an event behind the data that came before it."""
        if self._data:
            self._join_data()
        if self.since is None:
            self.since = now
        self._events.append(event)

    def put_data(self, dlci: int, data: bytes, now: float) -> None:
        """Add data to the event that the data before them on the same DLC make."""
        if self._data and self._data_dlci != dlci:
            self._join_data()
        if self.since is None:
            self.since = now
        self._data_dlci = dlci
        self._data.append(data)

    def take(self) -> list[Event]:
        """Return what is to be told, once."""
        if self._data:
            self._join_data()
        events, self._events, self.since = self._events, [], None
        return events

    def _join_data(self) -> None:
        self._events.append(DataReceived(self._data_dlci, b"".join(self._data)))
        self._data = []
