"""Asks a silent peer whether it is still there (27.010 §5.4.6.3.4: Test; §5.4.6.3.7: MSC)."""

from __future__ import annotations

from collections.abc import Iterable

from .commands import MSC, Command, Test
from .config import Config, KeepAlive
from .dlc import Dlc
from .events import CommandDone, Outcome
from .messages import encode_message
from .waits import NEVER

_PAYLOAD = b"gsm0710"
_MOST_KEPT = 4096
_CONTROLS = bytes(range(32)) + b"\x7f"
"""What a module in AT mode may leave out of its echo."""


class PeerWatch:
    """Keeps when the peer was last heard, what it can be asked, and which question has no answer yet.

    Args:
        config: what to ask, and after how much silence.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._heard_at = 0.0
        self._asked_at = 0.0
        self._stalled = self._excused = False
        self._sent = self._said = b""  # by this side and by the peer, while the question is out
        self._trial: Command | None = None
        self._answers_test: bool | None = None
        self._answers_msc: bool | None = None
        self._answering: set[int] = set()  # the DLCIs whose MSC it has answered
        self.kind: KeepAlive | None = None
        """How the peer is asked; None: not known yet, so it is not asked."""
        self.question: Command | None = None
        """The command that asks, and has no result yet."""

    def start(self, now: float) -> Command | None:
        """Start watching a session that has just opened.

        Args:
            now: seconds on the caller's clock.

        Returns:
            With `KeepAlive.AUTO` a Test, to be sent now: its result shows whether the peer can be asked by it.
        """
        self._heard_at, self._trial, self.question = now, None, None
        self._answers_test = self._answers_msc = self.kind = None
        self._answering = set()
        if self._config.keep_alive is not KeepAlive.AUTO:
            self.kind = self._config.keep_alive
        else:
            self._trial = self._test()
        return self._trial

    def heard(self, now: float) -> None:
        """Note octets from the peer: whatever they are, it is alive."""
        self._heard_at = now

    def said(self, data: bytes) -> None:
        """Keep octets that came while a question is out: they may be nothing but its echo."""
        self._said = (self._said + data)[:_MOST_KEPT]

    def sent(self, data: bytes) -> None:
        """Keep octets that leave while a question is out: a module that has restarted may only send them back."""
        self._sent = (self._sent + data)[:_MOST_KEPT]

    def stalled(self, *, stalled: bool) -> None:
        """Note that the line takes no octets, or does again: no answer can come to what has not left.

        Args:
            stalled: whether it takes none.
        """
        self._stalled = stalled
        self._excused |= stalled

    def learn(self, done: CommandDone, dlcs: Iterable[Dlc]) -> KeepAlive | None:
        """Learn from the result of a command what the peer answers.

        Args:
            done: the result; NSC is an answer, too.
            dlcs: the channels of the session.

        Returns:
            The kind of question, if `KeepAlive.AUTO` has just chosen one.
        """
        if self._config.keep_alive is not KeepAlive.AUTO or not isinstance(done.command, MSC | Test):
            return None
        answers = done.outcome is not Outcome.TIMEOUT
        if done.command is self._trial:
            self._trial, self._answers_test = None, answers
        elif isinstance(done.command, MSC):
            self._answers_msc = answers or self._answers_msc is True
            self._answering |= {done.command.dlci} if answers else set()
        before, self.kind = self.kind, self._choice(dlcs)
        return None if self.kind is before else self.kind

    def _choice(self, dlcs: Iterable[Dlc]) -> KeepAlive | None:
        if self._answers_test is not False:
            return KeepAlive.TEST if self._answers_test else None
        if self._answers_msc is None and any(dlc.parameters.convergence == 1 for dlc in _open(dlcs)):
            return None  # the result of its first MSC is still to come
        return KeepAlive.MSC if self._answers_msc else KeepAlive.NONE

    def asks(self, dlcs: Iterable[Dlc]) -> bool:
        """Tell whether the peer is to be asked once it is silent for long enough, see `ask_at`.

        Args:
            dlcs: the channels of the session. With `KeepAlive.MSC` nothing is asked while none is open: such modules do
                not answer Test, an MSC needs a channel, and opening a channel is a question by itself. Nor is anything
                asked about a channel whose MSC was never answered, if `KeepAlive.AUTO` has chosen that. A peer that
                holds back every open channel is not asked either.
        """
        if self.kind in (None, KeepAlive.NONE):
            return False
        channels = _open(dlcs)
        if self.kind is KeepAlive.MSC and not self._askable(channels):
            return False
        return not channels or not all(dlc.stopped for dlc in channels)

    @property
    def ask_at(self) -> float:
        """When the peer will have been silent for long enough; `NEVER` while the line takes nothing."""
        return NEVER if self._stalled else self._heard_at + self._config.keep_alive_interval

    def ask(self, now: float, dlcs: Iterable[Dlc]) -> Command:
        """Return what to ask now.

        Args:
            now: seconds on the caller's clock.
            dlcs: the channels of the session.

        Returns:
            A Test or, with `KeepAlive.MSC`, an MSC that changes nothing, for the first channel that can be asked about.
        """
        first = min(self._askable(_open(dlcs)), key=lambda dlc: dlc.dlci, default=None)
        if self.kind is KeepAlive.MSC and first is not None:
            self.question = MSC(first.dlci, first.own_signals, None, self._config.break_octet)
        else:
            self.question = self._test()
        self._asked_at, self._excused = now, False
        self._sent = self._said = b""
        return self.question

    def _askable(self, channels: Iterable[Dlc]) -> list[Dlc]:
        """Return the channels about which an MSC can be asked: it is of no use where the peer has answered none."""
        chosen = self._config.keep_alive is KeepAlive.AUTO
        return [dlc for dlc in channels if not chosen or dlc.dlci in self._answering]

    def _test(self) -> Command:
        return Test(_PAYLOAD[: max(0, self._config.n1 - 2)])

    def verdict(self, done: CommandDone) -> str | None:
        """Handle the result of a command, which may be the question.

        Args:
            done: the result; NSC also counts as a sign of life.

        Returns:
            Why the peer is gone, as a sentence: the question was not answered, and nothing else has been heard since,
            or nothing but the echo of what this side has sent. None if it is alive.
        """
        if done.command is not self.question:
            return None
        self.question = None
        if self._only_echoes(done.command):
            return "the peer only sends back what it hears: it has restarted, and does not multiplex any more"
        if done.outcome is not Outcome.TIMEOUT or self._excused or self._heard_at >= self._asked_at:
            return None
        return f"the peer did not answer {self._config.n2 + 1} keep-alive questions"

    def _only_echoes(self, question: Command) -> bool:
        """Tell whether all that came while the question was out is the echo of what was sent, the question included."""
        asked, sent, said = (
            octets.translate(None, _CONTROLS)
            for octets in (encode_message(question, command=True), self._sent, self._said)
        )
        return asked in said and said in sent


def _open(dlcs: Iterable[Dlc]) -> list[Dlc]:
    return [dlc for dlc in dlcs if dlc.dlci and dlc.is_open]
