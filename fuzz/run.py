"""Run the fuzz targets for a time: ``python fuzz/run.py --time 600`` (in all), then a table; exit code 1 on a finding.

Every target is a Hypothesis property or state machine, and has its invariants in the first lines of its file. Each gets
its corpus, then fresh random examples, in a process of its own, for a share of the time. A finding prints the shrunk
example and one line that shows it again: ``python fuzz/run.py --replay NAME BLOB``. ``--atheris NAME`` hands one target
to the coverage-guided fuzzer instead (``pip install atheris``; Linux).
"""

from __future__ import annotations

import argparse
import faulthandler
import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase
from hypothesis.errors import UnsatisfiedAssumption
from hypothesis.stateful import get_state_machine_test

HERE = Path(__file__).parent
LEAST = 1000
"""Executions of a target, below which a run says too little."""
_FIRST = 0.75
"""The part of the time that all targets share equally; the rest is for those below `LEAST`."""
_HANGS = 600
"""Seconds behind its time after which a target hangs: making a finding smaller takes up to five minutes."""
_BLOB = re.compile(r"@reproduce_failure\('[^']+', b'([^']+)'\)")

sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "support"), str(HERE)]

import guided  # noqa: E402 - it is in this folder

# --- The targets --------------------------------------------------------------------------------------------------


@dataclass
class Target:
    """A property, or the class of a state machine."""

    name: str
    path: Path
    what: Any
    steps: int

    def prepared(self, examples: int = 0, database: ExampleDatabase | None = None, *, shrink: bool = True) -> Any:
        """Return the target as a test that runs so many examples, or as many as one call should; only once."""
        is_machine = isinstance(self.what, type)
        chosen = settings(
            max_examples=examples or 2000,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
            database=database,
            phases=[phase for phase in Phase if shrink or phase not in (Phase.shrink, Phase.explain)],
            print_blob=True,
            stateful_step_count=self.steps,
        )
        return get_state_machine_test(self.what, settings=chosen) if is_machine else chosen(self.what)

    def on_octets(self) -> Callable[[bytes], object]:
        """Return the target as a function of octets, which determine the example; only once."""
        on_octets: Callable[[bytes], object] = self.prepared().hypothesis.fuzz_one_input
        return on_octets


class _TimeIsOver(BaseException):
    """Ends a call of a test between two executions; Hypothesis takes it for an interruption."""


class Runs:
    """Counts the executions of a test, and ends it when the time is over.

    Args:
        test: the test.
        end: when that is; a finding is made smaller in any case.
    """

    def __init__(self, test: Any, end: float) -> None:
        self.count = 0
        self.over = False
        self._end = end
        self._failed = False
        inner = test.hypothesis.inner_test

        @functools.wraps(inner)
        def once(*arguments: Any, **named: Any) -> None:
            self._begin()
            try:
                inner(*arguments, **named)
            except UnsatisfiedAssumption:
                raise
            except Exception:
                self._failed = True
                raise

        test.hypothesis.inner_test = once

    def _begin(self) -> None:
        if not self._failed and time.monotonic() >= self._end:
            self.over = True  # Hypothesis may raise something else, where a test draws while it runs
            raise _TimeIsOver
        self.count += 1


