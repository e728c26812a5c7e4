"""Write docs/performance.md's table and its plots from ``benchmarks.json``: ``make performance``.

The figures that the page shows are kept in docs/benchmarks.json; ``--check`` compares page and plots with them.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import muxd
import rows  # noqa: F401 - fills the table of rows
from measuring import Entry
from plot import Panel, Series, draw
from report import Document, markdown, merged, read, write
from rows.curves import OURS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE, FIGURES = DOCS / "performance.md", DOCS / "benchmarks.json"
BEGIN, END = "<!-- Written by `make performance`; do not edit. -->\n", "<!-- Written until here. -->\n"
UNITS = {"KB": 1 << 10, "MB": 1 << 20}


def _value(text: str) -> float:
    """Return the first number in the name of a figure: ``10 KB, host to module`` is 10240."""
    found = re.search(r"(\d+)(?: (KB|MB))?", text.replace("N1", ""))
    assert found, text
    return float(found[1]) * UNITS.get(found[2], 1)


def _points(entries: list[Entry], start: str) -> list[tuple[float, float]]:
    return sorted((_value(entry["name"][len(start) :]), entry["value"]) for entry in entries)


def curves(document: Document, row: str, what: str) -> list[Series]:
    """Return the lines of one panel: ours, and gsm0710muxd's out of the references."""
    drawn, theirs = [], dict[float, float]()
    for ours in OURS:
        start = f"{row}: {what}, {ours}, "
        entries = [entry for entry in document["results"] if entry["name"].startswith(start)]
        drawn.append(Series(ours, _points(entries, start)))
        for entry in entries:
            if reference := entry["reference"]:
                theirs[_value(entry["name"][len(start) :])] = reference["value"]
    return [*drawn, Series(muxd.NAME, sorted(theirs.items()))]


def growth(document: Document, row: str, way: str) -> list[tuple[float, float]]:
    """Return the points of one line of growth."""
    start = f"{row}: "
    entries = [one for one in document["results"] if re.fullmatch(rf"{start}\d+ \w+{way}", one["name"])]
    return _points(entries, start)


def plots(document: Document) -> dict[str, str]:
    """Return the plots as SVG, by the names of their files; one without points is left out."""
    by = [("by_n1", "N1 (octets)", "by N1"), ("by_channels", "channels (N1 127)", "by channels")]
    texts = [("echo", "Text forth and back", "MB/s"), ("round trip", "Round trip of one octet", "µs")]
    speed = [
        Panel(f"{title}, {how}", x, y, curves(document, row, what)) for row, x, how in by for what, title, y in texts
    ]
    sizes = [Series(way, growth(document, "growth", f", {way}")) for way in ("host to module", "module to host")]
    many = Series("host to module", growth(document, "channels", ""))
    names = {float(number * size): f"{number} {unit}" for unit, size in UNITS.items() for number in (1, 10, 100)}
    grown = [
        Panel("By size of a transfer", "octets", "ns per octet", sizes, names),
        Panel("By channels that send at once", "channels", "ns per octet", [many]),
    ]
    return {
        f"performance-{name}.svg": draw(panels)
        for name, panels in (("speed", speed), ("growth", grown))
        if all(any(series.points for series in panel.series) for panel in panels)
    }


def written(text: str, document: Document) -> str:
    """Return the page with the figures of a run in place of those that it has."""
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    assert found, f"{PAGE.name} lacks {BEGIN!r}"
    assert closed, f"{PAGE.name} lacks {END!r}"
    machine = document["machine"]
    words = {
        "optimised": ("built with PGO or LTO", "built without PGO and LTO"),
        "compiled": ("core compiled", "core in pure Python"),
        "crcmod_in_c": ("crcmod in C", "crcmod in Python"),
    }
    facts = [str(machine["cpu"]), str(machine["python"])]
    facts += [one if machine[name] else other for name, (one, other) in words.items()]
    met = sum(entry["met"] is True for entry in document["results"])
    aimed = sum(entry["met"] is not None for entry in document["results"])
    head = f"{'; '.join(facts)}. In this run {met} of {aimed} targets are met.\n\n"
    return f"{before}{BEGIN}\n{head}{markdown(document)}\n{END}{after}"


def main() -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("figures", nargs="?", type=Path, help="default: benchmarks.json, or the figures that are kept")
    parser.add_argument("--update", action="store_true", help="keep the figures of other rows")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 when page or plots are not current")
    options = parser.parse_args()
    source: Path = options.figures or ROOT / "benchmarks.json"
    if options.check or not (options.figures or source.exists()):
        source = FIGURES
    document = read(source)
    if options.update:
        document = merged(read(FIGURES), document)
    made = {PAGE: written(PAGE.read_text(encoding="utf-8"), document)}
    made.update({DOCS / name: text for name, text in plots(document).items()})
    if options.check:
        stale = [path.name for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
        for name in stale:
            print(f"docs/{name} is not current: make performance", file=sys.stderr)
        return bool(stale)
    print(f"{PAGE} has the figures of {source}")
    write(FIGURES, document)
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
