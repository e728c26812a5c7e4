"""What makes modules differ, as data: each entry with the source that says so, and a recorded exchange as its test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from .config import Config, KeepAlive, Option, Wakeup

AtCmux = Literal["short", "full", "asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of module."""

    name: str
    """What ``profile=`` and ``--profile`` call it."""
    title: str
    """The modules that it is for."""
    source: str
    """The manual, issue or log that says so."""
    at_cmux: AtCmux = "short"
    """How AT+CMUX is said: ``AT+CMUX=0`` (short), with all parameters (full), or with what AT+CMUX=? allows (asked)."""
    channels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Names of channels that the module has, with their DLCI."""
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Fields of `Config` that differ from the host's defaults."""

    def config(self, **more: Any) -> Config:
        """Return parameters for a session with such a module.

        Args:
            more: fields of `Config` that go before those of the profile.

        Returns:
            The parameters.

        Raises:
            ConfigError: a parameter is out of range.
        """
        return Config(**{**HOST_DEFAULTS, **self.settings, **more})


HOST_DEFAULTS: Mapping[str, Any] = MappingProxyType({"t1": 0.3, "t2": 0.6, "n2": 5})
"""Real modules need more than the 0.1 s, 0.3 s and 3 of 27.010 §5.7: a Quectel EC21 left SABM unanswered for 0.4 s."""

_AT_CHANNELS = MappingProxyType({"at": 1, "at2": 2, "at3": 3, "at4": 4})

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                name="generic",
                title="any module",
                source="3GPP TS 27.010 §5.7; zephyrproject-rtos/zephyr#38652 (SABM needs patience)",
            ),
            Profile(
                name="m10",
                title="Quectel M10, M95, M66, MC60",
                source="Quectel M66 AT Commands Manual V1.0, 3.7: basic option only, N1 127, T1 10, N2 3, T2 30, "
                "T3 10, k 2; virtual UART n is DLCI n",
                channels=_AT_CHANNELS,
                settings=MappingProxyType({"option": Option.BASIC, "n1": 127}),
            ),
            Profile(
                name="sim800",
                title="SIMCom SIM800 series",
                source="SIM800 Series MUX Application Note V1.04 (UA with a two-octet length, MSC right behind UA); "
                "espressif/esp-protocols#140 (both in one read)",
                channels=_AT_CHANNELS,
                settings=MappingProxyType({"option": Option.BASIC, "n1": 127}),
            ),
            Profile(
                name="sim7080",
                title="SIMCom SIM7070, SIM7080",
                source="zephyrproject-rtos/zephyr#63812 (AT+CMUX with the required parameter only), #63813 (MSC with a "
                "break octet that EA does not announce)",
                at_cmux="short",
                settings=MappingProxyType({"option": Option.BASIC}),
            ),
            Profile(
                name="sara-r5",
                title="u-blox SARA-R5",
                source="u-blox/ubxlib u_cell_mux.c: the GNSS channel is DLCI 3 and cannot be opened again once closed",
                channels=MappingProxyType({"at": 1, "at2": 2, "gnss": 3}),
                settings=MappingProxyType({"keep_open": True}),
            ),
            Profile(
                name="eg25",
                title="Quectel EG25-G",
                source="zephyrproject-rtos/zephyr#109712: no handshake when it wakes",
                settings=MappingProxyType({"wakeup": Wakeup.NONE}),
            ),
            Profile(
                name="particle",
                title="modules that leave Test unanswered and want a break octet in MSC",
                source="particle-iot/gsm0710muxer 0446a31 (keep-alive by MSC), its EMPTY_BREAK setting",
                settings=MappingProxyType({"keep_alive": KeepAlive.MSC, "break_octet": True}),
            ),
        )
    }
)
"""The profiles by name."""
