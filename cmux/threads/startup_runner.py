"""Runs the dialogues of `cmux.protocol.startup` on a line whose threads are not running."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar, cast

from ..errors import SessionEnded, StartupError
from ..line.base import HEARD, HungUp, Line, hung_up_after
from ..logs import FindingsLog, StepLog, log_entered, log_left, port_logger
from ..protocol import hand_over, leaving, startup, startup_steps
from ..protocol.at_cmux import CmuxCommand
from ..protocol.config import Option
from ..protocol.events import Cause
from ..protocol.hand_over import Entered
from ..protocol.leaving import WayBack
from ..protocol.startup_steps import Dialogue, Finding, Stall, StepResult

T = TypeVar("T")


def run(line: Line, dialogue: Dialogue[T]) -> T:
    """Run a dialogue to its end.

    Args:
        line: the open line.
        dialogue: a dialogue of the core.

    Returns:
        The result of the dialogue.

    Raises:
        HungUp: the line is gone, or takes nothing.
    """
    stall, heard, log = Stall(), b"", StepLog(port_logger(line.name))
    try:
        step = next(dialogue)
        while True:
            started = time.monotonic()
            if step.baudrate is not None and line.has_baudrate:
                line.set_baudrate(step.baudrate)
                log.set_to(step.baudrate)
            left = step.write
            heard = b"" if left else heard
            while True:
                if lost := stall.look(len(left), time.monotonic()):
                    raise HungUp(lost)
                if not left:
                    break
                left = left[line.write(left, startup_steps.STALL) :]
            received = line.read(step.wait) if step.wait > 0 else b""
            heard = (heard + received)[:HEARD]
            log(step.write, received)
            step = dialogue.send(StepResult(received, time.monotonic() - started))
    except StopIteration as stop:
        return cast(T, stop.value)
    except HungUp as error:
        raise hung_up_after(heard, error) from error


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
    found = FindingsLog(port_logger(line.name), findings)
    try:
        entered = run(line, startup.enter(line.name, command, other_rates=rates, findings=found))
        log_entered(port_logger(line.name), entered.baudrate, entered.warnings)
        return entered
    except HungUp as error:
        raise _lost(line, error) from error
    except StartupError as error:
        line.explain(error)
        raise
    except BaseException:  # interrupted: the module may already be in multiplexer mode
        silence = command.start.settle if found else 0.0
        leave(line, command.config.option, close_down=True, silence=silence, pause=command.start.leave_pause)
        raise


def follow(line: Line, rate: int, seconds: float) -> bytes:
    """Set the line to a rate that the module may have changed to after AT+CMUX, and let it settle there.

    Args:
        line: the open line.
        rate: bits per second.
        seconds: how long nothing is sent; see `hand_over.settle`.

    Returns:
        The octets that came.

    Raises:
        SessionEnded: the line was lost.
    """
    line.rearm()
    try:
        return run(line, hand_over.settle(seconds, rate))
    except HungUp as error:
        raise _lost(line, error) from error


def _lost(line: Line, error: HungUp) -> SessionEnded:
    return SessionEnded(Cause.LINE_LOST, f"{line.name}: {error}")


def leave(
    line: Line,
    option: Option,
    *,
    close_down: bool,
    way: WayBack | None = None,
    silence: float = 0.0,
    pause: float = 0.0,
) -> bool:
    """Make sure that the module is back in AT mode; log it if not.

    Args:
        line: the open line.
        option: the framing of the session.
        close_down: send CLD first.
        way: how the line comes back to the rate of AT mode, if it was changed.
        silence: seconds in which nothing is sent first, as the module may just have answered AT+CMUX.
        pause: seconds in which nothing is sent before AT is asked.

    Returns:
        Whether it answered AT.
    """
    line.rearm()
    try:
        run(line, hand_over.settle(silence))
        answered = run(line, leaving.leave(option, close_down=close_down, way=way, pause=pause))
    except (HungUp, SessionEnded) as error:
        port_logger(line.name).warning("%s", error)
        return False
    log_left(port_logger(line.name), answered=answered, ended=not close_down)
    return answered
