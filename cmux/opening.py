"""`open`: from a name to a multiplexer."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import handover
from .capture import Capture
from .errors import ConfigError
from .line import Line, SerialLike, open_line
from .mux import Mux, check_dlci
from .protocol.at_cmux import Manner
from .protocol.config import Config, KeepAlive, Option, PriorityOrder, Wakeup
from .protocol.profiles import PROFILES, Profile
from .protocol.startup import OTHER_RATES
from .reattaching import stable_name

Startup = Literal["at", "none"]

_NETWORK = ("socket://", "rfc2217://")
_NETWORK_TIMES = {"t1": 1.0, "t2": 2.0}  # a way of half a second there and back is not unheard of
_WORDS = {"option": Option, "keep_alive": KeepAlive, "wakeup": Wakeup, "priority_order": PriorityOrder}
_SERIAL_SETTINGS = {"bytesize", "parity", "stopbits", "xonxoff", "rtscts", "dsrdtr"}


def open(
    port: str | os.PathLike[str] | SerialLike,
    *,
    baudrate: int = 115200,
    startup: Startup = "at",
    profile: str | Profile = "generic",
    option: Option | str | None = None,
    n1: int | None = None,
    line_rate: int | None = None,
    capture: str | os.PathLike[str] | None = None,
    capture_payload: bool = True,
    channels: Iterable[int | str] = (),
    drain_timeout: float = 0.5,
    other_rates: Sequence[int] = OTHER_RATES,
    reattach: bool = False,
    **settings: Any,
) -> Mux:
    """Open a line, bring the module into multiplexer mode whatever state it is in, and open DLCI 0.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``; it belongs to the Mux
            from now on, also when this fails.
        baudrate: of the line, bits per second.
        startup: ``"at"`` says AT+CMUX first, ``"none"`` finds the module in multiplexer mode.
        profile: what is known about the module, see `cmux.protocol.profiles`.
        option: the framing: ``"basic"`` or ``"advanced"``; by default that of the profile, which is basic mostly.
        n1: longest information field to send, in octets; told to the module when given.
        line_rate: bits per second to which writing is paced, so that a keystroke does not queue behind a file; 0: not
            at all; by default `baudrate` on a real serial port.
        capture: a pcapng file to write the frames to.
        capture_payload: False keeps the octets of user DLCs out of it.
        channels: DLCIs, or names of the profile, to open at once.
        drain_timeout: seconds that closing leaves for what is still queued.
        other_rates: baud rates at which a module is looked for that does not answer at `baudrate`.
        reattach: after the line has died open it anew, with the same channels, as soon as that is possible: tried after
            0.5 s, then at intervals that grow to 30 s. Calls raise in the meantime. A device that comes back under
            another number is found through ``/dev/serial/by-id``. Not for open objects.
        settings: more fields of `Config` (``t1``, ``t2``, ``n2``, …; 0.3 s, 0.6 s and 5 by default; over a network T1
            and T2 are 1 s and 2 s; what is an enumeration there may be its word here: ``keep_alive="test"``), and more
            settings of pyserial (``rtscts``, …).

    Returns:
        The multiplexer.

    Raises:
        PortNotFound: there is no such port.
        PortBusy: somebody has it.
        ModuleSilent: the module does not answer AT.
        CmuxRefused: it answers AT+CMUX with an error.
        NoMultiplexer: it does not answer SABM.
        InvalidDlci: one of `channels` cannot carry data.
        DlcError: one of `channels` was refused.
        ConfigError: a parameter is out of range, or there is no such profile.
    """
    plan = make_plan(port, baudrate, profile, option, n1, channels, other_rates, settings, reattach=reattach)
    line = plan.open_line()
    try:
        recorder = None if capture is None else Capture(capture, plan.config, payload=capture_payload)
    except BaseException:
        line.close()
        raise
    config, first, adopted = plan.config, b"", False

    def reopen() -> tuple[Line, Callable[[Line], bytes]]:
        def enter(line: Line) -> bytes:
            return handover.enter(line, plan.manner, plan.other_rates).unread if startup == "at" else b""

        return plan.open_line(again=True), enter

    entered = None
    try:
        if startup == "at":
            entered = handover.enter(line, plan.manner, plan.other_rates)
            first, adopted, config = entered.unread, entered.adopted, entered.config
        mux = Mux(
            line,
            config,
            leave_by_at=startup == "at" and not adopted,
            line_rate=line.rate if line_rate is None else line_rate or None,
            capture=recorder,
            drain_timeout=drain_timeout,
            names=plan.profile.channels,
            reopen=reopen if reattach else None,
        )
    except BaseException:
        if entered is not None:  # interrupted in between: nobody else takes the module back to AT mode
            handover.leave(line, config.option, close_down=True)
        line.close()
        if recorder is not None:
            recorder.close()
        raise
    try:
        mux.start(first)
        for dlci in plan.channels:
            mux.channel(dlci)
    except BaseException:
        mux.close()
        raise
    return mux


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


def manner_of(profile: Profile, config: Config, n1_given: bool, baudrate: int) -> Manner:
    """Return how AT+CMUX is said to a module."""
    full, asks = profile.at_cmux == "full", profile.at_cmux == "asked"
    return Manner(config=config, n1_given=n1_given, baudrate=baudrate, full=full, asks=asks)


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
