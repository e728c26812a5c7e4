"""A module that was reset says so in plain text, where frames should be: noticed, and made sure of."""

from __future__ import annotations

import re
from typing import cast

from .config import Config, Option
from .events import Event, FrameDropped, ResetSuspected
from .frames import AdvancedDecoder, BasicDecoder
from .multiplexer import Multiplexer
from .wire import FrameType

DOUBT = 0.7
"""Seconds that a module under suspicion has for a frame."""

# What modules of many makers say when they have started.
_BANNER = re.compile(
    rb"\r\n(RDY|APP RDY|PB DONE|SMS Ready|SMS DONE|Call Ready|\^SYSSTART|\+PBREADY|QCRDY|NORMAL POWER DOWN|"
    rb"POWERED DOWN|\*ATREADY: 1|\+CPIN: READY|\+CFUN: \d)\r\n"
)
_LONGEST = 24
_ALIVE = b"alive?"  # what a module is asked that may have been reset
_MOST_HELD = 65536


class ResetWatch:
    """Watches what comes for the text of a module that has started anew.

    Noise may look like it, so the text alone is no proof: after it a module that still multiplexes has `DOUBT` seconds
    to send a frame. Our own frames, echoed by a module in AT mode, do not count; and because they cannot be told from
    those of a module, nothing that comes meanwhile is believed before the doubt is over.

    Args:
        config: of the session.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._decoder = self._fresh()
        self._tail = b""
        self._end = 0
        self._held = b""
        self.deadline: float | None = None
        """When the doubt is over; None while there is none."""
        self.text: str = ""
        """What the module said."""

    def _fresh(self) -> BasicDecoder | AdvancedDecoder:
        n1 = self._config.n1_receive
        return BasicDecoder(n1) if self._config.option is Option.BASIC else AdvancedDecoder(n1)

    def trusts(self, core: Multiplexer, data: bytes) -> bool:
        """Tell whether octets from the line can go to the core as they are; else they have to go by `receive`.

        Args:
            core: of the session.
            data: from the line, in any portions.
        """
        return self.deadline is None and not (core.session_open and self.looks_reset(data))

    def receive(self, core: Multiplexer, data: bytes, now: float) -> list[Event]:
        """Take octets that are not trusted; where they look like a reset still, have the module asked for a frame.

        Args:
            core: of the session.
            data: from the line.
            now: the time.

        Returns:
            What the core tells.
        """
        if self.deadline is not None:
            return self._hold(core, data, now)
        before = _no_frames(core)
        events, rest = core.receive_data(data[: self._end], now), data[self._end :]
        if _no_frames(core) == before:  # it stood in a frame; but what follows may not
            events, rest = events + core.receive_data(rest, now), b""
        if _no_frames(core) > before and core.session_open:
            self.doubt(now)
            core.test(_ALIVE, now)
            return [*events, ResetSuspected(self.text), *self._hold(core, rest, now)]
        return events + core.receive_data(rest, now)

    def _hold(self, core: Multiplexer, data: bytes, now: float) -> list[Event]:
        """Keep what came until a frame of the module has come: what it echoes would lift flow stops, and be read."""
        self.hear(data)
        self._held += data
        if self.deadline is not None and len(self._held) <= _MOST_HELD:
            return []
        held, self._held = self._held, b""
        return core.receive_data(held, now)

    def verdict(self, now: float) -> str | None:
        """Return the sentence for people once the doubt is over and no frame came; None before, or without a doubt."""
        if self.deadline is None or now < self.deadline:
            return None
        self.deadline, self._held = None, b""
        return f"the module was reset: it said {self.text!r}, and no frame after"

    def looks_reset(self, data: bytes) -> bool:
        """Tell whether octets hold such a text; whether it stood in a frame is for the caller to find out.

        Args:
            data: from the line, in any portions.
        """
        found = _BANNER.search(self._tail + data)
        self._end = found.end() - len(self._tail) if found else 0
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


def _no_frames(core: Multiplexer) -> int:
    """Return how many octets and runs of octets were no frames so far."""
    stats = core.stats()
    return cast(int, stats["octets_skipped"]) + sum(cast(dict[str, int], stats["dropped"]).values())
