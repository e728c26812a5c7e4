"""Entering multiplexer mode, and the message when that fails: dialogues as generators without clock or line.

Each step has a time limit, and so has the whole dialogue. The steps of `enter`: AT; the frames that take a module out
of the multiplexer mode in which a host that died left it, in either option; the same at other baud rates; a module that
answers frames but not AT is adopted; then `hand_over`.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import startup_steps as steps
from .at_cmux import CmuxCommand
from .config import Config, Option
from .errors import CmuxRefused, ModuleSilent, NoMultiplexer
from .frames import Frame, encode
from .hand_over import Entered, multiplex
from .startup_steps import GOOD, MANY_FLAGS, Dialogue, Finding, Receiver, StartupStep, rescue_frames
from .wire import FrameType

OTHER_RATES = (115200, 9600, 921600, 460800, 230400, 57600, 38400, 19200)
"""Baud rates to try when a module does not answer, the usual ones first."""


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
    receiver = Receiver()
    for rate in (None, *other_rates):
        if rate is not None:
            yield StartupStep(b"", 0.0, rate)
            receiver.text = b""
        tries, wait = (steps.AT_TRIES, steps.AT_WAIT) if rate is None else (steps.OTHER_TRIES, steps.OTHER_WAIT)
        if (yield from _wake(receiver, option, tries, wait)):
            where = "" if rate is None else f" at {rate} baud, and not at that of the line"
            echo = "on" if b"AT\r" in receiver.tail else "off"
            report.append(Finding("AT", rate is None, f"the module answers{where}; echo is {echo}"))
            return (yield from multiplex(name, receiver, command, rate, report))
        if receiver.speaks is not None:
            report.append(Finding("AT", False, f"no answer, but frames of the {receiver.speaks.value} option"))
            return _adopt(name, receiver.speaks, command.config, rate, report)
        tried.append("" if rate is None else str(rate))
    rates = f", then at {', '.join(tried[1:])} baud" if other_rates else ""
    said = f"no answer to AT, asked {steps.AT_TRIES} times{rates}{receiver.seen()}"
    report.append(Finding("AT", False, said))
    raise ModuleSilent(f"{name}: {said} (is it switched on? is the baud rate right? is this the port for AT commands?)")


def _wake(receiver: Receiver, option: Option, tries: int, wait: float) -> Dialogue[bool]:
    """Send AT until it is answered; in between take the module out of multiplexer mode, in case it is in it."""
    other = Option.ADVANCED if option is Option.BASIC else Option.BASIC
    rescues = [rescue_frames(option), rescue_frames(other), rescue_frames(option, MANY_FLAGS)]
    for tried in range(1, tries + 1):
        if (yield from receiver.listen(wait, b"AT\r")) in GOOD:
            # Late answers to earlier attempts must not be taken for the answer to AT+CMUX.
            for _ in range(1, tried):
                if (yield from receiver.listen(steps.LATE_WAIT)) is None:
                    break
            return True
        if tried >= 2 - (tries < steps.AT_TRIES) and tried < tries:
            yield from receiver.listen(steps.RESCUE_WAIT, rescues.pop(0))
    return False


def _adopt(name: str, speaks: Option, config: Config, rate: int | None, report: list[Finding]) -> Entered:
    if speaks is not config.option:
        raise ModuleSilent(
            f"{name}: the module does not answer AT, but multiplexes with the {speaks.value} option: "
            f'use option="{speaks.value}"'
        )
    report.append(Finding("AT+CMUX", True, "not needed: the module multiplexes already, and is taken over as it is"))
    return Entered(b"", config, True, rate)


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
    sabm = encode(Frame(0, True, FrameType.SABM, True), option)
    if not received:
        more = "need more silence before SABM (settle, up to 4.5 s)" if after_at else "have changed its baud rate"
        hint = f"not one octet came; it may {more}, or need a longer T1 or larger N2"
    elif sabm in received:
        hint = "our own SABM came back: the line echoes, or is looped back"
    else:
        hint = f"what came begins with {received[:20].hex(' ')}; is {option.value} the right option?"
    said = "OK received, no UA" if after_at else "no UA"
    return NoMultiplexer(f"{name}: {said}: SABM for DLCI 0 was not answered ({hint})")
