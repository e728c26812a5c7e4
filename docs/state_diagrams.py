"""Draw docs/state-*.svg from the transition tables of the core: what is drawn is what runs.

Each state is a box with what leaves it where it is; each arrow has what leads along it. Where they stand is placed by
hand; `crowded` tells what would lie on something else.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple

from cmux.protocol.dlc_table import TRANSITIONS, State
from cmux.protocol.power import POWER_TRANSITIONS, Power

DOCS = Path(__file__).parent
WIDTH = 1280
FONT, LINE, CHARACTER = 12, 15, 7.1
"""Size of the text, height of a line, width of a character in the wider fonts (names of states: 1.4 times that)."""

Table = Mapping[tuple[StrEnum, StrEnum], tuple[StrEnum, tuple[StrEnum, ...]]]
Pair = tuple[str, str]
Point = tuple[float, float]


class Way(NamedTuple):
    """How an arrow goes: from a side of one box (``t b l r`` and how far from its middle) to one of another."""

    start: str
    end: str
    label: str = "r"
    """On which side of its middle the label stands: ``t b l r``."""
    via: tuple[Point, ...] = ()
    along: float = 0.5
    """Where on the arrow."""
    wrap: int = 99
    """How many characters a line of it may have."""


class Area(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Area) -> bool:
        """Whether the two have a point in common."""
        apart_x = self.x + self.width <= other.x or other.x + other.width <= self.x
        apart_y = self.y + self.height <= other.y or other.y + other.height <= self.y
        return not (apart_x or apart_y)

    def struck(self, start: Point, end: Point) -> bool:
        """Whether a line runs through it."""
        steps = 200
        points = (
            (start[0] + (end[0] - start[0]) * n / steps, start[1] + (end[1] - start[1]) * n / steps)
            for n in range(steps + 1)
        )
        return any(self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height for x, y in points)


@dataclass(frozen=True)
class Diagram:
    """One picture."""

    title: str
    table: Table
    height: int
    drawn: dict[str, Point]
    """The states of which all is drawn, with the middle of their boxes."""
    ways: dict[Pair, Way]
    others: dict[str, Point] = field(default_factory=dict)
    """The states that only arrows lead to."""


DIAGRAMS: dict[str, Diagram] = {
    "dlc-opening": Diagram(
        "A data link connection that is not open (cmux.protocol.dlc_table.TRANSITIONS)",
        TRANSITIONS,
        790,
        {State.CLOSED: (560, 110), State.NEGOTIATING: (560, 340), State.OPENING: (560, 590)},
        {
            (State.CLOSED, State.NEGOTIATING): Way("b-60", "t-60", "l"),
            (State.NEGOTIATING, State.CLOSED): Way("t50", "b50", "r"),
            (State.CLOSED, State.CLEARING): Way("l-15", "r-15", "t"),
            (State.CLOSED, State.OPEN): Way("r", "t", "l", ((1130, 110),), 0.7),
            (State.NEGOTIATING, State.CLEARING_FIRST): Way("l", "r", "t", (), 0.7),
            (State.NEGOTIATING, State.OPENING): Way("b", "t", "r"),
            (State.NEGOTIATING, State.OPEN): Way("r", "l", "t"),
            (State.OPENING, State.OPEN): Way("r", "b", "l", ((1130, 590),), 0.75),
            (State.OPENING, State.CLOSED): Way("l", "l25", "l", ((365, 590), (365, 135)), 0.36),
            (State.OPENING, State.CLOSING): Way("b", "t", "r"),
        },
        {
            State.CLEARING: (105, 110),
            State.CLEARING_FIRST: (105, 340),
            State.OPEN: (1130, 340),
            State.CLOSING: (560, 750),
        },
    ),
    "dlc-open": Diagram(
        "A data link connection that is open, or is for the peer (cmux.protocol.dlc_table.TRANSITIONS)",
        TRANSITIONS,
        850,
        {State.OPEN: (300, 290), State.DRAINING: (300, 590), State.PARKED: (1030, 440)},
        {
            (State.OPEN, State.CLOSED): Way("t", "l", "r", ((300, 90),), 0.18),
            (State.OPEN, State.DRAINING): Way("b-60", "t-60", "l"),
            (State.DRAINING, State.OPEN): Way("t40", "b40", "r"),
            (State.OPEN, State.PARKED): Way("r-20", "t-60", "t", ((970, 270),), 0.55),
            (State.PARKED, State.OPEN): Way("l", "r20", "t", ((580, 440), (580, 310)), 0.22),
            (State.OPEN, State.CLOSING): Way("l", "l", "r", ((60, 290), (60, 800)), 0.66),
            (State.DRAINING, State.CLOSED): Way("r-20", "b", "r", ((640, 570),), 0.86),
            (State.DRAINING, State.PARKED): Way("r20", "b-60", "t", ((970, 610),), 0.5),
            (State.DRAINING, State.CLOSING): Way("b", "t", "r"),
            (State.PARKED, State.CLOSED): Way("t60", "r", "r", ((1090, 90),), 0.3),
            (State.PARKED, State.CLEARING): Way("b60", "t60", "r"),
        },
        {State.CLOSED: (640, 90), State.CLOSING: (300, 800), State.CLEARING: (1030, 800)},
    ),
    "dlc-closing": Diagram(
        "A data link connection that is being closed (cmux.protocol.dlc_table.TRANSITIONS)",
        TRANSITIONS,
        820,
        {
            State.CLOSING: (220, 290),
            State.REOPENING: (220, 530),
            State.CLEARING: (1060, 290),
            State.CLEARING_FIRST: (1060, 530),
        },
        {
            (State.CLOSING, State.CLOSED): Way("t", "l", "r", ((220, 90),), 0.18),
            (State.CLOSING, State.REOPENING): Way("b-40", "t-40", "l"),
            (State.REOPENING, State.CLOSING): Way("t30", "b30", "r"),
            (State.REOPENING, State.NEGOTIATING): Way("b", "l", "r", ((220, 770),), 0.18),
            (State.REOPENING, State.CLOSED): Way("r", "b-20", "l", ((620, 530),), 0.78),
            (State.CLEARING, State.CLOSED): Way("t", "r", "l", ((1060, 90),), 0.18),
            (State.CLEARING, State.CLEARING_FIRST): Way("b40", "t40", "r"),
            (State.CLEARING_FIRST, State.CLEARING): Way("t-30", "b-30", "l"),
            (State.CLEARING_FIRST, State.NEGOTIATING): Way("b", "r", "l", ((1060, 770),), 0.18),
            (State.CLEARING_FIRST, State.CLOSED): Way("l", "b20", "r", ((660, 530),), 0.78),
        },
        {State.CLOSED: (640, 90), State.NEGOTIATING: (640, 770)},
    ),
    "power": Diagram(
        "Power saving (cmux.protocol.power.POWER_TRANSITIONS)",
        POWER_TRANSITIONS,
        700,
        {
            Power.AWAKE: (640, 90),
            Power.DRAINING: (180, 230),
            Power.ASKING: (180, 430),
            Power.CROSSED: (180, 640),
            Power.DOZING: (640, 640),
            Power.ASLEEP: (1010, 640),
            Power.WAKING: (1010, 270),
        },
        {
            (Power.AWAKE, Power.DRAINING): Way("l-10", "t-30", "t", ((150, 80),), 0.4),
            (Power.DRAINING, Power.AWAKE): Way("t30", "l15", "b", ((210, 105),), 0.65),
            (Power.AWAKE, Power.DOZING): Way("b-10", "t-10", "l", (), 0.25),
            (Power.DOZING, Power.AWAKE): Way("t30", "b30", "r", (), 0.2, 26),
            (Power.DRAINING, Power.ASKING): Way("b", "t", "r"),
            (Power.DRAINING, Power.DOZING): Way("r", "t-50", "l", ((590, 230),), 0.8),
            (Power.ASKING, Power.DOZING): Way("r15", "l-8", "t", ((480, 445), (480, 632)), 0.22),
            (Power.ASKING, Power.AWAKE): Way("r-15", "b-85", "l", ((555, 415),), 0.6),
            (Power.ASKING, Power.CROSSED): Way("b", "t", "r"),
            (Power.CROSSED, Power.DOZING): Way("r8", "l8", "b"),
            (Power.DOZING, Power.ASLEEP): Way("r", "l", "t"),
            (Power.ASLEEP, Power.WAKING): Way("t40", "b40", "r", wrap=22),
            (Power.ASLEEP, Power.AWAKE): Way("t-40", "b90", "t", ((970, 430), (730, 430)), 0.42),
            (Power.WAKING, Power.AWAKE): Way("t", "r", "b", ((1010, 90),), 0.6),
        },
    ),
}


def _label(what: list[StrEnum], actions: tuple[StrEnum, ...]) -> str:
    inputs = ", ".join(one.value for one in what)
    return f"{inputs} / {', '.join(action.value for action in actions)}" if actions else inputs


def grouped(table: Table) -> dict[Pair, list[str]]:
    """What leads from one state to another, inputs with the same actions in one line."""
    groups: dict[Pair, dict[tuple[StrEnum, ...], list[StrEnum]]] = {}
    for (before, what), (after, actions) in table.items():
        groups.setdefault((before.value, after.value), {}).setdefault(actions, []).append(what)
    return {pair: [_label(what, actions) for actions, what in lines.items()] for pair, lines in groups.items()}


def _width(lines: list[str]) -> float:
    return CHARACTER * max(map(len, lines), default=0)


class Drawing:
    """The parts of one picture.

    Args:
        diagram: which one.
    """

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.groups = {pair: lines for pair, lines in grouped(diagram.table).items() if pair[0] in diagram.drawn}
        self.boxes = {state: self._box(state, place) for state, place in (diagram.drawn | diagram.others).items()}
        self.paths = {pair: self._path(pair, way) for pair, way in diagram.ways.items()}
        self.labels = {pair: self._label_area(pair, way) for pair, way in diagram.ways.items()}

    def inside(self, state: str) -> list[str]:
        """What leaves a state where it is."""
        return self.groups.get((state, state), [])

    def label(self, pair: Pair) -> list[str]:
        """What stands on an arrow."""
        return [part for line in self.groups[pair] for part in textwrap.wrap(line, self.diagram.ways[pair].wrap)]

    def _box(self, state: str, place: Point) -> Area:
        lines = self.inside(state)
        width = max(150, 24 + max(_width(lines), 1.4 * _width([state])))
        height = 36 + LINE * len(lines) + (8 if lines else 0)
        return Area(place[0] - width / 2, place[1] - height / 2, width, height)

    def _port(self, state: str, port: str) -> Point:
        box, side, off = self.boxes[state], port[0], int(port[1:] or 0)
        if side in "tb":
            return box.x + box.width / 2 + off, box.y + (box.height if side == "b" else 0)
        return box.x + (box.width if side == "r" else 0), box.y + box.height / 2 + off

    def _path(self, pair: Pair, way: Way) -> list[Point]:
        return [self._port(pair[0], way.start), *way.via, self._port(pair[1], way.end)]

    def _label_area(self, pair: Pair, way: Way) -> Area:
        points, lines = self.paths[pair], self.label(pair)
        x, y = _along(points, way.along)
        width, height = _width(lines), LINE * len(lines)
        left = {"l": x - 10 - width, "r": x + 10}.get(way.label, x - width / 2)
        top = {"t": y - 8 - height, "b": y + 8}.get(way.label, y - height / 2)
        return Area(left, top, width, height)

    def svg(self) -> str:
        """Return the picture."""
        height = self.diagram.height
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
            "<style>path{fill:none;stroke:#667;stroke-width:1.4;stroke-linejoin:round}"
            f" text{{font-size:{FONT}px;fill:#223}} .label{{paint-order:stroke;stroke:#fff;stroke-width:4px}}"
            " rect{fill:#eef3fb;stroke:#334;stroke-width:1.6} .other{fill:#fff;stroke-dasharray:5 4}"
            " .state{font-size:15px;font-weight:bold;fill:#112} .title{font-size:15px;fill:#445}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
            ' orient="auto"><path d="M0,0 L8,4 L0,8 z" style="fill:#667;stroke:none"/></marker></defs>',
            f'<rect x="0" y="0" width="{WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>',
            f'<text class="title" x="16" y="26">{escape(self.diagram.title)}</text>',
        ]
        for points in self.paths.values():
            line = " L".join(f"{x:.0f},{y:.0f}" for x, y in points)
            parts.append(f'<path d="M{line}" marker-end="url(#head)"/>')
        for state, box in self.boxes.items():
            other = "" if state in self.diagram.drawn else ' class="other"'
            middle = box.x + box.width / 2
            size = f'width="{box.width:.0f}" height="{box.height:.0f}" rx="9"'
            parts.append(f'<rect{other} x="{box.x:.0f}" y="{box.y:.0f}" {size}/>')
            parts.append(
                f'<text class="state" x="{middle:.0f}" y="{box.y + 23:.0f}" text-anchor="middle">{state}</text>'
            )
            parts += _lines(self.inside(state), box.x + 12, box.y + 36, "start", "")
        for pair, area in self.labels.items():  # last, so that no arrow strikes one through
            anchor = {"l": "end", "r": "start"}.get(self.diagram.ways[pair].label, "middle")
            x = area.x + {"end": area.width, "start": 0}.get(anchor, area.width / 2)
            parts += _lines(self.label(pair), x, area.y, anchor, ' class="label"')
        return "\n".join([*parts, "</svg>"]) + "\n"

    def crowded(self) -> Iterator[str]:
        """Tell what lies on something else, or sticks out."""
        areas = {f"the box {state}": box for state, box in self.boxes.items()}
        areas |= {f"the label from {before} to {after}": area for (before, after), area in self.labels.items()}
        for (one, area), (other, where) in combinations(areas.items(), 2):
            if area.meets(where):
                yield f"{one} lies on {other}"
        for (before, after), points in self.paths.items():
            for state, point in ((before, points[0]), (after, points[-1])):
                if not self.boxes[state].struck(point, point):
                    yield f"the arrow from {before} to {after} misses the box {state}"
            for pair, area in self.labels.items():
                if any(area.struck(*leg) for leg in pairwise(points)):
                    yield f"the arrow from {before} to {after} strikes through the label from {pair[0]} to {pair[1]}"
            for state, box in self.boxes.items():
                inner = Area(box.x + 1, box.y + 1, box.width - 2, box.height - 2)
                if any(inner.struck(*leg) for leg in pairwise(points)):
                    yield f"the arrow from {before} to {after} runs through the box {state}"
        for name, area in areas.items():
            if area.x < 0 or area.y < 32 or area.x + area.width > WIDTH or area.y + area.height > self.diagram.height:
                yield f"{name} sticks out"


def _along(points: list[Point], share: float) -> Point:
    """Return the point of a line at a share of its length."""
    legs = [((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5 for (ax, ay), (bx, by) in pairwise(points)]
    left = share * sum(legs)
    for ((ax, ay), (bx, by)), leg in zip(pairwise(points), legs, strict=True):
        if left <= leg:
            return ax + (bx - ax) * left / leg, ay + (by - ay) * left / leg
        left -= leg
    return points[-1]


def _lines(lines: list[str], x: float, top: float, anchor: str, kind: str) -> list[str]:
    return [
        f'<text{kind} x="{x:.0f}" y="{top + LINE * row + FONT:.0f}" text-anchor="{anchor}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    ]


def draw(name: str) -> str:
    """Return one diagram as SVG."""
    return Drawing(DIAGRAMS[name]).svg()


def main() -> int:
    """Write or check the pictures; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 when a picture is not current")
    options = parser.parse_args()
    stale = 0
    for name in DIAGRAMS:
        path = DOCS / f"state-{name}.svg"
        if not options.check:
            path.write_text(draw(name), encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != draw(name):
            print(f"{path.name} is not current: python docs/state_diagrams.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
