"""What a driver is asked to set, checked before anything is sent."""

from __future__ import annotations

import re

from .context import CONTEXTS

INITIALISE = ("QICSGP", "QIMUX", "QIMODE", "QIDNSIP", "QISDE", "QIHEAD")
"""What `TcpipDriver.claim` sets, in this order, when nothing else is asked."""

DEFAULTS = {"QIMUX": "0", "QIMODE": "0", "QIDNSIP": "0", "QISDE": "1", "QIHEAD": "0", "QISHOWRA": "0"}
"""What the module has where nothing was set."""

_DOTTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
MAX_TEXT = 100


def check_context(context: int) -> int:
    """Return a context's number, or raise `ValueError`."""
    if isinstance(context, bool) or context not in CONTEXTS:
        raise ValueError(f"a context is 0 or 1, not {context!r}")
    return context


def check_text(what: str, text: str, *, empty: bool = True) -> str:
    """Return a text that can stand between quotes in a command, or raise `ValueError`.

    Args:
        what: what messages call it.
        text: up to 100 printable ASCII characters without a quote.
        empty: whether nothing will do.
    """
    for octet in text:
        if octet == '"':
            raise ValueError(f"{what} {text!r} contains a quote, which would end it in the command")
        if octet in "\r\n":
            raise ValueError(
                f"{what} {text!r} contains {'CR' if octet == chr(13) else 'LF'}, which would end the command"
            )
        if not " " <= octet <= "~":
            raise ValueError(f"{what} {text!r} contains U+{ord(octet):04X}; printable ASCII only")
    if len(text) > MAX_TEXT:
        raise ValueError(f"{what} has {len(text)} characters; {MAX_TEXT} is the most")
    if not text and not empty:
        raise ValueError(f"{what} is empty")
    return text


def check_protocol(protocol: str) -> str:
    """Return TCP or UDP, or raise `ValueError`."""
    if protocol not in ("TCP", "UDP"):
        raise ValueError(f"a protocol is 'TCP' or 'UDP', not {protocol!r}")
    return protocol


def check_port(port: int) -> int:
    """Return a port number, or raise `ValueError`."""
    if isinstance(port, bool) or not 1 <= port <= 65535:
        raise ValueError(f"a port is 1 to 65535, not {port!r}")
    return port


def is_dotted(host: str) -> bool:
    """Tell whether a host is given as a dotted address (AT+QIDNSIP=0) and not as a name (=1)."""
    return _DOTTED.fullmatch(host) is not None


def bearer(apn: str, user: str, password: str) -> str:
    """Return what AT+QICSGP is set to for GPRS (app note 3.1)."""
    check_text("APN", apn, empty=False)
    check_text("user name", user)
    check_text("password", password)
    return f'1,"{apn}","{user}","{password}"' if user or password else f'1,"{apn}"'
