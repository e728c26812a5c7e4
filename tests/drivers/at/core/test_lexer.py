"""The lexer gives the same tokens however the octets are cut, and takes payloads by count."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.at import Framing, Header, LinePattern
from drivers.at.core.lexer import Data, Lexer, Line, Payload, Prompt, Token

IPD = Header(b"IPD", rb"(?P<count>[0-9]{1,5})(?:TCP|UDP)?:", 9)
KNOWN = (LinePattern("OK"), LinePattern("CLOSED"), LinePattern("REMOTE IP: ", r"[0-9.]{7,15}", 15))
LINES, BARE, COUNTED, BOTH = Framing(), Framing(bare=True), Framing(headers=(IPD,)), Framing((IPD,), bare=True)


def lexer(framing: Framing = LINES, *, prompt: bool = False, echo: bytes = b"") -> Lexer:
    made = Lexer()
    made.framing, made.known, made.prompt = framing, KNOWN, prompt
    made.expect_echo(echo)
    return made


def tokens(made: Lexer, *pieces: bytes) -> list[Token]:
    """All tokens; adjacent bare data as one."""
    result: list[Token] = []
    for piece in pieces:
        made.feed(piece)
        while (token := made.next_token()) is not None:
            if isinstance(token, Data) and result and isinstance(result[-1], Data):
                result[-1] = Data(result[-1].data + token.data)
            else:
                result.append(token)
    return result


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(octets), *(place % (len(octets) + 1) for place in places)})
    return [octets[a:b] for a, b in itertools.pairwise(edges)]


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [
                *(b"\r\nOK\r\n", b"\r\nCLOSED\r\n", b"\r\nREMOTE IP: 10.79.141.126\r\n", b"\r\n> ", b"> ", b"\r\n"),
                *(b"IPD5:", b"IPD0:", b"IPD12TCP:", b"IPDX", b"AT+QISEND\r", b"payload", b"pay", b"\r", b"\n"),
            ]
        ),
    ),
    max_size=12,
).map(b"".join)


@given(
    PIECES,
    st.lists(st.integers(0, 400), max_size=20),
    st.sampled_from([LINES, BARE, COUNTED, BOTH]),
    st.booleans(),
    st.sampled_from([b"", b"payload", b"\r\nOK\r\n", b"pay\r\n"]),
)
def test_the_same_octets_give_the_same_tokens_under_any_chunking(
    octets: bytes, places: list[int], framing: Framing, prompt: bool, echo: bytes
) -> None:
    whole = tokens(lexer(framing, prompt=prompt, echo=echo), octets)
    assert tokens(lexer(framing, prompt=prompt, echo=echo), *cut(octets, places)) == whole
    assert tokens(lexer(framing, prompt=prompt, echo=echo), *(bytes([o]) for o in octets)) == whole


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=20))
def test_a_payload_of_any_octets_is_taken_by_count(payload: bytes, places: list[int]) -> None:
    octets = b"\r\nOK\r\nIPD%d:%s\r\nCLOSED\r\n" % (len(payload), payload)
    found = tokens(lexer(COUNTED), *cut(octets, places))
    assert found == [Line("OK"), Payload(f"IPD{len(payload)}:", payload), Line("CLOSED")]


@given(st.binary(max_size=300), st.binary(max_size=20), st.lists(st.integers(0, 400), max_size=20))
def test_counted_data_of_one_session_is_taken_out_of_bare_data_of_another(
    payload: bytes, bare: bytes, places: list[int]
) -> None:
    """Whatever the payload is: a line in it is no line, and nothing of it is bare data."""
    bare = bare.translate(None, b"\r")  # which might begin a line
    octets = b"%s\r\nIPD%d:%s\r\nOK\r\n%s" % (bare, len(payload), payload, bare)
    data = [Data(bare)] if bare else []
    expected = [*data, Payload(f"IPD{len(payload)}:", payload), Line("OK"), *data]
    assert tokens(lexer(BOTH), *cut(octets, places)) == expected


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(0, 400), max_size=20))
def test_the_echo_of_any_payload_is_taken_out(payload: bytes, places: list[int]) -> None:
    octets = b"\r\n> " + payload + b"\r\nOK\r\n"
    made = lexer(COUNTED, prompt=True)
    found: list[Token] = []
    for piece in cut(octets, places):
        made.feed(piece)
        while (token := made.next_token()) is not None:
            found.append(token)
            if isinstance(token, Prompt):
                made.expect_echo(payload)
    assert found == [Prompt(), Line("OK")]


@given(st.binary(min_size=1, max_size=60).filter(lambda p: not p.startswith((b"\r", b"\n", b" "))))
def test_a_module_without_payload_echo_is_understood_too(payload: bytes) -> None:
    made = lexer(prompt=True)
    made.feed(b"\r\n> ")
    assert made.next_token() == Prompt()
    made.expect_echo(payload)
    assert tokens(made, b"\r\nOK\r\n") == [Line("OK")]


def test_a_line_in_the_middle_of_an_echo_is_taken_out_of_it() -> None:
    made = lexer(echo=b"Hello world")
    assert tokens(made, b"Hello\r\nCLOSED\r\n world\r\nOK\r\n") == [Line("CLOSED"), Line("OK")]


def test_counted_data_in_the_middle_of_an_echo_is_taken_out_of_it() -> None:
    made = lexer(COUNTED, echo=b"Hello world")
    assert tokens(made, b"HelloIPD3:abc world\r\nOK\r\n") == [Payload("IPD3:", b"abc"), Line("OK")]


@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=20))
def test_bare_data_loses_no_octet(data: bytes, places: list[int]) -> None:
    made = lexer(BARE)
    found = tokens(made, *cut(data, places))
    while made.held:
        made.release()
        found += tokens(made, b"")
    given_out = b"".join(t.data if isinstance(t, Data) else b"\r\n%s\r\n" % t.text.encode() for t in found)  # type: ignore[union-attr]
    assert given_out == data


def test_what_may_be_a_line_is_held_back_in_bare_data_and_given_out_on_demand() -> None:
    made = lexer(BARE)
    assert tokens(made, b"abc\r\nCLO") == [Data(b"abc")]
    assert made.held
    made.release()
    assert tokens(made, b"") == [Data(b"\r\nCLO")]
    assert not made.held


def test_a_line_that_is_not_known_is_data_while_data_is_bare() -> None:
    assert tokens(lexer(BARE), b"\r\nCLOSING\r\nCLOSED\r\n") == [Data(b"\r\nCLOSING"), Line("CLOSED")]
    made = lexer(BARE)
    found = tokens(made, b"\r\nHELLO\r\n")
    made.release()
    assert found + tokens(made, b"") == [Data(b"\r\nHELLO"), Data(b"\r\n")]


@pytest.mark.requirement("S8.15", "S3.34")
@pytest.mark.parametrize("prompt", [b"\r\n> ", b"\r\n>", b"> "])
def test_the_prompt_is_seen_with_and_without_its_blank(prompt: bytes) -> None:
    assert tokens(lexer(prompt=True), prompt, b"\r\nOK\r\n") == [Prompt(), Line("OK")]


def test_a_greater_sign_is_no_prompt_when_nobody_waits_for_one() -> None:
    assert tokens(lexer(), b"\r\n> hello\r\n") == [Line("> hello")]


def test_the_echo_of_a_command_right_behind_counted_data_is_a_line_of_its_own() -> None:
    found = tokens(lexer(COUNTED), b"IPD6:great!AT+QICLOSE\r\r\nOK\r\n")
    assert found == [Payload("IPD6:", b"great!"), Line("AT+QICLOSE"), Line("OK")]


def test_a_line_without_end_is_dropped_and_counted() -> None:
    made = Lexer(max_line=10)
    assert tokens(made, b"x" * 100, b"y" * 100, b"\r\nOK\r\n") == [Line("OK")]
    assert made.overlong == 1


def test_a_count_beyond_reason_is_no_header() -> None:
    made = Lexer(max_payload=1000)
    made.framing = COUNTED
    assert tokens(made, b"IPD1001:\r\n") == [Line("IPD1001:")]


def test_an_incomplete_payload_can_be_given_up_without_losing_it() -> None:
    made = lexer(COUNTED)
    assert tokens(made, b"IPD10:abc") == []
    assert made.give_up_payload() == Payload("IPD10:", b"abc")
    assert made.truncated == 1
    assert tokens(made, b"\r\nOK\r\n") == [Line("OK")]


@given(st.text(alphabet="REMOT IP:0123456789.CLOSED", max_size=26), st.sampled_from(KNOWN))
def test_a_pattern_that_matches_could_be_foreseen_from_every_beginning(text: str, pattern: LinePattern) -> None:
    if pattern.match(text):
        line = text.encode() + b"\r"
        assert all(pattern._may_become(line[:n]) for n in range(len(line) + 1))


READ = Header(b"+QIRD:", rb" *(?P<count>[0-9]{1,4}) *\r\n", 40, breaks=1)
TWO_LINES = Header(b"+RECEIVE: ", rb"(?P<count>[0-9]{1,4})\r\nIPD:", 20, breaks=1)


def test_a_line_that_begins_like_a_header_is_a_line_as_soon_as_it_ends() -> None:
    """Not only when more has come: it may be the last for a long time."""
    made = lexer(Framing(headers=(READ,)))
    assert tokens(made, b"\r\n+QIRD: 10,10,0\r\n") == [Line("+QIRD: 10,10,0")]
    assert tokens(made, b"\r\n+QIRD: 2\r\nOK\r\n") == [Payload("+QIRD: 2\r\n", b"OK")]


def test_a_header_that_goes_on_in_another_line_is_waited_for() -> None:
    made = lexer(Framing(headers=(TWO_LINES,)))
    assert tokens(made, b"\r\n+RECEIVE: 2\r\n") == []
    assert tokens(made, b"IPD:ab") == [Payload("+RECEIVE: 2\r\nIPD:", b"ab")]
