"""Text in the answer to a command that may look like any line: messages (27.005), and data that is counted."""

from __future__ import annotations

from dataclasses import dataclass

from .calls import commands_of
from .lexer import Framing
from .patterns import Header

_QIRD = Header(
    b"+QIRD: ",
    rb"(?:[0-9.]{7,15}:[0-9]{1,5}, ?(?:TCP|UDP), ?)?(?P<count>[0-9]{1,5})\r\n",
    38,
    breaks=1,
)

_LINES = Framing()


@dataclass(frozen=True, slots=True)
class _Form:
    """How the answer to a command contains text.

    Args:
        head: the beginning of the line before a text without a count.
        framing: the header of a counted text.
    """

    head: str = ""
    framing: Framing = _LINES


_MESSAGES = ("+CMGL", "+CMGR", "+CMGRD", "+QCMGL", "+QCMGR", "^SMGL", "^SMGR")  # 27.005, SIMCom, Quectel, Cinterion
_FORMS = {**{name: _Form(f"{name}:") for name in _MESSAGES}, "+QIRD": _Form(framing=Framing((_QIRD,)))}
"""The commands whose answers contain text of others."""


class Text:
    """Finds the text in the answer to one command.

    Args:
        command: the command line.
    """

    def __init__(self, command: str = "") -> None:
        self._form = next((_FORMS[name] for name in commands_of(command) if name in _FORMS), _Form())
        self._begun = self._due = False

    @property
    def framing(self) -> Framing:
        """How counted text is distinguished from lines."""
        return self._form.framing

    @property
    def counted(self) -> bool:
        """Whether the answer contains counted text."""
        return self._form.framing.special

    def includes(self, line: str, *, spaced: bool, final: bool) -> bool:
        """Tell whether a line belongs to the text, or is the head of one.

        Args:
            line: the line.
            spaced: whether an empty line is before it, as before each final result.
            final: whether it looks like the final result.
        """
        head = self._form.head
        if not head:
            return False
        due, self._due = self._due, False
        if line.startswith(head) and not (due and not spaced):
            self._begun = self._due = True
            return True
        return self._begun and not (spaced and final)
