"""What the answers to the general commands mean: the types of their values, and how their lines are read."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from enum import IntEnum

from ...at.core.values import number


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a module; what it does not tell is empty.

    Args:
        manufacturer: its maker.
        model: its name.
        revision: the revision of its firmware.
        imei: the IMEI, 15 digits.
    """

    manufacturer: str
    model: str
    revision: str
    imei: str


@dataclass(frozen=True, slots=True)
class Signal:
    """The signal quality (AT+CSQ; 27.007 §8.5).

    Args:
        dbm: received signal strength, -113 (or less) to -51 (or more), of 3G and 4G -116 to -25; None: not known.
        bit_error_rate: class 0 to 7; None: not known.
    """

    dbm: int | None
    bit_error_rate: int | None


class Registered(IntEnum):
    """The registration status (AT+CREG?, AT+CGREG?; 27.007 §7.2); a number that it does not list is ``UNKNOWN``."""

    NOT_SEARCHING = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3
    UNKNOWN = 4
    ROAMING = 5
    SMS_ONLY_HOME = 6
    SMS_ONLY_ROAMING = 7
    EMERGENCY_ONLY = 8
    CSFB_NOT_PREFERRED_HOME = 9
    CSFB_NOT_PREFERRED_ROAMING = 10
    RLOS_ONLY = 11

    @classmethod
    def _missing_(cls, value: object) -> Registered:
        return cls.UNKNOWN  # what a later release of 27.007 may add

    @property
    def there(self) -> bool:
        """Whether the module is registered, and not for short messages or emergency calls alone."""
        return self in _THERE


_THERE = frozenset(
    (
        Registered.HOME,
        Registered.ROAMING,
        Registered.CSFB_NOT_PREFERRED_HOME,
        Registered.CSFB_NOT_PREFERRED_ROAMING,
    )
)

_LABEL = re.compile(r"(?:\+(?:C?GM[IMR]|C?GSN): *)?(?:(?P<part>manufacturer|model|revision|imei): *)?", re.IGNORECASE)


def unlabelled(line: str) -> str:
    """Return a line of an answer about the identity without its label and quotes.

    Args:
        line: the line.
    """
    return _LABEL.sub("", line, count=1).strip(' "')


def parts(lines: list[str]) -> dict[str, str]:
    """Return what the answer to ATI tells: by its labels, otherwise maker, model and firmware in three lines.

    Args:
        lines: the lines before OK.
    """
    said: dict[str, str] = {}
    plain: list[str] = []
    for line in lines:
        label = _LABEL.match(line)
        if label is not None and label["part"]:
            said[label["part"].lower()] = line[label.end() :].strip(' "')
        else:
            plain.append(line.strip())
    if len(lines) > 2:  # SIM800 has one line, with its model and firmware
        missing = [part for part in ("manufacturer", "model", "revision") if part not in said]
        said |= dict(zip(missing, plain, strict=False))
    return said


def signal_of(text: str) -> Signal | None:
    """Return the signal quality that an answer to AT+CSQ tells; None if it does not have that form.

    Args:
        text: what stands behind ``+CSQ:``.
    """
    first, _, second = text.partition(",")
    level, rate = number(first, 0, 199), number(second.strip(), 0, 99)
    if level is None or rate is None or 31 < level < 99 or 191 < level < 199 or 7 < rate < 99:
        return None
    dbm = {99: None, 199: None}.get(level, level - 216 if level >= 100 else -113 + 2 * level)  # 3G and 4G from 100
    return Signal(dbm, None if rate == 99 else rate)


def registration_of(text: str) -> Registered | None:
    """Return the status that an answer to AT+CREG? or AT+CGREG? tells; None if it does not have that form.

    Args:
        text: what stands behind ``+CREG:``.
    """
    found = re.fullmatch(r"(?:\d, ?)?(\d{1,2})(?:,.*)?", text)
    return None if found is None else Registered(int(found[1]))


def operator_of(text: str) -> str | None:
    """Return the name of the network that an answer to AT+COPS? tells; None if it tells none.

    Args:
        text: what stands behind ``+COPS:``.
    """
    found = re.search(r'"(?P<name>[^"]*)"', text) or re.fullmatch(r"\d, ?\d, ?(?P<name>[^,]+)(?:,.*)?", text)
    return None if found is None else found["name"]


def time_of(text: str) -> datetime.datetime:
    """Return the time that an answer to AT+CCLK? tells, with a time zone if it has one.

    Args:
        text: what stands behind ``+CCLK:``.

    Raises:
        ValueError: it is not a time; its text says what is wrong if it has the form of one.
    """
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-]\d\d)?", text.strip('"'))
    if found is None:
        raise ValueError
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    zone = None
    if found[7] is not None:
        zone = datetime.timezone(datetime.timedelta(minutes=15 * int(found[7])))
    return datetime.datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
