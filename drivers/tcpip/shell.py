"""What runs dialogues and plans on threads, for the driver, its sessions and its listeners."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from ..at import AtChannel, Dialogue, Port, shared_channel
from ..clock import Clock, SystemClock
from ..errors import DriverError, TcpipError
from .context import ContextTable, table_for
from .endpoint import Address, Role
from .hold import Plan, Rest, uart_of
from .listener import Listener
from .session import Session
from .settings import Options
from .stack import Stack

T = TypeVar("T")


class Shell:
    """One context's rules, and a channel on which threads carry them out.

    Args:
        port: a virtual UART, any other pyserial-like port, or an `AtChannel`.
        options: how the context is to be used.
        table: who owns which context; None: the one of the port's multiplexer, or of the port alone.
        clock: the source of time.
    """

    def __init__(
        self, port: Port | AtChannel, options: Options, table: ContextTable | None, clock: Clock | None
    ) -> None:
        self.context = options.context
        self._options = options
        if isinstance(port, AtChannel):
            self._port, self._channel, clock = port.port, port, clock or port.clock
        else:
            self._port, self._channel = port, shared_channel(port, clock=clock)
        self._clock: Clock = clock or SystemClock()
        self._owns_channel = not isinstance(port, AtChannel)
        if self._owns_channel:
            self._channel.retain()
        dlci = getattr(self._port, "dlci", None)
        self._table = table if table is not None else table_for(self._port, clock=self._clock)
        self._work_asked = False
        self.stack = Stack(
            options,
            uart_of(self._channel),
            self._channel.name,
            dlci=dlci if isinstance(dlci, int) else None,
            table=self._table,
            now=self._clock.now,
            new_session=self._new_session,
            new_server=self._new_listener,
            wake=self._wake,
            set_dtr=self._set_dtr,
            attach=self._attach,
        )
        """The rules of the context; for `Session` and `Listener`."""

    @property
    def channel(self) -> AtChannel:
        """The AT channel that the driver uses."""
        return self._channel

    @property
    def table(self) -> ContextTable:
        """Who owns which context of this modem."""
        return self._table

    def run(self, dialogue: Dialogue[T]) -> T:
        """Run one dialogue on the channel."""
        return self._channel.run(dialogue)

    def carry_out(self, plan: Plan[T], rest: Callable[[float], None] | None = None) -> T:
        """Carry out a plan: its dialogues on the channel, its waits beside it.

        Args:
            plan: a fresh generator.
            rest: how to wait, where that may be ended early.
        """
        answer: Any = None
        failure: BaseException | None = None
        while True:
            try:
                step = plan.throw(failure) if failure is not None else plan.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            answer, failure = None, None
            try:
                if isinstance(step, Rest):
                    if step.context is not None:
                        self._table.wait(step.context, step.seconds)
                    else:
                        (rest or self._table.rest)(step.seconds)
                else:
                    answer = self._channel.run(step)
            except DriverError as error:
                failure = error
            except BaseException:
                plan.close()
                raise

    def leave_data_mode(self) -> None:
        """Leave data mode, as far as that is possible, before the context is given up."""
        if self.stack.inbox.online is not None:
            with suppress(DriverError):
                self.run(self.stack.data_mode.escape())

    def room_made(self) -> None:
        """Learn that a reader has made room."""
        self._channel.room_made()
        self.stack.room_made()

    def _new_session(self, role: Role, protocol: str, remote: Address, index: int) -> Session:
        bare = self.stack.mixes or self._options.transparent is not None
        return Session(
            self,
            name=self.stack.name,
            protocol=protocol,
            role=role,
            remote=remote,
            clock=self._clock,
            index=index,
            datagrams=protocol == "UDP" and not bare,
        )

    def _new_listener(self, protocol: str, port: int, clients: int) -> Listener:
        return Listener(self, name=self.stack.name, protocol=protocol, port=port, clients=clients, clock=self._clock)

    def _attach(self, begin: bool) -> None:
        if begin:
            self._channel.add_sink(self.stack.inbox)
        else:
            self._channel.remove_sink(self.stack.inbox)

    def _set_dtr(self, on: bool) -> None:
        if not hasattr(self._port, "dtr"):
            raise TcpipError(f"{self.stack.name}: the port has no DTR; use escape='+++'")
        self._port.dtr = on

    def _wake(self) -> None:
        if not self._work_asked:
            self._work_asked = True
            work = weakref.WeakMethod(self._work)
            self._channel.call_soon(lambda: (method := work()) and method())

    def _work(self) -> None:
        """Do what is due without being asked, on the channel's dispatch thread, one turn at a time."""
        self._work_asked = False
        while (dialogue := self.stack.work()) is not None:
            self._channel.run(dialogue)
