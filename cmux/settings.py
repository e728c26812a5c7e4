"""The settings of a line, defined once: each row of `LineSettings` is a setting, under the same name everywhere.

`cmux.open`, `cmux.aio.open`, `cmux.serve`, `cmux.aio.serve`, ``cmux:`` URLs, the tables of a TOML file and the command
line take these settings. The class of a row determines where its value goes. Values that are not text, an open port and
a `Profile`, can be given in Python only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from types import MappingProxyType, NoneType
from typing import Annotated, Final, Literal, TypedDict, cast, get_args, get_type_hints

from .kinds import (
    BAUDRATE,
    CAPTURE_FILE,
    CHANNELS,
    COMMAND,
    COMMANDS,
    ON_OFF,
    PACING,
    PROGRAM,
    RATES,
    YES_NO,
    Number,
    Words,
    seconds,
)
from .profile_files import ProfileName
from .protocol.config import RANGES, Config, KeepAlive, Option, PriorityOrder, Wakeup
from .protocol.profiles import PROFILES, Profile
from .protocol.start_options import START_RANGES, StartOptions
from .protocol.startup import OTHER_RATES
from .protocol.wire import FrameType
from .setting import CAPTURE, LINE, RARE, SESSION, START, Setting
from .spelling import did_you_mean

_NETWORK = ("socket://", "rfc2217://")
_NETWORK_TIMES = {"t1": 1.0, "t2": 2.0}  # a round trip of half a second is not unusual


_AS_IS: Final = "the port stays as it is"
_BYTE_SIZES: Final = Words({"5": 5, "6": 6, "7": 7, "8": 8})
_PARITIES: Final = Words({letter: letter for letter in "NEOMS"})
_STOP_BITS: Final = Words({"1": 1, "1.5": 1.5, "2": 2})
_STARTUPS: Final = Words({"at": "at", "none": "none"})
_FRAME_TYPES: Final = Words({"UIH": FrameType.UIH, "UI": FrameType.UI})


def _count(name: str) -> Number:
    return Number(*RANGES[name])


def _octets(name: str) -> Number:
    return Number(*RANGES[name], "octets")


def _time(name: str) -> Number:
    return seconds(*RANGES[name])


class OpeningSettings(TypedDict, total=False):
    """The settings of the opening itself."""

    baudrate: Annotated[int, Setting(LINE, BAUDRATE, "bits per second of the line", 115200)]
    line_rate: Annotated[
        int | None,
        Setting(
            LINE,
            PACING,
            "pace writing to N bits per second, so that a keystroke does not queue behind a file; 0: no pacing",
            otherwise="the baud rate on a real serial port, no pacing on others",
        ),
    ]
    startup: Annotated[
        Literal["at", "none"],
        Setting(START, _STARTUPS, "send AT+CMUX first (at), or expect a module that multiplexes (none)", "at"),
    ]
    profile: Annotated[
        str | os.PathLike[str] | Profile,
        Setting(
            START,
            ProfileName(lambda name, value: SETTINGS[name].checked(value)),
            "what is known about the module: a name, or a file of your own",
            "generic",
        ),
    ]
    other_rates: Annotated[
        Iterable[int],
        Setting(
            START,
            RATES,
            "baud rates to try when the module does not answer",
            OTHER_RATES,
        ),
    ]
    channels: Annotated[
        Iterable[int | str], Setting(LINE, CHANNELS, "DLCIs, or names of the profile, to open at once", (), "none")
    ]
    reattach: Annotated[bool, Setting(LINE, YES_NO, "open the line again when it has died, with its channels", False)]
    reset_command: Annotated[
        str | None,
        Setting(START, PROGRAM, "run COMMAND before every third attempt to open the line in a row", otherwise="none"),
    ]
    drain_timeout: Annotated[
        float, Setting(LINE, seconds(0, 86400), "let closing wait S seconds for what is still queued", 0.5)
    ]
    capture: Annotated[
        str | os.PathLike[str] | None,
        Setting(CAPTURE, CAPTURE_FILE, "write the frames to FILE: .pcapng, .jsonl or .log", otherwise="none"),
    ]
    capture_payload: Annotated[
        bool, Setting(CAPTURE, YES_NO, "include the data of the channels", True, no="--capture-no-payload")
    ]


class StartSettings(TypedDict, total=False):
    """Fields of `StartOptions`; without them those of the profile hold."""

    settle: Annotated[
        float,
        Setting(
            START,
            seconds(*START_RANGES["settle"]),
            "send nothing for S seconds between OK to AT+CMUX and the first frame",
        ),
    ]
    init: Annotated[
        str | Iterable[str],
        Setting(START, COMMANDS, "send COMMAND before AT+CMUX, and each further one given", otherwise="none"),
    ]
    start_command: Annotated[
        str | None, Setting(START, COMMAND, "send COMMAND instead of AT+CMUX", otherwise="AT+CMUX")
    ]
    mux_baudrate: Annotated[
        int | None,
        Setting(START, BAUDRATE, "bits per second after AT+CMUX, which tells the module", otherwise="the line's"),
    ]
    open_timeout: Annotated[
        float,
        Setting(
            START,
            seconds(*START_RANGES["open_timeout"]),
            "look for a silent module for S seconds: it may be booting",
        ),
    ]
    start_attempts: Annotated[
        int,
        Setting(
            START,
            Number(*START_RANGES["start_attempts"]),
            "begin again with AT when the module does not answer SABM, N attempts in all",
        ),
    ]
    leave_pause: Annotated[
        float,
        Setting(
            START,
            seconds(*START_RANGES["leave_pause"]),
            "send nothing for S seconds after multiplexer mode, before AT is asked",
        ),
    ]
    ask: Annotated[
        bool, Setting(START, YES_NO, "ask AT+CMUX? for the module's own N1, unless n1 or the profile tells one")
    ]


class SerialSettings(TypedDict, total=False):
    """Attributes of pyserial's port, for a line that is given as a path or URL."""

    rtscts: Annotated[bool | None, Setting(LINE, YES_NO, "hardware flow control with RTS and CTS", otherwise=_AS_IS)]
    dsrdtr: Annotated[bool | None, Setting(LINE, YES_NO, "hardware flow control with DSR and DTR", otherwise=_AS_IS)]
    bytesize: Annotated[Literal[5, 6, 7, 8], Setting(RARE, _BYTE_SIZES, "data bits; frames need 8", 8)]
    parity: Annotated[Literal["N", "E", "O", "M", "S"], Setting(RARE, _PARITIES, "none, even, odd, mark or space", "N")]
    stopbits: Annotated[float, Setting(RARE, _STOP_BITS, "stop bits", 1)]


