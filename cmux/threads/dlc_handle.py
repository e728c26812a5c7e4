"""One DLC as seen by the threads of a program: its state, its received octets, and the condition they wait on."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import CmuxError, DlcClosed, DlcError, PortBusy, SessionEnded, StateError, dlc_error
from ..protocol import waits
from ..protocol.commands import Signals
from ..protocol.config import Config, Parameters
from ..protocol.events import (
    Cause,
    Closed,
    Event,
    Opened,
    Reestablished,
    SessionClosed,
    SignalsChanged,
    Writable,
)
from ..protocol.openings import Opening
from .channel_waits import ChannelWaits
from .engine import Engine
from .receive_buffer import ReceiveBuffer
from .waiting import ChannelCondition, ReadyFlag


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """The settings of the channels of a `Mux`."""

    config: Config
    """The parameters of the session."""
    drain_timeout: float
    """Seconds that closing waits for what is still queued."""


class DlcHandle(ChannelWaits):
    """The near end of a DLC; a `Mux` has one for each DLC, for all ports that are opened on it.

    All methods but `on_event` may wait. Attributes are read and written with `condition` held.

    Args:
        policy: its settings; the `Mux` may change them.
        engine: the engine that runs it; another one after the line was opened again.
        dlci: 1 to 61.
    """

    def __init__(self, policy: ChannelPolicy, engine: Engine, dlci: int) -> None:
        self.policy = policy
        self.engine: Engine = engine
        self.dlci = dlci
        self.buffer: ReceiveBuffer = ReceiveBuffer(self._arrived, self._kick)
        """The octets that were received and not read."""
        self.condition: ChannelCondition = self.buffer.condition
        """Notified when octets came, when there is room again, and when the state has changed."""
        self.up: bool = False
        """The DLC is open on the line."""
        self.error: DlcError | SessionEnded | None = None
        """Why it is not open."""
        self._opening = Opening(dlci)
        self._owner: weakref.ref[object] | None = None
        self._flag: ReadyFlag | None = None
        self._retired = False
        self._wanted: Signals | None = None  # our signals while a port has it open

    def __repr__(self) -> str:
        return f"<DlcHandle {self.dlci} {'up' if self.up else 'down'} waiting={len(self.buffer)}>"

    # --- Opening and closing ---

    def claim(self, owner: object, name: str) -> None:
        """Reserve the DLC for one port until `release`; data of a port that was dropped without closing is discarded.

        Args:
            owner: the port.
            name: its name, for the error message.

        Raises:
            PortBusy: another port of this process has it.
        """
        with self.condition:
            before = self._owner() if self._owner is not None else None
            if before is not None and before is not owner:
                raise PortBusy(name, f"DLCI {self.dlci} is open in this program already: close that port first")
            if self._owner is not None and before is None:
                self.buffer.clear()
            self._owner = weakref.ref(owner)

    def release(self, owner: object) -> None:
        """Make the DLC available to other ports."""
        with self.condition:
            if self._owner is not None and self._owner() is owner:
                self._owner = None

    def require(self, parameters: Parameters) -> None:
        """Have parameters negotiated by PN before the DLC is opened, the next time and each time after that.

        Args:
            parameters: what to ask for.

        Raises:
            StateError: the DLC is open with other parameters.
            SessionEnded: the session is over.
        """
        with self.condition:
            in_force = self.engine.call(lambda core, _: core.parameters(self.dlci)) if self.up else None
            self._opening.require(parameters, in_force)

    def open(self, signals: Signals) -> None:
        """Open the DLC and wait for the peer's answer.

        Args:
            signals: our first signals for the peer.

        Raises:
            DlcRefused: the peer answered DM.
            DlcTimeout: the peer did not answer.
            SessionEnded: the multiplexer is closed.
        """
        opening, config = self._opening, self.policy.config
        with self.condition:
            self.error = None
            self.buffer.held = False
            self._wanted = replace(signals, fc=False)  # whether it is stopped is up to the buffer
            try:
                self.up = self.engine.call(lambda core, now: opening.begin(core, now, signals))
                self.condition.wait_for(lambda: self.up or self.error is not None, opening.patience(config))
                if self.up:
                    return
            except CmuxError:
                raise
            except BaseException:  # interrupted: `close` ends what was begun
                self.up = True
                raise
            finally:
                opening.over()
            error = self.error
        if self.engine.error is not None:
            raise self.engine.ended()
        if error is None:
            error = dlc_error(opening.not_sent(config))
            self.engine.call(lambda core, now: core.close(self.dlci, now, drain=False))
        raise error

    def renew(self, engine: Engine) -> None:
        """Use another engine: the line was opened again."""
        with self.condition:
            self.engine = engine

    def open_again(self) -> None:
        """Open the DLC as it was before the line died, if a port still wants it.

        Raises:
            DlcError: it cannot be opened.
            SessionEnded: the session is over.
        """
        wanted = self._wanted
        if wanted is not None and not self.up:
            self.open(wanted)

    @property
    def wanted_signals(self) -> Signals:
        """Our V.24 signals, as they were set last."""
        return self._wanted or Signals()

    def set_signals(self, signals: Signals) -> None:
        """Set our V.24 signals."""
        self._wanted = replace(signals, fc=False)
        self.engine.call(lambda core, now: core.set_signals(self.dlci, signals, now))

    def change_signals(self, signals: Signals) -> None:
        """Set our V.24 signals if the DLC is open; a peer that has been asked to stop still is.

        Raises:
            StateError: it is not open.
            SessionEnded: the session is over.
        """
        with self.condition:
            if not self.engine.call(lambda core, now: core.is_open(self.dlci)):
                raise StateError(f"DLCI {self.dlci} is not open, so it has no signals to set")
            self.set_signals(replace(signals, fc=signals.fc or self.buffer.paused))

    def close(self) -> None:
        """Send what is queued, within the drain time-out, discard the rest, and close the DLC."""
        self._wanted = None
        try:
            if self.up:
                self.engine.wait_written(self.dlci, waits.draining(self.policy.config, self.policy.drain_timeout))
                self.engine.call(lambda core, now: core.close(self.dlci, now, drain=False))
                with self.condition:
                    self.condition.wait_for(lambda: not self.up, waits.closing(self.policy.config))
        except SessionEnded:
            pass  # then it is closed
        finally:
            with self.condition:
                self.up = False
                self.buffer.clear()
                self.drop_flag()

    # --- Data ---

    def taken(self) -> None:
        """Note that a reader has taken octets: if that makes room, let the peer continue."""
        self.set_flag()
        self.resume()

    def resume(self) -> None:
        """Let the peer continue when there is room again."""
        if self.buffer.may_resume() and self.up and self.engine.error is None:
            self.engine.call(lambda core, now: core.resume_reading(self.dlci, now))

    def send(self, piece: bytes) -> int:
        """Queue octets; the caller lets `Engine.push` or `Engine.wake` follow.

        Returns:
            How many were queued; `condition.room` is notified when there is room for more.

        Raises:
            DlcError: the DLC has been closed.
            SessionEnded: the session is over.
        """
        try:
            taken = self.engine.send(self.dlci, piece)
        except StateError:  # the core has closed it; the event with the reason is on its way
            self.condition.wait_for(lambda: not self.up, waits.MARGIN)
            raise self.reason(was_open=True) from None
        if self._flag is not None:
            self._flag.set_writable(taken == len(piece))
        return taken

    def wait_sent(self, stop: Callable[[], bool], timeout: float | None) -> bool:
        """Wait, without `condition`, until nothing is queued.

        Args:
            stop: ends the wait early when it returns True; `poke` makes it be called again.
            timeout: seconds.

        Returns:
            Whether nothing is queued.
        """
        self.engine.wait(lambda core: core.unsent(self.dlci) == 0 or not self.up or stop(), timeout)
        return self.engine.error is not None or self.engine.call(lambda core, now: core.unsent(self.dlci)) == 0

    def poke(self) -> None:
        """Wake every thread that waits for this DLC."""
        self.condition.notify_all()
        self.engine.poke()

    def wake(self) -> None:
        """Make every thread that waits for this DLC check again: the state of its `Mux` has changed."""
        with self.condition:
            self.poke()

    def peer_signals(self) -> Signals:
        """Return the peer's V.24 signals; before its first, the idle ones (27.010 §5.4.6.3.7)."""
        return self.engine.call(lambda core, now: core.signals(self.dlci)) or Signals()

    # --- For select ---

    def fileno(self) -> int:
        """Return a descriptor that is readable while octets wait or the DLC is gone, and writable while it has room.

        Returns:
            The descriptor, the same one until the DLC or its `Mux` is closed.
        """
        if self._retired:
            raise self.reason()
        if self._flag is None:
            self._flag = ReadyFlag()
            self.set_flag()
        return self._flag.fileno()

    @property
    def is_selected(self) -> bool:
        """See `ChannelWaits.is_selected`."""
        return self._flag is not None

    def set_flag(self) -> None:
        """Update the descriptor to the present state."""
        if self._flag is not None:
            self._flag.set(bool(self.buffer) or not self.up)

    def drop_flag(self) -> None:
        """Close the descriptor."""
        if self._flag is not None:
            self._flag.close()
            self._flag = None

    def retire(self) -> None:
        """Close the descriptor for good: the `Mux` is closed. Threads that wait for this DLC are woken."""
        with self.condition:
            self._retired = True
            self.drop_flag()
            self.poke()

    # --- Events of the engine ---

    def on_event(self, event: Event) -> None:
        """Handle an event of this DLC, except data, or the end of the session.

        Args:
            event: an event of the core.
        """
        with self.condition:
            if isinstance(event, Opened):
                self.up, self.error = True, None
                self.set_flag()
                self._restore_signals()
                self._opening.over()  # what ends from now on is this one
                self._restore_flow()
            elif isinstance(event, Reestablished):
                self._restore_flow()
            elif isinstance(event, Closed):
                if not self._opening.is_of_previous(event):
                    self._end(dlc_error(event))
            elif isinstance(event, SessionClosed):
                self._end(SessionEnded(event.cause, event.detail))
            elif isinstance(event, Writable):
                if self._flag is not None:
                    self._flag.set_writable(True)
                self.condition.notify_room()
                return
            elif not isinstance(event, SignalsChanged):
                return
            self.condition.notify_all()

    def _arrived(self, full: bool) -> None:
        if full:
            self._restore_flow()
        self.set_flag()

    def _restore_signals(self) -> None:
        """Tell the peer our signals: it has opened the DLC of a port that stayed open while the line was gone."""
        wanted = self._wanted
        if wanted is not None and not self._opening.under_way and self.engine.error is None:
            self.engine.call(lambda core, now: core.set_signals(self.dlci, wanted, now))

    def _restore_flow(self) -> None:
        if self.buffer.paused and self.engine.error is None:
            self.engine.call(lambda core, now: core.pause_reading(self.dlci, now))

    def _end(self, error: DlcError | SessionEnded) -> None:
        self.up = False
        if self._owner is None:  # no port had it, and the next one that opens it must not get old data
            self.buffer.clear()
        if self.error is None:
            self.error = error
        self.set_flag()
        if self._flag is not None:
            self._flag.set_writable(True)  # a writer has to find out

    def reason(self, *, was_open: bool = False) -> DlcError | SessionEnded:
        """Create the exception for a DLC that is not open.

        Args:
            was_open: it was open earlier in the same call. If DISC of either side ended that, it is the reason,
                though the session may be over as well by the time the thread of the caller runs.
        """
        closed = isinstance(self.error, DlcError) and self.error.cause in (Cause.LOCAL, Cause.PEER)
        if self.engine.error is not None and not (was_open and closed):
            return self.engine.ended()
        return self.error or DlcClosed(self.dlci, Cause.LOCAL, "closed")  # the peer's closing is told at once

    def abandon(self) -> None:
        """Make it unusable in the child after a fork."""
        self.condition = self.buffer.condition = ChannelCondition(lambda: None)
        self.up = False
