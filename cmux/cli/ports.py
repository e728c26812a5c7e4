"""``ports``: the serial ports of this computer, what they look like, and who uses them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ..line.listing import ListedPort, ports
from ..line.usb_modems import Kind
from .app import DONE, Commands
from .colours import GREEN, YELLOW, painted
from .subcommands import PORTS

_EXAMPLES: Final = (
    "gsm0710 ports",
    "gsm0710 ports --json | jq -r 'select(.kind == \"at\" and .user == null).path'",
)

_READING: Final = """\
No port is opened. What a port looks like is a guess: by its ids on USB, by what the rules of ModemManager
have noted, and by its driver; doctor PORT finds out. Behind an adapter, or a port of the computer itself,
there may be anything. Who has a port open the system tells only of the processes that this user may look at.
"""

_WORDS: Final = {
    Kind.AT: "AT port of a module",
    Kind.GNSS: "positions of a module",
    Kind.DIAGNOSTICS: "a module's, not for AT",
    Kind.MODEM: "port of a module",
    Kind.ADAPTER: "USB adapter or device",
    Kind.UART: "this computer's own",
}
"""What a port looks like, in words."""

_NONE: Final = "no serial port was found: is the device plugged in? (in a container: was it passed in?)"


def add_ports(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: the command line to add it to.
    """
    parser = commands.add(PORTS, show_ports, examples=_EXAMPLES)
    parser.description = f"{PORTS.summary}\n\n{_READING}"
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of a table")


def show_ports(arguments: argparse.Namespace) -> int:
    """Run the command.

    Args:
        arguments: see `add_ports`.

    Returns:
        The exit code: 0 also if there is no port, which one line on stderr says.
    """
    found = ports()
    if not found and not getattr(arguments, "quiet", False):
        print(_NONE, file=sys.stderr)
    if arguments.json:
        for port in found:
            print(json.dumps(as_json(port)))
    elif found:
        verbose = getattr(arguments, "verbose", 0) > 0
        print("\n".join(table(found, verbose=verbose)))
    return DONE


def as_json(port: ListedPort) -> dict[str, Any]:
    """Return a port as JSON has it; ids are in hex, as in ``lsusb``."""
    return {
        "path": port.path,
        "kind": port.kind.value,
        "vid": _hex(port.vid),
        "pid": _hex(port.pid),
        "maker": port.maker,
        "product": port.product,
        "serial_number": port.serial_number,
        "interface": port.interface,
        "driver": port.driver,
        "link": port.link,
        "console": port.console,
        "login": port.login,
        "user": port.user,
    }


def table(found: Sequence[ListedPort], *, verbose: bool) -> list[str]:
    """Return the rows of a table.

    Args:
        found: the ports.
        verbose: whether each has a second row, with its driver, its interface on USB and the link to it.
    """
    rows = [("path", "USB ids", "looks like", "maker and product", "used by")]
    rows += [
        (port.path, _ids(port), _WORDS[port.kind], " ".join(_said(port)) or "-", ", ".join(_users(port)) or "-")
        for port in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = []
    for row, port in zip(rows, (None, *found), strict=True):
        *cells, last = row
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if port is not None and port.kind is Kind.AT:
            padded[0] = painted(padded[0], GREEN, sys.stdout)
        if port is not None and last != "-":
            last = painted(last, YELLOW, sys.stdout)
        lines.append("  ".join((*padded, last)).rstrip())
        if verbose and port is not None:
            lines += [f"  {text}" for text in _more(port)]
    return lines


def _said(port: ListedPort) -> Iterable[str]:
    """Return the maker and the product; many products begin with the name of the maker."""
    maker, product = port.maker or "", port.product or ""
    return filter(None, (product,) if product.lower().startswith(maker.lower()) and product else (maker, product))


def _users(port: ListedPort) -> list[str]:
    users = ["the kernel's console"] if port.console else []
    return [*users, *(who for who in dict.fromkeys((port.login, port.user)) if who is not None)]


def _more(port: ListedPort) -> list[str]:
    told = {
        "driver": port.driver,
        "interface": None if port.interface is None else str(port.interface),
        "serial number": port.serial_number,
        "link": port.link,
    }
    said = ", ".join(f"{name} {value}" for name, value in told.items() if value is not None)
    return [said] if said else []


def _ids(port: ListedPort) -> str:
    return "-" if port.vid is None else f"{_hex(port.vid)}:{_hex(port.pid)}"


def _hex(number: int | None) -> str | None:
    return None if number is None else f"{number:04x}"
