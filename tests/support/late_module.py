"""A module that takes its time for each command and answers them in order; its clock is turned by what is awaited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from cmux.opening import make_plan
from cmux.protocol import startup
from cmux.protocol.hand_over import Entered
from cmux.protocol.startup_steps import Dialogue, Finding, StartupStep, StepResult

T = TypeVar("T")

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
VALUES = b"\r\n+CMUX: 0,0,5,127,10,3,30,10,2\r\n\r\nOK\r\n"


class LateModule:
    """The module.

    Args:
        usual: seconds that a command takes.
        seconds: what others take.
        answers: what they are answered with, b"" is nothing; the others with OK.
        busy_and_deaf: what comes while it works on a command is lost; else it waits.
        two_minds: AT is answered by another part of it, at once.
    """

    def __init__(
        self,
        usual: float = 0.01,
        seconds: Mapping[str, float] | None = None,
        answers: Mapping[str, bytes] | None = None,
        *,
        busy_and_deaf: bool = False,
        two_minds: bool = False,
    ) -> None:
        self.usual, self.seconds, self.answers = usual, dict(seconds or {}), dict(answers or {})
        self.busy_and_deaf, self.two_minds = busy_and_deaf, two_minds
        self.now = 0.0
        self.heard: list[str] = []
        self.told: list[str] = []
        """The commands whose answer was heard."""
        self._busy_until = 0.0
        self._line = b""
        self._due: list[tuple[float, str, bytes]] = []

    def play(self, dialogue: Dialogue[T]) -> T:
        """Run a dialogue to its end."""
        try:
            step = next(dialogue)
            while True:
                step = dialogue.send(self._take(step))
                assert self.now < 60, "the dialogue has no bound"
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def enter(self, findings: list[Finding] | None = None, **settings: Any) -> Entered:
        """Bring it into multiplexer mode, as `cmux.open` does with these settings."""
        command = make_plan("/dev/modem", {"settle": 0, **settings}).command
        return self.play(startup.enter("/dev/modem", command, findings=findings))

    def _take(self, step: StartupStep) -> StepResult:
        *lines, self._line = (self._line + step.write).split(b"\r")
        for line in lines:
            if line.startswith(b"AT"):
                self._command(line.decode("ascii"))
        begun, until = self.now, self.now + step.wait
        if step.wait and self._due and self._due[0][0] <= until:
            at, command, answer = self._due.pop(0)
            self.now = max(self.now, at)
            self.told.append(command)
            return StepResult(answer, self.now - begun)
        self.now = until
        return StepResult(b"", step.wait)

    def _command(self, text: str) -> None:
        if self.busy_and_deaf and self.now < self._busy_until:
            return
        self.heard.append(text)
        if self.two_minds and text == "AT":
            self._answer(self.now + self.usual, text)
            return
        self._busy_until = max(self.now, self._busy_until) + self.seconds.get(text, self.usual)
        self._answer(self._busy_until, text)

    def _answer(self, at: float, text: str) -> None:
        if answer := self.answers.get(text, OK):
            self._due = sorted([*self._due, (at, text, answer)])
