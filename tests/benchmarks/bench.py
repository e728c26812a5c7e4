"""Speed: every figure of the table, each with its reference measured in the same run, in turns: ``make bench``.

Prints progress and the table, and writes ``benchmarks.json``. It takes about half an hour. The ratios depend on the
interpreter: use one that was built with PGO, and a machine that does nothing else. The exit code is 1 when a row
could not be measured; targets that are not met are told in the table only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import report
import rows  # noqa: F401 - fills the table of rows
from machine import machine
from measuring import ROWS, RUNS, Entry, Figure, Run

ROW_LIMIT = 1800
"""Seconds after which a row is given up, because something in it hangs."""


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in this thread after some time, whatever it waits for."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not measured within {seconds} s")

    former = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


class Bench:
    """One run of some rows."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.facts = machine()
        self._compiled = bool(self.facts["compiled"])
        self.entries: list[Entry] = []
        self.failed: list[str] = []

    def take(self, name: str) -> None:
        """Measure a row; one that fails is noted, and the others go on."""
        try:
            with self._run.begin(name), limited(ROW_LIMIT):
                for figure in ROWS[name](self._run):
                    self._add(figure)
                if self._run.losses:
                    self._add(self._run.lost())
        except Exception:  # noqa: BLE001 - whatever it is, half an hour of other rows is not thrown away
            traceback.print_exc()
            self.failed.append(name)

    def _add(self, figure: Figure) -> None:
        entry = figure.entry(self._compiled)
        self.entries.append(entry)
        name, value, reference, ratio, target, met = report.line(entry)
        against = f"; {ratio} of {reference}" if ratio else ""
        aim = f"; target {target}: {met or 'not known'}" if target else ""
        say(f"    {name.partition(': ')[2]}: {value}{against}{aim}")


def _options() -> argparse.Namespace:
    names = "\n".join(f"  {name:12} {report.first_line(name)}" for name in ROWS)
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"rows:\n{names}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="which rows to measure (default: all)")
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks.json"), metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--update", action="store_true", help="keep the figures of other rows that the file has")
    parser.add_argument("--runs", type=int, default=RUNS, help="how often each thing is measured, at least %(default)s")
    parser.add_argument("--scale", type=float, default=1.0, help="below 1: smaller and shorter, to try it out")
    options = parser.parse_args()
    if unknown := [name for name in options.rows if name not in ROWS]:
        parser.error(f"no row {', '.join(unknown)}; there are: {', '.join(ROWS)}")
    options.rows = options.rows or list(ROWS)
    return options


def _allow_descriptors() -> None:
    """Allow as many open files as the system does: a thousand modules have a socket each."""
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    """Measure; return the exit code."""
    options = _options()
    _allow_descriptors()
    for ending in (signal.SIGINT, signal.SIGTERM):  # also in the background: helper programs are ended
        signal.signal(ending, signal.default_int_handler)
    run = Run(say, options.scale, max(RUNS, options.runs))
    bench = Bench(run)
    former = report.read(options.output) if options.update and options.output.exists() else None
    say("; ".join(f"{name}: {value}" for name, value in bench.facts.items()))
    if not bench.facts["optimised"]:
        say("This interpreter was built without PGO and LTO: ratios to programs in C are worse than they need be.")
    for number, name in enumerate(options.rows, 1):
        began = time.monotonic()
        say(f"[{number}/{len(options.rows)}] {name}: {report.first_line(name)}")
        try:
            bench.take(name)
        except KeyboardInterrupt:
            bench.failed += options.rows[number - 1 :]
            break
        report.write(options.output, report.merged(former, {"machine": bench.facts, "results": bench.entries}))
        say(f"    {time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}")
    say(f"\n{report.table(bench.entries)}\n\n{options.output} has all runs of each figure.")
    if bench.failed:
        print(f"not measured: {', '.join(bench.failed)}", file=sys.stderr)
    return bool(bench.failed)


if __name__ == "__main__":
    sys.exit(main())
