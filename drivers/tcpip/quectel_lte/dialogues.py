"""The dialogues with the stack about contexts and sockets: one command each, and what its answer says."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ...at.core import Dialogue, LinePattern, command
from ...at.core.values import PORT, number
from ...errors import CommandError, UnexpectedAnswer
from .codes import stack_command
from .timeouts import deadline
from .unsolicited import SOCKETS

CONNECTED = frozenset({2, 3})
"""The states of a client in AT+QISTATE? that is connected: a BG96 shows 3 for one (vshymanskyy/TinyGSM issue 475)."""
OPENING, LISTENING = 1, 3
LINGER = 2
"""Seconds in which the other side may answer a close; the channel takes no other command meanwhile."""

_ACTIVE = LinePattern(
    "+QIACT:", r" *(?P<context>[0-9]{1,2}) *, *(?P<state>[01]) *, *[1-3] *(?:, *(?P<addresses>.*))?", 120
)
_SOCKET = LinePattern(
    "+QISTATE:",
    r' *(?P<id>[0-9]{1,2}) *, *"(?P<kind>[A-Z ]+)" *, *"(?P<address>[^"]*)" *, *'
    rf"(?P<port>{PORT}) *, *(?P<local>{PORT}) *, *(?P<state>[0-9]) *, *(?P<context>[0-9]{{1,2}}) *, *"
    r'(?P<server>[0-9]{1,2}) *, *(?P<mode>[0-2]) *(?:, *"?(?P<uart>[^"]*)"? *)?',
    160,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A socket as AT+QISTATE lists it.

    Args:
        id: its number.
        kind: ``TCP``, ``UDP``, ``TCP LISTENER``, ``UDP SERVICE`` or ``TCP INCOMING``.
        address: the address of the other side; of a listener, the local one.
        port: the port of the other side.
        local: the local port.
        state: 0 initial, 1 opening, 2 connected, 3 listening, 4 closing.
        context: the number of its context.
        server: the listener that has accepted it.
        mode: the access mode.
        uart: the port that has opened it, in the words of the module.
    """

    id: int
    kind: str
    address: str
    port: int
    local: int
    state: int
    context: int
    server: int
    mode: int
    uart: str


# -- contexts ----------------------------------------------------------------------------------------------------------


def read_active() -> Dialogue[dict[int, str]]:
    """Return the active contexts and their addresses: AT+QIACT?."""
    response = yield from command("AT+QIACT?", timeout=deadline("QICSGP"), info=(_ACTIVE,))
    active = dict[int, str]()
    for line in response.lines:
        found = _ACTIVE.match(line)
        if found is not None and found["state"] == "1":
            active[int(found["context"])] = (found["addresses"] or "").partition(",")[0].strip(' "')
    return active


def activate(context: int) -> Dialogue[None]:
    """Activate a context: AT+QIACT."""
    yield from stack_command(f"AT+QIACT={context}", timeout=deadline("QIACT"))


def deactivate(context: int) -> Dialogue[None]:
    """Deactivate a context, with all of its sockets: AT+QIDEACT."""
    yield from stack_command(f"AT+QIDEACT={context}", timeout=deadline("QIDEACT"))


# -- settings ----------------------------------------------------------------------------------------------------------


def put(name: str, value: str) -> Dialogue[None]:
    """Set a value: AT+NAME=value."""
    yield from stack_command(f"AT+{name}={value}", timeout=deadline(name))


def read(name: str) -> Dialogue[str]:
    """Return the value of a setting: the text behind ``+NAME:``."""
    form = LinePattern(f"+{name}:", ".*", 200)
    lines = (yield from command(f"AT+{name}?", timeout=deadline(name), info=(form,))).lines
    if not lines:
        raise UnexpectedAnswer(f"AT+{name}? was answered without +{name}: …")
    return lines[0].removeprefix(form.prefix).strip()


def try_to_put(name: str, value: str) -> Dialogue[bool]:
    """Set a value that not every firmware has; return whether the module has taken it."""
    try:
        yield from command(f"AT+{name}={value}", timeout=deadline(name), info=())
    except CommandError:
        return False
    return True


# -- sockets -----------------------------------------------------------------------------------------------------------


def read_sockets() -> Dialogue[dict[int, Listed]]:
    """Return all sockets of the module, whoever has opened them: AT+QISTATE?."""
    return (yield from _sockets("AT+QISTATE?"))


def read_socket(id: int) -> Dialogue[Listed | None]:
    """Return one socket, or None if there is none with this number: AT+QISTATE=1,<id>."""
    return (yield from _sockets(f"AT+QISTATE=1,{id}")).get(id)


def _sockets(text: str) -> Dialogue[dict[int, Listed]]:
    response = yield from command(text, timeout=deadline("QISTATE"), info=(_SOCKET,))
    listed = dict[int, Listed]()
    for line in response.lines:
        found = _SOCKET.match(line)
        id = None if found is None else number(found["id"], 0, SOCKETS[-1])
        if found is not None and id is not None:
            port, local, state, context, server, mode = (
                int(found[name]) for name in ("port", "local", "state", "context", "server", "mode")
            )
            listed[id] = Listed(
                id, found["kind"], found["address"], port, local, state, context, server, mode, found["uart"] or ""
            )
    return listed


def close(id: int, linger: int = LINGER) -> Dialogue[None]:
    """Close a socket, or a number that is still taken after a failure: AT+QICLOSE.

    Args:
        id: its number.
        linger: seconds in which the other side may answer; 0: none.
    """
    for seconds in (linger,) if linger else (linger, LINGER):  # some firmware may not have the 0
        with suppress(CommandError):  # it was closed already
            yield from command(f"AT+QICLOSE={id},{seconds}", timeout=seconds + deadline("QICLOSE"), info=())
            return
