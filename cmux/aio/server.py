"""`serve` for asyncio: opens a line as the other end, which waits for a peer that multiplexes."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Unpack

from ..line.base import SerialLike
from ..opening import Plan, make_plan
from ..serving import Refuse, make_responder, refusing
from ..settings import LineSettings
from .line import AioLine, open_aio_line
from .mux import Mux


async def serve(
    port: str | os.PathLike[str] | SerialLike,
    *,
    on_command: Callable[[str], str | Awaitable[str]] | None = None,
    refuse: Refuse = (),
    **settings: Unpack[LineSettings],
) -> Mux:
    """Open a line as the other end of it: answer AT+CMUX and SABM, session after session, as a module does.

    `Mux.accept` returns the channels that the peer opens. After CLD, DISC on DLCI 0, or the end of a peer that
    ``keep_alive`` has found dead, the line waits for the next peer: in AT mode or, with ``startup="none"``, for a SABM.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``. If it has no
            descriptor to poll, a thread reads it.
        on_command: answers AT commands other than AT, ATE, ATZ, ATI and AT+CMUX: it gets the command line and returns
            lines, the last of which is a result code, or an empty text to send nothing; or an awaitable of that. If it
            raises, the answer is ERROR. Without it these commands are answered with ERROR.
        refuse: DLCIs that the peer may not open, or a function that is called for each DLCI at the beginning and after
            each session.
        settings: as for `cmux.serve`.

    Returns:
        The multiplexer, at once; `Mux.config` has what AT+CMUX has asked for.

    Raises:
        PortError: the line cannot be opened.
        InvalidDlci: one of `refuse` is not a data channel.
        ConfigError: a setting, or `refuse`, is not allowed.
        TypeError: a setting is unknown.
    """
    plan = make_plan(port, settings, "serve")
    line = await open_aio_line(plan)
    capture = None
    try:
        capture = plan.open_capture()
        rate = line.rate
        mux = Mux(
            line.name,
            lambda: make_responder(plan, rate, forward=on_command is not None),
            capture=capture,
            drain_timeout=plan.drain_timeout,
            names=plan.profile.channels,
            reopen=(lambda: _reopen(plan)) if plan.reattach else None,
            on_command=on_command,
            refuse=refusing(plan, refuse),
        )
        await mux._start(line)
    except BaseException:
        await line.close()
        if capture is not None:
            capture.close()
        raise
    return mux


async def _reopen(plan: Plan) -> tuple[AioLine, None]:
    return await open_aio_line(plan, again=True), None
