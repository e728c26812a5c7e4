"""The plan that follows from the arguments of `open`, for either shell."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from . import capture as captures
from .errors import ConfigError, InvalidDlci
from .line.base import Line, SerialLike
from .line.physical import open_line
from .line.port_errors import check_name
from .line.port_flow import PortFlow
from .logs import port_logger
from .protocol.at_cmux import CmuxCommand
from .protocol.at_ipr import rates_in
from .protocol.config import Config, Option
from .protocol.hand_over import Entered
from .protocol.profiles import Profile
from .protocol.start_options import StartOptions
from .reconnector import stable_name
from .resetting import Resetter
from .settings import (
    LineSettings,
    OpeningSettings,
    SerialSettings,
    SessionSettings,
    find_profile,
    session_config,
    told_apart,
)

if TYPE_CHECKING:
    from .capture import Capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan that follows from the arguments of `open`."""

    port: str | os.PathLike[str] | SerialLike
    """The port as it was given."""
    stable: str | None
    """Another name of the port, by which it is found when it comes back under another number."""
    baudrate: int
    """Bits per second."""
    serial: SerialSettings
    """Further settings of pyserial."""
    flow: PortFlow
    """The flow control that was set on the port before."""
    by_at: bool
    """The module needs AT+CMUX first."""
    profile: Profile
    """What is known about the module."""
    config: Config
    """The parameters of the session."""
    command: CmuxCommand
    """How AT+CMUX is sent."""
    other_rates: list[int]
    """Other baud rates to try when the module does not answer."""
    options: tuple[Option, ...]
    """The framing options that a peer may ask for, if this is the other end."""
    channels: list[int]
    """DLCIs to open at once."""
    line_rate: int | None
    """Bits per second to which writing is paced; 0: no pacing; None: the rate of the line, if it has one."""
    drain_timeout: float
    """Seconds that closing waits for what is still queued."""
    reattach: bool
    """A line that died is opened again."""
    resetter: Resetter
    """Resets a module that does not answer, attempt after attempt."""
    capture: str | os.PathLike[str] | None
    """The file for the frames; None: no capture."""
    capture_payload: bool
    """Whether the capture contains the octets of user DLCs."""

    def open_line(self, *, again: bool = False, told: bool = False) -> Line:
        """Open the line, and log what the user should know of its port.

        Args:
            again: the line was lost, and may have another number now.
            told: the caller tells that itself, by `flow`.

        Raises:
            PortError: it cannot be opened.
        """
        found = again and self.stable is not None and os.path.exists(self.stable)
        port = self.stable if found and self.stable else self.port
        line = open_line(port, self.baudrate, self.flow, **self.serial)
        for remark in () if told else self.flow.news():
            port_logger(line.name).warning("%s", remark)
        return line

    def again(self, entered: Entered | None) -> CmuxCommand:
        """Return how AT+CMUX is sent when the line is opened again: what was found out before is not asked again.

        Args:
            entered: how the module came into multiplexer mode before. If it was in it already, nothing was asked.
        """
        if entered is None or entered.adopted:
            return self.command
        moved = entered.way is not None and entered.way.by_command
        return self.command.again("" if moved else entered.form, entered.config)

    def open_capture(self) -> Capture | None:
        """Start the capture, if there is to be one.

        Raises:
            OSError: the file cannot be written.
        """
        if self.capture is None:
            return None
        return captures.Capture(self.capture, self.config, payload=self.capture_payload)  # loaded now

    def pace(self, rate: int | None) -> int | None:
        """Return the bits per second to which writing is paced, given the rate of the line; None: no pacing."""
        return rate if self.line_rate is None else self.line_rate or None


def make_plan(port: str | os.PathLike[str] | SerialLike, settings: LineSettings, function: str = "open") -> Plan:
    """Check the arguments of `open` or `serve` before anything is opened, and work out the plan.

    Args:
        port: what to open.
        settings: how.
        function: the name of the function that was called with them.

    Raises:
        ConfigError: a setting is not allowed.
        InvalidDlci: one of ``channels`` cannot carry data.
        TypeError: a setting is unknown.
    """
    opening, start, serial, session = told_apart(settings, function)
    profile, baudrate = find_profile(opening["profile"]), opening["baudrate"]
    config = session_config(profile, session, port, reattach=opening["reattach"] and function != "serve")
    names = profile.channels
    options = profile.start_options(**start)
    rates = dict.fromkeys((*filter(None, (options.mux_baudrate,)), *rates_in(options.init), *opening["other_rates"]))
    return Plan(
        port=port,
        stable=_stable_name(port) if opening["reattach"] else None,
        baudrate=baudrate,
        serial=serial,
        flow=PortFlow(),
        by_at=opening["startup"] == "at",
        profile=profile,
        config=config,
        command=cmux_command(profile, config, session, baudrate, options),
        other_rates=[rate for rate in rates if rate != baudrate],
        options=(config.option,) if "option" in session else tuple(Option),
        channels=[
            check_dlci(names.get(dlci, dlci) if isinstance(dlci, str) else dlci, config, "channels", names)
            for dlci in opening["channels"]
        ],
        line_rate=opening.get("line_rate"),
        drain_timeout=opening["drain_timeout"],
        reattach=opening["reattach"],
        resetter=_resetter(port, opening),
        capture=opening.get("capture"),
        capture_payload=opening["capture_payload"],
    )


def _stable_name(port: str | os.PathLike[str] | SerialLike) -> str | None:
    if not isinstance(port, (str, os.PathLike)):
        raise ConfigError("an open object cannot be opened again: give a path or a URL, or leave reattach out")
    name = os.fspath(port)
    check_name(name)
    return stable_name(name)


def _resetter(port: str | os.PathLike[str] | SerialLike, opening: OpeningSettings) -> Resetter:
    command = cast(tuple[str, ...], opening.get("reset_command", ()))
    if isinstance(port, (str, os.PathLike)):
        return Resetter(os.fspath(port), command)
    if command:
        raise ConfigError("an open object cannot be opened again: give a path or a URL, or leave reset_command out")
    return Resetter(str(getattr(port, "name", "")))


def cmux_command(
    profile: Profile, config: Config, session: SessionSettings, baudrate: int, start: StartOptions
) -> CmuxCommand:
    """Return how AT+CMUX is sent to a module.

    Args:
        profile: what is known about the module.
        config: the parameters of the session.
        session: those of them that the user gave.
        baudrate: bits per second of the line.
        start: what else is sent, and when.
    """
    n1_known = "n1" in session or ("n1" in profile.settings and config.n1 == profile.config().n1)
    asks = profile.at_cmux == "asked" and start.ask and not start.start_command
    return CmuxCommand(
        config=config,
        n1_given="n1" in session,
        baudrate=baudrate,
        full=profile.at_cmux == "full",
        timers=profile.at_cmux == "long",
        asks=asks,
        asks_n1=start.ask and not asks and not n1_known and not start.start_command,
        port_speeds=profile.port_speeds,
        start=start,
    )


def check_dlci(dlci: object, config: Config, setting: str = "", names: Collection[str] | None = None) -> int:
    """Return a DLCI if it can carry data in a session.

    Args:
        dlci: what was given.
        config: the parameters of the session.
        setting: the setting that it was given in, if it was.
        names: the names that the profile has for channels; None: a name cannot be given here.

    Raises:
        InvalidDlci: it cannot carry data.
    """
    if not config.carries_data(dlci):
        raise InvalidDlci(dlci, setting, names)
    return cast(int, dlci)
