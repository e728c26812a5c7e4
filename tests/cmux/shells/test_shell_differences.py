"""What differs between the shells on purpose is in docs/shells.md; whatever else differs is a mistake."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import serial
from mux_module import Module
from shells import AioShell, Shell, ThreadShell

import cmux
import cmux.aio
from cmux.protocol.events import Cause

PAGE = (Path(cmux.__file__).parents[1] / "docs" / "shells.md").read_text(encoding="utf-8")
NAMES, _, BEHAVIOUR = PAGE.partition("## Behaviour")


def public(one: object) -> set[str]:
    return {name for name in dir(one) if not name.startswith("_")}


def signature(one: object) -> str | None:
    """What a method takes and returns; None for what is no method."""
    return str(inspect.signature(one)) if callable(one) else None


@pytest.fixture
def muxes(nothing_left: None) -> Iterator[tuple[cmux.Mux, cmux.aio.Mux]]:
    """One of each shell, open."""
    shells = ThreadShell(), AioShell()
    with (
        Module() as first,
        Module() as second,
        shells[0].open(first.path) as one,
        shells[1].open(second.path) as other,
    ):
        yield one.mux, other.mux
    for shell in shells:
        shell.close()


def test_the_page_names_everything_that_differs_and_nothing_else(muxes: tuple[cmux.Mux, cmux.aio.Mux]) -> None:
    on_threads, in_asyncio = muxes
    both = public(on_threads) & public(in_asyncio)
    found = {f"Mux.{name}" for name in public(on_threads) ^ public(in_asyncio)}
    found |= {
        f"Mux.{name}"
        for name in both
        if signature(inspect.getattr_static(type(on_threads), name, None))
        != signature(inspect.getattr_static(type(in_asyncio), name, None))
    }
    ways = ("open", "serve")
    found |= {way for way in ways if signature(getattr(cmux, way)) != signature(getattr(cmux.aio, way))}
    of_a_shell = {name for name in cmux.__all__ if getattr(cmux, name).__module__.startswith("cmux.threads.")}
    found |= of_a_shell ^ set(cmux.aio.__all__)
    assert found == set(re.findall(r"^\| `([\w.]+)` \|", NAMES, re.MULTILINE))


def test_every_difference_has_a_reason() -> None:
    for line in PAGE.splitlines():
        if line.startswith("|"):
            what, threads, aio, why, *shown_by = (cell.strip() for cell in line.strip("|").split("|"))
            assert what
            assert threads or aio, line
            assert why, line
            assert all(shown_by), line


def coroutines(of: object, names: Iterable[str]) -> set[str]:
    return {name for name in names if asyncio.iscoroutinefunction(inspect.getattr_static(of, name))}


def test_what_waits_is_awaited_and_nothing_else() -> None:
    awaited = coroutines(cmux.aio, ("open", "serve"))
    awaited |= {f"Mux.{name}" for name in coroutines(cmux.aio.Mux, public(cmux.aio.Mux))}
    listed = NAMES.partition("Methods that wait")[2].partition(" A `Mux`")[0]
    assert awaited == set(re.findall(r"`([\w.]+)`", listed)), "docs/shells.md lists others"


def test_properties_are_properties_in_both() -> None:
    for name in public(cmux.Mux) & public(cmux.aio.Mux):
        one, other = (inspect.getattr_static(mux, name) for mux in (cmux.Mux, cmux.aio.Mux))
        assert isinstance(one, property) is isinstance(other, property), name


# --- Behaviour ---


def test_a_channel_that_this_side_has_closed(shell: Shell) -> None:
    reading, writing = {
        "threads": (serial.PortNotOpenError, serial.PortNotOpenError),
        "aio": (asyncio.IncompleteReadError, ConnectionResetError),
    }[shell.name]
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        channel.close()
        with pytest.raises(reading):
            channel.read(1)
        with pytest.raises(writing):
            channel.write(b"x")


def test_a_channel_that_is_used_after_its_mux_was_closed(shell: Shell) -> None:
    with Module() as module:
        with shell.open(module.path) as mux:
            channel = mux.channel(1)
        for call in (lambda: channel.read(1), lambda: channel.write(b"x")):
            with pytest.raises((cmux.SessionEnded, cmux.DlcClosed)) as caught:
                call()
            assert caught.type is {"threads": cmux.SessionEnded, "aio": cmux.DlcClosed}[shell.name]
            assert caught.value.cause is Cause.LOCAL


def test_what_had_come_before_the_end_and_was_not_read(shell: Shell) -> None:
    with Module() as module:
        mux = shell.open(module.path)
        channel = mux.channel(1)
        channel.write(b"last words")
        assert channel.read(5) == b"last "
        module.stop()
        mux.until(lambda core: not core.session_open)
        if shell.name == "threads":
            assert channel.read(5) == b"words"
        with pytest.raises(cmux.SessionEnded):
            channel.read(5)
        mux.close()
