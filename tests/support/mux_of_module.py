"""Fixtures: a module on a pty, and a line to it on threads; and a channel of that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mux_module import Module

import cmux

PATIENCE = 20.0


@pytest.fixture
def module() -> Iterator[Module]:
    """A module on a pty."""
    with Module() as module:
        yield module


@pytest.fixture
def mux(module: Module) -> Iterator[cmux.Mux]:
    """The line to it."""
    with cmux.open(module.path, drain_timeout=0.0, settle=0.0) as mux:
        yield mux


def channel_of(mux: cmux.Mux, dlci: int = 1) -> cmux.VirtualUart:
    """A channel whose reads end in the end."""
    channel = mux.channel(dlci)
    channel.timeout = PATIENCE
    return channel
