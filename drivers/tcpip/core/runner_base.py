"""The part that the runners of procedures on threads and in asyncio share: channel, and dispatch of requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from ...at.core import Dialogue
from ...at.core.channel_base import ChannelBase
from ...clock import Clock
from .procedure import Exclusive, LeaveChannel, OnChannel, OnFreeUart, Procedure, Request, Wait

C_co = TypeVar("C_co", bound=ChannelBase, covariant=True)
D_co = TypeVar("D_co", covariant=True)


class RunnerBase(ABC, Generic[C_co, D_co]):
    """Runs the procedures of a driver on a channel. A step returns its result; in asyncio, an awaitable of it.

    Args:
        channel: the AT channel.
        owned: whether the channel was created for this runner, which then releases it.
        clock: the source of time; None: that of the channel.
    """

    def __init__(self, channel: C_co, clock: Clock | None, *, owned: bool) -> None:
        self.channel = channel
        self.clock: Clock = clock or channel.clock
        self._owns_channel = owned
        if owned:
            channel._retain()

    @property
    def modem(self) -> object:
        """The object that identifies the modem; see `table_for`."""
        return self.channel._modem

    @property
    def dlci(self) -> int | None:
        """The DLCI of the channel; None if the port does not have one."""
        return self.channel._dlci

    def set_dtr(self, on: bool) -> None:
        """Set DTR of the UART."""
        self.channel.set_dtr(on)

    @abstractmethod
    def wake(self, work: Callable[[], Dialogue[None] | None]) -> None:
        """Run the dialogues that are due, soon, each in a turn of its own, without waiting for them.

        Args:
            work: returns the next dialogue to run, or None.
        """

    def _do(self, request: Request) -> D_co:
        match request:
            case OnChannel():
                return self._on_channel(request.dialogue)
            case Wait():
                return self._wait(request)
            case Exclusive():
                return self._exclusive(request.procedure)
            case OnFreeUart():
                return self._on_free_uart(request)
            case LeaveChannel():
                return self.close()

    @abstractmethod
    def _on_channel(self, dialogue: Dialogue[object]) -> D_co:
        """Run a dialogue."""

    @abstractmethod
    def _wait(self, step: Wait[object]) -> D_co:
        """Wait while others may use the channel."""

    @abstractmethod
    def _exclusive(self, procedure: Procedure[object]) -> D_co:
        """Run a procedure during which no other exclusive procedure runs."""

    @abstractmethod
    def _on_free_uart(self, step: OnFreeUart) -> D_co:
        """Run a dialogue on another virtual UART, if there is one."""

    @abstractmethod
    def close(self) -> D_co:
        """Release the channel if it was created for this runner; idempotent."""

    def _disown(self) -> bool:
        """Tell whether to release the channel now."""
        owned, self._owns_channel = self._owns_channel, False
        return owned
