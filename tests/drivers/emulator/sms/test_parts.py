"""Long texts in several messages, and several messages as one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulator.sms.addresses import Address
from drivers.emulator.sms.coding import Alphabet, scheme_of
from drivers.emulator.sms.parts import divide
from drivers.emulator.sms.sent import MOST_SENT, SentLog
from drivers.emulator.sms.tpdu import Submit
from drivers.emulator.sms.user_data import UserData


@pytest.mark.parametrize(
    ("text", "kind", "wide", "lengths"),
    [
        ("x" * 160, None, False, [160]),
        ("x" * 161, None, False, [153, 8]),
        ("x" * 307, None, False, [153, 153, 1]),
        ("x" * 305, None, True, [152, 152, 1]),
        ("€" * 80, None, False, [160]),
        ("x" * 152 + "€" * 10, None, False, [152, 20]),  # an extended character is not divided
        ("я" * 70, None, False, [140]),
        ("я" * 71, None, False, [134, 8]),
        ("я" * 133, None, True, [132, 132, 2]),
        ("я" * 66 + "🙂" * 3, None, False, [132, 12]),  # nor one that takes two code units
        ("AB" * 140, Alphabet.DATA, False, [140]),
        ("AB" * 141, Alphabet.DATA, False, [134, 7]),
        ("", None, False, [0]),
    ],
)
def test_how_much_a_part_carries(text: str, kind: Alphabet | None, wide: bool, lengths: list[int]) -> None:
    """23.040 §9.2.3.24.1: 153 septets, 134 octets or 67 UCS-2 characters; with a reference of 16 bits 152, 133, 66."""
    parts = divide(text, kind, reference=9, wide=wide)
    assert [len(part.payload) for part in parts] == lengths
    for part in parts:
        part.encode()


texts = st.builds(
    lambda piece, count: piece * count, st.text(max_size=12) | st.text("ab€[]@é", max_size=12), st.integers(1, 60)
)


@given(texts, st.booleans(), st.integers(0, 255))
def test_the_parts_make_the_text_again_each_of_whole_characters(text: str, wide: bool, reference: int) -> None:
    parts = divide(text, None, reference=reference, wide=wide)
    assert "".join(part.text for part in parts) == text
    if len(parts) > 1:
        numbers = [(part.concatenation.number, part.concatenation.total) for part in parts if part.concatenation]
        assert numbers == [(number, len(parts)) for number in range(1, len(parts) + 1)]


@pytest.mark.parametrize(
    ("text", "kind", "reference"),
    [("я", Alphabet.GSM7, 0), ("x", None, 256), ("x", None, -1), ("x" * 153 * 256, None, 0), ("xy", Alphabet.DATA, 0)],
)
def test_what_cannot_be_sent_is_refused(text: str, kind: Alphabet | None, reference: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        divide(text, kind, reference=reference)


# Sent messages


def submit(data: UserData, number: str = "+491", *, report: bool = False) -> Submit:
    first = 0x01 | 0x20 * report | 0x40 * bool(data.header)
    return Submit(first, 0, Address.parse(number), 0, scheme_of(data.alphabet), b"", data)


def test_parts_that_came_in_any_order_and_between_others_are_one_message() -> None:
    log = SentLog()
    text = "Привет, 🙂! " * 15
    parts = divide(text, None, reference=3)
    assert len(parts) == 3
    for part in (parts[2], parts[0]):
        log.add(b"\x00", submit(part))
        log.add(b"\x00", submit(part, "+492"))
    unfinished = log.messages()[0]
    assert (unfinished.parts, unfinished.complete) == (3, False)
    log.add(b"\x00", submit(parts[1], report=True))
    first, second = log.messages()
    assert (first.number, first.text, first.coding, first.parts, first.complete) == ("+491", text, "UCS-2", 3, True)
    assert first.pdu.split("\n") == [
        (b"\x00" + submit(part, report=number == 2).encode()).hex().upper() for number, part in enumerate(parts, 1)
    ]
    assert first.status_report
    assert not second.complete


def test_the_same_part_again_begins_another_message() -> None:
    log = SentLog()
    part = divide("x" * 200, None, reference=3)[0]
    log.add(b"\x00", submit(part))
    log.add(b"\x00", submit(part))
    assert [message.text for message in log.messages()] == ["x" * 153, "x" * 153]


def test_a_surrogate_pair_that_a_host_has_divided_is_one_character() -> None:
    log = SentLog()
    octets = ("я" * 66 + "🙂").encode("utf-16-be")
    for number, payload in ((1, octets[:134]), (2, octets[134:])):
        header = bytes([0, 3, 1, 2, number])
        log.add(b"\x00", submit(UserData(Alphabet.UCS2, payload, header)))
    assert log.messages()[0].text == "я" * 66 + "🙂"


def test_the_oldest_messages_make_room_and_are_counted() -> None:
    log = SentLog()
    for number in range(MOST_SENT + 3):
        log.add(b"\x00", submit(divide(str(number), None)[0]))
    messages = log.messages()
    assert (len(messages), messages[0].text, log.discarded) == (MOST_SENT, "3", 3)
