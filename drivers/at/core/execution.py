"""The execution of dialogues on an engine: one turn of the channel, and its recovery after a failure."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...errors import AnswerLost, AtError, AtTimeout, CommandError, DriverError
from .dialogue import Dialogue, Response, Step, command, pause
from .engine import Engine
from .ticket import Ticket

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limit:
    """The time by which a dialogue has ended in any case, with all that the channel needs before it.

    Args:
        at: the time, on the caller's clock.
        seconds: how long that was.
        what: the name of the dialogue in messages.
    """

    at: float
    seconds: float
    what: str

    def expired(self, name: str) -> AtTimeout:
        """Return the exception for a dialogue for which there is no time left."""
        return AtTimeout(
            f"{name}: {self.what} was not sent, the module did not answer what comes before it within "
            f"{self.seconds:g} s; is it powered, in AT command mode and at this baud rate?",
            command=self.what,
        )


class Execution(Generic[T]):
    """One dialogue on an engine; a runner calls `proceed` until the dialogue has ended.

    Args:
        engine: the engine, with no step in flight.
        dialogue: the dialogue.
        ticket: its ticket for the channel, by which it can be abandoned.
        limit: the time by which it has ended.
    """

    def __init__(
        self, engine: Engine, dialogue: Dialogue[T], ticket: Ticket | None = None, limit: Limit | None = None
    ) -> None:
        self._engine = engine
        self._ticket = ticket or Ticket()
        self._dialogue: Dialogue[T] | Dialogue[None] = dialogue
        self._limit = limit
        self._begun = False
        self._last: Step | None = None
        self._settling = self._rescuing = False
        self.result: T

    def proceed(self, now: float) -> bool:
        """Run the dialogue as far as possible without waiting; an exception of the dialogue is raised here.

        So is the exception of a ticket that was abandoned.

        Args:
            now: the caller's clock in seconds.

        Returns:
            True when the dialogue has ended; `result` is its return value.
        """
        self._ticket.check(self._last if self._engine.waiting else None)
        return self._advance(now)

    def _advance(self, now: float) -> bool:
        expired: AtError | None = None
        while True:
            reply: Response | AtError | None = expired
            if not self._begun:
                self._begun = True
            elif expired is None:
                reply = self._engine.reply()
                if reply is None:
                    return False
                if not isinstance(reply, AtTimeout) and type(reply) is not AnswerLost:
                    self._last = None  # it was answered: the channel needs no recovery
            try:
                step = next(self._dialogue) if reply is None else self._dialogue.send(reply)
            except StopIteration as stop:
                self.result = stop.value
                self._last = None
                self._engine.process(now)
                return True
            limit, expired = self._limit, None
            if limit is not None and now >= limit.at:
                expired = limit.expired(self._engine.name)
                continue
            self._last = step
            self._ticket.begin(step)
            self._engine.arm(step, None if limit is None else limit.at)
            if not step.write:
                self._engine.sent(now)
            self._engine.process(now)

    def abort(self, *, interrupted: bool) -> None:
        """Give up the dialogue; `wind_up` recovers the channel. Another call gives up the recovery.

        Args:
            interrupted: whether the caller was interrupted; if so, steps that have to be whole are finished first.
        """
        self._settling, self._rescuing, self._limit = interrupted or self._ticket.abandoned, False, None

    def wind_up(self, now: float) -> bool:
        """Recover the channel after `abort`, as far as possible without waiting; raises what the recovery raises.

        Args:
            now: the caller's clock in seconds.

        Returns:
            True when the channel can be used again.
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
        return self._advance(now)

    def _settle(self, now: float) -> bool:
        """Run to the first step that need not be finished; return True when it is reached."""
        # A prompt that has come will not come again: the recovery would wait for it in vain.
        while self._last is not None and (self._last.whole or (self._last.prompt and not self._engine.waiting)):
            if self._engine.waiting:
                return False
            if self._advance(now):
                break
        return True

    def _give_up(self) -> Dialogue[None] | None:
        """End the dialogue and return the one that recovers the channel, if the last step named one."""
        self._engine.give_up()
        self._dialogue.close()
        last, self._last = self._last, None
        return last.abandon() if last is not None and last.abandon is not None else None


def turn(engine: Engine, dialogue: Dialogue[T]) -> Dialogue[T]:
    """Run a dialogue; before it, set the channel up and resynchronise it if that is needed.

    Args:
        engine: the engine of the channel.
        dialogue: the dialogue.

    Raises:
        AtTimeout: the module does not answer at all.
    """
    if not engine.prepared:
        yield from prepare(engine)
        engine.prepared = True
    if engine.in_doubt:
        yield from resynchronise(engine)
    try:
        return (yield from dialogue)
    except AtError as error:
        if not str(error).startswith(engine.name):  # a dialogue that raises it itself does not know the port
            error.args = (f"{engine.name}: {error}",)
        raise


def resynchronise(engine: Engine) -> Dialogue[None]:
    """Make sure that the next answer belongs to the next command.

    A late answer looks like the answer to the next command. Only an echo distinguishes them: ATE1 is sent, then ATE0,
    and nothing behind the echo of ATE0 is stale. A module without echo, or one that sends bare data at present, is sent
    AT twice, each followed by a pause.

    Args:
        engine: the engine of the channel.

    Raises:
        AtTimeout: the module does not answer at all.
    """
    if not engine.lexer.framing.bare:
        for _ in range(2):
            try:
                yield from _attempt("ATE1", after_echo=False)
                yield from _attempt("ATE0", after_echo=True)
            except (AtTimeout, AnswerLost):  # it may have been starting
                continue
            engine.in_doubt = False
            return
    for _ in range(2):
        yield from command("AT", timeout=2.0)
        yield from pause(0.5)
    engine.in_doubt = False


def prepare(engine: Engine) -> Dialogue[None]:
    """Set a channel up before its first dialogue: turn its echo off.

    Args:
        engine: the engine of the channel.

    Raises:
        AtTimeout: the module does not answer at all.
    """
    try:
        yield from command("ATE0", timeout=2.0)
    except (AtTimeout, AnswerLost):
        yield from resynchronise(engine)


def _attempt(text: str, *, after_echo: bool) -> Dialogue[None]:
    try:
        yield from command(text, timeout=1.0, after_echo=after_echo)
    except CommandError:
        return  # any final result is sufficient
