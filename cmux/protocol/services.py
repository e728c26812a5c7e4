"""The calls of a `Multiplexer` that send the peer a command on the control channel (27.010 §5.4.6.3)."""

from __future__ import annotations

from . import negotiation
from .commands import RLS, RPN, SNC, Command, FCoff, FCon, PortMask, PortSettings, Test
from .config import Parameters
from .errors import ConfigError, FrameError, StateError
from .messages import encode_message
from .power import Power, PowerInput
from .station import Station
from .wire import MessageType


class ControlServices(Station):
    """The commands with which a station asks its peer or informs it; `Multiplexer` adds channels, line and time.

    A call that sends a command returns it: the `CommandDone` that follows has the same object as its ``command``.
    """

    def negotiate(self, dlci: int, parameters: Parameters, now: float) -> Command:
        """Negotiate the parameters of a DLC by PN; they apply from its next SABM on (27.010 §5.4.6.3.1).

        `CommandDone` follows, and `ParametersChanged` with what the peer granted. If the peer answers NSC, or nothing,
        the defaults apply. If it did not answer a request for convergence layer 2, `open` asks for the defaults first,
        so that both sides use the same layer.

        Args:
            dlci: 1 to 61, preferably before `open`.
            parameters: what to ask for.
            now: seconds on the caller's clock.

        Returns:
            The command; the `CommandDone` that follows has the same object.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            ConfigError: N1 is over `Config.n1_receive`, so this station would not accept such frames.
            StateError: the session is not open.
        """
        self._user_dlc(dlci)
        if parameters.n1 > self.config.n1_receive:
            raise ConfigError(f"n1 = {parameters.n1} is more than n1_receive = {self.config.n1_receive}")
        return self._submit(negotiation.request(dlci, parameters, self.config), now)

    def hold_all(self, now: float) -> Command:
        """Ask the peer to stop all channels but DLCI 0: FCoff (27.010 §5.4.6.3.6, §5.4.8.1).

        Returns:
            The command; the `CommandDone` that follows has the same object.
        """
        command = self._submit(FCoff(), now)
        self._session.pending_resync.forget(0)  # an FCon that was not answered is not repeated
        return command

    def release_all(self, now: float) -> Command:
        """Let the peer send on all channels again: FCon (27.010 §5.4.6.3.5).

        Returns:
            The command; the `CommandDone` that follows has the same object.
        """
        return self._submit(FCon(), now)

    def test(self, payload: bytes, now: float) -> Command:
        """Send a Test command; `CommandDone` follows (27.010 §5.4.6.3.4).

        Args:
            payload: octets that the peer has to send back; at most N1 including type and length.
            now: seconds on the caller's clock.

        Returns:
            The command; the `CommandDone` that follows has the same object.

        Raises:
            StateError: the session is not open.
            FrameError: the payload is too long, or not octets.
        """
        if not isinstance(payload, bytes | bytearray | memoryview):
            raise FrameError(f"a Test carries octets, not {payload!r}")
        return self._submit(Test(bytes(payload)), now)

    def negotiate_port(
        self, dlci: int, settings: PortSettings | None, now: float, mask: PortMask = PortMask.ALL
    ) -> Command:
        """Set the serial port behind a DLC, or ask for its settings, by RPN; `CommandDone` follows (§5.4.6.3.9).

        Args:
            dlci: 1 to 61.
            settings: what to set; None asks.
            now: seconds on the caller's clock.
            mask: which of the settings apply.

        Returns:
            The command; the `CommandDone` that follows has the same object.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            FrameError: RPN cannot code a baud rate that applies.
            StateError: the session is not open.
        """
        self._user_dlc(dlci)
        return self._submit(RPN(dlci, settings, mask), now)

    def line_status(
        self, dlci: int, now: float, *, overrun: bool = False, parity: bool = False, framing: bool = False
    ) -> Command:
        """Report errors on the serial port behind a DLC to the peer: RLS (27.010 §5.4.6.3.10).

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.
            overrun: a character was overwritten before it was read.
            parity: a parity bit was wrong.
            framing: a stop bit was missing.

        Returns:
            The command; the `CommandDone` that follows has the same object.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            StateError: the session is not open.
        """
        self._user_dlc(dlci)
        return self._submit(RLS(dlci, overrun, parity, framing), now)

    def service(self, dlci: int, now: float, *, service: int | None = None, codec: int | None = None) -> Command:
        """Set the service of a DLC, or ask for it: SNC; `CommandDone` follows (27.010 §5.4.6.3.11).

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.
            service: the service octet, `SNC.DATA` or `SNC.VOICE`; None asks.
            codec: the codec octet that goes with it.

        Returns:
            The command; the `CommandDone` that follows has the same object.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            FrameError: a number does not fit into an octet, or a codec goes with no service.
            StateError: the session is not open.
        """
        self._user_dlc(dlci)
        if service is None and codec is not None:
            raise FrameError(f"codec {codec} needs a service that it goes with")
        for name, value in (("service", service), ("codec", codec)):
            if value is not None and not 0 <= value <= 255:
                raise FrameError(f"the {name} {value} does not fit into an octet")
        default = None if service is None else SNC.NO_CODEC
        return self._submit(SNC(dlci, service, default if codec is None else codec), now)

    def sleep(self, now: float) -> None:
        """Ask the peer for power saving: PSC; `PowerChanged` follows when it agrees (27.010 §5.4.6.3.2, §5.4.7).

        PSC is sent when all that is due has been sent and answered. Data and commands that come later wait for its
        answer, and then wake the peer. While PSC is unanswered, or the peer asleep or being woken, this call has no
        effect.

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
        """Wake a sleeping peer without sending anything; sending wakes it as well (27.010 §5.4.7).

        If the peer has not answered PSC yet, it is woken right after its answer.
        """
        self._at(now).standby.wake()

    # --- Inside ---------------------------------------------------------------------------------------------------

    def _require_session(self, what: str) -> None:
        if not self._session.is_open:
            raise StateError(f"{what} cannot be sent: the multiplexer session is not open")

    def _submit(self, command: Command, now: float) -> Command:
        self._require_session(command.name)
        size = len(encode_message(command, command=True))  # raises now, not when its turn comes
        if isinstance(command, Test) and size > self.config.n1:
            raise FrameError(
                f"a Test of {len(command.data)} octets does not fit an information field of {self.config.n1}"
            )
        if command.type not in (MessageType.FCON, MessageType.FCOFF):  # the later of these replaces the earlier
            self._require_room(command.name)
        self._at(now).control.submit(command)
        return command
