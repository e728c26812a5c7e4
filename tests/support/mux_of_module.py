"""Fixtures: a module on a pty, and a line to it on threads; and a channel of that."""

from __future__ import annotations

import threading
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
        print("host", mux.stats())  # shown where a test has failed
        print("module", module.stats())


def channel_of(mux: cmux.Mux, dlci: int = 1) -> cmux.VirtualUart:
    """A channel whose reads end in the end; what is said at its start is over."""
    channel = mux.channel(dlci)
    channel.timeout = PATIENCE
    quiet(mux)
    return channel


def quiet(mux: cmux.Mux) -> None:
    """Wait until what is said at the start has come and left, and nobody writes or reads any more."""
    engine = mux._engine
    assert mux.test()
    with engine._lock:
        assert engine.progress.wait_for(lambda: not engine.link.unwritten and engine._writer._who is None, PATIENCE)
    while engine.reader._who is not None:  # it has dispatched the answer, and leaves
        threading.Event().wait(0.001)
