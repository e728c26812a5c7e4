"""Into multiplexer mode and out of it: what is said in AT mode, as generators without clock or line.

A dialogue yields `Step` (write this, then listen so long) and is sent `Heard` (what came, and how long that took);
whoever runs it owns the clock and the line. No single step waits without a bound, and neither does their sum.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from .commands import CLD
from .config import Config, Option
from .errors import CmuxRefused, ModuleSilent, NoMultiplexer
from .frames import Frame, encode
from .messages import encode_message
from .wire import FrameType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on the line."""

    write: bytes
    """Octets to write first; may be empty."""
    wait: float
    """Seconds to wait for octets; 0: do not listen."""


class Heard(NamedTuple):
    """What came of a `Step`."""

    data: bytes
    """Octets, as soon as there were any; empty when the time ran out."""
    elapsed: float
    """Seconds from the step to its result."""


Dialogue = Generator[Step, Heard, T]

_AT_TRIES = 5
_AT_WAIT = 0.5
_LATE_WAIT = 0.2
_CMUX_WAIT = 5.0
_RESCUE_AFTER = 2
_RESCUE_WAIT = 0.3
_PROBE_TRIES = 3
_KEPT = 4096  # octets of what was heard that are kept for the error message and the search

_FINAL = re.compile(rb"(?:^|[\r\n])(OK|ERROR|\+CM[ES] ERROR:[^\r\n]*|[04])(?:\r\n|\r|\n)")  # 0, 4: after ATV0
_GOOD = (b"OK", b"0")

_MODES = {Option.BASIC: 0, Option.ADVANCED: 1}  # 27.007 5.7
_PORT_SPEEDS = {9600: 1, 19200: 2, 38400: 3, 57600: 4, 115200: 5, 230400: 6}


def command_forms(config: Config, *, n1_given: bool, baudrate: int | None) -> tuple[str, ...]:
    """Say which forms of AT+CMUX to try, in order (27.007 §5.7).

    Args:
        config: the parameters of the session.
        n1_given: the user asked for this N1, so the module has to hear it.
        baudrate: of the line; None where it has none.

    Returns:
        The shortest form first, which nearly every module takes; then the one that some want.
    """
    mode = _MODES[config.option]
    speed = _PORT_SPEEDS.get(baudrate or 0, "")
    full = f"AT+CMUX={mode},0,{speed},{config.n1}"
    return (full,) if n1_given else (f"AT+CMUX={mode}", full)


def rescue_frames(option: Option) -> bytes:
    """Return what takes a module out of multiplexer mode whether or not its DLCI 0 is open: SABM 0, then CLD.

    The CR behind them ends what a module in AT mode makes of it.
    """
    sabm = encode(Frame(0, True, FrameType.SABM, True), option)
    cld = encode(Frame(0, True, FrameType.UIH, False, encode_message(CLD(), command=True)), option)
    return sabm + cld + b"\r"


class _Ear:
    """What has been heard, and how far it has been understood."""

    def __init__(self) -> None:
        self.text = b""
        self.total = 0

    def listen(self, wait: float, write: bytes = b"") -> Dialogue[bytes | None]:
        """Wait for the next final result code; what stood before it is forgotten.

        Returns:
            The result code, or None after so many seconds without one.
        """
        left = wait
        while True:
            found = _FINAL.search(self.text)
            if found and not write:
                self.text = self.text[found.end() :]
                return found[1]
            if left <= 0:
                return None
            heard = yield Step(write, left)
            write = b""
            left -= heard.elapsed
            self.total += len(heard.data)
            self.text = (self.text + heard.data)[-_KEPT:]
            if not heard.data:
                left = 0.0


def enter(name: str, option: Option, forms: tuple[str, ...]) -> Dialogue[bytes]:
    """Bring a module from AT mode into multiplexer mode.

    Echo, unsolicited results and junk are read over. A module that does not answer at first may still be multiplexing
    for a host that died: it is told to close down, and asked again.

    Args:
        name: of the port, for the error messages.
        option: the framing.
        forms: of AT+CMUX, from `command_forms`.

    Returns:
        The octets that followed the OK: they belong to the multiplexer.

    Raises:
        ModuleSilent: no answer to AT, or none to AT+CMUX.
        CmuxRefused: every form was answered with an error.
    """
    ear = _Ear()
    yield from _wake(name, option, ear)
    refused: list[str] = []
    for form in forms:
        ear.text = b""
        answer = yield from ear.listen(_CMUX_WAIT, form.encode() + b"\r")
        if answer is None:
            yield from ear.listen(_RESCUE_WAIT, rescue_frames(option))  # it may have switched without a word
            raise ModuleSilent(
                f"{name}: the module answers AT but said nothing within {_CMUX_WAIT:g} s to {form}{_seen(ear)}"
            )
        if answer in _GOOD:
            return ear.text
        refused.append(f"{form} -> {answer.decode('ascii', 'replace')}")
    raise CmuxRefused(
        f"{name}: the module refused to multiplex: {'; '.join(refused)} "
        "(it may need other parameters, another option, or have no multiplexer)"
    )


def _wake(name: str, option: Option, ear: _Ear) -> Dialogue[None]:
    for tried in range(1, _AT_TRIES + 1):
        if (yield from ear.listen(_AT_WAIT, b"AT\r")) in _GOOD:
            break
        if tried == _RESCUE_AFTER and ear.total == 0:
            yield from ear.listen(_RESCUE_WAIT, rescue_frames(option))
    else:
        raise ModuleSilent(
            f"{name}: no answer to AT, asked {_AT_TRIES} times{_seen(ear)} "
            "(is it switched on, the baud rate right, the port the one for AT commands?)"
        )
    # Answers to the earlier ones that come late must not be taken for the answer to AT+CMUX.
    for _ in range(1, tried):
        if (yield from ear.listen(_LATE_WAIT)) is None:
            break


def _seen(ear: _Ear) -> str:
    return f"; the last of {ear.total} octets heard: {ear.text[-40:]!r}" if ear.total else "; not one octet was heard"


def leave(option: Option, *, close_down: bool) -> Dialogue[bool]:
    """Make sure that the module is back in AT mode.

    Args:
        option: the framing of the session.
        close_down: say CLD first, because the session was never properly closed.

    Returns:
        True when the module answered AT.
    """
    ear = _Ear()
    if close_down:
        yield from ear.listen(_RESCUE_WAIT, rescue_frames(option))
    for _ in range(_PROBE_TRIES):
        if (yield from ear.listen(_AT_WAIT, b"AT\r")) in _GOOD:
            return True
    return False


def no_multiplexer(name: str, option: Option, heard: bytes, *, after_at: bool) -> NoMultiplexer:
    """Make the exception for "OK to AT+CMUX, but no UA".

    Args:
        name: of the port.
        option: the framing that was tried.
        heard: the first octets that came after the OK.
        after_at: False when there was no AT+CMUX at all.

    Returns:
        The exception, not raised.
    """
    sabm = encode(Frame(0, True, FrameType.SABM, True), option)
    if not heard:
        hint = "not one octet came; it may have changed its baud rate, or need a longer T1 or larger N2"
    elif sabm in heard:
        hint = "our own SABM came back: the line echoes, or is looped back"
    else:
        hint = f"what came begins with {heard[:20].hex(' ')}; is {option.value} the right option?"
    said = "OK received, no UA" if after_at else "no UA"
    return NoMultiplexer(f"{name}: {said}: SABM for DLCI 0 was not answered ({hint})")
