"""Every octet layout of 3GPP TS 27.010, once: construct declarations and tables of constants, no logic.

Bit 1 of the specification is the least significant one; construct writes a `BitStruct` from bit 8 down.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from construct import (
    BitsInteger,
    BitStruct,
    Construct,
    Default,
    ExprAdapter,
    Flag,
    If,
    Int8ub,
    Int16ul,
    Optional,
    Padding,
    Struct,
)

# --- Flags and transparency (27.010 §5.2.6.1, §5.2.7.1, §5.2.7.3) -------------------------------------------------

BASIC_FLAG = 0xF9
ADVANCED_FLAG = 0x7E
ESCAPE = 0x7D
ESCAPE_XOR = 0x20
XON, XOFF = 0x11, 0x13
FLOW_OCTETS = bytes((XON, XOFF, XON | 0x80, XOFF | 0x80))  # §5.2.7.3: with bit 8 ignored

# --- The header of a frame (§5.2.1) -------------------------------------------------------------------------------


class FrameType(IntEnum):
    """The control octet with P/F and sequence numbers clear (27.010 §5.2.1.3, table 2; §6)."""

    SABM = 0x2F  # §5.3.1
    UA = 0x63  # §5.3.2
    DM = 0x0F  # §5.3.3
    DISC = 0x43  # §5.3.4
    UIH = 0xEF  # §5.3.5
    UI = 0x03  # §5.3.6
    I = 0x00  # noqa: E741 - the name of the specification
    RR = 0x01
    RNR = 0x05
    REJ = 0x09


address: Construct[Any, Any] = BitStruct(  # §5.2.1.2
    "dlci" / BitsInteger(6),
    "cr" / Flag,
    "ea" / Flag,
)

control: Construct[Any, Any] = (
    BitStruct(  # §5.2.1.3: U frames use all seven bits for the type; I, RR, RNR, REJ carry N(R), I also N(S)
        "modifier" / BitsInteger(3),
        "pf" / Flag,
        "function" / BitsInteger(4),
    )
)

length: Construct[int, int] = ExprAdapter(  # §5.2.1.5: EA only in the first octet, so 15 bits
    Struct(
        "first" / BitStruct("low" / BitsInteger(7), "ea" / Flag), "high" / If(lambda this: not this.first.ea, Int8ub)
    ),
    lambda parsed, _: parsed.first.low | (parsed.high or 0) << 7,
    lambda number, _: {"first": {"low": number & 0x7F, "ea": number <= 0x7F}, "high": number >> 7},
)


class Header(NamedTuple):
    """The fields in front of the information field, as they are coded."""

    dlci: int
    cr: bool
    ea: bool
    modifier: int
    pf: bool
    function: int
    length: int = 0


def _header(*length_field: Construct[Any, Any]) -> Construct[Header, Header]:
    return ExprAdapter(
        Struct("address" / address, "control" / control, *length_field),
        lambda parsed, _: Header(
            parsed.address.dlci,
            parsed.address.cr,
            parsed.address.ea,
            parsed.control.modifier,
            parsed.control.pf,
            parsed.control.function,
            parsed.get("length", 0),
        ),
        lambda header, _: {
            "address": {"dlci": header.dlci, "cr": header.cr, "ea": header.ea},
            "control": {"modifier": header.modifier, "pf": header.pf, "function": header.function},
            "length": header.length,
        },
    )


basic_header: Construct[Header, Header] = _header("length" / length)  # §5.2.6
advanced_header: Construct[Header, Header] = _header()  # §5.2.7.4

# --- Messages of the control channel (§5.4.6) ---------------------------------------------------------------------


class MessageType(IntEnum):
    """Bits 3 to 8 of the type octet of a control message (27.010 §5.4.6.3)."""

    PN = 0x20
    PSC = 0x10
    CLD = 0x30
    TEST = 0x08
    FCON = 0x28
    FCOFF = 0x18
    MSC = 0x38
    NSC = 0x04
    RPN = 0x24
    RLS = 0x14
    SNC = 0x34


message_type: Construct[Any, Any] = BitStruct(  # §5.4.6.1: this C/R is not the one of the address
    "type" / BitsInteger(6),
    "command" / Flag,
    "ea" / Flag,
)

dlci_octet: Construct[Any, Any] = BitStruct(  # in MSC, RPN, RLS, SNC: bits 1 and 2 are sent as 1 and not looked at
    "dlci" / BitsInteger(6),
    "cr" / Default(Flag, True),
    "ea" / Default(Flag, True),
)

v24: Construct[Any, Any] = BitStruct(  # §5.4.6.3.7
    "dv" / Flag,
    "ic" / Flag,
    Padding(2),
    "rtr" / Flag,
    "rtc" / Flag,
    "fc" / Flag,
    "ea" / Default(Flag, True),
)

break_signal: Construct[Any, Any] = BitStruct(  # §5.4.6.3.7: the length in steps of 200 ms
    "length" / BitsInteger(4),
    Padding(2),
    "on" / Flag,
    "ea" / Default(Flag, True),
)

msc: Construct[Any, Any] = Struct("dlci" / dlci_octet, "signals" / v24, "break" / Optional(break_signal))
msc_with_break: Construct[Any, Any] = Struct("dlci" / dlci_octet, "signals" / v24, "break" / break_signal)

status: Construct[Any, Any] = (
    Struct(  # §5.5.2, table 24: what convergence layer 2 puts before the data, the break octet by EA
        "signals" / v24, "break" / If(lambda this: not this.signals.ea, break_signal)
    )
)

nsc: Construct[Any, Any] = Struct("type_octet" / Int8ub)  # §5.4.6.3.8: as received

pn: Construct[Any, Any] = Struct(  # §5.4.6.3.1, tables 3 to 5
    "dlci" / BitStruct(Padding(2), "dlci" / BitsInteger(6)),
    "kind" / BitStruct("convergence" / BitsInteger(4), "frame" / BitsInteger(4)),
    "priority" / BitStruct(Padding(2), "priority" / BitsInteger(6)),
    "t1" / Int8ub,  # in steps of 10 ms
    "n1" / Int16ul,
    "n2" / Int8ub,
    "k" / BitStruct(Padding(5), "k" / BitsInteger(3)),
)

PN_FRAME_TYPES = {0: FrameType.UIH, 1: FrameType.UI, 2: FrameType.I}  # table 4

rpn_query: Construct[Any, Any] = Struct("dlci" / dlci_octet)  # §5.4.6.3.9: one octet asks, eight set

rpn: Construct[Any, Any] = Struct(  # §5.4.6.3.9, table 11
    "dlci" / dlci_octet,
    "baud" / Int8ub,
    "format"
    / BitStruct(
        Padding(2), "parity_type" / BitsInteger(2), "parity" / Flag, "stop" / BitsInteger(1), "data" / BitsInteger(2)
    ),
    "flow" / Int8ub,
    "xon" / Int8ub,
    "xoff" / Int8ub,
    "mask" / Int16ul,
)

RPN_LENGTH = 8
BAUD_RATES = {0: 2400, 1: 4800, 2: 7200, 3: 9600, 4: 19200, 5: 38400, 6: 57600, 7: 115200, 8: 230400}  # table 12

rls: Construct[Any, Any] = Struct(  # §5.4.6.3.10
    "dlci" / dlci_octet,
    "status" / BitStruct(Padding(4), "framing" / Flag, "parity" / Flag, "overrun" / Flag, "error" / Flag),
)

snc: Construct[Any, Any] = Struct(  # §5.4.6.3.11: one octet asks, three set
    "dlci" / dlci_octet,
    "service" / Optional(Int8ub),
    "codec" / Optional(Int8ub),
)
snc_set: Construct[Any, Any] = Struct("dlci" / dlci_octet, "service" / Int8ub, "codec" / Int8ub)
snc_query: Construct[Any, Any] = Struct("dlci" / dlci_octet)

VALUE_SIZES: dict[
    MessageType, tuple[int, ...]
] = {  # §5.4.6.3: how many value octets each message has; Test has any number
    MessageType.PN: (8,),
    MessageType.PSC: (0, 1),  # the second: Siemens modules say with one octet how deep they sleep, or whether they do
    MessageType.CLD: (0,),
    MessageType.FCON: (0,),
    MessageType.FCOFF: (0,),
    MessageType.MSC: (2, 3),
    MessageType.NSC: (1,),
    MessageType.RPN: (1, RPN_LENGTH),
    MessageType.RLS: (2,),
    MessageType.SNC: (1, 3),
}
