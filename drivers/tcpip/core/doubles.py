"""Events that a module reports on several channels: which report is the first, and which ones repeat it."""

from __future__ import annotations

import collections
from dataclasses import dataclass

from cmux.forks import Lock

from .events import ContextDropped, Event, Incoming, IncomingFull, ModuleReset, Resolved

KEPT = 64  # events
WINDOW = 5.0
"""Seconds within which another channel may repeat an event; all of them are on one line, so it takes much less."""
TAKEN_ONCE = Incoming | IncomingFull | ContextDropped | Resolved | ModuleReset
"""The events that have an effect whenever they come; any other one that is repeated changes nothing.

Data is not among them: see `pushes`.
"""


@dataclass(slots=True)
class _Report:
    event: Event
    ports: set[int]
    at: float


class Doubles:
    """The last events of one modem, and the channels on which each of them has come.

    An event is a repetition if an equal one has come on other channels a moment ago, but not on this one yet. A channel
    keeps the order of its events, so equal ones pair up in order, and what comes on one channel alone is never one.
    """

    def __init__(self) -> None:
        self.passing: Lock = Lock()
        """Held while an event is examined and handled, so that all channels together keep the order of data."""
        self._reports: collections.deque[_Report] = collections.deque(maxlen=KEPT)
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Doubles: {len(self._reports)} events>"

    def repeats(self, event: Event, port: object, now: float, since: float = 0.0) -> bool:
        """Note an event, and tell whether it repeats one that has come on another channel.

        Args:
            event: the event.
            port: the channel on which it has come.
            now: the time.
            since: when the channel began to be listened to: it cannot repeat what has come before.
        """
        if not isinstance(event, TAKEN_ONCE):
            return False
        with self._lock:
            for report in self._reports:
                there = report.at >= since and now - report.at < WINDOW
                if there and report.event == event and id(port) not in report.ports:
                    report.ports.add(id(port))
                    return True
            self._reports.append(_Report(event, {id(port)}, now))
            return False

    def forget_names(self) -> None:
        """Forget answers to questions for names: the next one answers another question."""
        with self._lock:
            kept = [report for report in self._reports if not isinstance(report.event, Resolved)]
            self._reports.clear()
            self._reports.extend(kept)
