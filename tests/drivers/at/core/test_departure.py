"""Octets that have been written and have not left: a step that is drained begins when they have (app note 3.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.at import Dialogue, expect, pause
from drivers.at.core.departure import LOOK, STUCK, UNANSWERED, UNSEEN, Departure
from drivers.at.core.engine import Engine
from drivers.at.core.execution import Execution
from drivers.at.core.patterns import LinePattern
from drivers.errors import AtTimeout
from drivers.tcpip.data_mode import escape_by_plus, stream
from drivers.tcpip.quectel_gsm.data_mode import TIMING

SILENCE = 0.5
"""What the app note 3.3 asks for between the last octet and the first plus sign."""


class Uart:
    """A dialogue on a UART that sends what is written octet by octet, and can be held; a clock turned by hand.

    Args:
        dialogue: what is run.
        rate: bits per second.
        tells: whether the port knows its rate.
        sees: whether the port knows what it has still to send.
    """

    def __init__(self, dialogue: Dialogue[object], rate: float, *, tells: bool, sees: bool) -> None:
        self.engine = Engine("ttyS0")
        self.now = 0.0
        self.held = False
        self.passed: list[tuple[float, int]] = []  # when an octet has passed the line, and which
        self._execution = Execution(self.engine, dialogue)
        self._octet, self._tells, self._sees = 10 / rate, tells, sees
        self._queue: list[int] = []
        self._idle_at = 0.0

    @property
    def result(self) -> object:
        return self._execution.result

    def written(self, text: bytes) -> int:
        return bytes(octet for _, octet in self.passed).count(text)

    def run(self, until: float = float("inf"), tick: float = 0.001) -> bool:
        """Run the dialogue, up to a time; return whether it is over."""
        while self.now < until:
            if self._execution.proceed(self.now):
                return True
            if octets := self.engine.data_to_send():
                self._queue += octets
                self.engine.sent(self.now, rate=1 / self._octet * 10 if self._tells else None)
            elif self.engine.look_due(self.now):
                self.engine.look(len(self._queue) if self._sees else 0, None, self.now)
            else:
                self.now += tick
                self._carry()
                self.engine.handle_timeout(self.now)
        return False

    def _carry(self) -> None:
        if self.held or not self._queue:
            self._idle_at = self.now
        while self._queue and self._idle_at + self._octet <= self.now:
            self._idle_at += self._octet
            self.passed.append((self._idle_at, self._queue.pop(0)))


def data_and_escape(size: int, rate: int | None = None) -> Dialogue[object]:
    yield from stream(b"x" * size, rate)
    return (yield from escape_by_plus(TIMING, lambda: None, lambda: False))


@pytest.mark.requirement("S3.25")
@pytest.mark.parametrize("size", [1, 300, 1200, 3000])
@pytest.mark.parametrize(
    ("tells", "sees", "told"), [(True, True, None), (True, False, None), (False, True, None), (False, False, 9600)]
)
def test_the_plus_signs_come_half_a_second_after_the_last_octet(
    size: int, tells: bool, sees: bool, told: int | None
) -> None:
    uart = Uart(data_and_escape(size, told), 9600, tells=tells, sees=sees)
    while not uart.written(b"+++"):
        assert not uart.run(uart.now + 0.1)
    first = next(at for at, octet in uart.passed if octet == ord("+"))
    assert first - 10 / 9600 - uart.passed[size - 1][0] >= SILENCE
    uart.engine.receive(b"\r\nOK\r\n", uart.now + 0.6)
    assert uart.run()
    assert uart.result is True


@pytest.mark.requirement("S3.26")
def test_an_escape_that_flow_control_holds_is_not_said_twice() -> None:
    uart = Uart(escape_by_plus(TIMING, lambda: None, lambda: False), 9600, tells=True, sees=True)
    uart.held = True
    assert not uart.run(2.5)  # as long as the answer to +++ may take
    uart.held = False
    assert not uart.run(3.1)
    uart.engine.receive(b"\r\nOK\r\n", uart.now)
    assert uart.run()
    assert uart.result is True
    assert uart.written(b"+++") == 1


@pytest.mark.requirement("S3.25")
def test_a_line_that_is_held_for_good_is_told_after_a_bounded_time() -> None:
    uart = Uart(data_and_escape(300), 9600, tells=True, sees=True)
    uart.held = True
    with pytest.raises(AtTimeout, match=r"300 octets have been waiting in the port.* flow control"):
        uart.run()
    assert uart.now == pytest.approx(STUCK, abs=0.1)
    assert uart.engine.next_event() is None


def test_a_line_that_moves_is_not_taken_for_one_that_is_held() -> None:
    uart = Uart(data_and_escape(300), 100, tells=True, sees=True)  # 30 s
    assert not uart.run(30.5, tick=0.01)
    assert uart.written(b"+++") == 0
    assert not uart.run(32.0, tick=0.01)
    assert uart.written(b"+++") == 1


def test_an_answer_that_comes_before_the_last_octet_has_left_counts() -> None:
    def asking() -> Dialogue[object]:
        yield from pause(0.0, write=b"?")
        return (yield from expect(LinePattern("OK"), timeout=1.0, drained=True))

    uart = Uart(asking(), 9600, tells=True, sees=True)
    uart.held = True
    assert not uart.run(1.9)
    uart.engine.receive(b"\r\nOK\r\n", uart.now)
    assert uart.run()


def test_the_word_of_the_module_ends_the_wait_and_without_it_the_slowest_line_does() -> None:
    departure = Departure()
    departure.wrote(960, 0.0, None)
    departure.begin(0.0)
    assert departure.next_look == 0.0
    assert not departure.look(0, False, 0.0)
    assert departure.look(0, True, LOOK)
    assert departure.next_look is None
    departure.begin(1.0)
    assert departure.number == 2
    assert not departure.look(0, False, 1.0 + UNANSWERED - 0.1)
    assert departure.look(0, False, 1.0 + UNANSWERED)


def test_without_a_rate_there_is_nothing_to_wait_for_but_what_the_port_sees() -> None:
    departure = Departure()
    departure.wrote(10**6, 0.0, None)
    departure.begin(0.0)
    assert not departure.look(1, None, 0.0)
    assert departure.look(0, None, LOOK)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 100)), min_size=1), st.integers(300, 10**6))
def test_the_wait_is_as_long_as_the_line_at_most(writes: list[tuple[int, float]], rate: int) -> None:
    """And never longer than for what can be on its way: the baud rate of a fast port may be wrong."""
    departure, now = Departure(), 0.0
    for count, gap in writes:
        now += gap
        departure.wrote(count, now, rate)
    departure.begin(now)
    longest = min(UNSEEN, sum(count for count, _ in writes)) * 10 / rate
    departure.begin(now)
    if not departure.look(0, None, now):
        assert departure.next_look is not None
        assert departure.next_look <= now + longest + 0.001
        assert departure.look(0, None, departure.next_look)
