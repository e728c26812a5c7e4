"""What all tests share: peers that must be there, and nothing left behind."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.load_profile("default")

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
