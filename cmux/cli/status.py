"""What a running ``attach`` tells about its lines: the page ``/status``, and what its metrics are made of."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final, Protocol

import serial

from .. import __version__
from ..errors import CmuxError
from ..protocol.commands import Signals
from ..protocol.dlc import COUNTERS
from ..protocol.events import DropReason
from ..threads.bridge_base import Bridge
from ..threads.mux import Mux
from .line_options import LineOptions
from .readings import ChannelReading, LineReading, line_reading

OF_THE_SESSION: Final = (
    "octets_skipped",
    "frames_ignored",
    "answers_tolerated",
    "control_ignored",
    "control_malformed",
    "control_overflow",
    "control_queue_peak",
    "holds",
    "signals_unsaid",
)
"""The counters that `Mux.stats` has of a session; a line has them under the same name."""


class Watched(Protocol):
    """A line that ``attach`` has, or tries to get."""

    options: LineOptions
    bridges: list[Bridge]
    cause: Exception | None

    @property
    def mux(self) -> Mux | None:
        """Its multiplexer; None until it is open."""


def status(lines: Sequence[Watched], clock: Callable[[], int] = time.time_ns) -> dict[str, Any]:
    """Return the state of all lines, to be written as JSON.

    Args:
        lines: the lines, those that are dead included.
        clock: returns nanoseconds since 1970.
    """
    return {
        "program": "gsm0710",
        "version": __version__,
        "process": os.getpid(),
        "time": clock(),
        "lines": [_line(one, clock) for one in lines],
    }


def _line(one: Watched, clock: Callable[[], int]) -> dict[str, Any]:
    mux, channels = one.mux, one.options.channels
    stats: dict[str, Any] = dict(mux.stats()) if mux is not None else {}
    if mux is None:
        reading = asdict(_unopened(one, clock()))
    else:
        paths = {bridge.uart.dlci: bridge.path for bridge in list(one.bridges)}
        reading = asdict(line_reading(mux, stats, channels, paths))
        if one.cause is not None and reading["state"] == "dead":
            reading["cause"] = str(one.cause)  # else it would say that this program has closed the line
    per_dlc = stats.get("dlcs", {})
    return {
        **reading,
        "line": one.options.name,
        "port": one.options.port,
        "dropped": {reason.value: reading["dropped"].get(reason.value, 0) for reason in DropReason},
        **{name: stats.get(name, 0) for name in OF_THE_SESSION},
        "power": str(stats.get("power", "awake")).lower(),
        "control": _counters(per_dlc.get(0, {})),
        "channels": [
            {**entry, **_counters(per_dlc.get(entry["dlci"], {})), **_ends(mux, entry["dlci"])}
            for entry in reading["channels"]
        ],
    }


def _unopened(one: Watched, now: int) -> LineReading:
    return LineReading(
        time=now,
        line=one.options.name,
        state="opening" if one.cause is None else "dead",
        cause=None if one.cause is None else str(one.cause),
        option=None,
        n1=None,
        reattached=0,
        octets_received=0,
        octets_sent=0,
        frames_received=0,
        frames_sent=0,
        dropped={},
        channels=[_unopened_channel(dlci) for dlci in one.options.channels],
    )


def _unopened_channel(dlci: int) -> ChannelReading:
    return ChannelReading(
        dlci=dlci, path=None, state="closed", octets_received=0, octets_sent=0, waiting=0, stalls=0, signals=[]
    )


def _counters(counters: dict[str, Any]) -> dict[str, int]:
    return {name: counters.get(name, 0) for name in COUNTERS}


def _ends(mux: Mux | None, dlci: int) -> dict[str, Any]:
    """Return what is queued at the near end of a channel, and the signals of both sides."""
    told: dict[str, Any] = {"unsent": 0, "received_discarded": 0, "own": None, "peer": None}
    if mux is not None:
        with suppress(CmuxError, serial.SerialException):
            port = mux.port(dlci)
            told["received_discarded"] = port.received_discarded
            told["own"] = _signals(mux.own_signals(dlci))
            told["peer"] = _signals(mux.signals(dlci))
            told["unsent"] = port.out_waiting
    return told


def _signals(signals: Signals | None) -> dict[str, bool] | None:
    return None if signals is None else asdict(signals)
