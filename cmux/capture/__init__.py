"""Captures of a session: every frame that passes on a line, into a file or as text.

Nothing here reads or writes a line.
"""

from typing import TYPE_CHECKING

from ..lazy import loader

if TYPE_CHECKING:
    from .recorder import Capture
else:
    __getattr__ = loader(__name__, {"Capture": ".recorder"})

__all__ = ["Capture"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
