"""The differences between modules, as data: each entry has its source, and a recorded exchange as its test.

Other modules work as well: ``profile=Profile(...)`` takes a profile that the caller makes. The entries here come from a
manual or from traffic seen on a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

from .checks import check_range, check_type, check_types
from .config import Config, Option
from .errors import ConfigError
from .start_options import START_RANGES, StartOptions, command_list

__all__ = ["PROFILES", "Profile"]

AtCmux = Literal["short", "full", "long", "asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of module.

    Raises:
        ConfigError: a field has another type, or one of `settings` is out of range; the message names it.
    """

    name: str
    """The name for ``profile=`` and ``--profile``."""
    title: str
    """The modules that it is for."""
    source: str
    """The manual, issue or log that it is based on."""
    at_cmux: AtCmux = "short"
    """How AT+CMUX is sent: ``AT+CMUX=0`` (short), with N1 (full), with the timers of 27.007, too (long), as AT+CMUX=?
    and AT+CMUX? were answered (asked)."""
    channels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Names of channels that the module has, with their DLCI."""
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Fields of `Config` and of `StartOptions` that differ from the host's defaults."""
    port_speeds: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """The codes that AT+CMUX has for baud rates, where they are not the usual ones."""

    def __post_init__(self) -> None:
        check_types(self)
        for name in self.settings:
            if name not in _FIELDS:
                raise ConfigError(f"settings has {name!r}, which is neither a field of Config nor of StartOptions")
        self.config()
        self.start_options()
        low, high = START_RANGES["mux_baudrate"]
        for rate, code in self.port_speeds.items():
            check_type("port_speeds", rate, int)
            check_range("port_speeds", rate, low, high)
            check_type("port_speeds", code, int)
            check_range("port_speeds", code, 0, 99)

    @property
    def option(self) -> Option:
        """The framing option."""
        return self.config().option

    def config(self, **more: object) -> Config:
        """Return the parameters for a session with such a module.

        Args:
            more: fields of `Config` that override those of the profile.

        Returns:
            The parameters.

        Raises:
            ConfigError: a parameter is out of range.
        """
        values: dict[str, Any] = {**self._settings(of_start=False), **more}
        return Config(**values)

    def start_options(self, **more: object) -> StartOptions:
        """Return how multiplexer mode is started on such a module.

        Args:
            more: fields of `StartOptions` that override those of the profile.

        Returns:
            The options.

        Raises:
            ConfigError: a value is not allowed.
        """
        values: dict[str, Any] = {**self._settings(of_start=True), **more}
        if "init" in values:
            values["init"] = command_list("init", values["init"])
        return StartOptions(**values)

    def _settings(self, *, of_start: bool) -> dict[str, object]:
        settings = {**HOST_DEFAULTS, **self.settings}
        return {name: value for name, value in settings.items() if (name in _START_FIELDS) == of_start}


_START_FIELDS = frozenset(one.name for one in fields(StartOptions))
_FIELDS = _START_FIELDS | {one.name for one in fields(Config)}

HOST_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {"t1": 0.3, "n2": 5, "settle": 0.5, "ask": True, "open_timeout": 30.0}
)
"""Real modules need more than the 0.1 s and 3 of 27.010 §5.7: a Quectel EC21 left SABM unanswered for 0.4 s. T2 is
derived from T1. A Telit ME910G1 is dead until its power is cut when a frame comes 0.3 s after OK. A module takes
5 to 20 s to boot."""

_AT_CHANNELS = MappingProxyType({"at": 1, "at2": 2, "at3": 3, "at4": 4})

_N1_OVERRUN = 64
"""How much longer than N1 the frames of a BG95 are (particle-iot/device-os)."""


