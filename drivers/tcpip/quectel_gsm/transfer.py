"""Dialogues that transfer data: the three ways of AT+QISEND, AT+QIRD, AT+QISACK, and data mode."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...at.core import Dialogue, LinePattern, command, expect, pause, payload
from ...at.core.results import CONNECTED
from ...errors import AtTimeout, CommandError, UnexpectedAnswer
from ..core.socket_state import Acknowledged, Ending
from .settings import check_period
from .timeouts import LIMITS, deadline
from .unsolicited import CLOSED, DEACTIVATED, indexed

CTRL_Z, ESC = b"\x1a", b"\x1b"
ESCAPE = b"+++"
ECHO = 1.0
"""Seconds in which the module has to send back an octet that it takes as data."""
FILLED = 0.8
"""Seconds in which it has to take what was filled up, if it takes it as data."""

_OK, _ERROR = LinePattern("OK"), LinePattern("ERROR")
_SENT, _NOT_SENT = indexed("SEND OK"), indexed("SEND FAIL")
_ENDED = (*CLOSED, *DEACTIVATED)


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
        return deliver_after_all(data, expected) if ending == "length" else leave_prompt()

    yield from command(
        text, timeout=deadline("QISEND"), success=(), info=(), lost_on=_ENDED, prompt=True, abandon=abandon
    )
    came = yield from payload(
        data + (CTRL_Z if ending == "ctrl-z" else b""),
        success=(*_SENT, *_NOT_SENT),
        timeout=deadline("SEND OK") + period,
        echo=expected,
        ends_on=_ENDED,
        shown=f"{len(data)} octets after {text}",
        abandon=leave_prompt if ending == "timer" else None,
    )
    return (yield from _result(came.final))


def _result(final: str) -> Dialogue[str]:
    if final.endswith("SEND OK"):
        return "SEND OK"
    if not final.endswith("SEND FAIL"):
        with suppress(AtTimeout):  # the session ended first; SEND OK or SEND FAIL may follow
            yield from expect(*_SENT, *_NOT_SENT, _ERROR, timeout=1.0)
        return final
    return "SEND FAIL"


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
            yield from _type_escape(data)

    yield from command(
        text, timeout=deadline("QISEND"), success=(), info=(), lost_on=_ENDED, prompt=True, abandon=abandon
    )
    return (yield from _type_escape(data))


def _type_escape(data: bytes) -> Dialogue[str | None]:
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
    came = yield from payload(
        rest, success=(*_SENT, *_NOT_SENT), timeout=deadline("SEND OK"), echo=rest, ends_on=_ENDED
    )
    return (yield from _result(came.final))


def _fill(count: int, silence: AtTimeout) -> Dialogue[None]:
    """End a length of which no echo came, by CR: as data they end it, and as commands they do nothing.

    Args:
        count: the octets that are missing.
        silence: raised if the module takes them for data, of which some have gone to the other side now.
    """
    try:
        yield from payload(b"\r" * count, success=(*_SENT, *_NOT_SENT), timeout=FILLED, shown=f"{count} CR")
    except (AtTimeout, CommandError):
        return
    raise silence


def deliver_after_all(data: bytes, echo: bytes) -> Dialogue[None]:
    """Complete an AT+QISEND=<length> that was given up: until then the module takes everything it receives as data.

    Args:
        data: the octets that were announced.
        echo: the octets that the module may send back.
    """
    try:
        came = yield from expect(_ERROR, timeout=1.0, what="the prompt", prompt=True)
        if came.final:
            return
        yield from payload(data, success=(*_SENT, *_NOT_SENT), timeout=deadline("SEND OK"), echo=echo, ends_on=_ENDED)
    except AtTimeout:
        yield from leave_prompt()
    except CommandError:
        return


def leave_prompt() -> Dialogue[None]:
    """Cancel an AT+QISEND whose prompt did not come, or whose timer is running, by ESC; wait for the answer."""
    try:
        yield from payload(ESC, success=(_OK, *_SENT, *_NOT_SENT), timeout=0.3, shown="ESC")
    except (AtTimeout, CommandError):
        return


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


# -- data mode (app note 3.3) ----------------------------------------------------------------------------------------

GUARD = 0.6
"""Seconds of silence before and after ``+++``; the app note requires at least 0.5."""
ATTEMPTS = 3


def stream(data: bytes, rate: int | None = None) -> Dialogue[None]:
    """Write data in data mode, where there is no answer.

    Args:
        data: the octets.
        rate: bits per second of a line whose port does not know it.
    """
    yield from pause(0.0, write=data, rate=rate)


def silence() -> Dialogue[None]:
    """Keep the silence that has to be before ``+++``: it begins when the last octet has left for the module."""
    yield from pause(GUARD, drained=True)


def escape_by_plus(left: Callable[[], None]) -> Dialogue[bool]:
    """Go from data mode to command mode by ``+++`` between two silences; repeated if there is no answer.

    Args:
        left: called when command mode is reached, before any later octet is parsed.

    Returns:
        Whether the module answered OK; if not, it was not in data mode, or does not respond.
    """
    for _ in range(ATTEMPTS):
        yield from silence()
        if (yield from escape_once(left)):
            return True
    return False


def escape_once(left: Callable[[], None]) -> Dialogue[bool]:
    """Send ``+++`` after `silence`; see `escape_by_plus`."""
    # OK cannot come before the end of the silence behind the last plus: until then, a line that looks like OK is data.
    yield from pause(GUARD * 0.75, write=ESCAPE, whole=True)
    try:
        yield from expect(_OK, timeout=LIMITS["+++"], what="OK after +++", whole=True, drained=True)
    except AtTimeout:
        return False
    left()
    return True


def clear_line() -> Dialogue[None]:
    """Make the module discard what it took for the beginning of a command line."""
    yield from pause(0.3, write=b"\r")
    for _ in range(2):
        with suppress(CommandError):
            yield from command("AT", timeout=2.0)
            return


def in_command_mode() -> Dialogue[bool]:
    """Tell whether the module answers commands; in data mode the command is sent to the other side."""
    try:
        yield from command("AT", timeout=1.0)
    except AtTimeout:
        return False
    except CommandError:
        return True
    return True


def escape_by_dtr(set_dtr: Callable[[bool], None], left: Callable[[], None]) -> Dialogue[bool]:
    """Go from data mode to command mode by dropping DTR; AT&D1 has to be set before.

    Args:
        set_dtr: sets DTR.
        left: called when command mode is reached, before any later octet is parsed.

    Returns:
        Whether the module answered OK.
    """
    yield from pause(0.0, drained=True)  # what comes behind the drop would be a command
    set_dtr(False)
    try:
        yield from expect(_OK, timeout=LIMITS["+++"], what="OK after DTR was dropped", whole=True)
    except AtTimeout:
        return False
    finally:
        set_dtr(True)
    left()
    return True


def back_online(resumed: Callable[[], None]) -> Dialogue[bool]:
    """Go back to data mode: ATO.

    Args:
        resumed: called when data mode is reached, before any later octet is parsed.

    Returns:
        False if the module has no session to go back to (NO CARRIER, ERROR).
    """
    try:
        yield from command("ATO", timeout=deadline("ATO"), success=CONNECTED, info=(), whole=True)
    except CommandError:
        return False
    resumed()
    return True
