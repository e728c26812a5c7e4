"""A pytest plugin: an emulated Quectel M10 for the tests of any project.

Nothing but pytest is imported here before a fixture is used, so projects that have this installed and do not use it
pay nothing.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cmux import Mux

    from .emulator import EmulatedModule

_MARKER = (
    "m10(behaviour=(), faults='', line_rate=0, **settings): the emulated module of the test's m10 fixture; "
    "settings are those of drivers.emulator.EmulatedModule"
)
_LINES = "m10_mux(**settings): settings for cmux.open() of the test's m10_mux fixture"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("m10", "emulated Quectel M10")
    group.addoption(
        "--m10-behaviour",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another reading where sources disagree, or a set of them (gsm0710 emulate --list-behaviours)",
    )
    group.addoption(
        "--m10-faults",
        default="",
        metavar="SPEC",
        help="what goes wrong in all tests: ber=1e-5,chunk=1-7,latency=20ms,urc_storm=5,reset=30s,…",
    )
    group.addoption("--m10-line-rate", type=int, default=0, metavar="BAUD", help="limit the line to this rate")
    group.addoption("--m10-seed", type=int, default=None, metavar="N", help="make the faults repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Add the markers."""
    config.addinivalue_line("markers", _MARKER)
    config.addinivalue_line("markers", _LINES)


def _marked(request: pytest.FixtureRequest, name: str) -> dict[str, Any]:
    """Return the settings of all markers of a test; the nearest one wins."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(name))):
        if marker.args:
            raise pytest.UsageError(f"pytest.mark.{name} takes its settings by name")
        settings.update(marker.kwargs)
    return settings


@pytest.fixture
def m10_seed(request: pytest.FixtureRequest) -> int:
    """The seed of the faults, reported when the test fails: ``--m10-seed``, or another one each time."""
    seed: int | None = request.config.getoption("--m10-seed")
    if seed is None:
        seed = random.SystemRandom().getrandbits(31)
    request.node.add_report_section("setup", "m10", f"the same faults again: --m10-seed {seed}")
    return seed


@pytest.fixture
def m10(request: pytest.FixtureRequest, m10_seed: int) -> Iterator[EmulatedModule]:
    """A running module fresh from power-up; ``m10.url`` is what to open: a pty, or a TCP port where there are none.

    The options and ``@pytest.mark.m10`` configure it; ``behaviour`` there is one text or several.
    """
    from .emulator import Behaviour, EmulatedModule

    marked = _marked(request, "m10")
    behaviour = marked.pop("behaviour", ())
    texts = [behaviour] if isinstance(behaviour, str) else list(behaviour)
    settings = {
        "faults": request.config.getoption("--m10-faults"),
        "line_rate": request.config.getoption("--m10-line-rate"),
        "seed": m10_seed,
        **marked,
    }
    chosen = Behaviour.parse([*request.config.getoption("--m10-behaviour"), *texts])
    with EmulatedModule(behaviour=chosen, **settings) as module:
        if os.name == "posix":
            module.serve_pty()
        else:
            module.serve_tcp()
        yield module


@pytest.fixture
def m10_mux(request: pytest.FixtureRequest, m10: EmulatedModule) -> Iterator[Mux]:
    """The multiplexer, opened on the module; ``m10_mux.channel(1)`` is a pyserial port."""
    import cmux

    if m10.url is None:
        raise RuntimeError("the module is not reachable")
    with cmux.open(m10.url, **_marked(request, "m10_mux")) as mux:
        yield mux
