"""Control messages to octets and back (27.010 §5.4.6)."""

from __future__ import annotations

import pytest

from cmux.protocol import FrameType, commands
from cmux.protocol.commands import (
    CLD,
    MSC,
    NSC,
    PN,
    PSC,
    RLS,
    RPN,
    SNC,
    Command,
    FCoff,
    FCon,
    Flow,
    Parity,
    PortMask,
    PortSettings,
    Signals,
)
from cmux.protocol.errors import FrameError
from cmux.protocol.messages import encode_message, parse_messages

TABLE = [
    ("C3 01", True, CLD()),
    ("C1 01", False, CLD()),
    ("23 05 50 49", True, commands.Test(b"PI")),
    ("21 01", False, commands.Test(b"")),
    ("A3 01", True, FCon()),
    ("63 01", True, FCoff()),
    ("E3 05 07 8D", True, MSC(1, Signals())),
    ("E1 05 0B 8D", False, MSC(2, Signals())),
    ("E3 05 07 0D", True, MSC(1, Signals(dv=False))),
    ("E3 05 07 03", True, MSC(1, Signals(fc=True, rtc=False, rtr=False, dv=False))),
    ("E3 05 07 CD", True, MSC(1, Signals(ic=True))),
    ("E3 05 07 05", True, MSC(1, Signals(rtc=True, rtr=False, dv=False))),
    ("E3 05 07 09", True, MSC(1, Signals(rtc=False, rtr=True, dv=False))),
    ("E3 05 07 81", True, MSC(1, Signals(rtc=False, rtr=False, dv=True))),
    ("E3 07 07 8C 23", True, MSC(1, Signals(), 0.4)),
    ("11 03 93", False, NSC(0x93)),
    ("43 01", True, PSC()),
    ("43 03 03", True, PSC(b"\x03")),
    ("83 11 01 00 07 0A 7F 00 03 02", True, PN(1, priority=7, n1=127)),
    ("81 11 01 00 07 0A 40 00 03 02", False, PN(1, priority=7, n1=64)),
    ("83 11 02 11 0F 0A 00 02 03 02", True, PN(2, FrameType.UI, 2, 15, n1=512)),
    ("83 11 01 02 07 0A 40 00 03 02", True, PN(1, FrameType.I, 1, 7, n1=64)),
    ("93 03 07", True, RPN(1)),
    ("93 11 07 07 03 00 11 13 7F 3F", True, RPN(1, PortSettings(115200))),
    (
        "93 11 0B 04 1E 0C 11 13 1F 0C",
        True,
        RPN(2, PortSettings(19200, 7, 1.5, Parity.EVEN, Flow.RTR_IN | Flow.RTR_OUT), PortMask(0x0C1F)),
    ),
    ("53 05 07 03", True, RLS(1, overrun=True)),
    ("53 05 07 05", True, RLS(1, parity=True)),
    ("53 05 07 09", True, RLS(1, framing=True)),
    ("51 05 07 00", False, RLS(1)),
    ("D3 03 07", True, SNC(1)),
    ("D3 07 07 03 01", True, SNC(1, SNC.DATA, 0x01)),
]


@pytest.mark.clause("5.4.6", "5.4.6.3.3", "5.4.6.3.4", "5.4.6.3.5", "5.4.6.3.6", "5.4.6.3.7", "5.4.6.3.8")
@pytest.mark.clause("5.4.6.3.1", "5.4.6.3.2", "5.4.6.3.9", "5.4.6.3.10", "5.4.6.3.11")
@pytest.mark.parametrize(("octets", "command", "body"), TABLE)
def test_message(octets: str, command: bool, body: Command) -> None:
    line = bytes.fromhex(octets)
    assert encode_message(body, command=command) == line
    (message,) = parse_messages(line)
    assert (message.command, message.body, message.name, message.problem) == (command, body, body.name, None)


@pytest.mark.clause("5.4.6.3.9")
def test_each_baud_rate_of_rpn_has_its_code() -> None:
    for code, rate in enumerate((2400, 4800, 7200, 9600, 19200, 38400, 57600, 115200, 230400)):
        (message,) = parse_messages(encode_message(RPN(1, PortSettings(rate)), command=True))
        assert message.value[1] == code
        assert message.body == RPN(1, PortSettings(rate))


def test_several_messages_in_one_frame() -> None:
    line = b"".join(bytes.fromhex(octets) for octets, _, _ in TABLE)
    assert [message.body for message in parse_messages(line)] == [body for _, _, body in TABLE]


def test_cld_without_its_length_octet() -> None:
    (message,) = parse_messages(b"\xc3")
    assert message.body == CLD()
    assert message.problem is None


@pytest.mark.parametrize(
    "octets",
    [
        "E3",
        "E3 05",
        "E3 05 07",
        "E3 04",
        "23 04",
        "11 01",
        "E3 01",
        "E3 03 07",
        "83 0F 01 00 07 0A 7F 00 03",
        "53 03 07",
    ],
)
def test_cut_short_is_a_problem_and_no_exception(octets: str) -> None:
    (message,) = parse_messages(bytes.fromhex(octets))
    assert message.body is None
    assert message.problem


def test_unknown_type_keeps_its_octet_and_value() -> None:
    (message,) = parse_messages(bytes.fromhex("FB 05 01 02"))
    assert (message.type, message.type_octet, message.value, message.name) == (None, 0xFB, b"\x01\x02", "type FB")


def test_msc_with_a_third_octet_that_ea_does_not_announce() -> None:
    """Some modules set EA in the signals and send a break octet all the same: the length counts."""
    (message,) = parse_messages(bytes.fromhex("E3 07 07 8D 01"))
    assert message.body == MSC(1, Signals())
    assert message.value == bytes.fromhex("07 8D 01")


@pytest.mark.clause("5.2.1.5")
def test_test_message_over_127_octets_has_a_longer_length_field() -> None:
    line = encode_message(commands.Test(bytes(200)), command=True)
    assert line[:3] == bytes.fromhex("23 90 01")
    assert parse_messages(line)[0].body == commands.Test(bytes(200))


def test_what_does_not_fit_its_field_is_told() -> None:
    with pytest.raises(FrameError):
        encode_message(MSC(64, Signals()), command=True)
    with pytest.raises(FrameError):
        encode_message(NSC(256), command=False)
    with pytest.raises(FrameError, match="RPN cannot code 921600 baud"):
        encode_message(RPN(1, PortSettings(921600)), command=True)
