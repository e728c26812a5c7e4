"""`open` for asyncio: from a name to a multiplexer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from ..capture.recorder import Capture
from ..line.physical import SerialLike
from ..opening import Plan, make_plan
from ..protocol import startup as startup_dialogues
from ..protocol.config import Option, Role
from ..protocol.link import Link
from ..protocol.profiles import Profile
from ..protocol.startup import OTHER_RATES, Entered
from ..settings import Startup
from .line import AioLine, open_aio_line
from .mux import Mux


async def open(
    port: str | os.PathLike[str] | SerialLike,
    *,
    baudrate: int = 115200,
    startup: Startup = "at",
    profile: str | Profile = "generic",
    option: Option | str | None = None,
    n1: int | None = None,
    line_rate: int | None = None,
    capture: str | os.PathLike[str] | None = None,
    capture_payload: bool = True,
    channels: Iterable[int | str] = (),
    drain_timeout: float = 0.5,
    other_rates: Sequence[int] = OTHER_RATES,
    reattach: bool = False,
    **settings: Any,
) -> Mux:
    """Open a line, bring the module into multiplexer mode whatever state it is in, and open DLCI 0.

    When it is cancelled the module is told to leave multiplexer mode.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``. Where it has no
            descriptor to poll, a thread reads it.
        baudrate: of the line, bits per second.
        startup: ``"at"`` says AT+CMUX first, ``"none"`` finds the module in multiplexer mode.
        profile: what is known about the module, see `cmux.protocol.profiles`.
        option: the framing: ``"basic"`` or ``"advanced"``; by default that of the profile.
        n1: longest information field to send, in octets; told to the module when given.
        line_rate: bits per second to which writing is paced; 0: not at all; by default `baudrate` on a real serial
            port.
        capture: a file to write the frames to.
        capture_payload: False keeps the octets of user DLCs out of it.
        channels: DLCIs, or names of the profile, to open at once.
        drain_timeout: seconds that closing leaves for what is still queued.
        other_rates: baud rates at which a module is looked for that does not answer at `baudrate`.
        reattach: after the line has died open it anew as soon as that is possible, as for `cmux.open`, and open the
            channels that were open: see `Mux.wait_attached`.
        settings: more fields of `Config`, and more settings of pyserial, as for `cmux.open`.

    Returns:
        The multiplexer.

    Raises:
        PortError: the line cannot be opened.
        StartupError: the module does not multiplex.
        DlcError: one of `channels` was refused.
        ConfigError: a parameter is out of range.
    """
    plan = make_plan(port, baudrate, profile, option, n1, channels, other_rates, settings, reattach=reattach)
    line = await open_aio_line(plan)
    recorder: Capture | None = None
    entered: Entered | None = None
    try:
        recorder = None if capture is None else Capture(capture, plan.config, payload=capture_payload)
        if startup == "at":
            entered = await _enter(line, plan)
        config = entered.config if entered is not None else plan.config
        pace = line.rate if line_rate is None else line_rate or None
        mux = Mux(
            line.name,
            lambda: Link(Role.INITIATOR, config, line_rate=pace),
            leave_by_at=entered is not None and not entered.adopted,
            capture=recorder,
            drain_timeout=drain_timeout,
            names=plan.profile.channels,
            reopen=(lambda: _reopen(plan, startup)) if reattach else None,
        )
    except BaseException:
        await line.close()
        if recorder is not None:
            recorder.close()
        raise
    try:
        await mux.start(line, entered.unread if entered is not None else b"")
        for dlci in plan.channels:
            await mux.channel(dlci)
    except BaseException:
        await mux.close()
        raise
    return mux


async def _enter(line: AioLine, plan: Plan) -> Entered:
    try:
        rates = plan.other_rates if line.has_baudrate else []
        return await line.run(startup_dialogues.enter(line.name, plan.manner, other_rates=rates))
    except BaseException:  # interrupted: it may be in multiplexer mode already
        line.transport.write(startup_dialogues.rescue_frames(plan.config.option))
        raise


async def _reopen(plan: Plan, startup: Startup) -> tuple[AioLine, bytes]:
    line = await open_aio_line(plan, again=True)
    try:
        return line, (await _enter(line, plan)).unread if startup == "at" else b""
    except BaseException:
        await line.close()
        raise
