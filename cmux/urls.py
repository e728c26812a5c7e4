"""``cmux:`` URLs: which line, which DLC, and how the line is to be opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from .protocol.config import MAX_DLCI, KeepAlive, Option

SCHEME = "cmux"
"""What stands before the colon."""


def _boolean(text: str) -> bool:
    values = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]


def _startup(text: str) -> str:
    if text not in ("at", "none"):
        raise ValueError(text)
    return text


def _option(text: str) -> str:
    return Option(text).value


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds >= 0:
        raise ValueError(text)
    return seconds


_KEYS: Final[dict[str, tuple[Callable[[str], object], str]]] = {
    "baudrate": (int, "bits per second"),
    "startup": (_startup, "at or none"),
    "profile": (str, "the name of a profile"),
    "option": (_option, "basic or advanced"),
    "n1": (int, "octets"),
    "line_rate": (int, "bits per second"),
    "capture": (str, "a file"),
    "capture_payload": (_boolean, "yes or no"),
    "drain_timeout": (_seconds, "seconds"),
    "t1": (_seconds, "seconds"),
    "t2": (_seconds, "seconds"),
    "n2": (int, "a number"),
    "keep_alive": (KeepAlive, "none, test or msc"),
    "keep_alive_interval": (_seconds, "seconds"),
    "reattach": (_boolean, "yes or no"),
    "rtscts": (_boolean, "yes or no"),
    "dsrdtr": (_boolean, "yes or no"),
    "xonxoff": (_boolean, "yes or no"),
}
"""What a URL may say about the line: the arguments of `cmux.open`, how they are read, and what they look like."""


@dataclass(frozen=True, slots=True)
class CmuxUrl:
    """What a URL says."""

    line: str
    """A path, or another pyserial URL."""
    dlci: int
    """1 to 61."""
    settings: dict[str, object] = field(default_factory=dict)
    """Arguments for `cmux.open`."""

    @property
    def key(self) -> str:
        """What is the same for all names of one line: the real path, or the URL as written."""
        return self.line if "://" in self.line else os.path.normcase(os.path.realpath(self.line))


def parse_url(url: str) -> CmuxUrl:
    """Read a URL.

    Args:
        url: ``cmux://LINE?dlci=N``, with more ``key=value`` joined by ``&``. LINE is taken as written, up to the first
            ``?``; values are percent-decoded, and ``port=`` carries a line that could not be written before it.

    Returns:
        What it says.

    Raises:
        ValueError: it is no such URL; the message says what is wrong with it.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() != SCHEME:
        raise ValueError(f"{url!r} is not {SCHEME}://LINE?dlci=N")
    line, _, query = rest.partition("?")
    values: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        key, equals, value = part.partition("=")
        if not equals or key in values:
            raise ValueError(f"{url!r}: {part!r} is {'there twice' if equals else 'not key=value'}")
        values[key] = unquote(value)
    port = values.pop("port", "")
    if bool(port) == bool(line):
        raise ValueError(f"{url!r} names {'two lines' if line else 'no line'}: {SCHEME}://LINE?… or {SCHEME}://?port=…")
    dlci = values.pop("dlci", "")
    if not dlci.isdecimal() or not 1 <= int(dlci) <= MAX_DLCI:
        raise ValueError(f"{url!r}: dlci={dlci!r} is not a data channel: use dlci=1 to dlci={MAX_DLCI}")
    return CmuxUrl(line or port, int(dlci), {key: _value(url, key, text) for key, text in values.items()})


def _value(url: str, key: str, text: str) -> object:
    if key not in _KEYS:
        raise ValueError(f"{url!r}: unknown key {key!r}: dlci, port, {', '.join(_KEYS)}")
    read, expected = _KEYS[key]
    try:
        return read(text)
    except ValueError:
        raise ValueError(f"{url!r}: {key}={text!r} is not {expected}") from None


def format_url(line: str, dlci: int) -> str:
    """Write the URL of a DLC.

    Args:
        line: a path, or another pyserial URL.
        dlci: 1 to 61.

    Returns:
        What `parse_url` reads.
    """
    if "?" in line or not line:
        return f"{SCHEME}://?port={quote(line, safe='/:')}&dlci={dlci}"
    return f"{SCHEME}://{line}?dlci={dlci}"
