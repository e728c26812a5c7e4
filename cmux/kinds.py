"""The kinds of values that settings can have: how each is read from text, checked, and described."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol, Self, cast

from .capture.names import ENDINGS, has_ending
from .errors import ConfigError
from .masking import shown
from .protocol.checks import check_range, check_type, either
from .protocol.config import MAX_DLCI
from .protocol.start_options import LONGEST_COMMAND, check_command, command_list
from .resetting import split_command

_YES_NO: Final = {
    "yes": True,
    "true": True,
    "on": True,
    "1": True,
    "no": False,
    "false": False,
    "off": False,
    "0": False,
}
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,30}")
_ENDINGS: Final = ", ".join(f".{ending}" for ending in ENDINGS[:-1]) + f" or .{ENDINGS[-1]}"


def whole(text: str) -> int:
    """Read a whole number as people write one: ``int`` takes 1_000, blanks, and the digits of every script.

    Raises:
        ValueError: it is none.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return int(text)


def decimal(text: str) -> float:
    """Read a number that may have a point and an exponent.

    Raises:
        ValueError: it is none.
    """
    if not text.isascii() or "_" in text or text != text.strip():
        raise ValueError(f"{text!r} is not a number")
    return float(text)


class Kind(Protocol):
    """One kind of value."""

    @property
    def expected(self) -> str:
        """What a text has to be: the rest of the message ``'x' is not …``."""

    @property
    def metavar(self) -> str:
        """The placeholder for the value in ``--help``."""

    def read(self, text: str) -> object:
        """Return the value that a text means; raise ValueError if it means none."""

    def checked(self, name: str, value: object) -> object:
        """Return what a value means; raise ConfigError, with the name, if it is not allowed."""

    def shown(self, value: object) -> str:
        """Return a value as text that `read` understands."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a range."""

    low: float
    """The lowest value."""
    high: float
    """The highest value."""
    unit: str = "a number"
    """The unit."""
    metavar: str = "N"
    """See `Kind.metavar`."""
    whole: bool = True
    """Whether only whole numbers are allowed."""

    @property
    def expected(self) -> str:
        """See `Kind.expected`."""
        return f"{self.unit} from {self.low} to {self.high}"

    def read(self, text: str) -> object:
        """See `Kind.read`."""
        return whole(text) if self.whole else decimal(text)

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        check_type(name, value, int if self.whole else float)
        assert isinstance(value, int | float)  # noqa: S101 - just checked
        check_range(name, value, self.low, self.high)
        return value

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return f"{value:g}" if isinstance(value, float) else str(value)


def seconds(low: float, high: float) -> Number:
    """Return a `Number` for a time."""
    return Number(low, high, "seconds", "S", whole=False)


@dataclass(frozen=True, slots=True)
class YesNo:
    """True or False."""

    expected: str = "yes or no"
    """See `Kind.expected`."""
    metavar: str = ""
    """See `Kind.metavar`."""

    def read(self, text: str) -> object:
        """See `Kind.read`."""
        if text.lower() not in _YES_NO:
            raise ValueError(text)
        return _YES_NO[text.lower()]

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        check_type(name, value, bool)
        return value

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return "yes" if value else "no"


@dataclass(frozen=True, slots=True)
class Words:
    """One of a few values, each with a word for it."""

    words: Mapping[str, object]
    """The values, by their words."""
    also: tuple[type[object], ...] = ()
    """The types of other objects that Python code may give instead of a word."""

    @classmethod
    def of(cls, enumeration: type[Enum]) -> Self:
        """Use the members of an enumeration, with their values as words."""
        return cls({str(member.value): member for member in enumeration})

    @property
    def expected(self) -> str:
        """See `Kind.expected`."""
        return either(self.words)

    @property
    def metavar(self) -> str:
        """See `Kind.metavar`."""
        return f"{{{','.join(self.words)}}}"

    def read(self, text: str) -> object:
        """See `Kind.read`: returns the word itself, unless it means a number."""
        if text not in self.words:
            raise ValueError(text)
        value = self.words[text]
        return value if type(value) in (int, float) else text

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        if isinstance(value, str) and value in self.words:
            return self.words[value]
        meant = any(value == one for one in self.words.values()) and not isinstance(value, bool)
        if not meant and not isinstance(value, self.also):
            raise ConfigError(f"{name} = {shown(value)} is not {self.expected}")
        return value

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return next(word for word, one in self.words.items() if value in (word, one))


