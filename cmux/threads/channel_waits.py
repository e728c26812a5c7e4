"""How a thread waits for the octets of a channel: until another thread delivers them, or by reading the line itself."""

from __future__ import annotations

import select
from abc import ABC, abstractmethod
from collections.abc import Mapping

from .engine import Engine
from .line_reader import LineReader
from .receive_buffer import ReceiveBuffer
from .waiting import ChannelCondition


class ChannelWaits(ABC):
    """The waits of a `DlcHandle`."""

    buffer: ReceiveBuffer
    condition: ChannelCondition
    engine: Engine
    _seen = 0  # how often `condition` was notified before who leads has begun

    @property
    @abstractmethod
    def is_selected(self) -> bool:
        """Whether somebody waits for the descriptor of `fileno`."""

    @abstractmethod
    def resume(self) -> None:
        """Let the peer continue when there is room again."""

    @abstractmethod
    def set_flag(self) -> None:
        """Update the descriptor of `fileno` to the present state."""

    def wait(self, size: int, timeout: float | None) -> LineReader | None:
        """Wait until octets came or `condition` is notified; or let the caller do it in place of the engine's thread.

        The caller holds `condition`.

        Args:
            size: how many octets it waits for: the water marks are for those that nobody waits for.
            timeout: seconds.

        Returns:
            The reader, claimed for the caller, who passes it to `lead` now, without `condition`; None: it has waited.
        """
        self.buffer.wanted = size
        self.resume()
        reader = self.engine.reader
        if not self.is_selected and reader.claim():
            self._seen = self.condition.notified
            return reader
        try:
            self.condition.wait(timeout)
        finally:
            self.buffer.wanted = 0
        return None

    def lead(self, reader: LineReader, timeout: float | None) -> None:
        """Read the line for at most `timeout` seconds; see `LineReader.lead`."""
        try:
            reader.lead(timeout, self._is_notified)
        finally:
            self.buffer.wanted = 0

    def wait_with(self, others: Mapping[int, int]) -> dict[int, int]:
        """Wait for octets together with descriptors; those who watch `condition` have one that ends the wait.

        Args:
            others: the descriptors, each with its events.

        Returns:
            Those that are ready, with their events; perhaps none. What has come is in `buffer`.
        """
        reader = self.engine.reader
        if reader.claim():
            return reader.lead_with(others)
        poll = select.poll()
        for fd, events in others.items():
            poll.register(fd, events)
        return dict(poll.poll())

    def cease(self) -> None:
        """Let others read the line, after `wait_with`."""
        self.engine.reader.cease()

    def _is_notified(self) -> bool:
        return self.condition.notified != self._seen

    def interrupted(self, got: list[bytes]) -> None:
        """Undo the wait of a reader that ends with an exception.

        Args:
            got: the octets that it has taken.
        """
        self.engine.reader.cease()
        with self.condition:
            self.buffer.put_back(got)
            self.set_flag()
        self.engine.wake()  # for events that have not been dispatched

    def _kick(self) -> None:
        self.engine.reader.kick()
