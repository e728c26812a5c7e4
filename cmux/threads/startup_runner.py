"""Runs the dialogues of `cmux.protocol.startup` on a line whose threads are not running."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar, cast

from ..errors import SessionEnded, StartupError
from ..line.base import HungUp, Line
from ..logs import FindingsLog, log_left, log_rate, port_logger
from ..protocol import startup
from ..protocol.at_cmux import CmuxCommand
from ..protocol.config import Option
from ..protocol.events import Cause
from ..protocol.startup import Dialogue, Entered, Finding, StepResult

T = TypeVar("T")


def run(line: Line, dialogue: Dialogue[T]) -> T:
    """Run a dialogue to its end.

    Args:
        line: the open line.
        dialogue: a dialogue of `cmux.protocol.startup`.

    Returns:
        The result of the dialogue.

    Raises:
        HungUp: the line is gone, or takes nothing.
    """
    stall = startup.Stall()
    try:
        step = next(dialogue)
        while True:
            started = time.monotonic()
            if step.baudrate is not None:
                line.set_baudrate(step.baudrate)
            left = step.write
            while True:
                if lost := stall.look(len(left), time.monotonic()):
                    raise HungUp(lost)
                if not left:
                    break
                left = left[line.write(left, startup.STALL) :]
            received = line.read(step.wait) if step.wait > 0 else b""
            port_logger(line.name).debug("sent %r, received %r", step.write, received)
            step = dialogue.send(StepResult(received, time.monotonic() - started))
    except StopIteration as stop:
        return cast(T, stop.value)


def enter(
    line: Line, command: CmuxCommand, other_rates: Sequence[int], findings: list[Finding] | None = None
) -> Entered:  # fmt: skip
    """Bring the module into multiplexer mode; see `startup.enter`.

    Args:
        line: the open line; it is set to the rate at which the module was found.
        command: how AT+CMUX is sent.
        other_rates: baud rates to try, if the line has any.
        findings: gets what each step showed.

    Returns:
        What the session starts from.

    Raises:
        StartupError: the module does not multiplex.
        SessionEnded: the line was lost.
    """
    rates = other_rates if line.has_baudrate else ()
    try:
        found = FindingsLog(port_logger(line.name), findings)
        entered = run(line, startup.enter(line.name, command, other_rates=rates, findings=found))
        log_rate(port_logger(line.name), entered.baudrate)
        return entered
    except HungUp as error:
        raise SessionEnded(Cause.LINE_LOST, f"{line.name}: {error}") from error
    except StartupError:
        raise
    except BaseException:  # interrupted: the module may already be in multiplexer mode
        leave(line, command.config.option, close_down=True)
        raise


def leave(line: Line, option: Option, *, close_down: bool) -> bool:
    """Make sure that the module is back in AT mode; log it if not.

    Args:
        line: the open line.
        option: the framing of the session.
        close_down: send CLD first.

    Returns:
        Whether it answered AT.
    """
    line.rearm()
    try:
        answered = run(line, startup.leave(option, close_down=close_down))
    except HungUp as error:
        port_logger(line.name).warning("%s", error)
        return False
    log_left(port_logger(line.name), answered=answered, ended=not close_down)
    return answered
