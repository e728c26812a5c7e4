"""How long the next host waits for a module whose host was killed: worked out on a clock of its own, octet by octet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import Config, Multiplexer, Option, Role, startup
from cmux.protocol.at_cmux import CmuxCommand
from cmux.protocol.startup_steps import Dialogue, StartupStep, StepResult, T

LIMIT = 10.0
LINE = 11520.0  # octets a second
N1 = {Option.BASIC: 127, Option.ADVANCED: 127}


class AbandonedModule:
    """A module whose host was killed in the middle of a frame: the core of one, a clock, and AT commands."""

    def __init__(self, option: Option, cut: int, backlog: int) -> None:
        self.now = 0.0
        self.in_mux = True
        self.line = b""
        self.core = self._fresh(option)
        host = Multiplexer(Role.INITIATOR, Config(option=option, n1=N1[option]))
        host.start(self.now)
        self._talk(host)
        host.open(2, self.now)
        self._talk(host)
        assert self.core.is_open(2)
        host.send(2, bytes(range(256)), self.now)
        self.core.receive_data(host.data_to_send(self.now)[:cut], self.now)
        self.core.send(2, bytes(backlog), self.now)

    def _talk(self, host: Multiplexer) -> None:
        for _ in range(5):
            self.core.receive_data(host.data_to_send(self.now), self.now)
            host.receive_data(self.core.data_to_send(self.now), self.now)

    def _fresh(self, option: Option) -> Multiplexer:
        return Multiplexer(Role.RESPONDER, Config(option=option, n1=N1[option]))

    def play(self, dialogue: Dialogue[T]) -> T:
        try:
            step = next(dialogue)
            while True:
                step = dialogue.send(self.answer(step))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def answer(self, step: StartupStep) -> StepResult:
        started = self.now
        self.now += len(step.write) / LINE
        answer = self.take(step.write)
        while not answer and self.in_mux:
            due = self.core.next_timeout()
            if due is None or due > started + step.wait:
                break
            self.now = max(self.now, due)
            self.core.handle_timeout(self.now)
            answer = self.core.data_to_send(self.now)
        self.now = max(self.now, started + step.wait) if not answer else self.now + len(answer) / LINE
        return StepResult(answer if step.wait > 0 else b"", self.now - started)

    def take(self, octets: bytes) -> bytes:
        answer = b""
        if self.in_mux:
            self.core.receive_data(octets, self.now)
            answer = self.core.data_to_send(self.now)
            if self.core.session_open:
                return answer
            self.in_mux, octets = False, self.core.take_unread()
        self.line += octets
        while b"\r" in self.line and not self.in_mux:
            line, _, self.line = self.line.partition(b"\r")
            if line.strip().endswith(b"AT"):
                answer += line + b"\r\r\nOK\r\n"
            elif b"AT+CMUX=" in line:
                self.in_mux, self.core = True, self._fresh(Option.ADVANCED if b"=1" in line else Option.BASIC)
                answer += line + b"\r\r\nOK\r\n"
            else:
                answer += line + b"\r\r\nERROR\r\n"
        return answer


@pytest.mark.parametrize("left_in", list(Option))
@pytest.mark.parametrize("wanted", list(Option))
@given(cut=st.integers(0, 300), backlog=st.integers(0, 2000))
def test_the_next_host_waits_less_than_ten_seconds_wherever_the_last_one_was_cut_off(
    left_in: Option, wanted: Option, cut: int, backlog: int
) -> None:
    module = AbandonedModule(left_in, cut, backlog)
    config = Config(option=wanted, n1=N1[wanted])
    entered = module.play(startup.enter("/dev/modem", CmuxCommand(config=config), other_rates=startup.OTHER_RATES))
    assert module.in_mux
    assert not entered.adopted
    host = Multiplexer(Role.INITIATOR, config)
    host.start(module.now)
    host.receive_data(entered.unread, module.now)
    host.receive_data(module.take(host.data_to_send(module.now)), module.now)
    assert host.session_open
    assert module.now < LIMIT
