"""The settings of lines for commands: from the command line, or from a TOML file with several lines.

Options and keys are made from the rows of `cmux.settings`; the port, the links and the role are added here.
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, cast

from ..kinds import YesNo
from ..opening import Plan, make_plan
from ..protocol.config import Role
from ..setting import GROUPS, RARE, Setting
from ..settings import SETTINGS, LineSettings
from ..spelling import did_you_mean
from ..threads.mux import Mux
from ..threads.opener import Opening
from ..threads.server import serve
from .access import group_of, mode_of
from .app import CommandError
from .argument_types import address, consecutive, reading

_CHANNELS: Final = (1, 2, 3, 4)
_BY_COMMAND: Final = ("channels", "reattach")  # only some commands have these


@dataclass(frozen=True, kw_only=True)
class LineOptions:
    """How a command opens a line.

    Raises:
        ValueError: a setting is not allowed, or settings contradict each other.
    """

    port: str
    """A path or any pyserial URL."""
    settings: LineSettings = field(default_factory=LineSettings)
    """The settings for `cmux.open`."""
    link: str | None = None
    """The beginning of the symbolic links of the channels."""
    tcp: str | None = None
    """``HOST:PORT`` of the first channel, if they are offered as TCP ports."""
    mode: str | int | None = None
    """Who may open the ptys, as for chmod; see `mode_of`."""
    group: str | int | None = None
    """The group of the ptys; see `group_of`."""
    hangup: bool = False
    """Whether a client is hung up when its call ends, and ends it when it leaves."""
    role: str = Role.INITIATOR.value
    """Which station this is: ``initiator``, or ``responder`` for the other end."""
    name: str = field(default="", compare=False)
    """The name for messages."""
    source: str = field(default="", compare=False)
    """The file and the table that the settings are from; empty: the command line."""

    def __post_init__(self) -> None:
        if not isinstance(self.port, str):
            raise ValueError(f"port = {self.port!r} is not a string")
        if not self.port:
            raise ValueError("port is missing")
        if not isinstance(self.link, str | None):
            raise ValueError(f"link = {self.link!r} is not a string")
        if self.link is not None and not os.path.basename(self.link):
            raise ValueError(f"link = {self.link!r} has no name to append the DLCI to")
        if self.link is not None and "\0" in self.link:
            raise ValueError(f"link = {self.link!r} is not a path")
        if self.role not in ROLES:
            raise ValueError(f"role = {self.role!r} is not {' or '.join(ROLES)}")
        _ = self.plan  # raises if a setting is not allowed
        if self.tcp is not None and self.link is not None:
            raise ValueError(f"link = {self.link!r} and tcp = {self.tcp!r} exclude each other")
        for name, value in (("mode", self.mode), ("group", self.group)):
            if value is not None and self.tcp is not None:
                raise ValueError(f"{name} = {value!r} is about paths: it means nothing with tcp = {self.tcp!r}")
        if not isinstance(self.hangup, bool):
            raise ValueError(f"hangup = {self.hangup!r} is not True or False")
        if self.hangup and self.link is None:
            raise ValueError("hangup needs a link, under which a new path takes the place of the one that is hung up")
        if self.hangup and sys.platform != "linux":
            raise ValueError("hangup needs Linux")
        _ = self.addresses, self.access

    @cached_property
    def plan(self) -> Plan:
        """The plan that follows from the settings."""
        return make_plan(self.port, self.settings)

    @property
    def channels(self) -> tuple[int, ...]:
        """The DLCIs, in order; 1 to 4 by default."""
        return tuple(sorted(set(self.plan.channels))) or _CHANNELS

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """A host and a port for each channel, if they are offered as TCP ports; port 0 picks one."""
        if self.tcp is None:
            return []
        if not isinstance(self.tcp, str):
            raise ValueError(f"tcp = {self.tcp!r} is not a string")
        try:
            return consecutive(address(self.tcp), len(self.channels))
        except ValueError as error:
            raise ValueError(f"tcp = {self.tcp!r}: {str(error).removeprefix(f'{self.tcp!r} ')}") from None

    @property
    def access(self) -> tuple[int, int | None]:
        """The mode of the ptys, and the number of their group, if they are given one."""
        return mode_of(self.mode, grouped=self.group is not None), group_of(self.group)

    @property
    def responds(self) -> bool:
        """Whether the peer begins sessions, and opens the channels."""
        return self.role == Role.RESPONDER.value

    def check_folders(self) -> None:
        """Check, before the port is opened, that what will be made has a folder to be in, and is none.

        Raises:
            OSError: it has none; the message names the setting as its user wrote it.
        """
        for name, path in (("link", self.link), ("capture", self.plan.capture)):
            folder = os.path.dirname(os.fspath(path or "")) or "."
            if not os.path.isdir(folder):
                number = errno.ENOTDIR if os.path.exists(folder) else errno.ENOENT
                raise OSError(number, f"{os.strerror(number)}: {folder}", self.written(name, path))
        if self.plan.capture is not None and os.path.isdir(self.plan.capture):
            number = errno.EISDIR
            raise OSError(number, os.strerror(number), self.written("capture", self.plan.capture))

    def written(self, name: str, value: object) -> str:
        """Return a setting as its user wrote it: an option, or a key of a file."""
        return f"{self.source}: {name} = {value!r}" if self.source else f"{option_for(name)} {value}"

    def opening(self) -> Opening | None:
        """Return what opens the line, and may be cut short; None if nothing is waited for, as the peer begins."""
        return None if self.responds else Opening(make_plan(self.port, {**self.settings, "channels": ()}))

    def open(self, opening: Opening | None) -> Mux:
        """Open the line without opening channels; see `cmux.open` and `cmux.serve`.

        Args:
            opening: see `opening`.

        Raises:
            OSError: see `check_folders`.
        """
        self.check_folders()
        if opening is not None:
            return opening.run()
        settings: LineSettings = {**self.settings, "channels": self.channels}
        return serve(self.port, **settings)


ROLES: Final = tuple(role.value for role in Role)

_OWN_KEYS: Final = ("port", "link", "mode", "group", "hangup", "tcp", "role")


def keys() -> tuple[str, ...]:
    """Return the keys that a table in a file, or the command line, may have."""
    return (*_OWN_KEYS, *SETTINGS)


class _YesNo(argparse.Action):
    """An option with two names: the first means yes, the second no."""

    def __call__(
        self, parser: object, namespace: argparse.Namespace, values: object, option_string: str | None = None
    ) -> None:
        setattr(namespace, self.dest, option_string == self.option_strings[0])


class _Each(argparse.Action):
    """An option whose values are put together in one tuple."""

    def __call__(
        self, parser: object, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        setattr(namespace, self.dest, (*(getattr(namespace, self.dest) or ()), *values))


def add_line_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for opening a line, except the port and the options that only some commands have.

    Args:
        parser: the parser of a command.
    """
    for title in GROUPS:
        rows = [row for row in SETTINGS.values() if row.group == title and row.name not in _BY_COMMAND]
        hidden = title == RARE  # --help lists only their names
        group = parser.add_argument_group(title, _listed(rows) if hidden else None)
        for row in rows:
            add_setting(group.add_argument, row.name, argparse.SUPPRESS if hidden else "")


