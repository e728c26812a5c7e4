"""The vectors of tests/vectors/ as pytest parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cmux.protocol import Frame, FrameType, Option

_VECTORS = Path(__file__).parent.parent / "vectors"


def _load(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((_VECTORS / name).read_text())
    return rows


def frame_of(row: dict[str, Any]) -> Frame:
    """The frame that a row of frames.json says it is."""
    name, _, numbers = row["type"].partition("(")
    sequence = dict(part.split("=") for part in numbers.rstrip(")").split(",") if part)
    return Frame(
        row["dlci"],
        bool(row["cr"]),
        FrameType[name],
        bool(row["pf"]),
        bytes.fromhex(row["info"]),
        int(sequence.get("nr", 0)),
        int(sequence.get("ns", 0)),
    )


FRAMES = [
    pytest.param(Option(row["option"]), bytes.fromhex(row["hex"]), row, id=row["id"]) for row in _load("frames.json")
]
GOOD = [row for row in FRAMES if row.values[2]["fcs_ok"]]
MISPRINTED = [row for row in FRAMES if not row.values[2]["fcs_ok"]]
STREAMS = [
    pytest.param(Option(row["option"]), bytes.fromhex(row["hex"]), row["frames"], id=row["id"])
    for row in _load("streams.json")
]
