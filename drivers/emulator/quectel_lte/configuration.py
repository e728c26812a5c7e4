"""AT+QICFG: what each model has of it, and what has been set; settings of the whole module."""

from __future__ import annotations

from dataclasses import dataclass

from ..network.probing import Probing

KEEP_ALIVE = "tcp/keepalive"
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Setting:
    """Describes one setting.

    Args:
        ranges: the least and the greatest of each of its numbers.
        default: what they are at power-up.
        least: how many numbers must be given at least; those left out stay as they are.
    """

    ranges: tuple[Range, ...]
    default: tuple[int, ...]
    least: int

    def shown(self) -> str:
        """Return the ranges as the test form shows them."""
        return ",".join(f"({low},{high})" if high == low + 1 else f"({low}-{high})" for low, high in self.ranges)


def _one(low: int, high: int, default: int) -> Setting:
    return Setting(((low, high),), (default,), 1)


_FLAG_OFF = _one(0, 1, 0)
_FLAG_ON = _one(0, 1, 1)

_BG96: dict[str, Setting] = {
    "transpktsize": _one(1, 1460, 1024),
    "transwaittm": _one(0, 20, 2),
    "dataformat": Setting(((0, 1), (0, 1)), (0, 0), 2),
    "viewmode": _FLAG_OFF,
    "tcp/retranscfg": Setting(((3, 20), (5, 1000)), (8, 600), 2),
}
_EC25: dict[str, Setting] = {
    **_BG96,
    "qisend/timeout": _one(0, 3600, 0),
    "passiveclosed": _FLAG_ON,
    "recvind": _FLAG_OFF,
    "tcp/accept": _FLAG_ON,
    # Minutes until an idle connection is probed, seconds between probes, how many of them.
    KEEP_ALIVE: Setting(((0, 1), (1, 120), (25, 100), (3, 10)), (0, 120, 75, 9), 1),
    "udp/readmode": _FLAG_OFF,
    "udp/sendmode": _FLAG_OFF,
    "dns/cache": _FLAG_ON,
    "recv/buffersize": _one(10240, 524288, 10240),
    "window/scale": _FLAG_ON,
}

SETTINGS: dict[str, dict[str, Setting]] = {"bg96": _BG96, "ec25": _EC25, "eg91": _EC25}
"""The settings that a model has, by their names; the order is that of the test form."""


class Configuration:
    """Holds the settings of one module.

    Args:
        model: a row of `SETTINGS`.
    """

    def __init__(self, model: str) -> None:
        self.settings: dict[str, Setting] = SETTINGS[model]
        self._values: dict[str, tuple[int, ...]] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._values}>"

    def values(self, name: str) -> tuple[int, ...]:
        """Return the numbers of a setting; of one that the model does not have, those of models that have it."""
        return self._values.get(name) or _EC25[name].default

    def number(self, name: str, index: int = 0) -> int:
        """Return one number of a setting."""
        return self.values(name)[index]

    def change(self, name: str, numbers: list[int | None]) -> bool:
        """Set the first numbers of a setting.

        Args:
            name: the setting.
            numbers: what was given, in the ranges; None stands for a number that is in none.

        Returns:
            False, with nothing changed, where the model has no such setting, or the numbers are not those of it.
        """
        setting = self.settings.get(name)
        if setting is None or None in numbers or not setting.least <= len(numbers) <= len(setting.ranges):
            return False
        given = tuple(number for number in numbers if number is not None)
        self._values[name] = given + self.values(name)[len(given) :]
        return True

    def reset(self) -> None:
        """Forget what has been set, as at power-up: AT+QICFG is not saved."""
        self._values.clear()

    @property
    def keeps_rest(self) -> bool:
        """Whether the rest of a datagram that is longer than what AT+QIRD asks for comes next, and is not lost."""
        return "udp/readmode" not in self.settings or bool(self.number("udp/readmode"))

    @property
    def keepalive(self) -> Probing | None:
        """When an idle TCP connection is probed; None for no probes."""
        wanted, minutes, interval, count = self.values(KEEP_ALIVE)
        return Probing(minutes * 60, interval, count) if wanted else None
