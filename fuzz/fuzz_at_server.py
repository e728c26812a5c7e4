"""The emulated module's AT server, and a host that sends anything: commands, halves of them, frames, payloads, noise.

Invariants:
1. Whatever it got, it answers AT with OK again: at once, or when it has left the mode that it was brought into (a
   payload that is waited for, data mode, multiplexer mode without a session).
2. What it says is lines with CR LF around them, prompts, echo and frames; nothing else, and never without end.
3. Nothing raises in its thread; it ends in time.
"""

from __future__ import annotations

import threading
import time

from driver_lab import QuickClock
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import Frame, FrameType, encode
from drivers.emulator import EmulatedModule

PATIENCE = 30.0
FACTOR = 200.0

COMMANDS = """\
AT
ATE0
ATE1
ATV0
ATV1
ATQ1
ATQ0
ATI
ATZ
AT&F
A/
AT+CPIN?
AT+CPIN="1234"
AT+CSQ
AT+CREG?
AT+CGATT=0
AT+CGATT=1
AT+CMUX=?
AT+CMUX?
AT+CMUX=0
AT+CMUX=0,0,5,127,10,3,30,10,2
AT+CMUX=9
AT+IPR=115200
AT+QIFGCNT=0
AT+QIFGCNT=1
AT+QIFGCNT?
AT+QICSGP=1,"CMNET"
AT+QIREGAPP
AT+QIACT
AT+QILOCIP
AT+QISTAT
AT+QIMUX=1
AT+QIMUX=0
AT+QIMODE=1
AT+QINDI=1
AT+QISERVER
AT+QIOPEN="TCP","127.0.0.1","9"
AT+QIOPEN="UDP","127.0.0.1","9"
AT+QISEND
AT+QISEND=5
AT+QISEND=0,5
AT+QISEND=99999
AT+QIRD=0,1,0,10
AT+QICLOSE
AT+QIDEACT
AT+QIDNSGIP="localhost"
AT+CFUN=1,1
AT+QPOWD=1
ATO
ATH
AT+NOTHING=1
AT;;;+CSQ;
AT+CSQ=²
""".splitlines()

SABM = encode(Frame(0, True, FrameType.SABM, True))
CLD = bytes.fromhex("F903EF05C301F2F9")
pieces = st.one_of(
    st.sampled_from(COMMANDS).map(lambda line: line.encode("latin-1") + b"\r"),
    st.sampled_from(COMMANDS).flatmap(
        lambda line: st.integers(0, len(line)).map(lambda end: line[:end].encode("latin-1"))
    ),
    st.sampled_from(
        [b"hello", b"\x1a", b"\x1b", b"\r", b"\n", b"\r\n", b"+++", b"\x08", b"\x00", b"\xf9", SABM, CLD, SABM + CLD]
    ),
    st.binary(max_size=30),
    st.integers(1, 3000).map(lambda count: b"x" * count),
)


@given(st.lists(st.tuples(pieces, st.booleans()), max_size=15))
def fuzz_it_answers_at_again(script: list[tuple[bytes, bool]]) -> None:
    with EmulatedModule(clock=QuickClock(FACTOR)) as module, module.port(timeout=0.01) as port:
        heard = 0
        for data, wait in script:
            port.write(data)
            if wait:
                heard += len(port.read(100_000))
        answers_again(port)
        assert heard < 2_000_000
    assert not any(thread.name.startswith("emulated") for thread in threading.enumerate())


def answers_again(port: object) -> None:
    """Bring it back from any mode: a payload ends with ^Z, data mode with +++, multiplexer mode by CLD or by itself."""
    end = time.monotonic() + PATIENCE
    said = b""
    while time.monotonic() < end:
        for way in (b"\r", b"\x1a", CLD, b"+++", b"\rATQ0V1E0\r"):
            port.write(way)  # type: ignore[attr-defined]
            port.read(10_000)  # type: ignore[attr-defined]
        port.write(b"AT\r")  # type: ignore[attr-defined]
        said = port.read(10_000)  # type: ignore[attr-defined]
        if b"OK\r\n" in said:
            return
    raise AssertionError(f"it does not answer AT any more, but {said!r}")
