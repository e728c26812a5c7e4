"""What the stacks of all Quectel families pass on in the same way: to their classifier, and to their data mode."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from ..at.core import Dialogue, Framing, LinePattern
from .core.events import Event
from .core.options import Transparent
from .core.stack import TcpipStack
from .data_mode import DataModeBase


class Classifying(Protocol):
    """The part of a stack that knows unsolicited results and data; see `TcpipStack` for each of them."""

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """See `TcpipStack.lines`."""

    @property
    def framing(self) -> Framing:
        """See `TcpipStack.framing`."""

    def classify(self, line: str) -> Event | None:
        """See `TcpipStack.classify`."""

    def classify_data(self, header: str, data: bytes) -> Event | None:
        """See `TcpipStack.classify_data`."""


class QuectelStack(TcpipStack):
    """The part of a stack that is the same in each family; see `TcpipStack` for what each of its methods does."""

    _classifier: Classifying
    _data_mode: DataModeBase

    @property
    @abstractmethod
    def _asked_transparent(self) -> Transparent | None:
        """The settings of transparent sessions that the user has asked for."""

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """See `TcpipStack.lines`."""
        return self._classifier.lines

    @property
    def framing(self) -> Framing:
        """See `TcpipStack.framing`."""
        return self._classifier.framing

    def classify(self, line: str) -> Event | None:
        """See `TcpipStack.classify`."""
        return self._classifier.classify(line)

    def classify_data(self, header: str, data: bytes) -> Event | None:
        """See `TcpipStack.classify_data`."""
        return self._classifier.classify_data(header, data)

    def check_claiming(self) -> None:
        """See `TcpipStack.check_claiming`."""
        asked = self._asked_transparent
        if asked is not None and asked.escape == "dtr":
            self.wiring.set_dtr(True)  # it is on already; a port without DTR is refused here

    def escape(self) -> Dialogue[None]:
        """See `TcpipStack.escape`: ``+++``, or DTR."""
        return self._data_mode.escape()

    def resume(self) -> Dialogue[None]:
        """See `TcpipStack.resume`: ATO."""
        return self._data_mode.resume()
