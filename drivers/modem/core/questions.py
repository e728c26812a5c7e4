"""What modules are asked, as data: where families differ, each has its form here, and the answer tells which it is."""

from __future__ import annotations

from ...at.core import LinePattern

IDENTITY = {
    "manufacturer": ("AT+CGMI", "AT+GMI"),
    "model": ("AT+CGMM", "AT+GMM"),
    "revision": ("AT+CGMR", "AT+GMR"),
    "imei": ("AT+GSN", "AT+CGSN"),
}
"""The questions that tell a part of the identity, where ATI does not (27.007 5.1 to 5.4, V.250 6.1.4 to 6.1.7)."""

REGISTRATIONS = {
    "calls": ("AT+CREG?", "AT+CEREG?"),
    "packet": ("AT+CGREG?", "AT+CEREG?"),
}
"""The questions whether the module is registered, for one kind of service: any of them may say so.

GSM and 3G answer the first one (27.007 7.2, 10.1.20), LTE the second one (10.1.22), which a GSM module does not know.
"""

NUMBER = LinePattern("", r"(?:\+(?:QCCID|CIMI): ?)?\"?(?P<number>[0-9A-F]{14,22})\"?", 34)
"""A number of the SIM: bare on GSM modules, behind the name of the command on LTE modules."""

IMEI = LinePattern("", r'(?:\+C?GSN: ?)?"?[0-9]{14,17}"?', 28)

STARTING = (
    *map(LinePattern, ("RDY", "APP RDY", "Call Ready", "SMS Ready")),
    LinePattern("+CFUN: ", "[0-9]", 1),
    LinePattern("+CPIN: ", "[A-Z0-9 -]+", 20),
    LinePattern("+QUSIM: ", "[0-9]", 1),
    LinePattern("+QIND: ", ".*", 40),
)
"""What a module says while it starts, maybe between two lines of an answer: M10 and kin, and Quectel's LTE modules."""

POWER_DOWN_TIME = 65.0
"""Seconds from OK to the last words of an LTE module; a GSM module says nothing but its last words."""
