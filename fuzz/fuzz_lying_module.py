"""A driver whose module lies: wrong lengths, digits that are none, storms of news, stale answers, silence, restarts.

Invariants:
1. Whatever the module says, a call of the public API returns, or raises an exception of the documented tree
   (`drivers.errors.DriverError`), within the deadlines that it has.
2. `close` always comes to an end and leaves no thread.
3. What a call returns has the form that is documented: addresses are addresses, numbers are in their ranges.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hurried_clock import HurriedClock
from hypothesis import given
from hypothesis import strategies as st
from scripted_port import CommandPort

from drivers.at import AtChannel
from drivers.errors import DriverError
from drivers.modem import Modem
from drivers.tcpip import TcpipDriver

PATIENCE = 60.0

_RIGHT = {
    "AT+QIFGCNT?": ["+QIFGCNT: 0,255", "OK"],
    "AT+QISTAT": ["OK", "", "STATE: IP INITIAL"],
    "AT+QISRVC?": ["+QISRVC: 1", "OK"],
    "AT+QIMUX?": ["+QIMUX: 0", "OK"],
    "AT+QILOCIP": ["10.0.0.7"],
    "AT+QIDEACT": ["DEACT OK"],
    "AT+QICLOSE": ["CLOSE OK"],
    "AT+QISERVER?": ["+QISERVER: 0,0", "OK"],
    "AT+CSQ": ["+CSQ: 20,0", "OK"],
    "AT+CCLK?": ['+CCLK: "24/01/02,03:04:05+00"', "OK"],
    "AT+CREG?": ["+CREG: 0,1", "OK"],
    "AT+CGSN": ["123456789012345", "OK"],
}
"""Answers to commands, by how they begin; a line of a lie may stand in place of each."""

LINES = """\
OK
ERROR
+CME ERROR: 3
+CME ERROR: ²
+CME ERROR: 99999999999
+CME ERROR:
+QIFGCNT: ÿ,0
+QIFGCNT:\x20
+QIFGCNT: 0,²
+QIFGCNT: 7,1
+QIFGCNT: 0,99
+QIFGCNT:
STATE: IP INITIAL
STATE: CONNECT OK
STATE: NONSENSE
STATE: PDP DEACT
CONNECT OK
0, CONNECT OK
9, CONNECT OK
²,CONNECT OK
ALREADY CONNECT
CONNECT FAIL
CONNECT
SEND OK
SEND FAIL
CLOSE OK
DEACT OK
10.0.0.1
999.999.999.999
1.2.3
+QISACK: 5,5,0
+QISACK: 99999999999999999999,-1,x
+QISRVC: 1
+QISRVC: 9
+QIMUX: 1
+QIMUX: x
+QISERVER: 0,0
+QISERVER: 2,9
SERVER OK
SERVER CLOSE
REMOTE IP: 1.2.3.4
REMOTE IP: 300.2.3.4
5, REMOTE IP: 1.2.3.4
RDY
+PDP DEACT
CLOSED
0, CLOSED
NORMAL POWER DOWN
+QIRDI: 0,1,0
+QIRDI: 1,2,5
NO CARRIER
RING
+CSQ: 99,99
+CSQ: 999,999
+CSQ: x
+CREG: 0,1
+CREG: 9
+CCLK: "99/99/99,99:99:99"
+CCLK: "24/01/02,03:04:05+99"
+QISTATE: 0,"TCP","1.2.3.4","80","CONNECTED"
S: LISTENING
C: 0,CONNECTED
IPD5:hello
+RECEIVE: 0, 4
>\x20
""".splitlines()

lies = st.sampled_from(LINES) | st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30)
answers = st.one_of(
    st.just("right"),
    st.just("right"),
    st.just("silence"),
    st.lists(lies, max_size=4),
    st.tuples(st.integers(0, 3), lies),  # one line of the right answer is another one
    st.binary(max_size=20),
    lies.map(lambda line: [line] * 300),  # a storm
    st.tuples(st.integers(0, 99999), st.binary(max_size=40)),  # a length, and data that may not have it
)


class _Liar:
    """Answers rightly where the plan says so, and behind its end."""

    def __init__(self, plan: list[Any]) -> None:
        self._plan = iter(plan)

    def __call__(self, text: str) -> bytes:
        right = next((lines for command, lines in _RIGHT.items() if text.startswith(command)), ["OK"])
        if text.startswith("AT+QIOPEN"):
            right = ["OK", "", "CONNECT OK"]
        if text.startswith("AT+QISEND"):
            return b"\r\n> "
        said = next(self._plan, "right")
        if said == "silence":
            return b""
        if isinstance(said, bytes):
            return said
        if isinstance(said, list):
            return _lines(said)
        if isinstance(said, tuple) and isinstance(said[1], bytes):
            return b"+QIRD: 1.2.3.4:80,TCP,%d\r\n%b\r\nOK\r\n" % said
        if isinstance(said, tuple):
            at, line = said
            right = [line if number == at % len(right) else one for number, one in enumerate(right)]
        return _lines(right)


def _lines(lines: list[str]) -> bytes:
    return b"".join(b"\r\n%b\r\n" % line.encode("latin-1", "replace") if line else b"" for line in lines)


def _address(text: object) -> None:
    ipaddress.IPv4Address(text)


def _claim(driver: TcpipDriver) -> None:
    driver.claim()


def _foreground(driver: TcpipDriver) -> None:
    context, channel = driver.foreground()
    assert context in (0, 1)
    assert channel is None or 0 <= channel <= 254


def _session(driver: TcpipDriver) -> None:
    with driver.connect("TCP", "10.0.0.1", 80) as session:
        session.settimeout(1.0)
        session.sendall(b"hello")
        assert isinstance(session.recv(10), bytes)
        told = session.acknowledged()
        assert told.sent >= 0


def _listen(driver: TcpipDriver) -> None:
    with driver.listen() as listener:
        session = listener.accept(timeout=1.0)
        _address(session.remote_address)


def _resolve(driver: TcpipDriver) -> None:
    for address in driver.resolve("www.example"):
        _address(address)


def _local(driver: TcpipDriver) -> None:
    driver.activate()
    _address(driver.local_address)


OF_THE_DRIVER: list[Callable[[TcpipDriver], object]] = [
    _claim,
    _foreground,
    _session,
    _listen,
    _resolve,
    _local,
    lambda driver: driver.state(),
    lambda driver: driver.deactivate(),
    lambda driver: driver.reclaim(timeout=2.0),
    lambda driver: driver.name_servers(),
    lambda driver: driver.show("QISHOWRA"),
]
OF_THE_MODEM: list[Callable[[Modem], object]] = [
    lambda modem: modem.signal(),
    lambda modem: modem.clock(),
    lambda modem: modem.registration(),
    lambda modem: modem.packet_registration(),
    lambda modem: modem.operator(),
    lambda modem: modem.identity(),
    lambda modem: modem.sim(),
    lambda modem: modem.imsi(),
    lambda modem: modem.iccid(),
    lambda modem: modem.attached(),
    lambda modem: modem.wait_for_network(5.0),
]


def _nothing_left(before: set[threading.Thread]) -> None:
    for thread in set(threading.enumerate()) - before:
        assert thread.ident is not None, thread
        thread.join(PATIENCE)
        assert not thread.is_alive(), thread


@given(
    st.lists(st.integers(0, len(OF_THE_DRIVER) - 1), min_size=1, max_size=4),
    st.lists(answers, max_size=25),
    st.sampled_from(["buffered", "header", "bare"]),
    st.booleans(),
)
def fuzz_a_driver(calls: list[int], plan: list[Any], receive: str, muxip: bool) -> None:
    _call(calls, plan, receive, muxip=muxip)


def _call(calls: list[int], plan: list[Any], receive: str, *, muxip: bool) -> None:
    before = set(threading.enumerate())
    port = CommandPort(_Liar(plan))
    driver = TcpipDriver(port, receive=receive, muxip=muxip, clock=HurriedClock(3000.0))  # type: ignore[arg-type]
    try:
        for number in calls:
            try:
                OF_THE_DRIVER[number](driver)
            except DriverError as error:
                assert re.search(r"\w", str(error))
    finally:
        with suppress(DriverError):
            driver.close()
        driver.channel.close()
    _nothing_left(before)


@given(st.integers(0, len(OF_THE_DRIVER) - 1), st.integers(0, 12), lies, st.integers(0, 1), st.booleans())
def fuzz_one_lie(number: int, at: int, line: str, where: int, muxip: bool) -> None:
    """One line of one answer is another one."""
    _call([number], [*["right"] * at, (where, line)], "buffered", muxip=muxip)


@given(st.integers(0, len(OF_THE_MODEM) - 1), st.lists(answers, max_size=6))
def fuzz_a_modem(number: int, plan: list[Any]) -> None:
    before = set(threading.enumerate())
    channel = AtChannel(CommandPort(_Liar(plan)), clock=HurriedClock(3000.0))  # type: ignore[arg-type]
    try:
        OF_THE_MODEM[number](Modem(channel))
    except DriverError as error:
        assert re.search(r"\w", str(error))
    finally:
        channel.close()
    _nothing_left(before)
