"""How a procedure of the modem is written: a generator over four helpers, run by threads and by asyncio alike.

::

    def connect(host: str, port: int) -> Dialogue[None]:
        yield from command(f'AT+QIOPEN="TCP", "{host}",{port}', timeout=5)
        came = yield from expect(CONNECT_OK, CONNECT_FAIL, timeout=75)
        if came.final != "CONNECT OK":
            raise ConnectFailed(...)

Code between two steps runs before any later octet is looked at, so that it may change how data is told from lines.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from .patterns import LinePattern
from .results import OK

DEFAULT_TIMEOUT = 5.0
MAX_COMMAND = 256  # M66 AT manual 1.2.1: nothing of a longer line is executed


@dataclass(frozen=True, slots=True)
class Response:
    """The result of a step.

    Args:
        lines: the information lines of the answer, in order.
        final: the line that ended it, empty for the prompt and for a pause.
        elapsed: seconds from the writing of its octets to its end.
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


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a dialogue waits for; made by the four helpers only.

    Args:
        kind: what it is.
        shown: what messages call it.
        timeout: seconds from the moment its octets have been written.
        write: the octets that are written first.
        success: the lines that end it.
        errors: whether ERROR, +CME ERROR and +CMS ERROR end it with an exception.
        info: the lines that belong to its answer; None: all that are no unsolicited results.
        ends_on: unsolicited results that also end it.
        prompt: whether the ``>`` ends it.
        payload_echo: the octets that the module may send back.
        after_echo: whether nothing counts before the echo of the command itself has come.
        abandon: makes the dialogue that brings the channel back when this step is given up.
        whole: whether it is finished also when the caller is interrupted, and the dialogue goes on to the next step
            that need not be.
    """

    kind: Kind
    shown: str
    timeout: float
    write: bytes = b""
    success: tuple[LinePattern, ...] = ()
    errors: bool = False
    info: tuple[LinePattern, ...] | None = ()
    ends_on: tuple[LinePattern, ...] = ()
    prompt: bool = False
    payload_echo: bytes = b""
    after_echo: bool = False
    abandon: Callable[[], Dialogue[None]] | None = None
    whole: bool = False


T = TypeVar("T")
Dialogue = Generator[Step, Response, T]
"""A procedure: yields steps, is sent what ended them, returns its result."""


def command(
    text: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    success: tuple[LinePattern, ...] = (OK,),
    info: tuple[LinePattern, ...] | None = None,
    prompt: bool = False,
    after_echo: bool = False,
    abandon: Callable[[], Dialogue[None]] | None = None,
    whole: bool = False,
) -> Dialogue[Response]:
    """Send a command line and wait for its final result.

    Args:
        text: the line without its CR, at most 255 octets of ASCII.
        timeout: seconds until `AtTimeout`.
        success: the lines that end it well; ERROR, +CME ERROR and +CMS ERROR raise.
        info: the lines that belong to the answer; None: all that are no unsolicited results.
        prompt: whether the ``>`` ends it well, too.
        after_echo: whether nothing counts before the echo of the command has come.
        abandon: makes the dialogue that brings the channel back when this is given up.
        whole: whether to wait for the answer also when the caller is interrupted: it changes the mode of the UART.

    Returns:
        The information lines and the final result.
    """
    octets = text.encode("ascii")
    if len(octets) >= MAX_COMMAND or any(octet < 0x20 for octet in octets):
        raise ValueError(f"a command line is up to {MAX_COMMAND - 1} printable octets: {text!r}")
    response = yield Step(
        Kind.COMMAND,
        text,
        timeout,
        octets + b"\r",
        success=success,
        errors=True,
        info=info,
        prompt=prompt,
        after_echo=after_echo,
        abandon=abandon,
        whole=whole,
    )
    return response


def expect(
    *lines: LinePattern,
    timeout: float,
    what: str = "",
    ends_on: tuple[LinePattern, ...] = (),
    prompt: bool = False,
    abandon: Callable[[], Dialogue[None]] | None = None,
    whole: bool = False,
) -> Dialogue[Response]:
    """Wait for a line that comes by itself after a command.

    Args:
        lines: the lines that end it.
        timeout: seconds until `AtTimeout`.
        what: what messages call it.
        ends_on: unsolicited results that also end it; their sinks get them, too.
        prompt: whether the ``>`` ends it, too, with an empty `Response.final`.
        abandon: makes the dialogue that brings the channel back when this is given up.
        whole: whether to wait for it also when the caller is interrupted.

    Returns:
        The line, as `Response.final`.
    """
    shown = what or " or ".join(pattern.prefix or "a line" for pattern in lines)
    response = yield Step(
        Kind.EXPECT, shown, timeout, success=lines, ends_on=ends_on, prompt=prompt, abandon=abandon, whole=whole
    )
    return response


def payload(
    data: bytes,
    *,
    success: tuple[LinePattern, ...],
    timeout: float = DEFAULT_TIMEOUT,
    echo: bytes = b"",
    ends_on: tuple[LinePattern, ...] = (),
    shown: str = "",
    abandon: Callable[[], Dialogue[None]] | None = None,
) -> Dialogue[Response]:
    """Write the octets that the prompt asked for and wait for the result.

    Once begun it is finished, also when the caller is cancelled, unless ``abandon`` says how to get out of it.

    Args:
        data: the octets, with their terminator where there is one.
        success: the lines that end it; ERROR, +CME ERROR and +CMS ERROR raise.
        timeout: seconds until `AtTimeout`.
        echo: the octets that the module may send back, empty when it sends none.
        ends_on: unsolicited results that also end it; their sinks get them, too.
        shown: what messages call it.
        abandon: makes the dialogue that brings the channel back when this is given up.

    Returns:
        The line that ended it.
    """
    response = yield Step(
        Kind.PAYLOAD,
        shown or f"{len(data)} octets of payload",
        timeout,
        data,
        success=success,
        errors=True,
        ends_on=ends_on,
        payload_echo=echo,
        abandon=abandon,
        whole=abandon is None,
    )
    return response


def pause(seconds: float, *, write: bytes = b"", whole: bool = False) -> Dialogue[None]:
    """Let time pass; answers that come meanwhile are stale and dropped.

    Args:
        seconds: how long, from the moment the octets have been written.
        write: octets that nothing answers (data in data mode, ``+++``), written first.
        whole: whether it lasts also when the caller is interrupted.
    """
    yield Step(Kind.PAUSE, f"a pause of {seconds} s", seconds, write, info=None, whole=whole)
