"""The states of a data link connection and the transitions between them: data, and nothing else (27.010 §5.4).

Two rules. First, everything that determines how a DLC behaves is in this file: `TRANSITIONS` and `IGNORED` together
have every pair of state and input, `AGREEMENTS` has what PN has agreed, and `FLAGS` what else is true of a DLC besides
its state. `VALUES` names all other fields, and why none of them is a state. Only `Dlc` goes by the tables; no other
module assigns a field of it. Second, the tables know neither the role of this station nor the DLCI: a pair that cannot
occur (DLCI 0 is never parked) is in `IGNORED` like any other.

What the tables cannot see is decided beforehand: which input a frame is, if any (`frame_dispatcher`: policy, echoes,
late answers, what UIH carries while DLCI 0 is closed), whether T1 has run out for the last time (`Dlc.timed_out`), and
which way of closing is meant (`ControlSession.close`). What an action does is defined where it is carried out: in
`actions`, `session` and, for data, `frame_dispatcher`.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import Final

from .events import Cause
from .wire import FrameType


class State(StrEnum):
    """The state of a DLC, as seen from this station."""

    CLOSED = "CLOSED"
    """No command but SABM is accepted (ADM)."""
    NEGOTIATING = "NEGOTIATING"
    """Closed; to be opened as soon as PN has a result."""
    OPENING = "OPENING"
    """SABM has been sent; UA or DM is awaited."""
    OPEN = "OPEN"
    """Data flows (ABM)."""
    DRAINING = "DRAINING"
    """To be closed as soon as the transmit queue is empty."""
    PARKED = "PARKED"
    """Closed for our owner, but open for the peer, which could not open it again (`Config.keep_open`)."""
    CLOSING = "CLOSING"
    """DISC has been sent; UA or DM is awaited."""
    REOPENING = "REOPENING"
    """As CLOSING; to be opened as soon as it is closed."""
    CLEARING = "CLEARING"
    """DISC has been sent for a DLC that is closed for our owner, but perhaps not for the peer."""
    CLEARING_FIRST = "CLEARING_FIRST"
    """As CLEARING; to be opened as soon as the peer has cleared it."""


class Input(StrEnum):
    """What happens to a DLC."""

    OPEN = "open"
    SETTLED = "PN settled"
    """PN has a result, or none is needed."""
    CLOSE = "close"
    PARK = "park"
    """Close, but keep it open for the peer: what closing means with `Config.keep_open`."""
    DRAIN = "drain"
    """Close when the queue is empty."""
    DRAINED = "queue empty"
    MISSED = "missed"
    """The peer, which is sending again, may have missed our last message about the DLC."""
    SABM = "SABM"
    UNWANTED_SABM = "unwanted SABM"
    """Refused by policy."""
    UA = "UA"
    DM = "DM"
    DM_IN_ADM = "DM in ADM"
    """On DLCI 0, from a peer that still serves data channels (`Config.adm`)."""
    DISC = "DISC"
    DATA = "UIH"
    """Or UI."""
    CLD = "CLD in UIH"
    """On DLCI 0, without a session: a host that finds a multiplexer wants to be rid of it (27.010 §5.4.6.3.3)."""
    SIGNALS = "signals"
    """In an MSC, or before the data of convergence layer 2."""
    T1 = "T1"
    N2 = "N2"
    """T1 has run out for the last time."""
    DROPPED = "session over"
    """Or the line was lost."""


class Action(StrEnum):
    """What the multiplexer does in response."""

    SEND_SABM = "send SABM"
    SEND_DISC = "send DISC"
    SEND_UA = "send UA"
    SEND_DM = "send DM"
    SEND_DM_ONCE_PER_T1 = "send DM, once per T1"
    SEND_SIGNALS = "send signals"
    SETTLE = "settle PN"
    OPENED = "emit: opened"
    OPENED_BY_PEER = "emit: opened by the peer"
    KEEP_OPEN = "emit: still open"
    RESUME = "emit: opened, signals"
    REESTABLISHED = "emit: restarted"
    RESTARTED = "restart"
    DELIVER = "deliver"
    DISCARD = "discard"
    DISCARD_BUT_STATUS = "discard all but status"
    TELL_SIGNALS = "emit: signals"
    NOTE_SIGNALS = "note"
    KEEP_SIGNALS = "keep for later"
    DISC_ANSWERED = "note: answered"
    DISC_UNANSWERED = "note: unanswered"
    """The peer is told again as soon as it sends something."""
    PARKED = "emit: closed for us"
    CLOSED = "emit: closed"
    CLOSED_BY_PEER = "emit: closed by the peer"
    REFUSED = "emit: refused"
    UNANSWERED = "emit: no answer"
    DROPPED = "emit: closed with it"
    FORGET = "forget"
    """The connection and its queue; our owner is not told."""


CLOSING_CAUSE: Final = {
    Action.CLOSED: (Cause.LOCAL, "closed"),
    Action.CLOSED_BY_PEER: (Cause.PEER, "the peer closed it"),
    Action.REFUSED: (Cause.REFUSED, "the peer refused it (DM)"),
    Action.UNANSWERED: (Cause.TIMEOUT, "the peer did not answer"),
}
"""The actions that end a DLC, with the cause and the text for its owner."""

_S, _I, _A = State, Input, Action

AWAITED: Final = {
    _S.OPENING: FrameType.SABM,
    **dict.fromkeys((_S.CLOSING, _S.REOPENING, _S.CLEARING, _S.CLEARING_FIRST), FrameType.DISC),
}
"""The states in which one of our commands awaits its answer, while T1 runs (27.010 §5.7.1)."""

NO_ANSWER_COMES: Final = frozenset((_I.T1, _I.N2, _I.DROPPED))
"""The inputs after which no answer is on its way any more: what has not come within T1 will not come.

