"""`open` for asyncio: opens a line and starts a multiplexer on it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Unpack

from ..errors import SessionEnded, StartupError
from ..line.base import SerialLike
from ..logs import FindingsLog, log_entered, port_logger
from ..opening import Plan, make_plan
from ..protocol import hand_over, leaving, startup
from ..protocol.at_cmux import CmuxCommand
from ..protocol.config import Role
from ..protocol.hand_over import Entered
from ..protocol.link import Link
from ..protocol.startup_steps import rescue_frames
from ..settings import LineSettings
from .line import AioLine, attempt, open_aio_line
from .mux import Mux

if TYPE_CHECKING:
    from ..capture import Capture


async def open(
    port: str | os.PathLike[str] | SerialLike,
    **settings: Unpack[LineSettings],
) -> Mux:
    """Open a line, bring the module into multiplexer mode whatever state it is in, and open DLCI 0.

    If it is cancelled, the module is told to leave multiplexer mode.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``. If it has no
            descriptor to poll, a thread reads it.
        settings: how the line is opened, and the parameters of the session, as for `cmux.open`. With ``reattach`` the
            channels that were open are opened again as well: see `Mux.wait_attached`.

    Returns:
        The multiplexer.

    Raises:
        PortError: the line cannot be opened.
        StartupError: the module does not multiplex.
        InvalidDlci: one of ``channels`` cannot carry data.
        DlcError: the peer refused one of ``channels``.
        ConfigError: a setting is not allowed; the message says what is allowed.
        TypeError: a setting is unknown.
    """
    plan = make_plan(port, settings)
    while True:
        await attempt(plan.resetter)
        try:
            mux = await _open(plan)
        except StartupError:
            if not plan.resetter.goes_on:
                raise
        else:
            plan.resetter.succeeded()
            return mux


async def _open(plan: Plan) -> Mux:
    line = await open_aio_line(plan)
    capture: Capture | None = None
    entered: Entered | None = None
    config = plan.config

    async def reopen() -> tuple[AioLine, Entered | None]:
        line = await open_aio_line(plan, again=True)
        try:
            return line, await enter_again(line)
        except BaseException:
            await line.close()
            raise

    async def enter_again(line: AioLine) -> Entered | None:
        nonlocal entered, config
        if not plan.by_at:
            return None
        now = await _enter(line, plan, plan.again(entered))
        config = now.config
        entered = entered if now.adopted else now
        return now

    async def begin_again(line: AioLine, former: Entered) -> Entered | None:
        option, pause = plan.config.option, former.leave_pause
        await line.run(leaving.leave(option, close_down=True, way=former.way, pause=pause))
        return await enter_again(line)

    try:
        capture = plan.open_capture()
        if plan.by_at:
            entered = await _enter(line, plan, plan.command)
            config = entered.config
        mux = Mux(
            line.name,
            lambda: Link(Role.INITIATOR, config, line_rate=plan.pace(line.rate)),
            entered=entered,
            capture=capture,
            drain_timeout=plan.drain_timeout,
            names=plan.profile.channels,
            reopen=reopen if plan.reattach else None,
            begin_again=begin_again,
            attempts=plan.command.start.start_attempts,
            resetter=plan.resetter,
        )
    except BaseException:
        await line.close()
        if capture is not None:
            capture.close()
        raise
    try:
        await mux._start(line)
        for dlci in plan.channels:
            await mux.channel(dlci)
    except BaseException:
        await mux.close()
        raise
    return mux


async def _enter(line: AioLine, plan: Plan, command: CmuxCommand) -> Entered:
    rates = plan.other_rates if line.has_baudrate else []
    found = FindingsLog(port_logger(line.name))
    try:
        entered = await line.run(startup.enter(line.name, command, other_rates=rates, findings=found))
        log_entered(port_logger(line.name), entered.baudrate, entered.warnings)
        return entered
    except StartupError as error:
        line.explain(error)
        raise
    except BaseException:  # interrupted: the module may already be in multiplexer mode
        if found:  # it may just have answered AT+CMUX
            with contextlib.suppress(SessionEnded):
                await line.run(hand_over.settle(plan.command.start.settle))
        line.transport.write(rescue_frames(plan.config.option))
        raise
