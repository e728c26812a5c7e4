"""Resolves names: one question at a time, whose answer says how many addresses it has."""

from __future__ import annotations

from ...at.core import Dialogue, LinePattern
from ...errors import AtTimeout, CommandError, NameNotFound, TcpipError
from ..core.procedure import Procedure, on_channel, wait
from .codes import NOT_FOUND, stack_command, told
from .state import NameAnswer, StackState
from .timeouts import deadline

_SERVERS = LinePattern(
    "+QIDNSCFG:", r' *[0-9]{1,2} *, *"?(?P<primary>[^", ]*)"? *(?:, *"?(?P<secondary>[^", ]*)"? *)?', 100
)


def resolve(state: StackState, name: str) -> Procedure[list[str]]:
    """Return the addresses of a name: AT+QIDNSGIP, in a context that is active.

    Raises:
        NameNotFound: the module has none.
        AtTimeout: it does not answer.
    """
    with state.module.resolving.claiming(object()) as claimant:
        yield from wait(None, claimant.changes, claimant.take)
        try:
            return (yield from _resolve(state, name))
        finally:
            state.module.names = None


def _resolve(state: StackState, name: str) -> Procedure[list[str]]:
    text, table = f'AT+QIDNSGIP={state.settings.context},"{name}"', state.table
    with table.asking_for_a_name():
        state.module.names = NameAnswer()
        try:
            yield from on_channel(stack_command(text, timeout=deadline("QIDNSGIP")))
        except CommandError as refusal:
            if refusal.code != NOT_FOUND:
                raise
            raise _not_found(state, text, refusal.code) from refusal
        what = f"addresses after {text}"
        limit = deadline("dnsgip")
        resolved = yield from wait(limit, table.changes, table.take_resolved, what=what)
    if resolved is None:
        came = state.port._came
        raise AtTimeout(f"{state.claim.port}: {what} did not come within {limit:g} s (came: {came})", command=what)
    if resolved.code in (None, NOT_FOUND) and not resolved.addresses:
        raise _not_found(state, text, resolved.code)
    if resolved.code is not None:
        raise TcpipError(f"{state.name}: {text} was answered {resolved.code}{told(resolved.code)}", code=resolved.code)
    return list(dict.fromkeys(resolved.addresses))


def _not_found(state: StackState, text: str, code: int | None) -> NameNotFound:
    answer = "without an address" if code is None else str(code)
    return NameNotFound(f"{state.name}: {text} was answered {answer}{told(code)}", reason=code)


def set_servers(context: int, primary: str, secondary: str | None) -> Dialogue[None]:
    """Set the name servers of an active context: AT+QIDNSCFG."""
    second = "" if secondary is None else f',"{secondary}"'
    yield from stack_command(f'AT+QIDNSCFG={context},"{primary}"{second}', timeout=deadline("QIDNSCFG"))


def read_servers(context: int) -> Dialogue[tuple[str, ...]]:
    """Return the name servers of an active context: AT+QIDNSCFG=<context>."""
    response = yield from stack_command(f"AT+QIDNSCFG={context}", timeout=deadline("QIDNSCFG"), info=(_SERVERS,))
    found = _SERVERS.match(response.lines[0]) if response.lines else None
    servers = () if found is None else (found["primary"], found["secondary"])
    return tuple(one for one in servers if one)
