"""The commands of the multiplexer; each has its module beside this one."""

from __future__ import annotations

from typing import Final

from .app import Subcommand

ATTACH: Final = Subcommand(
    "attach",
    "Multiplex a line, and offer each channel as a pseudo-terminal or TCP port that any program can open.",
    "cmux.cli.attach",
    "add_attach",
)
DECODE: Final = Subcommand(
    "decode",
    "Show the frames in recorded octets of a multiplexed line, and the octets that are not a frame.",
    "cmux.cli.decode",
    "add_decode",
)
DOCTOR: Final = Subcommand(
    "doctor",
    "Find out whether a line can be multiplexed, and explain what prevents it.",
    "cmux.cli.doctor",
    "add_doctor",
)
PORTS: Final = Subcommand(
    "ports",
    "List the serial ports of this computer: what each looks like, and who uses it.",
    "cmux.cli.ports",
    "add_ports",
)
TERMINAL: Final = Subcommand(
    "terminal",
    "Type on one channel of a line; Ctrl-] leaves.",
    "cmux.cli.terminal",
    "add_terminal",
)

COMMANDS: Final = (ATTACH, DECODE, DOCTOR, PORTS, TERMINAL)
"""All of them, in the order of the help."""
