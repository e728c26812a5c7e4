"""Dialogues that transfer data: the three ways of AT+QISEND, AT+QIRD, AT+QISACK."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from ...at.core import Dialogue, LinePattern, command, expect, payload
from ...errors import AtTimeout, CommandError, UnexpectedAnswer
from ..core.socket_state import Acknowledged, Ending
from ..prompt import CTRL_Z, ESC, deliver_after_all, leave_prompt
from .settings import check_period
from .timeouts import deadline
from .unsolicited import CLOSED, DEACTIVATED, indexed

ECHO = 1.0
"""Seconds in which the module has to send back an octet that it takes as data."""
FILLED = 0.8
"""Seconds in which it has to take what was filled up, if it takes it as data."""

_OK, _ERROR = LinePattern("OK"), LinePattern("ERROR")
_SENT, _NOT_SENT = indexed("SEND OK"), indexed("SEND FAIL")
_RESULTS = (*_SENT, *_NOT_SENT)


def _ends(index: int | None) -> tuple[LinePattern, ...]:
    """Return the lines that end a session; with MUXIP on, CLOSED has its index, and those of others may come, too."""
    return CLOSED[0], *(CLOSED[1 + index :][:1] if index is not None else ()), *DEACTIVATED


def check_sending(data: bytes, ending: Ending, period: int) -> None:
    """Check that data can be sent with an ending.

    Args:
        data: the octets.
        ending: how each piece ends.
        period: seconds of AT+QIAUTOS, for ``timer``.

    Raises:
        ValueError: Ctrl-Z or ESC in data that is not sent by its length, or an unknown ending.
    """
    if ending not in ("length", "ctrl-z", "timer"):
        raise ValueError(f"end is 'length', 'ctrl-z' or 'timer', not {ending!r}")
    check_period(period)
    if ending != "length":
        for octet, word in ((CTRL_Z, "Ctrl-Z (0x1A), which would end it"), (ESC, "ESC (0x1B), which cancels it")):
            if octet in data:
                raise ValueError(f"data ended by Ctrl-Z or a timer cannot contain {word}; send it by length")


def send(
    data: bytes, *, ending: Ending = "length", index: int | None = None, echo: bool = False, period: int = 0
) -> Dialogue[str]:
    """Send one piece: AT+QISEND, the prompt, the data.

    Args:
        data: 1-1460 octets; they may contain Ctrl-Z and ESC only if the length is given.
        ending: how the data ends.
        index: the session, with MUXIP on; None with MUXIP off.
        echo: whether the module may send the data back (AT+QISDE).
        period: the seconds that AT+QIAUTOS is set to, for ``timer``.

    Returns:
        ``SEND OK``, ``SEND FAIL``, or the unsolicited result that ended the session meanwhile.
    """
    parts = ([] if index is None else [str(index)]) + ([str(len(data))] if ending == "length" else [])
    text = "AT+QISEND" + ("=" + ",".join(parts) if parts else "")
    expected = data if echo else b""

    def abandon() -> Dialogue[None]:
        if ending != "length":
            return leave_prompt(_RESULTS)
        return deliver_after_all(data, _RESULTS, timeout=deadline("SEND OK"), echo=expected, ends_on=_ends(index))

    yield from command(
        text, timeout=deadline("QISEND"), success=(), info=(), lost_on=_ends(index), prompt=True, abandon=abandon
    )
    came = yield from payload(
        data + (CTRL_Z if ending == "ctrl-z" else b""),
        success=_RESULTS,
        timeout=deadline("SEND OK") + period,
        echo=expected,
        ends_on=_ends(index),
        shown=f"{len(data)} octets after {text}",
        abandon=partial(leave_prompt, _RESULTS) if ending == "timer" else None,
    )
    return (yield from _result(came.final))


def _result(final: str) -> Dialogue[str]:
    if not final.endswith(("SEND OK", "SEND FAIL")):
        with suppress(AtTimeout):  # the result may follow; a client and a server with the same index may be meant
            result = (yield from expect(*_SENT, *_NOT_SENT, _ERROR, timeout=1.0)).final
            final = result if result.endswith("SEND OK") else final
    return next((known for known in ("SEND OK", "SEND FAIL") if final.endswith(known)), final)


def send_escape(data: bytes, index: int | None) -> Dialogue[str | None]:
    """Send one piece by its length with ESC in it, to a module that may take that for a cancel (app note 4.3).

    The module echoes what it takes as data (AT+QISDE=1), and nothing behind ESC is written before ESC has come back.

    Args:
        data: the piece.
        index: the session, with MUXIP on; None with MUXIP off.

    Returns:
        As `send` does; None: the module has cancelled it, and nothing was sent.
    """
    text = f"AT+QISEND={'' if index is None else f'{index},'}{len(data)}"

    def abandon() -> Dialogue[None]:
        with suppress(AtTimeout, CommandError):
            yield from expect(_ERROR, timeout=1.0, what="the prompt", prompt=True)
            yield from _type_escape(data, index)

    yield from command(
        text, timeout=deadline("QISEND"), success=(), info=(), lost_on=_ends(index), prompt=True, abandon=abandon
    )
    return (yield from _type_escape(data, index))


def _type_escape(data: bytes, index: int | None) -> Dialogue[str | None]:
    head, _, rest = data.partition(ESC)
    for part in (head, ESC) if head else (ESC,):
        limit = ECHO if part == ESC else deadline("SEND OK")
        try:
            came = yield from payload(
                part, success=(_OK, *_SENT, *_NOT_SENT), timeout=limit, echo=part, until_echoed=True
            )
        except CommandError:
            return None
        except AtTimeout as silence:
            yield from _fill(len(rest) + (part == head) * len(ESC), silence)
            return None
        if came.final:
            return None
    came = yield from payload(rest, success=_RESULTS, timeout=deadline("SEND OK"), echo=rest, ends_on=_ends(index))
    return (yield from _result(came.final))


def _fill(count: int, silence: AtTimeout) -> Dialogue[None]:
    """End a length of which no echo came, by CR: as data they end it, and as commands they do nothing.

    Args:
        count: the octets that are missing.
        silence: raised if the module takes them for data, of which some have gone to the other side now.
    """
    try:
        yield from payload(b"\r" * count, success=_RESULTS, timeout=FILLED, shown=f"{count} CR")
    except (AtTimeout, CommandError):
        return
    raise silence


def read_buffered(context: int, service: int, index: int, size: int) -> Dialogue[bool]:
    """Fetch a number of octets that the module keeps: AT+QIRD. The data itself goes to the sinks of the channel.

    Returns:
        False if the answer is ERROR: the session is closed, and all of its data has been read.
    """
    text = f"AT+QIRD={context},{service},{index},{size}"
    try:
        yield from command(text, timeout=deadline("QIRD"), info=())
    except CommandError:
        return False
    return True


_ACK = LinePattern("+QISACK:", r" ?(?P<sent>[0-9]+), ?(?P<acknowledged>[0-9]+), ?(?P<pending>[0-9]+)", 40)


def acknowledged(index: int | None) -> Dialogue[Acknowledged]:
    """Return how many octets were sent, acknowledged, and not acknowledged: AT+QISACK.

    Args:
        index: the session, with MUXIP on; None with MUXIP off.
    """
    text = "AT+QISACK" if index is None else f"AT+QISACK={index}"
    response = yield from command(text, timeout=deadline("QISACK"), info=(_ACK,))
    found = _ACK.match(response.lines[0]) if response.lines else None
    if found is None:
        raise UnexpectedAnswer(f"{text} was answered {response.final} without +QISACK: …")
    return Acknowledged(*(int(found[name]) for name in ("sent", "acknowledged", "pending")))
