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
)
"""Exchanges in multiplexer mode."""

QUESTIONS = {
    "m10": (
        "Quectel M10 AT Commands Set V1.01, 3.2.44",
        b"\r\n+CMUX: (0),(0),(5),(127),(10),(3),(30),(10),(2)\r\n\r\nOK\r\n",
        b"\r\n+CMUX: (mode-1),0,5,127,10,3,30,10,2\r\n\r\nOK\r\n",
    ),
    "sim800": (
        "SIM800 Series AT Command Manual V1.09, 3.2.38",
        b"\r\n+CMUX: (0)\r\n\r\nOK\r\n",
        b"\r\nERROR\r\n",
    ),
}
"""By profile: the source, and what it says is answered to AT+CMUX=? (the values of the manual, one list a field) and to
AT+CMUX? (as printed). The first of m10 is put together."""

M95_ENTERS = (
    "Rtone/cmux, cmux.c (written for an M95: this form, and it waits for OK); with N1 127 on an M95 at a Raspberry Pi: "
    "community.sixfab.com, thread 326",
    b"AT+CMUX=0,0,5,127,10,3,30,10,2\r",
    b"\r\nOK\r\n",
)
"""Its source; what was said to an M95 and what it answered. The frames after it are on no record."""

CHAPTER_8 = (
    "Quectel GSM TCPIP Application Notes V1.01, 8.2 and 8.3",
    (
        (1, "AT+QIFGCNT=0\r", "\r\nOK\r\n"),
        (1, 'AT+QICSGP=1,"CMNET"\r', "\r\nOK\r\n"),
        (1, "AT+QIMUX=0\r", "\r\nOK\r\n"),
        (1, "AT+QIMODE=0\r", "\r\nOK\r\n"),
        (1, "AT+QIDNSIP=0\r", "\r\nOK\r\n"),
        (1, "AT+QISERVER\r", "\r\nOK\r\n\r\nSERVER OK\r\n"),
        (1, "AT+QILOCIP\r", "\r\n10.79.140.214\r\n"),
        (2, "AT+QIFGCNT=1\r", "\r\nOK\r\n"),
        (2, 'AT+QICSGP=1,"CMNET"\r', "\r\nOK\r\n"),
        (2, "AT+QIMUX=0\r", "\r\nOK\r\n"),
        (2, "AT+QIMODE=0\r", "\r\nOK\r\n"),
        (2, 'AT+QIOPEN="TCP", "10.79.140.214",2020\r', "\r\nOK\r\n\r\nCONNECT OK\r\n"),
        (1, "", "\r\nREMOTE IP: 10.79.141.126\r\n"),
        (1, "AT+QISRVC=2\r", "\r\nOK\r\n"),
        (1, "AT+QISEND\r", "\r\n> "),
        (1, "Hello, welcome to use Quectel's module\x1a", "\r\nSEND OK\r\n"),
        (2, "", "Hello, welcome to use Quectel's module"),
        (2, "AT+QISRVC=1\r", "\r\nOK\r\n"),
        (2, "AT+QISEND=26\r", "\r\n> "),
        (2, "Quectel's module is great!", "\r\nSEND OK\r\n"),
        (1, "", "Quectel's module is great!"),
    ),
)
"""Its source; on which virtual UART, what the host said, what the module answered: as printed, the line ends are ours.
The last line is printed under VIRTUAL_UART_2, which is the one that sent it."""

AT_WITH_ECHO = (
    "espressif/esp-protocols#669, log of 2024-10-24 (SIMCom SIM7670G)",
    bytes.fromhex("41 54 0d 0d 0a 4f 4b 0d 0a"),
    bytes.fromhex("41 54 2b 43 4d 55 58 3d 30 0d 0d 0a 4f 4b 0d 0a"),
    bytes.fromhex("f9 03 3f 01 1c f9"),
)
"""Its source; the answers to AT and to AT+CMUX=0; what came back for SABM: it stayed in AT mode and echoed it."""
