"""What the settings of a line mean: profile, session parameters, and what is pyserial's."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from .errors import ConfigError
from .protocol.config import Config, KeepAlive, Option, PriorityOrder, Wakeup
from .protocol.profiles import PROFILES, Profile

Startup = Literal["at", "none"]

_NETWORK = ("socket://", "rfc2217://")
_NETWORK_TIMES = {"t1": 1.0, "t2": 2.0}  # a way of half a second there and back is not unheard of
_WORDS = {"option": Option, "keep_alive": KeepAlive, "wakeup": Wakeup, "priority_order": PriorityOrder}
_SERIAL_SETTINGS = {"bytesize", "parity", "stopbits", "xonxoff", "rtscts", "dsrdtr"}


def find_profile(profile: str | Profile) -> Profile:
    """Return a profile by its name.

    Args:
        profile: a name, or a profile of the caller's own.

    Returns:
        The profile.

    Raises:
        ConfigError: there is none of that name.
    """
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise ConfigError(f"there is no profile {profile!r}: {', '.join(PROFILES)}")
    return PROFILES[profile]


def session_config(profile: Profile, option: Option | str | None, n1: int | None, **fields: Any) -> Config:
    """Return the parameters of a session.

    Args:
        profile: what is known about the module.
        option: the framing; None: the profile's.
        n1: longest information field to send; None: the profile's, or the option's default.
        fields: more of `Config`.

    Returns:
        The parameters.

    Raises:
        ConfigError: one is out of range.
    """
    if option is not None:
        fields["option"] = option
    fields = {name: _by_word(name, value) for name, value in fields.items()}
    if option is not None and fields["option"] is not profile.settings.get("option", Option.BASIC):
        fields["n1"] = 0  # the profile's N1 is for its own option
    if n1 is not None:
        fields["n1"] = n1
    return profile.config(**fields)


def _by_word(name: str, value: object) -> object:
    """Return what a word stands for, as in a URL; other values as they are, `Config` looks at them."""
    if name not in _WORDS or not isinstance(value, str):
        return value
    try:
        return _WORDS[name](value)
    except ValueError:
        words = ", ".join(one.value for one in _WORDS[name])
        raise ConfigError(f"there is no {name} {value!r}: {words}") from None


def told_apart(settings: dict[str, Any], port: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell the fields of `Config` from pyserial's settings; a line over a network gets time-outs that suit it."""
    known = {field.name for field in dataclasses.fields(Config)}
    ours = {name: value for name, value in settings.items() if name in known}
    rest = {name: value for name, value in settings.items() if name not in known}
    for name in rest:
        if name not in _SERIAL_SETTINGS:
            raise TypeError(f"open() got an unknown setting {name!r}")
    if isinstance(port, str) and port.lower().startswith(_NETWORK) and "t1" not in ours:
        ours = {**_NETWORK_TIMES, **ours}
    return ours, rest
