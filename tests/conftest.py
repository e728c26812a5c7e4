"""What all tests share: peers that must be there, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time: what random ones find belongs to `make fuzz`, not to somebody's unrelated change.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")

REQUIRED = set(filter(None, os.environ.get("GSM0710_REQUIRE", "").split(",")))
"""Programs whose absence is a failure and not a skip."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose peer is not installed, unless it is required."""
    for marker in item.iter_markers("interop"):
        for peer in marker.args:
            if shutil.which(peer) is None:
                if peer in REQUIRED:
                    pytest.fail(f"{peer} is required (GSM0710_REQUIRE) and not installed", pytrace=False)
                pytest.skip(f"{peer} is not installed")


_MARKS = ("requirement", "clause")
_passed: dict[str, dict[str, list[str]]] = {mark: defaultdict(list) for mark in _MARKS}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that write which tests passed for each number."""
    for mark in _MARKS:
        parser.addoption(f"--{mark}-report", metavar="FILE", help=f"write, for each {mark}, the tests that passed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each report carry the numbers of its test, from another process, too."""
    for item in items:
        for mark in _MARKS:
            item.user_properties += [(mark, number) for marker in item.iter_markers(mark) for number in marker.args]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what passed."""
    if report.when == "call" and report.passed:
        for mark, number in report.user_properties:
            if mark in _MARKS:
                _passed[mark][str(number)].append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports that were asked for."""
    for mark in _MARKS:
        path = session.config.getoption(f"--{mark}-report")
        if path and not hasattr(session.config, "workerinput"):
            Path(path).write_text(json.dumps(_passed[mark], indent=1, sort_keys=True), encoding="utf-8")
