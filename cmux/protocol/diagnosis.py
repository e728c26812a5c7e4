"""Which hint fits: tables of what was heard and which settings are in force, the first row that holds counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, TypeVar

from .at_cmux import N1, Allowed, CmuxCommand
from .config import Config, Option
from .events import FrameDropped
from .frames import AdvancedDecoder, BasicDecoder, Frame, encode
from .hints import HINTS, Hint
from .start_options import START_RANGES
from .startup_steps import BOOTED, MANY_FLAGS, RESCUE_SABM, SWITCHED_OFF, Receiver, rescue_frames
from .wire import FrameType

T = TypeVar("T")

USUAL_SETTLE: float = 0.5
"""Seconds of silence before SABM that nearly every module is content with."""

_TEXT = frozenset((*range(0x20, 0x7F), *b"\r\n\t"))
_BOOTS: Final = 20  # seconds that modules take to boot
_MOSTLY: Final = 0.8  # of the octets of a text are printable, also where some were damaged
_SENT_IN_AT: Final = (
    *(rescue_frames(option, flags) for option in Option for flags in (MANY_FLAGS, 0)),
    b"AT\r",
    b"+++",
    b"\xf9",
    b"\x7e",
)


def is_text(octets: bytes) -> bool:
    """Tell whether octets are text, as modules send in AT mode."""
    return bool(octets) and sum(octet in _TEXT for octet in octets) >= _MOSTLY * len(octets)


def _first(rows: Iterable[tuple[str, Callable[[T], bool]]], what: T) -> str:
    return next(name for name, holds in rows if holds(what))


# --- No answer to AT ---


def _without(octets: bytes, echoes: Iterable[bytes]) -> bytes:
    for sent in echoes:
        octets = octets.replace(sent, b"")
    return octets


def _said(receiver: Receiver) -> bytes:
    """Return what came besides the echo of what was sent."""
    return _without(receiver.tail, _SENT_IN_AT)


def _only_echo(receiver: Receiver) -> bool:
    return not _said(receiver).strip(b"\r\n") and b"AT\r" in receiver.tail


_NEWS: Final = re.compile(rb"(?:^|[\r\n])(?:\+[A-Z]{3,}: |RDY\r)")
"""What only a port for AT commands says."""


class _NoAnswer(NamedTuple):
    heard: Receiver
    patience: float | None
    """Seconds for which a module is looked for, if anybody has said."""


_WITHOUT_AT: Final[tuple[tuple[str, Callable[[_NoAnswer], bool]], ...]] = (
    ("data-mode", lambda one: one.heard.ppp),
    ("switched-off", lambda one: one.heard.off),
    ("restarted", lambda one: one.heard.boots > 1),
    ("at-refused", lambda one: one.heard.refusal is not None),
    ("silent-hurried", lambda one: not one.heard.total and one.patience is not None and one.patience < _BOOTS),
    ("silent", lambda one: not one.heard.total),
    ("echo-only", lambda one: _only_echo(one.heard)),
    ("unheard", lambda one: is_text(_said(one.heard)) and _NEWS.search(_said(one.heard)) is not None),
    ("other-text", lambda one: is_text(_said(one.heard))),
    ("unreadable", lambda one: True),
)


def no_answer_to_at(receiver: Receiver, patience: float | None) -> Hint:
    """Return the hint for a line on which nobody answers AT.

    Args:
        receiver: what was heard.
        patience: `StartOptions.open_timeout`.
    """
    return HINTS[_first(_WITHOUT_AT, _NoAnswer(receiver, patience))]


def at_lost(receiver: Receiver) -> Hint:
    """Return the hint for a module that answered AT, and does so no more."""
    return HINTS["switched-off" if receiver.off else "restarted" if receiver.boots else "at-lost"]


def question_lost(receiver: Receiver) -> Hint:
    """Return the hint for a module that answered AT until it was asked about AT+CMUX."""
    return at_lost(receiver) if receiver.off or receiver.boots else HINTS["question-lost"]


# --- AT+CMUX is not answered, or refused ---


def cmux_unanswered(receiver: Receiver) -> Hint:
    """Return the hint for a module that answered AT, and not the command for multiplexer mode."""
    return HINTS["cmux-unanswered"] if not (receiver.off or receiver.boots) else at_lost(receiver)


_SIM: Final = re.compile(r"\+CME ERROR: *(?:1[0-8]\b|.*\b(?:SIM|PIN|PUK|PH-SIM)\b)", re.IGNORECASE)  # 27.007 §9.2.1


def refusal(command: CmuxCommand, allowed: Allowed | None, answers: Iterable[str] = ()) -> Hint:
    """Return the hint for a module that has refused every form.

    Args:
        command: how AT+CMUX was sent.
        allowed: the answer to AT+CMUX=?; None: there was none.
        answers: the errors that were the answers.
    """
    if any(_SIM.match(answer) for answer in answers):
        return HINTS["sim-wanted"]
    if command.start.start_command:
        return HINTS["start-command-refused"]
    options = () if allowed is None else allowed.options
    if options and command.config.option not in options:
        return HINTS["option-refused"].filled(option=options[0].value)
    if allowed is not None and command.n1_given and not allowed.allows(N1, command.config.n1):
        return HINTS["n1-refused"]
    return HINTS["cmux-refused" if command.new_rate is None else "rate-refused"]


# --- No UA ---


@dataclass(frozen=True)
class Unanswered:
    """A SABM on DLCI 0 to which no UA came."""

    config: Config
    """The parameters of the session."""
    heard: bytes
    """The first octets that came."""
    by_at: bool = True
    """The module has answered AT+CMUX with OK before."""
    adopted: bool = False
    """It sent frames before, and was taken over as it was."""
    settle: float = USUAL_SETTLE
    """Seconds of silence before SABM that were in force."""
    rate: int | None = None
    """The rate of multiplexer mode that the user asked for."""

    @cached_property
    def frames(self) -> list[Frame]:
        """The frames that came."""
        return [one for one in self._decoded(self.config.option) if isinstance(one, Frame)]

    @cached_property
    def other(self) -> Option:
        """The other option."""
        return Option.ADVANCED if self.config.option is Option.BASIC else Option.BASIC

    def _decoded(self, option: Option) -> list[Frame | FrameDropped]:
        decoder = (BasicDecoder if option is Option.BASIC else AdvancedDecoder)(self.config.n1_receive)
        return [*decoder.receive_data(self.heard), *(item for _, item in decoder.finish())]

    @property
    def besides_echo(self) -> bytes:
        """What came without the echo of our own SABM; nothing if that is all."""
        return _without(self.heard, (encode(RESCUE_SABM, self.config.option),)) if self.echoed else self.heard

    @property
    def echoed(self) -> bool:
        """Our own SABM came back."""
        return RESCUE_SABM in self.frames

    def without_final(self, kind: FrameType) -> bool:
        """Tell whether an answer came whose F bit is 0."""
        return any(one.type is kind and not one.dlci and not one.pf for one in self.frames)

    @property
    def in_other_option(self) -> bool:
        """Frames of the other option came."""
        return any(isinstance(one, Frame) for one in self._decoded(self.other))

    @property
    def damaged(self) -> bool:
        """There are flags in what came, and what is between them is no frame."""
        return any(isinstance(one, FrameDropped) for one in self._decoded(self.config.option))


LONG_SETTLE: float = START_RANGES["settle"][1] - 1
"""Seconds of silence before SABM behind which more is not worth a trial."""

_WITHOUT_UA: Final[tuple[tuple[str, Callable[[Unanswered], bool]], ...]] = (
    # --- not one octet ---
    ("adopted-silent", lambda one: not one.heard and one.adopted),
    ("not-multiplexing", lambda one: not one.heard and not one.by_at),
    ("sabm-too-early", lambda one: not one.heard and one.settle < USUAL_SETTLE),
    ("mux-rate", lambda one: not one.heard and one.rate is not None),
    ("sabm-unanswered-settled", lambda one: not one.heard and one.settle >= LONG_SETTLE),
    ("sabm-unanswered", lambda one: not one.heard),
    # --- frames ---
    ("strict-final", lambda one: one.config.strict_final and one.without_final(FrameType.UA)),
    ("late-refusal", lambda one: not one.config.adm and one.without_final(FrameType.DM)),
    ("switched-off", lambda one: SWITCHED_OFF.search(b"\n" + one.besides_echo + b"\n") is not None),
    ("restarted", lambda one: BOOTED.search(b"\n" + one.besides_echo + b"\n") is not None),
    ("frames-echoed", lambda one: one.echoed and one.by_at),
    ("looped-back", lambda one: one.echoed),
    ("no-ua", lambda one: bool(one.frames)),
    ("other-framing", lambda one: one.in_other_option),
    # --- neither ---
    ("still-at", lambda one: is_text(one.heard) and one.by_at),
    ("text-without-at", lambda one: is_text(one.heard)),
    ("damaged-frames", lambda one: one.damaged),
    ("mux-unreadable", lambda one: True),
)


def no_answer_to_sabm(one: Unanswered) -> Hint:
    """Return the hint for a SABM on DLCI 0 to which no UA came."""
    found = HINTS[_first(_WITHOUT_UA, one)]
    return found.filled(option=one.other.value, seconds=f"{one.settle:g}", rate=one.rate)
