"""What is done with each frame that comes in, before and beside the transition table of its DLC (27.010 §5.3, §5.4)."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from .commands import CLD, Signals
from .config import Config
from .control import ControlChannel
from .dlc import Dlc
from .dlc_table import Action, Fact, Input, State
from .event_queue import EventQueue
from .events import Cause
from .headers import Frame
from .messages import parse_messages
from .signals import split_status
from .transmitter import Transmitter
from .wire import FrameType

_INPUTS = {
    FrameType.SABM: Input.SABM,  # 27.010 5.3.1
    FrameType.UA: Input.UA,  # 27.010 5.3.2
    FrameType.DM: Input.DM,  # 27.010 5.3.3
    FrameType.DISC: Input.DISC,  # 27.010 5.3.4
    FrameType.UIH: Input.DATA,  # 27.010 5.3.5
    FrameType.UI: Input.DATA,  # 27.010 5.3.6
}
_ANSWERS = (Input.UA, Input.DM)
_SECOND_TRY = 2


class IntakeOwner(Protocol):
    """What the intake needs of the session that it belongs to."""

    config: Config
    now: float
    dlcs: dict[int, Dlc]
    refused: set[int]
    shutting_down: bool
    adm: bool
    counters: Counter[str]
    control: ControlChannel
    transmitter: Transmitter
    events: EventQueue

    @property
    def is_open(self) -> bool:
        """Whether DLCI 0 is up."""

    def dlc(self, dlci: int) -> Dlc:
        """Return a DLC, open or not."""

    def apply(self, dlc: Dlc, what: Input, *, final: bool = True) -> None:
        """Drive the transition table of a DLC."""

    def take_signals(self, dlc: Dlc, signals: Signals, break_length: float | None) -> None:
        """Note what the peer says about a DLC."""

    def end(self, cause: Cause, detail: str) -> None:
        """End the session."""


class Intake:
    """The way of a frame into its DLC.

    Args:
        session: what it belongs to.
        command_cr: the C/R bit of what this station sends (27.010 §5.2.1.2, table 1).
    """

    def __init__(self, session: IntakeOwner, command_cr: bool) -> None:
        self._session = session
        self._command_cr = command_cr

    def take(self, item: Frame) -> None:
        """Take a frame.

        Args:
            item: one that the decoder found whole.
        """
        session = self._session
        dlc = session.dlcs.get(item.dlci) or session.dlc(item.dlci)
        dlc.count("frames_received")
        what = _INPUTS.get(item.type)
        if (item.dlci or what is not Input.SABM) and not session.dlcs[0].confirmed:
            session.dlcs[0].note(Fact.USED)
        if what is Input.DATA:
            if not dlc.confirmed:
                dlc.note(Fact.USED)
            if dlc.delivers:  # what the table says, looked up beforehand
                self._deliver(dlc, item)
            else:
                self._stray(dlc, item)
        elif what is None or self._is_of_no_use(dlc, what, item):
            session.counters["frames_ignored"] += 1
            dlc.count("octets_discarded", len(item.info))  # of an I frame: there is no error recovery
        else:
            session.apply(dlc, self._meaning(dlc, what), final=item.pf)

    def _is_of_no_use(self, dlc: Dlc, what: Input, item: Frame) -> bool:
        """Whether a command or an answer changes nothing, whatever the table says."""
        if what is Input.SABM:
            # Our own SABM comes back from a peer that echoes, in AT mode. Once DLCI 0 is open it is no echo: there are
            # modules that open channels with the host's C/R bit.
            return not dlc.dlci and dlc.state is State.OPENING and item.cr == self._command_cr
        if what not in _ANSWERS:
            return False
        if not item.pf:
            # 27.010 5.4.4.2: UA with F = 0 is discarded. DM with it comes unasked (27.010 5.3.3), about the connection
            # before, and is no answer to a SABM that has just left.
            return what is Input.UA or (dlc.state is State.OPENING and dlc.tries < _SECOND_TRY)
        return dlc.answered()

    def _meaning(self, dlc: Dlc, what: Input) -> Input:
        """Tell what a frame means to its DLC, as the session stands."""
        session = self._session
        if what is Input.SABM:
            if not dlc.dlci and session.shutting_down:  # it has closed already, and its answer to our CLD was lost
                session.end(Cause.LOCAL, "closed down by this side")
            if not dlc.dlci and dlc.is_open and dlc.confirmed:  # it starts anew: what was due means nothing to it
                session.transmitter.clear()
            return Input.UNWANTED_SABM if self._unwanted(dlc) else what
        if what is Input.DM and not dlc.dlci and session.config.adm:
            session.adm = dlc.state is State.OPENING or session.adm
            return Input.DM_IN_ADM
        return what

    def _unwanted(self, dlc: Dlc) -> bool:
        """Whether the peer may not have this DLC."""
        session = self._session
        if not dlc.dlci:
            return False
        refused = dlc.dlci in session.refused and dlc.state is not State.OPENING  # what we open ourselves we want
        return refused or not session.config.carries_data(dlc.dlci) or not session.is_open or session.shutting_down

    def _stray(self, dlc: Dlc, item: Frame) -> None:
        """Take data on a DLC that is not simply open."""
        session = self._session
        if not dlc.dlci and dlc.state is State.CLOSED:
            messages = parse_messages(item.info)
            if any(one.command and isinstance(one.body, CLD) for one in messages):
                self._deliver(dlc, item)  # whoever finds a multiplexer without a session sends CLD to be rid of it
                return
            if not any(one.command for one in messages):  # late answers want none
                session.counters["frames_ignored"] += 1
                return
        for action in dlc.apply(Input.DATA):
            if action is Action.DISCARD:
                dlc.count("octets_discarded", len(item.info))
            elif action is Action.DISCARD_BUT_STATUS:
                dlc.count("octets_discarded", len(self._without_status(dlc, item.info)))
            elif dlc.seldom(action, session.now):
                session.transmitter.queue(dlc.dlci, FrameType.DM, pf=True)

    def _deliver(self, dlc: Dlc, item: Frame) -> None:
        session, info = self._session, item.info
        if not dlc.dlci:
            dlc.count("octets_received", len(info))
            session.control.receive(info, echo=item.cr == self._command_cr)
            return
        if dlc.parameters.convergence == 2:
            info = self._without_status(dlc, info)
        if info:
            dlc.count("octets_received", len(info))
            session.events.put_data(dlc.dlci, info, session.now)

    def _without_status(self, dlc: Dlc, info: bytes) -> bytes:
        """Take what stands before the data off them, as the convergence layer has it (27.010 §5.5.2)."""
        if dlc.parameters.convergence == 1:
            return info
        parts = split_status(info)
        if parts is None:
            self._session.counters["control_malformed"] += 1
            return b""
        signals, break_length, data = parts
        self._session.take_signals(dlc, signals, break_length)
        return data
