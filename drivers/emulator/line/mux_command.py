"""AT+CMUX of the emulated module: its parameters, their ranges, and the session that they ask for (27.007 §5.7)."""

from __future__ import annotations

from dataclasses import dataclass

from cmux.protocol.config import Config, Option

from ..interpreter.commandline import Command
from ..interpreter.replies import ERROR, NOT_ALLOWED, NOT_SUPPORTED, Reply, cme
from ..models import M10_CMUX, CmuxForm
from .tap import Tap

_OPTIONS = (Option.BASIC, Option.ADVANCED)  # by the number of the mode in AT+CMUX

_PORT_SPEED = 2  # its place in AT+CMUX
_SPEEDS = {1: 9600, 2: 19200, 3: 38400, 4: 57600, 5: 115200, 6: 230400, 7: 460800, 8: 921600}
"""Bits per second of <port_speed>; 7 and 8 are those of LTE modules."""

#: Names, ranges and defaults of what follows the mode in AT+CMUX (27.007 5.7), in their units; a model has its own
#: greatest port speed, and its own N1.
_FIELDS = (
    ("subset", 0, 0, 0),
    ("port speed", 1, 5, 5),
    ("N1", 10, 128, 127),
    ("T1", 1, 255, 10),
    ("N2", 0, 100, 3),
    ("T2", 2, 255, 30),
    ("T3", 1, 255, 10),
    ("k", 1, 7, 2),
)


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Specifies how the module behaves on its line.

    Args:
        at_first: whether it begins in AT mode.
        options: the framings that AT+CMUX may ask for.
        n1: longest information field that it sends when AT+CMUX does not say.
        loopback: DLCIs that send back what they get.
        form: of AT+CMUX.
        overrun: octets by which information fields may be longer than N1.
        tap: captures multiplexer mode.
    """

    at_first: bool
    options: tuple[Option, ...]
    n1: int
    loopback: frozenset[int]
    form: CmuxForm = M10_CMUX
    overrun: int = 0
    tap: Tap | None = None

    @property
    def modes(self) -> list[int]:
        """The numbers of the options."""
        return [_OPTIONS.index(option) for option in self.options]


class MuxCommand:
    """Reads and shows the parameters of AT+CMUX.

    Args:
        settings: the framings and the N1 of the module.
    """

    def __init__(self, settings: LineSettings) -> None:
        self._settings = settings
        self._values: tuple[int, ...] = ()  # the mode and what follows it, of the latest session

    def ranges(self) -> str:
        """Return the answer to AT+CMUX=?."""
        modes = self._settings.modes
        shown = f"({modes[0]}-{modes[-1]})" if len(modes) > 1 else f"({modes[0]})"
        fields = [f"({low}-{high})" if low != high else f"({low})" for _, low, high, _ in self._fields()]
        return f"+CMUX: {','.join([shown, *fields])}"

    def state(self, *, running: bool) -> str:
        """Return the answer to AT+CMUX?.

        Args:
            running: whether multiplexer mode is on.
        """
        form = self._settings.form
        values = self._values if running and self._values else (form.idle_mode, *self._defaults())
        return f"+CMUX:{form.blank}{','.join(map(str, values))}"

    @staticmethod
    def rate(command: Command) -> int | None:
        """Return the rate that AT+CMUX= names in its port speed, in bits per second; None where it names none."""
        arguments = command.arguments
        speed = arguments[_PORT_SPEED].number(1, max(_SPEEDS)) if len(arguments) > _PORT_SPEED else None
        return None if speed is None else _SPEEDS[speed]

    def _refused(self, code: int) -> Reply:
        return cme(code) if self._settings.form.coded_errors else ERROR

    def read(self, command: Command) -> Config | Reply:
        """Return the session that AT+CMUX= asks for, or the error that is the answer."""
        arguments = command.arguments
        mode = arguments[0].number(0, len(_OPTIONS) - 1)
        if mode is None or mode not in self._settings.modes:
            return self._refused(NOT_SUPPORTED)
        values = self._defaults()
        if len(arguments) > 1 + len(_FIELDS):
            return self._refused(NOT_ALLOWED)
        for index, argument in enumerate(arguments[1:]):
            _, low, high, _ = self._fields()[index]
            number = argument.number(low, high)
            if number is None and argument.text:
                return self._refused(NOT_ALLOWED)
            values[index] = values[index] if number is None else number
        _, _, n1, t1, n2, t2, t3, k = values
        if t2 <= t1 < 255:
            return self._refused(NOT_ALLOWED)
        self._values = (mode, *values)
        n1 += self._settings.overrun
        return Config(option=_OPTIONS[mode], n1=n1, t1=t1 / 100, n2=n2, t2=t2 / 100, t3=float(t3), k=k)

    def _fields(self) -> list[tuple[str, int, int, int]]:
        """Return the ranges of AT+CMUX with the N1 and the port speeds of this module."""
        n1, form = self._settings.n1, self._settings.form
        own = {
            "N1": (min(form.least_n1, n1), max(form.most_n1, n1), n1),
            "port speed": (1, form.fastest, 5),
        }
        return [(name, *own.get(name, (low, high, default))) for name, low, high, default in _FIELDS]

    def _defaults(self) -> list[int]:
        return [default for _, _, _, default in self._fields()]