def _lte(name: str, title: str, source: str, *, n1: int, t1: float) -> Profile:
    """A Quectel LTE module: what they have in common, and where they differ."""
    return Profile(
        name=name,
        title=title,
        source=source,
        at_cmux="long",
        # Channel 2 is where hosts dial; every one of them takes AT commands, and PPP.
        channels=MappingProxyType({"at": 1, "data": 2, "at3": 3, "at4": 4}),
        settings=MappingProxyType(
            {
                "option": Option.BASIC,
                "n1": n1,
                "n1_receive": n1 + _N1_OVERRUN,
                "t1": t1,
                "n2": 5,
                "settle": 0.3,
                "start_attempts": 3,
                "leave_pause": 1.0,
                # What comes unasked comes on channel 1 then, not on all; refused by firmware that does not know it.
                "init": ('AT+QCFG="cmux/urcport",1',),
            }
        ),
        port_speeds=MappingProxyType({460800: 7, 921600: 8}),  # a BG95 lists 1 to 7 and needs 8
    )


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                name="generic",
                title="any module",
                source="3GPP TS 27.010 §5.7; zephyrproject-rtos/zephyr#38652 (SABM needs patience); logs of a Cavli "
                "C16QS, a SIMCom SIM7070 and SIM7670G (espressif/esp-protocols#507, #181, #669), a SIM7080 "
                "(zephyrproject-rtos/zephyr#63812), and an unnamed module (gist diplfranzhoepfinger/8411a48)",
            ),
            Profile(
                name="m10",
                title="Quectel M10, M95, M66, MC60",
                source="Quectel M10 AT Commands Set V1.01, 3.2.44 and M66 AT Commands Manual V1.0, 3.7: basic option "
                "only, N1 127, T1 10, N2 3, T2 30, T3 10, k 2, listed by AT+CMUX? and AT+CMUX=?; channel n is DLCI n; "
                "log of an M95 (LKML 2019-07-17, n_gsm: possible recursive locking detected: all nine parameters are "
                "taken); log of an MC60 (espressif/esp-protocols#305)",
                at_cmux="asked",
                channels=_AT_CHANNELS,
                settings=MappingProxyType({"option": Option.BASIC, "n1": 127}),
            ),
            Profile(
                name="mdm6600",
                title="Motorola MDM6600 (Droid 4)",
                source="Linux commit ea3d8465ab9b: SABM on DLCI 0 is answered with DM, the other DLCs are served",
                settings=MappingProxyType({"adm": True}),
            ),
            Profile(
                name="sara-r4",
                title="u-blox SARA-R410M-02B and later, SARA-R412M, SARA-N4",
                source="SARA-R4 series AT commands manual UBX-17003787-R16, 3.1 (basic option only, N1 1500; what "
                "AT+CMUX=? lists as blank is left blank; DLCI 1 and 2 take AT commands, 3 is the GNSS receiver)",
                at_cmux="asked",
                channels=MappingProxyType({"at": 1, "at2": 2, "gnss": 3}),
                settings=MappingProxyType({"option": Option.BASIC, "n1": 1500}),
            ),
            Profile(
                name="sim800",
                title="SIMCom SIM800 series",
                source="SIM800 Series AT Command Manual V1.09, 3.2.38 (basic option only, N1 127; AT+CMUX=? lists the "
                "mode alone); SIM800 Series MUX Application Note V1.04, 4.6 (UA with a two-octet length); "
                "espressif/esp-protocols#140 (UA and MSC in one read)",
                channels=_AT_CHANNELS,
                settings=MappingProxyType({"option": Option.BASIC, "n1": 127}),
            ),
            _lte(
                "ec2x",
                "Quectel EC20, EC21, EC25, EG21-G, EG25-G",
                "zephyrproject-rtos/zephyr, modem_cellular.c (quectel,eg25-g: all nine parameters, "
                "AT+CMUX=0,0,5,127,10,3,30,10,2), #38652 (EC21: three times 100 ms are too short; older firmware has "
                "no multiplexer), #111336 (the code of the rate has to be right), #74656 (four AT channels)",
                n1=127,
                t1=1.0,
            ),
            _lte(
                "eg91",
                "Quectel EG91, EG95",
                "particle-iot/device-os (EG91-NAX: N1 1509, 921600 baud as 8, empty fields are taken, unasked results "
                'by AT+QCFG="cmux/urcport"), #2940 (an AT channel that dies alone)',
                n1=1509,
                t1=0.3,
            ),
            _lte(
                "bg9x",
                "Quectel BG95, BG96, BG77",
                "particle-iot/device-os (BG95-M5: N1 1509, frames up to 64 octets longer, 921600 baud needs 8 although "
                "AT+CMUX=? lists 1 to 7), zephyrproject-rtos/zephyr#63410 (BG95: SABM 0.1 s after OK is lost for good, "
                "0.3 s suit), espressif/esp-protocols#103 (log of a BG96), PR#34 (its pause behind OK), PR#115 and "
                "#167 (its pauses behind the end)",
                n1=1509,
                t1=1.0,
            ),
        )
    }
)
"""The profiles by name."""
