"""Entering and leaving multiplexer mode: the dialogues before and after a session, as generators without clock or line.

A dialogue yields a `StartupStep` (write this, then listen for this long) and is sent a `StepResult` (what came, and how
long it took); its runner owns the clock and the line. Each step has a time limit, and so has the whole dialogue.

The steps of `enter`: AT; the frames that take a module out of the multiplexer mode in which a host that died left it,
in either option; the same at other baud rates; a module that answers frames but not AT is adopted; then AT+CMUX.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeVar

from .at_cmux import N1, Allowed, CmuxCommand, parse_allowed, parse_current
from .commands import CLD
from .config import Config, Option
from .errors import CmuxRefused, ConfigError, ModuleSilent, NoMultiplexer
from .events import FrameDropped
from .frames import AdvancedDecoder, BasicDecoder, Frame, encode
from .messages import encode_message
from .wire import FrameType

T = TypeVar("T")

OTHER_RATES = (115200, 9600, 921600, 460800, 230400, 57600, 38400, 19200)
"""Baud rates to try when a module does not answer, the usual ones first."""

STALL: Final = 2.0
"""Seconds after which a line that takes none of the octets of a step is considered lost."""


def stalled(seconds: float) -> str:
    """Return the reason for a line that is lost because it has taken nothing for a number of seconds."""
    return f"the line has taken no octet for {seconds:g} s (flow control?)"


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


@dataclass(frozen=True, slots=True)
class Entered:
    """A module in multiplexer mode."""

    unread: bytes
    """Octets behind the OK to AT+CMUX: they belong to the multiplexer."""
    config: Config
    """The parameters of the session, with the N1 of the module where it was asked."""
    adopted: bool
    """It was found multiplexing and does not answer AT: closing down will not bring it back to AT mode."""
    baudrate: int | None
    """The rate at which it was found; None: the rate that the line had."""


_AT_TRIES = 5
_AT_WAIT = 0.5
_OTHER_TRIES = 3
_OTHER_WAIT = 0.25
_LATE_WAIT = 0.2
_ASK_WAIT = 2.0
_CMUX_WAIT = 5.0
_RESCUE_WAIT = 0.3
_PROBE_TRIES = 3
_KEPT = 4096  # octets received that are kept for the error message and the search

_FINAL = re.compile(rb"(?:^|[\r\n])(OK|ERROR|\+CM[ES] ERROR:[^\r\n]*|[04])(?:\r\n|\r|\n)")  # 0, 4: after ATV0
_GOOD = (b"OK", b"0")

_FLAGS = {Option.BASIC: b"\xf9", Option.ADVANCED: b"\x7e"}
_RESCUE_SABM = Frame(0, True, FrameType.SABM, True)
_RESCUE_CLD = Frame(0, True, FrameType.UIH, False, encode_message(CLD(), command=True))
_MANY_FLAGS = 160  # enough to complete a frame that was cut off within the module's N1


def rescue_frames(option: Option, flags: int = 0) -> bytes:
    """Return the frames that take a module out of multiplexer mode, whether DLCI 0 is open or not: SABM 0, then CLD.

    The CR at their end completes the line that a module in AT mode takes them for.

    Args:
        option: the framing option.
        flags: number of flags before them, for a module that waits for the rest of a frame. They confuse Linux.
    """
    return _FLAGS[option] * flags + encode(_RESCUE_SABM, option) + encode(_RESCUE_CLD, option) + b"\r"


class _Receiver:
    """What has been received, and how much of it has been understood."""

    def __init__(self) -> None:
        self.text = b""
        self.total = 0
        self.tail = b""
        """The last octets received, including those that have been understood."""
        self.before = b""
        """The text before the last result code."""
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
            left -= result.elapsed
            self._take(result.data)
            if not result.data:
                left = 0.0

    def _take(self, data: bytes) -> None:
        self.total += len(data)
        self.text = (self.text + data)[-_KEPT:]
        self.tail = (self.tail + data)[-_KEPT:]
        for option, decoder in self._decoders.items():
            if any(_is_a_modules(item) for item in decoder.receive_data(data)):
                self.speaks = option

    def seen(self) -> str:
        """Describe what was received, for an error message."""
        if not self.total:
            return "; not one octet was heard"
        return f"; the last of {self.total} octets heard: {self.tail[-40:]!r}"


def _is_a_modules(item: Frame | FrameDropped) -> bool:
    """Tell whether this is a frame from a module, and not an echo of `rescue_frames`.

    The C/R bit does not tell them apart, as modules get it wrong; a module neither opens nor closes DLCI 0 unasked.
    """
    if isinstance(item, FrameDropped) or (not item.dlci and item.type in (FrameType.SABM, FrameType.DISC)):
        return False
    return item != _RESCUE_CLD


def enter(
    name: str, command: CmuxCommand, *, other_rates: Sequence[int] = (), findings: list[Finding] | None = None
) -> Dialogue[Entered]:
    """Bring a module into multiplexer mode, whatever state it is in.

    Echo, unsolicited results and junk are skipped.

    Args:
        name: the name of the port, for the error messages.
        command: how AT+CMUX is sent.
        other_rates: baud rates to try when the module does not answer at the rate of the line.
        findings: gets what each step showed.

    Returns:
        What the session starts from.

    Raises:
        ModuleSilent: no answer to AT or to frames, or none to AT+CMUX.
        CmuxRefused: every form was answered with an error, or the module lists other options.
    """
    report = [] if findings is None else findings
    option = command.config.option
    tried: list[str] = []
    receiver = _Receiver()
    for rate in (None, *other_rates):
        if rate is not None:
            yield StartupStep(b"", 0.0, rate)
            receiver.text = b""
        tries, wait = (_AT_TRIES, _AT_WAIT) if rate is None else (_OTHER_TRIES, _OTHER_WAIT)
        if (yield from _wake(receiver, option, tries, wait)):
            where = "" if rate is None else f" at {rate} baud, and not at that of the line"
            echo = "on" if b"AT\r" in receiver.tail else "off"
            report.append(Finding("AT", rate is None, f"the module answers{where}; echo is {echo}"))
            command = replace(command, baudrate=rate or command.baudrate)
            return (yield from _multiplex(name, receiver, command, rate, report))
        if receiver.speaks is not None:
            report.append(Finding("AT", False, f"no answer, but frames of the {receiver.speaks.value} option"))
            return _adopt(name, receiver.speaks, command.config, rate, report)
        tried.append("" if rate is None else str(rate))
    rates = f", then at {', '.join(tried[1:])} baud" if other_rates else ""
    said = f"no answer to AT, asked {_AT_TRIES} times{rates}{receiver.seen()}"
    report.append(Finding("AT", False, said))
    raise ModuleSilent(f"{name}: {said} (is it switched on? is the baud rate right? is this the port for AT commands?)")


def _wake(receiver: _Receiver, option: Option, tries: int, wait: float) -> Dialogue[bool]:
    """Send AT until it is answered; in between take the module out of multiplexer mode, in case it is in it."""
    other = Option.ADVANCED if option is Option.BASIC else Option.BASIC
    rescues = [rescue_frames(option), rescue_frames(other), rescue_frames(option, _MANY_FLAGS)]
    for tried in range(1, tries + 1):
        if (yield from receiver.listen(wait, b"AT\r")) in _GOOD:
            # Late answers to earlier attempts must not be taken for the answer to AT+CMUX.
            for _ in range(1, tried):
                if (yield from receiver.listen(_LATE_WAIT)) is None:
                    break
            return True
        if tried >= 2 - (tries < _AT_TRIES) and tried < tries:
            yield from receiver.listen(_RESCUE_WAIT, rescues.pop(0))
    return False


def _adopt(name: str, speaks: Option, config: Config, rate: int | None, report: list[Finding]) -> Entered:
    if speaks is not config.option:
        raise ModuleSilent(
            f"{name}: the module does not answer AT, but multiplexes with the {speaks.value} option: "
            f'use option="{speaks.value}"'
        )
    report.append(Finding("AT+CMUX", True, "not needed: the module multiplexes already, and is taken over as it is"))
    return Entered(b"", config, True, rate)


def _multiplex(
    name: str, receiver: _Receiver, command: CmuxCommand, rate: int | None, report: list[Finding]
) -> Dialogue[Entered]:
    allowed: Allowed | None = None
    forms: list[str] = []
    if command.asks:
        command, allowed, forms = yield from _ask(receiver, command, report)
    forms = forms or list(command.forms())
    refused: dict[str, str] = {}
    while forms:
        form = forms.pop(0)
        receiver.text = b""
        answer = yield from receiver.listen(_CMUX_WAIT, form.encode() + b"\r")
        if answer is None:
            # It may have switched nevertheless.
            yield from receiver.listen(_RESCUE_WAIT, rescue_frames(command.config.option))
            said = f"the module answers AT but said nothing within {_CMUX_WAIT:g} s to {form}{receiver.seen()}"
            report.append(Finding("AT+CMUX", False, said))
            raise ModuleSilent(f"{name}: {said}")
        if answer in _GOOD:
            report.append(Finding("AT+CMUX", True, f"{form} is answered with OK"))
            return Entered(receiver.text, command.config, False, rate)
        refused[form] = answer.decode("ascii", "replace")
        if not forms and allowed is None:  # last resort: ask the module what it accepts
            command, allowed, forms = yield from _ask(receiver, command, report)
            forms = [form for form in forms if form not in refused]
    options = "" if allowed is None else f"; AT+CMUX=? allows {_named(allowed.options)}"
    if allowed is not None and not allowed.allows(N1, command.config.n1):
        options += f", and as N1 {allowed.shown(N1)}"
    refusals = "; ".join(f"{form} -> {answer}" for form, answer in refused.items())
    said = f"the module refused to multiplex: {refusals}{options}"
    report.append(Finding("AT+CMUX", False, said))
    raise CmuxRefused(f"{name}: {said} (it may need other parameters, another option, or have no multiplexer)")


def _ask(
    receiver: _Receiver, command: CmuxCommand, report: list[Finding]
) -> Dialogue[tuple[CmuxCommand, Allowed | None, list[str]]]:
    """Ask the module for the ranges and the current values, and derive from them the command and the forms to try."""
    texts = []
    for question in (b"AT+CMUX=?", b"AT+CMUX?"):
        receiver.text = b""
        answer = yield from receiver.listen(_ASK_WAIT, question + b"\r")
        texts.append(receiver.before if answer in _GOOD else b"")
    allowed, current = parse_allowed(texts[0]), parse_current(texts[1])
    if allowed is not None:
        report.append(Finding("AT+CMUX=?", True, f"options: {_named(allowed.options)}"))
    n1 = current.get("N1")
    if allowed is not None and not allowed.allows(N1, n1 or 0):
        with suppress(ConfigError):
            command = command.with_n1(allowed.nearest(N1, command.config.n1))
    elif n1:
        try:
            command = command.with_n1(n1)
            report.append(Finding("AT+CMUX?", True, f"the module's own N1 is {n1}"))
        except ConfigError as error:
            report.append(Finding("AT+CMUX?", False, f"the module's own N1 cannot be used: {error}"))
    forms = () if allowed is None else (*command.asked_forms(allowed, current), *command.forms())
    return command, allowed, list(dict.fromkeys(forms))


def _named(options: Sequence[Option]) -> str:
    return " and ".join(option.value for option in options) or "no option that is supported here"


def leave(option: Option, *, close_down: bool) -> Dialogue[bool]:
    """Make sure that the module is back in AT mode.

    Args:
        option: the framing of the session.
        close_down: send CLD first, because the session was never properly closed.

    Returns:
        True when the module answered AT.
    """
    receiver = _Receiver()
    if close_down:
        yield from receiver.listen(_RESCUE_WAIT, rescue_frames(option))
    for _ in range(_PROBE_TRIES):
        if (yield from receiver.listen(_AT_WAIT, b"AT\r")) in _GOOD:
            return True
    return False


def no_multiplexer(
    name: str, option: Option, received: bytes, *, after_at: bool, refused: bool = False
) -> NoMultiplexer | CmuxRefused:
    """Create the exception for "OK to AT+CMUX, but no UA".

    Args:
        name: the name of the port.
        option: the framing option that was tried.
        received: the first octets that were received after the OK.
        after_at: False when there was no AT+CMUX at all.
        refused: DLCI 0 was answered with DM.

    Returns:
        The exception, not raised.
    """
    if refused:
        hint = "some modules do this but still serve data channels: adm=True"
        return CmuxRefused(f"{name}: SABM for DLCI 0 was refused (DM): it has no control channel ({hint})")
    sabm = encode(_RESCUE_SABM, option)
    if not received:
        hint = "not one octet came; it may have changed its baud rate, or need a longer T1 or larger N2"
    elif sabm in received:
        hint = "our own SABM came back: the line echoes, or is looped back"
    else:
        hint = f"what came begins with {received[:20].hex(' ')}; is {option.value} the right option?"
    said = "OK received, no UA" if after_at else "no UA"
    return NoMultiplexer(f"{name}: {said}: SABM for DLCI 0 was not answered ({hint})")
