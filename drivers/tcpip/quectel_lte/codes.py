"""The error codes of the stack: how they are asked for, what they mean, and the exceptions for them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...at.core import Dialogue, LinePattern, Response, command
from ...at.core.results import ERRORS
from ...at.core.values import number
from ...errors import AtError, CommandError, ConnectFailed, ConnectRefused, ConnectTimeout, NameNotFound, TcpipError
from .timeouts import deadline

MEANINGS: dict[int, str] = {
    550: "unknown error",
    551: "operation blocked",
    552: "invalid parameters",
    553: "no memory",
    554: "no socket could be created",
    555: "not supported",
    556: "bind failed",
    557: "listen failed",
    558: "write failed",
    559: "read failed",
    560: "accept failed",
    561: "the context could not be activated",
    562: "the context could not be deactivated",
    563: "this socket is in use",
    564: "the module is resolving another name",
    565: "the name could not be resolved",
    566: "the connection failed",
    567: "the socket is closed",
    568: "busy",
    569: "no answer in time",
    570: "the network has deactivated the context",
    571: "sending was cancelled",
    572: "not allowed",
    573: "the access point is not configured",
    574: "the port is in use",
}
"""The codes of AT+QIGETERROR, ``+QIOPEN`` and others (BG96 TCP/IP AT Commands Manual V1.0, chapter 4)."""

IN_USE = frozenset({562, 563})
"""The codes of a socket that has another user; some firmware says 562."""
NOT_FOUND = 565
CLOSED = 567
DEACTIVATED = 570

_KINDS: dict[int, type[ConnectFailed]] = {566: ConnectRefused, 569: ConnectTimeout}
_REASON = LinePattern("+QIGETERROR:", r" *(?P<code>[0-9]{1,5}) *(?:,.*)?", 100)


def told(code: int | None) -> str:
    """Return what a code means, to be put behind a message; empty if it is not known."""
    return f" ({MEANINGS[code]})" if code in MEANINGS else ""


def stack_command(
    text: str,
    *,
    timeout: float,
    success: tuple[LinePattern, ...] | None = None,
    info: tuple[LinePattern, ...] = (),
    lost_on: tuple[LinePattern, ...] = (),
    prompt: bool = False,
    abandon: Callable[[], Dialogue[None]] | None = None,
) -> Dialogue[Response]:
    """Send a command of the stack; the exception for ERROR has the code that AT+QIGETERROR gives.

    Args:
        text: see `drivers.at.command`.
        timeout: see there.
        success: see there.
        info: see there.
        lost_on: see there.
        prompt: see there.
        abandon: see there.

    Raises:
        CommandError: the module answered ERROR, or ``+CME ERROR``; `code` is the reason, if it gives one.
    """
    try:
        return (
            yield from command(
                text, timeout=timeout, success=success, info=info, lost_on=lost_on, prompt=prompt, abandon=abandon
            )
        )
    except CommandError as refusal:
        yield from explain(refusal)
        raise


def explain(refusal: CommandError) -> Dialogue[None]:
    """Add the code of the module to a refusal, in the same turn of the channel: each command replaces it.

    Args:
        refusal: the answer of the module.
    """
    if refusal.code is None and any(pattern.match(refusal.answer) for pattern in ERRORS):
        with suppress(AtError):
            lines = (yield from command("AT+QIGETERROR", timeout=deadline("QIGETERROR"), info=(_REASON,))).lines
            found = _REASON.match(lines[0]) if lines else None
            refusal.code = None if found is None else number(found["code"], 1, 65535)
    if refusal.code is not None:
        refusal.args = (
            f"{refusal}{'' if f': {refusal.code}' in refusal.answer else f', {refusal.code}'}{told(refusal.code)}",
        )


def failed_opening(what: str, code: int | None) -> TcpipError:
    """Return the exception for a session or a listener that could not be opened.

    Args:
        what: the name of the context, what was asked, and the answer.
        code: the error code of the module; None if it gave none.
    """
    text = f"{what}{told(code)}"
    if code == NOT_FOUND:
        return NameNotFound(text, reason=code)
    return _KINDS.get(code or 0, ConnectFailed)(text, code=code)
