"""Why a DLC or a session ended: shared by errors and events."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """Why a DLC or a session ended."""

    LOCAL = "closed by this side"
    PEER = "closed by the peer"
    REFUSED = "refused by the peer (DM)"
    TIMEOUT = "no answer from the peer"
    LINE_LOST = "the line was lost"
    SESSION = "the multiplexer session ended"


CLOSED_HERE: Final = "closed by this side, with all of its channels: open the line again"
"""What is said of a session that this side has closed."""
