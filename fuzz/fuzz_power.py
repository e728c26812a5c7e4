"""Two stations that sleep and wake in any order, over a line that is slow, loses, spoils flags and goes dead.

The invariants stand in the first lines of ``tests/support/power_pair.py``:

1. No session ends unless the line was dead for long.
2. Soon after a healed line data cross both ways, and the two fall silent.
3. Where nothing was lost all data arrive, and nothing but flags, PSC and answers meets a station that sleeps.
"""

from __future__ import annotations

from machine_cases import case
from power_pair import machine

FuzzSlowSleepers = case(machine("slow"), examples=10, steps=30)
FuzzHastySleepers = case(machine("hasty"), examples=10, steps=30)
FuzzAdvancedSleepers = case(machine("advanced"), examples=10, steps=30)
FuzzWatchedSleepers = case(machine("keep-alive"), examples=10, steps=30)
FuzzSelfSleepers = case(machine("self"), examples=10, steps=30)
