"""AT+IPR before multiplexer mode: the rates that commands set, and how module and line go to one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from . import startup_steps as steps
from .asking import ask_once, let_come, resynchronise
from .at_cmux import CmuxCommand
from .leaving import WayBack
from .startup_steps import GOOD, Dialogue, Receiver, StartupStep

_IPR = re.compile(r' *AT(?:[^"]|"[^"]*")*\+IPR *= *(\d{1,8})\b', re.IGNORECASE)  # also behind other commands


def rate_in(text: str) -> int:
    """Return the baud rate that a command sets with AT+IPR; 0 if it sets none."""
    return int(found[1]) if (found := _IPR.match(text)) else 0


def rates_in(commands: Sequence[str]) -> list[int]:
    """Return the baud rates that commands set with AT+IPR."""
    return [rate for rate in map(rate_in, commands) if rate]


def move(
    name: str, receiver: Receiver, command: CmuxCommand, refused: dict[str, str]
) -> Dialogue[tuple[CmuxCommand, WayBack | None]]:
    """Set the module and the line to the rate of multiplexer mode by AT+IPR, as AT+CMUX has no code for it."""
    former, rate = command.baudrate, command.new_rate or 0
    text = f"AT+IPR={rate}"
    answer = yield from ask_once(receiver, text, steps.INIT_WAIT)
    said = "no answer" if answer is None else answer.decode("ascii", "replace")
    if answer is None or answer in GOOD:  # some answer at the new rate already
        there = yield from follow(name, receiver, command, rate, late=answer is None)
        if there.baudrate == rate:
            return there, None if former is None else WayBack(former, rate, by_command=True)
        said += f", but no answer at {rate} baud" if answer in GOOD else ""
    refused[text] = said
    return command, None


def follow(name: str, receiver: Receiver, command: CmuxCommand, rate: int, *, late: bool) -> Dialogue[CmuxCommand]:
    """Set the line to the rate that AT+IPR was told, and back if the module is not there.

    Args:
        name: the name of the port, for the error message.
        receiver: what has been received.
        command: how AT+CMUX is sent.
        rate: bits per second.
        late: the answer to AT+IPR may still come.
    """
    former = command.baudrate
    if not rate or former is None:  # 0: it finds the rate by itself
        return command
    yield StartupStep(b"", 0.0, rate)
    since = receiver.elapsed
    for tried in range(steps.AT_TRIES):
        if (yield from ask_once(receiver, "AT", steps.AT_WAIT)) in GOOD:
            yield from let_come(receiver, tried + late, since, steps.LATE_WAIT)
            return replace(command, baudrate=rate)
    yield StartupStep(b"", 0.0, former)
    yield from resynchronise(name, receiver, f"after AT+IPR={rate}, at {rate} baud and at {former},")
    return command
