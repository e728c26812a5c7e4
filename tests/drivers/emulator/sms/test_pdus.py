"""PDUs of 23.040: those that documents print, what is made of them, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import FakeClock
from drivers.emulator.sms import times
from drivers.emulator.sms.addresses import Address, read_address, read_centre
from drivers.emulator.sms.coding import Alphabet, Coding, coding_of, scheme_of
from drivers.emulator.sms.tpdu import (
    Command,
    Deliver,
    Received,
    Sent,
    StatusReport,
    Submit,
    forwarded,
    read_received,
    read_sent,
)
from drivers.emulator.sms.user_data import Concatenation, UserData
from drivers.emulator.wall_clock import WallClock

# The SMS-DELIVER and the SMS-SUBMIT that texts about PDU mode have printed for twenty-five years.
DELIVER = "040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"
SUBMIT = "11000B916407281553F80000AA0AE8329BFD4697D9EC37"


def octets(digits: str) -> bytes:
    return bytes.fromhex(digits)


# Times


def test_every_zone_that_the_clock_takes_has_a_place_in_a_message() -> None:
    """27.007 §8.15: -47 to +48 quarters of an hour."""
    clock = WallClock(FakeClock())
    taken = {zone for zone in range(-99, 100) if clock.set_text(f"24/01/01,00:00:00{zone:+03}")}
    assert taken == set(range(-47, 49))
    for zone in taken:
        assert clock.set_text(f"24/01/01,00:00:00{zone:+03}")
        assert times.decode_time(times.encode_time(clock.text())) == clock.text()


# Printed ones


def test_the_printed_deliver_is_read_and_written_again() -> None:
    message = read_received(octets(DELIVER))
    assert isinstance(message, Deliver)
    assert message.origin == Address("27838890001", 0xC8)
    assert (message.time, message.data.text) == ("99/03/29,15:16:59+08", "hellohello")
    assert message.encode() == octets(DELIVER)


def test_the_printed_submit_is_read_and_written_again() -> None:
    message = read_sent(octets(SUBMIT))
    assert isinstance(message, Submit)
    assert message.destination == Address("+46708251358", 145)
    assert (message.validity, message.data.text, message.wants_report) == (b"\xaa", "hellohello", False)
    assert message.encode() == octets(SUBMIT)


def test_a_status_report_has_what_it_is_about_when_it_came_and_what_became_of_it() -> None:
    printed = octets("06" "2A" "0B919471325476F8" "01112051341200" "01112051341580" "00")  # fmt: skip
    message = read_received(printed)
    assert isinstance(message, StatusReport)
    assert (message.reference, message.recipient.number, message.status) == (42, "+49172345678", 0)
    assert (message.time, message.discharge) == ("10/11/02,15:43:21+00", "10/11/02,15:43:51+08")
    assert message.encode() == printed


def test_a_command_asks_about_a_message_by_its_reference() -> None:
    printed = octets("22" "00" "00" "00" "07" "0B916407281553F8" "00")  # fmt: skip
    message = read_sent(printed)
    assert message == Command(0x22, 0, 0, 0, 7, Address("+46708251358", 145))
    assert isinstance(message, Command)
    assert message.wants_report
    assert message.encode() == printed


# Addresses and times


@pytest.mark.parametrize(
    ("address", "digits"),
    [
        (Address("+46708251358", 145), "0B916407281553F8"),
        (Address("1001", 129), "04810110"),
        (Address("*100#", 129), "05811A00FB"),
        (Address("", 129), "0081"),
        (Address("Info", 208), "07D049B7F90D"),  # seven semi-octets, the last of which is half used
    ],
)
def test_addresses_as_23_040_9_1_2_5_writes_them(address: Address, digits: str) -> None:
    assert address.encode() == octets(digits)
    assert read_address(octets(digits) + b"rest") == (address, len(octets(digits)))


def test_a_service_centre_counts_its_octets_with_its_type() -> None:
    assert read_centre(octets("0891683108100005F0")) == (Address("+8613800100500", 145), 9)
    assert Address("+8613800100500", 145).encode_centre() == octets("0891683108100005F0")
    assert read_centre(b"\x00\x11") == (None, 1)


@pytest.mark.parametrize("text", ["", "+", "12a4", "ABC", "0" * 21, "+1-2", "++1", "１２"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        Address.parse(text)


def test_a_plus_sign_makes_a_number_international_and_so_does_its_type() -> None:
    assert Address.parse("+4912") == Address("+4912", 145)
    assert Address.parse("4912", 145) == Address("+4912", 145)
    assert Address.parse("4912") == Address("4912", 129)
    assert Address.parse("+4912", 129) == Address("+4912", 145)


@pytest.mark.parametrize(
    ("text", "digits"), [("99/03/29,15:16:59+08", "99309251619580"), ("10/09/25,15:06:37-14", "01905251607349")]
)
def test_times_are_swapped_digits_and_quarters_of_an_hour_with_a_sign(text: str, digits: str) -> None:
    assert times.encode_time(text) == octets(digits)
    assert times.decode_time(octets(digits)) == text


@pytest.mark.parametrize("text", ["", "noon", "99/03/29,15:16:59", "99/03/29,15:16:59+80", "99/03/29 15:16:59+08"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not yy/MM/dd"):
        times.encode_time(text)


# Coding and headers


@pytest.mark.parametrize(
    ("dcs", "coding"),
    [
        (0x00, Coding(Alphabet.GSM7)),
        (0x04, Coding(Alphabet.DATA)),
        (0x08, Coding(Alphabet.UCS2)),
        (0x0C, Coding(Alphabet.GSM7)),  # reserved
        (0x10, Coding(Alphabet.GSM7, 0)),
        (0x13, Coding(Alphabet.GSM7, 3)),
        (0x18, Coding(Alphabet.UCS2, 0)),
        (0x20, Coding(Alphabet.DATA)),  # compressed
        (0x48, Coding(Alphabet.UCS2)),  # to be deleted automatically
        (0xC0, Coding(Alphabet.GSM7)),
        (0xD0, Coding(Alphabet.GSM7, waiting=True)),
        (0xE0, Coding(Alphabet.UCS2, waiting=True)),
        (0xF1, Coding(Alphabet.GSM7, 1)),
        (0xF6, Coding(Alphabet.DATA, 2)),
    ],
)
def test_what_data_coding_schemes_say_in_23_038_4(dcs: int, coding: Coding) -> None:
    assert coding_of(dcs) == coding


@given(st.sampled_from(Alphabet), st.sampled_from([None, 0, 1, 2, 3]))
def test_a_scheme_says_what_it_was_made_for(kind: Alphabet, message_class: int | None) -> None:
    assert coding_of(scheme_of(kind, message_class)) == Coding(kind, message_class)


@pytest.mark.parametrize(
    ("part", "digits"),
    [(Concatenation(5, 3, 2), "0003050302"), (Concatenation(0x1234, 3, 1, wide=True), "080412340301")],
)
def test_a_part_says_which_one_it_is_in_8_or_16_bits(part: Concatenation, digits: str) -> None:
    """23.040 §9.2.3.24.1 and §9.2.3.24.8."""
    assert part.encode() == octets(digits)
    assert UserData(Alphabet.UCS2, b"", part.encode()).concatenation == part


@pytest.mark.parametrize("digits", ["0003050300", "0003050304", "0003050001", "0002050301", "00030503", "0500", "00"])
def test_a_part_that_there_cannot_be_is_no_part(digits: str) -> None:
    assert UserData(Alphabet.GSM7, b"", octets(digits)).concatenation is None


# What is refused


def reasons() -> dict[str, str]:
    head = "11000B916407281553F80000AA"
    return {
        "nothing": "",
        "cut off in the address": "11000B9164",
        "cut off before the length": head,
        "one octet missing": SUBMIT[:-2],
        "one octet too many": SUBMIT + "00",
        "161 septets": f"{head}A1" + "00" * 141,
        "141 octets": "11000B916407281553F80004AA8D" + "00" * 141,
        "an address of 21 digits": "110015916407281553F8640728155300" + "0000AA00",
        "a digit that is none": "11000B91F407281553F80000AA00",
        "an address without a type": "11000B116407281553F80000AA00",
        "a header longer than everything": "51000B916407281553F80000AA02FFFF",
        "a header with no room for it": "51000B916407281553F80004AA00",
        "a deliver": DELIVER,
        "a reserved type": "13" + SUBMIT[2:],
    }


@pytest.mark.parametrize("reason", reasons())
def test_what_is_no_submit_from_its_first_octet_to_its_last_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_sent(octets(reasons()[reason]))


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "04",
        DELIVER[:-2],
        DELIVER + "00",
        DELIVER.replace("9930", "9F30"),
        SUBMIT,
        "02" + "00" * 5,
        "03" + "00" * 20,
    ],
)
def test_what_is_no_deliver_and_no_report_is_refused(digits: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_received(octets(digits))


def test_a_validity_period_has_the_form_that_the_first_octet_says() -> None:
    message = Submit(0x01, 0, Address("1"), 0, 0, b"\xaa", UserData(Alphabet.GSM7, b""))
    with pytest.raises(ValueError, match="validity"):
        message.encode()


# Round trips

numbers = st.builds("{}{}".format, st.sampled_from(["", "+"]), st.text("0123456789*#", min_size=1, max_size=20))
addresses = numbers.map(Address.parse)
moments = st.builds(
    "{:02}/{:02}/{:02},{:02}:{:02}:{:02}{}{:02}".format,
    *[st.integers(0, 99)] * 6,
    st.sampled_from("+-"),
    st.integers(0, 79),
)
headers = st.sampled_from([b"", *(Concatenation(7, 3, 1, wide).encode() for wide in (False, True))])


@st.composite
def user_data(draw: st.DrawFn, kind: Alphabet) -> UserData:
    payload = draw(st.binary(max_size=13)) * draw(st.integers(1, 10))
    return UserData(kind, bytes(octet & 0x7F for octet in payload) if kind is Alphabet.GSM7 else payload, draw(headers))


@st.composite
def submits(draw: st.DrawFn) -> Submit:
    form, validity = draw(st.sampled_from([(0x00, b""), (0x10, b"\xa7"), (0x18, b"\x01" * 7), (0x08, b"\x02" * 7)]))
    dcs = draw(st.integers(0, 255))
    data = draw(user_data(coding_of(dcs).alphabet))
    first = form | 1 | draw(st.sampled_from([0, 0x20, 0x80, 0xA4])) | 0x40 * bool(data.header)
    octet = st.integers(0, 255)
    return Submit(first, draw(octet), draw(addresses), draw(octet), dcs, validity, data)


@given(submits())
def test_what_a_terminal_writes_is_read_as_what_it_was(message: Submit) -> None:
    assert read_sent(message.encode()) == message


@given(submits(), addresses, moments)
def test_a_service_centre_forwards_text_header_and_wishes(message: Submit, origin: Address, time: str) -> None:
    """23.040 §9.2.2: what TP-PID, TP-DCS and TP-UD say does not change on the way."""
    forward = forwarded(message, origin, time)
    read = read_received(forward.encode())
    assert isinstance(read, Deliver)
    assert (read.pid, read.dcs, read.data, read.origin, read.time) == (
        message.pid,
        message.dcs,
        message.data,
        origin,
        time,
    )


@given(st.integers(0, 255), addresses, moments, moments, st.integers(0, 255))
def test_reports_are_read_as_what_they_were(number: int, about: Address, time: str, then: str, status: int) -> None:
    message = StatusReport(number, about, time, then, status)
    assert read_received(message.encode()) == message


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    for read in (read_sent, read_received):
        try:
            message: Sent | Received = read(data)
        except ValueError:
            continue
        assert len(message.encode()) <= len(data)
