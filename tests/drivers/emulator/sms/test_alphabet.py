"""The GSM 7 bit default alphabet and its packing, against PyPI's gsm0338 and what 23.038 prints."""

from __future__ import annotations

import string

import gsm0338  # noqa: F401 - registers the codec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulator.sms import alphabet

LETTERS = [character for character in map(chr, range(0x10000)) if alphabet.fits(character)]
texts = st.text("".join(LETTERS), max_size=60)


def test_the_alphabet_has_the_characters_of_23_038_6_2_1_and_its_extension_table() -> None:
    assert len(LETTERS) == 127 + 10
    assert set("\f^{}\\[~]|€") <= set(LETTERS)
    assert set(string.ascii_letters + string.digits + "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\r\n") <= set(LETTERS)
    assert not set("`çáíóúÁ\t") & set(LETTERS)


@given(texts)
def test_it_encodes_and_decodes_like_another_implementation(text: str) -> None:
    codes = alphabet.encode(text)
    assert codes == text.encode("gsm03.38")
    assert alphabet.decode(codes) == codes.decode("gsm03.38") == text


def test_a_character_that_it_lacks_is_named() -> None:
    with pytest.raises(ValueError, match="'ł'"):
        alphabet.encode("zł")


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        (b"\x1b\x65", "€"),
        (b"a\x1b", "a "),  # nothing behind the escape
        (b"\x1b\x1bb", " b"),  # reserved for another extension table
        (b"\x1bA", "A"),  # not in the extension table: the character of the basic one
    ],
)
def test_an_escape_that_leads_nowhere_is_read_as_23_038_6_2_1_1_says(codes: bytes, text: str) -> None:
    assert alphabet.decode(codes) == text


def test_hellohello_packs_into_the_octets_that_everybody_prints() -> None:
    assert alphabet.pack(b"hellohello").hex().upper() == "E8329BFD4697D9EC37"
    assert alphabet.unpack(bytes.fromhex("E8329BFD4697D9EC37"), 10) == b"hellohello"


def test_septets_are_packed_from_the_low_bit_on_and_eight_of_them_take_seven_octets() -> None:
    """23.038 §6.1.2.1.1: the first septet has the low bits of the first octet, the rest of it those of the second."""
    assert alphabet.pack(bytes([0x7F])) == b"\x7f"
    assert alphabet.pack(bytes([0, 0x7F])) == b"\x80\x3f"
    assert alphabet.pack(bytes([0x7F] * 8)) == b"\xff" * 7


@given(st.binary(max_size=160), st.integers(0, 6))
def test_what_is_packed_is_unpacked(octets: bytes, fill: int) -> None:
    codes = bytes(octet & 0x7F for octet in octets)
    packed = alphabet.pack(codes, fill)
    assert len(packed) == (7 * len(codes) + fill + 7) // 8
    assert alphabet.unpack(packed, len(codes), fill) == codes
