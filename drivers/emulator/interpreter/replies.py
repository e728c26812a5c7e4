"""How a command ends: result codes, final texts and error codes."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Result(enum.IntEnum):
    """The result codes of V.250 with the numbers that ATV0 shows."""

    OK = 0
    CONNECT = 1
    RING = 2
    NO_CARRIER = 3
    ERROR = 4
    NO_DIALTONE = 6
    BUSY = 7
    NO_ANSWER = 8

    @property
    def words(self) -> str:
        """The text that ATV1 shows."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of one command.

    Args:
        result: a result code, or None.
        text: a final text that stands in place of OK, such as ``DEACT OK``.
        cme: the number of a ``+CME ERROR``.
        cms: the number of a ``+CMS ERROR``.
    """

    result: Result | None = None
    text: str | None = None
    cme: int | None = None
    cms: int | None = None

    @property
    def failed(self) -> bool:
        """Whether the commands behind it on the same line are not executed."""
        coded = self.cme is not None or self.cms is not None
        return coded or (self.result is not None and self.result is not Result.OK)


OK = Reply(Result.OK)
"""OK."""
ERROR = Reply(Result.ERROR)
"""ERROR, after which the rest of the line is not executed."""
NO_CARRIER = Reply(Result.NO_CARRIER)
BUSY = Reply(Result.BUSY)
NO_ANSWER = Reply(Result.NO_ANSWER)
ANSWERED = Reply()  # the command has written its answer itself


def final(text: str) -> Reply:
    """Return a final text that stands in place of OK."""
    return Reply(text=text)


def cme(code: int) -> Reply:
    """Return a ``+CME ERROR``; a UART with CMEE=0 shows ERROR."""
    return Reply(cme=code)


def cms(code: int) -> Reply:
    """Return a ``+CMS ERROR``, which AT+CMEE does not change (27.005 §3.2.5)."""
    return Reply(cms=code)


NOT_ALLOWED = 3
NOT_SUPPORTED = 4
SIM_NOT_INSERTED = 10
SIM_PIN_REQUIRED = 11
SIM_PUK_REQUIRED = 12
SIM_FAILURE = 13
INCORRECT_PASSWORD = 16
INVALID_INDEX = 21
NOT_FOUND = 22
TEXT_TOO_LONG = 24
NUMBER_TOO_LONG = 26
NOT_A_NUMBER = 27
NO_NETWORK_SERVICE = 30
INCORRECT_PARAMETERS = 50
SATELLITES_NOT_SUPPORTED, SESSION_RUNS, NO_SESSION, NO_POSITION = 502, 504, 505, 516  # of Quectel's receivers

#: What CMEE=2 shows in place of the number.
CME_TEXTS = {
    NOT_ALLOWED: "operation not allowed",
    NOT_SUPPORTED: "operation not supported",
    SIM_NOT_INSERTED: "SIM not inserted",
    SIM_PIN_REQUIRED: "SIM PIN required",
    SIM_PUK_REQUIRED: "SIM PUK required",
    SIM_FAILURE: "SIM failure",
    INCORRECT_PASSWORD: "incorrect password",
    INVALID_INDEX: "invalid index",
    NOT_FOUND: "not found",
    TEXT_TOO_LONG: "text string too long",
    NUMBER_TOO_LONG: "dial string too long",
    NOT_A_NUMBER: "invalid characters in dial string",
    NO_NETWORK_SERVICE: "no network service",
    INCORRECT_PARAMETERS: "incorrect parameters",
    SATELLITES_NOT_SUPPORTED: "Operation not supported",
    SESSION_RUNS: "Session is ongoing",
    NO_SESSION: "Session not active",
    NO_POSITION: "Not fixed now",
}
