"""The specification of what goes wrong with a line and a network."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

R = TypeVar("R")


class Moment(enum.Enum):
    """The events that can be caused once, or repeatedly."""

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
    AT_CHANNEL_DIES = "at_channel_dies"
    INCOMING_FULL = "incoming_full"
    SMS_DELIVERED = "sms_delivered"
    SMS_REFUSED = "sms_refused"
    SMS_UNDELIVERED = "sms_undelivered"
    SMS_LOST = "sms_lost"


@dataclass(frozen=True, slots=True)
class Faults:
    """Specifies what goes wrong.

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
        calls: what becomes of calls that are made: ``real``, ``answered``, ``busy`` or ``no_answer``.
        sms: what becomes of messages at first: ``delivered``, ``refused``, ``undelivered`` or ``lost``.
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
    calls: str = "real"
    sms: Literal["delivered", "refused", "undelivered", "lost"] = "delivered"
    moments: tuple[tuple[Moment, float, float], ...] = ()

    @property
    def injure(self) -> bool:
        """Whether octets are changed, held up or cut into pieces."""
        return bool(self.ber or self.drop or self.chunk or self.latency)

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Parse a specification as a command line gives it.

        Args:
            text: ``NAME=VALUE`` pairs with commas between; an empty text means no fault. Times are ``20ms``,
                ``1.5s`` or plain seconds; a range is ``LEAST-GREATEST``.

        Returns:
            The faults.

        Raises:
            ValueError: a name or a value is not one of the possible ones.
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
        raise ValueError(f"{text!r} is not a number") from None
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{text!r} is not a number from 0 up")
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
        raise ValueError(f"{text!r} is neither a number of octets nor a range of them")
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
    "calls": _one_of(real="real", answered="answered", busy="busy", no_answer="no_answer"),
    "sms": _one_of(delivered="delivered", refused="refused", undelivered="undelivered", lost="lost"),
}
_MOMENTS = {moment.value: moment for moment in Moment}