def load(path: Path) -> ModuleType:
    """Import a file of targets."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def names_in(path: Path) -> Iterator[str]:
    """Return the names of the targets in a file, without importing it."""
    for found in re.finditer(r"^(?:async )?(?:def (fuzz_\w+)|(Fuzz\w+) = )", path.read_text(encoding="utf-8"), re.M):
        yield found[1] or found[2]


def targets() -> dict[str, Path]:
    """Return all targets, with their files."""
    return {name: path for path in sorted(HERE.glob("fuzz_*.py")) for name in names_in(path)}


def target(name: str) -> Target:
    """Return one target."""
    path = targets()[name]
    what = getattr(load(path), name)
    machine = getattr(what, "machine", None)
    return Target(name, path, machine or what, what.settings.stateful_step_count if machine else 50)


# --- One target, in a process of its own --------------------------------------------------------------------------


@dataclass
class Result:
    """What came of one target."""

    target: str
    executions: int
    seconds: float
    findings: int = 0
    text: str = ""

    def add(self, more: Result) -> None:
        """Add what came of it in another process."""
        self.executions += more.executions
        self.seconds += more.seconds
        self.findings += more.findings
        self.text = self.text or more.text


def run_one(name: str, seconds: float, *, shrink: bool = True) -> Result:
    """Run one target on its corpus, then for a time, or until it finds something, which it may make smaller."""
    one = target(name)
    begun = time.monotonic()
    end = begun + seconds
    test = one.prepared(shrink=shrink)
    entries, again = 0, ""
    runs: Runs | None = None
    error: BaseException | None = None
    try:
        for path in guided.corpus(name):
            entries, again = entries + 1, f"@{os.path.relpath(path)}"
            test.hypothesis.fuzz_one_input(path.read_bytes())
        again = ""
        runs = Runs(test, end)
        while time.monotonic() < end:
            test()
    except (Exception, _TimeIsOver) as raised:  # noqa: BLE001 - whatever it is, it is the finding
        error = raised
    executions, seconds = entries + (runs.count if runs else 0), time.monotonic() - begun
    if error is None or (runs is not None and runs.over):
        return Result(name, executions, seconds)
    return Result(name, executions, seconds, 1, _report(name, error, again))


def _report(name: str, error: BaseException, again: str) -> str:
    text = "".join(traceback.format_exception(error))
    blob = _BLOB.search(text)
    again = again or (blob[1] if blob else "")
    line = f"python fuzz/run.py --replay {name} {again}" if again else "(Hypothesis gave no way to show it again)"
    return f"{text}\nto see it again: {line}\n"


def replay(name: str, again: str) -> int:
    """Run the example of a finding: a blob of Hypothesis; or ``@`` and a file of octets, made as small as it can be."""
    one = target(name)
    if not again.startswith("@"):
        test = one.prepared(1)
        hypothesis.reproduce_failure(hypothesis.__version__, again.encode())(test)()
        return 0
    test = one.prepared(1, InMemoryExampleDatabase())
    try:
        test.hypothesis.fuzz_one_input(Path(again[1:]).read_bytes())
    except Exception:
        test()  # from the database, where it is now
        raise
    return 0


# --- All of them --------------------------------------------------------------------------------------------------


def run_all(names: list[str], seconds: float, *, first: bool = False) -> int:
    """Run targets, as many at a time as there are processors; return the exit code.

    Args:
        names: which ones.
        seconds: how long in all.
        first: end as soon as one has found something, and show it as it is.
    """
    workers = min(os.cpu_count() or 1, len(names))
    begun = time.monotonic()
    budget = seconds * workers  # of all of them together
    results = {name: Result(name, 0, 0.0) for name in names}
    _turn(dict.fromkeys(names, budget * _FIRST / len(names)), results, workers, first=first)
    rest = budget * (1 - _FIRST)
    sound = [result for result in results.values() if not result.findings]
    slow = {result.target: _lacking(result) for result in sound if result.executions < LEAST}
    wanted = slow or {result.target: 1.0 for result in sound}
    shares = {name: rest * weight / sum(wanted.values()) for name, weight in wanted.items()}
    if not first or len(sound) == len(names):
        _turn(shares, results, workers, first=first)
    return _table(list(results.values()), time.monotonic() - begun)


def _lacking(result: Result) -> float:
    """Return in how many seconds a target would come to `LEAST`, as far as one can tell."""
    return (LEAST - result.executions) * result.seconds / max(result.executions, 1)


def _turn(shares: dict[str, float], results: dict[str, Result], workers: int, *, first: bool) -> None:
    """Let targets run, each for its share; where they are fewer than the workers, several processes share it."""
    pieces = workers if len(shares) < workers else 1
    tasks = [(name, share / pieces) for name, share in shares.items() for _ in range(pieces)]
    lock = threading.Lock()
    done = 0

    def child(name: str, share: float) -> None:
        nonlocal done
        if first and any(result.findings for result in results.values()):
            return
        new = _in_a_process(name, share, shrink=not first)
        with lock:
            done += 1
            results[name].add(new)
            said = "a finding" if new.findings else f"{new.executions:,} executions"
            print(f"[{done}/{len(tasks)}] {name}: {said}", flush=True)

    with ThreadPoolExecutor(workers) as pool:
        for waited in [pool.submit(child, *task) for task in tasks]:
            waited.result()


def _in_a_process(name: str, seconds: float, *, shrink: bool) -> Result:
    command = [sys.executable, str(HERE / "run.py"), "--one", name, "--time", str(seconds), *["--first"] * (not shrink)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this file
    lines = done.stdout.splitlines()
    try:
        return Result(**json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError):  # it died, or hung and was ended, with its stacks
        return Result(name, 0, 0.0, 1, done.stdout + done.stderr)


def _table(results: list[Result], seconds: float) -> int:
    wrong = False
    for result in results:
        if result.findings:
            print(f"\n--- {result.target}\n{result.text}")
    width = max(len(result.target) for result in results)
    print(f"\n{'target':{width}}  executions  seconds  findings")
    for result in sorted(results, key=lambda result: result.target):
        few = not result.findings and result.executions < LEAST
        wrong |= few or result.findings > 0
        note = f"  fewer than {LEAST:,}: give it more time" if few else ""
        print(f"{result.target:{width}}  {result.executions:10,}  {result.seconds:7.0f}  {result.findings:8}{note}")
    total, found = sum(result.executions for result in results), sum(result.findings for result in results)
    print(f"{'all':{width}}  {total:10,}  {seconds:7.0f}  {found:8}")
    return int(wrong)


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="targets: " + ", ".join(targets()),
    )
    parser.add_argument("--time", type=float, default=60, metavar="SECONDS", help="how long in all (default 60)")
    parser.add_argument("--target", action="append", metavar="NAME", help="only this one (repeatable)")
    parser.add_argument("--file", metavar="FILE", help="only those of this file, such as fuzz_frames")
    parser.add_argument("--first", action="store_true", help="end with the first finding, as it is found")
    parser.add_argument(
        "--replay", nargs=2, metavar=("NAME", "BLOB"), help="show a finding again: a blob, or @FILE with octets"
    )
    parser.add_argument("--atheris", metavar="NAME", help="this target under atheris, for the same time")
    parser.add_argument("--keep", action="store_true", help="with --atheris: keep a few inputs that reach most")
    parser.add_argument("--one", metavar="NAME", help=argparse.SUPPRESS)
    parser.add_argument("--guided", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    every = targets()
    pairs = [pair[0] for pair in (options.replay, options.guided) if pair]
    asked = [*(options.target or []), options.atheris, options.one, *pairs]
    unknown = [name for name in asked if name and name not in every]
    if unknown:
        parser.error(f"no target {unknown[0]}: {', '.join(every)}")
    if options.replay:
        return replay(*options.replay)
    if options.guided:
        name, folder = options.guided
        guided.fuzz(every[name], lambda: target(name).on_octets(), options.time, folder, guided.folder(name))
    if options.atheris:
        name = options.atheris
        return guided.run(name, options.time, (lambda: target(name).on_octets()) if options.keep else None)
    if options.one:
        faulthandler.dump_traceback_later(options.time + _HANGS, exit=True)
        print(json.dumps(asdict(run_one(options.one, options.time, shrink=not options.first))))
        return 0
    names = options.target or [name for name, path in every.items() if options.file in (None, path.stem)]
    if not names:
        parser.error(f"no file {options.file}: {', '.join(sorted({path.stem for path in every.values()}))}")
    return run_all(names, options.time, first=options.first)


if __name__ == "__main__":
    sys.exit(main())
