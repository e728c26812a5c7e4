"""Many emulated modules in one process: what each takes, and how fast one answers while others are busy."""

from __future__ import annotations

import asyncio
from functools import partial

from emulator_bench import Row as Figures
from emulator_bench import measure
from measuring import Rows, Run, Target, row

BUSY = 10


@row
def emulator(run: Run) -> Rows:
    """Run 100, and 1,000, emulated modules in one process; 10 move data at 921,600 baud while the others answer AT.

    The memory of one more module, against the process with one module; and the p99 of AT to OK, against the same while
    none is busy.
    """

    def measured(modules: int, seconds: float) -> list[Figures]:
        return asyncio.run(measure(modules, BUSY, seconds, lambda text: run.say(f"    {text}")))

    for modules in (100, 1000):
        number, seconds = max(20, run.count(modules)), run.seconds(4)
        seen = run.turns({"modules": partial(measured, number, seconds)}, None)["modules"]
        rows = [{one.name: one for one in rows} for rows in seen]
        memory = [one["memory per module"] for one in rows if "memory per module" in one]
        p99 = [one["AT to OK, 99 %"] for one in rows]
        if memory:
            reference = "the process with one module", [one.reference * 1024 for one in memory]
            kilobytes = [one.value * 1024 for one in memory]
            yield run.figure(f"{modules}, one more", "KB", kilobytes, reference, Target("<=", 90, scale=None))
        limit = Target("<=", 10, scale=None)
        reference = "the same while none is busy", [one.reference * 1e3 for one in p99]
        yield run.figure(f"{modules}, AT to OK, p99", "ms", [one.value * 1e3 for one in p99], reference, limit)
