"""Which module it is that has refused a context, and whether it is of this family at all."""

from __future__ import annotations

from contextlib import suppress

from ...at.core import Dialogue, command
from ...errors import AtError, CommandError
from ..core.extras import Identified
from .dialogues import read_foreground
from .timeouts import deadline


def identify(refusal: CommandError) -> Dialogue[Identified]:
    """Return the model (AT+GMM, or else ATI), and whether the module knows contexts that are selected (AT+QIFGCNT?).

    Args:
        refusal: how it has refused the context. ERROR alone is what a module of this family says of one that is busy.
    """
    lines, speaks = (yield from _lines_of("AT+GMM")), None
    model = lines[0].removeprefix("+GMM:").strip(' "') if lines else " ".join((yield from _lines_of("ATI")))
    if not model and refusal.answer == "ERROR":
        return Identified()
    try:
        yield from read_foreground()
        speaks = True
    except CommandError:
        speaks = False
    except (AtError, ValueError):
        speaks = None
    return Identified(model, speaks)


def _lines_of(text: str) -> Dialogue[list[str]]:
    """Return the lines of the answer to a question that not every module knows."""
    with suppress(AtError):
        return [line.strip() for line in (yield from command(text, timeout=deadline("GMM"))).lines if line.strip()]
    return []
