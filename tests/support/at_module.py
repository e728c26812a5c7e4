"""A module in AT mode for dialogues: it hears at one baud rate, and answers by a table, on a clock of its own."""

from __future__ import annotations

import re

from cmux.protocol.startup_steps import Dialogue, StartupStep, StepResult, T

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
SILENCE = b""


class AtModule:
    """Answers OK to what is not in the table.

    Args:
        answers: the answers by command; a tuple has the seconds that an answer takes, too.
        rate: the baud rate at which it hears.
        line: the baud rate of the line.
        rates: those that AT+IPR accepts; None: all.
    """

    def __init__(
        self,
        answers: dict[str, bytes | tuple[float, bytes]] | None = None,
        *,
        rate: int = 115200,
        line: int = 115200,
        rates: tuple[int, ...] | None = None,
    ) -> None:
        self.answers = {"AT+CMUX?": ERROR, **(answers or {})}
        self.rate, self.line, self.rates = rate, line, rates
        self.now = 0.0
        self.said: list[str] = []
        """The commands that it heard."""
        self.lost: list[tuple[int, bytes]] = []
        """What came at another rate."""
        self._coming: list[tuple[float, bytes]] = []

    def play(self, dialogue: Dialogue[T]) -> T:
        """Run a dialogue of the host to its end."""
        try:
            step = next(dialogue)
            while True:
                step = dialogue.send(self._answer(step))
                assert self.now < 300, "the dialogue has no bound"
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def _answer(self, step: StartupStep) -> StepResult:
        if step.baudrate is not None:
            self.line = step.baudrate
        started = self.now
        if step.write and self.line != self.rate:
            self.lost.append((self.line, step.write))
        elif step.write:
            self._hear(step.write)
        if not step.wait:
            return StepResult(b"", 0.0)
        if self._coming and self._coming[0][0] <= started + step.wait:
            at, octets = self._coming.pop(0)
            self.now = max(self.now, at)
            return StepResult(octets, self.now - started)
        self.now += step.wait
        return StepResult(b"", step.wait)

    def _hear(self, octets: bytes) -> None:
        if not octets.endswith(b"\r") or b"\xf9" in octets:
            return
        command = octets[:-1].decode("ascii")
        self.said.append(command)
        answer = self.answers.get(command, OK)
        rate = re.fullmatch(r'AT[^"]*\+IPR *= *(\d+)', command, re.IGNORECASE)
        if rate and self.rates is not None and int(rate[1]) not in self.rates:
            answer = ERROR
        after, text = answer if isinstance(answer, tuple) else (0.0, answer)
        last = self._coming[-1][0] if self._coming else self.now
        if text:  # one command after the other
            self._coming.append((max(self.now + after, last), text))
        if rate and text == OK:
            self.rate = int(rate[1])
