"""Whoever writes a family finds all that it is written with in the pages, and needs nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripted_port import OK, CommandPort

import drivers.tcpip.core
from drivers.tcpip import TcpipDriver
from drivers.tcpip.core import ContextClaim, SessionTable, Tried, Wiring

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "drivers-tcpip-families.md").read_text(encoding="utf-8")
CHAPTER = (DOCS / "families.md").read_text(encoding="utf-8").partition("## What a stack uses")[2].partition("\n## ")[0]
ELSEWHERE = {"Acknowledged", "Dialect", "events"}
"""What the reference has under another name."""


def test_everything_that_the_core_hands_out_is_in_the_reference() -> None:
    described = set(re.findall(r"auto\w+:: drivers\.tcpip\.core\.(\w+)$", REFERENCE, re.MULTILINE))
    assert set(drivers.tcpip.core.__all__) - ELSEWHERE <= described
    assert {"ContextClaim", "SessionTable", "Tried"} <= described


def test_the_types_of_what_a_stack_is_given_can_be_named() -> None:
    assert Wiring.__annotations__["claim"] == ContextClaim.__name__
    assert Wiring.__annotations__["table"] == SessionTable.__name__
    assert Tried("port", None).failure is None


@pytest.mark.parametrize("part", ["claim", "table"])
def test_every_public_member_of_what_a_stack_is_given_is_in_the_chapter(part: str) -> None:
    wiring = TcpipDriver(CommandPort(lambda _: OK))._context.stack.wiring
    named = set(re.findall(r"\w+", CHAPTER))
    members = {name for name in dir(getattr(wiring, part)) if not name.startswith("_")}
    assert members - named == set()
