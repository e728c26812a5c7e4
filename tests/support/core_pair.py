"""Two multiplexer cores joined by a pipe that a test can damage, on a clock that a test turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cmux.protocol import Config, Frame, Multiplexer, Option, Role
from cmux.protocol.events import DataReceived, Event
from cmux.protocol.frames import AdvancedDecoder, BasicDecoder

Kind = TypeVar("Kind", bound=Event)

Filter = Callable[[bytes], bytes]


class Station:
    """One core, what it said and what it sent.

    Args:
        role: which one.
        config: its parameters.
    """

    def __init__(self, role: Role, config: Config) -> None:
        self.mux = Multiplexer(role, config)
        self.events: list[Event] = []
        self.line: list[bytes] = []
        """What it sent, a portion each time something was due."""

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of one class, so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def data(self, dlci: int) -> bytes:
        """All that came in on a DLC."""
        return b"".join(event.data for event in self.of(DataReceived) if event.dlci == dlci)

    def frames(self) -> list[Frame]:
        """All that it sent, decoded."""
        basic = self.mux.config.option is Option.BASIC
        found = (BasicDecoder(32767) if basic else AdvancedDecoder(32767)).receive_data(b"".join(self.line))
        assert all(isinstance(item, Frame) for item in found)
        return [item for item in found if isinstance(item, Frame)]


class Pair:
    """A host and a module.

    Args:
        config: parameters of both.
        module_config: those of the module, where they differ.
    """

    def __init__(self, config: Config | None = None, module_config: Config | None = None) -> None:
        config = config or Config()
        self.host = Station(Role.INITIATOR, config)
        self.module = Station(Role.RESPONDER, module_config or config)
        self.now = 100.0
        self.to_module: Filter = lambda octets: octets
        self.to_host: Filter = lambda octets: octets

    def settle(self) -> None:
        """Carry octets across until neither side has anything to say; no time passes."""
        for _ in range(100_000):
            moved = self._carry(self.host, self.module, self.to_module)
            moved |= self._carry(self.module, self.host, self.to_host)
            if not moved:
                return
        raise AssertionError("the two never fall silent")

    def _carry(self, sender: Station, receiver: Station, damage: Filter) -> bool:
        octets = sender.mux.data_to_send(self.now)
        due = sender.mux.next_timeout()
        if due is not None and due <= self.now:
            sender.events += sender.mux.handle_timeout(self.now)
        if not octets:
            return False
        sender.line.append(octets)
        receiver.events += receiver.mux.receive_data(damage(octets), self.now)
        return True

    def pass_time(self, seconds: float) -> None:
        """Let time pass, timer by timer.

        Args:
            seconds: how much.
        """
        end = self.now + seconds
        self.settle()
        while True:
            due = [at for one in (self.host, self.module) if (at := one.mux.next_timeout()) is not None and at <= end]
            if not due:
                break
            self.now = max(self.now, min(due))
            for one in (self.host, self.module):
                one.events += one.mux.handle_timeout(self.now)
            self.settle()
        self.now = end

    def start(self) -> Pair:
        """Open the session."""
        self.host.mux.start(self.now)
        self.settle()
        return self

    def open(self, *dlcis: int) -> Pair:
        """Open the session, if need be, and some DLCs, from the host."""
        if not self.host.mux.session_open:
            self.start()
        for dlci in dlcis:
            self.host.mux.open(dlci, self.now)
        self.settle()
        return self


def deaf(octets: bytes) -> bytes:
    """A line on which nothing arrives."""
    return b""
