"""The lines of a running ``attach --metrics``, read from its page ``/status``."""

from __future__ import annotations

import http.client
import json
from typing import Final
from urllib.parse import urlsplit

from cmux.cli import CommandError
from cmux.cli.readings import ChannelReading
from cmux.cli.watching import STATUS

from .readings import ModuleReading, Reading

TIMEOUT: Final = 5.0
"""Seconds that each part of an answer may take."""
LONGEST: Final = 4 * 1024 * 1024
"""Octets of a page that are read; a longer one is none of ours."""


class _Entry:
    """An object of the page, whose values are checked when they are read; texts can be printed on a terminal.

    Args:
        entry: as read from JSON.

    Raises:
        ValueError: it is no object; of the methods: it has no such value.
    """

    def __init__(self, entry: object) -> None:
        if not isinstance(entry, dict):
            raise ValueError("an entry is no object")
        self._entry: dict[str, object] = entry

    def has(self, key: str) -> bool:
        """Tell whether there is anything but null."""
        if key not in self._entry:
            raise _wrong(key)
        return self._entry[key] is not None

    def count(self, key: str) -> int:
        """Return a number from 0 up."""
        value = self._entry.get(key)
        if type(value) is not int or value < 0:
            raise _wrong(key)
        return value

    def text(self, key: str) -> str:
        """Return a text."""
        value = self._entry.get(key)
        if not isinstance(value, str):
            raise _wrong(key)
        return _printable(value)

    def text_or_none(self, key: str) -> str | None:
        """Return a text; None for null."""
        return self.text(key) if self.has(key) else None

    def entries(self, key: str) -> list[object]:
        """Return a list."""
        value = self._entry.get(key)
        if not isinstance(value, list):
            raise _wrong(key)
        return value

    def texts(self, key: str) -> list[str]:
        """Return a list of texts."""
        values = [one for one in self.entries(key) if isinstance(one, str)]
        if len(values) != len(self.entries(key)):
            raise _wrong(key)
        return [_printable(one) for one in values]

    def counts(self, key: str) -> dict[str, int]:
        """Return the numbers of an object, by their names."""
        counted = _Entry(self._entry.get(key))
        return {_printable(name): counted.count(name) for name in counted._entry}


def _wrong(key: str) -> ValueError:
    return ValueError(f"{key} is not as it should be")


class RemoteStatus:
    """Reads the page ``/status`` of a running ``attach``.

    Args:
        url: ``http://HOST:PORT``, with or without the path of the page.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.port is None or parts.username is not None:
            raise ValueError(f"{url!r} is not http://HOST:PORT")
        if parts.path not in ("", "/", STATUS) or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is not http://HOST:PORT, which has the page {STATUS}")
        self._host, self._port = parts.hostname, parts.port
        self.url: str = f"http://{parts.netloc}{STATUS}"
        """Where the page is."""

    def read(self) -> list[Reading]:
        """Return a reading of each line.

        Raises:
            CommandError: nobody answers there, or not with such a page.
        """
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        try:
            connection.request("GET", STATUS)
            answer = connection.getresponse()
            page = answer.read(LONGEST + 1)
        except OSError as error:
            told = error.strerror or str(error) or type(error).__name__
            raise CommandError(f"{self.url}: {told} (is attach running, with --metrics?)") from error
        except (http.client.HTTPException, ValueError) as error:
            raise CommandError(f"{self.url}: that is no page of gsm0710 attach: {type(error).__name__}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise CommandError(f"{self.url}: {answer.status} instead of a page of gsm0710 attach")
        try:
            if len(page) > LONGEST:
                raise ValueError("it is too long")
            return readings(json.loads(page))
        except (ValueError, RecursionError) as error:
            raise CommandError(f"{self.url}: that is no page of gsm0710 attach: {_printable(str(error))}") from error


def readings(page: object) -> list[Reading]:
    """Return the readings that a page has.

    Args:
        page: the page, as read from JSON; keys that are not known are passed over.

    Raises:
        ValueError: it is no such page.
    """
    return [_reading(_Entry(line)) for line in _Entry(page).entries("lines")]


def _reading(line: _Entry) -> Reading:
    return Reading(
        time=line.count("time"),
        line=line.text("line"),
        state=line.text("state"),
        cause=line.text_or_none("cause"),
        option=line.text_or_none("option"),
        n1=line.count("n1") if line.has("n1") else None,
        reattached=line.count("reattached"),
        octets_received=line.count("octets_received"),
        octets_sent=line.count("octets_sent"),
        frames_received=line.count("frames_received"),
        frames_sent=line.count("frames_sent"),
        dropped={why: count for why, count in line.counts("dropped").items() if count},
        channels=[_channel(_Entry(one)) for one in line.entries("channels")],
        module=ModuleReading(),
    )


def _channel(channel: _Entry) -> ChannelReading:
    return ChannelReading(
        dlci=channel.count("dlci"),
        path=channel.text_or_none("path"),
        state=channel.text("state"),
        octets_received=channel.count("octets_received"),
        octets_sent=channel.count("octets_sent"),
        waiting=channel.count("waiting"),
        stalls=channel.count("stalls"),
        signals=channel.texts("signals"),
    )


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)
