"""The how-tos that run programs which nobody here wrote do what they say: see ``walked_page``."""

import runpy
from pathlib import Path

import pytest
import walked_page
from walked_page import Walk

OTHERS = runpy.run_path(str(Path(__file__).parents[1] / "test_walked_pages.py"))
PAGES = [
    pytest.param(page, id=page.stem, marks=pytest.mark.interop(*walked_page.peers(page)))
    for page in OTHERS["walked"](with_programs=True)
]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    with Walk(page, tmp_path) as walk:
        walk.go()