class SessionSettings(TypedDict, total=False):
    """Fields of `Config`; None selects the value of the profile."""

    option: Annotated[
        Option | Literal["basic", "advanced"] | None,
        Setting(SESSION, Words.of(Option), "the framing", otherwise="the profile's, mostly basic"),
    ]
    n1: Annotated[
        int | None,
        Setting(
            SESSION,
            _octets("n1"),
            "longest information field to send, in octets; sent to the module if given",
            otherwise="the profile's, or 31; with the advanced option 64",
        ),
    ]
    n1_receive: Annotated[
        int,
        Setting(
            SESSION,
            _octets("n1_receive"),
            "longest information field to accept, in octets",
            otherwise="1600, or n1 if that is more",
        ),
    ]
    t1: Annotated[
        float,
        Setting(SESSION, _time("t1"), "repeat SABM and DISC after S seconds", otherwise="0.3; over a network 1"),
    ]
    t2: Annotated[
        float,
        Setting(SESSION, _time("t2"), "repeat a command on DLCI 0 after S seconds", otherwise="twice t1, at least 0.3"),
    ]
    t3: Annotated[float, Setting(SESSION, _time("t3"), "let a sleeping module take S seconds to wake up")]
    n2: Annotated[int, Setting(SESSION, _count("n2"), "repeat a frame or command at most N times")]
    keep_alive: Annotated[
        KeepAlive | Literal["none", "test", "msc", "auto"],
        Setting(
            SESSION,
            Words.of(KeepAlive),
            "how to ask a silent module whether it is still there",
            otherwise="none; with reattach auto",
        ),
    ]
    keep_alive_interval: Annotated[
        float, Setting(SESSION, _time("keep_alive_interval"), "ask it after S seconds of silence")
    ]
    wakeup: Annotated[
        Wakeup | Literal["handshake", "flags", "none"],
        Setting(SESSION, Words.of(Wakeup), "what to send before the first frame to a sleeping module"),
    ]
    sleeps_after: Annotated[
        float | None,
        Setting(
            SESSION,
            _time("sleeps_after"),
            "the module sleeps by itself after S seconds of silence, and loses what wakes it: send flags first",
            otherwise="it does not",
        ),
    ]
    wake_pause: Annotated[
        float, Setting(SESSION, _time("wake_pause"), "send the first frame S seconds after these flags")
    ]
    priority_order: Annotated[
        PriorityOrder | Literal["low-first", "high-first", "none"],
        Setting(RARE, Words.of(PriorityOrder), "which priority number of PN goes first"),
    ]
    frame_type: Annotated[
        FrameType | Literal["UIH", "UI"], Setting(RARE, _FRAME_TYPES, "frame type of data; the FCS of UI covers it")
    ]
    k: Annotated[int, Setting(RARE, _count("k"), "window of the error-recovery mode, announced in PN")]
    xonxoff: Annotated[
        bool,
        Setting(LINE, YES_NO, "XON and XOFF between frames belong to the line; with the advanced option only"),
    ]
    adm: Annotated[bool, Setting(RARE, YES_NO, "continue when the module refuses DLCI 0 but serves the others")]
    break_octet: Annotated[bool, Setting(RARE, YES_NO, "put a break octet into every MSC")]
    keep_open: Annotated[bool, Setting(RARE, YES_NO, "never close a channel before the session ends")]
    shared_flags: Annotated[bool, Setting(RARE, YES_NO, "send one flag between two frames")]
    reserved_dlcis: Annotated[bool, Setting(RARE, YES_NO, "let the module open DLCI 62 and 63 too")]
    rpn: Annotated[
        bool | Literal["on", "off"],
        Setting(SESSION, ON_OFF, "tell the module the baud rate and the format that a program sets on a channel"),
    ]
    strict_final: Annotated[bool, Setting(RARE, YES_NO, "discard UA with F = 0, as the specification asks")]
    frame_gap: Annotated[
        float, Setting(RARE, _time("frame_gap"), "give up a partial frame that has not grown for S seconds")
    ]
    queue_high: Annotated[
        int,
        Setting(
            RARE,
            _octets("queue_high"),
            "octets that a channel takes before writing waits",
            otherwise="16384, or n1 if that is more",
        ),
    ]
    queue_low: Annotated[
        int,
        Setting(RARE, _octets("queue_low"), "octets left when writing resumes", otherwise="a quarter of queue_high"),
    ]


