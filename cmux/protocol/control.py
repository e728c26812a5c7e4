"""Our own commands on DLCI 0: one outstanding per type, each with T2 and N2 (27.010 §5.4.6, §5.7.3, §5.7.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .commands import MSC, Command
from .config import Config
from .events import CommandDone, Outcome
from .messages import Message
from .wire import MessageType

MAX_WAITING = 256
"""Commands that wait for their turn; MSC of one DLC replaces an older one, so 61 DLCs do not come near it."""


@dataclass(slots=True)
class Outstanding:
    """A command that was sent, or is about to be."""

    command: Command
    tries: int = 0
    deadline: float | None = None
    t2: float = 0.0

    def handed_out(self, now: float) -> None:
        """Start T2: the command is on its way."""
        self.deadline = now + self.t2


class CommandQueue:
    """Sends commands, repeats them, and matches what comes back.

    Args:
        config: T2 and N2.
        send: puts a command into the transmit queue of DLCI 0.
        report: takes each result.
    """

    def __init__(
        self, config: Config, send: Callable[[Outstanding], None], report: Callable[[CommandDone], None]
    ) -> None:
        self._config = config
        self._send = send
        self._report = report
        self._outstanding: dict[MessageType, Outstanding] = {}
        self._waiting: list[Command] = []
        self.retransmissions = 0

    def submit(self, command: Command) -> bool:
        """Send a command as soon as none of its type is outstanding.

        Args:
            command: what to say.

        Returns:
            False when too many wait already.
        """
        if isinstance(command, MSC):  # only the latest signals of a DLC matter; a break is an event of its own
            self._waiting = [
                other
                for other in self._waiting
                if not (isinstance(other, MSC) and other.dlci == command.dlci and other.break_length is None)
            ]
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append(command)
        self._advance()
        return True

    def clear(self) -> None:
        """Forget everything: the session is over."""
        self._outstanding.clear()
        self._waiting.clear()

    def answered(self, message: Message) -> bool:
        """Take a response.

        Args:
            message: a response from the peer, NSC excepted.

        Returns:
            False when nothing that was asked fits it.
        """
        mine = self._outstanding.get(message.type) if message.type is not None else None
        if mine is None or (
            isinstance(mine.command, MSC) and isinstance(message.body, MSC) and message.body.dlci != mine.command.dlci
        ):
            return False
        self._finish(mine, Outcome.ANSWERED, message.body)
        return True

    def not_supported(self, message: Message) -> bool:
        """Take an NSC; return False when it names nothing that was asked.

        Linux sends the type octet shifted right by one, so that form matches, too.
        """
        octet = message.value[0] if message.value else None
        for shift in (0, 1):
            for mine in self._outstanding.values():
                sent = mine.command.type << 2 | 3
                if octet is not None and octet | 3 >> shift == sent >> shift:
                    self._finish(mine, Outcome.NOT_SUPPORTED, None)
                    return True
        return False

    def next_timeout(self) -> float | None:
        """Return when the first T2 runs out."""
        return min((one.deadline for one in self._outstanding.values() if one.deadline is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Repeat what T2 ran out for, or give it up after N2 repetitions."""
        for mine in list(self._outstanding.values()):
            if mine.deadline is None or mine.deadline > now:
                continue
            if mine.tries > self._config.n2:
                self._finish(mine, Outcome.TIMEOUT, None)
            else:
                self.retransmissions += 1
                self._transmit(mine)

    def _advance(self) -> None:
        for command in list(self._waiting):
            if command.type not in self._outstanding:
                self._waiting.remove(command)
                mine = Outstanding(command, t2=self._config.t2)
                self._outstanding[command.type] = mine
                self._transmit(mine)

    def _transmit(self, mine: Outstanding) -> None:
        mine.tries += 1
        mine.deadline = None
        self._send(mine)

    def _finish(self, mine: Outstanding, outcome: Outcome, answer: Command | None) -> None:
        del self._outstanding[mine.command.type]
        self._report(CommandDone(mine.command, outcome, answer))
        self._advance()
