"""From AT commands to frames: commands of the user, AT+CMUX, its baud rate, and the silence before the first frame.

These are the dialogues of `startup.enter` with a module that answers AT.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from ..masking import masked
from . import at_ipr
from . import startup_steps as steps
from .asking import ask_once, resynchronise
from .at_cmux import N1, Allowed, CmuxCommand, parse_allowed, parse_current
from .cause import Cause
from .config import Config, Option
from .diagnosis import cmux_unanswered, question_lost, refusal
from .errors import CmuxRefused, ConfigError, ModuleSilent, SessionEnded
from .hints import Hint
from .leaving import WayBack
from .start_options import START_RANGES
from .startup_steps import GOOD, Dialogue, Finding, Receiver, StartupStep, rescue_frames

USUAL_RATE: Final = 115200
"""The rate to which modules change that change their rate unasked."""

_MOMENT: Final = 0.0005  # seconds: clocks differ by as much
_CUT_SHORT: Final = 20  # waits that end early without octets: more of them mean that the line is being closed
_SETTLE_LIMIT: Final = START_RANGES["settle"][1]


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
    form: str = ""
    """The command that was answered with OK."""
    settle: float = 0.0
    """Seconds of silence before the first frame."""
    leave_pause: float = 0.0
    """Seconds of silence when multiplexer mode has ended; see `StartOptions.leave_pause`."""
    rates: tuple[int, ...] = ()
    """Other rates at which it may be, if it does not answer SABM at that of the line."""
    at_rate: int | None = None
    """The rate of AT mode, if the line has one."""
    way: WayBack | None = None
    """How the line comes back to that, if it was changed."""
    asked_rate: int | None = None
    """The rate of multiplexer mode that the user asked for."""
    warnings: tuple[str, ...] = ()
    """What did not prevent it, and the user should know."""

    def follow(self, rate: int) -> Entered:
        """Return the same for a line that was set to another rate after AT+CMUX."""
        if self.at_rate is None:
            return replace(self, way=None)
        if self.way is None or not self.way.by_command:
            return replace(self, way=WayBack(self.at_rate, rate))
        return replace(self, way=replace(self.way, mux_rate=rate, told=self.way.told or self.way.mux_rate))


def settle(seconds: float, rate: int | None = None) -> Dialogue[bytes]:
    """Send nothing until a line has been silent for a while.

    Args:
        seconds: how long; a module that does not stop to send gets its first frame after 4.5 s.
        rate: set the line to this rate first; None leaves it as it is.

    Returns:
        The octets that came.

    Raises:
        SessionEnded: the line is being closed, and the silence is not over.
    """
    if rate is not None:
        yield StartupStep(b"", 0.0, rate)
    heard, left, wait, cut_short = b"", max(seconds, _SETTLE_LIMIT), seconds, 0
    while wait > _MOMENT:
        if cut_short >= _CUT_SHORT:
            raise SessionEnded(Cause.LOCAL, "the line is being closed")
        result = yield StartupStep(b"", wait)
        heard += result.data
        left -= result.elapsed
        wait = min(seconds, left) if result.data else wait - result.elapsed
        cut_short += not result.data
    return heard


def initialise(name: str, receiver: Receiver, command: CmuxCommand, report: list[Finding]) -> Dialogue[CmuxCommand]:
    """Send the commands of `StartOptions.init`.

    Args:
        name: the name of the port, for the error messages.
        receiver: what has been received.
        command: how AT+CMUX is sent.
        report: gets what each command showed.

    Returns:
        How AT+CMUX is sent to a module that AT+IPR may have set to another rate.

    Raises:
        ModuleSilent: it does not answer any more.
    """
    for text in command.start.init:
        answer, told = (yield from ask_once(receiver, text, steps.INIT_WAIT)), masked(text)
        rate = at_ipr.rate_in(text)
        if answer is None:
            said = f"{told} is not answered within {steps.INIT_WAIT:g} s"
            report.append(Finding("init", False, said))
            if not (rate and command.baudrate):
                yield from resynchronise(name, receiver, f"{said}, and", waited=steps.INIT_WAIT)
        elif answer not in GOOD:
            rate = 0
            report.append(Finding("init", False, f"{told} is answered with {answer.decode('ascii', 'replace')}"))
        else:
            report.append(Finding("init", True, f"{told} is answered with OK"))
        if rate:  # some answer at the new rate already
            command = yield from at_ipr.follow(name, receiver, command, rate, late=answer is None)
    return command


def multiplex(
    name: str, receiver: Receiver, command: CmuxCommand, rate: int | None, report: list[Finding]
) -> Dialogue[Entered]:
    """Bring a module that answers AT into multiplexer mode.

    Args:
        name: the name of the port, for the error messages.
        receiver: what has been received.
        command: how AT+CMUX is sent, with the rate that the line had at first.
        rate: the rate at which the module was found; None: that of the line.
        report: gets what each step showed.

    Raises:
        ModuleSilent: no answer.
        CmuxRefused: every form was answered with an error, or the module lists other options.
    """
    way: WayBack | None = None
    asked_rate = command.start.mux_baudrate
    first, command = command.baudrate, replace(command, baudrate=rate or command.baudrate)
    if rate is not None and first is not None and rate == command.start.mux_baudrate:
        way = WayBack(first, rate, by_command=True)  # a session before this one has left it there
    command = yield from initialise(name, receiver, command, report)
    at_rate = first if way is not None else command.baudrate
    forms = _Forms(name, receiver, command, report, way)
    yield from forms.begin()
    while (form := (yield from forms.next())) is not None:
        answer = yield from ask_once(receiver, form, steps.CMUX_WAIT)
        if receiver.owes and answer in GOOD and parse_current(receiver.before):  # that is how AT+CMUX? is answered
            answer = (yield from receiver.listen(steps.ASK_WAIT)) or answer
        if answer is None:
            answer = yield from forms.unanswered(form)
        if answer in GOOD or answer.startswith(b"CONNECT"):
            report.append(Finding("AT+CMUX", True, f"{form} is answered with {'OK' if answer in GOOD else 'CONNECT'}"))
            config = forms.command.config
            entered = Entered(b"", config, False, rate, form, at_rate=at_rate, way=forms.way, asked_rate=asked_rate)
            return (yield from _enter(receiver, forms.command, entered, report))
        forms.refused[form] = answer.decode("ascii", "replace")
    if forms.way is not None:  # no session is going to bring it back
        yield from receiver.listen(steps.AT_WAIT, b"AT+IPR=%d\r" % forms.way.at_rate)
        yield StartupStep(b"", 0.0, forms.way.at_rate)
    said = forms.refusal()
    report.append(Finding("AT+CMUX", False, said))
    raise CmuxRefused(name, said, forms.hint())


class _Forms:
    """Which form of AT+CMUX is tried next, and what is known about the module.

    Args:
        name: the name of the port, for the error messages.
        receiver: what has been received.
        command: how AT+CMUX is sent.
        report: gets what each step showed.
        way: the way back to the first rate, if AT+IPR has changed it already.
    """

    def __init__(
        self, name: str, receiver: Receiver, command: CmuxCommand, report: list[Finding], way: WayBack | None
    ) -> None:
        self.command = command
        self.way = way
        self.refused: dict[str, str] = {}
        """The forms that were answered with an error, and that."""
        self._name, self._receiver, self._report = name, receiver, report
        self._allowed: Allowed | None = None
        self._current: dict[str, int] | None = None
        self._forms: list[str] = []
        self._moved = way is not None

    def begin(self) -> Dialogue[None]:
        """Ask the module what is to be asked, and work out the first forms."""
        if self.command.asks:
            yield from self._ask()
        elif self.command.asks_n1:
            answered = yield from _ask_n1(self._name, self._receiver, self.command, self._report)
            self.command, self._current = answered
        if self.command.new_rate is None or self.command.speed is not None or self.command.start.start_command:
            self._forms = self._asked() or list(self.command.forms())

    def next(self) -> Dialogue[str | None]:
        """Return the next form to try; None: there is none."""
        if not self._forms and self.command.new_rate is not None and not self._moved:
            self._moved = True
            self.command, self.way = yield from at_ipr.move(self._name, self._receiver, self.command, self.refused)
            if self.way is not None:  # at the new rate what was refused before may be accepted
                self.refused = {form: answer for form, answer in self.refused.items() if "IPR" in form}
                self._forms = self._asked() or list(self.command.forms())
        if not self._forms and self._allowed is None and not self.command.start.start_command:
            with suppress(ModuleSilent):  # what was refused says more
                yield from self._ask()  # the last resort
            self._forms = [form for form in self._asked() if form not in self.refused]
        return self._forms.pop(0) if self._forms else None

    def unanswered(self, form: str) -> Dialogue[bytes]:
        """Return the answer of a module that says neither OK nor ERROR, but something; others raise `ModuleSilent`."""
        heard, line = self._receiver, self._receiver.other_result(form)
        # It may have switched nevertheless, and just now.
        yield from settle(self.command.start.settle)
        yield from heard.listen(steps.RESCUE_WAIT, rescue_frames(self.command.config.option))
        if line is not None and heard.speaks is None and not (heard.boots or heard.off):
            yield from resynchronise(self._name, heard, f"{form} is answered with {line.decode()}, and")
            return line
        what = "nothing" if line is None and not (heard.boots or heard.off) else "neither OK nor ERROR"
        said = f"the module answers AT but said {what} within {steps.CMUX_WAIT:g} s to {form}{heard.seen()}"
        self._report.append(Finding("AT+CMUX", False, said))
        raise ModuleSilent(self._name, said, cmux_unanswered(heard))

    def _ask(self) -> Dialogue[None]:
        answered = yield from _ask(self._name, self._receiver, self.command, self._report, self._current)
        self.command, self._allowed, self._current = answered

    def _asked(self) -> list[str]:
        untold = self.command.new_rate is not None and self.command.speed is None
        if self._allowed is None or untold or self.command.start.start_command:
            return []
        asked = self.command.asked_forms(self._allowed, self._current or {})
        return list(dict.fromkeys((*asked, *self.command.forms())))

    def refusal(self) -> str:
        """Return what was refused, as text."""
        allowed, n1 = self._allowed, self.command.config.n1
        options = "" if allowed is None else f"; AT+CMUX=? allows {_named(allowed.options)}"
        if allowed is not None and not allowed.allows(N1, n1):
            options += f", and as N1 {allowed.shown(N1)}"
        rate = "" if self.command.new_rate is None else f" with mux_baudrate = {self.command.new_rate}"
        answers = "; ".join(f"{form} -> {answer}" for form, answer in self.refused.items())
        return f"the module refused to multiplex{rate}: {answers}{options}"

    def hint(self) -> Hint:
        """Return what to do about that."""
        return refusal(self.command, self._allowed, self.refused.values())


def _enter(receiver: Receiver, command: CmuxCommand, entered: Entered, report: list[Finding]) -> Dialogue[Entered]:
    """Set the line to the rate of multiplexer mode, and let the module settle."""
    rate, seconds = command.new_rate if entered.way is None else None, command.start.settle
    heard = receiver.text + (yield from settle(seconds, rate))
    if seconds:
        report.append(Finding("settle", True, f"nothing was sent for {seconds:g} s after OK"))
    if rate is not None:
        entered = entered.follow(rate)
        report.append(Finding("rate", True, f"the line is at {rate} baud now"))
    now = rate or command.baudrate
    others = (command.told_rate(entered.form), USUAL_RATE, entered.at_rate) if now is not None else ()
    return replace(
        entered,
        unread=heard,
        settle=seconds,
        leave_pause=command.start.leave_pause,
        rates=tuple(dict.fromkeys(one for one in others if one is not None and one != now)),
        warnings=tuple(finding.text for finding in report if finding.step == "init" and not finding.ok),
    )


# --- Questions about AT+CMUX ---


def _ask_n1(
    name: str, receiver: Receiver, command: CmuxCommand, report: list[Finding]
) -> Dialogue[tuple[CmuxCommand, dict[str, int]]]:
    """Ask the module for its own N1; whatever else it answers, the default stays."""
    answer = yield from ask_once(receiver, "AT+CMUX?", steps.N1_WAIT)
    if answer is None:
        report.append(Finding("AT+CMUX?", True, f"no answer within {steps.N1_WAIT:g} s: N1 stays {command.config.n1}"))
        yield from _unasked(name, receiver, "AT+CMUX?", steps.N1_WAIT)
        return command, {}
    current = parse_current(receiver.before) if answer in GOOD else {}
    return _own_n1(command, current, report), current


def _unasked(name: str, receiver: Receiver, question: str, waited: float) -> Dialogue[None]:
    """Go on without the answer to a question, which may still come."""
    receiver.owes, why = True, f"{question} is not answered, and"
    yield from resynchronise(name, receiver, why, waited=waited, hint=question_lost(receiver))


def _own_n1(command: CmuxCommand, current: dict[str, int], report: list[Finding]) -> CmuxCommand:
    n1 = current.get("N1", 0)
    if not n1:
        report.append(Finding("AT+CMUX?", True, f"the module tells no N1 of its own: it stays {command.config.n1}"))
        return command
    try:
        command = command.with_n1(n1)
        report.append(Finding("AT+CMUX?", True, f"the module's own N1 is {n1}"))
    except ConfigError as error:
        report.append(Finding("AT+CMUX?", False, f"the module's own N1 cannot be used: {error}"))
    return command


def _ask(
    name: str,
    receiver: Receiver,
    command: CmuxCommand,
    report: list[Finding],
    current: dict[str, int] | None = None,
) -> Dialogue[tuple[CmuxCommand, Allowed | None, dict[str, int]]]:
    """Ask the module for the ranges and, unless they are known, for the current values."""
    allowed = parse_allowed((yield from _told(name, receiver, "AT+CMUX=?")))
    if current is None:
        current = parse_current((yield from _told(name, receiver, "AT+CMUX?")))
    if allowed is not None:
        report.append(Finding("AT+CMUX=?", True, f"options: {_named(allowed.options)}"))
    if allowed is not None and not allowed.allows(N1, current.get("N1", 0)):
        with suppress(ConfigError):
            command = command.with_n1(allowed.nearest(N1, command.config.n1))
    elif current.get("N1"):
        command = _own_n1(command, current, report)
    return command, allowed, current


def _told(name: str, receiver: Receiver, question: str) -> Dialogue[bytes]:
    """Return what the module says to a question, if it ends with OK."""
    answer = yield from ask_once(receiver, question, steps.ASK_WAIT)
    if answer is None:
        yield from _unasked(name, receiver, question, steps.ASK_WAIT)
    return receiver.before if answer in GOOD else b""


def _named(options: Sequence[Option]) -> str:
    return " and ".join(option.value for option in options) or "no option that is supported here"
