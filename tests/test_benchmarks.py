"""The benchmark runs, and what it writes has its shape; how fast anything is, is no test."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from answering import PATTERN, Answerer, expected
from measuring import Entry, Figure, Reference, Run, Target, share
from plot import Panel, Series, draw, ticks
from report import Document, merged, read, table, write

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "tests/benchmarks"
PAGE = ROOT / "docs/performance.md"
FIGURES = ROOT / "docs/benchmarks.json"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")

SHAPE: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "value": (int, float),
    "unit": (str,),
    "target": (str, type(None)),
    "met": (bool, type(None)),
    "reference": (dict, type(None)),
    "runs": (list,),
}
MACHINE = {"cpu": str, "python": str, "optimised": bool, "compiled": bool, "crcmod_in_c": bool}


def run(program: str, *words: str) -> str:
    command = [sys.executable, str(BENCHMARKS / program), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_shape(document: Any) -> None:
    assert set(document) == {"machine", "results"}
    assert {name: type(value) for name, value in document["machine"].items()} == MACHINE
    for entry in document["results"]:
        assert list(entry) == list(SHAPE)
        assert [name for name, kinds in SHAPE.items() if not isinstance(entry[name], kinds)] == []
        assert len(entry["runs"]) >= 5
        assert entry["reference"] is None or list(entry["reference"]) == ["name", "value"]
        assert (entry["met"] is None) == (entry["target"] is None or lacks_reference(entry))


def lacks_reference(entry: Entry) -> bool:
    return entry["reference"] is None and "the reference" in (entry["target"] or "")


def test_a_row_without_and_one_with_a_line_are_measured_and_written(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.json"
    told = run("bench.py", "encoding", "capture", "--scale", "0.001", "--output", str(path))
    document = json.loads(path.read_text(encoding="utf-8"))
    check_shape(document)
    names = [entry["name"] for entry in document["results"]]
    assert {name.partition(": ")[0] for name in names} == {"encoding", "capture"}
    assert (names[-1], document["results"][-1]["value"]) == ("capture: octets lost", 0)
    assert all(name in told for name in names)


def test_the_help_lists_the_rows_and_a_row_that_is_not_there_is_named() -> None:
    told = run("bench.py", "--help")
    rows = set(re.findall(r"^### `(\w+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert {"rtt", "bulk", "echo", "cpu", "core", "tcp", "growth"} <= rows
    assert [name for name in rows if not re.search(rf"^  {name} +\S", told, re.MULTILINE)] == []
    command = [sys.executable, str(BENCHMARKS / "bench.py"), "rtt", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 2
    assert "no row nothing" in done.stderr


def test_the_page_and_its_plots_are_those_of_the_figures_that_are_kept() -> None:
    run("performance.py", "--check")
    check_shape(json.loads(FIGURES.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["performance-speed.svg", "performance-growth.svg"])
def test_plots_have_their_lines_and_units(name: str) -> None:
    picture = ElementTree.parse(ROOT / "docs" / name)  # noqa: S314 - our own
    texts = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    words = {"performance-speed.svg": {"VirtualUart", "attach", "gsm0710muxd", "N1 (octets)", "MB/s", "µs"}}
    assert words.get(name, {"host to module", "octets", "ns per octet"}) <= texts


# --- Figures ---


def figure(value: float, target: Target, reference: float | None = 10.0) -> Figure:
    return Figure("row: what", value, "µs", [value] * 5, reference and Reference("other", reference), target)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [
        (12, Target("<=", 1.2), True),
        (12.1, Target("<=", 1.2), False),
        (1.5, share(15), True),
        (1.4, share(15), False),
        (9, Target("<=", 8, scale=None), False),
        (8, Target("<=", 8, scale=None), True),
    ],
)
def test_a_figure_is_judged_in_the_unit_of_its_target(value: float, target: Target, met: bool) -> None:
    assert figure(value, target).met(compiled=False) is met


def test_the_compiled_core_has_its_own_targets_where_there_are_any() -> None:
    assert figure(10, Target("<=", 1.2, 0.8)).entry(compiled=True)["target"] == "<= 0.8 times the reference"
    assert figure(10, share(15, 20)).entry(compiled=False)["target"] == ">= 15 % of the reference"
    assert figure(10, Target("<=", 1.2)).met(compiled=True)


def test_without_its_reference_a_figure_is_not_judged() -> None:
    entry = figure(10, Target("<=", 1), reference=None).entry(compiled=False)
    assert (entry["reference"], entry["met"]) == (None, None)
    assert "row: what" in table([entry])


# --- Turns ---


def test_measurements_take_turns() -> None:
    order: list[str] = []
    Run(print).turns({name: lambda name=name: order.append(name) or 1.0 for name in "ab"}, "a")  # type: ignore[misc]
    assert order == ["a", "b"] * 5


def test_all_is_measured_again_when_the_reference_has_moved_and_the_steadiest_counts() -> None:
    said: list[str] = []
    values = iter([1, 1, 1, 1, 2.0, 1, 1, 1, 1, 1.5, 3, 3, 3, 3, 9])
    ours = iter(range(15))
    seen = Run(said.append).turns(
        {"ours": lambda: float(next(ours)), "reference": lambda: float(next(values))}, "reference"
    )
    assert seen == {"ours": [5, 6, 7, 8, 9], "reference": [1, 1, 1, 1, 1.5]}
    assert len(said) == 3


def test_what_is_lost_is_counted_by_turns() -> None:
    run = Run(lambda text: None)
    losses = iter([0, 3, 0, 0, 4])
    run.turns({"ours": lambda: run.rate(10, 1.0, next(losses))}, None)
    assert run.losses == [0, 3, 0, 0, 4]


# --- Files ---


def document(**values: float) -> Document:
    machine = {"cpu": "one"}
    figures = [Figure(f"{row}: it", value, "s", [value] * 5) for row, value in values.items()]
    return {"machine": machine, "results": [one.entry(compiled=False) for one in figures]}


def test_a_run_of_some_rows_can_take_the_place_of_these_rows(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write(path, document(first=1, second=2))
    new = merged(read(path), document(second=3))
    assert {entry["name"]: entry["value"] for entry in new["results"]} == {"first: it": 1, "second: it": 3}


def test_figures_of_another_machine_are_not_kept() -> None:
    former = document(first=1)
    former["machine"] = {"cpu": "another"}
    assert merged(former, document(second=3)) == document(second=3)


# --- The far end, and plots ---


@pytest.mark.parametrize("portion", [1, 7, 5000])
def test_the_far_end_answers_requests_in_any_portions(portion: int) -> None:
    far, out = Answerer("transfer"), bytearray()
    octets = 70_000
    sent = b"U%08x" % octets + (PATTERN * 2)[:octets] + b"D%08x" % octets
    for start in range(0, len(sent), portion):
        far.receive(sent[start : start + portion])
        while waiting := far.waiting(999):
            out += waiting
            far.sent(len(waiting))
    assert bytes(out) == b"%08x" % expected(octets) + (PATTERN * 2)[:octets]


@pytest.mark.parametrize(
    ("most", "expected_ticks"), [(9.3, [0, 2, 4, 6, 8, 10]), (0, [0, 1]), (0.021, [0, 0.005, 0.01, 0.015, 0.02, 0.025])]
)
def test_axes_have_round_numbers(most: float, expected_ticks: list[float]) -> None:
    assert ticks(most) == pytest.approx(expected_ticks)


def test_a_plot_escapes_its_texts_and_keeps_its_points_inside() -> None:
    svg = draw([Panel("a < b", "x & y", "s", [Series("one", [(1, 5.0), (61, 9.0)]), Series("none", [])])])
    picture = ElementTree.fromstring(svg)  # noqa: S314 - our own
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    circles = list(picture.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == 3  # two points, and the legend
    assert all(0 < float(one.attrib["cx"]) < width and 0 < float(one.attrib["cy"]) < height for one in circles)
