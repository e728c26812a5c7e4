"""Draw docs/state-*.svg from the transition tables of the core: what is drawn is what runs."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from enum import StrEnum
from html import escape
from pathlib import Path

from cmux.protocol.dlc import TRANSITIONS
from cmux.protocol.power import POWER_TRANSITIONS

DOCS = Path(__file__).parent

Table = Mapping[tuple[StrEnum, StrEnum], tuple[StrEnum, tuple[StrEnum, ...]]]
Places = dict[str, tuple[int, int]]
Drawn = tuple[str, str]  # an arrow and its label

_BOX = (150, 44)

# Where a label would lie on another arrow: how far along its own it goes instead.
_ALONG = {
    ("OPENING", "CLOSING"): 0.3,
    ("CLOSING", "CLOSED"): 0.2,
    ("CLOSED", "CLOSING"): 0.72,
    ("DRAINING", "CLOSED"): 0.62,
    ("OPEN", "CLOSING"): 0.4,
    ("OPEN", "DRAINING"): 0.72,
    ("OPEN", "CLOSED"): 0.42,
    ("CLOSED", "OPEN"): 0.54,
    ("DOZING", "AWAKE"): 0.3,
    ("ASLEEP", "AWAKE"): 0.66,
}

DIAGRAMS: dict[str, tuple[str, Table, Places, tuple[int, int]]] = {
    "dlc": (
        "One data link connection (cmux.protocol.dlc.TRANSITIONS)",
        TRANSITIONS,
        {
            "CLOSED": (700, 90),
            "OPENING": (330, 420),
            "OPEN": (700, 760),
            "DRAINING": (1180, 600),
            "CLOSING": (1180, 260),
        },
        (1640, 830),
    ),
    "power": (
        "Power saving (cmux.protocol.power.POWER_TRANSITIONS)",
        POWER_TRANSITIONS,
        {
            "AWAKE": (800, 90),
            "DRAINING": (330, 200),
            "ASKING": (330, 420),
            "CROSSED": (330, 640),
            "DOZING": (800, 640),
            "ASLEEP": (1280, 640),
            "WAKING": (1280, 200),
        },
        (1600, 700),
    ),
}


_LOOP_LEFT = {"dlc": {"OPENING", "OPEN"}, "power": {"DRAINING", "ASKING", "CROSSED"}}


def _label(what: StrEnum, actions: tuple[StrEnum, ...]) -> str:
    return f"{what.value} / {', '.join(action.value for action in actions)}" if actions else what.value


def _grouped(table: Table) -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for (before, what), (after, actions) in table.items():
        groups.setdefault((before.value, after.value), []).append(_label(what, actions))
    return groups


def _text(x: float, y: float, lines: list[str], anchor: str) -> str:
    top = y - 7 * (len(lines) - 1)
    rows = "".join(
        f'<tspan x="{x:.0f}" y="{top + 14 * index:.0f}">{escape(line)}</tspan>' for index, line in enumerate(lines)
    )
    return f'<text class="label" text-anchor="{anchor}">{rows}</text>'


def _arrow(start: tuple[int, int], end: tuple[int, int], lines: list[str], *, both: bool, along: float) -> Drawn:
    (x1, y1), (x2, y2) = start, end
    dx, dy = x2 - x1, y2 - y1
    length = math.hypot(dx, dy)
    bend = 0.16 if both else 0.0  # two arrows between the same boxes bow away from each other
    mx, my = (x1 + x2) / 2 - dy * bend, (y1 + y2) / 2 + dx * bend

    def edge(cx: float, cy: float, tx: float, ty: float) -> tuple[float, float]:
        ux, uy = tx - cx, ty - cy
        scale = min(_BOX[0] / 2 / abs(ux) if ux else 9e9, _BOX[1] / 2 / abs(uy) if uy else 9e9)
        return cx + ux * scale, cy + uy * scale

    sx, sy = edge(x1, y1, mx, my)
    ex, ey = edge(x2, y2, mx, my)
    # The label stands beside the point of the curve, on its outer side.
    t = along
    px = (1 - t) ** 2 * sx + 2 * t * (1 - t) * mx + t * t * ex
    py = (1 - t) ** 2 * sy + 2 * t * (1 - t) * my + t * t * ey
    nx, ny = -dy / length, dx / length
    if abs(dx) > 3 * abs(dy):
        anchor, px, py = "middle", px, py - 10 - 7 * (len(lines) - 1)
    else:
        anchor = "start" if nx > 0 else "end"
        px, py = px + nx * 10, py + ny * 10
    path = f'<path d="M{sx:.0f},{sy:.0f} Q{mx:.0f},{my:.0f} {ex:.0f},{ey:.0f}" marker-end="url(#head)"/>'
    return path, _text(px, py, lines, anchor)


def _loop(place: tuple[int, int], lines: list[str], right: bool) -> Drawn:
    x, y = place
    sign = 1 if right else -1
    edge = x + sign * _BOX[0] / 2
    path = f"M{edge:.0f},{y - 10} C{edge + sign * 46:.0f},{y - 34} {edge + sign * 46:.0f},{y + 34} {edge:.0f},{y + 10}"
    label = _text(edge + sign * 42, y, lines, "start" if right else "end")
    return f'<path d="{path}" marker-end="url(#head)"/>', label


def draw(name: str) -> str:
    """Return one diagram as SVG."""
    title, table, places, (width, height) = DIAGRAMS[name]
    groups = _grouped(table)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<style>path{fill:none;stroke:#667;stroke-width:1.4} .label{font-size:11.5px;fill:#223}"
        " .label tspan{paint-order:stroke;stroke:#fff;stroke-width:3px} rect{fill:#eef3fb;stroke:#334;stroke-width:1.6}"
        " .state{font-size:15px;font-weight:bold;fill:#112} .title{font-size:15px;fill:#445}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" style="fill:#667;stroke:none"/></marker></defs>',
        f'<rect x="0" y="0" width="{width}" height="{height}" style="fill:#fff;stroke:none"/>',
        f'<text class="title" x="16" y="28">{escape(title)}</text>',
    ]
    drawn: list[Drawn] = []
    for (before, after), lines in groups.items():
        if before == after:
            drawn.append(_loop(places[before], lines, right=before not in _LOOP_LEFT[name]))
        else:
            both, along = (after, before) in groups, _ALONG.get((before, after), 0.5)
            drawn.append(_arrow(places[before], places[after], lines, both=both, along=along))
    parts += [path for path, _ in drawn]
    parts += [label for _, label in drawn]  # last, so that no arrow strikes one through
    for state, (x, y) in places.items():
        parts.append(
            f'<rect x="{x - _BOX[0] / 2:.0f}" y="{y - _BOX[1] / 2:.0f}" width="{_BOX[0]}" height="{_BOX[1]}" rx="9"/>'
            f'<text class="state" x="{x}" y="{y + 5}" text-anchor="middle">{state}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


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
        elif path.read_text(encoding="utf-8") != draw(name):
            print(f"{path.name} is not current: python docs/state_diagrams.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
