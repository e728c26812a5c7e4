"""The steps of the dialogues before and after a session, and what they hear.

A dialogue is a generator without clock or line. It yields a `StartupStep` (write this, then listen for this long) and
is sent a `StepResult` (what came, and how long it took); its runner owns the clock and the line.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from ..masking import hidden_anywhere
from .commands import CLD
from .config import Option
from .events import FrameDropped
from .frames import AdvancedDecoder, BasicDecoder, Frame, encode
from .hints import Hint
from .messages import encode_message
from .wire import FrameType

T = TypeVar("T")

STALL: Final = 2.0
"""Seconds after which a line that takes none of the octets of a step is considered lost."""


STALLED: Final = "the line has taken no octet"
"""The beginning of the reason for a line that is lost because it takes nothing."""


def stalled(seconds: float) -> str:
    """Return the reason for a line that is lost because it has taken nothing for a number of seconds."""
    return f"{STALLED} for {seconds:g} s (flow control?)"


class Stall:
    """Whether a line takes what a dialogue writes: it is lost `STALL` seconds after it last took any of that."""

    def __init__(self) -> None:
        self.lost_at: float | None = None
        """When it is lost, unless it takes some before; None: nothing waits for it."""
        self._waiting = 0

    def look(self, waiting: int, now: float) -> str | None:
        """Note how much the line has not taken yet; to be called at least before more is written, and at `lost_at`.

        Args:
            waiting: octets that were written and not taken yet.
            now: seconds on a clock that never runs backwards.

        Returns:
            Why the line is lost; None if it is not.
        """
        progress, self._waiting = waiting < self._waiting, waiting
        if not waiting:
            self.lost_at = None
        elif progress or self.lost_at is None:
            self.lost_at = now + STALL
        return None if self.lost_at is None or now < self.lost_at else stalled(STALL)


@dataclass(frozen=True, slots=True)
class StartupStep:
    """One thing to do on the line."""

    write: bytes
    """Octets to write first; may be empty."""
    wait: float
    """Seconds to wait for octets; 0: do not listen."""
    baudrate: int | None = None
    """Set the line to this rate first; None leaves it as it is."""


class StepResult(NamedTuple):
    """The result of a `StartupStep`."""

    data: bytes
    """The first octets that came; empty when the time ran out."""
    elapsed: float
    """Seconds from the step to its result."""


Dialogue = Generator[StartupStep, StepResult, T]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step of `enter` showed, for `doctor` and for error messages."""

    step: str
    """The step, in a word or two."""
    ok: bool
    """Whether the result is as it should be."""
    text: str
    """The result, as a sentence."""
    hint: Hint | None = None
    """What to do about it, if there is a hint."""


# Numbers of attempts, and seconds.
AT_TRIES: Final = 5
AT_WAIT: float = 0.5
OTHER_TRIES: Final = 3
HANG_UP_WAIT: float = 2.0
GUARD: float = 1.1  # V.250 has 1 s of silence before and after +++
OTHER_WAIT: float = 0.25
LATE_WAIT: float = 0.2
ASK_WAIT: float = 2.0
N1_WAIT: float = 0.5
INIT_WAIT: float = 5.0
CMUX_WAIT: float = 5.0
RESCUE_WAIT: float = 0.3
PROBE_TRIES: Final = 3
_KEPT: Final = 4096  # octets received that are kept for the error message and the search

_FINAL = re.compile(  # 0, 4: after ATV0
    rb"(?:^|[\r\n])(OK|ERROR|CONNECT(?: [^\r\n]*)?|\+CM[ES] ERROR:[^\r\n]*|[04])(?:\r\n|\r|\n)"
)
_PPP = re.compile(rb"\x7e\xff(?:\x03|\x7d\x23)\xc0\x21")  # LCP (RFC 1661, RFC 1662)
BOOTED: Final = re.compile(rb"(?:^|[\r\n])(?:RDY|\^SYSSTART(?: [^\r\n]*)?|SYSTEM START)(?=[\r\n])")
"""What a module says when it has started."""
SWITCHED_OFF: Final = re.compile(rb"(?:^|[\r\n])(?:(?:[A-Z]+[-_ ])*POWER(?:ED)? DOWN|\^SHUTDOWN)(?=[\r\n])")
"""What a module says when it switches itself off."""
_NO_RESULT = re.compile(rb"[+*^%#]|AT|RING\b|(?:RDY|APP RDY|SMS Ready|SMS DONE|Call Ready|PB DONE)$")
"""How the lines begin that are no result of a command: sent unasked, answers to questions, echoes."""
GOOD: Final = (b"OK", b"0")
"""The result codes that mean yes; 0 after ATV0."""
_LONGEST_BANNER: Final = 40  # octets of a line of BOOTED or SWITCHED_OFF that came before the rest of it

