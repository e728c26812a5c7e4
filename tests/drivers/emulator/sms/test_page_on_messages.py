"""The page on messages has what the module does."""

from __future__ import annotations

import re
from pathlib import Path

from drivers.emulator.sms.errors import Cms

PAGE = (Path(__file__).parents[4] / "docs" / "sms.md").read_text(encoding="utf-8")


def test_every_error_is_explained() -> None:
    explained = {
        int(number) for row in re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE) for number in row.split(",")
    }
    assert explained == set(Cms)
