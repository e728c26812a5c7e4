"""What modules said, as it stands in manuals, logs and issues; each with its source and what is our reading of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """Some octets on the line."""

    from_host: bool
    octets: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange."""

    name: str
    profile: str
    """Of which profile it is the evidence."""
    module: str
    source: str
    shows: str
    lines: tuple[Line, ...]
    dlcis: tuple[int, ...] = ()
    """Channels that were open before it."""
    sent_is_recorded: bool = True
    """False: the log has only what the module sent."""


def host(text: str) -> Line:
    return Line(True, bytes.fromhex(text))


def module(text: str) -> Line:
    return Line(False, bytes.fromhex(text))


FRAMES = (
    Recording(
        "sim800-log",
        "sim800",
        "SIM800",
        "espressif/esp-protocols#140, log of 2022-09-15",
        "UA and the module's own MSC (RTC and RTR) in one read",
        (
            host("f9 03 3f 01 1c f9"),
            module("f9 03 73 01 d7 f9"),
            host("f9 07 3f 01 de f9"),
            module("f9 07 73 01 15 f9 f9 01 ef 09 e3 05 07 0d 9a f9"),
        ),
    ),
    Recording(
        "sim800-note",
        "sim800",
        "SIM800",
        "SIM800 Series MUX Application Note V1.04, 4.6",
        "UA with a two-octet length of zero",
        (
            host("F9 07 53 01 3f F9"),
            module("F9 07 73 00 00 D7 F9"),
            host("F9 0B 53 01 B8 F9"),
            module("F9 0B 73 01 92 F9"),
        ),
        dlcis=(1, 2),
    ),
    Recording(
        "unnamed-gist",
        "generic",
        "a module that the log does not name",
        "gist diplfranzhoepfinger/8411a48f3493d197cb3f5813d37aa4da, log of 2023-04-22",
        "three channels opened one after the other, no MSC from the module",
        (
            module("f9 03 73 01 d7 f9"),
            module("f9 07 73 01 15 f9"),
            module("f9 0b 73 01 92 f9"),
        ),
        sent_is_recorded=False,
    ),
    Recording(
        "c16qs-log",
        "generic",
        "Cavli C16QS",
        "espressif/esp-protocols#507, cmux_text.txt",
        "the module opens the channels itself, and talks on them at once",
        (
            module("f9 03 73 01 d7 f9"),
            module("f9 07 3f 01 de f9"),
            module("f9 07 ef 27 0d 0a 52 44 59 0d 0a 0d 0a 2b 41 54 52 45 41 44 59 0d 0a eb f9"),
            module(
                "f9 0b 3f 01 59 f9 f9 0b ef 27 0d 0a 52 44 59 0d 0a 0d 0a 2b 41 54 52 45 41 44 59 0d 0a 6c f9",
            ),
        ),
        sent_is_recorded=False,
    ),
    Recording(
        "mc60-log",
        "m10",
        "Quectel MC60",
        "espressif/esp-protocols#305, log of 2023-06-10",
        "every octet echoed in a frame of its own; the log ends within the answer",
        (
            module("f9 09 ef 03 41 32 f9 f9 09 ef 03 54 32 f9 f9 09"),
            module("ef 03 2b 32 f9 f9 09 ef 03 43 32 f9 f9 09 ef 03"),
            module("53 32 f9 f9 09 ef 03 51 32 f9 f9 09 ef 03 0d 32"),
            module("f9 f9 09 ef 1d 0d 0a 2b 43 53 51 3a 20 33 31 2c"),
        ),
        dlcis=(2,),
        sent_is_recorded=False,
    ),
    Recording(
        "mdm6600-log",
        "mdm6600",
        "Motorola MDM6600",
        "Linux commit ea3d8465ab9b, log in its message",
        "DM for SABM on DLCI 0",
        (
            host("f9 03 3f 01 1c f9"),
            module("f9 03 1f 01 36 f9"),
        ),
    ),
    Recording(
        "bg96-log",
        "bg9x",
        "Quectel BG96",
        "espressif/esp-protocols#103, log of 2022-08-01",
        "three channels without a word on their signals, and an answer",
        (
            module("f9 03 73 01 d7 f9"),
            module("f9 07 73 01 15 f9"),
            module("f9 0b 73 01 92 f9"),
            module("f9 05 ef 0d 0d 0a 4f 4b 0d 0a 5f f9"),
        ),
        sent_is_recorded=False,
    ),
    Recording(
        "sim7670g-log",
        "generic",
        "SIMCom SIM7670G, SIM767XM5_B03V02_240914 or SIM767XM5_B04V01_241010",
        "espressif/esp-protocols#669, log of 2024-11-01",
        "UA twice",
        (
            host("f9 03 3f 01 1c f9"),
            module("f9 03 73 01 d7 f9"),
            host("f9 07 3f 01 de f9"),
            module("f9 07 73 01 15 f9"),
            module("f9 07 73 01 15 f9"),
        ),
    ),
    Recording(
        "sim7070-log",
        "generic",
        "SIMCom SIM7070",
        "espressif/esp-protocols#181, log of 2022-11-26",
        "UIH with the P/F bit",
        (module("f9 09 ff 0d 0d 0a 4f 4b 0d 0a cd f9"),),
        dlcis=(2,),
        sent_is_recorded=False,
    ),
    Recording(
        "sim7080-msc",
        "generic",
        "SIMCom SIM7080",
        "zephyrproject-rtos/zephyr#63812: what the module of #63813 sent, in tests/subsys/modem/modem_cmux/src/main.c",
        "MSC with a break octet that its EA bit does not announce, in a UIH with the P/F bit",
        (module("f9 01 ff 0b e3 07 0b 09 01 6c f9"),),
        dlcis=(1, 2),
        sent_is_recorded=False,
    ),
)
"""Exchanges in multiplexer mode."""

