"""The emulated module's AT server, and a host that sends anything: commands, halves of them, frames, payloads, noise.

Module and host are in one loop, whose time leaps, so that a minute of silence costs nothing.

Invariants:
1. Whatever it got, it answers AT with OK again, with nothing else: at once, or when it has left the mode that it was
   brought into (a payload that is waited for, data mode, multiplexer mode without a session), in half a minute.
2. It says no more than its commands ask for: a bounded number of octets for each line, and the echo.
3. Nothing raises in its loop, and nothing is left in it.
"""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from leaping import LeapingLoop, LoopClock

from cmux.protocol import Frame, FrameType, encode
from drivers.emulator import EmulatedModule

LINE = 2000  # octets that one command line makes it say at the most

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

LTE_COMMANDS = (
    COMMANDS
    + """\
AT+CEREG?
AT+QCCID
AT+QICSGP=1
AT+QICSGP=1,1,"CMNET","u","p",1
AT+QIACT=1
AT+QIACT?
AT+QIDEACT=1
AT+QIOPEN=1,0,"TCP","127.0.0.1",9,0,0
AT+QIOPEN=1,1,"UDP","127.0.0.1",9,0,1
AT+QIOPEN=1,2,"UDP SERVICE","127.0.0.1",0,0,0
AT+QIOPEN=1,99,"TCP"
AT+QISTATE?
AT+QISTATE=1,0
AT+QISEND=1
AT+QISEND=1,5
AT+QISEND=1,0
AT+QISEND=2,5,"127.0.0.1",9
AT+QISENDEX=1,"3132"
AT+QISENDEX=1,"3"
AT+QIRD=1,1500
AT+QIRD=2
AT+QISWTMD=1,1
AT+QICLOSE=1
AT+QICLOSE=1,0
AT+QIDNSCFG=1
AT+QIDNSGIP=1,"localhost"
AT+QPING=1,"127.0.0.1",1,1
AT+QIGETERROR
AT+QISDE=1
AT+QICFG="dataformat",1,1
AT+QICFG="viewmode"
AT+QCFG="cmux/urcport",1
""".splitlines()
)

LONGEST = 1460  # octets of one AT+QISEND (S3.37)
SABM = encode(Frame(0, True, FrameType.SABM, True))
CLD = bytes.fromhex("F903EF05C301F2F9")
WAYS_IN = [
    b'AT+QIOPEN="UDP","127.0.0.1","9"\rAT+QISEND\r',
    b'AT+QIOPEN="UDP","127.0.0.1","9"\rAT+QISEND=9\r',
    b'AT+QIMODE=1\rAT+QIOPEN="UDP","127.0.0.1","9"\r',
    b"AT+CMUX=0\r" + SABM,
]
LTE_WAYS_IN = [
    b'AT+QIACT=1\rAT+QIOPEN=1,1,"UDP","127.0.0.1",9\rAT+QISEND=1\r',
    b'AT+QIACT=1\rAT+QIOPEN=1,1,"UDP","127.0.0.1",9\rAT+QISEND=1,9\r',
    b'AT+QIACT=1\rAT+QIOPEN=1,3,"UDP","127.0.0.1",9,0,2\r',
    WAYS_IN[-1],
]


def pieces(commands: list[str], ways_in: list[bytes]) -> st.SearchStrategy[bytes]:
    """What a host may send."""
    return st.one_of(
        st.sampled_from(commands).map(lambda line: line.encode("latin-1") + b"\r"),
        st.sampled_from(commands).flatmap(
            lambda line: st.integers(0, len(line)).map(lambda end: line[:end].encode("latin-1"))
        ),
        st.sampled_from(
            [
                b"hello",
                b"\x1a",
                b"\x1b",
                b"\r",
                b"\n",
                b"\r\n",
                b"+++",
                b"\x08",
                b"\x00",
                b"\xf9",
                SABM,
                CLD,
                SABM + CLD,
            ]
        ),
        st.sampled_from(ways_in),
        st.binary(max_size=30),
        st.integers(1, 3000).map(lambda count: b"x" * count),
    )


pauses = st.sampled_from([0.0, 0.0, 0.01, 0.6, 1.5, 6.0, 30.0])


def scripts(commands: list[str], ways_in: list[bytes]) -> st.SearchStrategy[list[tuple[bytes, float]]]:
    """What it sends one after the other, each with the pause behind it."""
    return st.lists(st.tuples(pieces(commands, ways_in), pauses), max_size=15)


@given(scripts(COMMANDS, WAYS_IN))
def fuzz_it_answers_at_again(script: list[tuple[bytes, float]]) -> None:
    _play("m10", script)


@given(scripts(LTE_COMMANDS, LTE_WAYS_IN))
def fuzz_an_lte_module_answers_at_again(script: list[tuple[bytes, float]]) -> None:
    _play("bg96", script)


def _play(model: str, script: list[tuple[bytes, float]]) -> None:
    loop = LeapingLoop()
    loop.call(lambda: _talk(model, LoopClock(loop), script))
    loop.finish()


async def _talk(model: str, clock: LoopClock, script: list[tuple[bytes, float]]) -> None:
    heard, sent = bytearray(), bytearray()

    async def listen() -> None:
        while data := await reader.read(65536):
            heard.extend(data)

    async def say(data: bytes, pause: float) -> None:
        sent.extend(data)
        writer.write(data)
        await asyncio.sleep(pause)

    async with EmulatedModule(model=model, clock=clock, seed=1) as module:
        reader, writer = await module.connect()
        listening = asyncio.ensure_future(listen())
        for data, pause in script:
            await say(data, pause)
        await say(b"x" * LONGEST, 1.5)  # what may be missing at the prompt of a length
        for way in (b"\r", b"\x1a", CLD, b"+++", b"\rATQ0V1E0\r") * 4:  # from a payload, from frames, from data mode
            await say(way, 1.5)
        await say(b"ATE0Q0V1\r", 1.5)
        heard_so_far = len(heard)
        await say(b"AT\r", 1.5)
        assert heard[heard_so_far:] == b"\r\nOK\r\n", bytes(heard[-200:])
        assert len(heard) <= 2 * len(sent) + LINE * (sent.count(b"\r") + sent.count(b"/") + 4)
        writer.close()
        await listening
