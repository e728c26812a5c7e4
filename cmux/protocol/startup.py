"""Entering multiplexer mode, and the message when that fails: dialogues as generators without clock or line.

Each step has a time limit, and so has the whole dialogue. The steps of `enter`: AT; the frames that take a module out
of the multiplexer mode in which a host that died left it, in either option; +++ for one that was left in data mode; the
same at other baud rates, and again at that of the line, until the time is over; a module that answers frames but not AT
is adopted; then `hand_over`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from ..masking import hidden_anywhere
from . import startup_steps as steps
from .asking import let_come, resynchronise
from .at_cmux import CmuxCommand
from .config import Config, Option
from .diagnosis import Unanswered, is_text, no_answer_to_at, no_answer_to_sabm
from .errors import CmuxRefused, ModuleSilent, NoMultiplexer
from .hand_over import Entered, multiplex
from .hints import HINTS
from .startup_steps import GOOD, MANY_FLAGS, Dialogue, Finding, Receiver, StartupStep, rescue_frames

OTHER_RATES = (115200, 9600, 921600, 460800, 230400, 57600, 38400, 19200)
"""Baud rates to try when a module does not answer, the usual ones first."""

_BOOTS = 3  # a module that starts more often than this has another problem
_SHOWN = 20  # octets of what came instead of UA
_LATE = 5.0  # seconds after which it is worth telling that a module took so long


def enter(
    name: str, command: CmuxCommand, *, other_rates: Sequence[int] = (), findings: list[Finding] | None = None
) -> Dialogue[Entered]:
    """Bring a module into multiplexer mode, whatever state it is in.

    Echo, unsolicited results and junk are skipped.

    Args:
        name: the name of the port, for the error messages.
        command: how AT+CMUX is sent.
        other_rates: baud rates to try when the module does not answer at the rate of the line, again and again until
            `StartOptions.open_timeout` is over.
        findings: gets what each step showed.

    Returns:
        What the session starts from.

    Raises:
        ModuleSilent: no answer to AT or to frames, or none to AT+CMUX.
        CmuxRefused: every form was answered with an error, or the module lists other options.
    """
    report = [] if findings is None else findings
    receiver = Receiver()
    search = _Search(receiver, command, other_rates)
    if (yield from search.run()):
        how = "" if receiver.speaks is None else ", after frames have ended its multiplexer mode"
        receiver.found()
        rate = search.rate
        where = "" if rate is None else f" at {rate} baud, and not at that of the line"
        how += ", after +++ has ended its data mode" if search.escaped else ""
        how += f", {receiver.elapsed:.0f} s later" if rate is None and receiver.elapsed > _LATE else ""
        echo = "on" if b"AT\r" in receiver.tail else "off"
        hint = None if rate is None else HINTS["other-rate"].filled(rate=rate)
        report.append(Finding("AT", rate is None, f"the module answers{where}{how}; echo is {echo}", hint))
        if search.escaped:
            yield from receiver.listen(steps.HANG_UP_WAIT, b"ATH\r")  # the call, if it was one, is of no use any more
            yield from resynchronise(name, receiver, "ATH has ended data mode, but")
        return (yield from multiplex(name, receiver, command, rate, report))
    if receiver.speaks is not None:
        report.append(Finding("AT", False, f"no answer, but frames of the {receiver.speaks.value} option"))
        return _adopt(name, receiver.speaks, command.config, search.rate, report)
    data_mode = "; it is in data mode (PPP), and +++ does not end that" if search.ppp or receiver.ppp else ""
    answer = "no answer to AT" if receiver.refusal is None else f"AT is answered with {receiver.refusal.decode()}"
    said = f"{answer}, {search.tried()}{data_mode}{receiver.seen()}"
    report.append(Finding("AT", False, said))
    raise ModuleSilent(name, said, no_answer_to_at(receiver, command.start.open_timeout))


class _Search:
    """Looks for a module that answers AT, in whatever state it is, until its time is over.

    Args:
        receiver: what has been received.
        command: the framing option, the rate of the line, and the time that there is.
        other_rates: other baud rates to try.
    """

    def __init__(self, receiver: Receiver, command: CmuxCommand, other_rates: Sequence[int]) -> None:
        self.rate: int | None = None
        """The rate of the line now; None: that which it had at first."""
        self.escaped = False
        """It was in data mode."""
        self.ppp = False
        """A PPP link was being set up by it, at the rate of the line or another one."""
        self._receiver, self._option, self._home = receiver, command.config.option, command.baudrate
        self._timeout, self._other_rates = command.start.open_timeout, other_rates
        self._tried: dict[int, None] = {}

    def _left(self) -> float:
        return inf if self._timeout is None else self._timeout - self._receiver.elapsed

    @property
    def _over(self) -> bool:
        return self._left() <= 0

    def _ends(self) -> bool:
        """Say whether there is nothing more to look for: it speaks in frames, or the time is over."""
        return self._receiver.speaks is not None or self._over

    def tried(self) -> str:
        """Return what was tried, as text."""
        rates = ", ".join(map(str, self._tried))
        if self._timeout is None:
            return f"asked {steps.AT_TRIES} times" + (f", then at {rates} baud" if rates else "")
        return f"asked for {self._timeout:g} s" + (f", also at {rates} baud" if rates else "")

    def run(self) -> Dialogue[bool]:
        """Return whether it answers AT; if not, it may speak in frames (`Receiver.speaks`)."""
        while True:
            if (yield from self._wake(steps.AT_TRIES, steps.AT_WAIT)):
                return True
            if self._ends():
                return False
            if (yield from self._escape()):
                return True
            for rate in self._other_rates:
                yield from self._set(rate)
                if (yield from self._wake(steps.OTHER_TRIES, steps.OTHER_WAIT)):
                    return True
                if self._receiver.ppp and (yield from self._escape()):
                    return True
                if self._receiver.speaks is not None:
                    return (yield from self._came_home(rate))
                if self._over:
                    return False
                if self._timeout is not None:  # one that boots answers at the rate of the line
                    yield from self._set(None)
                    if (yield from self._wake(1, steps.AT_WAIT)):
                        return True
            if self._timeout is None or self._over:
                return False
            yield from self._set(None)

    def _came_home(self, rate: int) -> Dialogue[bool]:
        """Look whether a module that multiplexed at another rate has left that for AT mode, which has the line's."""
        yield from self._set(None)
        for _ in range(steps.PROBE_TRIES):
            if (yield from self._wake(1, steps.AT_WAIT)):
                return True
        yield from self._set(rate)
        return False

    def _set(self, rate: int | None) -> Dialogue[None]:
        if rate != self.rate:
            yield StartupStep(b"", 0.0, rate or self._home)
            self.rate, self._receiver.text, self._receiver.ppp = rate, b"", False
            if rate is not None:
                self._tried[rate] = None

    def _wake(self, tries: int, wait: float) -> Dialogue[bool]:
        """Send AT until it is answered; in between take the module out of multiplexer mode, in case it is in it."""
        receiver, tried, boots, rescues = self._receiver, 0, self._receiver.boots, self._rescues()
        since = receiver.elapsed
        while tried < tries and not (tried and self._over):
            tried += 1
            if (yield from self._ask(wait)) in GOOD:
                # Late answers to earlier attempts must not be taken for the answer to AT+CMUX; one that multiplexed
                # has not heard them as such.
                late = since if receiver.speaks is None else receiver.elapsed
                yield from let_come(receiver, tried - 1, late, steps.LATE_WAIT, 2 * steps.AT_WAIT)
                return True
            if receiver.ppp:
                return False
            if boots < receiver.boots <= _BOOTS:  # it has just started, at this rate
                boots, tried, tries, wait, rescues = receiver.boots, 0, steps.AT_TRIES, steps.AT_WAIT, self._rescues()
                since = receiver.elapsed
            elif tried >= 2 - (tries < steps.AT_TRIES) and tried < tries:
                yield from receiver.listen(steps.RESCUE_WAIT, rescues.pop(0))
        return False

    def _ask(self, wait: float) -> Dialogue[bytes | None]:
        """Send AT; an error may be the late answer to frames that were taken for a line, so an answer may follow it."""
        receiver, until = self._receiver, self._receiver.elapsed + wait
        answer = yield from receiver.listen(wait, b"AT\r")
        while answer not in (None, *GOOD) and receiver.elapsed < until:
            receiver.refusal = answer
            answer = yield from receiver.listen(until - receiver.elapsed)
        return answer

    def _rescues(self) -> list[bytes]:
        option = self._option
        other = Option.ADVANCED if option is Option.BASIC else Option.BASIC
        return [rescue_frames(option), rescue_frames(other), rescue_frames(option, MANY_FLAGS)]

    def _escape(self) -> Dialogue[bool]:
        """Take the module out of data mode, in case it is in it: in PPP, or connected transparently (V.250 §6.2.9)."""
        receiver = self._receiver
        self.ppp |= receiver.ppp
        if not receiver.ppp and self._left() < 2 * steps.GUARD + steps.AT_WAIT:
            return False  # no sign of it, and no time
        for write in (b"", b"+++"):
            until = receiver.elapsed + steps.GUARD
            while receiver.elapsed < until:
                yield from receiver.listen(until - receiver.elapsed, write)
                write = b""
        receiver.ppp = False
        for tried in range(steps.PROBE_TRIES):
            if tried and self._over:
                break
            receiver.text = b""
            if (yield from receiver.listen(steps.AT_WAIT, b"AT\r")) in GOOD:
                self.escaped = True
                return True
        return False


