"""The lines of a running ``attach --metrics``, read from its page ``/status``."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cmux.cli import CommandError
from cmux.cli.readings import ChannelReading
from cmux.cli.watching import STATUS

from .readings import ModuleReading, Reading

TIMEOUT: Final = 5.0
"""Seconds that each part of an answer may take."""
LONGEST: Final = 4 * 1024 * 1024
"""Octets of a page that are read; a longer one is none of ours."""

Check = Callable[[object], bool]


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_counts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


_CHANNEL: Final[Mapping[str, Check]] = {
    "dlci": _is_count,
    "path": _or_none(_is_text),
    "state": _is_text,
    "octets_received": _is_count,
    "octets_sent": _is_count,
    "waiting": _is_count,
    "stalls": _is_count,
    "signals": _are_texts,
}
_LINE: Final[Mapping[str, Check]] = {
    "time": _is_count,
    "line": _is_text,
    "state": _is_text,
    "cause": _or_none(_is_text),
    "option": _or_none(_is_text),
    "n1": _or_none(_is_count),
    "reattached": _is_count,
    "octets_received": _is_count,
    "octets_sent": _is_count,
    "frames_received": _is_count,
    "frames_sent": _is_count,
    "dropped": _are_counts,
}


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
    lines = page.get("lines") if isinstance(page, dict) else None
    if not isinstance(lines, list):
        raise ValueError("it has no lines")
    return [_reading(line) for line in lines]


def _reading(line: object) -> Reading:
    told = _checked(line, _LINE)
    dropped = {why: count for why, count in told.pop("dropped").items() if count}
    channels = line.get("channels") if isinstance(line, dict) else None
    if not isinstance(channels, list):
        raise ValueError("a line has no channels")
    entries = [ChannelReading(**_checked(one, _CHANNEL)) for one in channels]
    return Reading(
        **told,
        dropped={_printable(why): count for why, count in dropped.items()},
        channels=entries,
        module=ModuleReading(),
    )


def _checked(entry: object, checks: Mapping[str, Check]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ValueError("an entry is no object")
    for key, check in checks.items():
        if key not in entry or not check(entry[key]):
            raise ValueError(f"{key} is not as it should be")
    return {key: _shown(entry[key]) for key in checks}


def _shown(value: Any) -> Any:
    """Return a value whose texts can be printed on a terminal."""
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return _printable(value) if isinstance(value, str) else value


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)
