"""Short under pytest; `run.py` runs the same targets as long as you like."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("short", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("GSM0710_FUZZ", "short"))
