"""``cmux:`` URLs: which line, which DLC, and how to open the line."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote, unquote

from .masking import hidden
from .protocol.config import MAX_DLCI
from .settings import SETTINGS, LineSettings
from .spelling import did_you_mean

SCHEME = "cmux"
"""The part before the colon."""


@dataclass(frozen=True, slots=True)
class CmuxUrl:
    """The contents of a URL."""

    line: str
    """A path, or another pyserial URL."""
    dlci: int
    """1 to 61."""
    settings: LineSettings = field(default_factory=LineSettings, repr=False)  # `init` may have a PIN
    """The settings of the line, for `cmux.open`."""

    @property
    def key(self) -> str:
        """The same text for all names of one line: the real path, or the URL as written."""
        return self.line if "://" in self.line else os.path.normcase(os.path.realpath(self.line))


def parse_url(url: str) -> CmuxUrl:
    """Read a URL.

    Args:
        url: ``cmux://LINE?dlci=N``, with more ``key=value`` joined by ``&``. LINE is taken as written, up to the first
            ``?``; values are percent-decoded, ``init`` may be there several times, and ``port=`` carries a line that
            could not be written before it. The other keys are those of `LineSettings`.

    Returns:
        The contents.

    Raises:
        ValueError: it is not such a URL; the message says what is wrong with it.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() != SCHEME:
        example = "" if separator else f", as {SCHEME}://{shown_url(url)}?dlci=1"
        raise ValueError(f"{shown_url(url)!r} is not {SCHEME}://LINE?dlci=N{example}")
    line, _, query = rest.partition("?")
    values: dict[str, str] = {}
    repeated: list[tuple[str, str]] = []
    for part in filter(None, query.split("&")):
        key, equals, value = part.partition("=")
        if equals and key in SETTINGS and SETTINGS[key].repeats:
            repeated.append((key, unquote(value)))
            continue
        if not equals or key in values:
            raise ValueError(f"{shown_url(url)!r}: {key!r} is {'there twice' if equals else 'not key=value'}")
        values[key] = unquote(value)
    port = values.pop("port", "")
    if "\0" in line + port:
        raise ValueError(f"{shown_url(url)!r}: port={line or port!r} contains NUL")
    if bool(port) == bool(line):
        raise ValueError(
            f"{shown_url(url)!r} names {'two lines' if line else 'no line'}: {SCHEME}://LINE?… or {SCHEME}://?port=…"
        )
    dlci = values.pop("dlci", "")
    if not dlci.isdecimal() or not 1 <= int(dlci) <= MAX_DLCI:
        raise ValueError(f"{shown_url(url)!r}: dlci={dlci!r} is not a data channel: use dlci=1 to dlci={MAX_DLCI}")
    settings = {key: _value(url, key, text) for key, text in values.items()}
    for key, text in repeated:
        settings[key] = (
            *cast(tuple[object, ...], settings.get(key, ())),
            *cast(tuple[object, ...], _value(url, key, text)),
        )
    return CmuxUrl(line or port, int(dlci), cast(LineSettings, settings))


def _value(url: str, key: str, text: str) -> object:
    if key not in SETTINGS:
        known = ("dlci", "port", *SETTINGS)
        told = did_you_mean(key, known) or f": {', '.join(known)}"
        raise ValueError(f"{shown_url(url)!r}: unknown key {key!r}{told}")
    try:
        return SETTINGS[key].read(text)
    except ValueError as error:
        raise ValueError(f"{shown_url(url)!r}: {key}={error}") from None


def shown_url(url: str) -> str:
    """Return a URL without secrets, for messages.

    Args:
        url: any text.
    """
    line, question, query = url.partition("?")
    parts = []
    for part in query.split("&"):
        text = unquote(part)
        parts.append(part if hidden(text) == text else hidden(text))
    return f"{line}{question}{'&'.join(parts)}"


def format_url(line: str, dlci: int) -> str:
    """Return the URL of a DLC.

    Args:
        line: a path, or another pyserial URL.
        dlci: 1 to 61.

    Returns:
        A URL that `parse_url` reads.
    """
    if "?" in line or not line:
        return f"{SCHEME}://?port={quote(line, safe='/:')}&dlci={dlci}"
    return f"{SCHEME}://{line}?dlci={dlci}"
