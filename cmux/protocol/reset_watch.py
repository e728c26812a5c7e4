"""Detects that a module was reset: a text where frames should be raises the suspicion, and a question confirms it."""

from __future__ import annotations

import re

from .config import Config, Option
from .events import Event, FrameDropped, ResetSuspected
from .frames import AdvancedDecoder, BasicDecoder
from .multiplexer import Multiplexer
from .wire import ADVANCED_FLAG, BASIC_FLAG, FrameType

DOUBT = 0.7
"""Seconds that a module under suspicion has to send a frame."""

# What modules of many makers print when they have started.
_BANNER = re.compile(
    rb"\r\n(RDY|APP RDY|PB DONE|SMS Ready|SMS DONE|Call Ready|\^SYSSTART(?: AIRPLANE MODE)?|\^SHUTDOWN|\+PBREADY|QCRDY|"
    rb"(?:NORMAL|(?:UNDER|OVER)[-_ ]VOLTAGE) POWER DOWN|(?:UNDER|OVER)[-_ ]VOLTAGE WARNN?ING|"
    rb"POWERED DOWN|\*ATREADY: 1|\+CPIN: READY|\+CFUN: \d)\r\n"
)
_LONGEST = 28
_NEW_LINE = b"\r\n"
_ALIVE = b"alive?"  # payload of the Test for a module that may have been reset
_MOST_HELD = 65536


class ResetWatch:
    """Watches what is received for the text of a module that has restarted.

    Noise may look like such a text, so the text alone proves nothing: after it a module that still multiplexes has
    `DOUBT` seconds to send a frame. Our own frames, echoed by a module in AT mode, do not count. As they cannot be told
    from frames of the module, nothing that is received meanwhile is processed before the doubt is over.

    Args:
        config: the parameters of the session.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._decoder = self._fresh()
        self._tail = b""
        self._end = 0
        self._flag = bytes((BASIC_FLAG if config.option is Option.BASIC else ADVANCED_FLAG,))
        self._unframed_before = 0
        self.undecided: bool = False
        """A text has come in what may be a frame, and the end of that has not."""
        self._held = b""
        self._flooded = False
        self.deadline: float | None = None
        """When the doubt is over; None while there is none."""
        self.text: str = ""
        """The text of the module."""

    def _fresh(self) -> BasicDecoder | AdvancedDecoder:
        n1 = self._config.n1_receive
        return BasicDecoder(n1) if self._config.option is Option.BASIC else AdvancedDecoder(n1)

    def trusts(self, core: Multiplexer, data: bytes) -> bool:
        """Tell whether octets from the line can go to the core as they are; otherwise they have to go to `receive`.

        Args:
            core: the multiplexer of the session.
            data: octets from the line, in portions of any size.
        """
        return self.deadline is None and not self.undecided and not (core.session_open and self.looks_reset(data))

    def receive(self, core: Multiplexer, data: bytes, now: float) -> list[Event]:
        """Process octets that are not trusted; if they still look like a reset, ask the module for a frame.

        Args:
            core: the multiplexer of the session.
            data: octets from the line; none when the core may have given up a partial frame.
            now: the time.

        Returns:
            The events of the core.
        """
        events: list[Event] = []
        begins = not self.undecided  # `trusts` has just found a text
        while self.deadline is None:
            if begins:
                self._unframed_before = core.unframed
                events += core.receive_data(data[: self._end], now)
                data = data[self._end :]
            data = self._to_the_end_of_the_frame(core, data, now, events)
            if core.unframed > self._unframed_before and core.session_open:
                self.doubt(now)
                core.test(_ALIVE, now)
                events.append(ResetSuspected(self.text))
            elif self.undecided:
                return events
            else:
                begins = core.session_open and self.looks_reset(data)
                if not begins:
                    return events + core.receive_data(data, now)
        return events + self._hold(core, data, now)

    def _to_the_end_of_the_frame(self, core: Multiplexer, data: bytes, now: float, events: list[Event]) -> bytes:
        """Pass on octets until it is known whether the text was in a frame, and none of those behind it."""
        while core.in_frame and core.unframed == self._unframed_before and data:
            flag = data.find(self._flag) + 1 or len(data)
            events += core.receive_data(data[:flag], now)
            data = data[flag:]
        self.undecided = core.in_frame and core.session_open and core.unframed == self._unframed_before
        return data

    def _hold(self, core: Multiplexer, data: bytes, now: float) -> list[Event]:
        """Hold octets back until a frame of the module comes: an echo would lift flow stops, and be read as data."""
        self.receive_data(data)
        self._held += data
        if self.deadline is None:
            held, self._held = self._held, b""
            return core.receive_data(held, now)
        if len(self._held) > _MOST_HELD:  # so many, and not one frame of a module that lives
            self.deadline, self._held, self._flooded = now, b"", True
        return []

    def verdict(self, now: float) -> str | None:
        """Return the reason, as a sentence, once the doubt is over without a frame; None before, or without a doubt."""
        if self.deadline is None or now < self.deadline:
            return None
        self.deadline, self._held = None, b""
        return f"the module was reset: it said {self.text!r} and then sent no frame"

    def looks_reset(self, data: bytes) -> bool:
        """Tell whether octets contain such a text; the caller has to find out whether it was in a frame.

        Args:
            data: octets from the line, in portions of any size.
        """
        found = None
        if _NEW_LINE in self._tail[-1:] + data:  # such a text ends in one
            found = _BANNER.search(self._tail + data)
        self._end = found.end() - len(self._tail) if found else 0
        self._tail = b"" if found else (self._tail + data[-_LONGEST:])[-_LONGEST:]
        if found is None or self.deadline is not None:
            return False
        self.text = found[1].decode("ascii")
        return True

    def doubt(self, now: float) -> None:
        """Start waiting for a frame."""
        self._decoder = self._fresh()
        self.deadline, self._flooded, self.undecided = now + DOUBT, False, False

    def receive_data(self, data: bytes) -> None:
        """Process later octets: a frame of the module ends the doubt."""
        if self.deadline is None or self._flooded:
            return
        for item in self._decoder.receive_data(data):
            if not isinstance(item, FrameDropped) and (
                item.type in (FrameType.UA, FrameType.DM)
                or (item.type in (FrameType.UIH, FrameType.UI) and not item.cr)
            ):
                self.deadline = None
                return
