"""A module that sleeps by itself after a silence, and loses what wakes it, on a clock that a test turns."""

from __future__ import annotations

from cmux.protocol import AdvancedDecoder, BasicDecoder, Config, Frame, Multiplexer, Option, Role
from cmux.protocol.events import DataReceived, Event
from cmux.protocol.link import Link

SLEEPS_AFTER, WAKE_PAUSE = 2.0, 0.3


class SleepyModule:
    """The module's end of a line, and the host at the other end.

    Args:
        config: the parameters of the host.
        slow: the module also needs its time when it wakes up because it has something to say itself.
        sleeps_after: seconds of silence in both directions after which it sleeps.
        wake_pause: seconds from the first octet after that, in which it loses everything.
    """

    def __init__(
        self,
        config: Config,
        *,
        slow: bool = False,
        sleeps_after: float = SLEEPS_AFTER,
        wake_pause: float = WAKE_PAUSE,
    ) -> None:
        self.link = Link(Role.INITIATOR, config)
        self.host: Multiplexer = self.link.multiplexer
        self.core = Multiplexer(Role.RESPONDER, Config(option=config.option))
        self.now = 100.0
        self.lost = b""
        """What it has not heard."""
        self.said: list[tuple[float, bytes]] = []
        """What the host has said, and when."""
        self.events: list[Event] = []
        """The host's."""
        self.heard: list[Event] = []
        """The module's."""
        self._slow = slow
        self._sleeps_after, self._wake_pause = sleeps_after, wake_pause
        self._last: float | None = None
        self._awake_at = 0.0

    # --- The module ---

    def _octets(self, *, own: bool) -> None:
        if self._last is None or self.now - self._last >= self._sleeps_after:
            self._awake_at = self.now + (self._wake_pause if self._slow or not own else 0.0)
        self._last = self.now

    def _hear(self, octets: bytes) -> None:
        self.said.append((self.now, octets))
        self._octets(own=False)
        if self.now < self._awake_at:
            self.lost += octets
        else:
            self.heard += self.core.receive_data(octets, self.now)

    # --- Both ---

    def settle(self) -> None:
        """Carry octets across until neither side has anything to say now."""
        while True:
            for_module = self.link.next_write(self.now)
            if for_module:
                self._hear(for_module)
                self.link.wrote(len(for_module), self.now)
            for_host = self.core.data_to_send(self.now)
            if for_host:
                self._octets(own=True)
                self.events += self.link.receive(for_host, self.now)
            if not for_module and not for_host:
                return

    def pass_time(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        end = self.now + seconds
        self.settle()
        while (due := self._due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.events += self.link.handle_timeout(self.now)
            self.heard += self.core.handle_timeout(self.now)
            self.settle()
        self.now = end

    def _due(self) -> float | None:
        return min((at for at in (self.link.next_timeout(), self.core.next_timeout()) if at is not None), default=None)

    def open(self, *dlcis: int) -> SleepyModule:
        """Open the session and some channels, and forget what was said."""
        self.link.start(self.now)
        self.pass_time(1)
        for dlci in dlcis:
            self.host.open(dlci, self.now)
        self.pass_time(1)
        assert all(self.host.is_open(dlci) for dlci in dlcis)
        self.said.clear()
        self.events.clear()
        self.lost = b""
        return self

    def frames(self) -> list[tuple[float, Frame]]:
        """The host's frames, and when they were said."""
        basic = self.host.config.option is Option.BASIC
        decoder = BasicDecoder(1600) if basic else AdvancedDecoder(1600)
        found = [(at, item) for at, octets in self.said for item in decoder.receive_data(octets)]
        assert all(isinstance(item, Frame) for _, item in found)
        return [(at, item) for at, item in found if isinstance(item, Frame)]

    @staticmethod
    def data(events: list[Event], dlci: int) -> bytes:
        """What has come on a channel, in one of the lists of events."""
        return b"".join(event.data for event in events if isinstance(event, DataReceived) and event.dlci == dlci)
