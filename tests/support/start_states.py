"""A module that is found in any state when a host comes, on a clock of its own."""

from __future__ import annotations

from cmux.protocol.startup_steps import Dialogue, StartupStep, StepResult, T

OK = b"\r\nOK\r\n"
LCP = bytes.fromhex("7E FF 7D 23 C0 21 7D 21 7D 21 7D 20 7D 34 7E")
"""A configure request, with the octets below 20 escaped as they are by default."""
PLAIN_LCP = bytes.fromhex("7E FF 03 C0 21 01 01 00 14 7E")


class FoundModule:
    """The module.

    Args:
        data_mode: it is in data mode; +++ with a second of silence around it ends that.
        sends: what it sends every second in data mode.
        ends_with: what it sends when data mode ends.
        boots_at: seconds after which it hears AT.
        boot_text: what it sends then.
        rate: the baud rate at which it hears and sends.
    """

    def __init__(
        self,
        *,
        data_mode: bool = False,
        sends: bytes = b"",
        ends_with: bytes = OK,
        boots_at: float = 0.0,
        boot_text: bytes = b"",
        rate: int = 115200,
    ) -> None:
        self.data_mode, self.sends, self.ends_with = data_mode, sends, ends_with
        self.boots_at, self.rate = boots_at, rate
        self.line = 115200
        self.now = 0.0
        self.heard: list[tuple[float, bytes]] = []
        self.passed_on = b""
        """What went to the remote side, as data."""
        self._events: list[tuple[float, bytes]] = [(boots_at, boot_text)] if boot_text else []
        self._spoke_at = -10.0
        self._plus_at: float | None = None
        self._sent_at = 0.0

    def play(self, dialogue: Dialogue[T]) -> T:
        try:
            step = next(dialogue)
            while True:
                step = dialogue.send(self._answer(step))
                assert self.now < 600, "the dialogue has no bound"
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def _answer(self, step: StartupStep) -> StepResult:
        self.line = step.baudrate or self.line
        if step.write:
            self.heard.append((self.now, step.write))
            self._hear(step.write)
        if not step.wait:
            return StepResult(b"", 0.0)
        ends = self.now + step.wait
        if self.data_mode and self._plus_at is not None and ends >= self._plus_at + 1:
            self.data_mode = False
            self._events.append((self._plus_at + 1, self.ends_with))
        if self.data_mode and self.sends and ends >= self._sent_at + 1:
            self._sent_at += 1
            self._events.append((self._sent_at, self.sends))
        self._events.sort()
        if self._events and self._events[0][0] <= ends:
            at, octets = self._events.pop(0)
            elapsed = max(0.001, at - self.now)
            self.now += elapsed
            return StepResult(octets if self.line == self.rate else b"\x80\xfe", elapsed)
        self.now = ends
        return StepResult(b"", step.wait)

    def _hear(self, octets: bytes) -> None:
        if self.line != self.rate or self.now < self.boots_at:
            return
        if self.data_mode:
            self._plus_at = self.now if octets == b"+++" and self.now >= self._spoke_at + 1 else None
            self._spoke_at = self.now
            self.passed_on += octets
        elif octets.startswith(b"AT") and octets.endswith(b"\r"):
            answer = b"\r\nERROR\r\n" if octets == b"AT+CMUX?\r" else OK
            self._events.append((self.now, answer))