def _adopt(name: str, speaks: Option, config: Config, rate: int | None, report: list[Finding]) -> Entered:
    if speaks is not config.option:
        said = f"the module does not answer AT, but multiplexes with the {speaks.value} option"
        raise ModuleSilent(name, said, HINTS["other-option"].filled(option=speaks.value))
    report.append(Finding("AT+CMUX", True, "not needed: the module multiplexes already, and is taken over as it is"))
    return Entered(b"", config, True, rate)


def no_multiplexer(name: str, one: Unanswered, *, refused: bool = False) -> NoMultiplexer | CmuxRefused:
    """Create the exception for a session that did not open.

    Args:
        name: the name of the port.
        one: what came instead of UA, and the settings in force.
        refused: DLCI 0 was answered with DM.

    Returns:
        The exception, not raised.
    """
    if refused:
        said = "SABM for DLCI 0 was refused (DM): it has no control channel"
        return CmuxRefused(name, said, HINTS["control-refused"])
    came = one.besides_echo
    heard = f"; what came begins with {hidden_anywhere(came)[:_SHOWN].hex(' ')}" if came else ""
    heard += f", which is {hidden_anywhere(came)[:_SHOWN]!r}" if is_text(came) else ""
    said = f"{'OK received, no UA' if one.by_at else 'no UA'}: SABM for DLCI 0 was not answered{heard}"
    return NoMultiplexer(name, said, no_answer_to_sabm(one))
