"""The part that the runners of procedures on threads and in asyncio share: their channel, and what a step asks for."""

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
    """Runs the procedures of a driver on a channel. Doing a step gives its result; in asyncio, an awaitable of it.

    Args:
        channel: the AT channel.
        owned: whether it was made for this runner, which lets go of it then.
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
        """What stands for the modem; see `table_for`."""
        return self.channel._modem

    @property
    def dlci(self) -> int | None:
        """The DLCI of the channel, None where the port does not tell it."""
        return self.channel._dlci

    def set_dtr(self, on: bool) -> None:
        """Set DTR of the UART."""
        self.channel.set_dtr(on)

    @abstractmethod
    def wake(self, work: Callable[[], Dialogue[None] | None]) -> None:
        """Have what is due done soon, one turn at a time.

        Args:
            work: returns what is to be done next, None when there is nothing.
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
        """Wait beside the channel."""

    @abstractmethod
    def _exclusive(self, procedure: Procedure[object]) -> D_co:
        """Run a procedure that no other exclusive one may come between."""

    @abstractmethod
    def _on_free_uart(self, step: OnFreeUart) -> D_co:
        """Run a dialogue on another virtual UART, where there is one."""

    @abstractmethod
    def close(self) -> D_co:
        """Let go of a channel that was made for this runner; idempotent."""

    def _disown(self) -> bool:
        """Tell whether to let go of the channel now."""
        owned, self._owns_channel = self._owns_channel, False
        return owned