class LineSettings(OpeningSettings, StartSettings, SerialSettings, SessionSettings, total=False):
    """Every setting, by its keyword."""


def _table(rows: type[object], defaults: Mapping[str, object]) -> dict[str, Setting]:
    table = {}
    for name, hint in get_type_hints(rows, include_extras=True).items():
        kind, setting = get_args(hint)
        default = defaults.get(name, setting.default)
        table[name] = replace(setting, name=name, default=default, optional=NoneType in get_args(kind))
    return table


_CONFIG = PROFILES["generic"].config()
_STARTS = PROFILES["generic"].start_options()
_START: Final = _table(StartSettings, {one.name: getattr(_STARTS, one.name) for one in fields(StartOptions)})
_OPENING: Final = _table(OpeningSettings, {})
_SERIAL: Final = _table(SerialSettings, {})
_SESSION: Final = _table(SessionSettings, {field.name: getattr(_CONFIG, field.name) for field in fields(Config)})

TABLES: Final = (_OPENING, _START, _SERIAL, _SESSION)
"""The rows, sorted by where their values go."""

_ALL: Final = {name: row for table in TABLES for name, row in table.items()}

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(_ALL)
"""The settings by name."""

DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(
    {name: setting.default for name, setting in _OPENING.items() if setting.default is not None}
)
"""The defaults of an opening."""


def find_profile(profile: str | os.PathLike[str] | Profile) -> Profile:
    """Return a profile by its name.

    Args:
        profile: a name, the path of a TOML file, or a profile that the caller has made.

    Returns:
        The profile.

    Raises:
        ConfigError: there is no profile of that name, or the file is none.
    """
    return cast(Profile, SETTINGS["profile"].checked(profile))


def told_apart(
    settings: LineSettings, function: str = "open"
) -> tuple[OpeningSettings, StartSettings, SerialSettings, SessionSettings]:
    """Check settings, and sort them by where they go.

    Args:
        settings: settings for `cmux.open`.
        function: the name of the function that was called with them, for the message.

    Returns:
        The settings of the opening, complete; fields of `StartOptions`; attributes of pyserial's port; fields of
        `Config`. Words are replaced by
        what they mean, and None is left out.

    Raises:
        TypeError: a setting is unknown.
        ConfigError: a setting is not allowed.
    """
    for name in settings:
        if name not in SETTINGS:
            raise TypeError(f"{function}() got an unknown setting {name!r}{did_you_mean(name, SETTINGS)}")
    checked = {name: SETTINGS[name].checked(value) for name, value in settings.items()}
    given = {name: value for name, value in checked.items() if value is not None}
    parts = ({name: given[name] for name in table if name in given} for table in TABLES)
    opening, start, serial, session = parts
    return (
        cast(OpeningSettings, {**DEFAULTS, **opening}),
        cast(StartSettings, start),
        cast(SerialSettings, serial),
        cast(SessionSettings, session),
    )


def asks_unasked(told: Mapping[str, object]) -> bool:
    """Tell whether a module is asked by default if it is still there, where its line can be opened again.

    Args:
        told: what the user and the profile say of the session.

    Returns:
        False where they say how it is asked, or that it falls asleep by itself: then its silence means nothing.
    """
    return "keep_alive" not in told and not told.get("sleeps_after")


def session_config(profile: Profile, session: SessionSettings, port: object, *, reattach: bool = False) -> Config:
    """Return the parameters of a session.

    Args:
        profile: what is known about the module.
        session: fields of `Config`, checked.
        port: the port to open; a line over a network gets time-outs that suit it.
        reattach: the line is opened again when the module has died, so that has to be noticed.

    Returns:
        The parameters.

    Raises:
        ConfigError: the parameters contradict each other.
    """
    more: dict[str, object] = {}
    if isinstance(port, str) and port.lower().startswith(_NETWORK) and "t1" not in session:
        more.update(_NETWORK_TIMES)
    if session.get("option", profile.option) is not profile.option:
        more["n1"] = 0  # the profile's N1 is for its own option
    if reattach and asks_unasked({**profile.settings, **session}):
        more["keep_alive"] = KeepAlive.AUTO
    return profile.config(**{**more, **session})