Otherwise each SABM and DISC that is sent adds one to the answers that are due, and each UA and DM with F = 1 deducts
one; while more than one is due, the answer belongs to an older command.
"""

OPEN_FOR_PEER: Final = frozenset((_S.OPEN, _S.DRAINING, _S.PARKED))
"""The states in which the peer may consider the DLC open."""

AS_TOLD: Final = {
    **dict.fromkeys((_S.NEGOTIATING, _S.PARKED, _S.CLEARING, _S.CLEARING_FIRST), _S.CLOSED),
    _S.REOPENING: _S.CLOSING,
}
"""The states that look like another one to our owner, who has been told `Closed` or has yet to be told."""

TRANSITIONS: Final[dict[tuple[State, Input], tuple[State, tuple[Action, ...]]]] = {
    # 27.010 5.3.3: a closed DLC accepts SABM only; DISC is answered with DM, and stray data once per T1.
    (_S.CLOSED, _I.OPEN): (_S.NEGOTIATING, (_A.SETTLE,)),
    (_S.CLOSED, _I.MISSED): (_S.CLEARING, (_A.SEND_DISC,)),
    (_S.CLOSED, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.OPENED_BY_PEER)),
    (_S.CLOSED, _I.UNWANTED_SABM): (_S.CLOSED, (_A.SEND_DM,)),
    (_S.CLOSED, _I.DISC): (_S.CLOSED, (_A.SEND_DM,)),
    (_S.CLOSED, _I.DATA): (_S.CLOSED, (_A.DISCARD, _A.SEND_DM_ONCE_PER_T1)),
    (_S.CLOSED, _I.CLD): (_S.CLOSED, (_A.DELIVER,)),  # 27.010 5.4.6.3.3: back to AT mode, with a session or without
    (_S.CLOSED, _I.DROPPED): (_S.CLOSED, ()),  # what PN negotiated is forgotten
    # 27.010 5.4.6.3.1: PN comes before SABM. Unless a PN is under way, or its result in doubt, it is settled at once.
    (_S.NEGOTIATING, _I.SETTLED): (_S.OPENING, (_A.SEND_SABM,)),
    (_S.NEGOTIATING, _I.CLOSE): (_S.CLOSED, (_A.CLOSED,)),
    (_S.NEGOTIATING, _I.PARK): (_S.CLOSED, (_A.CLOSED,)),
    (_S.NEGOTIATING, _I.DRAIN): (_S.CLOSED, (_A.CLOSED,)),
    (_S.NEGOTIATING, _I.MISSED): (_S.CLEARING_FIRST, (_A.SEND_DISC,)),
    (_S.NEGOTIATING, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.OPENED_BY_PEER)),
    (_S.NEGOTIATING, _I.UNWANTED_SABM): (_S.NEGOTIATING, (_A.SEND_DM,)),
    (_S.NEGOTIATING, _I.DISC): (_S.NEGOTIATING, (_A.SEND_DM,)),
    (_S.NEGOTIATING, _I.DATA): (_S.NEGOTIATING, (_A.DISCARD, _A.SEND_DM_ONCE_PER_T1)),
    (_S.NEGOTIATING, _I.DROPPED): (_S.CLOSED, (_A.DROPPED,)),
    # 27.010 5.4.1: UA or DM within T1, else SABM again, N2 times. A SABM that crosses ours opens the DLC as well.
    (_S.OPENING, _I.CLOSE): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPENING, _I.PARK): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPENING, _I.DRAIN): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPENING, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.OPENED)),
    (_S.OPENING, _I.UNWANTED_SABM): (_S.OPENING, (_A.SEND_DM,)),
    (_S.OPENING, _I.UA): (_S.OPEN, (_A.OPENED,)),
    (_S.OPENING, _I.DM): (_S.CLOSED, (_A.REFUSED,)),
    (_S.OPENING, _I.DM_IN_ADM): (_S.OPEN, (_A.OPENED,)),
    (_S.OPENING, _I.DISC): (_S.OPENING, (_A.SEND_DM,)),
    (_S.OPENING, _I.DATA): (_S.OPENING, (_A.DISCARD,)),
    (_S.OPENING, _I.SIGNALS): (_S.OPENING, (_A.KEEP_SIGNALS,)),
    (_S.OPENING, _I.T1): (_S.OPENING, (_A.SEND_SABM,)),
    (_S.OPENING, _I.N2): (_S.CLOSED, (_A.DISC_UNANSWERED, _A.UNANSWERED)),
    (_S.OPENING, _I.DROPPED): (_S.CLOSED, (_A.DROPPED,)),
    # 27.010 5.3.1, 5.3.4: SABM on an open DLC is answered and restarts it; DISC is answered, then acted on.
    (_S.OPEN, _I.CLOSE): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPEN, _I.PARK): (_S.PARKED, (_A.PARKED,)),
    (_S.OPEN, _I.DRAIN): (_S.DRAINING, ()),
    (_S.OPEN, _I.MISSED): (_S.OPEN, (_A.SEND_SIGNALS,)),
    (_S.OPEN, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.REESTABLISHED)),
    (_S.OPEN, _I.UNWANTED_SABM): (_S.OPEN, (_A.SEND_UA, _A.REESTABLISHED)),
    (_S.OPEN, _I.DM): (_S.CLOSED, (_A.CLOSED_BY_PEER,)),
    (_S.OPEN, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.CLOSED_BY_PEER)),
    (_S.OPEN, _I.DATA): (_S.OPEN, (_A.DELIVER,)),
    (_S.OPEN, _I.SIGNALS): (_S.OPEN, (_A.TELL_SIGNALS,)),
    (_S.OPEN, _I.DROPPED): (_S.CLOSED, (_A.DROPPED,)),
    (_S.DRAINING, _I.OPEN): (_S.OPEN, (_A.KEEP_OPEN,)),
    (_S.DRAINING, _I.CLOSE): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.DRAINING, _I.PARK): (_S.PARKED, (_A.PARKED,)),
    (_S.DRAINING, _I.DRAINED): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.DRAINING, _I.MISSED): (_S.DRAINING, (_A.SEND_SIGNALS,)),
    (_S.DRAINING, _I.SABM): (_S.DRAINING, (_A.SEND_UA, _A.REESTABLISHED)),
    (_S.DRAINING, _I.UNWANTED_SABM): (_S.DRAINING, (_A.SEND_UA, _A.REESTABLISHED)),
    (_S.DRAINING, _I.DM): (_S.CLOSED, (_A.CLOSED_BY_PEER,)),
    (_S.DRAINING, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.CLOSED_BY_PEER)),
    (_S.DRAINING, _I.DATA): (_S.DRAINING, (_A.DELIVER,)),
    (_S.DRAINING, _I.SIGNALS): (_S.DRAINING, (_A.TELL_SIGNALS,)),
    (_S.DRAINING, _I.DROPPED): (_S.CLOSED, (_A.DROPPED,)),
    # Our owner has had its `Closed`, so it is told nothing of what the peer still does.
    (_S.PARKED, _I.OPEN): (_S.OPEN, (_A.RESUME,)),
    (_S.PARKED, _I.CLOSE): (_S.CLEARING, (_A.SEND_DISC,)),
    (_S.PARKED, _I.MISSED): (_S.PARKED, (_A.SEND_SIGNALS,)),
    (_S.PARKED, _I.SABM): (_S.PARKED, (_A.SEND_UA, _A.RESTARTED)),
    (_S.PARKED, _I.UNWANTED_SABM): (_S.PARKED, (_A.SEND_UA, _A.RESTARTED)),
    (_S.PARKED, _I.DM): (_S.CLOSED, (_A.FORGET,)),
    (_S.PARKED, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.FORGET)),
    (_S.PARKED, _I.DATA): (_S.PARKED, (_A.DISCARD_BUT_STATUS,)),
    (_S.PARKED, _I.SIGNALS): (_S.PARKED, (_A.NOTE_SIGNALS,)),
    (_S.PARKED, _I.DROPPED): (_S.CLOSED, (_A.FORGET,)),
    # 27.010 5.4.2: UA or DM completes the closing; DISC is repeated after T1, N2 times.
    **{(state, _I.SABM): (state, (_A.SEND_DM,)) for state in AWAITED if state is not _S.OPENING},
    **{(state, _I.UNWANTED_SABM): (state, (_A.SEND_DM,)) for state in AWAITED if state is not _S.OPENING},
    **{(state, _I.DATA): (state, (_A.DISCARD,)) for state in AWAITED if state is not _S.OPENING},
    **{(state, _I.T1): (state, (_A.SEND_DISC,)) for state in AWAITED if state is not _S.OPENING},
    (_S.CLOSING, _I.OPEN): (_S.REOPENING, ()),
    (_S.CLOSING, _I.UA): (_S.CLOSED, (_A.DISC_ANSWERED, _A.CLOSED)),
    (_S.CLOSING, _I.DM): (_S.CLOSED, (_A.DISC_ANSWERED, _A.CLOSED)),
    (_S.CLOSING, _I.DM_IN_ADM): (_S.CLOSED, (_A.DISC_ANSWERED, _A.CLOSED)),
    (_S.CLOSING, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.DISC_ANSWERED, _A.CLOSED)),
    (_S.CLOSING, _I.N2): (_S.CLOSED, (_A.DISC_UNANSWERED, _A.UNANSWERED)),
    (_S.CLOSING, _I.DROPPED): (_S.CLOSED, (_A.DROPPED,)),
    (_S.REOPENING, _I.CLOSE): (_S.CLOSING, ()),
    (_S.REOPENING, _I.PARK): (_S.CLOSING, ()),
    (_S.REOPENING, _I.DRAIN): (_S.CLOSING, ()),
    (_S.REOPENING, _I.UA): (_S.NEGOTIATING, (_A.DISC_ANSWERED, _A.CLOSED, _A.SETTLE)),
    (_S.REOPENING, _I.DM): (_S.NEGOTIATING, (_A.DISC_ANSWERED, _A.CLOSED, _A.SETTLE)),
    (_S.REOPENING, _I.DISC): (_S.NEGOTIATING, (_A.SEND_UA, _A.DISC_ANSWERED, _A.CLOSED, _A.SETTLE)),
    (_S.REOPENING, _I.N2): (_S.NEGOTIATING, (_A.DISC_UNANSWERED, _A.UNANSWERED, _A.SETTLE)),
    (_S.REOPENING, _I.DROPPED): (_S.CLOSED, (_A.DROPPED,)),
    # The same, but our owner is not told, unless it waits for an opening that fails.
    (_S.CLEARING, _I.OPEN): (_S.CLEARING_FIRST, ()),
    (_S.CLEARING, _I.UA): (_S.CLOSED, (_A.DISC_ANSWERED, _A.FORGET)),
    (_S.CLEARING, _I.DM): (_S.CLOSED, (_A.DISC_ANSWERED, _A.FORGET)),
    (_S.CLEARING, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.DISC_ANSWERED, _A.FORGET)),
    (_S.CLEARING, _I.N2): (_S.CLOSED, (_A.DISC_UNANSWERED, _A.FORGET)),
    (_S.CLEARING, _I.DROPPED): (_S.CLOSED, (_A.FORGET,)),
    (_S.CLEARING_FIRST, _I.CLOSE): (_S.CLEARING, (_A.CLOSED,)),
    (_S.CLEARING_FIRST, _I.PARK): (_S.CLEARING, (_A.CLOSED,)),
    (_S.CLEARING_FIRST, _I.DRAIN): (_S.CLEARING, (_A.CLOSED,)),
    (_S.CLEARING_FIRST, _I.UA): (_S.NEGOTIATING, (_A.DISC_ANSWERED, _A.FORGET, _A.SETTLE)),
    (_S.CLEARING_FIRST, _I.DM): (_S.NEGOTIATING, (_A.DISC_ANSWERED, _A.FORGET, _A.SETTLE)),
    (_S.CLEARING_FIRST, _I.DISC): (_S.NEGOTIATING, (_A.SEND_UA, _A.DISC_ANSWERED, _A.FORGET, _A.SETTLE)),
    (_S.CLEARING_FIRST, _I.N2): (_S.NEGOTIATING, (_A.DISC_UNANSWERED, _A.FORGET, _A.SETTLE)),
    (_S.CLEARING_FIRST, _I.DROPPED): (_S.CLOSED, (_A.DROPPED,)),
}

DELIVERING: Final = frozenset(
    state for (state, what), step in TRANSITIONS.items() if what is _I.DATA and step == (state, (_A.DELIVER,))
)
"""The states in which UIH and UI are simply delivered: looked up once per change of state, not once per frame."""

_CLOSED: Final = (_S.CLOSED, _S.NEGOTIATING)
_CLOSINGS: Final = (_S.CLOSING, _S.REOPENING, _S.CLEARING, _S.CLEARING_FIRST)
_OPEN: Final = (_S.OPEN, _S.DRAINING, _S.PARKED)
_ALREADY: Final = "already the case"

IGNORED: Final[dict[tuple[State, Input], str]] = {
    **dict.fromkeys(product((_S.NEGOTIATING, _S.OPENING, _S.OPEN), (_I.OPEN,)), _ALREADY),
    **dict.fromkeys(product((_S.REOPENING, _S.CLEARING_FIRST), (_I.OPEN,)), _ALREADY),
    **dict.fromkeys(product((_S.CLOSED, _S.CLOSING, _S.CLEARING), (_I.CLOSE, _I.PARK, _I.DRAIN)), _ALREADY),
    **dict.fromkeys(product((_S.PARKED,), (_I.PARK, _I.DRAIN)), _ALREADY),
    (_S.DRAINING, _I.DRAIN): _ALREADY,
    **dict.fromkeys(((state, _I.CLD) for state in _S if state is not _S.CLOSED), "it is data like any other message"),
    **dict.fromkeys(((state, _I.SETTLED) for state in _S if state is not _S.NEGOTIATING), "nothing waits for PN"),
    **dict.fromkeys(product((*_CLOSED, *_CLOSINGS), (_I.DRAINED,)), "nothing is queued on a DLC that is not open"),
    (_S.OPENING, _I.DRAINED): "nothing is sent before UA",
    **dict.fromkeys(product((_S.OPEN, _S.PARKED), (_I.DRAINED,)), "an empty queue means something only when draining"),
    (_S.OPENING, _I.MISSED): "the SABM that is under way tells the peer everything",
    **dict.fromkeys(product(_CLOSINGS, (_I.MISSED,)), "the DISC that is under way tells the peer everything"),
    **dict.fromkeys(product(_CLOSED, (_I.UA, _I.DM, _I.DM_IN_ADM)), "DM and UA are never answered (27.010 §5.3.3)"),
    **dict.fromkeys(product(_OPEN, (_I.UA,)), "a late or repeated UA changes nothing"),
    (_S.OPEN, _I.DM_IN_ADM): "the peer says again that it has no control channel",
    **dict.fromkeys(product((_S.DRAINING, _S.PARKED), (_I.DM_IN_ADM,)), "DLCI 0 is never drained or parked"),
    **dict.fromkeys(
        product((_S.REOPENING, _S.CLEARING, _S.CLEARING_FIRST), (_I.DM_IN_ADM,)), "DLCI 0 is never reopened or cleared"
    ),
    **dict.fromkeys(product((*_CLOSED, *_CLOSINGS), (_I.SIGNALS,)), "Linux also sends them for a DLC that is not open"),
    **dict.fromkeys(product((*_CLOSED, *_OPEN), (_I.T1, _I.N2)), "no answer is awaited (27.010 §5.4.1, §5.4.2)"),
}
"""What changes nothing, and why."""


class Flag(StrEnum):
    """What is true of a DLC besides its state; the values are the names of fields of `Dlc`."""

    CONFIRMED = "confirmed"
    """The peer has used this connection, so it knows that it is open."""
    DOUBTFUL = "doubtful"
    """The peer may use another convergence layer than we do: PN, or the SABM that it was for, was not answered."""
    STARVED = "starved"
    """Less was taken than the owner offered; the owner waits for `Writable`."""


class Fact(StrEnum):
    """What sets or clears a flag, in any state."""

    USED = "data or signals came"
    BEGUN = "the connection begins or restarts"
    ENDED = "the connection is over"
    AGREED = "PN was answered, by either station"
    LAYER_UNSURE = "PN or an opening was not answered, and a layer other than 1 was involved"
    DEFAULTS_ASKED = "the defaults are asked for"
    TOOK_LESS = "less was taken than was offered"
    ROOM_MADE = "the queue has room again"
    DROPPED = "the session is over"


FLAGS: Final[dict[Fact, dict[Flag, bool]]] = {
    Fact.USED: {Flag.CONFIRMED: True},
    Fact.BEGUN: {Flag.CONFIRMED: False, Flag.DOUBTFUL: False},
    Fact.ENDED: {Flag.STARVED: False},
    Fact.AGREED: {Flag.DOUBTFUL: False},
    Fact.LAYER_UNSURE: {Flag.DOUBTFUL: True},
    Fact.DEFAULTS_ASKED: {Flag.DOUBTFUL: False},
    Fact.TOOK_LESS: {Flag.STARVED: True},
    Fact.ROOM_MADE: {Flag.STARVED: False},
    Fact.DROPPED: {Flag.DOUBTFUL: False},
}
"""How each fact changes the flags; flags that it does not name stay as they are."""


class Agreement(StrEnum):
    """What PN has agreed for SABM: the next one, and the latest one until it is done (27.010 §5.4.6.3.1)."""

    DEFAULTS = "nothing"
    AHEAD = "for the next SABM"
    UNDER_WAY = "for this SABM"
    """And for the next one, as long as this one is only repeated."""
    REPLACED = "for this SABM, and others for the next"
    REVOKED = "for this SABM, no longer for the next"


class PnInput(StrEnum):
    """What changes an agreement."""

    ANSWERED = "PN answered, by either station"
    UNANSWERED = "PN not answered"
    SABM = "SABM sent or received"
    BEGUN = "connection begun or restarted"
    GIVEN_UP = "opening given up, refused or not answered"
    DROPPED = "session over"


MEANT_BY_NEXT: Final = frozenset((Agreement.AHEAD, Agreement.UNDER_WAY, Agreement.REPLACED))
MEANT_BY_LATEST: Final = frozenset((Agreement.UNDER_WAY, Agreement.REPLACED, Agreement.REVOKED))
"""When the next SABM, and when the latest, means what PN agreed; otherwise it means the defaults (27.010 §5.4.1)."""

_DEF, _AHD, _UND, _REP, _REV = Agreement

AGREEMENTS: Final[dict[PnInput, dict[Agreement, Agreement]]] = {
    PnInput.ANSWERED: {_DEF: _AHD, _AHD: _AHD, _UND: _REP, _REP: _REP, _REV: _REP},
    PnInput.UNANSWERED: {_DEF: _DEF, _AHD: _DEF, _UND: _REV, _REP: _REV, _REV: _REV},
    PnInput.SABM: {_DEF: _DEF, _AHD: _UND, _UND: _UND, _REP: _UND, _REV: _DEF},
    PnInput.BEGUN: {_DEF: _DEF, _AHD: _AHD, _UND: _DEF, _REP: _AHD, _REV: _DEF},
    PnInput.GIVEN_UP: {_DEF: _DEF, _AHD: _AHD, _UND: _DEF, _REP: _AHD, _REV: _DEF},
    PnInput.DROPPED: {_DEF: _DEF, _AHD: _DEF, _UND: _DEF, _REP: _DEF, _REV: _DEF},
}
"""What each input makes of each agreement, whatever the state."""

PN_INPUTS: Final = {
    (state, what): about_pn
    for (state, what), (after, actions) in TRANSITIONS.items()
    for about_pn, applies in (
        (PnInput.SABM, what in (_I.SABM, _I.UNWANTED_SABM) or _A.SEND_SABM in actions),
        (PnInput.GIVEN_UP, state is _S.OPENING and after in (_S.CLOSING, _S.CLOSED)),
        (PnInput.DROPPED, what is _I.DROPPED),  # whatever else it is
    )
    if applies
}
"""Which transitions are inputs for the agreement; `Dlc.agree`, `Dlc.disagree` and `Dlc.begin` are the others."""

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "it never changes": ("dlci", "_config"),
    "it follows from the state: `OPEN_FOR_PEER`, `DELIVERING`": ("is_open", "delivers"),
    "numbers: T1 and how often it ran out for the command in `AWAITED`; N2 is their limit": ("tries", "deadline"),
    "a number, by the rule of `NO_ANSWER_COMES`": ("_answers_due",),
    "parameters; `Agreement` says which of them SABM means": ("parameters", "_agreed", "_meant"),
    "what was said last": ("own_signals", "peer_signals", "port", "service"),
    "it follows from the signals of the peer": ("stopped",),
    "a queue of one: KEEP_SIGNALS fills it, the opening or the end of the connection empties it": ("_early",),
    "queues": ("queue", "status_due"),
    "times, at which something may be said again": ("_not_before",),
    "numbers that nothing depends on": ("counters",),
}
"""The fields of `Dlc` that are neither state, agreement nor flag, by the reason why no table moves them."""
