"""The commands that need drivers or the emulated module; each has its module beside this one."""

from __future__ import annotations

from typing import Final

from cmux.cli import Subcommand

DEMO: Final = Subcommand(
    "demo",
    "Play chapter 8 of the app note: two virtual UARTs, two contexts, data from one to the other.",
    "drivers.cli.demo",
    "add_demo",
)
EMULATE: Final = Subcommand(
    "emulate",
    "Emulate a Quectel M10 or LTE module: AT commands, AT+CMUX, and its TCP/IP stack on real loopback sockets.",
    "drivers.cli.emulate",
    "add_emulate",
)
MONITOR: Final = Subcommand(
    "monitor",
    "Attach a line, and show the traffic of its channels, and signal and network of the module.",
    "drivers.cli.monitor",
    "add_monitor",
)

COMMANDS: Final = (DEMO, EMULATE, MONITOR)
"""All of them, in the order of the help."""
