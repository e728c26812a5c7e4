"""A module that wants silence after its OK to AT+CMUX, on a clock of its own."""

from __future__ import annotations

from cmux.protocol import Multiplexer, Role
from cmux.protocol.hand_over import Entered
from cmux.protocol.startup_steps import Dialogue, StartupStep, StepResult, T

OK = b"\r\nOK\r\n"


class SlowStarter:
    """A module in AT mode, then in multiplexer mode.

    Args:
        settle: seconds after its OK in which it loses what comes.
        deadlock: it hears nothing any more when something comes within them.
        chatter: what it sends after that OK by itself: the time after OK, and the octets.
        answers: its answers to commands, instead of OK to all and ERROR to AT+CMUX?.
    """

    def __init__(
        self,
        settle: float = 0.0,
        *,
        deadlock: bool = False,
        chatter: tuple[tuple[float, bytes], ...] = (),
        answers: dict[bytes, bytes] | None = None,
    ) -> None:
        self.settle, self.deadlock, self.chatter = settle, deadlock, list(chatter)
        self.answers = {b"AT+CMUX?\r": b"\r\nERROR\r\n", **(answers or {})}
        self.now = 0.0
        self.said: list[tuple[float, bytes]] = []
        self.ok_at: float | None = None
        self.deaf = False
        self.core = Multiplexer(Role.RESPONDER)

    def play(self, dialogue: Dialogue[T]) -> T:
        """Run a dialogue of the host to its end."""
        try:
            step = next(dialogue)
            while True:
                step = dialogue.send(self.answer(step))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def answer(self, step: StartupStep) -> StepResult:
        """Do what a step says."""
        if step.write:
            self.said.append((self.now, step.write))
            if self.ok_at is not None:
                self.hear(step.write)
            else:
                if step.write.startswith(b"AT+CMUX="):
                    self.ok_at = self.now
                return StepResult(self.answers.get(step.write, OK), 0.0)
        if step.wait and self.ok_at is not None and self.chatter:
            after, octets = self.chatter[0]
            elapsed = self.ok_at + after - self.now
            if elapsed <= step.wait:
                self.chatter.pop(0)
                self.now += elapsed
                return StepResult(octets, elapsed)
        self.now += step.wait
        return StepResult(b"", step.wait)

    def hear(self, octets: bytes) -> None:
        """Take octets in multiplexer mode."""
        assert self.ok_at is not None
        if self.now < self.ok_at + self.settle:
            self.deaf |= self.deadlock
        elif not self.deaf:
            self.core.receive_data(octets, self.now)

    def opens(self, entered: Entered) -> bool:
        """Let a host go on from what its dialogue has found, and say whether its session opens."""
        host = Multiplexer(Role.INITIATOR, entered.config)
        host.start(self.now)
        host.receive_data(entered.unread, self.now)
        self.hear(host.data_to_send(self.now))
        host.receive_data(self.core.data_to_send(self.now), self.now)
        return host.session_open
