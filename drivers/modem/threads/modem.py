"""The general commands on threads: calls that wait."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TypeVar

from ...at import AtChannel, Port
from ...clock import Clock
from ...tcpip.core import Procedure
from ...tcpip.threads.runner import ThreadRunner
from ..core import general
from ..core.answers import Identity, Registered, Signal

T = TypeVar("T")


class Modem:
    """The general commands, over one AT channel. The constructor sends nothing.

    Every call raises `CommandError` where the module refuses it, `AtTimeout` where it does not answer, and
    `ChannelClosed` where the line is gone.

    Args:
        port: a virtual UART, any other pyserial-like port, or an `AtChannel`; a driver may use it at the same time.
        clock: the source of time.
    """

    def __init__(self, port: Port | AtChannel, *, clock: Clock | None = None) -> None:
        self._runner = ThreadRunner(port, clock)
        self._general = general.General(self._runner.channel.name, self._runner.clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._general.state}>"

    @property
    def channel(self) -> AtChannel:
        """The AT channel on which the commands are sent."""
        return self._runner.channel

    def close(self) -> None:
        """Release the channel; idempotent."""
        self._general.close()
        self._runner.close()

    def __enter__(self) -> Modem:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def identity(self) -> Identity:
        """Return manufacturer, model, firmware and IMEI: ATI, AT+GSN, and what else it takes.

        Modules answer ATI in a line, in three or more, or with labels; what is missing is asked for by itself.

        Raises:
            UnexpectedAnswer: the module answers, but tells nothing of it.
        """
        return self._runner.run(self._general.identity())

    def sim(self) -> str:
        """Return the state of the SIM: ``READY``, ``SIM PIN``, ``SIM PUK`` and so on (AT+CPIN?).

        Raises:
            CmeError: there is no SIM (10), or it does not answer (13, 14).
        """
        return self.channel.run(self._general.sim())

    def unlock(self, pin: str, new_pin: str | None = None) -> None:
        """Enter the PIN of the SIM, or its PUK and a new PIN: AT+CPIN.

        Args:
            pin: the PIN or PUK, 4 to 8 digits.
            new_pin: the new PIN, 4 to 8 digits.

        Raises:
            ValueError: one of them cannot be a PIN; nothing was sent.
            CmeError: the code is wrong (16); the third wrong one blocks the SIM.
        """
        with general.hiding(pin):
            self.channel.command(general.unlocking(pin, new_pin), timeout=general.SIM_TIMEOUT)

    def imsi(self) -> str:
        """Return the IMSI of the SIM, as digits: AT+CIMI.

        Raises:
            UnexpectedAnswer: the module answers without one.
        """
        return self.channel.run(self._general.imsi())

    def iccid(self) -> str:
        """Return the number of the SIM card, as digits: AT+QCCID.

        Raises:
            UnexpectedAnswer: the module answers without one.
        """
        return self.channel.run(self._general.iccid())

    def signal(self) -> Signal:
        """Return the signal quality: AT+CSQ.

        Raises:
            UnexpectedAnswer: the answer is not one of 27.007 §8.5.
        """
        return self.channel.run(self._general.signal())

    def registration(self) -> Registered:
        """Return whether the module is registered for calls: AT+CREG?, and AT+CEREG? where the module has LTE.

        Raises:
            UnexpectedAnswer: the answer is not one of 27.007 §7.2.
        """
        return self.channel.run(self._general.registration())

    def packet_registration(self) -> Registered:
        """Return whether the module is registered for packet service: AT+CGREG?, and AT+CEREG? where it has LTE.

        Raises:
            UnexpectedAnswer: the answer is not one of 27.007 §10.1.20.
        """
        return self.channel.run(self._general.packet_registration())

    def operator(self) -> str | None:
        """Return the name of the network (AT+COPS?), or None while the module is not registered in one."""
        return self.channel.run(self._general.operator())

    def attached(self) -> bool:
        """Return whether the module is attached to packet service: AT+CGATT?."""
        return self.channel.run(self._general.attached())

    def attach(self, *, on: bool = True) -> None:
        """Attach to packet service, or detach, which deactivates all contexts: AT+CGATT=.

        Args:
            on: True attaches, False detaches.
        """
        self.channel.command(general.attaching(on=on), timeout=general.NETWORK_TIMEOUT)

    def wait_for_sim(self, timeout: float) -> None:
        """Wait until the SIM is ready.

        Args:
            timeout: seconds.

        Raises:
            NetworkTimeout: it is not ready in time; the message contains its state.
        """
        self._within(timeout, lambda: self._general.wait_for_sim(timeout))

    def wait_for_network(self, timeout: float, *, packet: bool = True) -> Registered:
        """Wait until the module is registered and, if packet service is needed, attached.

        Args:
            timeout: seconds.
            packet: whether packet service is needed.

        Returns:
            The registration status.

        Raises:
            NetworkTimeout: it is not registered or attached in time; the message contains its state.
        """
        return self._within(timeout, lambda: self._general.wait_for_network(timeout, packet=packet))

    def clock(self) -> datetime.datetime:
        """Return the time of the module's clock (AT+CCLK?), with a time zone if the module reports one.

        Raises:
            UnexpectedAnswer: the answer is not a time, as that of a clock that was never set.
        """
        return self.channel.run(self._general.clock())

    def set_clock(self, when: datetime.datetime) -> None:
        """Set the module's clock: AT+CCLK=.

        Args:
            when: the time, in the years 2000 to 2099; without a time zone it is sent with the offset +00.

        Raises:
            ValueError: it is in another year; nothing was sent.
        """
        self.channel.command(general.setting_clock(when))

    def power_off(self) -> None:
        """Switch the module off (AT+QPOWD=1) and wait for its last words: NORMAL POWER DOWN, POWERED DOWN, or others.

        An LTE module may need 65 s for them after its OK.
        """
        self.channel.run(general.power_off())

    def _within(self, timeout: float, make: Callable[[], Procedure[T]]) -> T:
        """Wait for something no longer than a time, whatever the module is doing by then."""
        return self._runner.run_within(
            timeout, lambda _stay: make(), lambda what: self._general.too_late(timeout, what)
        )
