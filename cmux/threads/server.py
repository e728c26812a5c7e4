"""`serve`: opens a line as the other end, which waits for a peer that multiplexes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Unpack

from ..line.base import Line, SerialLike
from ..opening import make_plan
from ..serving import Refuse, make_responder, refusing
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

    `Mux.accept` returns the channels that the peer opens. After CLD, DISC on DLCI 0, or the end of a peer that
    ``keep_alive`` has found dead, the line waits for the next peer: in AT mode or, with ``startup="none"``, for a SABM.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``. From now on it belongs
            to the Mux, even if this fails; a wrong setting is told before that.
        on_command: answers AT commands other than AT, ATE, ATZ, ATI and AT+CMUX: it gets the command line and returns
            lines, the last of which is a result code, or an empty text to send nothing. It runs on a thread of its own;
            if it raises, the answer is ERROR. Without it these commands are answered with ERROR.
        refuse: DLCIs that the peer may not open, or a function that is called for each DLCI at the beginning and after
            each session.
        settings: as for `cmux.open`, as far as they make sense here: ``option`` is the only framing that AT+CMUX may
            ask for, by default either; ``n1``, ``t1`` and so on apply where AT+CMUX does not set them; if there are
            ``channels``, the peer may open no others; what is about the host's start does nothing.

    Returns:
        The multiplexer, at once; `Mux.config` has what AT+CMUX has asked for.

    Raises:
        PortNotFound: there is no such port.
        PortBusy: the port is in use.
        InvalidDlci: one of `refuse` is not a data channel.
        ConfigError: a setting, or `refuse`, is not allowed; the message says what is allowed.
        TypeError: a setting is unknown.
    """
    plan = make_plan(port, settings, "serve")
    line = plan.open_line()
    capture = None
    try:
        capture = plan.open_capture()
        rate = line.rate
        mux = Mux(
            line,
            lambda: make_responder(plan, rate, forward=on_command is not None),
            capture=capture,
            drain_timeout=plan.drain_timeout,
            names=plan.profile.channels,
            reopen=(lambda: (plan.open_line(again=True), _nothing_to_enter)) if plan.reattach else None,
            on_command=on_command,
            refuse=refusing(plan, refuse),
        )
    except BaseException:
        line.close()
        if capture is not None:
            capture.close()
        raise
    mux._start()
    return mux


def _nothing_to_enter(line: Line) -> None:
    return None
