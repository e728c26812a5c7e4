"""How dialogues are carried on over an engine: one turn of the channel, and what brings it back after a failure."""

from __future__ import annotations

from contextlib import suppress
from typing import Generic, TypeVar

from ...errors import AtError, AtTimeout, CommandError, DriverError
from .dialogue import Dialogue, Step, command, pause
from .engine import Engine

T = TypeVar("T")


class Execution(Generic[T]):
    """One dialogue on an engine, carried on by whoever runs it.

    Args:
        engine: the engine, with no step in flight.
        dialogue: the procedure.
    """

    def __init__(self, engine: Engine, dialogue: Dialogue[T]) -> None:
        self._engine = engine
        self._dialogue: Dialogue[T] | Dialogue[None] = dialogue
        self._begun = False
        self._last: Step | None = None
        self._settling = self._rescuing = False
        self.result: T

    def proceed(self, now: float) -> bool:
        """Go on as far as possible.

        Args:
            now: the caller's clock in seconds.

        Returns:
            True when the dialogue has ended; `result` is what it returned. What it raises is raised here.
        """
        while True:
            if not self._begun:
                self._begun = True
                reply = None
            else:
                reply = self._engine.reply()
                if reply is None:
                    return False
                if not isinstance(reply, AtTimeout):
                    self._last = None  # it was answered: nothing to bring back
            try:
                if isinstance(reply, AtError):
                    step = self._dialogue.throw(reply)
                else:
                    step = next(self._dialogue) if reply is None else self._dialogue.send(reply)
            except StopIteration as stop:
                self.result = stop.value
                self._last = None
                self._engine.process(now)
                return True
            self._last = step
            self._engine.arm(step)
            if not step.write:
                self._engine.sent(now)
            self._engine.process(now)

    def abort(self, *, interrupted: bool) -> None:
        """Give the dialogue up; `wind_up` does what has to be done for that. A further abort gives up what that does.

        Args:
            interrupted: whether the caller was interrupted: what was begun and has to be whole is finished first.
        """
        self._settling, self._rescuing = interrupted, False

    def wind_up(self, now: float) -> bool:
        """After `abort`, go on with what brings the channel back as far as possible.

        Args:
            now: the caller's clock in seconds.

        Returns:
            True when the channel can be used again. What the dialogue that brings it back raises is raised here.
        """
        if self._settling:
            with suppress(DriverError):  # the caller has an exception already
                if not self._settle(now):
                    return False
            self._settling = False
        if not self._rescuing:
            self._rescuing = True
            rescue = self._give_up()
            self._engine.process(now)
            if rescue is None or self._engine.failure is not None:
                return True
            self._dialogue, self._begun = rescue, False
        return self.proceed(now)

    def _settle(self, now: float) -> bool:
        """Go on as far as it has to be, to the first step that need not be finished; True when that is reached."""
        # A prompt that has come will not come again: whoever brings the channel back would wait for it in vain.
        while self._last is not None and (self._last.whole or (self._last.prompt and not self._engine.waiting)):
            if self._engine.waiting:
                return False
            if self.proceed(now):
                break
        return True

    def _give_up(self) -> Dialogue[None] | None:
        """End the dialogue and return the one that brings the channel back, if the last step named one."""
        self._engine.give_up()
        self._dialogue.close()
        last, self._last = self._last, None
        return last.abandon() if last is not None and last.abandon is not None else None


def turn(engine: Engine, dialogue: Dialogue[T]) -> Dialogue[T]:
    """Run a dialogue on a channel that is set up and whose answers are in step with its commands.

    Args:
        engine: the engine of the channel.
        dialogue: the procedure.

    Raises:
        AtTimeout: the module does not answer at all.
    """
    if not engine.prepared:
        yield from prepare(engine)
        engine.prepared = True
    if engine.in_doubt:
        yield from resynchronise(engine)
    return (yield from dialogue)


def resynchronise(engine: Engine) -> Dialogue[None]:
    """Make sure that the next answer belongs to the next command.

    An answer that is late cannot be told from the next command's, except by an echo: ATE1 and then ATE0, whose own
    echo marks the place behind which nothing is stale. A module without echo, or one that sends bare data now, is
    asked twice with a silence between.

    Args:
        engine: the engine whose channel is in doubt.

    Raises:
        AtTimeout: the module does not answer at all.
    """
    if not engine.lexer.framing.bare:
        for _ in range(2):
            try:
                yield from _attempt("ATE1", after_echo=False)
                yield from _attempt("ATE0", after_echo=True)
            except AtTimeout:
                continue
            engine.in_doubt = False
            return
    for _ in range(2):
        yield from command("AT", timeout=2.0)
        yield from pause(0.5)
    engine.in_doubt = False


def prepare(engine: Engine) -> Dialogue[None]:
    """Set a channel up before its first dialogue: no echo.

    Args:
        engine: the engine of the channel.

    Raises:
        AtTimeout: the module does not answer at all.
    """
    try:
        yield from command("ATE0", timeout=2.0)
    except AtTimeout:
        yield from resynchronise(engine)


def _attempt(text: str, *, after_echo: bool) -> Dialogue[None]:
    try:
        yield from command(text, timeout=1.0, after_echo=after_echo)
    except CommandError:
        return  # any final result will do
