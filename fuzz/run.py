"""Run the fuzz targets for a time: ``python fuzz/run.py --time 600``, or one of them under atheris.

Every target is a Hypothesis property. Here each gets fresh random examples, a share of the time each, until the time
is over; the first failure ends the run with the shrunk example. ``--atheris NAME`` hands one target to the
coverage-guided fuzzer instead (``pip install atheris``; Linux).
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def targets() -> dict[str, Callable[..., Any]]:
    """Return all properties and state machines by name."""
    found: dict[str, Callable[..., Any]] = {}
    for path in sorted(HERE.glob("fuzz_*.py")):
        module = _load(path)
        for name, value in vars(module).items():
            is_property = name.startswith("fuzz_") and hasattr(value, "hypothesis")
            is_machine = name.startswith("Fuzz") and hasattr(value, "runTest")  # the TestCase of a state machine
            if is_property or is_machine:
                found[name] = value
    return found


def _prepare(target: Callable[..., Any], examples: int) -> Callable[[], Any]:
    chosen = settings(
        max_examples=examples, deadline=None, derandomize=False, suppress_health_check=list(HealthCheck), database=None
    )
    if isinstance(target, type):
        target.settings = chosen
        return lambda: target().runTest()
    return chosen(target)


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--time", type=float, default=60, metavar="SECONDS", help="how long in all (default 60)")
    parser.add_argument("--target", action="append", metavar="NAME", help="only this one (repeatable)")
    parser.add_argument("--examples", type=int, default=500, help="examples a round (default 500)")
    parser.add_argument("--atheris", metavar="NAME", help="this target under atheris, for the same time")
    options = parser.parse_args()
    sys.path.insert(0, str(HERE.parent / "tests" / "support"))
    every = targets()
    unknown = [name for name in [*(options.target or []), options.atheris] if name and name not in every]
    if unknown:
        parser.error(f"no target {unknown[0]}: {', '.join(every)}")
    if options.atheris:
        return _atheris(every[options.atheris], options.time)
    chosen = {name: _prepare(every[name], options.examples) for name in options.target or every}
    end = time.monotonic() + options.time
    rounds = 0
    while time.monotonic() < end:
        for name, target in chosen.items():
            target()
            left = max(0.0, end - time.monotonic())
            print(f"\r{name:<50} round {rounds + 1}, {left:5.0f} s left ", end="", flush=True)
            if not left:
                break
        rounds += 1
    print(f"\n{len(chosen)} targets, {rounds} rounds of {options.examples} examples, no failure")
    return 0


def _atheris(target: Callable[..., Any], seconds: float) -> int:
    import atheris

    fuzz_one_input = target.hypothesis.fuzz_one_input
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}"], fuzz_one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
