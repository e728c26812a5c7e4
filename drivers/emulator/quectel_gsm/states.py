"""The states of a PDP context as a table: what may happen in which state, and where it leads."""

from __future__ import annotations

import enum

from ..behaviour import Behaviour


class ContextState(enum.Enum):
    """The states of a context, in the words of AT+QISTAT."""

    INITIAL = "IP INITIAL"
    START = "IP START"
    CONFIG = "IP CONFIG"
    IND = "IP IND"
    GPRSACT = "IP GPRSACT"
    STATUS = "IP STATUS"
    TCP_CONNECTING = "TCP CONNECTING"
    UDP_CONNECTING = "UDP CONNECTING"
    CLOSE = "IP CLOSE"
    CONNECT_OK = "CONNECT OK"
    PDP_DEACT = "PDP DEACT"
    PROCESSING = "IP PROCESSING"


#: The number that stands for the word with ATV0; the manual has none for IP PROCESSING.
STATE_NUMBERS = {
    ContextState.INITIAL: 0,
    ContextState.START: 1,
    ContextState.CONFIG: 2,
    ContextState.IND: 3,
    ContextState.GPRSACT: 4,
    ContextState.STATUS: 5,
    ContextState.TCP_CONNECTING: 6,
    ContextState.UDP_CONNECTING: 6,
    ContextState.CLOSE: 7,
    ContextState.CONNECT_OK: 8,
    ContextState.PDP_DEACT: 9,
    ContextState.PROCESSING: 8,
}


class Trigger(enum.Enum):
    """What can happen to a context."""

    REGISTER = "QIREGAPP"
    ACTIVATE = "QIACT"
    CONFIGURED = "activation configured"
    ACTIVATED = "network accepts"
    REFUSED = "network refuses"
    READ_ADDRESS = "QILOCIP"
    OPEN_TCP = "QIOPEN TCP"
    OPEN_UDP = "QIOPEN UDP"
    OPEN_PROFILE = "QIOPEN with QIMUX=1"
    CONNECTED = "session connected"
    FAILED = "session not connected"
    REMOTE_CLOSED = "remote side closed"
    CLOSE_SESSION = "QICLOSE"
    LAST_PROFILE_CLOSED = "last session with QIMUX=1 closed"
    LISTEN = "QISERVER"
    DEACTIVATE = "QIDEACT"
    DROPPED = "network drops the context"


#: States in which the network has given the context an address.
ACTIVE = frozenset(
    {
        ContextState.GPRSACT,
        ContextState.STATUS,
        ContextState.TCP_CONNECTING,
        ContextState.UDP_CONNECTING,
        ContextState.CLOSE,
        ContextState.CONNECT_OK,
        ContextState.PROCESSING,
    }
)

#: States in which activation is under way.
ACTIVATING = frozenset({ContextState.START, ContextState.CONFIG, ContextState.IND})

Transitions = dict[tuple[ContextState, Trigger], ContextState]


def transitions(behaviour: Behaviour) -> Transitions:
    """Return the table of transitions; a pair that is not in it is refused.

    Args:
        behaviour: the readings where sources disagree.
    """
    state, trigger = ContextState, Trigger
    table: Transitions = {
        (state.INITIAL, trigger.REGISTER): state.START,
        (state.START, trigger.ACTIVATE): state.CONFIG,
        (state.CONFIG, trigger.CONFIGURED): state.IND,
        (state.IND, trigger.ACTIVATED): state.GPRSACT,
        (state.IND, trigger.REFUSED): ContextState(behaviour.refused_activation),
        (state.GPRSACT, trigger.READ_ADDRESS): state.STATUS,
        (state.STATUS, trigger.READ_ADDRESS): state.STATUS,
        (state.TCP_CONNECTING, trigger.READ_ADDRESS): state.TCP_CONNECTING,
        (state.UDP_CONNECTING, trigger.READ_ADDRESS): state.UDP_CONNECTING,
        (state.CONNECT_OK, trigger.READ_ADDRESS): state.CONNECT_OK,
        (state.CLOSE, trigger.READ_ADDRESS): state.CLOSE,
        (state.PROCESSING, trigger.READ_ADDRESS): state.PROCESSING,
        (state.STATUS, trigger.OPEN_TCP): state.TCP_CONNECTING,
        (state.CLOSE, trigger.OPEN_TCP): state.TCP_CONNECTING,
        (state.STATUS, trigger.OPEN_UDP): state.UDP_CONNECTING,
        (state.CLOSE, trigger.OPEN_UDP): state.UDP_CONNECTING,
        (state.STATUS, trigger.OPEN_PROFILE): state.PROCESSING,
        (state.CLOSE, trigger.OPEN_PROFILE): state.PROCESSING,
        (state.PROCESSING, trigger.OPEN_PROFILE): state.PROCESSING,
        (state.TCP_CONNECTING, trigger.CONNECTED): state.CONNECT_OK,
        (state.UDP_CONNECTING, trigger.CONNECTED): state.CONNECT_OK,
        (state.TCP_CONNECTING, trigger.FAILED): state.CLOSE,
        (state.UDP_CONNECTING, trigger.FAILED): state.CLOSE,
        (state.CONNECT_OK, trigger.REMOTE_CLOSED): state.CLOSE,
        (state.TCP_CONNECTING, trigger.CLOSE_SESSION): state.CLOSE,
        (state.UDP_CONNECTING, trigger.CLOSE_SESSION): state.CLOSE,
        (state.CONNECT_OK, trigger.CLOSE_SESSION): state.CLOSE,
        (state.PROCESSING, trigger.LAST_PROFILE_CLOSED): state.STATUS,
        (state.STATUS, trigger.LISTEN): state.STATUS,
        (state.CLOSE, trigger.LISTEN): state.CLOSE,
        (state.CONNECT_OK, trigger.LISTEN): state.CONNECT_OK,
        (state.PROCESSING, trigger.LISTEN): state.PROCESSING,
    }
    for any_state in ContextState:
        table[any_state, trigger.DEACTIVATE] = state.INITIAL
    for active in ACTIVE:
        table[active, trigger.DROPPED] = state.PDP_DEACT
    if behaviour.qideact_in_initial == "error":
        del table[state.INITIAL, trigger.DEACTIVATE]
    if behaviour.qiopen_in_gprsact:
        table[state.GPRSACT, trigger.OPEN_TCP] = state.TCP_CONNECTING
        table[state.GPRSACT, trigger.OPEN_UDP] = state.UDP_CONNECTING
        table[state.GPRSACT, trigger.OPEN_PROFILE] = state.PROCESSING
    if behaviour.qiserver_in_gprsact:
        table[state.GPRSACT, trigger.LISTEN] = state.STATUS
    return table
