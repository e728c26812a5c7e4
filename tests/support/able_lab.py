"""A toy module that is able to do all, with three channels, and drivers on it in each shell."""

from __future__ import annotations

import contextlib
import socket
from contextlib import ExitStack
from typing import Any

from able_toy import ABLE
from families_lab import Bench, InLoop, Loop, ToyInLoop
from toy_module import ToyModule, ToyPort

from drivers import tcpip
from drivers.clock import Clock
from drivers.tcpip import aio

UARTS = (1, 2, 3)


class AbleBench(Bench):
    """A module with three channels; `drive` makes a driver on one of them."""

    family = "toy"
    module: ToyModule

    def drive(self, uart: int = 1, context: int = 0, **options: Any) -> Any:
        """A driver that ends with the bench.

        Args:
            uart: its channel.
            context: its context.
            options: what else it is made with.
        """
        raise NotImplementedError

    def say(self, uart: int, octets: bytes) -> None:
        """Let the module say something on a channel, unasked."""
        raise NotImplementedError

    def heard(self, text: bytes) -> None:
        """Wait until the module has said something."""
        self.module.until(lambda: text in self.module.said)

    def asked(self, text: str) -> None:
        """Wait until the module has been asked something."""
        self.module.until(lambda: text in self.module.commands)

    def settle(self, *drivers: Any) -> None:
        """Wait until each driver has heard what was said on its channel before."""
        for driver in drivers:
            driver.channel.command("AT")

    def driver(self, uart: int = 1, *, several: bool = False) -> Any:
        return self.drive(uart, uart - 1)

    def lose_context(self) -> None:
        self.module.lose_context(0)

    def all_hear(self) -> None:
        """Let news come on all channels."""

        def say(octets: bytes) -> None:
            for uart in UARTS:
                self.say(uart, octets)

        self.module.news_go_to = say


class AbleOnThreads(AbleBench):
    shell = "threads"

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.module = ToyModule()
        stack.callback(self.module.finish)
        self.ports = {uart: ToyPort(self.module, uart) for uart in UARTS}

    def drive(self, uart: int = 1, context: int = 0, **options: Any) -> Any:
        made = tcpip.TcpipDriver(self.ports[uart], context, **{"dialect": ABLE, **options})
        self._stack.callback(made.close)
        return made

    def say(self, uart: int, octets: bytes) -> None:
        self.ports[uart].say(octets)

    def cut_line(self) -> None:
        for port in self.ports.values():
            port.die()


class AbleInLoop(AbleBench):
    shell = "aio"

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._toy = ToyInLoop(stack)
        self._toy._streams[3] = self._toy._line(stack, 3)
        self.module = self._toy.module
        self._loop: Loop = self._toy._loop
        self.clock: Clock | None = None

    def drive(self, uart: int = 1, context: int = 0, **options: Any) -> Any:
        given = {"dialect": ABLE, "table": self._toy._table, **options}
        made = self._loop.call(lambda: aio.TcpipDriver(self._toy._streams[uart], context, **given))
        driver = InLoop(self._loop.call, made)
        self._stack.callback(driver.close)
        return driver

    def say(self, uart: int, octets: bytes) -> None:
        with contextlib.suppress(OSError):
            self._toy._ends[uart].sendall(octets)

    def cut_line(self) -> None:
        self._toy.cut_line()


def datagram_socket(stack: ExitStack) -> socket.socket:
    """A UDP socket of another host, on the loopback."""
    made = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    made.bind(("127.0.0.1", 0))
    made.settimeout(10)
    return made
