"""Ports of which little is known, for the tests of what is said about them."""

from __future__ import annotations

from cmux.line.listing import ListedPort
from cmux.line.usb_modems import Kind


def port(path: str, kind: Kind = Kind.UART, **told: object) -> ListedPort:
    """A port, and what is told of it."""
    nothing: dict[str, object] = dict.fromkeys(("vid", "pid", "maker", "product", "serial_number", "interface"))
    nothing |= dict.fromkeys(("driver", "link", "login", "user"))
    return ListedPort(path=path, kind=kind, **{**nothing, "console": False, **told})  # type: ignore[arg-type]
