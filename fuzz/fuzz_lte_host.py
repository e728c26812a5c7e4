"""A remote host that talks like an LTE module, behind each access mode; and an LTE module that sends anything.

Invariants:
1. Each session receives the octets of its remote host, exactly and in order, and then the end that the module reports:
   buffered, pushed and in data mode, in both shells.
2. No octet of a remote host changes the state of the driver: it sends nothing because of it but AT+QIRD (in data mode:
   no more than ``+++`` and what brings it back), and holds its context.
3. Whatever the module sends, in whatever portions: a call of the public API returns, or raises an exception of the
   documented tree, and `close` comes to an end, in asyncio; nothing fails inside of the driver, as the log would tell.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hypothesis import given
from hypothesis import strategies as st
from leaping import SHELLS, bench
from lte_hosts import LteModule
from silent_module import lines
from talking_hosts import Comes, drive, pieces_of, portions, received, scripts_of, sizes

from drivers.errors import DriverError

LINES = [
    *(b'+QIURC: "closed",0', b'+QIURC: "closed",1', b'+QIURC: "recv",0', b'+QIURC: "recv",1,5', b"+QIRD: 3"),
    *(b'+QIURC: "pdpdeact",1', b'+QIURC: "incoming",3,0,"1.2.3.4",80', b'+QIURC: "incoming full"', b"+QIRD: 9,3,6"),
    *(b'+QIURC: "dnsgip",0,1,600', b'+QIURC: "dnsgip","1.2.3.4"', b"+QIOPEN: 0,0", b"+QIOPEN: 1,563", b"+QIRD: 0"),
    *(b"OK", b"ERROR", b"+CME ERROR: 565", b"NO CARRIER", b"RDY", b"APP RDY", b"POWERED DOWN", b"CONNECT"),
    *(b"SEND OK", b"SEND FAIL", b"+QISEND: 9,9,0", b"> ", b"\x1a", b"\x1b", b"AT+QICLOSE=0", b"+++", b"CLOSED"),
]
pieces = pieces_of(LINES)
scripts = scripts_of(pieces)


class _Failures(logging.Handler):
    """Keeps what the driver logs as an error, and that a line died: this one does not."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or "the line died" in record.getMessage():
            self.told.append(self.format(record))


@contextmanager
def nothing_fails() -> Iterator[None]:
    """Want no error in the log of the driver."""
    log, failures = logging.getLogger("drivers"), _Failures()
    before = log.level
    log.addHandler(failures)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(failures)
        log.setLevel(before)
    assert not failures.told, failures.told[0]


@given(st.sampled_from(SHELLS), st.sampled_from(["buffered", "pushed"]), scripts, portions, sizes)
def fuzz_data_of_an_lte_module(
    shell: str, receive: str, script: list[Comes | str], portion: int, sizes: list[int]
) -> None:
    module = LteModule(sizes)
    with bench(shell, module) as made:
        driver = made.driver(context=1, dialect="bg96", receive=receive)
        sessions = [driver.connect("TCP", "10.0.0.7", 80) for _ in range(2)]
        made.divide(portion)
        begun = len(module.commands)
        sent = drive(module, made, sessions, script, sessions[0].acknowledged)
        for session, data in zip(sessions, sent, strict=True):
            assert received(session, len(data)) == data
            assert session.open
        asked = {text.partition("=")[0] for text in module.commands[begun:]}
        assert asked <= {"AT+QIRD", "AT+QISEND"}, asked
        assert module.active == {1}
        made.say(lines(f'+QIURC: "closed",{sessions[0].index}'))
        assert sessions[0].recv(1) == b""
        assert sessions[1].open
        driver.close()


@given(scripts, portions)
def fuzz_data_mode_of_an_lte_module(script: list[Comes | str], portion: int) -> None:
    module = LteModule()
    with bench("aio", module) as made:
        driver = made.driver(context=1, dialect="bg96", receive="transparent")
        session = driver.connect("TCP", "10.0.0.7", 80)
        made.divide(portion)
        begun = len(module.commands)
        (data,) = drive(module, made, [session], script, session.acknowledged)
        assert received(session, len(data)) == data
        assert session.open
        assert {text.partition("=")[0] for text in module.commands[begun:]} <= {"ATO", "AT+QISWTMD", "AT+QISTATE"}
        driver.close()


values = st.sampled_from([b"0", b"1", b"11", b"12", b"99999", b"-1", b"", b" 3", "²".encode(), b"0,0", b'"x"'])


def _numbers(line: bytes) -> st.SearchStrategy[bytes]:
    """Lines whose numbers are others, or none; or the first is that of a socket."""
    first = st.sampled_from([b"0", b"1"])
    any_of_them = st.lists(values, max_size=2) | st.tuples(first, values).map(list)
    return any_of_them.map(lambda numbers: line + b",".join(numbers))


WORDS = [b'+QIURC: "recv",', b'+QIURC: "closed",', b'+QIURC: "incoming",', b'+QIURC: "pdpdeact",', b"+QIOPEN: "]
WORDS += [b"+QIRD: ", b"+QISEND: ", b'+QIURC: "dnsgip",', b"+QIACT: ", b"+QISTATE: ", b"+QIGETERROR: ", b"+CME ERROR: "]
numbered = st.sampled_from(WORDS).flatmap(_numbers).map(lambda line: b"\r\n%b\r\n" % line)
anything = st.one_of(numbered, numbered, pieces, st.binary(max_size=40))
calls = st.sampled_from(["send", "receive", "connect", "listen", "acknowledged", "resolve", "state", "switch"])


@given(st.lists(anything | st.tuples(anything) | calls, max_size=8), portions)
def fuzz_an_lte_module_that_sends_anything(script: list[bytes | tuple[bytes] | str], portion: int) -> None:
    """Octets come by themselves, or, in a tuple, right behind the next answer."""
    module = LteModule()
    with nothing_fails(), bench("aio", module) as made:
        driver = made.driver(context=1, dialect="bg96")
        session = driver.connect("TCP", "10.0.0.7", 80)
        session.settimeout(0.5)
        made.divide(portion)
        deeds = {
            "send": lambda: session.sendall(b"hello"),
            "receive": lambda: session.recv(100),
            "connect": lambda: driver.connect("TCP", "10.0.0.7", 80, timeout=1.0).close(),
            "listen": lambda: driver.listen(port=2020).close(),
            "acknowledged": session.acknowledged,
            "resolve": lambda: driver.resolve("www.quectel.com"),
            "state": driver.state,
            "switch": lambda: session.set_receive("pushed"),
        }
        for what in script:
            if isinstance(what, bytes):
                made.say(what)
            elif isinstance(what, tuple):
                module.behind(what[0])
            else:
                with suppress(DriverError):
                    deeds[what]()
        with suppress(DriverError):
            driver.close()
        assert not driver.table.held(1)
