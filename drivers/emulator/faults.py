"""What can go wrong with a line and a network, as one specification, and what injures octets on their way."""

from __future__ import annotations

import dataclasses
import enum
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

R = TypeVar("R")


class Moment(enum.Enum):
    """What can be made to happen at a moment, or every so many seconds."""

    RESET = "reset"
    PDP_DEACT = "pdp_deact"
    REMOTE_RESET = "remote_reset"
    REGISTRATION_LOST = "registration_lost"
    REGISTERED = "registered"
    SILENCE = "silence"
    SOUND = "sound"
    ACTIVATION_REFUSED = "activation_refused"
    ACTIVATION_GRANTED = "activation_granted"
    SIM_MISSING = "sim_missing"
    SIM_PIN = "sim_pin"
    SIM_READY = "sim_ready"


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong.

    Args:
        ber: bit error rate, 0 to 1, in both directions.
        drop: rate of lost octets, 0 to 1, in both directions.
        chunk: least and greatest number of octets that arrive together, in both directions; None for as they come.
        latency: seconds that every octet takes, in both directions.
        urc_storm: unsolicited lines a second on every UART.
        sim: how the SIM is at first: ``ready``, ``pin`` or ``missing``.
        registration: whether the module is registered at first.
        activation: whether activations are granted at first.
        silent: whether the network is silent at first.
        moments: what happens again and again, and the least and the greatest number of seconds between.
    """

    ber: float = 0.0
    drop: float = 0.0
    chunk: tuple[int, int] | None = None
    latency: float = 0.0
    urc_storm: float = 0.0
    sim: str = "ready"
    registration: bool = True
    activation: bool = True
    silent: bool = False
    moments: tuple[tuple[Moment, float, float], ...] = ()

    @property
    def injure(self) -> bool:
        """Whether octets are changed, held up or cut into pieces."""
        return bool(self.ber or self.drop or self.chunk or self.latency)

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read what a command line gives.

        Args:
            text: ``NAME=VALUE`` pairs with commas between; an empty text is no fault at all. Times are ``20ms``,
                ``1.5s`` or plain seconds; a range is ``LEAST-GREATEST``.

        Raises:
            ValueError: a name or a value is none of the possible ones.
        """
        values: dict[str, object] = {}
        moments: list[tuple[Moment, float, float]] = []
        for pair in filter(None, (part.strip() for part in text.split(","))):
            name, equals, value = pair.partition("=")
            name, value = name.strip().lower(), value.strip().lower()
            if not equals or not value:
                raise ValueError(f"fault {pair!r} is not NAME=VALUE")
            if name in _READERS:
                values[name] = _read(name, value, _READERS[name])
            elif name in _MOMENTS:
                moments.append((_MOMENTS[name], *_read(name, value, _interval)))
            else:
                raise ValueError(f"no fault is called {name!r}; there are {', '.join([*_READERS, *_MOMENTS])}")
        return dataclasses.replace(cls(), **values, moments=tuple(moments))  # type: ignore[arg-type]


def _read(name: str, value: str, reader: Callable[[str], R]) -> R:
    try:
        return reader(value)
    except ValueError as error:
        raise ValueError(f"fault {name}: {error}") from None


def _rate(text: str) -> float:
    rate = _number(text)
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate is 0 to 1, not {text!r}")
    return rate


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{text!r} is no number from 0 up")
    return number


def _seconds(text: str) -> float:
    for unit, factor in (("ms", 0.001), ("s", 1.0)):
        if text.endswith(unit):
            return _number(text.removesuffix(unit)) * factor
    return _number(text)


def _interval(text: str) -> tuple[float, float]:
    least, dash, greatest = text.partition("-")
    times = (_seconds(least), _seconds(greatest) if dash else _seconds(least))
    if not 0 < times[0] <= times[1]:
        raise ValueError(f"an interval is above 0 and ends after it began, not {text!r}")
    return times


def _chunk(text: str) -> tuple[int, int]:
    least, dash, greatest = text.partition("-")
    if not least.isdigit() or not (greatest if dash else least).isdigit():
        raise ValueError(f"{text!r} is no number of octets, and no range of them")
    sizes = (int(least), int(greatest if dash else least))
    if not 0 < sizes[0] <= sizes[1]:
        raise ValueError(f"pieces have at least 1 octet, and the greatest no fewer than the least, not {text!r}")
    return sizes


def _one_of(**words: object) -> Callable[[str], object]:
    def reader(text: str) -> object:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}, not {text!r}")
        return words[text]

    return reader


_READERS: dict[str, Callable[[str], object]] = {
    "ber": _rate,
    "drop": _rate,
    "chunk": _chunk,
    "latency": _seconds,
    "urc_storm": _number,
    "sim": _one_of(ready="ready", pin="pin", missing="missing"),
    "registration": _one_of(on=True, off=False),
    "activation": _one_of(granted=True, refused=False),
    "silent": _one_of(on=True, off=False),
}
_MOMENTS = {moment.value: moment for moment in Moment}


@dataclass(slots=True)
class Injury:
    """Injures the octets of one direction, the same way whenever the seed is the same.

    Args:
        faults: what goes wrong.
        chooser: where it comes from.
    """

    faults: Faults
    chooser: random.Random
    flipped: int = 0
    """Bits that were turned over."""
    lost: int = 0
    """Octets that never arrived."""
    _to_flip: int = field(default=-1, repr=False)
    _to_lose: int = field(default=-1, repr=False)

    def apply(self, data: bytes) -> bytes:
        """Return what arrives of some octets."""
        if self.faults.ber:
            data = self._flip(data)
        if self.faults.drop:
            data = self._lose(data)
        return data

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Cut octets into the pieces that arrive together."""
        if self.faults.chunk is None:
            yield data
            return
        at = 0
        while at < len(data):
            size = self.chooser.randint(*self.faults.chunk)
            yield data[at : at + size]
            at += size

    def _flip(self, data: bytes) -> bytes:
        bits = len(data) * 8
        if self._to_flip < 0:
            self._to_flip = self._gap(self.faults.ber)
        if self._to_flip >= bits:
            self._to_flip -= bits
            return data
        changed = bytearray(data)
        while self._to_flip < bits:
            changed[self._to_flip // 8] ^= 1 << (self._to_flip % 8)
            self.flipped += 1
            self._to_flip += 1 + self._gap(self.faults.ber)
        self._to_flip -= bits
        return bytes(changed)

    def _lose(self, data: bytes) -> bytes:
        if self._to_lose < 0:
            self._to_lose = self._gap(self.faults.drop)
        left = bytearray()
        at = 0
        while self._to_lose < len(data):
            left += data[at : self._to_lose]
            at = self._to_lose + 1
            self.lost += 1
            self._to_lose = at + self._gap(self.faults.drop)
        self._to_lose -= len(data)
        return bytes(left + data[at:]) if at else data

    def _gap(self, rate: float) -> int:
        """Return how many bits or octets get through until the next that does not."""
        if rate >= 1:
            return 0
        return int(math.log(1 - self.chooser.random()) / math.log1p(-rate))
