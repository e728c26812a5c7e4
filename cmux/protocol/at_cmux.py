"""AT+CMUX: how the command is written, and how the answers to AT+CMUX=? and AT+CMUX? are read (27.007 §5.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from .config import Config, Option
from .start_options import StartOptions
from .wire import FrameType

FIELDS: Final = ("mode", "subset", "port_speed", "N1", "T1", "N2", "T2", "T3", "k")
"""The parameters of AT+CMUX, in order."""

USUAL_TIMERS: Final = (10, 3, 30, 10, 2)
"""T1, N2, T2, T3 and k as 27.007 has them: hosts send these to LTE modules, whatever their own are."""

MODES: Final = {Option.BASIC: 0, Option.ADVANCED: 1}
"""The values of the first parameter."""

PORT_SPEEDS: Final = {9600: 1, 19200: 2, 38400: 3, 57600: 4, 115200: 5, 230400: 6}
"""The codes of baud rates in 27.007."""
MAKERS_SPEEDS: Final = {460800: 7, 921600: 8}
"""The codes of several makers for others."""

SUBSETS: Final = {FrameType.UIH: 0, FrameType.UI: 1}
_MODE, _SPEED, N1 = 0, 2, 3  # indices in FIELDS
_MAX_DIGITS = 9

_ANSWER = re.compile(rb"(?:^|[\r\n])\+CMUX: *([^\r\n]*)")
_TOLD = re.compile(r" *AT\+CMUX *= *\d*, *\d*, *(\d+)", re.IGNORECASE)
_BETWEEN = re.compile(rb",(?![^(]*\))")  # no commas inside parentheses
_RANGE = re.compile(rb" *(\d{1,%d})(?: *- *(\d{1,%d}))? *\Z" % (_MAX_DIGITS, _MAX_DIGITS))


@dataclass(frozen=True, slots=True)
class Allowed:
    """The values that AT+CMUX=? lists."""

    ranges: tuple[tuple[tuple[int, int], ...], ...]
    """For each parameter, the lowest and highest value of each of its ranges; empty where the module lists nothing."""

    def blank(self, index: int) -> bool:
        """Tell whether a parameter is listed as blank, as some modules do for parameters that they do not use."""
        return index < len(self.ranges) and not self.ranges[index]

    def allows(self, index: int, value: int) -> bool:
        """Tell whether a parameter may have a value; a parameter that is not listed may have any."""
        ranges = self.ranges[index] if index < len(self.ranges) else ()
        return not ranges or any(low <= value <= high for low, high in ranges)

    def nearest(self, index: int, value: int) -> int:
        """Return the allowed value that is nearest to `value`."""
        if self.allows(index, value):
            return value
        return min((edge for span in self.ranges[index] for edge in span), key=lambda edge: abs(edge - value))

    def shown(self, index: int) -> str:
        """Return the allowed values of a parameter as text for messages."""
        return ", ".join(f"{low}-{high}" if low < high else f"{low}" for low, high in self.ranges[index])

    @property
    def options(self) -> tuple[Option, ...]:
        """The framing options that the module supports."""
        return tuple(option for option, mode in MODES.items() if self.allows(_MODE, mode))


def parse_allowed(text: bytes) -> Allowed | None:
    """Read the answer to AT+CMUX=?.

    Args:
        text: everything that was received; no content raises.

    Returns:
        What the answer lists, or None when it lists nothing.
    """
    found = _ANSWER.search(text)
    if found is None:
        return None
    fields = []
    for listed in _BETWEEN.split(found[1], len(FIELDS)):
        spans = [_RANGE.match(part) for part in listed.strip(b" ()").split(b",")]
        pairs = [(int(span[1]), int(span[2] or span[1])) for span in spans if span]
        fields.append(tuple((min(pair), max(pair)) for pair in pairs))
    return Allowed(tuple(fields[: len(FIELDS)])) if any(fields) else None


def parse_current(text: bytes) -> dict[str, int]:
    """Read the answer to AT+CMUX?.

    Args:
        text: everything that was received; no content raises.

    Returns:
        The parameters in the answer, by their names in `FIELDS`; empty when there are none.
    """
    found = _ANSWER.search(text)
    if found is None:
        return {}
    values: dict[str, int] = {}
    for name, part in zip(FIELDS, found[1].split(b","), strict=False):
        digits = part.strip(b" ()")
        if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS:
            values[name] = int(digits)
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class CmuxCommand:
    """How AT+CMUX is sent to a module."""

    config: Config
    """The parameters of the session."""
    n1_given: bool = False
    """The user asked for this N1, so the command has to contain it."""
    baudrate: int | None = None
    """The rate of the line, for the port speed parameter; None where the line has no rate."""
    full: bool = False
    """Send all required parameters at once, for modules that refuse the short form."""
    timers: bool = False
    """Send all nine parameters, the last five as 27.007 has them."""
    asks: bool = False
    """Send AT+CMUX=? and AT+CMUX? first, and use the module's own N1 and ranges."""
    asks_n1: bool = False
    """Send AT+CMUX? first, and use the module's own N1."""
    port_speeds: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Codes of baud rates that the profile has; they go before the usual ones and before what AT+CMUX=? lists."""
    start: StartOptions = field(default_factory=StartOptions)
    """What else is sent, and when."""
    known: str = ""
    """The form that the same module has accepted before."""

    @property
    def new_rate(self) -> int | None:
        """The rate of multiplexer mode, if it is another than that of AT mode."""
        return None if self.start.mux_baudrate == self.baudrate else self.start.mux_baudrate

    @property
    def speed(self) -> int | None:
        """The code of the rate of multiplexer mode; None if it has none."""
        return {**PORT_SPEEDS, **MAKERS_SPEEDS, **self.port_speeds}.get(self._mux_rate)

    @property
    def _mux_rate(self) -> int:
        return self.new_rate or self.baudrate or 0

    def told_rate(self, form: str) -> int | None:
        """Return the baud rate that a form tells the module; None if it tells none."""
        told = _TOLD.match(form)
        rates = {code: rate for rate, code in (*PORT_SPEEDS.items(), *MAKERS_SPEEDS.items(), *self.port_speeds.items())}
        return rates.get(int(told[1])) if told else None

    def again(self, form: str, config: Config) -> CmuxCommand:
        """Return how AT+CMUX is sent to the same module another time.

        Args:
            form: the form that it has accepted; empty if there is none.
            config: the parameters of the session that followed.
        """
        return replace(self, config=config, known=form, asks=self.asks and not form, asks_n1=False)

    def forms(self) -> tuple[str, ...]:
        """Return the forms to try, in order: the shortest first, which nearly every module accepts."""
        if self.start.start_command:
            return (self.start.start_command,)
        mode, subset = MODES[self.config.option], SUBSETS[self.config.frame_type]
        long = self._form((mode, subset, self.speed, self.config.n1))
        short = self._form((mode, subset or None))
        usual: tuple[str, ...] = (short, long)
        if self.timers:
            usual = (self._form((mode, subset, self.speed, self.config.n1, *USUAL_TIMERS)), long)
        elif self.n1_given or self.full or self.new_rate is not None:
            usual = (long,)
        elif self._mux_rate in self.port_speeds:
            usual = (long, short)
        fits = self.known and self.told_rate(self.known) in (None, self._mux_rate)
        return tuple(dict.fromkeys((self.known, *usual))) if fits else usual

    def asked_forms(self, allowed: Allowed, current: Mapping[str, int]) -> tuple[str, ...]:
        """Return the forms to try after the module has answered AT+CMUX=? and AT+CMUX?.

        The first has all parameters, with the module's own timers: the only form that an M95 is known to have accepted.
        A port speed or a timer that the module lists as blank stays blank; a port speed that was asked for, or that the
        profile has, is told all the same.

        Args:
            allowed: the answer to AT+CMUX=?.
            current: the answer to AT+CMUX?.
        """
        speed, wanted = self.speed, self.new_rate is not None or self._mux_rate in self.port_speeds
        if speed is not None and not wanted and (allowed.blank(_SPEED) or not allowed.allows(_SPEED, speed)):
            speed = None
        needed = (MODES[self.config.option], SUBSETS[self.config.frame_type], speed, self.config.n1)
        rest = tuple(
            None if allowed.blank(index) else current.get(name)
            for index, name in enumerate(FIELDS[len(needed) :], len(needed))
        )
        return tuple(dict.fromkeys((self._form(needed + rest), self._form(needed))))

    def with_n1(self, n1: int) -> CmuxCommand:
        """Return the same command with the module's own N1, unless the user asked for another."""
        if self.n1_given:
            return self
        return replace(self, config=replace(self.config, n1=n1, n1_receive=max(n1, self.config.n1_receive)))

    def _form(self, values: tuple[int | None, ...]) -> str:
        return "AT+CMUX=" + ",".join("" if value is None else str(value) for value in values).rstrip(",")
