"""The environment of a program that must be alone in its interpreter, also while the branches of tests are counted."""

from __future__ import annotations

import os


def uncounted() -> dict[str, str]:
    """Return this environment without what makes coverage begin in a program that is started."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
