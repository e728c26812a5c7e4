"""How long a call waits at most: the time that the protocol needs, and a margin for a line that takes nothing."""

from __future__ import annotations

import math
from typing import Final

from .config import Config

NEVER: Final = math.inf
"""The deadline of what is not due at any time."""

PATIENCE: Final = 5.0
"""Seconds that a call waits beyond the time of the protocol."""
MARGIN: Final = 1.0
"""The same when something ends: no call waits long for a peer that has gone."""

HANG_UP: Final = 1.0
"""Seconds that RTC is off to end a call: a module that goes by it needs less (V.24 circuit 108/2)."""


def opening(config: Config) -> float:
    """Return how many seconds may pass from SABM to its UA or DM, on DLCI 0 or a channel (27.010 §5.7.1, §5.7.3)."""
    return _tries(config, config.t1) + PATIENCE


def answer(config: Config) -> float:
    """Return how many seconds may pass from a command on DLCI 0 to its answer (27.010 §5.7.5, §5.7.3)."""
    return _tries(config, config.t2) + PATIENCE


def closing(config: Config) -> float:
    """Return how many seconds may pass from DISC on a channel to its UA."""
    return _tries(config, config.t1) + MARGIN


def shutdown(config: Config) -> float:
    """Return how many seconds closing every channel and the multiplexer may take (27.010 §5.8.2)."""
    return _tries(config, config.t1) + _tries(config, config.t2) + 2 * MARGIN


def draining(config: Config, limit: float) -> float:
    """Return how many seconds what is queued may take to leave.

    Args:
        config: the parameters of the session.
        limit: the drain time-out; a peer that has to be woken first gets as much time as another.
    """
    return limit + _waking(config) if limit else 0.0


def _waking(config: Config) -> float:
    return 0.0 if config.sleeps_after is None else config.wake_pause


def _tries(config: Config, timer: float) -> float:
    """Return how long N2 repetitions take; before each of them the peer may have fallen asleep."""
    return (config.n2 + 1) * (timer + _waking(config))
