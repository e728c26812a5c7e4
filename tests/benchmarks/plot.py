"""Plots of figures as SVG, without a library: panels with axes, ticks, lines and a legend, on white."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 1000, 400
"""Of two panels side by side."""
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 44, 62
"""What is around the area of a panel."""
STYLE = (
    "text{font-size:13px;fill:#223} .title{font-size:15px;font-weight:bold} .axis{stroke:#556;stroke-width:1.2}"
    " .grid{stroke:#dde;stroke-width:1} .line{fill:none;stroke-width:2.2;stroke-linejoin:round}"
)


class Series(NamedTuple):
    """One line."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram, with a logarithmic x axis on which the points themselves are the ticks, and a y axis from 0 on."""

    title: str
    x: str
    y: str
    series: Sequence[Series]
    names: dict[float, str] | None = None
    """What ticks are called, if not by their number."""


MARKS = {
    0: ("#1759b8", '<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" fill="{colour}"/>'),
    1: ("#0b7a4b", '<rect x="{left:.1f}" y="{above:.1f}" width="8" height="8" fill="{colour}"/>'),
    2: ("#c2410c", '<path d="M{x:.1f},{above:.1f} l5,9 l-10,0 z" fill="{colour}"/>'),
}
"""Colour and shape of the points of each series, so that they are told apart in grey, too."""


def ticks(most: float) -> list[float]:
    """Return round numbers from 0 to the first that is not less."""
    if most <= 0:
        return [0.0, 1.0]
    raw = most / 5
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    return [step * number for number in range(math.ceil(most / step - 1e-9) + 1)]


def _mark(kind: int, x: float, y: float) -> str:
    colour, shape = MARKS[kind]
    return shape.format(x=x, y=y, left=x - 4, above=y - 4 - (kind == 2), colour=colour)


class _Area:
    """Where the points of a panel lie."""

    def __init__(self, panel: Panel, left: float, top: float, width: float, height: float) -> None:
        self.left, self.top = left + LEFT, top + TOP
        self.width, self.height = width - LEFT - RIGHT, height - TOP - BOTTOM
        self.xs = sorted({x for series in panel.series for x, _ in series.points})
        self.ys = ticks(max((y for series in panel.series for _, y in series.points), default=1.0))

    def x(self, value: float) -> float:
        span = math.log(self.xs[-1] / self.xs[0]) if len(self.xs) > 1 else 1.0
        return self.left + 14 + (self.width - 28) * math.log(value / self.xs[0]) / span

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - value / self.ys[-1])


def _panel(panel: Panel, left: float, top: float, width: float, height: float) -> Iterable[str]:
    area = _Area(panel, left, top, width, height)
    bottom, right = area.top + area.height, area.left + area.width
    yield f'<text class="title" x="{area.left:.0f}" y="{top + 20:.0f}">{escape(panel.title)}</text>'
    for value in area.ys:
        y = area.y(value)
        yield f'<path class="grid" d="M{area.left:.0f},{y:.1f} H{right:.0f}"/>'
        yield f'<text x="{area.left - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    for value in area.xs:
        x, name = area.x(value), (panel.names or {}).get(value, f"{value:g}")
        yield f'<path class="axis" d="M{x:.1f},{bottom:.0f} v5"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20:.0f}" text-anchor="middle">{escape(name)}</text>'
    yield f'<path class="axis" fill="none" d="M{area.left:.0f},{area.top:.0f} V{bottom:.0f} H{right:.0f}"/>'
    middle = area.left + area.width / 2
    yield f'<text x="{middle:.0f}" y="{bottom + 44:.0f}" text-anchor="middle">{escape(panel.x)}</text>'
    x, y = left + 18, area.top + area.height / 2
    turned = f'transform="rotate(-90 {x:.0f} {y:.0f})"'
    yield f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" {turned}>{escape(panel.y)}</text>'
    for kind, series in enumerate(panel.series):
        if series.points:
            places = [(area.x(value), area.y(result)) for value, result in series.points]
            way = " L".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<path class="line" stroke="{MARKS[kind][0]}" d="M{way}"/>'
            yield from (_mark(kind, x, y) for x, y in places)


def draw(panels: Sequence[Panel]) -> str:
    """Return panels as one picture, two in a row, with one legend for all of them."""
    rows = math.ceil(len(panels) / 2)
    names = list(dict.fromkeys(series.name for panel in panels for series in panel.series))
    height = 34 + rows * HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    x = float(LEFT)
    for kind, name in enumerate(names):
        lines += [_mark(kind, x, 20), f'<text x="{x + 12:.0f}" y="25">{escape(name)}</text>']
        x += 40 + 8.2 * len(name)
    for number, panel in enumerate(panels):
        series = {one.name: one for one in panel.series}
        whole = Panel(
            panel.title, panel.x, panel.y, [series.get(name, Series(name, ())) for name in names], panel.names
        )
        lines += _panel(whole, WIDTH / 2 * (number % 2), 34 + HEIGHT * (number // 2), WIDTH / 2, HEIGHT)
    return "\n".join([*lines, "</svg>"]) + "\n"
