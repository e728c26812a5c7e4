"""What all tests share: peers that must be there, and nothing left behind."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
from collections import defaultdict
from collections.abc import Callable, Generator
from pathlib import Path

import chosen_behaviour
import pytest
from hypothesis import settings

from cmux.cli.build import build
from cmux.protocol import compiled, profiles
from drivers.emulator import EmulatedModule

# The same examples every time: what random ones find belongs to `make fuzz`, not to somebody's unrelated change.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # The shell of a job in the background ignores it, and so would every program that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

REQUIRED = set(filter(None, os.environ.get("GSM0710_REQUIRE", "").split(",")))
"""Programs whose absence is a failure and not a skip."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose peer is not installed, unless it is required, and one that the compiled core is nothing for."""
    for marker in item.iter_markers("pure"):
        (reason,) = marker.args
        if compiled:
            pytest.skip(f"not where the core is compiled: {reason}")
    for marker in item.iter_markers("interop"):
        for peer in marker.args:
            if shutil.which(peer) is None:
                if peer in REQUIRED:
                    pytest.fail(f"{peer} is required (GSM0710_REQUIRE) and not installed", pytrace=False)
                pytest.skip(f"{peer} is not installed")


@pytest.fixture(autouse=True)
def no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules of these tests need no silence before the first frame, and do not boot; others say what they want."""
    monkeypatch.setattr(profiles, "HOST_DEFAULTS", {**profiles.HOST_DEFAULTS, "settle": 0.0, "open_timeout": None})


_MARKS = ("requirement", "clause", "statement")
_LINE = "line"
_passed: dict[str, dict[str, list[str]]] = {mark: defaultdict(list) for mark in _MARKS}
_crossed: dict[str, int] = {}
_heard: list[int] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that write which tests passed for each number, and the one that runs those of a number."""
    for mark in _MARKS:
        parser.addoption(f"--{mark}-report", metavar="FILE", help=f"write, for each {mark}, the tests that passed")
    parser.addoption(
        "--line-report", metavar="FILE", help="write how many octets an emulated module heard in each test that passed"
    )
    parser.addoption(
        "--add-to-reports", action="store_true", help="keep what the reports have: the run has several parts"
    )
    parser.addoption("--cable-octets", metavar="N", default="1000000", help="how many octets cross in the long tests")
    parser.addoption(
        "--requirement", metavar="NUMBER", action="append", help="run the tests that are marked with this number only"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Count what the AT interpreters of all emulated modules hear; note how those of the driver's tests behave."""
    if os.environ.get("GSM0710_COMPILE") and not compiled:
        raise pytest.UsageError("GSM0710_COMPILE is set, and the core is not compiled: it was installed without")
    chosen_behaviour.ADDED[:] = config.getoption("--m10-behaviour", [])
    EmulatedModule._octets = _counting(EmulatedModule._octets)  # type: ignore[method-assign]


def pytest_report_header() -> str:
    """Say what is tested."""
    return build()


def _counting(told: Callable[[EmulatedModule, int, str, bytes], None]) -> Callable[..., None]:
    def octets(module: EmulatedModule, uart: int, direction: str, data: bytes) -> None:
        if direction == "received":
            _heard.append(len(data))
        told(module, uart, direction, data)

    return octets


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each report carry the numbers of its test, from another process, too; leave out what was not asked for."""
    wanted = set(config.getoption("--requirement") or ())
    kept, left_out = [], []
    for item in items:
        for mark in _MARKS:
            item.user_properties += [(mark, number) for marker in item.iter_markers(mark) for number in marker.args]
        own = {number for mark, number in item.user_properties if mark == "requirement"}
        (kept if own & wanted or not wanted else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    items[:] = sorted(kept, key=_turn)  # those of a file keep their order


_LONG = (
    *("test_campaign", "test_interruption", "test_emulate", "test_every_reading", "test_shell_opening"),
    *("test_silence_before_escape", "test_hints", "test_walked_pages", "test_shell_states", "test_attach_both_ends"),
    *("test_timeout_of_connect", "test_escape_in_payload", "test_aio_over_cmux", "test_tcpip_aio", "test_transparent"),
    *("test_shell_settling", "test_doctor", "test_closing_while_waiting", "test_driver_ownership", "test_idleness"),
    *("test_refused_activations", "test_at_once", "test_demo", "test_keepalive", "test_access_modes", "test_reasons"),
    *("test_monitor", "test_rough_edges", "test_linear_parsers", "test_settings", "test_benchmarks", "test_attach"),
)
"""Files that take ten seconds and more, the longest first."""


def _turn(item: pytest.Item) -> int:
    """When the tests of a file begin: last begins what is short, so that all processes end at about the same time."""
    return _LONG.index(item.path.stem) if item.path.stem in _LONG else len(_LONG)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the collections that look for what a test left behind pass over the tests themselves: 0.1 s each else."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Note how many octets the test itself sent to a module, apart from those of its fixtures."""
    _heard.clear()
    try:
        return (yield)
    finally:
        item.user_properties.append((_LINE, sum(_heard)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what passed."""
    if report.when == "call" and report.passed:
        for name, value in report.user_properties:
            if name in _MARKS:
                _passed[name][str(value)].append(report.nodeid)
            elif name == _LINE and value:
                _crossed[report.nodeid] = int(str(value))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports that were asked for."""
    if hasattr(session.config, "workerinput"):
        return
    for name, content in (*_passed.items(), (_LINE, _crossed)):
        if path := session.config.getoption(f"--{name}-report"):
            report = Path(path)
            if session.config.getoption("--add-to-reports"):
                before = json.loads(report.read_text(encoding="utf-8"))
                content = before | {
                    key: before.get(key, []) + value if isinstance(value, list) else value
                    for key, value in content.items()
                }
            report.write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")
