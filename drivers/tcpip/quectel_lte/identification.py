"""Which module it is that has refused a question of the stack, and whether it is of this family at all."""

from __future__ import annotations

from contextlib import suppress

from ...at.core import Dialogue, command
from ...errors import AtError, CommandError
from ..core.extras import Identified
from .codes import MEANINGS
from .timeouts import deadline

_ABOUT_SIM = frozenset(range(10, 19))
"""The codes of a SIM that is missing, locked or not ready (27.007 §9.2): a module of any family may say them."""


def identify(refusal: CommandError) -> Dialogue[Identified]:
    """Return the model (AT+CGMM, or else ATI) of a module that has refused a question that this family knows.

    Args:
        refusal: the question and the answer.
    """
    lines = yield from _lines_of("AT+CGMM")
    model = lines[0].removeprefix("+CGMM:").strip(' "') if lines else " ".join((yield from _lines_of("ATI")))
    speaks = True if refusal.code in MEANINGS else None if refusal.code in _ABOUT_SIM else False
    return Identified(model, speaks)


def _lines_of(text: str) -> Dialogue[list[str]]:
    """Return the lines of the answer to a question that not every module knows."""
    with suppress(AtError):
        return [line.strip() for line in (yield from command(text, timeout=deadline("CGMM"))).lines if line.strip()]
    return []