_FLAGS = {Option.BASIC: b"\xf9", Option.ADVANCED: b"\x7e"}
RESCUE_SABM: Final = Frame(0, True, FrameType.SABM, True)
_RESCUE_CLD = Frame(0, True, FrameType.UIH, False, encode_message(CLD(), command=True))
MANY_FLAGS: Final = 160
"""Enough flags to complete a frame that was cut off within the module's N1."""


def rescue_frames(option: Option, flags: int = 0) -> bytes:
    """Return the frames that take a module out of multiplexer mode, whether DLCI 0 is open or not: SABM 0, then CLD.

    The CR at their end completes the line that a module in AT mode takes them for.

    Args:
        option: the framing option.
        flags: number of flags before them, for a module that waits for the rest of a frame. They confuse Linux.
    """
    return _FLAGS[option] * flags + encode(RESCUE_SABM, option) + encode(_RESCUE_CLD, option) + b"\r"


class Receiver:
    """What has been received, and how much of it has been understood."""

    def __init__(self) -> None:
        self.text: bytes = b""
        """What has not been understood yet."""
        self.total: int = 0
        """The number of octets received."""
        self.tail: bytes = b""
        """The last octets received, including those that have been understood."""
        self.before: bytes = b""
        """The text before the last result code."""
        self.elapsed: float = 0.0
        """Seconds that were listened."""
        self.ppp: bool = False
        """A PPP link is being set up on the line: the module is in data mode."""
        self.owes: bool = False
        """A question about AT+CMUX was not answered in time, and AT may have overtaken its answer."""
        self.boots: int = 0
        """How often the module has said that it has started."""
        self.off: bool = False
        """The module has said that it switches itself off."""
        self.refusal: bytes | None = None
        """The error that was the answer to AT."""
        self._decoders = {Option.BASIC: BasicDecoder(32767), Option.ADVANCED: AdvancedDecoder(32768)}
        self.speaks: Option | None = None
        """The option of the frames that came and are not an echo of ours."""

    def listen(self, wait: float, write: bytes = b"") -> Dialogue[bytes | None]:
        """Wait for the next final result code; the text before it goes to `before`.

        Returns:
            The result code, or None if none came within `wait` seconds.
        """
        left = wait
        while True:
            found = _FINAL.search(self.text)
            if found and not write:
                self.before, self.text = self.text[: found.start()], self.text[found.end() :]
                return found[1]
            if left <= 0:
                return None
            result = yield StartupStep(write, left)
            write = b""
            # A wait that is cut short because the line is being closed must not make a search endless.
            spent = result.elapsed if result.data else max(left, result.elapsed)
            self.elapsed += spent
            left -= spent
            self._take(result.data)

    def _take(self, data: bytes) -> None:
        self.total += len(data)
        before = self.text[-_LONGEST_BANNER:]
        self.boots += len(BOOTED.findall(before + data)) - len(BOOTED.findall(before))
        self.off |= SWITCHED_OFF.search(before + data) is not None and SWITCHED_OFF.search(before) is None
        self.text = (self.text + data)[-_KEPT:]
        self.tail = (self.tail + data)[-_KEPT:]
        self.ppp |= _PPP.search(self.tail[-len(data) - 8 :]) is not None
        for option, decoder in self._decoders.items():
            if any(_is_a_modules(item) for item in decoder.receive_data(data)):
                self.speaks = option

    def found(self) -> None:
        """Forget what the module said of its state before it was found."""
        self.boots, self.off = 0, False

    def other_result(self, command: str) -> bytes | None:
        """Return the line that came instead of a result code, as ``COMMAND NOT SUPPORT`` does; None: there is none.

        Args:
            command: what was sent; its echo is no answer.
        """
        lines = re.split(rb"[\r\n]+", self.text)[:-1]  # the last one is not complete
        echo = command.encode("ascii")
        answers = (line for line in lines if line and echo not in line and not _NO_RESULT.match(line))
        return next((line for line in answers if line.isascii() and not SWITCHED_OFF.search(line + b"\r")), None)

    def seen(self) -> str:
        """Describe what was received, for an error message."""
        if not self.total:
            return "; not one octet was heard"
        return f"; the last of {self.total} octets heard: {hidden_anywhere(self.tail)[-40:]!r}"


def _is_a_modules(item: Frame | FrameDropped) -> bool:
    """Tell whether this is a frame from a module, and not an echo of `rescue_frames`.

    The C/R bit does not tell them apart, as modules get it wrong; a module neither opens nor closes DLCI 0 unasked.
    """
    if isinstance(item, FrameDropped) or (not item.dlci and item.type in (FrameType.SABM, FrameType.DISC)):
        return False
    return item != _RESCUE_CLD
