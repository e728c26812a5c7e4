"""How long a call of an owner waits at most: what the protocol takes, and some more for a line that takes nothing."""

from __future__ import annotations

from typing import Final

from .config import Config

PATIENCE: Final = 5.0
"""Seconds beyond the protocol's own that a call waits."""
MARGIN: Final = 1.0
"""The same for what ends: nobody is kept waiting for a peer that has gone."""


def opening(config: Config) -> float:
    """Return how many seconds SABM may take to its UA or DM, on DLCI 0 or a channel (27.010 §5.7.1, §5.7.3)."""
    return (config.n2 + 1) * config.t1 + PATIENCE


def answer(config: Config) -> float:
    """Return how many seconds a command on DLCI 0 may take to its answer (27.010 §5.7.5, §5.7.3)."""
    return (config.n2 + 1) * config.t2 + PATIENCE


def closing(config: Config) -> float:
    """Return how many seconds DISC on a channel may take to its UA."""
    return (config.n2 + 1) * config.t1 + MARGIN


def shutdown(config: Config) -> float:
    """Return how many seconds closing every channel and the multiplexer may take (27.010 §5.8.2)."""
    return (config.n2 + 1) * (config.t1 + config.t2) + 2 * MARGIN
