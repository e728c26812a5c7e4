"""Four channels of a multiplexed emulated module, with a driver of each context on each: in a loop, or on threads."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from families_lab import InLoop
from leaping import LeapingLoop, LoopClock
from serial.urlhandler import protocol_socket

import cmux
import cmux.aio
from cmux.threads.bridge import PtyBridge
from drivers.emulator import EmulatedModule
from drivers.errors import DriverError
from drivers.tcpip import ContextTable, TcpipDriver, aio

UARTS = (1, 2, 3, 4)
CONTEXTS = (0, 1)
Who = tuple[int, int]
PATIENCE = 30.0


class World:
    """A module and its host; `driver` makes drivers, `hang_up` and `reset` end what they stand on.

    Args:
        programs: 1: one table for all channels; 2: channels 1 and 2 have one, 3 and 4 another.
    """

    module: EmulatedModule

    def __init__(self, programs: int) -> None:
        self.programs = programs
        self.drivers: dict[Who, Any] = {}
        self.begin()

    def begin(self) -> None:
        """Begin with new tables and drivers."""
        self.tables = [ContextTable() for _ in range(self.programs)]
        for uart in UARTS:
            self.make(uart)

    def program(self, uart: int) -> int:
        """The program that a channel belongs to."""
        return (uart - 1) * self.programs // len(UARTS)

    def make(self, uart: int) -> None:
        """Make the drivers of a channel."""
        for context in CONTEXTS:
            self.drivers[uart, context] = self.driver(uart, context, table=self.tables[self.program(uart)])

    def close(self, uarts: Iterable[int] = UARTS) -> None:
        """Close the drivers of some channels."""
        for uart in uarts:
            for context in CONTEXTS:
                with contextlib.suppress(DriverError):
                    self.drivers[uart, context].close()

    def driver(self, uart: int, context: int, table: ContextTable) -> Any:
        """Make a driver."""
        raise NotImplementedError

    def hang_up(self, uart: int) -> None:
        """Close a channel under its drivers, and open it again with new ones."""
        raise NotImplementedError

    def reset(self) -> None:
        """Reset the module, and open the line anew."""
        raise NotImplementedError

    def drop(self) -> None:
        """Let the network deactivate all contexts, and wait until their holders know it."""
        raise NotImplementedError

    def afresh(self) -> None:
        """Begin anew on the same line, with contexts that are as after a start."""
        self.close()
        self._in_module(self._free)
        self.begin()

    def _free(self) -> None:
        for context in self._modem.contexts:
            context.reset()
        self._modem.ownership.reset()

    def _in_module(self, work: Callable[[], None]) -> None:
        """Do something where the module runs."""
        self.module._on_loop(work)

    def end(self) -> None:
        """End it, and want nothing left."""
        raise NotImplementedError

    @property
    def _modem(self) -> Any:
        assert self.module._modem is not None
        return self.module._modem

    def owner(self, context: int) -> int | None:
        """The virtual UART that the module takes for the owner of a context."""
        number = self._modem.ownership.owner(context)
        return None if number is None else number + 1

    def in_use(self, context: int) -> bool:
        """Whether a context is not in IP INITIAL."""
        return bool(self._modem.contexts[context].in_use)


class _Socket(protocol_socket.Serial):  # type: ignore[misc]  # pyserial has no types
    """A port that does not sleep when it is closed; for the line it is pyserial's own, which it polls."""

    __module__ = protocol_socket.__name__

    def close(self) -> None:
        """See `serial.Serial`."""
        if self.is_open:
            self._socket.close()
            self.is_open = False


class LoopWorld(World):
    """All in one loop whose time leaps."""

    def __init__(self, programs: int) -> None:
        self._loop = LeapingLoop(grace=0.002)
        self._clock = LoopClock(self._loop)
        self.module = EmulatedModule(clock=self._clock)
        self._loop.call(self.module.__aenter__)
        self._where = self._loop.call(self.module.serve_tcp)
        self._open()
        super().__init__(programs)

    def _open(self) -> None:
        self._mux = self._loop.call(lambda: cmux.aio.open(_Socket(f"socket://{self._where}")))
        self._channels = {uart: self._loop.call(lambda uart=uart: self._mux.channel(uart)) for uart in UARTS}

    def driver(self, uart: int, context: int, table: ContextTable) -> Any:
        def make() -> aio.TcpipDriver:
            return aio.TcpipDriver(self._channels[uart], context, table=table, initialise=(), clock=self._clock)

        return InLoop(self._loop.call, self._loop.call(make))

    def hang_up(self, uart: int) -> None:
        writer = self._channels[uart][1]
        self._loop.call(writer.close)
        with contextlib.suppress(OSError):
            self._loop.call(writer.wait_closed)
        self.close((uart,))
        self._channels[uart] = self._loop.call(lambda: self._mux.channel(uart))
        self.make(uart)

    def reset(self) -> None:
        self._in_module(lambda: self.module.trigger("reset"))
        self._pause()
        self.close()
        self._loop.call(self._mux.close)
        self._open()
        self.begin()

    def drop(self) -> None:
        self._in_module(self.module.drop_contexts)
        self._pause()

    def _pause(self) -> None:
        async def pause() -> None:
            await self._mux.test()  # what the module said before has come

        with contextlib.suppress(OSError):
            self._loop.call(pause)

    def _in_module(self, work: Callable[[], None]) -> None:
        self._loop.call(work)

    def end(self) -> None:
        self.close()
        self._loop.call(self._mux.close)
        self._loop.call(lambda: self.module.__aexit__(None, None, None))
        self._loop.finish()