def _listed(rows: list[Setting]) -> str:
    options = ", ".join(f"{row.option} {row.kind.metavar}".strip() for row in rows)
    return textwrap.fill(f"{options}: see docs/settings.md", 76, break_on_hyphens=False)


def add_setting(add_argument: Callable[..., argparse.Action], name: str, help: str = "") -> None:
    """Add the option of one setting.

    Args:
        add_argument: the method of a parser, or of a group.
        name: the name of the setting.
        help: what the option does; by default the help of the setting.
    """
    setting = SETTINGS[name]
    usual = "" if setting.default is False else f" (default: {setting.usual})"
    help = help or f"{setting.help}{usual}"
    if isinstance(setting.kind, YesNo):
        add_argument(setting.option, setting.no_option, dest=name, action=_YesNo, nargs=0, help=help)
    else:
        action = _Each if setting.repeats else "store"
        add_argument(setting.option, type=reading(setting.read), metavar=setting.kind.metavar, help=help, action=action)


def from_arguments(arguments: argparse.Namespace, port: str = "") -> LineOptions:
    """Read the settings from the command line; a mistake ends the command as wrong usage.

    Args:
        arguments: the arguments, with the options of `add_line_options`.
        port: the port to open; by default ``arguments.port``.

    Returns:
        The settings.
    """
    parser: argparse.ArgumentParser = arguments.parser
    port = port or arguments.port
    given = {name: getattr(arguments, name, None) for name in keys()}
    try:
        return _made({name: value for name, value in given.items() if value is not None} | {"port": port}, port)
    except ValueError as error:
        named = rf"\b({'|'.join(keys())}) = (?:True )?|^(channels|hangup)(?=: | needs)"
        parser.error(re.sub(named, lambda key: option_for(key[2]) if key[2] else f"{option_for(key[1])} ", str(error)))


def option_for(name: str, value: object = True) -> str:
    """Return the option of the command line that gave a value to a setting.

    Args:
        name: the name of the setting.
        value: the value: an option that means no has another name.
    """
    return (value is False and name in SETTINGS and SETTINGS[name].no_option) or "--" + name.replace("_", "-")


def from_file(path: str) -> list[LineOptions]:
    """Read the settings of several lines from a TOML file, one table for each.

    Args:
        path: the path of the file.

    Returns:
        The settings, in the order of the file.

    Raises:
        CommandError: the file cannot be read, or is not valid.
    """
    try:
        with open(path, "rb") as file:
            tables = tomllib.load(file)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error
    except RecursionError as error:
        raise CommandError(f"{path}: its arrays or tables are nested too deeply") from error
    lines = [_from_table(path, name, table) for name, table in tables.items()]
    if not lines:
        raise CommandError(f"{path} names no line: [NAME], then port = …")
    return lines


def _from_table(path: str, name: str, table: object) -> LineOptions:
    if not isinstance(table, Mapping):
        raise CommandError(f"{path}: {name!r} is outside of any [NAME]")
    for key in table:
        if key not in keys():
            told = did_you_mean(key, keys()) or f": {', '.join(keys())}"
            raise CommandError(f"{path}: [{name}] has an unknown key {key!r}{told}")
    try:
        return _made(table, name, f"{path}: [{name}]")
    except ValueError as error:
        raise CommandError(f"{path}: [{name}]: {error}") from error


def _made(values: Mapping[str, Any], name: str, source: str = "") -> LineOptions:
    settings = {key: value for key, value in values.items() if key in SETTINGS}
    return LineOptions(
        port=values.get("port", ""),
        settings=cast(LineSettings, settings),
        link=values.get("link"),
        tcp=values.get("tcp"),
        mode=values.get("mode"),
        group=values.get("group"),
        hangup=values.get("hangup", False),
        role=values.get("role", Role.INITIATOR.value),
        name=name,
        source=source,
    )
