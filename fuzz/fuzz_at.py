"""The lexer and the engine of AT dialogues, and a module that sends anything at any time.

Invariants:
1. The same octets give the same tokens however they are divided; only bare data comes in other pieces.
2. Nothing raises, and each step ends by its time-out, with a `Response` or an `AtError`.
3. What is kept is bounded, whatever comes.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.at.core.dialogue import Response, command, expect, pause, payload
from drivers.at.core.engine import Engine
from drivers.at.core.lexer import Data, Framing, Lexer, Token
from drivers.at.core.patterns import LinePattern
from drivers.errors import AtError
from drivers.tcpip.quectel_gsm.unsolicited import IPD, LINES, QIRD, receive_header

# docs/reliability.md, "Bounds"
MOST_OF_A_LINE = 2048
MOST_OF_A_PAYLOAD = 65536
MOST_LINES_OF_AN_ANSWER = 512
MOST_HEARD = 8

words = st.sampled_from(
    [
        *(b"\r\nOK\r\n", b"\r\nERROR\r\n", b"\r\n+CME ERROR: 3\r\n", b"> ", b"\r\n> ", b"AT+CSQ\r", b"\r\nRDY\r\n"),
        *(b"\r\nCONNECT\r\n", b"\r\nIPD5:hello", b"IPD99999:", b"+QIRD: 1.2.3.4:80,TCP,3\r\nabc", b"\r\nCLOSED\r\n"),
        *(b"\r\n+RECEIVE: 0, 4\r\nabcd", b"\r\nNO CARRIER\r\n", b"\r\n+PDP DEACT\r\n", b"\r\nSEND OK\r\n"),
        *(b"\r\n+QIRDI: 0,1,0\r\n", b"\r", b"\n", b"\r\n\r\n", b"\x1a"),
    ]
)
octets = st.lists(
    words | st.binary(max_size=12) | st.integers(0, 3000).map(lambda count: b"x" * count), max_size=12
).map(b"".join)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=30)
framings = st.sampled_from(
    [Framing(), Framing((IPD,)), Framing((QIRD,)), Framing((receive_header(remote=False, local=False, head=False),))]
)


def tokens(framing: Framing, portions: list[bytes], *, prompt: bool, echo: bytes) -> list[Token]:
    lexer = Lexer()
    lexer.framing, lexer.known, lexer.prompt = framing, LINES, prompt
    lexer.expect_echo(echo)
    found: list[Token] = []
    for portion in portions:
        lexer.feed(portion)
        while (token := lexer.next_token()) is not None:
            found.append(token)
        assert len(lexer._octets) <= MOST_OF_A_LINE + MOST_OF_A_PAYLOAD
    return found


def divided(data: bytes, lengths: list[int]) -> list[bytes]:
    portions, at, index = [], 0, 0
    while at < len(data):
        size = lengths[index % len(lengths)]
        portions.append(data[at : at + size])
        at, index = at + size, index + 1
    return portions


@given(framings, octets, sizes, st.booleans(), st.sampled_from([b"", b"hello", b"ab\r\nOK\r\n"]))
def fuzz_tokens_in_any_portions(framing: Framing, data: bytes, lengths: list[int], prompt: bool, echo: bytes) -> None:
    whole = tokens(framing, [data], prompt=prompt, echo=echo)
    assert tokens(framing, divided(data, lengths), prompt=prompt, echo=echo) == whole


@given(octets, sizes)
def fuzz_bare_data_is_neither_lost_nor_doubled(data: bytes, lengths: list[int]) -> None:
    def joined(portions: list[bytes]) -> tuple[bytes, list[Token]]:
        found = tokens(Framing(bare=True), portions, prompt=False, echo=b"")
        return b"".join(token.data for token in found if isinstance(token, Data)), [
            token for token in found if not isinstance(token, Data)
        ]

    assert joined(divided(data, lengths)) == joined([data])


steps = st.sampled_from(
    [
        lambda: command("AT+CSQ", timeout=1.0),
        lambda: command("AT+QISEND=3", timeout=2.0, prompt=True),
        lambda: command("ATD123", timeout=1.0),
        lambda: command("AT+QIDEACT", timeout=1.0, lost_on=(LinePattern("+PDP DEACT"),)),
        lambda: expect(LinePattern("STATE: ", "[A-Z ]+", 20), timeout=1.0),
        lambda: payload(b"abc", success=(LinePattern("SEND OK"),), timeout=1.0),
        lambda: pause(0.5),
    ]
)
actions = st.one_of(octets, st.floats(0, 3), steps)


@given(st.lists(actions, max_size=25), sizes)
def fuzz_each_step_ends_by_its_time_out(script: list[object], lengths: list[int]) -> None:
    engine = Engine("port")
    now, begun = 0.0, 0.0
    flight = False

    def look() -> None:
        nonlocal flight
        reply = engine.reply()
        assert reply is None or isinstance(reply, Response | AtError)
        if reply is not None:
            flight = False
        assert len(engine._lines) <= MOST_LINES_OF_AN_ANSWER
        assert len(engine.heard) <= MOST_HEARD
        assert len(engine.lexer._octets) <= MOST_OF_A_LINE + MOST_OF_A_PAYLOAD

    for what in script:
        if isinstance(what, bytes):
            for portion in divided(what, lengths):
                engine.receive(portion, now)
                look()
        elif isinstance(what, float):
            now += what
            engine.handle_timeout(now)
            look()
        elif not flight and engine.reply() is None and callable(what):
            engine.arm(next(what()))
            engine.data_to_send()
            engine.sent(now)
            flight, begun = True, now
            look()
        assert not flight or now <= begun + 3.0 + 2.0
    if flight:
        engine.handle_timeout(begun + 10.0)
        look()
        assert not flight
