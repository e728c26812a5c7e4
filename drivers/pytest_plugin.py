"""A pytest plugin: an emulated Quectel module for the tests of any project, an M10 unless a test asks for another.

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
    "m10(model='m10', behaviour=(), faults='', line_rate=0, ppp=None, **settings): configures the emulated module of "
    "the test's m10 fixture; settings are the arguments of drivers.emulator.EmulatedModule"
)
_LINES = "m10_mux(**settings): arguments for the cmux.open() of the test's m10_mux fixture"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command line options of the plugin."""
    group = parser.getgroup("m10", "emulated Quectel module")
    group.addoption(
        "--m10-behaviour",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a behaviour on which sources disagree, or a set of them (gsm0710 emulate --list-behaviours)",
    )
    group.addoption(
        "--m10-faults",
        default="",
        metavar="SPEC",
        help="faults in all tests: ber=1e-5,chunk=1-7,latency=20ms,urc_storm=5,reset=30s,…",
    )
    group.addoption("--m10-line-rate", type=int, default=0, metavar="BAUD", help="limit the line to this rate")
    group.addoption("--m10-seed", type=int, default=None, metavar="N", help="make the faults repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of the plugin."""
    config.addinivalue_line("markers", _MARKER)
    config.addinivalue_line("markers", _LINES)


def _marked(request: pytest.FixtureRequest, name: str) -> dict[str, Any]:
    """Return the settings of all markers of a test; those of the closest marker have precedence."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(name))):
        if marker.args:
            raise pytest.UsageError(f"pytest.mark.{name} takes its settings by name")
        settings.update(marker.kwargs)
    return settings


@pytest.fixture
def m10_seed(request: pytest.FixtureRequest) -> int:
    """The seed of the faults, reported when the test fails: ``--m10-seed``, or a random one."""
    seed: int | None = request.config.getoption("--m10-seed")
    if seed is None:
        seed = random.SystemRandom().getrandbits(31)
    request.node.add_report_section("setup", "m10", f"the same faults again: --m10-seed {seed}")
    return seed


@pytest.fixture
def m10(request: pytest.FixtureRequest, m10_seed: int) -> Iterator[EmulatedModule]:
    """A running module that has just been powered up; ``m10.url`` is the port to open (a pty, or a TCP port).

    The options and ``@pytest.mark.m10`` configure it: ``model`` makes it another module than an M10, ``behaviour`` is a
    string or a sequence of them.
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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Show the messages that the module has sent, when a test fails."""
    module = getattr(item, "funcargs", {}).get("m10")
    if call.when == "call" and call.excinfo is not None and (sent := getattr(module, "sent_sms", ())):
        lines = [f"{number}. to {one.number}: {one.text!r}" for number, one in enumerate(sent, start=1)]
        item.add_report_section("call", "m10: sent messages", "\n".join(lines))


@pytest.fixture
def m10_mux(request: pytest.FixtureRequest, m10: EmulatedModule) -> Iterator[Mux]:
    """The multiplexer, opened on the module; ``m10_mux.channel(1)`` is a pyserial port."""
    import cmux

    if m10.url is None:
        raise RuntimeError("the module is not reachable")
    with cmux.open(m10.url, **{"settle": m10.settle, **_marked(request, "m10_mux")}) as mux:
        yield mux
