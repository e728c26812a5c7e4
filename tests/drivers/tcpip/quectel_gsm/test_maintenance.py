"""Chapter 10 and the module's own limits, second by second, on a clock that is turned by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from scripted_port import OK, Conversation, exchange, pass_time

from drivers.clock import FakeClock
from drivers.errors import ConnectFailed, ConnectRefused, ConnectTimeout, SessionReset
from drivers.tcpip import KeepAlive, Session, TcpipDriver

CLAIM = ("AT+QIFGCNT=0", OK)
CONNECT_OK = OK + b"\r\nCONNECT OK\r\n"
OPEN = 'AT+QIOPEN="TCP", "10.0.0.1",80'
ALIVE = ("AT+QISTAT", OK + b"\r\nSTATE: CONNECT OK\r\n")
CLOSE = (("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"))
DEACT = ("AT+QIDEACT", b"\r\nDEACT OK\r\n")
SERVICE = ("AT+QISRVC=1", OK)


def acknowledged(sent: int, pending: int) -> tuple[str, bytes]:
    return "AT+QISACK", b"\r\n+QISACK: %d, %d, %d\r\n" % (sent, sent - pending, pending) + OK


def probe() -> list[tuple[int, str, bytes]]:
    return [
        *exchange(("AT+QISEND=10", b"\r\n> "), set_up=False),
        (1, ">", b"TCP detect"),
        (1, "<", b"\r\nSEND OK\r\n"),
    ]


class Hours:
    """A driver on a script, a clock, and when each command was sent."""

    def __init__(self, rows: list[tuple[int, str, bytes]]) -> None:
        self.clock = FakeClock()
        self.talk = Conversation(rows)
        self.driver = TcpipDriver(self.talk.ports[1], receive="bare", initialise=(), clock=self.clock)
        self.session = self.driver.connect("TCP", "10.0.0.1", 80)
        self.begun = self.clock.now()
        self.sent: list[tuple[str, float]] = []
        self.driver.channel.on_octets(self._note)

    def _note(self, direction: str, octets: bytes) -> None:
        if direction == "tx":
            self.sent.append((octets.decode().strip(), self.clock.now() - self.begun))

    def times(self, command: str) -> list[float]:
        return [when for text, when in self.sent if text == command]

    def pass_until(self, done: threading.Event) -> None:
        pass_time(self.clock, self.driver.channel, done.is_set)

    def close(self) -> None:
        self.driver.close()
        self.talk.finish()


@pytest.mark.requirement("S10.4", "S10.7", "S10.8", "S10.10", "S10.11")
def test_a_dead_connection_is_found_at_the_very_second_and_opened_again_when_it_can_be() -> None:
    rows = exchange(CLAIM, (OPEN, CONNECT_OK), ALIVE, SERVICE, acknowledged(0, 0))
    rows += [*probe(), *exchange(*[acknowledged(10, 10)] * 13, *CLOSE, set_up=False)]
    rows += exchange((OPEN, OK + b"\r\nCONNECT FAIL\r\n"), set_up=False)
    rows += exchange(("AT+QISTAT", OK + b"\r\nSTATE: IP CLOSE\r\n"), (OPEN, CONNECT_OK), *CLOSE, DEACT, set_up=False)
    hours = Hours(rows)
    reported: list[tuple[Session, float, Exception]] = []
    again = threading.Event()
    settings = KeepAlive()
    watch = hours.driver.keep_alive(
        hours.session,
        settings,
        reconnect=True,
        on_dead=lambda which, why: reported.append((which, hours.clock.now() - hours.begun, why)),
        on_reconnected=lambda _: again.set(),
    )
    hours.pass_until(again)
    asked = hours.times("AT+QISACK")
    assert asked == [420, 425, *(435 + 10 * n for n in range(12))]  # 5 s, then 10 s, 12 times
    assert hours.times("AT+QISEND=10") == [420]
    (which, when, why) = reported[0]
    assert (which, when) == (hours.session, 545)
    assert when <= settings.bound
    assert isinstance(why, SessionReset)
    assert "not acknowledged within 125 s" in str(why)
    with pytest.raises(ConnectionResetError):
        hours.session.recv(1)
    assert hours.times(OPEN) == [545, 545 + 420]  # refused at first, then after another period
    assert watch.session is not hours.session
    watch.close()
    watch.session.close()
    hours.close()


@pytest.mark.requirement("S10.1", "S10.6", "S10.7", "S10.13")
def test_a_connection_that_lives_is_asked_once_in_each_idle_period_and_no_more() -> None:
    """From the last octet: the probe is one. What is sent meanwhile puts the examination off."""
    rows = exchange(CLAIM, (OPEN, CONNECT_OK), ALIVE, SERVICE, acknowledged(0, 0))
    rows += [*probe(), *exchange(acknowledged(10, 0), set_up=False)]
    rows += [*exchange(("AT+QISEND=5", b"\r\n> "), set_up=False), (1, ">", b"hello"), (1, "<", b"\r\nSEND OK\r\n")]
    rows += exchange(ALIVE, acknowledged(15, 0), ALIVE, acknowledged(15, 0), set_up=False)
    rows += [*probe(), *exchange(acknowledged(25, 0), *CLOSE, DEACT, set_up=False)]
    hours = Hours(rows)
    sent, last = threading.Event(), threading.Event()

    def note(*_: object) -> None:
        asked = len(hours.times("AT+QISACK"))
        sent.set() if asked == 2 else None
        last.set() if asked == 5 else None

    hours.driver.channel.on_octets(note)
    with hours.driver.keep_alive(hours.session):
        hours.pass_until(sent)
        pass_time(hours.clock, hours.driver.channel, lambda: hours.clock.now() - hours.begun >= 600)
        hours.session.sendall(b"hello")
        hours.pass_until(last)
    # at 840 nothing had come from the other side for a period, but it was in use: no probe
    assert hours.times("AT+QISACK") == [420, 425, 840, 600 + 420, 600 + 425]
    assert hours.times("AT+QISEND=10") == [420, 600 + 420]
    hours.session.close()
    hours.close()


def test_a_watch_ends_with_its_session_and_with_its_driver() -> None:
    hours = Hours(exchange(CLAIM, (OPEN, CONNECT_OK), *CLOSE, DEACT))
    watch = hours.driver.keep_alive(hours.session)
    hours.close()  # closes the session
    watch._thread.join(10)
    assert not watch._thread.is_alive()
    watch.close()


# -- CONNECT FAIL: when it came is all that it tells -----------------------------------------------------------------


def until(done: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if done():
            return
        threading.Event().wait(0.001)
    pytest.fail("it did not come about")


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [(0.0, ConnectRefused), (74.9, ConnectRefused), (75.0, ConnectTimeout), (140.0, ConnectTimeout)],
)
def test_connect_fail_at_75_seconds_or_later_is_a_timeout(seconds: float, kind: type[ConnectFailed]) -> None:
    rows = exchange(CLAIM, (OPEN, OK), ("AT+QISTAT", OK + b"\r\nSTATE: IP CLOSE\r\n"), DEACT)
    clock, talk = FakeClock(), Conversation(rows)
    driver = TcpipDriver(talk.ports[1], receive="bare", initialise=(), clock=clock)
    caught: list[OSError] = []

    def connect() -> None:
        try:
            driver.connect("TCP", "10.0.0.1", 80)
        except OSError as error:
            caught.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    until(lambda: driver._context.table.opening is not None)
    clock.advance(seconds)
    talk.ports[1].say(b"\r\nCONNECT FAIL\r\n")
    thread.join(10)
    assert type(caught[0]) is kind
    assert isinstance(caught[0], TimeoutError) is (kind is ConnectTimeout)
    assert isinstance(caught[0], ConnectionRefusedError) is (kind is ConnectRefused)
    assert "no reason" in str(caught[0]) or "nobody answered" in str(caught[0])
    driver.close()
    talk.finish()
