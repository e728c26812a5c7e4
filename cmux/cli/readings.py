"""Readings of a line: its state and its counters at one moment, as `monitor` shows them and ``/status`` has them."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import serial

from ..errors import CmuxError
from ..threads.mux import Mux

_SIGNALS: Final = ("cts", "dsr", "cd", "ri")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReading:
    """The state and the counters of one channel."""

    dlci: int
    path: str | None
    state: str
    octets_received: int
    octets_sent: int
    waiting: int
    """Octets that were received and have not been read."""
    stalls: int
    """How often the peer stopped the channel by flow control."""
    signals: list[str]
    """The signals of the peer that are on, out of cts, dsr, cd and ri."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReading:
    """The state of a line at one moment; its counters start when it is opened, and when it is reattached."""

    time: int
    """Nanoseconds since 1970."""
    line: str
    state: str
    """``open``, ``reattaching`` or ``dead``; for a line of another process also ``opening``."""
    cause: str | None
    option: str | None
    n1: int | None
    reattached: int
    octets_received: int
    octets_sent: int
    frames_received: int
    frames_sent: int
    dropped: dict[str, int]
    channels: list[ChannelReading]


def line_reading(mux: Mux, stats: dict[str, Any], channels: tuple[int, ...], paths: dict[int, str]) -> LineReading:
    """Take a reading.

    Args:
        mux: the multiplexer of the line.
        stats: what its `stats` has returned.
        channels: the DLCIs.
        paths: the paths of the channels that have one.
    """
    error, reattaching = mux.error, mux.reattaching
    return LineReading(
        time=time.time_ns(),
        line=mux.name,
        state="reattaching" if reattaching else "open" if error is None else "dead",
        cause=None if error is None else str(error),
        option=mux.config.option.value,
        n1=mux.config.n1,
        reattached=mux.reattached,
        octets_received=stats["line_octets_received"],
        octets_sent=stats["line_octets_sent"],
        frames_received=stats["frames_received"],
        frames_sent=stats["frames_sent"],
        dropped=stats["dropped"],
        channels=[_channel(mux, dlci, stats["dlcs"].get(dlci, {}), paths.get(dlci)) for dlci in channels],
    )


def _channel(mux: Mux, dlci: int, counters: dict[str, Any], path: str | None) -> ChannelReading:
    signals: list[str] = []
    waiting = 0
    with suppress(CmuxError, serial.SerialException):
        port = mux.port(dlci)
        peer = port.peer_signals
        waiting = port.in_waiting
        states = (peer.rtr, peer.rtc, peer.dv, peer.ic)
        signals = [name for name, on in zip(_SIGNALS, states, strict=True) if on]
    return ChannelReading(
        dlci=dlci,
        path=path,
        state=str(counters.get("state", "CLOSED")).lower(),
        octets_received=counters.get("octets_received", 0),
        octets_sent=counters.get("octets_sent", 0),
        waiting=waiting,
        stalls=counters.get("flow_stalls", 0),
        signals=signals,
    )
