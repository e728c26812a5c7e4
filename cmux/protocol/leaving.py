"""After a session: the dialogue that makes sure that the module is back in AT mode, at the baud rate that it had."""

from __future__ import annotations

from dataclasses import dataclass

from . import startup_steps as steps
from .config import Option
from .startup_steps import GOOD, Dialogue, Receiver, StartupStep, rescue_frames


@dataclass(frozen=True, slots=True)
class WayBack:
    """The baud rates of a line whose multiplexer mode has another rate than its AT mode."""

    at_rate: int
    """That of AT mode."""
    mux_rate: int
    """That of multiplexer mode."""
    by_command: bool = False
    """AT+IPR changed it, not AT+CMUX: the module keeps the new one until it is told otherwise."""
    told: int | None = None
    """The rate that AT+IPR was told, if the module changed from that to another with AT+CMUX."""


def leave(option: Option, *, close_down: bool, way: WayBack | None = None, pause: float = 0.0) -> Dialogue[bool]:
    """Make sure that the module is back in AT mode.

    Args:
        option: the framing of the session.
        close_down: send CLD first, because the session was never properly closed.
        way: the baud rates, if the line has to go back to another.
        pause: seconds in which nothing is sent before AT is asked; see `StartOptions.leave_pause`.

    Returns:
        True when the module answered AT.
    """
    receiver = Receiver()
    rescue = rescue_frames(option) if close_down else b""
    if rescue:
        yield from receiver.listen(steps.RESCUE_WAIT, rescue)
    until = receiver.elapsed + pause
    while receiver.elapsed < until:
        yield from receiver.listen(until - receiver.elapsed)
    if way is None or {way.mux_rate, way.told} <= {way.at_rate, None}:
        return (yield from _answers(receiver))
    rates = (way.at_rate, way.mux_rate)
    for rate in (way.told or way.mux_rate, way.at_rate) if way.by_command else rates:
        yield StartupStep(b"", 0.0, rate)
        if rescue and rate == way.at_rate:  # it may never have left this one
            yield from receiver.listen(steps.RESCUE_WAIT, rescue)
        if not (yield from _answers(receiver)):
            continue
        if rate != way.at_rate:
            yield from receiver.listen(steps.AT_WAIT, b"AT+IPR=%d\r" % way.at_rate)
            yield StartupStep(b"", 0.0, way.at_rate)
            return (yield from _answers(receiver))
        return True
    yield StartupStep(b"", 0.0, way.at_rate)
    return False


def _answers(receiver: Receiver) -> Dialogue[bool]:
    for _ in range(steps.PROBE_TRIES):
        receiver.text = b""
        if (yield from receiver.listen(steps.AT_WAIT, b"AT\r")) in GOOD:
            return True
    return False
