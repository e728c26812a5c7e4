"""KeyboardInterrupt at a chosen line of the modules that run in the thread of a caller."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import cmux

_WHERE = tuple(str(Path(cmux.__file__).parent / folder) for folder in ("threads", "line"))


class Interrupt:
    """Raises KeyboardInterrupt at one line of ``cmux.threads`` or ``cmux.line``.

    Not at ``with``: its line comes up once more when the block ends, before the lock is released, where the interpreter
    itself never runs a handler.

    Args:
        at: which line, counted from the first one that is reached.
    """

    def __init__(self, at: int) -> None:
        self.left = at
        self.where = ""
        """The function and the line; empty: there are fewer lines."""

    def __call__(self, frame: FrameType, event: str, _: object) -> Interrupt | None:
        if not frame.f_code.co_filename.startswith(_WHERE):
            return None
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip()
        if event == "line" and not line.startswith("with "):
            self.left -= 1
            if self.left == 0:
                self.where = f"{frame.f_code.co_name}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Interrupt what runs inside; the interrupt itself ends there."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
