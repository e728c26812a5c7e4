"""A driver whose module lies: wrong lengths, digits that are none, storms of news, stale answers, silence, restarts.

Invariants, in both shells:
1. Whatever the module says, a call of the public API returns, or raises an exception of the documented tree
   (`drivers.errors.DriverError`), within the deadlines that it has.
2. `close` always comes to an end, and leaves no thread and no task.
3. What a call returns has the form that is documented: addresses are addresses, numbers are in their ranges.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from leaping import SHELLS, bench
from silent_module import PROMPT, SilentModule

from drivers.errors import DriverError
from drivers.modem import Registered

MODEMS = {
    "AT+CSQ": "+CSQ: 20,0",
    "AT+CCLK?": '+CCLK: "24/01/02,03:04:05+00"',
    "AT+CREG?": "+CREG: 0,1",
    "AT+CGREG?": "+CGREG: 0,1",
    "AT+CGATT?": "+CGATT: 1",
    "AT+CPIN?": "+CPIN: READY",
    "AT+CGSN": "123456789012345",
    "AT+QIDNSCFG?": "PrimaryDns: 10.0.0.1\r\nSecondaryDns: 10.0.0.2",
}
"""The right answers that go before OK, besides those of `silent_module`."""

NEWS = """\
RDY
+PDP DEACT
CLOSED
0, CLOSED
NORMAL POWER DOWN
NORMAL POWER DOWN
UNDER-VOLTAGE WARNNING
SERVER CLOSE
REMOTE IP: 1.2.3.4
5, REMOTE IP: 1.2.3.4
+QIRDI: 0,1,0
+QIRDI: 1,2,5
NO CARRIER
RING
+CREG: 0,1
""".splitlines()
"""Lines that a module may say at any time."""

LIES = """\
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
+QIFGCNT: 0,4
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
REMOTE IP: 300.2.3.4
+CSQ: 99,99
+CSQ: 999,999
+CSQ: 57,8
+CSQ: x
+CREG: 9
+CREG: 0,77
+CCLK: "99/99/99,99:99:99"
+CCLK: "24/01/02,03:04:05+99"
PrimaryDns: 10.300.0.1
+QISTATE: 0,"TCP","1.2.3.4","80","CONNECTED"
S: LISTENING
C: 0,CONNECTED
IPD5:hello
+RECEIVE: 0, 4
>\x20
""".splitlines()

news = st.sampled_from(NEWS)
lies = st.sampled_from([*LIES, *NEWS]) | st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30)


@dataclass(frozen=True)
class Said:
    """The right answer, with other lines between its own.

    Args:
        at: before which line of it they come.
        lines: what comes.
        instead: whether the line is left out.
    """

    at: int
    lines: list[str] = field(default_factory=list)
    instead: bool = False


answers = st.one_of(
    st.just(b"right"),
    st.builds(Said, st.integers(0, 4), st.lists(news, min_size=1, max_size=2)),
    st.builds(Said, st.integers(0, 3), st.lists(lies, min_size=1, max_size=1), st.just(value=True)),
    st.just(b""),
    st.lists(lies, max_size=4).map(lambda lines: _lines(lines)),
    st.binary(max_size=20),
    lies.map(lambda line: _lines([line] * 300)),  # a storm
    st.builds(  # a length, and data that may not have it
        lambda count, data: b"+QIRD: 1.2.3.4:80,TCP,%d\r\n%b\r\nOK\r\n" % (count, data),
        st.integers(0, 99999),
        st.binary(max_size=40),
    ),
)


class _Liar(SilentModule):
    """Answers as the plan says, and rightly behind its end."""

    def __init__(self, plan: list[bytes | Said]) -> None:
        super().__init__()
        for command, line in MODEMS.items():
            self.answers[command] = _lines([*line.split("\r\n"), "OK"])
        self._plan = iter(plan)

    def _instead(self, text: str, usual: bytes) -> bytes:
        right = super()._instead(text, usual)
        said = next(self._plan, b"right")
        if isinstance(said, Said):
            lines = [line for line in right.decode("latin-1").split("\r\n") if line]
            at = min(said.at, len(lines))
            lines[at : at + said.instead] = said.lines
            said = PROMPT.join(_lines(part.split("\n")) for part in "\n".join(lines).split("\n> "))
            said = said if b"> " not in right else said.replace(b"\r\n> \r\n", PROMPT)
        elif said == b"right":
            said = right
        if PROMPT not in said:
            self._data = 0
        return said


def _lines(lines: list[str]) -> bytes:
    return b"".join(b"\r\n%b\r\n" % line.encode("latin-1", "replace") if line else b"" for line in lines)


# --- What is called, and what is true of what it returns ----------------------------------------------------------


def _address(text: object) -> None:
    ipaddress.IPv4Address(text)


def _foreground(driver: Any) -> None:
    context, channel = driver.foreground()
    assert context in (0, 1)
    assert channel in (None, 1, 2, 3, 4)


def _session(driver: Any) -> None:
    with driver.connect("TCP", "10.0.0.1", 80) as session:
        session.settimeout(1.0)
        session.sendall(b"hello")
        assert isinstance(session.recv(10), bytes)
        told = session.acknowledged()
        assert min(told.sent, told.acknowledged, told.pending) >= 0


def _listen(driver: Any) -> None:
    with driver.listen() as listener:
        session = listener.accept(timeout=1.0)
        _address(session.remote_address[0])
        listening, clients = listener.status()
        assert isinstance(listening, bool)
        assert 0 <= clients <= 5


def _resolve(driver: Any) -> None:
    addresses = driver.resolve("www.example")
    assert addresses
    for address in addresses:
        _address(address)


def _local(driver: Any) -> None:
    _address(driver.activate())
    _address(driver.local_address)


def _name_servers(driver: Any) -> None:
    for address in driver.name_servers():
        _address(address)


OF_THE_DRIVER: list[Callable[[Any], object]] = [
    lambda driver: driver.claim(),
    _foreground,
    _session,
    _listen,
    _resolve,
    _local,
    lambda driver: driver.state(),
    lambda driver: driver.deactivate(),
    lambda driver: driver.reclaim(timeout=2.0),
    _name_servers,
    lambda driver: driver.show("QISHOWRA"),
    lambda driver: driver.release(),
]


def _signal(modem: Any) -> None:
    found = modem.signal()
    assert found.dbm is None or -116 <= found.dbm <= -25  # 27.007 8.5: 0 to 31, or 100 to 191
    assert found.bit_error_rate is None or 0 <= found.bit_error_rate <= 7


def _clock(modem: Any) -> None:
    found = modem.clock()
    assert 2000 <= found.year <= 2099
    assert abs(found.utcoffset() or datetime.timedelta()) < datetime.timedelta(days=1)


def _imei(modem: Any) -> None:
    imei = modem.identity().imei
    assert not imei or re.fullmatch(r"[0-9]{14,17}", imei), imei


def _digits(text: str) -> None:
    assert re.fullmatch(r"[0-9A-F]{14,22}", text), text


OF_THE_MODEM: list[Callable[[Any], object]] = [
    _signal,
    _clock,
    lambda modem: Registered(modem.registration()),
    lambda modem: Registered(modem.packet_registration()),
    lambda modem: modem.operator(),
    _imei,
    lambda modem: modem.sim(),
    lambda modem: _digits(modem.imsi()),
    lambda modem: _digits(modem.iccid()),
    lambda modem: modem.attached(),
    lambda modem: modem.wait_for_network(5.0),
]


def _try(call: Callable[[Any], object], what: Any) -> None:
    try:
        call(what)
    except DriverError as error:
        assert re.search(r"\w", str(error))


def _call(shell: str, calls: list[int], plan: list[bytes | Said], **options: Any) -> None:
    with bench(shell, _Liar(plan)) as made:
        driver = made.driver(**options)
        try:
            for number in calls:
                _try(OF_THE_DRIVER[number], driver)
        finally:
            with suppress(DriverError):
                driver.close()


calls = st.lists(st.integers(0, len(OF_THE_DRIVER) - 1), min_size=1, max_size=3)
receive = st.sampled_from(["buffered", "header", "bare"])


@given(calls, st.lists(answers, max_size=15), receive, st.booleans())
def fuzz_a_driver(calls: list[int], plan: list[bytes | Said], receive: str, muxip: bool) -> None:
    _call("threads", calls, plan, receive=receive, muxip=muxip)


@given(calls, st.lists(answers, max_size=15), receive, st.booleans())
def fuzz_an_aio_driver(calls: list[int], plan: list[bytes | Said], receive: str, muxip: bool) -> None:
    _call("aio", calls, plan, receive=receive, muxip=muxip)


@given(
    calls,
    st.integers(0, 20),
    st.builds(Said, st.integers(0, 4), st.lists(lies, min_size=1, max_size=2), st.booleans()),
    st.booleans(),
    st.booleans(),
)
def fuzz_one_lie(calls: list[int], at: int, said: Said, muxip: bool, transparent: bool) -> None:
    """Lines between those of one answer, or in their place."""
    options = {"transparent": True} if transparent else {"muxip": muxip}
    _call("aio", calls, [*[b"right"] * at, said], **options)


numbers = st.integers(0, 10) | st.integers(0, 255) | st.integers(0, 99999)
shaped = st.one_of(
    st.tuples(st.just(0), st.builds("+CSQ: {},{}".format, numbers, numbers)),
    st.tuples(
        st.just(1), st.builds('+CCLK: "{:02}/{:02}/{:02},{:02}:{:02}:{:02}{:+03}"'.format, *[st.integers(0, 99)] * 7)
    ),
    st.tuples(st.just(2), st.builds("+CREG: {},{}".format, numbers, numbers)),
    st.tuples(st.just(3), st.builds("+CGREG: {},{}".format, numbers, numbers)),
)
"""Answers of the right form whose numbers may be out of their ranges, and the numbers of the calls that get them."""


@given(st.sampled_from(SHELLS), shaped)
def fuzz_numbers_of_a_modem(shell: str, what: tuple[int, str]) -> None:
    number, line = what
    module = _Liar([])
    module.answers[("AT+CSQ", "AT+CCLK?", "AT+CREG?", "AT+CGREG?")[number]] = _lines([line, "OK"])
    with bench(shell, module) as made:
        _try(OF_THE_MODEM[number], made.modem())


addresses = st.lists(st.integers(0, 300) | numbers, min_size=3, max_size=5).map(lambda parts: ".".join(map(str, parts)))
said = st.one_of(
    st.builds("+QIFGCNT: {},{}".format, st.integers(0, 2), numbers).map(
        lambda line: (_foreground, "AT+QIFGCNT?", line)
    ),
    st.builds("PrimaryDns: {}".format, addresses).map(lambda line: (_name_servers, "AT+QIDNSCFG?", line)),
    addresses.map(lambda line: (_local, "AT+QILOCIP", line)),
)


@given(said)
def fuzz_numbers_of_a_driver(what: tuple[Callable[[Any], object], str, str]) -> None:
    call, question, line = what
    module = _Liar([])
    module.answers[question] = _lines([line] if question == "AT+QILOCIP" else [line, "OK"])
    with bench("aio", module) as made:
        driver = made.driver(initialise=())
        _try(call, driver)
        with suppress(DriverError):
            driver.close()


@given(st.integers(0, len(OF_THE_MODEM) - 1), st.lists(answers, max_size=6))
def fuzz_a_modem(number: int, plan: list[bytes | Said]) -> None:
    with bench("threads", _Liar(plan)) as made:
        _try(OF_THE_MODEM[number], made.modem())


@given(st.sampled_from(SHELLS), st.lists(answers, max_size=6))
def fuzz_a_channel(shell: str, plan: list[bytes | Said]) -> None:
    with bench(shell, _Liar(plan)) as made:
        for _ in range(2):
            begun = made.now()
            _try(lambda channel: channel.command("AT+CSQ", timeout=2.0), made.channel)
            assert made.now() - begun < 20.0  # with what brings the channel back
