"""The next deadline as it was when it was computed anew each time, over all parts: what the kept one has to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cmux.protocol import Multiplexer
from cmux.protocol.config import KeepAlive
from cmux.protocol.dlc import Dlc
from cmux.protocol.session import ControlSession
from cmux.protocol.waits import NEVER


def next_timeout(mux: Multiplexer) -> float | None:
    """Return when `Multiplexer.handle_timeout` is due next, from the parts of the session."""
    session = mux._session
    due = [dlc.deadline for dlc in session.dlcs.values() if dlc.deadline is not None]
    others = session.control.next_timeout(), _standby(session), _ask_at(session), _partial_frame(mux)
    due += [at for at in others if at is not None]
    if session.events.since != NEVER:
        due.append(session.events.since)
    return min(due, default=None)


def _partial_frame(mux: Multiplexer) -> float | None:
    one, decoder = mux._dispatcher, mux._dispatcher.decoder
    if not decoder._needed and not decoder._data.strip(decoder._flag):
        return None
    return one._grown_at + (one._config.t2 if one._gap_over else min(one._config.frame_gap, one._config.t2))


def _standby(session: ControlSession) -> float | None:
    power, frame_at = session.standby.power, session.standby._self_sleep.ready_at
    if frame_at is not None and not session.transmitter.due:
        frame_at = None
    return min((at for at in (power._give_up_at, power._flags_at, frame_at) if at is not None), default=None)


def _ask_at(session: ControlSession) -> float | None:
    can_answer = session.is_open and not session.shutting_down and not session.adm and session.standby.power.awake
    can_answer = can_answer and not session.transmitter.held
    question = session.watch.question
    if not can_answer or (question is not None and session.control.holds(question)):
        return None
    watch = session.watch
    if watch.kind in (None, KeepAlive.NONE) or watch._stalled:
        return None
    channels: list[Dlc] = [dlc for dlc in session.dlcs.values() if dlc.dlci and dlc.is_open]
    if watch.kind is KeepAlive.MSC and not watch._askable(channels):
        return None
    if channels and all(dlc.peer_signals is not None and dlc.peer_signals.stops_data for dlc in channels):
        return None
    return watch._heard_at + watch._config.keep_alive_interval


@contextmanager
def compared() -> Iterator[None]:
    """Compare both at each question, and after each call in which octets move or time passes."""
    kept = Multiplexer.next_timeout

    def asked(mux: Multiplexer) -> float | None:
        answer = kept(mux)
        assert answer == next_timeout(mux), mux
        return answer

    def followed(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(mux: Multiplexer, *arguments: Any, **named: Any) -> Any:
            result = call(mux, *arguments, **named)
            asked(mux)
            return result

        return called

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Multiplexer, "next_timeout", asked)
        for name in ("send", "receive_data", "data_to_send", "handle_timeout", "discard", "stalled"):
            patched.setattr(Multiplexer, name, followed(getattr(Multiplexer, name)))
        yield
