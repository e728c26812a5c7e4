"""The prompt after which a module takes octets of a session: how what was begun there is ended after all."""

from __future__ import annotations

from ..at.core import Dialogue, LinePattern, expect, payload
from ..errors import AtTimeout, CommandError

CTRL_Z, ESC = b"\x1a", b"\x1b"
CANCELLED = 0.3
"""Seconds in which the module answers ESC, if it does."""

_OK, _ERROR = LinePattern("OK"), LinePattern("ERROR")


def deliver_after_all(
    data: bytes,
    results: tuple[LinePattern, ...],
    *,
    timeout: float,
    echo: bytes = b"",
    ends_on: tuple[LinePattern, ...] = (),
) -> Dialogue[None]:
    """Complete a piece of an announced length that was given up: until then the module takes everything as data.

    Args:
        data: the octets that were announced.
        results: the results of sending.
        timeout: seconds until one of them comes.
        echo: the octets that the module may send back.
        ends_on: unsolicited results after which no result is certain.
    """
    try:
        came = yield from expect(_ERROR, timeout=1.0, what="the prompt", prompt=True)
        if came.final:
            return
        yield from payload(data, success=results, timeout=timeout, echo=echo, ends_on=ends_on)
    except AtTimeout:
        yield from leave_prompt(results)
    except CommandError:
        return


def leave_prompt(results: tuple[LinePattern, ...]) -> Dialogue[None]:
    """Cancel by ESC what waits at a prompt that did not come, or whose timer is running; wait for the answer.

    Args:
        results: the results of sending; OK and ERROR, or none at all, are answers, too.
    """
    try:
        yield from payload(ESC, success=(_OK, *results), timeout=CANCELLED, shown="ESC")
    except (AtTimeout, CommandError):
        return
