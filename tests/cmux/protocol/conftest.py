"""Whatever a test of the core does: the next deadline that is kept is the one that a look at all parts finds."""

from __future__ import annotations

from collections.abc import Iterator

import looked_up_anew
import pytest


@pytest.fixture(autouse=True)
def _the_deadline_is_right() -> Iterator[None]:
    with looked_up_anew.compared():
        yield
