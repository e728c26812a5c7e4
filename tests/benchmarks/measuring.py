"""How a figure is taken: in turns with its reference, again when the reference has moved, judged by the medians."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal, TypedDict, TypeVar

RUNS = 5
"""How often each thing is measured, at least."""
MOVED = 0.3
"""By how much of its median a reference may move before all is measured again."""
ATTEMPTS = 3
MB = 1 << 20

T = TypeVar("T")
Scale = Literal["times the reference", "% of the reference"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should reach: in units of its reference, or in its own."""

    sense: Literal["<=", ">="]
    pure: float
    """For pure Python, and for the compiled core unless that has a target of its own."""
    compiled: float | None = None
    scale: Scale | None = "times the reference"
    """None: the unit of the figure."""

    def limit(self, compiled: bool) -> float:
        """Return the number that holds for this build."""
        return self.compiled if compiled and self.compiled is not None else self.pure


def share(pure: float, compiled: float | None = None) -> Target:
    """Return the target of a rate: at least this percentage of its reference."""
    return Target(">=", pure, compiled, "% of the reference")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a figure is compared with, in the unit of the figure."""

    name: str
    value: float


class Against(TypedDict):
    """The reference in ``benchmarks.json``."""

    name: str
    value: float


class Entry(TypedDict):
    """A figure in ``benchmarks.json``."""

    name: str
    """The row, a colon, and what was measured."""
    value: float
    unit: str
    target: str | None
    met: bool | None
    """None: there is no target, or no reference to judge it by."""
    reference: Against | None
    runs: list[float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its reference, which was measured in turns with it."""

    name: str
    value: float
    unit: str
    runs: Sequence[float]
    reference: Reference | None = None
    target: Target | None = None

    def ratio(self) -> float | None:
        """Return how many times the reference it is, if there is one."""
        return self.value / self.reference.value if self.reference and self.reference.value else None

    def target_text(self, compiled: bool) -> str | None:
        """Return the target in words."""
        if self.target is None:
            return None
        return f"{self.target.sense} {self.target.limit(compiled):g} {self.target.scale or self.unit}".rstrip()

    def met(self, compiled: bool) -> bool | None:
        """Return whether the target is reached; None without a target or without its reference."""
        if self.target is None:
            return None
        value: float | None = self.value
        if self.target.scale is not None:
            ratio = self.ratio()
            value = ratio * 100 if ratio is not None and self.target.scale.startswith("%") else ratio
        if value is None:
            return None
        limit = self.target.limit(compiled)
        return value <= limit if self.target.sense == "<=" else value >= limit

    def entry(self, compiled: bool) -> Entry:
        """Return it as an entry of ``benchmarks.json``."""
        reference: Against | None = None
        if self.reference is not None:
            reference = {"name": self.reference.name, "value": rounded(self.reference.value)}
        return {
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "target": self.target_text(compiled),
            "met": self.met(compiled),
            "reference": reference,
            "runs": [rounded(value) for value in self.runs],
        }


def rounded(value: float) -> float:
    """Return five significant digits, which is more than any figure has."""
    return value if value == int(value) else float(f"{value:.5g}")


def percentile(values: Iterable[float], part: float) -> float:
    """Return the value that this part of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def spread(values: Sequence[float]) -> float:
    """Return how far values lie apart, in parts of their median."""
    return (max(values) - min(values)) / median(values) if values else 0.0


@dataclass
class Run:
    """One run of the benchmark: sizes, counters, a folder, and where progress is told."""

    say: Callable[[str], None]
    scale: float = 1.0
    """Sizes and durations are multiplied by it; below 1 for a trial, whose figures mean nothing."""
    runs: int = RUNS
    losses: list[int] = field(default_factory=list)
    """Octets that were lost or damaged in each turn of this row; empty: nothing was counted."""
    row: str = ""
    turn: int = 0
    subject: str = ""
    """What is being measured."""
    place: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))

    @contextmanager
    def begin(self, row: str) -> Iterator[None]:
        """Begin a row, with a folder for links, sockets and captures, which is removed at the end."""
        self.row, self.turn, self.losses = row, 0, []
        self.place = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            yield
        finally:
            shutil.rmtree(self.place, ignore_errors=True)

    def octets(self, number: int) -> int:
        """Return how many octets to move; a trial moves fewer."""
        return max(1 << 10, int(number * self.scale))

    def count(self, number: int) -> int:
        """Return how often to do something; a trial does it less often."""
        return max(3, int(number * self.scale))

    def seconds(self, number: float) -> float:
        """Return how long to watch something; a trial watches less long."""
        return max(0.2, number * self.scale)

    def lose(self, octets: int) -> None:
        """Note octets that ours have lost."""
        self.losses += [0] * (max(self.runs, self.turn + 1) - len(self.losses))
        self.losses[self.turn] += octets
        if octets:
            self.say(f"    LOST {octets} octets, {self.subject}, turn {self.turn + 1}")

    def rate(self, octets: int, seconds: float, lost: int = 0) -> float:
        """Return MB/s, and note what was lost."""
        self.lose(lost)
        return octets / seconds / 1e6

    def turns(
        self,
        measured: Mapping[str, Callable[[], T]],
        reference: str | None,
        steady: Callable[[T], float] = lambda value: float(value),  # type: ignore[arg-type]
        runs: int | None = None,
    ) -> dict[str, list[T]]:
        """Measure things in turns, so that what happens on the machine happens to all of them.

        When the reference has moved by more than 30 %, all is measured again, up to three times; the steadiest counts.

        Args:
            measured: what to measure.
            reference: which of it the others are compared with; None: it is not measured.
            steady: the number of a measurement by which the reference is watched; 0: not by this one.
            runs: how often; None: as often as all.

        Returns:
            The measurements of each.
        """
        kept: tuple[float, dict[str, list[T]]] | None = None
        for attempt in range(ATTEMPTS):
            seen: dict[str, list[T]] = {name: [] for name in measured}
            for turn in range(runs or self.runs):
                self.turn = turn
                for name, measure in measured.items():
                    self.subject = name
                    seen[name].append(measure())
            watched = [steady(value) for value in seen[reference]] if reference in seen else []
            moved = spread([value for value in watched if value])
            if kept is None or moved < kept[0]:
                kept = moved, seen
            if moved <= MOVED or self.scale < 1:
                break
            if attempt + 1 < ATTEMPTS:
                self.say(f"    {reference} moved by {moved:.0%}: again")
            else:
                self.say(f"    {reference} moved by {kept[0]:.0%} at best")
        assert kept is not None
        return kept[1]

    def figure(
        self,
        name: str,
        unit: str,
        runs: Sequence[float],
        reference: tuple[str, Sequence[float]] | None = None,
        target: Target | None = None,
        value: float | None = None,
    ) -> Figure:
        """Return a figure: the median of its runs unless a value is given, against the median of its reference."""
        against = Reference(reference[0], median(reference[1])) if reference and reference[1] else None
        return Figure(f"{self.row}: {name}", median(runs) if value is None else value, unit, runs, against, target)

    def lost(self) -> Figure:
        """Return how many octets were lost in this row."""
        target = Target("<=", 0, scale=None)
        return self.figure("octets lost", "octets", self.losses, None, target, float(sum(self.losses)))


Rows = Iterator[Figure]
Row = Callable[[Run], Rows]
ROWS: dict[str, Row] = {}


def row(function: Row) -> Row:
    """Add a row to the table: the name of the function is for ``ROWS=``, its docstring says how the row is taken."""
    ROWS[function.__name__] = function
    return function
