"""What a UART needs of the module that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..environment import Environment
from .bytestream import DataStream, Online
from .commandline import Command
from .output import Delivery, Urc
from .replies import Reply
from .uart_settings import SendSettings

#: Called with ``(number of the UART, "received" or "sent", octets)``.
OctetsCallback = Callable[[int, str, bytes], None]


class Execution(Protocol):
    """One command being executed, as the UART sees it."""

    def run(self) -> Reply | None:
        """Return how the command ends, or None when `Uart.finish` or a prompt ends it later."""


class UartHost(Protocol):
    """The module of a UART; UARTs are numbered from 0."""

    environment: Environment
    octets: OctetsCallback

    @property
    def longest_line(self) -> int:
        """How many characters a command line may have, with its AT."""

    def begin(self, uart: int, command: Command) -> Execution:
        """Return one command as an execution that can be run."""

    def line_received(self, uart: int) -> None:
        """Called when a command line has been received."""

    def sending(self, uart: int) -> SendSettings:
        """Return how data is asked for at a prompt."""

    def next_output(self, uart: int) -> Urc | Delivery | None:
        """Return what the TCP/IP stack writes on a UART next, or None."""

    def forget_urcs(self, uart: int) -> int:
        """Drop the unsolicited lines for a UART that nobody is attached to; return how many."""

    def online(self, uart: int) -> Online | None:
        """Return what ATO goes back to, or None."""

    def forget_stream(self, stream: DataStream) -> None:
        """Forget a session that has ended in data mode."""

    def hang_up(self, uart: int) -> None:
        """Close the session that a UART is joined to in data mode, or end its data call."""

    def hears(self, uart: int) -> bool:
        """Return whether a UART is one of those that unsolicited lines go to which no command there has asked for."""

    def end_call(self, uart: int) -> bool:
        """End the call of a UART, if it has one, without a result code; return whether it had one."""