class ThreadWorld(World):
    """A host on threads; it lives on from example to example, as a line takes half a second to open."""

    def __init__(self, programs: int) -> None:
        self.module = EmulatedModule()
        self.module.__enter__()
        self.mux = cmux.open(self.module.port())
        self._channels = {uart: self.mux.channel(uart) for uart in UARTS}
        super().__init__(programs)

    def driver(self, uart: int, context: int, table: ContextTable) -> Any:
        return TcpipDriver(self._channels[uart], context, table=table, initialise=())

    def hang_up(self, uart: int) -> None:
        self._channels[uart].close()
        self.close((uart,))
        self._channels[uart] = self.mux.channel(uart)
        self.make(uart)

    def drop(self) -> None:
        self.module.drop_contexts()
        self.mux.test()  # what the module said before has come
        for driver in self.drivers.values():
            driver.channel.command("AT")  # and has been read

    def end(self) -> None:
        self.close()
        self._end_line()

    def _end_line(self) -> None:
        self.mux.close()
        self.module.__exit__(None, None, None)


class ProcessWorld(ThreadWorld):
    """Two programs that are processes: the drivers of channels 3 and 4 are in another one, on ptys."""

    def __init__(self) -> None:
        self._helper: subprocess.Popen[str] | None = None
        self._bridges: list[PtyBridge] = []
        super().__init__(2)

    def begin(self) -> None:
        if self._helper is not None:
            self._ask(3, 0, "begin")
        super().begin()

    def driver(self, uart: int, context: int, table: ContextTable) -> Any:
        if self.program(uart) == 0:
            return super().driver(uart, context, table)
        if self._helper is None:
            self._bridges = [PtyBridge(self._channels[number], None) for number in (3, 4)]
            for bridge in self._bridges:
                bridge.start()
            command = [sys.executable, str(Path(__file__)), *(bridge.path for bridge in self._bridges)]
            self._helper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask(uart, context, "make")
        return _Remote(self, uart, context)

    def _ask(self, uart: int, context: int, call: str, **options: object) -> Any:
        assert self._helper is not None
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.write(json.dumps([uart, context, call, options]) + "\n")
        self._helper.stdin.flush()
        kind, value = json.loads(self._helper.stdout.readline())
        if kind:
            raise _named(kind)(value)
        return value

    def end(self) -> None:
        self.close()
        if self._helper is not None and self._helper.stdin is not None and self._helper.stdout is not None:
            self._helper.stdin.close()
            self._helper.wait(PATIENCE)
            self._helper.stdout.close()
        for bridge in self._bridges:
            bridge.close()
        self._end_line()


class Refused(DriverError):
    """What a driver of the other process has raised, by the name of its class."""


def _named(kind: str) -> type[Refused]:
    return type(kind, (Refused,), {})


class _Remote:
    """A driver of the other process."""

    def __init__(self, world: ProcessWorld, uart: int, context: int) -> None:
        self._world, self._uart, self._context = world, uart, context

    def __getattr__(self, name: str) -> Any:
        if name in ("held", "active"):
            return self._world._ask(self._uart, self._context, name)
        return lambda *arguments, **options: self._world._ask(
            self._uart, self._context, name, arguments=arguments, **options
        )


def _help(paths: list[str]) -> None:
    """Be the other process: carry out a call for each line."""
    import serial

    from drivers.at import AtChannel

    channels = {uart: AtChannel(serial.Serial(path)) for uart, path in zip((3, 4), paths, strict=True)}
    table = ContextTable()
    drivers: dict[Who, TcpipDriver] = {}
    for line in sys.stdin:
        uart, context, call, options = json.loads(line)
        arguments = options.pop("arguments", ())
        kind, value = "", None
        try:
            if call == "begin":
                table = ContextTable()
            elif call == "make":
                drivers[uart, context] = TcpipDriver(channels[uart], context, table=table, initialise=())
            elif call in ("held", "active"):
                lease = drivers[uart, context].lease
                value = lease is not None and (call == "held" or lease.active)
            else:
                result = getattr(drivers[uart, context], call)(*arguments, **options)
                value = result if isinstance(result, str) else None
        except Exception as error:  # noqa: BLE001 - the other side judges it
            kind, value = type(error).__name__, str(error)
        print(json.dumps([kind, value]), flush=True)
    for channel in channels.values():
        channel.close()
        channel.port.close()  # type: ignore[attr-defined]
    assert threading.active_count() == 1


if __name__ == "__main__":
    _help(sys.argv[1:])
