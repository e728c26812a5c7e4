"""What carries plans out on threads, for the driver, its sessions and its listeners."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from ..at import AtChannel, Dialogue, Port, in_use, shared_channel
from ..clock import Clock
from ..errors import TcpipError
from . import reclaim
from .endpoint import Address, Role
from .front import Front
from .listener import Listener
from .plans import Alone, Course, Elsewhere, Plan, Rest, Step
from .session import Session

T = TypeVar("T")


class Multiplexer(Protocol):
    """What is needed of a multiplexer."""

    def channel(self, dlci: int) -> Port:
        """Return the port of a DLC, opened."""


class Shell(Front["Port | AtChannel", AtChannel]):
    """One context's rules, and a channel on which threads carry them out."""

    def _enter(self, port: Port | AtChannel, clock: Clock | None) -> tuple[AtChannel, object, int | None]:
        if isinstance(port, AtChannel):
            self._port, channel = port.port, port
        else:
            self._port, channel = port, shared_channel(port, clock=clock)
        self._owns_channel = not isinstance(port, AtChannel)
        if self._owns_channel:
            channel.retain()
        self._administration = threading.RLock()  # claim, listen, connect, close: one at a time; never on the reader
        self._work_asked = False
        dlci = getattr(self._port, "dlci", None)
        return channel, self._port, dlci if isinstance(dlci, int) else None

    def run(self, dialogue: Dialogue[T]) -> T:
        """Run one dialogue on the channel."""
        return self._channel.run(dialogue)

    def carry_out(self, plan: Plan[T], rest: Callable[[Rest], None] | None = None) -> T:
        """Carry out a plan: its dialogues on the channel, its waits beside it.

        Args:
            plan: a fresh generator.
            rest: how to wait, where that may be ended early.
        """
        course = Course(plan)
        while (step := course.step()) is not None:
            with course:
                course.answer = self._do(step, rest)
        return course.result

    def administer(self, plan: Plan[T], rest: Callable[[Rest], None] | None = None) -> T:
        """Carry out a plan that no other one may come between."""
        with self._administration:
            return self.carry_out(plan, rest)

    def _do(self, step: Step, rest: Callable[[Rest], None] | None) -> Any:
        match step:
            case Rest():
                return (rest or self._rest)(step)
            case Alone(plan):
                return self.administer(plan, rest)
            case Elsewhere():
                return self._take_down_elsewhere(step)
            case _:
                return self._channel.run(step)

    def _rest(self, rest: Rest) -> None:
        if rest.context is None:
            self._table.rest(rest.seconds)
        else:
            self._table.wait(rest.context, rest.seconds)

    def _take_down_elsewhere(self, step: Elsewhere) -> None:
        """Deactivate a context from the virtual UART that controls it; nothing is sent on one that is used here."""
        multiplexer, own = getattr(self._port, "mux", None), getattr(self._port, "dlci", None)
        if multiplexer is None or not hasattr(multiplexer, "channel"):
            return  # a bare UART is the only one
        for dlci in reclaim.candidates(own):
            if self._clock.now() >= step.deadline:
                return
            try:
                other = cast(Multiplexer, multiplexer).channel(dlci)
            except OSError:
                continue  # the module does not have it
            if in_use(other):
                continue
            with AtChannel(other, clock=self._clock) as channel:
                try:
                    channel.run(reclaim.take_down(step.context))
                except reclaim.REFUSALS as failure:
                    reclaim.tell(step.context, channel.name, failure)
                else:
                    reclaim.tell(step.context, channel.name, None)
                    return

    def _new_session(self, role: Role, protocol: str, remote: Address, index: int, datagrams: bool) -> Session:
        return Session(
            self,
            name=self.stack.name,
            protocol=protocol,
            role=role,
            remote=remote,
            clock=self._clock,
            index=index,
            datagrams=datagrams,
        )

    def _new_listener(self, protocol: str, port: int, clients: int) -> Listener:
        return Listener(self, name=self.stack.name, protocol=protocol, port=port, clients=clients, clock=self._clock)

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
