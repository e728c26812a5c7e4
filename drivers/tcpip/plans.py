"""Plans: several dialogues with waits between them, and what carries them out needs to know of them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar

from ..at import Dialogue
from ..errors import DriverError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rest:
    """A wait in a plan, during which the channel is free for others.

    Args:
        seconds: how long.
        context: the context that may become free meanwhile, which ends it; None: nothing of that kind does.
        firm: whether it lasts also when the session that the plan is about has ended.
    """

    seconds: float
    context: int | None = None
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Alone:
    """A plan inside a plan that no other plan of the same driver may come between.

    Args:
        plan: a fresh generator; what it returns is the answer.
    """

    plan: Plan[Any]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A context is to be taken down from another virtual UART, one of ours that nobody here uses.

    Args:
        context: which context.
        deadline: until when, on the driver's clock.
    """

    context: int
    deadline: float


Step = Dialogue[Any] | Rest | Alone | Elsewhere
Plan = Generator[Step, Any, T]
"""Yields steps; is sent what each dialogue returns, and thrown what it raises."""


class Course(Generic[T]):
    """A plan under way; whoever carries it out does each step inside ``with course:``.

    Args:
        plan: a fresh generator.
    """

    def __init__(self, plan: Plan[T]) -> None:
        self.answer: Any = None
        """What the step gave."""
        self.result: T
        self._plan = plan
        self._failure: DriverError | None = None

    def step(self) -> Step | None:
        """Return what is to be done next; None: the plan is over, and `result` is what it returned."""
        answer, failure = self.answer, self._failure
        self.answer = self._failure = None
        try:
            return self._plan.send(answer) if failure is None else self._plan.throw(failure)
        except StopIteration as stop:
            self.result = stop.value
            return None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, DriverError):
            self._failure = error  # the plan's own business
            return True
        if error is not None:
            self._plan.close()
        return False
