"""Unstructured supplementary services (USSD): what the network answers to a code, and what it says by itself."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

from ...clock import Timer
from ..environment import Environment
from ..interpreter.uart import Uart

GSM = 15
"""The data coding scheme of the GSM alphabet (23.038)."""
UCS2 = 72
"""That of UCS-2."""
LONGEST = 182
"""Characters of a code or an answer: 160 octets of the GSM alphabet."""

_QUESTION = "?"
_PLAIN = re.compile(r"[0-9*#]*[*#][0-9*#]*")


class UssdState(enum.IntEnum):
    """The first number of +CUSD (27.007 §7.15)."""

    DONE = 0
    QUESTION = 1
    ENDED = 2
    NOT_SUPPORTED = 4


class Ussd:
    """Answers the codes of one module from a table, and keeps whether the network waits for a reply.

    Args:
        environment: loop, clock, and the table.
        uarts: those that may be told.
    """

    def __init__(self, environment: Environment, uarts: Sequence[Uart]) -> None:
        self.asked: bool = False
        """Whether the network waits for a reply."""
        self._environment = environment
        self._uarts = uarts
        self._answering: Timer | None = None

    @property
    def under_way(self) -> bool:
        """Whether a code has been sent, and its answer is still to come."""
        return self._answering is not None

    def ask(self, uart: Uart, text: str) -> None:
        """Send a code, or a reply to what the network has asked; the answer follows where that is enabled.

        Nothing may be under way.

        Args:
            uart: where it was typed.
            text: the code.
        """
        environment = self._environment
        answer = environment.ussd.get(text)

        def now() -> None:
            self._answering = None
            if answer is None:
                self.asked = False
                self._tell([uart], f"+CUSD: {int(UssdState.NOT_SUPPORTED)}")
            else:
                self._say([uart], answer)

        if environment.behaviour.result_time:
            self._answering = environment.clock.call_later(environment.loop, environment.behaviour.result_time, now)
        else:
            self._answering = environment.loop.call_soon(now)

    def cancel(self) -> None:
        """End the dialogue: nothing more is answered."""
        self._stop()
        self.asked = False

    def say(self, text: str) -> None:
        """Let the network say something by itself.

        Args:
            text: what; if it begins with a question mark the network waits for a reply.

        Raises:
            ValueError: the module is not registered.
        """
        if not self._environment.network.service:
            raise ValueError("the module is not registered")
        self._say([uart for uart in self._uarts if uart.hears], text)

    def reset(self) -> None:
        """Forget the dialogue, as the module restarts or ends."""
        self.cancel()

    def _say(self, uarts: Sequence[Uart], text: str) -> None:
        self.asked = text.startswith(_QUESTION)
        state = UssdState.QUESTION if self.asked else UssdState.DONE
        for uart in uarts:
            shown, scheme = encoded(text.removeprefix(_QUESTION), uart.messages.charset)
            self._tell([uart], f'+CUSD: {int(state)},"{shown}",{scheme}')

    def _tell(self, uarts: Sequence[Uart], line: str) -> None:
        for uart in uarts:
            if uart.attached and uart.settings.cusd == 1:
                uart.announce(line)

    def _stop(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
            self._answering = None


def encoded(text: str, charset: str) -> tuple[str, int]:
    """Return a text as +CUSD shows it, and its data coding scheme (27.007 §7.15).

    Args:
        text: any text.
        charset: that of AT+CSCS; with UCS2, and where the text is not in ASCII, it is shown in hexadecimal digits.
    """
    text = text[:LONGEST]
    scheme = GSM if text.isascii() else UCS2
    if charset == "UCS2" or scheme == UCS2:
        return text.encode("utf-16-be", "replace").hex().upper(), scheme
    if charset == "HEX":
        return text.encode("ascii").hex().upper(), scheme
    return text.replace("\\", "\\5C").replace('"', "\\22"), scheme  # V.250 §5.4.2.2


def decoded(text: str, charset: str, scheme: int) -> str | None:
    """Return the code that AT+CUSD was given, or None when it cannot be read.

    Args:
        text: as it was typed.
        charset: that of AT+CSCS.
        scheme: its data coding scheme.
    """
    coding = "utf-16-be" if charset == "UCS2" or scheme == UCS2 else "ascii" if charset == "HEX" else None
    if coding is None:
        return text[:LONGEST]
    try:
        return bytes.fromhex(text).decode(coding)[:LONGEST]
    except ValueError:
        # python-gsmmodem-new types codes as they are, whatever AT+CSCS says; a star or a hash is no hexadecimal digit.
        return text[:LONGEST] if _PLAIN.fullmatch(text) else None
