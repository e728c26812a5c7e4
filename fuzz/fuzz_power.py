"""Two stations that sleep and wake in any order, over a line that is slow, loses, spoils flags and goes dead.

The invariants stand in the first lines of ``tests/support/power_pair.py``:

1. No session ends unless the line was dead for long.
2. Soon after a healed line data cross both ways, and the two fall silent.
3. Where nothing was lost all data arrive, and nothing but flags, PSC and answers meets a station that sleeps.
"""

from __future__ import annotations

from hypothesis import settings
from power_pair import machine

FuzzSlowSleepers = machine("slow").TestCase
FuzzHastySleepers = machine("hasty").TestCase
FuzzAdvancedSleepers = machine("advanced").TestCase
FuzzWatchedSleepers = machine("keep-alive").TestCase
FuzzSelfSleepers = machine("self").TestCase
for _case in (FuzzSlowSleepers, FuzzHastySleepers, FuzzAdvancedSleepers, FuzzWatchedSleepers, FuzzSelfSleepers):
    _case.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)
