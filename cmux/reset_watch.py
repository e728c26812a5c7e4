"""A module that was reset says so in plain text, where frames should be: noticed, and made sure of."""

from __future__ import annotations

import re

from .protocol.config import Config, Option
from .protocol.events import FrameDropped
from .protocol.frames import AdvancedDecoder, BasicDecoder
from .protocol.wire import FrameType

DOUBT = 0.7
"""Seconds that a module under suspicion has for a frame."""

# What modules of many makers say when they have started.
_BANNER = re.compile(
    rb"\r\n(RDY|APP RDY|PB DONE|SMS Ready|SMS DONE|Call Ready|\^SYSSTART|\+PBREADY|QCRDY|NORMAL POWER DOWN|"
    rb"POWERED DOWN|\*ATREADY: 1|\+CPIN: READY|\+CFUN: \d)\r\n"
)
_LONGEST = 24


class ResetWatch:
    """Watches what comes for the text of a module that has started anew.

    Noise may look like it, so the text alone is no proof: after it a module that still multiplexes has `DOUBT` seconds
    to send a frame. Our own frames, echoed by a module in AT mode, do not count.

    Args:
        config: of the session.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._decoder = self._fresh()
        self._tail = b""
        self.deadline: float | None = None
        """When the doubt is over; None while there is none."""
        self.text = ""
        """What the module said."""

    def _fresh(self) -> BasicDecoder | AdvancedDecoder:
        n1 = self._config.n1_receive
        return BasicDecoder(n1) if self._config.option is Option.BASIC else AdvancedDecoder(n1)

    def looks_reset(self, data: bytes) -> bool:
        """Tell whether octets hold such a text; whether it stood in a frame is for the caller to find out.

        Args:
            data: from the line, in any portions.
        """
        found = _BANNER.search(self._tail + data)
        self._tail = b"" if found else (self._tail + data)[-_LONGEST:]
        if found is None or self.deadline is not None:
            return False
        self.text = found[1].decode("ascii")
        return True

    def doubt(self, now: float) -> None:
        """Begin to wait for a frame."""
        self._decoder = self._fresh()
        self.deadline = now + DOUBT

    def hear(self, data: bytes) -> None:
        """Take octets that came later: a frame of the module ends the doubt."""
        if self.deadline is None:
            return
        for item in self._decoder.receive_data(data):
            if not isinstance(item, FrameDropped) and (
                item.type in (FrameType.UA, FrameType.DM)
                or (item.type in (FrameType.UIH, FrameType.UI) and not item.cr)
            ):
                self.deadline = None
                return
