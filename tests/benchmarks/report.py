"""What a run has measured, as ``benchmarks.json`` and as a table."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypedDict, cast

from measuring import ROWS, Entry


class Document(TypedDict):
    """The file."""

    machine: dict[str, object]
    results: list[Entry]


def read(path: Path) -> Document:
    """Read the file."""
    return cast(Document, json.loads(path.read_text(encoding="utf-8")))


def write(path: Path, document: Document) -> None:
    """Write the file, one figure on a line."""
    results = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in document["results"])
    machine = json.dumps(document["machine"], ensure_ascii=False)
    path.write_text(f'{{\n  "machine": {machine},\n  "results": [\n{results}\n  ]\n}}\n', encoding="utf-8")


def merged(former: Document | None, now: Document) -> Document:
    """Return a run of some rows in place of what a former run of all had for these, if it was on the same machine."""
    if former is None or former["machine"] != now["machine"]:
        return now
    fresh = {row_of(entry) for entry in now["results"]}
    kept = [entry for entry in former["results"] if row_of(entry) not in fresh]
    order = {name: number for number, name in enumerate(ROWS)}
    return {
        "machine": now["machine"],
        "results": sorted([*kept, *now["results"]], key=lambda entry: order.get(row_of(entry), len(order))),
    }


def row_of(entry: Entry) -> str:
    """Return the name of the row of a figure."""
    return entry["name"].partition(": ")[0]


def number(value: float) -> str:
    """Return a number with as many digits as are of interest."""
    if value and abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(entry: Entry) -> str:
    """Return a figure in terms of its reference, in the unit of its target."""
    reference = entry["reference"]
    if reference is None or not reference["value"]:
        return ""
    times = entry["value"] / reference["value"]
    target = entry["target"]
    rate = target.endswith("% of the reference") if target else times < 0.1
    return f"{times * 100:.3g} %" if rate else f"{times:.2f} x"


Verdict = Literal["yes", "no", ""]


def verdict(entry: Entry) -> Verdict:
    """Return whether the target is met, as a word."""
    return "" if entry["met"] is None else "yes" if entry["met"] else "no"


def line(entry: Entry) -> list[str]:
    """Return the columns of a figure: name, value, reference, ratio, target, met."""
    reference = entry["reference"]
    target = (entry["target"] or "").removesuffix(" times the reference").removesuffix(" of the reference")
    target += " x" if (entry["target"] or "").endswith("times the reference") else ""
    against = f"{number(reference['value'])} ({reference['name']})" if reference else ""
    return [
        entry["name"],
        f"{number(entry['value'])} {entry['unit']}",
        against,
        ratio(entry),
        target,
        verdict(entry),
    ]


HEADINGS = ["figure", "value", "reference", "of it", "target", "met"]


def table(entries: Iterable[Entry]) -> str:
    """Return all as columns of text."""
    rows = [HEADINGS, *(line(entry) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def how(name: str) -> str:
    """Return how a row is taken: the docstring of its function."""
    return inspect.getdoc(ROWS[name]) or ""


def first_line(name: str) -> str:
    """Return what a row measures, in a sentence."""
    return how(name).partition("\n")[0]


def markdown(document: Document) -> str:
    """Return all as Markdown: a chapter for each row, with how it is taken, and its figures."""
    chapters = []
    for name in ROWS:
        entries = [entry for entry in document["results"] if row_of(entry) == name]
        if not entries:
            continue
        lines = [f"### `{name}`", "", how(name), "", f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
        for entry in entries:
            cells = line(entry)
            cells[0] = cells[0].partition(": ")[2]
            lines.append(f"| {' | '.join(cells)} |")
        chapters.append("\n".join(lines))
    return "\n\n".join(chapters) + "\n"
