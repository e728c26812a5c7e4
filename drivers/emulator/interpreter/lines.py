"""The assembly of command lines from octets: from AT to the carriage return, whatever stands before and behind."""

from __future__ import annotations

from dataclasses import dataclass

_CONTROLS = bytes(set(range(32)) - {8}) + b"\x7f"
_BACKSPACE = 8
_LF = 10


@dataclass(frozen=True, slots=True)
class LineStep:
    """Tells what `LineAssembler.feed` found.

    Args:
        taken: how many octets of the input were used.
        echo: what a UART with ATE1 echoes.
        ended: whether a carriage return came.
        line: what stood behind AT; None where no AT stood, or nothing has ended.
        too_long: whether the line had more characters than there is room for and must not be executed.
    """

    taken: int
    echo: bytes
    ended: bool
    line: str | None = None
    too_long: bool = False


class LineAssembler:
    """Assembles one command line after the other; ignores what comes before AT.

    Args:
        longest: how many characters a line may have, with its AT.
    """

    def __init__(self, longest: int = 256) -> None:
        self._longest = longest
        self._after_cr = False
        self._lf_follows = False
        self.clear()

    def clear(self) -> None:
        """Forget the line that has been begun."""
        self._line = bytearray()  # from the A of AT on
        self._found = False  # whether the line has its AT
        self._too_long = False

    def reset(self) -> None:
        """Forget everything, as for a new client."""
        self.clear()
        self._after_cr = False

    @property
    def begun(self) -> bool:
        """Whether a line has been begun and not ended."""
        return bool(self._line)

    def feed(self, octets: bytes) -> LineStep:
        """Take octets up to and with the first carriage return.

        Args:
            octets: the input, at least one.
        """
        if self._after_cr:
            self._after_cr = False
            # Whether this client ends its lines with CR LF decides what a LF at the start of data means.
            self._lf_follows = octets[0] == _LF
        end = octets.find(b"\r")
        text = (octets if end < 0 else octets[:end]).translate(None, _CONTROLS)
        if text:
            self._append(text)
        if end < 0:
            return LineStep(len(octets), text, ended=False)
        line = self._line[2:].decode("latin-1") if self._found else None
        step = LineStep(end + 1, text + b"\r", ended=True, line=line, too_long=self._too_long)
        self.clear()
        self._after_cr = True
        return step

    def skips_lf(self, octets: bytes) -> bool:
        """Return whether the first octet of data is the LF of the command line before it; ask only once."""
        if not self._after_cr:
            return False
        self._after_cr = False
        return self._lf_follows and octets[0] == _LF

    def _append(self, text: bytes) -> None:
        if _BACKSPACE not in text:
            self._append_text(text)
            return
        for octet in text:
            if octet != _BACKSPACE:
                self._append_text(bytes([octet]))
            elif self._found and len(self._line) > 2:
                del self._line[-1:]

    def _append_text(self, text: bytes) -> None:
        if self._too_long:
            return
        self._line += text
        if not self._found:
            start = self._line.upper().find(b"AT")
            self._found = start >= 0
            if not self._found:  # only an A at its end can still become AT
                start = len(self._line) - self._line.endswith((b"A", b"a"))
            del self._line[:start]
        if len(self._line) > self._longest:
            self._too_long = True
            del self._line[self._longest :]
