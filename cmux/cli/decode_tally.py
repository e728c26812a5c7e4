"""What ``decode`` says when its input has ended."""

from __future__ import annotations

from dataclasses import dataclass, field


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


@dataclass(slots=True)
class Tally:
    """Counts what is in an input."""

    frames: int = 0
    """The good frames."""
    dropped: int = 0
    """What looked like frames."""
    outside: int = 0
    """The octets that are in no good frame, flags not counted."""
    shown: int = 0
    """The frames of the channels that were asked for."""
    dlcis: list[int] = field(default_factory=list)
    """These channels; empty: all of them."""

    @property
    def empty(self) -> bool:
        """Whether there was nothing that even looked like a frame."""
        return not self.frames and not self.dropped

    def __str__(self) -> str:
        text = f"{_many(self.frames, 'frame')}, {self.dropped} dropped, {_many(self.outside, 'octet')} in no frame"
        if self.dlcis:
            names = " and ".join(map(str, sorted({*self.dlcis})))
            text += f"; shown: {_many(self.shown, 'frame')} of DLCI {names}"
        return text
