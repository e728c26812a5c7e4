"""The multiplexer of one line, either role: octets and the time in, octets and events out (27.010 §5).

It reads no clock and does no I/O. Errors of the peer are counted and reported, never raised.
"""

from __future__ import annotations

from .channel_signals import ChannelSignals
from .config import Config, Parameters, Role
from .dlc_table import Input, State
from .errors import StateError
from .events import Cause, Event
from .frame_dispatcher import FrameDispatcher
from .services import ControlServices
from .session import ControlSession
from .statistics import statistics
from .waits import NEVER


class Multiplexer(ControlServices, ChannelSignals):
    """One station of a multiplexer session.

    Every ``now`` is in seconds on one clock of the caller that never runs backwards. Every ``dlci`` is the number of a
    DLC that carries data, 1 to 61. Calls that return no events may still cause some: `next_timeout` is due at once
    then, and `handle_timeout` returns them.

    Calls that send a command on DLCI 0 return it: the `CommandDone` that follows has this object as its ``command``.

    Args:
        role: which station this is; it decides the C/R bits.
        config: the parameters; by default those of 27.010 §5.7.
    """

    def __init__(self, role: Role = Role.INITIATOR, config: Config | None = None) -> None:
        self.role: Role = Role(role)
        self.config: Config = Config()
        self._set_up(config or self.config)

    def _set_up(self, config: Config) -> None:
        self.config = config
        self._session = ControlSession(self.role, config)
        self._dispatcher = FrameDispatcher(config, self._session, self.role is Role.INITIATOR)

    def __repr__(self) -> str:
        state = "open" if self.session_open else "closed"
        channels = [dlc.dlci for dlc in self._session.user_dlcs() if dlc.is_open]
        return f"<Multiplexer {self.role.value} {state} channels={channels}>"

    # --- The session ----------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Open DLCI 0; `SessionOpened` follows, or `SessionClosed` with the reason (27.010 §5.8.1).

        During a shutdown the session is opened again once the shutdown is complete.
        """
        self._at(now).start()

    def shutdown(self, now: float) -> None:
        """Close every DLC, then the multiplexer with CLD; `SessionClosed` follows (27.010 §5.8.2).

        What is still queued is discarded and counted in the `Closed` events; to send it, close the channels first.
        """
        self._at(now).shutdown()

    def line_lost(self, reason: str, now: float) -> list[Event]:
        """Handle the loss of the line: every DLC gets its `Closed`, the session its `SessionClosed`.

        Args:
            reason: why, as a sentence.
            now: seconds on the caller's clock.

        Returns:
            The events.
        """
        session = self._at(now)
        self._dispatcher.finish()
        session.end(Cause.LINE_LOST, reason)
        self._dispatcher.decoder.reset()
        return session.events.take()

    def reconfigure(self, config: Config) -> None:
        """Use other parameters, and possibly another option, while no session is open; counters restart at 0.

        DLCIs that `refuse` named stay refused.

        Args:
            config: the new parameters.

        Raises:
            StateError: a session is open, or being opened or closed.
        """
        if self._session.dlc(0).state is not State.CLOSED:
            raise StateError("the parameters of an open session cannot be changed: close it first")
        refused = self._session.refused
        self._set_up(config)
        self._session.refused = refused

    @property
    def has_control(self) -> bool:
        """Whether the peer has a control channel; false where it goes on without one (`Config.adm`)."""
        return not self._session.adm

    @property
    def session_open(self) -> bool:
        """Whether DLCI 0 is up."""
        return self._session.is_open

    # --- Channels -------------------------------------------------------------------------------------------------

    def open(self, dlci: int, now: float) -> None:
        """Open a DLC; `Opened` or `Closed` follows (27.010 §5.4.1).

        A DLC that is being closed is opened after that; one whose `negotiate` is under way, after its result.

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            StateError: the session is not open.
        """
        dlc = self._user_dlc(dlci)
        session = self._at(now)
        if not session.is_open or session.shutting_down:
            raise StateError(f"DLCI {dlci} cannot be opened: the multiplexer session is not open")
        session.apply(dlc, Input.OPEN)

    def close(self, dlci: int, now: float, drain: bool = True) -> None:
        """Close a DLC; `Closed` follows (27.010 §5.4.2).

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.
            drain: send what is queued first, however long the peer holds it back; otherwise it is discarded, and
                counted in the event.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        dlc = self._user_dlc(dlci)
        self._at(now).close(dlc, drain=drain)

    def refuse(self, dlci: int, refused: bool = True) -> None:
        """Answer the peer's SABM for a DLC that is closed with DM from now on (27.010 §5.3.3).

        Args:
            dlci: 1 to 63.
            refused: False lets the peer open it again.
        """
        if refused:
            self._session.refused.add(dlci)
        else:
            self._session.refused.discard(dlci)

    def is_open(self, dlci: int) -> bool:
        """Tell whether a DLC carries data."""
        dlc = self._look(dlci)
        return dlc.is_open and dlc.state is not State.PARKED

    def parameters(self, dlci: int) -> Parameters:
        """Return the parameters in force on a DLC.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        return self._look_at_user_dlc(dlci).parameters

    # --- Data -----------------------------------------------------------------------------------------------------

    def send(self, dlci: int, data: bytes, now: float) -> int:
        """Queue octets for a DLC.

        Args:
            dlci: 1 to 61, open.
            data: any number of octets.
            now: seconds on the caller's clock.

        Returns:
            How many were queued; if fewer than offered, `Writable` follows.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            StateError: the DLC is not open.
        """
        dlc = self._user_dlc(dlci)
        if dlc.state is not State.OPEN:
            raise StateError(f"DLCI {dlci} cannot send: it is {dlc.state_as_told}")
        waits = dlc.may_send
        taken = dlc.put(data)
        if taken:
            self._session.now = now
            self._session.transmitter.activate(dlc, waits=waits)
        return taken

    def unsent(self, dlci: int) -> int:
        """Return how many octets of a DLC wait to be sent."""
        return len(self._look(dlci).queue)

    def discard(self, dlci: int) -> int:
        """Discard what waits to be sent on a DLC.

        Args:
            dlci: 1 to 61.

        Returns:
            The number of octets; they are counted as discarded.
        """
        return self._session.discard(self._look(dlci))

    # --- The line -------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Process octets from the line; no input raises.

        Args:
            data: any number of octets.
            now: seconds on the caller's clock.

        Returns:
            The events that follow from them, in order; consecutive data of one DLC form one event.
        """
        session = self._session
        session.now = now
        if data:
            self._dispatcher.receive(data)
        return session.events.take()

    def stalled(self, now: float, stalled: bool = True) -> None:
        """Note that the line takes no octets: the peer is not asked meanwhile whether it is still there.

        Args:
            now: seconds on the caller's clock.
            stalled: False when it takes some again.
        """
        self._session.now = now
        self._session.stalled(stalled=stalled)

    def take_unread(self) -> bytes:
        """Return the octets behind the frame that ended a session: perhaps AT commands, or a new session.

        Returns:
            All since the last call, at most 4096 octets; what exceeds this is counted as skipped.
        """
        return self._dispatcher.take_unread()

    def data_to_send(self, now: float, limit: int | None = None) -> bytes:
        """Return whole frames for the line; acknowledgement timers start here.

        Args:
            now: seconds on the caller's clock.
            limit: the most octets beyond the first frame; None: everything that is due.

        Returns:
            The octets; empty when nothing is due. The caller keeps what the line does not take.
        """
        session = self._session
        session.now = now
        return session.hand_out(limit)

    @property
    def has_output(self) -> bool:
        """Whether `data_to_send` may return something now: False only if it returns nothing."""
        session = self._session
        return session.transmitter.has_output or not session.standby.rests

    @property
    def sendable(self) -> int:
        """Octets of data that may be sent now, without what frames add: those of a stopped DLC do not count."""
        session = self._session
        return 0 if session.transmitter.held else sum(len(dlc.queue) for dlc in session.user_dlcs() if dlc.may_send)

    @property
    def has_answers(self) -> bool:
        """Whether frames that carry no data wait to be sent: UA, MSC, other commands and responses."""
        return self._session.transmitter.has_control

    @property
    def has_events(self) -> bool:
        """Whether events wait for the next call that returns events."""
        return self._session.events.since != NEVER

    @property
    def waking(self) -> bool:
        """Whether frames wait after flags because the peer may have slept by itself (`Config.sleeps_after`)."""
        return self._session.transmitter.waking

    def flags_left(self, now: float) -> None:
        """Begin `Config.wake_pause` anew: the line has taken the flags later than `data_to_send` returned them.

        Args:
            now: seconds on the caller's clock.
        """
        self._at(now).standby.flags_left()

    @property
    def unframed(self) -> int:
        """How many octets, and runs of octets behind a flag, have turned out to be no frames."""
        return self._dispatcher.decoder.skipped + self._session.dropped.total()

    @property
    def in_frame(self) -> bool:
        """Whether the latest octets may belong to a frame that is not complete."""
        return self._dispatcher.decoder.pending

    # --- Time -----------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due next, on the caller's clock; None: not until something else happens.

        The time is in the past while events wait that a call other than `receive_data` caused.
        """
        due = self._session.due_at()
        if self._dispatcher.decoder.pending:
            due = min(due, self._dispatcher.give_up_at)
        return None if due == NEVER else due

    def handle_timeout(self, now: float) -> list[Event]:
        """Do what is due.

        Args:
            now: seconds on the caller's clock; a call before anything is due does nothing.

        Returns:
            The events.
        """
        session = self._session
        session.now = now
        session.handle_timeout()
        self._dispatcher.handle_timeout()
        return session.events.take()

    def stats(self) -> dict[str, object]:
        """Return the counters of the session as a plain dictionary, those of each DLC under ``dlcs``.

        Frames, octets (of information fields, without what convergence layer 2 adds), discarded octets,
        retransmissions and stalls are sums over all DLCs, ``queue_peak`` is the highest of all DLCs, in octets. FCoff
        (``holds``) counts as a stall of the session, a repeated command as a retransmission on DLCI 0.
        ``control_queue_peak`` is in frames. ``dropped`` has the number of bad frames for each `DropReason`.

        Returns:
            A new dictionary, owned by the caller.
        """
        return statistics(self._session, self._dispatcher.decoder.skipped)
