"""The calls of a `Multiplexer` that send the peer a command on the control channel (27.010 §5.4.6.3)."""

from __future__ import annotations

from . import negotiation
from .commands import RLS, RPN, SNC, Command, FCoff, FCon, PortMask, PortSettings, Test
from .config import Config, Parameters
from .control import MAX_WAITING
from .dlc import Dlc
from .errors import ConfigError, FrameError, InvalidDlci, StateError
from .messages import encode_message
from .power import Power, PowerInput
from .session import Session
from .wire import MessageType


class ControlServices:
    """What a station may ask its peer for, or tell it, by a command; `Multiplexer` adds channels, line and time.

    A call that sends a command returns it: ``command`` of the `CommandDone` that follows is this very object.
    """

    config: Config
    _session: Session

    def negotiate(self, dlci: int, parameters: Parameters, now: float) -> Command:
        """Settle the parameters of a DLC by PN; they hold from its next SABM on (27.010 §5.4.6.3.1).

        `CommandDone` follows, and `ParametersChanged` with what the peer granted. A peer that answers NSC or nothing
        leaves the defaults; after no answer to convergence layer 2, `open` asks for the defaults first, so that both
        sides go by the same layer.

        Args:
            dlci: 1 to 61, best before `open`.
            parameters: what to ask for.
            now: seconds on the caller's clock.

        Raises:
            InvalidDlci: the number cannot carry data.
            ConfigError: an N1 over `Config.n1_receive`, which we would not accept ourselves.
            StateError: the session is not open.
        """
        self._user_dlc(dlci)
        if parameters.n1 > self.config.n1_receive:
            raise ConfigError(f"n1 = {parameters.n1} is more than n1_receive = {self.config.n1_receive}")
        return self._submit(negotiation.request(dlci, parameters, self.config), now)

    def hold_all(self, now: float) -> Command:
        """Ask the peer to stop all channels but DLCI 0: FCoff (27.010 §5.4.6.3.6, §5.4.8.1)."""
        command = self._submit(FCoff(), now)
        self._session.pending_resync.forget(0)  # an FCon that went unanswered is not said again
        return command

    def release_all(self, now: float) -> Command:
        """Let the peer send on all channels again: FCon (27.010 §5.4.6.3.5)."""
        return self._submit(FCon(), now)

    def test(self, payload: bytes, now: float) -> Command:
        """Send a Test command; `CommandDone` follows (27.010 §5.4.6.3.4).

        Args:
            payload: octets that the peer has to send back; with type and length at most N1.
            now: seconds on the caller's clock.

        Raises:
            StateError: the session is not open.
            FrameError: more than fits.
        """
        return self._submit(Test(bytes(payload)), now)

    def negotiate_port(
        self, dlci: int, settings: PortSettings | None, now: float, mask: PortMask = PortMask.ALL
    ) -> Command:
        """Set the serial port behind a DLC, or ask for its settings, by RPN; `CommandDone` follows (§5.4.6.3.9).

        Args:
            dlci: 1 to 61.
            settings: what to set; None asks.
            now: seconds on the caller's clock.
            mask: which of the settings are meant.

        Raises:
            InvalidDlci: the number cannot carry data.
            FrameError: a baud rate that is meant and that RPN cannot code.
            StateError: the session is not open.
        """
        self._user_dlc(dlci)
        return self._submit(RPN(dlci, settings, mask), now)

    def line_status(
        self, dlci: int, now: float, *, overrun: bool = False, parity: bool = False, framing: bool = False
    ) -> Command:
        """Tell the peer of errors on the serial port behind a DLC: RLS (27.010 §5.4.6.3.10).

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.
            overrun: a character was overwritten before it was read.
            parity: a parity bit was wrong.
            framing: a stop bit was missing.

        Raises:
            InvalidDlci: the number cannot carry data.
            StateError: the session is not open.
        """
        self._user_dlc(dlci)
        return self._submit(RLS(dlci, overrun, parity, framing), now)

    def service(self, dlci: int, now: float, *, service: int | None = None, codec: int | None = None) -> Command:
        """Name the service of a DLC, or ask for it: SNC; `CommandDone` follows (27.010 §5.4.6.3.11).

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.
            service: the service octet, `SNC.DATA` or `SNC.VOICE`; None asks.
            codec: the codec octet that goes with it.

        Raises:
            InvalidDlci: the number cannot carry data.
            FrameError: a number that is no octet.
            StateError: the session is not open.
        """
        self._user_dlc(dlci)
        default = None if service is None else SNC.NO_CODEC
        return self._submit(SNC(dlci, service, default if codec is None else codec), now)

    def sleep(self, now: float) -> None:
        """Ask the peer for power saving: PSC; `PowerChanged` follows when it agrees (27.010 §5.4.6.3.2, §5.4.7).

        PSC leaves when all that is due has left and is answered; data and commands that come later wait for the answer
        to it, and then wake the peer. While PSC is out, or the peer asleep or being woken, this call changes nothing.

        Raises:
            StateError: the session is not open.
        """
        self._require_session("PSC")
        self._at(now).standby.apply(PowerInput.SLEEP)

    @property
    def power(self) -> Power:
        """Whether the two stations are awake, or on their way to sleep (27.010 §5.4.7)."""
        return self._session.standby.power.state

    def wake(self, now: float) -> None:
        """Wake a sleeping peer without sending anything; sending does it by itself (27.010 §5.4.7).

        Before the peer has answered PSC it is woken right after that.
        """
        self._at(now).standby.wake()

    # --- Inside ---------------------------------------------------------------------------------------------------

    def _at(self, now: float) -> Session:
        self._session.now = now
        return self._session

    def _require_session(self, what: str) -> None:
        if not self._session.is_open:
            raise StateError(f"{what} cannot be sent: the multiplexer session is not open")

    def _submit(self, command: Command, now: float) -> Command:
        self._require_session(command.name)
        size = len(encode_message(command, command=True))  # what cannot be coded is told now, not when its turn comes
        if isinstance(command, Test) and size > self.config.n1:
            raise FrameError(
                f"a Test of {len(command.data)} octets does not fit an information field of {self.config.n1}"
            )
        if command.type not in (MessageType.FCON, MessageType.FCOFF):  # of which the later takes the earlier's place
            self._require_room(command.name)
        self._at(now).control.submit(command)
        return command

    def _require_room(self, what: str) -> None:
        if self._session.control.full:
            raise StateError(f"{what} cannot be sent: {MAX_WAITING} commands wait already for answers of the peer")

    def _user_dlc(self, dlci: int) -> Dlc:
        if not isinstance(dlci, int) or not self.config.carries_data(dlci):
            raise InvalidDlci(dlci)
        return self._session.dlc(dlci)
