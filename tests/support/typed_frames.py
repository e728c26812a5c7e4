"""Frames typed by hand, with a frame check sequence of their own: annex B of 27.010, bit by bit."""

from __future__ import annotations


def fcs(octets: bytes) -> int:
    """27.010 annex B, bit by bit."""
    register = 0xFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0xE0 if register & 1 else 0)
    return 0xFF - register


def basic(header: str, info: str = "") -> bytes:
    """27.010 5.2.6: flag, header with its length, information, FCS of the header, flag."""
    head = bytes.fromhex(header)
    return b"\xf9" + head + bytes.fromhex(info) + bytes((fcs(head), 0xF9))


def advanced(header: str, info: str = "") -> bytes:
    """27.010 5.2.7: flag, header, information, FCS of the header, flag; nothing in it has to be escaped."""
    head = bytes.fromhex(header)
    return b"\x7e" + head + bytes.fromhex(info) + bytes((fcs(head), 0x7E))


# The initiator's commands have C/R 1, the responder's 0; answers have that of the command (27.010 5.2.1.2).
SABM_0, UA_0 = basic("03 3F 01"), basic("03 73 01")
SABM_1, UA_1 = basic("07 3F 01"), basic("07 73 01")
DISC_0, DISC_1 = basic("03 53 01"), basic("07 53 01")
DM_1 = basic("07 1F 01")
CLD, CLD_ANSWER = basic("03 EF 05", "C3 01"), basic("01 EF 05", "C1 01")
OWN_MSC = basic("01 EF 09", "E3 05 07 8D")
"""The responder's, about DLCI 1: RTC, RTR and DV are set."""
ADVANCED_SABM_0, ADVANCED_UA_0 = advanced("03 3F"), advanced("03 73")
