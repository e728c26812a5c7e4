"""`open`: from a name to a multiplexer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..capture.recorder import Capture
from ..line.physical import Line, SerialLike
from ..opening import make_plan
from ..protocol.config import Option, Role
from ..protocol.link import Link
from ..protocol.profiles import Profile
from ..protocol.startup import OTHER_RATES
from ..settings import Startup
from . import startup_runner as handover
from .mux import Mux


def open(
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

    Args:
        port: a path, any pyserial URL, or an open object with ``read``, ``write`` and ``close``; it belongs to the Mux
            from now on, also when this fails.
        baudrate: of the line, bits per second.
        startup: ``"at"`` says AT+CMUX first, ``"none"`` finds the module in multiplexer mode.
        profile: what is known about the module, see `cmux.protocol.profiles`.
        option: the framing: ``"basic"`` or ``"advanced"``; by default that of the profile, which is basic mostly.
        n1: longest information field to send, in octets; told to the module when given.
        line_rate: bits per second to which writing is paced, so that a keystroke does not queue behind a file; 0: not
            at all; by default `baudrate` on a real serial port.
        capture: a pcapng file to write the frames to.
        capture_payload: False keeps the octets of user DLCs out of it.
        channels: DLCIs, or names of the profile, to open at once.
        drain_timeout: seconds that closing leaves for what is still queued.
        other_rates: baud rates at which a module is looked for that does not answer at `baudrate`.
        reattach: after the line has died open it anew, with the same channels, as soon as that is possible: tried after
            0.5 s, then at intervals that grow to 30 s. Calls raise in the meantime. A device that comes back under
            another number is found through ``/dev/serial/by-id``. Not for open objects.
        settings: more fields of `Config` (``t1``, ``t2``, ``n2``, …; 0.3 s, 0.6 s and 5 by default; over a network T1
            and T2 are 1 s and 2 s; what is an enumeration there may be its word here: ``keep_alive="test"``), and more
            settings of pyserial (``rtscts``, …).

    Returns:
        The multiplexer.

    Raises:
        PortNotFound: there is no such port.
        PortBusy: somebody has it.
        ModuleSilent: the module does not answer AT.
        CmuxRefused: it answers AT+CMUX with an error.
        NoMultiplexer: it does not answer SABM.
        InvalidDlci: one of `channels` cannot carry data.
        DlcError: one of `channels` was refused.
        ConfigError: a parameter is out of range, or there is no such profile.
    """
    plan = make_plan(port, baudrate, profile, option, n1, channels, other_rates, settings, reattach=reattach)
    line = plan.open_line()
    try:
        recorder = None if capture is None else Capture(capture, plan.config, payload=capture_payload)
    except BaseException:
        line.close()
        raise
    config, first, adopted = plan.config, b"", False

    def reopen() -> tuple[Line, Callable[[Line], bytes]]:
        def enter(line: Line) -> bytes:
            return handover.enter(line, plan.manner, plan.other_rates).unread if startup == "at" else b""

        return plan.open_line(again=True), enter

    entered = None
    try:
        if startup == "at":
            entered = handover.enter(line, plan.manner, plan.other_rates)
            first, adopted, config = entered.unread, entered.adopted, entered.config
        pace = line.rate if line_rate is None else line_rate or None
        mux = Mux(
            line,
            lambda: Link(Role.INITIATOR, config, line_rate=pace),
            leave_by_at=startup == "at" and not adopted,
            capture=recorder,
            drain_timeout=drain_timeout,
            names=plan.profile.channels,
            reopen=reopen if reattach else None,
        )
    except BaseException:
        if entered is not None:  # interrupted in between: nobody else takes the module back to AT mode
            handover.leave(line, config.option, close_down=True)
        line.close()
        if recorder is not None:
            recorder.close()
        raise
    try:
        mux.start(first)
        for dlci in plan.channels:
            mux.channel(dlci)
    except BaseException:
        mux.close()
        raise
    return mux
