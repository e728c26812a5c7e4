"""Profiles in files: a TOML file with the fields of a `Profile`, for those who write no Python."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from .errors import ConfigError
from .protocol.checks import either
from .protocol.config import MAX_DLCI
from .protocol.profiles import PROFILES, Profile

ENDING: Final = ".toml"
"""By this the path of a file is told from the name of a profile."""

_KEYS: Final = tuple(one.name for one in fields(Profile))
_TABLES: Final = ("channels", "settings", "port_speeds")


class FileProblem(ConfigError):
    """What a value names is a file, and something is wrong with it.

    Args:
        name: the name of the setting.
        path: the file.
        problem: what is wrong.
    """

    def __init__(self, name: str, path: str, problem: str) -> None:
        super().__init__(f"{name} = {path!r}: {problem}")
        self.problem: str = problem
        """What is wrong."""


@dataclass(frozen=True, slots=True)
class ProfileName:
    """The name of a profile, the path of a file that has one, or a `Profile`."""

    checked_setting: Callable[[str, object], object]
    """Returns what the value of a setting that a profile may have means; raises ConfigError."""

    @property
    def expected(self) -> str:
        """See `cmux.kinds.Kind.expected`."""
        return either((*PROFILES, f"the path of a file that ends in {ENDING}"))

    @property
    def metavar(self) -> str:
        """See `cmux.kinds.Kind.metavar`."""
        return f"{{{','.join(PROFILES)},FILE{ENDING}}}"

    def read(self, text: str) -> object:
        """See `cmux.kinds.Kind.read`."""
        return text

    def checked(self, name: str, value: object) -> object:
        """See `cmux.kinds.Kind.checked`."""
        if isinstance(value, Profile):
            return value
        path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
        if isinstance(path, str) and path in PROFILES:
            return PROFILES[path]
        if isinstance(path, str) and path.endswith(ENDING):
            return self._from_file(name, path)
        raise ConfigError(f"{name} = {value!r} is not {self.expected}")

    def shown(self, value: object) -> str:
        """See `cmux.kinds.Kind.shown`."""
        return value.name if isinstance(value, Profile) else str(value)

    def _from_file(self, name: str, path: str) -> Profile:
        try:
            table = tomllib.loads(Path(path).read_bytes().decode())
            return self._made(path, table)
        except OSError as error:
            raise FileProblem(name, path, f"it cannot be read: {error.strerror}") from error
        except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError and ConfigError are some
            raise FileProblem(name, path, str(error)) from error
        except RecursionError as error:
            raise FileProblem(name, path, "its arrays or tables are nested too deeply") from error

    def _made(self, path: str, table: Mapping[str, Any]) -> Profile:
        for key in table:
            if key not in _KEYS:
                belongs = " (under [settings]?)" if key in _fields_of_settings() else ""
                raise ConfigError(f"unknown key {key!r}{belongs}: {', '.join(_KEYS)}")
        for key in _TABLES:
            if not isinstance(table.get(key, {}), Mapping):
                raise ConfigError(f"{key} = {table[key]!r} is not a table: [{key}], then name = value")
        stem = Path(path).stem
        named = {"name": stem, "title": table.get("name", stem), "source": path}
        made: dict[str, Any] = {
            "channels": {key: _dlci(key, value) for key, value in table.get("channels", {}).items()},
            "settings": {key: self._setting(key, value) for key, value in table.get("settings", {}).items()},
            "port_speeds": {_rate(key): value for key, value in table.get("port_speeds", {}).items()},
        }
        return Profile(**{**named, **table, **made})

    def _setting(self, name: str, value: object) -> object:
        if name not in _fields_of_settings():
            raise ConfigError(f"[settings] has an unknown key {name!r}: {', '.join(_fields_of_settings())}")
        return self.checked_setting(name, value)


def _fields_of_settings() -> tuple[str, ...]:
    profile = PROFILES["generic"]
    return tuple(one.name for kind in (profile.config(), profile.start_options()) for one in fields(kind))


def _dlci(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_DLCI:
        raise ConfigError(f"[channels] {name} = {value!r} is not a DLCI from 1 to {MAX_DLCI}")
    return value


def _rate(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ConfigError(f"[port_speeds] has the key {text!r}, which is not a number of bits per second")
    return int(text)