@dataclass(frozen=True, slots=True)
class OnOff:
    """True or False, which may be a word in Python and in files, too, and is one on the command line."""

    expected: str = "on or off"
    """See `Kind.expected`."""
    metavar: str = "{on,off}"
    """See `Kind.metavar`."""

    def read(self, text: str) -> object:
        """See `Kind.read`."""
        return YES_NO.read(text)

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        meant = _YES_NO.get(value) if isinstance(value, str) else value
        if not isinstance(meant, bool):
            raise ConfigError(f"{name} = {shown(value)} is not {self.expected}")
        return meant

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return "on" if value else "off"


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """The name of the file of a capture."""

    expected: str = f"a file whose name ends in {_ENDINGS}"
    """See `Kind.expected`."""
    metavar: str = "FILE"
    """See `Kind.metavar`."""

    def read(self, text: str) -> object:
        """See `Kind.read`."""
        return text

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        check_type(name, value, str | os.PathLike)
        path = os.fspath(cast(str, value))
        if not path or "\0" in str(path):
            raise ConfigError(f"{name} = {value!r} is not the name of a file")
        if not has_ending(path):
            raise ConfigError(f"{name} = {path!r} is not {self.expected}")
        return value

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return str(value)


_ONE_COMMAND: Final = f"one line of 1 to {LONGEST_COMMAND} printable ASCII characters"


@dataclass(frozen=True, slots=True)
class AtCommand:
    """An AT command."""

    expected: str = _ONE_COMMAND
    """See `Kind.expected`."""
    metavar: str = "COMMAND"
    """See `Kind.metavar`."""

    def read(self, text: str) -> object:
        """See `Kind.read`."""
        return text

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        return check_command(name, value)

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return str(value)


@dataclass(frozen=True, slots=True)
class AtCommands:
    """AT commands, in order: where settings are text, one each time that the name is given."""

    expected: str = f"a command, or several: each is {_ONE_COMMAND}"
    """See `Kind.expected`."""
    metavar: str = "COMMAND"
    """See `Kind.metavar`."""

    def read(self, text: str) -> object:
        """See `Kind.read`."""
        return (text,)

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        return command_list(name, value)

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return " ".join(value) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True, slots=True)
class Program:
    """A program with its arguments."""

    expected: str = "a program and its arguments"
    """See `Kind.expected`."""
    metavar: str = "COMMAND"
    """See `Kind.metavar`."""

    def read(self, text: str) -> object:
        """See `Kind.read`."""
        return text

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        return split_command(name, value)

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Several:
    """Several values: a text with commas, or any iterable."""

    make: Callable[[Any], tuple[object, ...]]
    """Makes a tuple from either; raises ValueError or TypeError."""
    expected: str
    """See `Kind.expected`."""
    metavar: str = "LIST"
    """See `Kind.metavar`."""

    def read(self, text: str) -> object:
        """See `Kind.read`."""
        return self.make(text)

    def checked(self, name: str, value: object) -> object:
        """See `Kind.checked`."""
        try:
            if isinstance(value, bytes | bytearray | Mapping):  # these are iterables, too, but not of what is meant
                raise TypeError(value)
            return self.make(value)
        except (TypeError, ValueError):
            raise ConfigError(f"{name} = {shown(value)} is not {self.expected}") from None

    def shown(self, value: object) -> str:
        """See `Kind.shown`."""
        return ",".join(map(str, value)) if isinstance(value, Iterable) else str(value)


def channel_list(value: str | Iterable[int | str]) -> tuple[int | str, ...]:
    """Read ``1-4``, ``1,3,5-6`` or ``at,gnss``.

    Args:
        value: numbers, ranges, and names that the profile has for channels, as a text; or an iterable of numbers and
            names, which are checked when the profile is known.

    Returns:
        For a text the DLCIs in order, then the names; otherwise the given values.

    Raises:
        ValueError: the text is not such a list, or a DLCI in it cannot carry data.
    """
    if not isinstance(value, str):
        return tuple(value)
    numbers: set[int] = set()
    names: list[str] = []
    for part in value.split(","):
        first, dash, last = part.partition("-")
        if part.strip().isidentifier():
            names.append(part.strip())
            continue
        low, high = whole(first.strip()), whole((last if dash else first).strip())
        if not 1 <= low <= high <= MAX_DLCI:
            raise ValueError(part)
        numbers.update(range(low, high + 1))
    return (*sorted(numbers), *names)


def rate_list(value: str | Iterable[int]) -> tuple[int, ...]:
    """Read ``9600,19200``.

    Args:
        value: baud rates as a text, which may be empty, or an iterable of numbers.

    Returns:
        The baud rates.

    Raises:
        ValueError: the value is not such a list.
    """
    texts = value.split(",") if isinstance(value, str) and value else value
    rates = tuple(whole(one.strip()) if isinstance(one, str) else one for one in texts)
    for rate in rates:
        BAUDRATE.checked("rate", rate)
    return rates


BAUDRATE: Final = Number(1, 20_000_000, "bits per second")
PACING: Final = Number(0, 20_000_000, "bits per second")
CHANNELS: Final = Several(channel_list, f"a list like 1-4 or 1,3 (DLCIs are 1 to {MAX_DLCI}, or names of the profile)")
RATES: Final = Several(rate_list, f"a list like 9600,19200 of {BAUDRATE.expected}")
YES_NO: Final = YesNo()
ON_OFF: Final = OnOff()
CAPTURE_FILE: Final = CaptureFile()
COMMAND: Final = AtCommand()
COMMANDS: Final = AtCommands()
PROGRAM: Final = Program()
