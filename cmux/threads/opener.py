"""`open`: opens a line and starts a multiplexer on it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Unpack

from ..errors import CmuxError, StartupError
from ..line.base import Line, SerialLike
from ..opening import Plan, make_plan
from ..protocol.config import Role
from ..protocol.hand_over import Entered
from ..protocol.link import Link
from ..settings import LineSettings
from . import startup_runner
from .mux import Mux


def open(
    port: str | os.PathLike[str] | SerialLike,
    **settings: Unpack[LineSettings],
) -> Mux:
    """Open a line, bring the module into multiplexer mode whatever state it is in, and open DLCI 0.

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``. From now on it belongs
            to the Mux, even if this fails; a wrong setting is told before that.
        settings: how the line is opened, and the parameters of the session; see `cmux.LineSettings`. If the module does
            not answer at ``baudrate``, ``other_rates`` are tried; if it was left in multiplexer mode, it is taken out
            of it. With ``reattach`` a line that died is opened again, with the same channels, as soon as possible: the
            first attempt comes after 0.5 s, the others at intervals that grow to 30 s. Calls raise in the meantime. A
            device that comes back under another number is found through ``/dev/serial/by-id``. Not for open objects.

    Returns:
        The multiplexer.

    Raises:
        PortNotFound: there is no such port.
        PortBusy: the port is in use.
        ModuleSilent: the module does not answer AT.
        CmuxRefused: the module answers AT+CMUX with an error.
        NoMultiplexer: the module does not answer SABM.
        InvalidDlci: one of ``channels`` cannot carry data.
        DlcError: the peer refused one of ``channels``.
        ConfigError: a setting is not allowed; the message says what is allowed.
        TypeError: a setting is unknown.
    """
    return Opening(make_plan(port, settings)).run()


class Opening:
    """One opening of a line, which another thread may cut short.

    Args:
        plan: the line, and how to open it.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._lock = threading.Lock()  # of the next two
        self._line: Line | None = None
        self._cancelled = False

    def run(self) -> Mux:
        """Open it; see `open`."""
        resetter = self._plan.resetter
        while True:
            resetter.attempt()
            try:
                mux = _open(self._plan, self._hold)
            except StartupError:
                if not resetter.goes_on or self._cancelled:
                    raise
            else:
                resetter.succeeded()
                return mux

    def cancel(self) -> None:
        """Let `run` end early: it raises, unless it has been successful."""
        with self._lock:
            self._cancelled = True
            if self._line is not None:
                self._line.cancel()
        self._plan.resetter.cancel()

    def _hold(self, line: Line) -> None:
        with self._lock:
            self._line = line
            if self._cancelled:
                raise CmuxError(f"{line.name}: opening it was cut short")


def _open(plan: Plan, hold: Callable[[Line], None]) -> Mux:
    line = plan.open_line()
    try:
        hold(line)
        capture = plan.open_capture()
    except BaseException:
        line.close()
        raise
    entered: Entered | None = None
    config = plan.config

    def reopen() -> tuple[Line, Callable[[Line], Entered | None]]:
        return plan.open_line(again=True), enter_again

    def enter_again(line: Line) -> Entered | None:
        nonlocal entered, config
        if not plan.by_at:
            return None
        now = startup_runner.enter(line, plan.again(entered), plan.other_rates)
        config = now.config
        entered = entered if now.adopted else now
        return now

    def begin_again(line: Line, former: Entered) -> Entered | None:
        hold(line)
        option, pause = plan.config.option, former.leave_pause
        startup_runner.leave(line, option, close_down=True, way=former.way, pause=pause)
        hold(line)
        return enter_again(line)

    try:
        if plan.by_at:
            entered = startup_runner.enter(line, plan.command, plan.other_rates)
            config = entered.config
            hold(line)
        mux = Mux(
            line,
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
        if entered is not None:  # interrupted here, only this takes the module back to AT mode
            pause = entered.leave_pause
            startup_runner.leave(line, plan.config.option, close_down=True, way=entered.way, pause=pause)
        line.close()
        if capture is not None:
            capture.close()
        raise
    try:
        mux._start()
        for dlci in plan.channels:
            mux.channel(dlci)
    except BaseException:
        mux.close()
        raise
    return mux
