"""Peers that get bits of their frames wrong: a core whose frames are changed on their way to the line, and a module."""

from __future__ import annotations

from collections.abc import Callable

from mux_module import Module

from cmux.protocol import Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.frames import AdvancedDecoder, BasicDecoder

Mistake = Callable[[Frame], Frame]
"""What a peer makes of the frame that it should send."""


def without_final(frame: Frame) -> Frame:
    """Answer with F = 0, as Unisoc modules do."""
    return frame._replace(pf=False) if frame.type is FrameType.UA else frame


def as_linux_before_5_15(frame: Frame) -> Frame:
    """Answer with F = 0 and the C/R bit of a command: ``F9 01 63 01 A3 F9``."""
    return frame._replace(pf=False, cr=not frame.cr) if frame.type is FrameType.UA else frame


def wrong_way_round(frame: Frame) -> Frame:
    """Send every frame with the C/R bit of the other station."""
    return frame._replace(cr=not frame.cr)


def poll_set_everywhere(frame: Frame) -> Frame:
    """Set P/F in data and messages too, as a SIM7600 does."""
    return frame._replace(pf=True)


MISTAKES: dict[str, Mistake] = {
    "F = 0": without_final,
    "F = 0 and C/R of a command": as_linux_before_5_15,
    "C/R wrong everywhere": wrong_way_round,
    "P/F everywhere": poll_set_everywhere,
}


def spoiled(octets: bytes, mistake: Mistake, option: Option = Option.BASIC) -> bytes:
    """Make a mistake in each of some whole frames."""
    decoder = BasicDecoder(32767) if option is Option.BASIC else AdvancedDecoder(32767)
    frames = decoder.receive_data(octets)
    assert all(isinstance(frame, Frame) for frame in frames)
    return b"".join(encode(mistake(frame), option) for frame in frames if isinstance(frame, Frame))


class LaxMultiplexer(Multiplexer):
    """A core that makes a mistake in every frame that it sends."""

    mistake: Mistake

    def data_to_send(self, now: float, limit: int | None = None) -> bytes:
        return spoiled(super().data_to_send(now, limit), self.mistake, self.config.option)


class LaxModule(Module):
    """The module of `mux_module` with a mistake.

    Args:
        mistake: the mistake.
        habits: the habits of the module.
    """

    def __init__(self, mistake: Mistake, **habits: object) -> None:
        self.mistake = mistake
        super().__init__(**habits)

    def _fresh(self) -> Multiplexer:
        core = LaxMultiplexer(Role.RESPONDER, self.habits.config)
        core.mistake = self.mistake
        return core
