"""What commands are told about a line: on the command line, or in a TOML file with several of them."""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from ..protocol.config import MAX_DLCI
from ..protocol.profiles import PROFILES
from ..settings import session_config
from ..threads.mux import Mux
from ..threads.opener import open as open_mux
from .app import CommandError, number

_LIMITS: Final = {"baudrate": (1, 20_000_000), "line_rate": (0, 20_000_000), "n1": (1, 32768)}


def channel_list(text: str) -> tuple[int, ...]:
    """Read ``1-4`` or ``1,3,5-6``.

    Args:
        text: numbers and ranges.

    Returns:
        The DLCIs, in order.

    Raises:
        ValueError: it is something else, or a DLCI cannot carry data.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.strip().isdecimal() or (dash and not last.strip().isdecimal()):
            raise ValueError(f"{text!r} is not a list of DLCIs like 1-4 or 1,3")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= MAX_DLCI:
            raise ValueError(f"{text!r}: DLCIs are 1 to {MAX_DLCI}")
        found.update(range(low, high + 1))
    return tuple(sorted(found))


@dataclass(frozen=True, kw_only=True)
class LineSettings:
    """How a line is opened."""

    port: str
    """A path or any pyserial URL."""
    baudrate: int = 115200
    """Bits per second."""
    line_rate: int | None = None
    """Bits per second to which writing is paced; 0: not at all."""
    startup: str = "at"
    """``at`` or ``none``."""
    profile: str = "generic"
    """What is known about the module."""
    option: str | None = None
    """``basic`` or ``advanced``; None: the profile's."""
    n1: int | None = None
    """Longest information field, in octets."""
    channels: tuple[int, ...] = (1, 2, 3, 4)
    """Which DLCIs."""
    link: str | None = None
    """The channels' symbolic links begin with this."""
    reattach: bool = False
    """Open the line anew after it died; the ptys stay."""
    capture: str | None = None
    """Where the frames go."""
    capture_payload: bool = True
    """Whether the octets of user DLCs go there, too."""
    name: str = field(default="", compare=False)
    """What messages call it."""

    def __post_init__(self) -> None:
        for one, allowed in (
            ("startup", ("at", "none")),
            ("option", (None, "basic", "advanced")),
            ("profile", tuple(PROFILES)),
        ):
            if getattr(self, one) not in allowed:
                raise ValueError(f"{one} = {getattr(self, one)!r}: {' or '.join(filter(None, allowed))}")
        for one, (low, high) in _LIMITS.items():
            value = getattr(self, one)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise ValueError(f"{one} = {value!r} is not a number")
            if value is not None and not low <= value <= high:
                raise ValueError(f"{one} = {value} is out of range: {low} to {high}")
        if not self.port or not isinstance(self.port, str):
            raise ValueError("port is missing")
        for one in ("reattach", "capture_payload"):
            if not isinstance(getattr(self, one), bool):
                raise ValueError(f"{one} = {getattr(self, one)!r} is neither true nor false")
        for one in ("link", "capture"):
            if not isinstance(getattr(self, one), str | None):
                raise ValueError(f"{one} = {getattr(self, one)!r} is not a text")
        if self.link is not None and not os.path.basename(self.link):
            raise ValueError(f"link = {self.link!r} has no name to put the DLCI behind")
        session_config(PROFILES[self.profile], self.option, self.n1)  # raises what does not go together

    def open(self) -> Mux:
        """Open the line, see `cmux.open`; no channel is opened yet."""
        return open_mux(
            self.port,
            baudrate=self.baudrate,
            line_rate=self.line_rate,
            startup=self.startup,  # type: ignore[arg-type]  # checked above
            profile=self.profile,
            option=self.option,
            n1=self.n1,
            reattach=self.reattach,
            capture=self.capture,
            capture_payload=self.capture_payload,
        )


KEYS: Final = {one.name for one in fields(LineSettings)} - {"name"}
"""What a table in a file, or the command line, may say."""


def add_line_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a line is opened, all but the port, the channels and the links.

    Args:
        parser: of a command.
    """
    line = parser.add_argument_group("the line")
    rate, paced, n1 = (number(*_LIMITS[name]) for name in ("baudrate", "line_rate", "n1"))
    line.add_argument("--baudrate", type=rate, metavar="N", help="bits per second (default 115200)")
    line.add_argument(
        "--line-rate", type=paced, metavar="N", help="pace writing to N bits per second; 0: not (default: baudrate)"
    )
    line.add_argument("--startup", choices=("at", "none"), help="say AT+CMUX first (default), or find it multiplexing")
    line.add_argument("--profile", choices=tuple(PROFILES), help="what is known about the module (default generic)")
    line.add_argument("--option", choices=("basic", "advanced"), help="the framing (default: the profile's, or basic)")
    line.add_argument("--n1", type=n1, metavar="N", help="longest information field, in octets")
    line.add_argument("--capture", metavar="FILE", help="write the frames to FILE: .pcapng, .jsonl or .log")
    line.add_argument(
        "--capture-no-payload", dest="capture_payload", action="store_false", default=None, help="mask what users send"
    )


def channels_argument(text: str) -> tuple[int, ...]:
    """`channel_list` as a type of argparse."""
    try:
        return channel_list(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def from_arguments(arguments: argparse.Namespace) -> LineSettings:
    """Take the settings from the command line.

    Args:
        arguments: with ``port`` and what `add_line_options` makes.

    Returns:
        The settings.
    """
    given = {name: getattr(arguments, name, None) for name in KEYS}
    return _made({name: value for name, value in given.items() if value is not None}, arguments.port)


def from_file(path: str) -> list[LineSettings]:
    """Take the settings of several lines from a TOML file, a table each.

    Args:
        path: of the file.

    Returns:
        The settings, in the order of the file.

    Raises:
        CommandError: the file cannot be read, or something in it is not understood.
    """
    try:
        with open(path, "rb") as file:
            tables = tomllib.load(file)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error
    lines = [_from_table(path, name, table) for name, table in tables.items()]
    if not lines:
        raise CommandError(f"{path} names no line: [NAME], then port = …")
    return lines


def _from_table(path: str, name: str, table: object) -> LineSettings:
    if not isinstance(table, Mapping):
        raise CommandError(f"{path}: {name!r} stands outside of any [NAME]")
    values: dict[str, Any] = dict(table)
    for key in values:
        if key not in KEYS:
            raise CommandError(f"{path}: [{name}] has an unknown key {key!r}: {', '.join(sorted(KEYS))}")
    try:
        if "channels" in values:
            channels = values["channels"]
            text = ",".join(map(str, channels)) if isinstance(channels, list) else str(channels)
            values["channels"] = channel_list(text)
        return _made(values, name)
    except ValueError as error:
        raise CommandError(f"{path}: [{name}]: {error}") from error


def _made(values: dict[str, Any], name: str) -> LineSettings:
    return LineSettings(**{"port": "", **values}, name=name)
