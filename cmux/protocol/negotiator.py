"""PN in a session: its results, and the openings that wait for them (27.010 §5.4.6.3.1)."""

from __future__ import annotations

from typing import Protocol

from . import negotiation
from .commands import PN
from .config import Config, Parameters
from .control import ControlChannel
from .dlc import Dlc
from .dlc_table import Fact, Input, State
from .events import CommandDone, Event, Outcome, ParametersChanged
from .wire import MessageType


class NegotiatorOwner(Protocol):
    """What the negotiator needs from the session that it belongs to."""

    config: Config
    control: ControlChannel

    def dlc(self, dlci: int) -> Dlc:
        """Return a DLC, open or not."""

    def apply(self, dlc: Dlc, what: Input) -> None:
        """Apply an input to the transition table of a DLC."""

    def emit(self, event: Event) -> None:
        """Report something to the owner of the multiplexer."""


class Negotiator:
    """Negotiates the parameters of each DLC with the peer.

    Args:
        session: the session that it belongs to.
    """

    def __init__(self, session: NegotiatorOwner) -> None:
        self._session = session

    def settle(self, dlc: Dlc) -> None:
        """Let a DLC be opened, at once or when PN for it has a result.

        Args:
            dlc: which one. If it is not certain which convergence layer the peer uses, the defaults are asked for
                first.
        """
        session = self._session
        if dlc.doubtful and not self._awaited(dlc):
            dlc.note(Fact.DEFAULTS_ASKED)
            defaults = Parameters(n1=session.config.n1, frame_type=session.config.frame_type)
            session.control.submit(negotiation.request(dlc.dlci, defaults, session.config))
        if not self._awaited(dlc):
            session.apply(dlc, Input.SETTLED)

    def done(self, asked: PN, done: CommandDone) -> None:
        """Act on the result of our PN.

        Args:
            asked: the command.
            done: its result; after NSC the defaults apply.
        """
        dlc = self._session.dlc(asked.dlci)
        if isinstance(done.answer, PN):
            settled = negotiation.settle(asked, done.answer)
            dlc.agree(settled)
            self._session.emit(ParametersChanged(dlc.dlci, settled))
        elif done.outcome is Outcome.TIMEOUT:
            dlc.disagree(asked.convergence)
        if dlc.state is State.NEGOTIATING:
            self.settle(dlc)

    def _awaited(self, dlc: Dlc) -> bool:
        return self._session.control.awaits(MessageType.PN, dlc.dlci)
