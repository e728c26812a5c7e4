"""Data calls: which UART has one, which PDP context it uses, and the program that its octets belong to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from .environment import Environment
from .interpreter.bytestream import DataStream, Online
from .interpreter.replies import ERROR, NO_CARRIER, Reply, Result
from .interpreter.uart import Uart
from .ppp.program import HANG_UP_WAIT, PppProgram

log: logging.Logger = logging.getLogger(__name__)

_PACKET = 1500  # octets that are written to the program at once
_BETWEEN = 1.0  # seconds between the plus signs, which may come slower than in a session: manual 7.4
_KILLED = 1.0  # seconds that the system takes to end a process with SIGKILL


class Dialling(Protocol):
    """The command that dials."""

    uart: Uart

    def finish(self, reply: Reply) -> None:
        """End it; see `UartCall.finish`."""


class DataCall:
    """Represents one data call, from ATD to its end.

    Args:
        dialling: the command that has begun it.
        context: the PDP context that it uses, by its number in AT+CGDCONT.
        silent: returns whether nothing arrives now, in either direction.
        guard: seconds of silence before and after +++.
    """

    def __init__(self, dialling: Dialling, context: int, silent: Callable[[], bool], guard: float) -> None:
        self.uart: Uart = dialling.uart
        self.lost: int = 0  # octets that a silent network has swallowed
        self._silent = silent
        self._guard = guard
        self._dialling = dialling
        self.context: int = context
        self.final: Result | None = Result.NO_CARRIER
        """See `DataStream.final`."""
        self.task: asyncio.Task[None] | None = None
        """Activates the context and starts the program."""
        self.program: PppProgram | None = None
        self.over: bool = False
        """Whether its UART knows that it has ended."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of uart {self.uart.number + 1} on context {self.context}: {self.program!r}>"

    @property
    def connected(self) -> bool:
        """See `DataStream.connected`."""
        return self.program is not None and self.program.connected

    def take_raw(self) -> bytes:
        """See `DataStream.take_raw`."""
        data = b"" if self.program is None else self.program.take_raw()
        if not data or not self._silent():
            return data
        self.lost += len(data)
        return self.take_raw()

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """See `DataStream.send`."""
        if self.program is None:
            done(False)
        elif self._silent():
            self.lost += len(data)
            done(True)
        else:
            self.program.send(data, done)

    def hang_up(self) -> None:
        """End it from the module's side; nothing is told to its UART."""
        if self.task is not None:
            self.task.cancel()
        if self.program is not None:
            self.program.hang_up()
        self._dialling.finish(NO_CARRIER)  # which does nothing once it is connected

    def changed(self) -> None:
        """Called when there are octets, or the program has ended, which is told once."""
        if not self.over:
            self.uart.changed(self)

    @property
    def online(self) -> Online:
        """How its UART is joined to it."""
        return Online(self, size=_PACKET, wait=0, escape=True, guard=self._guard, between=_BETWEEN)


class DataCalls:
    """Holds the data calls of one module, at most one for each UART and each context.

    Args:
        environment: loop, clock, behaviour, network, and the command.
        used_by_stack: returns whether the TCP/IP stack uses the context of a number of AT+CGDCONT.
        guard: seconds of silence before and after +++.
    """

    def __init__(self, environment: Environment, used_by_stack: Callable[[int], bool], guard: float) -> None:
        self._environment = environment
        self._used_by_stack = used_by_stack
        self._guard = guard
        self._calls: dict[int, DataCall] = {}
        self._programs: set[PppProgram] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {list(self._calls.values())}>"

    def uses(self, context: int) -> bool:
        """Return whether a data call has a context."""
        return any(call.context == context for call in self._calls.values())

    @property
    def any(self) -> bool:
        """Whether there is a call."""
        return bool(self._calls)

    def online(self, uart: int) -> Online | None:
        """Return what ATO goes back to, or None."""
        call = self._calls.get(uart)
        return call.online if call is not None and call.connected else None

    def dial(self, dialling: Dialling, contexts: tuple[int, ...]) -> Reply | None:
        """Begin a call on the first context that is free; CONNECT follows, or NO CARRIER, also if it is aborted.

        Args:
            dialling: the command.
            contexts: which may be used.
        """
        uart = dialling.uart
        if not self._environment.ppp:
            return ERROR if self._environment.behaviour.dial_without_ppp == "ERROR" else NO_CARRIER
        free = [number for number in contexts if not self.uses(number) and not self._used_by_stack(number)]
        if not free or uart.number in self._calls:
            log.info("uart %d: no call, as context %s is in use", uart.number + 1, ", ".join(map(str, contexts)))
            return NO_CARRIER
        call = self._calls[uart.number] = DataCall(
            dialling, free[0], lambda: self._environment.network.silent, self._guard
        )
        call.task = self._environment.loop.create_task(self._establish(call, dialling))
        self._tasks.add(call.task)
        call.task.add_done_callback(self._tasks.discard)
        uart.abortable(lambda: self.end(uart.number))
        return None

    async def _establish(self, call: DataCall, dialling: Dialling) -> None:
        """Activate the context and start the program; the command ends with it."""
        environment = self._environment
        try:
            await environment.sleep(environment.behaviour.activation_time)
            with suppress(TimeoutError):
                await environment.within(environment.behaviour.activation_timeout, environment.audible())
            if environment.network.grants:
                call.program = program = await PppProgram.start(environment.ppp, call.changed, environment.loop)
                self._programs.add(program)
                program.exited.add_done_callback(lambda _: self._programs.discard(program))
                if call.uart.connect(dialling, call.online):
                    return
        except OSError as error:
            log.warning("%s cannot be started: %s", environment.ppp[0], error.strerror or error)
        self.forget(call)
        call.task = None  # this one
        call.hang_up()

    def end(self, uart: int) -> bool:
        """End the call of a UART, see `UartHost.end_call`; a command that still dials ends with NO CARRIER."""
        call = self._calls.pop(uart, None)
        if call is None:
            return False
        connected = call.program is not None
        call.hang_up()
        return connected

    def drop(self, context: int) -> None:
        """End the call on a context from the network's side: NO CARRIER."""
        for call in [call for call in self._calls.values() if call.context == context]:
            if call.program is None:  # the UART has no part in it yet, and hears the end of its command
                self.forget(call)
            call.hang_up()
            if call.program is not None:
                call.changed()

    def reset(self) -> None:
        """End all calls, without a word to their UARTs."""
        for call in list(self._calls.values()):
            call.final = None
            call.hang_up()
            if call.program is not None:
                call.changed()
        self._calls.clear()

    def forget(self, stream: DataStream) -> None:
        """Forget a call that has ended."""
        if isinstance(stream, DataCall) and self._calls.get(stream.uart.number) is stream:
            del self._calls[stream.uart.number]
            stream.over = True

    async def close(self) -> None:
        """End all calls, and wait until no program is left."""
        self.reset()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=HANG_UP_WAIT)
        if self._programs:
            await asyncio.wait({program.exited for program in self._programs}, timeout=HANG_UP_WAIT + _KILLED)
