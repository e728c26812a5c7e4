"""`cmux.cli.decode_lines`: lines of AT text out of frames, the same for any division."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cmux.cli.decode_lines import LONGEST_TEXT, LineJoiner, escaped, is_final_result

PIECES = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b"> ", b">", b" ", b"\x1a", b"\x1b", b"\t", b"\x00", b"\xff", b"AT", b"OK", b"+CSQ: 20,99"]
)
SOUP = st.lists(PIECES | st.binary(max_size=6), max_size=24).map(b"".join)
CUTS = st.lists(st.integers(0, 9), max_size=30)


def divided(octets: bytes, cuts: list[int]) -> list[bytes]:
    parts = []
    for cut in cuts:
        parts.append(octets[:cut])
        octets = octets[cut:]
    return [*parts, octets]


def lines_of(parts: list[bytes]) -> list[str]:
    joiner = LineJoiner()
    return [line for part in parts for line in joiner.take(part).lines]


@given(SOUP, CUTS)
@example(b"> \x00", [2])
@example(b">> \r", [1])
def test_the_lines_are_the_same_for_any_division_into_frames(octets: bytes, cuts: list[int]) -> None:
    assert lines_of(divided(octets, cuts)) == lines_of([octets])
    assert lines_of([bytes((octet,)) for octet in octets]) == lines_of([octets])


@given(st.integers(-3, 3), st.integers(0, 4099), st.sampled_from([b"x", b"> ", b"x> ", b"<"]))
def test_a_line_that_is_too_long_is_divided_at_the_same_place(more: int, cut: int, pattern: bytes) -> None:
    text = (pattern * LONGEST_TEXT)[: LONGEST_TEXT + more] + b"> > x\r"
    assert lines_of([text[:cut], text[cut:]]) == lines_of([text])
    assert max(map(len, lines_of([text]))) <= LONGEST_TEXT


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=">"), max_size=60), CUTS)
def test_the_lines_are_those_between_cr_and_lf(text: str, cuts: list[int]) -> None:
    octets = text.replace("a", "\r").replace("b", "\r\n").encode()
    expected = [line for line in re.split(r"[\r\n]", octets.decode())[:-1] if line]
    assert lines_of(divided(octets, cuts)) == expected


@given(
    st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=">"), min_size=1)), CUTS
)
def test_each_line_stands_whole_somewhere_and_its_parts_before_it(lines: list[str], cuts: list[int]) -> None:
    """What is shown of each frame: its lines but for one that was seen, and then its part of one that goes on."""
    joiner, shown = LineJoiner(), []
    for part in divided("".join(f"{line}\r" for line in lines).encode(), cuts):
        joined = joiner.take(part)
        shown += [*joined.lines[joined.seen :], *([joined.rest] if joined.rest else [])]
    whole = iter(shown)
    assert all(any(text in (line, f"{line} …") for text in whole) for line in lines)


def test_parts_of_a_line_have_an_ellipsis_where_it_goes_on() -> None:
    joiner = LineJoiner()
    assert joiner.take(b"AT+CS") == ((), False, "AT+CS …", False)
    assert joiner.take(b"Q;") == ((), False, "… Q; …", False)
    assert joiner.take(b"+CREG?\r") == (("AT+CSQ;+CREG?",), False, "", False)


def test_a_line_of_which_one_frame_had_all_but_the_end_is_not_shown_twice() -> None:
    joiner = LineJoiner()
    joiner.take(b"Hello")
    assert joiner.take(b"\r\nSEND OK\r\n") == (("Hello", "SEND OK"), True, "", False)
    joiner.take(b"Hel")
    joiner.take(b"lo")
    assert joiner.take(b"\r") == (("Hello",), False, "", False)


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"\r\n> ", [">"]),
        (b"Hello\x1a", ["Hello^Z"]),
        (b"Hello\x1b", ["Hello^["]),
        (b"\x1a", ["^Z"]),
        (b"a\tb\r", ["a\\tb"]),
        (b"\x1b[31mred\r", ["^[", "[31mred"]),
        (b"caf\xc3\xa9\r\nOK\r\n", ["OK"]),
        (b"\x00\x1a\r\nOK\r\n", ["OK"]),
    ],
)
def test_what_ends_a_line_and_what_is_none(octets: bytes, lines: list[str]) -> None:
    assert lines_of([octets]) == lines


def test_octets_that_are_no_text_are_told_for_the_frames_that_have_them_and_no_others() -> None:
    joiner = LineJoiner()
    found = [joiner.take(part).binary for part in (b"AT\r", b"\x01\x02", b"text of it", b"", b"\r\nOK\r\n")]
    assert found == [False, True, True, False, False]


def test_data_by_count_ends_where_the_other_side_has_answered() -> None:
    joiner = LineJoiner()
    joiner.take(b"by count")
    joiner.end()
    assert joiner.take(b"") == ((), False, "", False)
    assert joiner.take(b"AT\r") == (("by count", "AT"), True, "", False)
    joiner.take(b"by ")
    joiner.take(b"count")
    joiner.end()
    assert joiner.take(b"AT\r") == (("by count", "AT"), False, "", False)
    joiner.take(b"\x00")
    joiner.end()
    assert joiner.take(b"AT\r") == (("AT",), False, "", False)


def test_nothing_is_joined_behind_what_was_forgotten() -> None:
    joiner = LineJoiner()
    joiner.take(b"AT+C")
    joiner.forget()
    assert joiner.take(b"SQ\r").lines == ("SQ",)


def test_final_results_and_other_lines() -> None:
    finals = ("OK", "ERROR", "SEND OK", "SEND FAIL", "+CME ERROR: 10", "+CMS ERROR: 500", "NO CARRIER", "CONNECT 9600")
    assert all(map(is_final_result, finals))
    assert not any(map(is_final_result, ("RING", "+CSQ: 20,99", "OKAY", "> ", "", "it is OK")))


def test_ends_of_lines_can_be_shown() -> None:
    assert escaped(b"\r\n") == "\\r\\n"
