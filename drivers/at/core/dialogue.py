"""AT dialogues: generators over four helpers, which run unchanged on threads and in asyncio.

::

    def connect(host: str, port: int) -> Dialogue[None]:
        yield from command(f'AT+QIOPEN="TCP", "{host}",{port}', timeout=5)
        came = yield from expect(CONNECT_OK, CONNECT_FAIL, timeout=75)
        if came.final != "CONNECT OK":
            raise ConnectFailed(...)

Code between two steps runs before any later octet is parsed, so it may change how data is distinguished from lines.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from cmux.masking import masked, shown

from ...errors import AtError, InvalidArgument, InvalidType
from .calls import successes
from .patterns import LinePattern

DEFAULT_TIMEOUT = 5.0
MAX_COMMAND = 256  # M66 AT manual 1.2.1: a longer line is not executed at all


@dataclass(frozen=True, slots=True)
class Response:
    """The result of a step.

    Args:
        lines: the information lines of the answer, in order.
        final: the line that ended the step; empty for the prompt and for a pause.
        elapsed: seconds from writing the octets to the end of the step.
    """

    lines: tuple[str, ...] = ()
    final: str = ""
    elapsed: float = 0.0


class Kind(enum.Enum):
    """Kinds of steps."""

    COMMAND = "command"
    EXPECT = "expect"
    PAYLOAD = "payload"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """One thing that a dialogue waits for; only the four helpers create it.

    Args:
        kind: the kind of step.
        shown: the name of the step; see `told`.
        timeout: seconds from the moment the octets have been written.
        write: the octets to write first.
        success: the lines that end the step.
        errors: whether ERROR, +CME ERROR, +CMS ERROR and the ends of a call end it with an exception.
        after: the command whose answer it is, if that is another step.
        info: the lines that belong to the answer; None: all lines that are not unsolicited results.
        ends_on: unsolicited results that also end it.
        lost_on: unsolicited results after which the answer cannot come: they end it with `AnswerLost`.
        prompt: whether the ``>`` ends it.
        payload_echo: the octets that the module may send back.
        until_echoed: whether the step ends when they have come back.
        after_echo: whether lines before the echo of the command are ignored as stale.
        abandon: creates the dialogue that recovers the channel when this step is given up.
        whole: whether the step is finished even if the caller is interrupted; the dialogue then continues to the next
            step that is not.
        drained: whether the timeout starts only when everything that was written so far has left for the module.
        rate: bits per second of a line whose port does not know it.
    """

    kind: Kind
    shown: str
    timeout: float
    write: bytes = b""
    success: tuple[LinePattern, ...] = ()
    errors: bool = False
    after: str = ""
    info: tuple[LinePattern, ...] | None = ()
    ends_on: tuple[LinePattern, ...] = ()
    lost_on: tuple[LinePattern, ...] = ()
    prompt: bool = False
    payload_echo: bytes = b""
    until_echoed: bool = False
    after_echo: bool = False
    abandon: Callable[[], Dialogue[None]] | None = None
    whole: bool = False
    drained: bool = False
    rate: float | None = None

    def __repr__(self) -> str:
        return f"<Step {self.kind.value} {self.told!r}>"  # `write` may have secrets

    @property
    def told(self) -> str:
        """The name of the step in messages, without PINs and passwords."""
        return masked(self.shown) if self.kind is Kind.COMMAND else self.shown


T = TypeVar("T")
Dialogue = Generator[Step, Response | AtError, T]
"""A dialogue yields steps, is sent the response to each, or why there is none, and returns its result."""


def _given(response: Response | AtError) -> Response:
    """Return a response, or raise why there is none.

    It is raised here, not thrown in: what is thrown in reaches the innermost generator past those around it, unseen by
    whoever traces them.
    """
    if isinstance(response, AtError):
        raise response
    return response


def command(
    text: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    success: tuple[LinePattern, ...] | None = None,
    info: tuple[LinePattern, ...] | None = None,
    lost_on: tuple[LinePattern, ...] = (),
    prompt: bool = False,
    after_echo: bool = False,
    abandon: Callable[[], Dialogue[None]] | None = None,
    whole: bool = False,
    most: int = MAX_COMMAND - 1,
) -> Dialogue[Response]:
    """Send a command line and wait for its final result.

    Args:
        text: the line without its CR, in ASCII.
        timeout: seconds until `AtTimeout`.
        success: the final results that mean success; None: OK, CONNECT where the command makes a connection, and RDY or
            NORMAL POWER DOWN where it restarts the module or switches it off. ERROR, +CME ERROR and +CMS ERROR raise;
            so do NO CARRIER, BUSY, NO ANSWER and NO DIALTONE, unless a call is up.
        info: the lines that belong to the answer; None: all lines that are not unsolicited results.
        lost_on: unsolicited results after which no answer is likely: the module gets 2 s more. Their sinks receive
            them, too.
        prompt: whether the ``>`` also means success.
        after_echo: whether lines before the echo of the command are ignored as stale.
        abandon: creates the dialogue that recovers the channel when the command is given up.
        whole: whether to wait for the answer even if the caller is interrupted, as for a change of the UART's mode.
        most: the octets of the longest line that the module takes.

    Returns:
        The information lines and the final result.

    Raises:
        InvalidType: the text is not a `str`; nothing was sent.
        InvalidArgument: it has characters that are not ASCII; nothing was sent.
        ValueError: it is too long, or has a control character; nothing was sent.
        CommandError: the module answered ERROR or the like.
        AtTimeout: it did not answer in time.
        AnswerLost: a line came after which no answer can come.
        ChannelClosed: the line died.
    """
    if not isinstance(text, str):
        raise InvalidType(f"a command line is text, not {type(text).__name__}: {shown(text)}")
    if not text.isascii():
        raise InvalidArgument(f"a command line has ASCII characters only: {shown(text)}")
    octets = text.encode("ascii")
    if len(octets) > most or any(octet < 0x20 for octet in octets):
        ended = "; its CR is added" if text.endswith(("\r", "\n")) else ""
        raise ValueError(f"a command line is up to {most} printable octets: {shown(text)}{ended}")
    response = yield Step(
        Kind.COMMAND,
        text,
        timeout,
        octets + b"\r",
        success=successes(text) if success is None else success,
        errors=True,
        info=info,
        lost_on=lost_on,
        prompt=prompt,
        after_echo=after_echo,
        abandon=abandon,
        whole=whole,
    )
    return _given(response)


def expect(
    *lines: LinePattern,
    timeout: float,
    what: str = "",
    after: str = "",
    lost_on: tuple[LinePattern, ...] = (),
    ends_on: tuple[LinePattern, ...] = (),
    prompt: bool = False,
    abandon: Callable[[], Dialogue[None]] | None = None,
    whole: bool = False,
    drained: bool = False,
) -> Dialogue[Response]:
    """Wait for a line that the module sends some time after a command.

    Args:
        lines: the lines that end the wait.
        timeout: seconds until `AtTimeout`.
        what: the name of the wait in messages.
        after: the command that was answered OK before: ERROR then ends the wait, as it would have ended the command.
        lost_on: unsolicited results that end it with `AnswerLost`; their sinks receive them, too.
        ends_on: unsolicited results that also end it; their sinks receive them, too.
        prompt: whether the ``>`` also ends it, with an empty `Response.final`.
        abandon: creates the dialogue that recovers the channel when the wait is given up.
        whole: whether to wait even if the caller is interrupted.
        drained: whether the timeout starts only when everything that was written so far has left for the module.

    Returns:
        The line, as `Response.final`.
    """
    shown = what or " or ".join(pattern.prefix or "a line" for pattern in lines)
    response = yield Step(
        Kind.EXPECT,
        shown,
        timeout,
        success=lines,
        errors=bool(after),
        after=after,
        lost_on=lost_on,
        ends_on=ends_on,
        prompt=prompt,
        abandon=abandon,
        whole=whole,
        drained=drained,
    )
    return _given(response)


def payload(
    data: bytes,
    *,
    success: tuple[LinePattern, ...],
    timeout: float = DEFAULT_TIMEOUT,
    echo: bytes = b"",
    until_echoed: bool = False,
    ends_on: tuple[LinePattern, ...] = (),
    shown: str = "",
    abandon: Callable[[], Dialogue[None]] | None = None,
) -> Dialogue[Response]:
    """Write the octets that the prompt asks for and wait for the result.

    Once begun it is finished even if the caller is cancelled, unless ``abandon`` provides a way out.

    Args:
        data: the octets, with their terminator if there is one.
        success: the lines that mean success; ERROR, +CME ERROR and +CMS ERROR raise.
        timeout: seconds until `AtTimeout`.
        echo: the octets that the module may send back; empty if it sends none.
        until_echoed: whether this ends when they have come back, with an empty `Response.final`.
        ends_on: unsolicited results that also end it; their sinks receive them, too.
        shown: the name of the step in messages.
        abandon: creates the dialogue that recovers the channel when this is given up.

    Returns:
        The line that ended it.
    """
    response = yield Step(
        Kind.PAYLOAD,
        shown or f"the payload of {len(data)} octets",
        timeout,
        data,
        success=success,
        errors=True,
        ends_on=ends_on,
        payload_echo=echo,
        until_echoed=until_echoed,
        abandon=abandon,
        whole=abandon is None,
    )
    return _given(response)


def pause(
    seconds: float, *, write: bytes = b"", whole: bool = False, drained: bool = False, rate: float | None = None
) -> Dialogue[None]:
    """Wait for a time; answers that come meanwhile are stale and are dropped.

    Args:
        seconds: the duration, from the moment the octets have been written.
        write: octets to write first, to which there is no answer (data in data mode, ``+++``).
        whole: whether the pause lasts to its end even if the caller is interrupted.
        drained: whether it begins only when everything that was written so far has left for the module: `AtTimeout` if
            the line takes nothing for 10 s.
        rate: bits per second of a line whose port does not know it.
    """
    response = yield Step(
        Kind.PAUSE, f"a pause of {seconds} s", seconds, write, info=None, whole=whole, drained=drained, rate=rate
    )
    _given(response)
