"""What the arguments of `open` come down to, for either shell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ConfigError, InvalidDlci
from .line.physical import Line, SerialLike, open_line
from .protocol.at_cmux import Manner
from .protocol.config import MAX_DLCI, Config, Option
from .protocol.profiles import Profile
from .reconnector import stable_name
from .settings import find_profile, session_config, told_apart


@dataclass(frozen=True, slots=True)
class Plan:
    """What the arguments of `open` come down to."""

    port: str | os.PathLike[str] | SerialLike
    """What was given."""
    stable: str | None
    """Another name of it, by which it is found again when it comes back under another number."""
    baudrate: int
    """Bits per second."""
    settings: dict[str, Any]
    """More of pyserial's."""
    profile: Profile
    """What is known about the module."""
    config: Config
    """The parameters of the session."""
    manner: Manner
    """How AT+CMUX is said."""
    other_rates: list[int]
    """Where else a module is looked for that does not answer."""
    channels: list[int]
    """DLCIs to open at once."""

    def open_line(self, *, again: bool = False) -> Line:
        """Open the line.

        Args:
            again: it was lost, and may have another number by now.

        Raises:
            PortError: it cannot be opened.
        """
        found = again and self.stable is not None and os.path.exists(self.stable)
        return open_line(self.stable if found and self.stable else self.port, self.baudrate, **self.settings)


def make_plan(
    port: str | os.PathLike[str] | SerialLike,
    baudrate: int,
    profile: str | Profile,
    option: Option | str | None,
    n1: int | None,
    channels: Iterable[int | str],
    other_rates: Sequence[int],
    settings: dict[str, Any],
    *,
    reattach: bool,
) -> Plan:
    """Check the arguments of `open`, before anything is touched, and work out what they mean.

    Raises:
        ConfigError: a parameter is out of range, or there is no such profile.
        InvalidDlci: one of `channels` cannot carry data.
        TypeError: one of `settings` is unknown.
    """
    known = find_profile(profile)
    ours, rest = told_apart(settings, port)
    config = session_config(known, option, n1, **ours)
    return Plan(
        port,
        _stable_name(port) if reattach else None,
        baudrate,
        rest,
        known,
        config,
        manner_of(known, config, n1 is not None, baudrate),
        [rate for rate in other_rates if rate != baudrate],
        [check_dlci(known.channels.get(dlci, dlci) if isinstance(dlci, str) else dlci) for dlci in channels],
    )


def _stable_name(port: str | os.PathLike[str] | SerialLike) -> str | None:
    if not isinstance(port, (str, os.PathLike)):
        raise ConfigError("an open object cannot be opened anew: give a path or a URL, or leave reattach out")
    return stable_name(os.fspath(port))


def manner_of(profile: Profile, config: Config, n1_given: bool, baudrate: int) -> Manner:
    """Return how AT+CMUX is said to a module."""
    full, asks = profile.at_cmux == "full", profile.at_cmux == "asked"
    return Manner(config=config, n1_given=n1_given, baudrate=baudrate, full=full, asks=asks)


def check_dlci(dlci: object) -> int:
    """Return a DLCI that can carry data.

    Raises:
        InvalidDlci: it cannot.
    """
    if not isinstance(dlci, int) or not 1 <= dlci <= MAX_DLCI:
        raise InvalidDlci(dlci)
    return dlci
