"""Ping and network time: questions whose answers come some time after OK, on the channel that has asked."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ...at.core import Dialogue, LinePattern, expect
from ...at.core.values import number
from ...errors import TcpipError, UnexpectedAnswer
from ..core.extras import PingReply
from .codes import DEACTIVATED, NOT_FOUND, stack_command, told
from .state import StackState
from .timeouts import deadline
from .unsolicited import lost_line

_NEXT = " *, *"
_REPLY = LinePattern(
    "+QPING:",
    rf' *0{_NEXT}"(?P<address>[^"]*)"{_NEXT}(?P<octets>[0-9]{{1,5}}){_NEXT}(?P<time>[0-9]{{1,7}})'
    rf"{_NEXT}(?P<ttl>[0-9]{{1,3}}) *",
    100,
)
_SILENCE = LinePattern("+QPING:", " *(?P<code>[0-9]{1,5}) *", 10)
_SUMMARY = LinePattern("+QPING:", rf" *[0-9]{{1,5}}(?:{_NEXT}[0-9]{{1,7}}){{3,6}} *", 80)
_TIME = LinePattern(
    "+QNTP:",
    rf' *(?P<code>[0-9]{{1,5}}) *(?:{_NEXT}"?(?P<date>[0-9/]{{8,10}},[0-9:]{{8}})(?P<zone>[+-][0-9]{{1,2}})?"?)? *',
    50,
)


def ping(context: int, host: str, count: int, timeout: int) -> Dialogue[list[PingReply]]:
    """Send requests to a host and return what became of each: AT+QPING.

    Args:
        context: an active context.
        host: a name or an address.
        count: the number of requests, 1 to 10.
        timeout: seconds to wait for each reply, 1 to 255.
    """
    text = f'AT+QPING={context},"{host}",{timeout},{count}'
    yield from stack_command(text, timeout=deadline("QPING"))
    replies = list[PingReply]()
    while len(replies) < count + 1:  # the last line is a summary, unless there is nothing to ask
        came = yield from expect(
            *(_SUMMARY, _REPLY, _SILENCE),
            timeout=timeout + deadline("dnsgip"),
            lost_on=(lost_line(context),),
            what=f"+QPING after {text}",
        )
        silence, reply = _SILENCE.match(came.final), _REPLY.match(came.final)
        if reply is not None:
            octets, time, ttl = (int(reply[name]) for name in ("octets", "time", "ttl"))
            replies.append(PingReply(reply["address"], octets, time, ttl, None))
        elif silence is not None:
            code = int(silence["code"])
            replies.append(PingReply(None, 0, None, None, code))
            if code in (NOT_FOUND, DEACTIVATED):
                break
        else:
            break
    return replies[:count]  # the summary may be a code alone


def network_time(state: StackState, server: str, port: int) -> Dialogue[datetime]:
    """Return the time of a time server: AT+QNTP.

    Raises:
        TcpipError: the module has no answer of the server; `code` is the reason.
    """
    text = f'AT+QNTP={state.settings.context},"{server}",{port}'
    yield from stack_command(text, timeout=deadline("QNTP"))
    lost = (lost_line(state.settings.context),)
    came = yield from expect(_TIME, timeout=deadline("+QNTP"), lost_on=lost, what=f"+QNTP after {text}")
    found = _TIME.match(came.final)
    code = None if found is None else number(found["code"], 1, 65535)
    if code is not None:
        raise TcpipError(f"{state.name}: {text} was answered {code}{told(code)}", code=code)
    try:
        date, zone = ("", "") if found is None else (found["date"] or "", found["zone"] or "")
        offset = timezone(timedelta(minutes=15 * int(zone)))
        return datetime.strptime(date, "%Y/%m/%d,%H:%M:%S").replace(tzinfo=offset)
    except ValueError:
        raise UnexpectedAnswer(f"{text} was answered {came.final}, which is no time with its zone") from None
