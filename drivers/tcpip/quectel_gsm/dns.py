"""Resolves names through the domain name system (app note 9.2)."""

from __future__ import annotations

import re
from contextlib import suppress

from ...at.core import Dialogue, LinePattern, command, expect
from ...at.core.patterns import any_match
from ...at.core.values import ADDRESS
from ...errors import AnswerLost, AtTimeout, NameNotFound
from .dialogues import await_unless_deactivated, put, read_lines
from .timeouts import deadline
from .unsolicited import DEACTIVATED

SILENCE = 0.5
"""Seconds without a further address after which the list is complete: the module does not mark its end."""

MAX_ADDRESSES = 64

_ADDRESS = LinePattern("", ADDRESS, 15)
_REFUSED = LinePattern("ERROR:", r" ?(?P<reason>[0-9]+)", 4)
_STATE = LinePattern("STATE:", r" ?[A-Z ]+", 20)

REASONS = {
    1: "not authorised by the network",
    2: "invalid parameter",
    3: "network error",
    4: "no server",
    5: "no answer in time",
    6: "no configuration",
    7: "no memory",
    8: "unknown error",
}
"""The reasons that the module gives, by their codes (M66 AT manual, QIDNSGIP)."""


def resolve(name: str) -> Dialogue[list[str]]:
    """Return the addresses of a name: AT+QIDNSGIP, OK, then one address per line.

    Raises:
        NameNotFound: there is none; the message has the module's reason.
    """
    text = f'AT+QIDNSGIP="{name}"'
    yield from command(text, timeout=deadline("QISTAT"), info=())
    first = yield from await_unless_deactivated(
        _ADDRESS, _REFUSED, timeout=deadline("QIDNSGIP"), what="addresses", after=text
    )
    if any_match(DEACTIVATED, first.final):
        raise AnswerLost(f"{text} was answered {first.final}", command=text, line=first.final)
    refused = _REFUSED.match(first.final)
    if refused is not None:
        with suppress(AtTimeout):
            yield from expect(_STATE, timeout=SILENCE, what="STATE")
        reason = int(refused["reason"])
        raise NameNotFound(
            f"{text} was answered {first.final} ({REASONS.get(reason, 'a reason that is in no manual')})", reason=reason
        )
    addresses = [first.final]
    with suppress(AtTimeout):
        while len(addresses) < MAX_ADDRESSES:
            more = yield from expect(_ADDRESS, timeout=SILENCE, what="another address")
            addresses.append(more.final)
    return list(dict.fromkeys(addresses))


def set_servers(primary: str, secondary: str | None) -> Dialogue[None]:
    """Set the name servers: AT+QIDNSCFG."""
    second = "" if secondary is None else f',"{secondary}"'
    yield from put("QIDNSCFG", f'"{primary}"{second}')


def read_servers() -> Dialogue[tuple[str, ...]]:
    """Return the name servers: AT+QIDNSCFG?."""
    lines = yield from read_lines(
        "QIDNSCFG", (LinePattern("PrimaryDns:", ".*", 30), LinePattern("SecondaryDns:", ".*", 30))
    )
    found = (re.search(rf"(?<![0-9.]){ADDRESS}(?![0-9.])", line) for line in lines)
    return tuple(match[0] for match in found if match is not None)
