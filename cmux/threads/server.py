"""`serve`: the other end of a line, which waits for a peer that multiplexes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Unpack

from ..line.physical import Line, SerialLike
from ..opening import make_plan
from ..serving import Refuse, make_responder
from ..settings import LineSettings
from .mux import Mux


def serve(
    port: str | os.PathLike[str] | SerialLike,
    *,
    on_command: Callable[[str], str] | None = None,
    refuse: Refuse = (),
    **settings: Unpack[LineSettings],
) -> Mux:
    """Open a line as the other end of it: answer AT+CMUX and SABM, session after session, as a module does.

    `Mux.accept` hands out the channels that the peer opens. After CLD, DISC on DLCI 0, or the end of a peer that
    ``keep_alive`` has found dead, it waits for the next one: in AT mode, or, with ``startup="none"``, for a SABM.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``; it belongs to the Mux
            from now on, also when this fails.
        on_command: answers AT commands other than AT, ATE, ATZ, ATI and AT+CMUX: it gets the command line and returns
            lines, the last of them a result code, or an empty text to say nothing. It runs on a thread of its own, and
            what it raises is answered with ERROR. Without it they are answered with ERROR.
        refuse: DLCIs that the peer may not open, or a function that is asked for each DLCI at the beginning and after
            each session.
        settings: as for `cmux.open`, as far as they mean anything here: ``option`` is the only framing that AT+CMUX
            may ask for, both by default; ``n1``, ``t1`` and the like hold where AT+CMUX does not say them.

    Returns:
        The multiplexer, at once: `Mux.config` follows what AT+CMUX asks for.

    Raises:
        PortNotFound: there is no such port.
        PortBusy: somebody has it.
        InvalidDlci: one of `refuse` is no data channel.
        ConfigError: a setting is not allowed; the message says what is.
        TypeError: a setting is unknown.
    """
    plan = make_plan(port, settings)
    line = plan.open_line()
    capture = None
    try:
        capture = plan.open_capture()
        rate = line.rate
        mux = Mux(
            line,
            lambda: make_responder(plan, rate, tells=on_command is not None),
            leave_by_at=False,
            capture=capture,
            drain_timeout=plan.drain_timeout,
            names=plan.profile.channels,
            reopen=(lambda: (plan.open_line(again=True), _nothing_to_enter)) if plan.reattach else None,
            on_command=on_command,
            refuse=refuse,
        )
    except BaseException:
        line.close()
        if capture is not None:
            capture.close()
        raise
    mux.start()
    return mux


def _nothing_to_enter(line: Line) -> bytes:
    return b""