QUESTIONS = {
    "m10": (
        "Quectel M10 AT Commands Set V1.01, 3.2.44",
        b"\r\n+CMUX: (0),(0),(5),(127),(10),(3),(30),(10),(2)\r\n\r\nOK\r\n",
        b"\r\n+CMUX: (mode-1),0,5,127,10,3,30,10,2\r\n\r\nOK\r\n",
    ),
    "sara-r4": (
        "SARA-R4 series AT commands manual UBX-17003787-R16, 3.1.2",
        b"\r\n+CMUX: (0),(0),,(1-1509),(1-255),(0-5),(2-255),,\r\n\r\nOK\r\n",
        b"\r\n+CMUX: 0,0,0,1500,253,3,254,0,0\r\n\r\nOK\r\n",
    ),
    "sim800": (
        "SIM800 Series AT Command Manual V1.09, 3.2.38",
        b"\r\n+CMUX: (0)\r\n\r\nOK\r\n",
        b"\r\nERROR\r\n",
    ),
}
"""By profile: the source, and what it says is answered to AT+CMUX=? (the values of the manual, one list a field) and to
AT+CMUX? (as printed). The first of m10 is put together."""

WITHOUT_RECORD = {
    "ec2x": "no octets of an EC2x in multiplexer mode were found; its frames are taken to be those of a BG96",
    "eg91": "no octets of an EG91 in multiplexer mode were found; its frames are taken to be those of a BG96",
}
"""The profiles that are based on the programs of others alone, and what is known instead."""

M95 = (
    "LKML, M. Hundebøll, [BUG] n_gsm: possible recursive locking detected, 2019-07-17, "
    "<e2e9cc8f-6bb4-f66f-2d2b-3875c2e66cd3@geanix.com>",
    {
        "AT+IFC=2,2": "Ie5   +CFUN: 1    +CPIN: READY    Call Ready  AT+IFC=2,2   OK",
        "AT+GMM": "AT+GMM   Quectel_M95    OK",
        "AT": "AT   OK",
        "AT+IPR=115200&w": "AT+IPR=115200&w   OK",
        "AT+CMUX=0,0,5,512,10,3,30,10,2": "AT+CMUX=0,0,5,512,10,3,30,10,2   OK",
    },
)
"""Its source; what was said to the module, and what the program printed of the answer, each CR and LF as a blank. Then
it went over to n_gsm."""


def as_it_came(printed: str) -> bytes:
    """Put back the CR and LF of a line of `M95`: which blank was which is our reading, the last two were cut."""
    for blanks, ends in ((4, "\r\n\r\n"), (3, "\r\r\n"), (2, "\r\n")):
        printed = printed.replace(" " * blanks, ends)
    return printed.encode() + b"\r\n"


AT_WITH_ECHO = (
    "espressif/esp-protocols#669, log of 2024-10-24 (SIMCom SIM7670G)",
    bytes.fromhex("41 54 0d 0d 0a 4f 4b 0d 0a"),
    bytes.fromhex("41 54 2b 43 4d 55 58 3d 30 0d 0d 0a 4f 4b 0d 0a"),
    bytes.fromhex("f9 03 3f 01 1c f9"),
)
"""Its source; the answers to AT and to AT+CMUX=0; what came back for SABM: it stayed in AT mode and echoed it."""
