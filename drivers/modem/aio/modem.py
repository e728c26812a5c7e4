"""The general commands in asyncio: coroutines."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TypeVar

from ...at.aio import AtChannel, Streams
from ...clock import Clock
from ...tcpip.aio.runner import TaskRunner
from ...tcpip.core import Procedure
from ..core import general
from ..core.answers import Identity, Registered, Signal

T = TypeVar("T")


class Modem:
    """The general commands, over one AT channel. The constructor sends nothing.

    Every call raises `CommandError` where the module refuses it, `AtTimeout` where it does not answer, and
    `ChannelClosed` where the line is gone.

    Args:
        port: a reader and a writer, such as those of ``cmux.aio.Mux.channel``, or an `AtChannel` of this event loop; a
            driver may use it at the same time.
        clock: the source of time.
    """

    def __init__(self, port: Streams | AtChannel, *, clock: Clock | None = None) -> None:
        self._runner = TaskRunner(port, clock)
        self._general = general.General(self._runner.channel.name, self._runner.clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._general.state}>"

    @property
    def channel(self) -> AtChannel:
        """The AT channel on which the commands are sent."""
        return self._runner.channel

    async def close(self) -> None:
        """Release the channel; idempotent."""
        self._general.close()
        await self._runner.close()

    async def __aenter__(self) -> Modem:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def identity(self) -> Identity:
        """Return manufacturer, model, firmware and IMEI; see `drivers.modem.Modem.identity`."""
        return await self._runner.run(self._general.identity())

    async def sim(self) -> str:
        """Return the state of the SIM; see `drivers.modem.Modem.sim`."""
        return await self.channel.run(self._general.sim())

    async def unlock(self, pin: str, new_pin: str | None = None) -> None:
        """Enter the PIN of the SIM, or its PUK and a new PIN; see `drivers.modem.Modem.unlock`."""
        with general.hiding(pin):
            await self.channel.command(general.unlocking(pin, new_pin), timeout=general.SIM_TIMEOUT)

    async def imsi(self) -> str:
        """Return the IMSI of the SIM; see `drivers.modem.Modem.imsi`."""
        return await self.channel.run(self._general.imsi())

    async def iccid(self) -> str:
        """Return the number of the SIM card; see `drivers.modem.Modem.iccid`."""
        return await self.channel.run(self._general.iccid())

    async def signal(self) -> Signal:
        """Return the signal quality; see `drivers.modem.Modem.signal`."""
        return await self.channel.run(self._general.signal())

    async def registration(self) -> Registered:
        """Return whether the module is registered for calls; see `drivers.modem.Modem.registration`."""
        return await self.channel.run(self._general.registration())

    async def packet_registration(self) -> Registered:
        """Return whether the module is registered for packet service; see `drivers.modem.Modem.packet_registration`."""
        return await self.channel.run(self._general.packet_registration())

    async def operator(self) -> str | None:
        """Return the name of the network; see `drivers.modem.Modem.operator`."""
        return await self.channel.run(self._general.operator())

    async def attached(self) -> bool:
        """Return whether the module is attached to packet service; see `drivers.modem.Modem.attached`."""
        return await self.channel.run(self._general.attached())

    async def attach(self, *, on: bool = True) -> None:
        """Attach to packet service, or detach; see `drivers.modem.Modem.attach`."""
        await self.channel.command(general.attaching(on=on), timeout=general.NETWORK_TIMEOUT)

    async def wait_for_sim(self, timeout: float) -> None:  # noqa: ASYNC109 - on the modem's clock
        """Wait until the SIM is ready; see `drivers.modem.Modem.wait_for_sim`."""
        await self._within(timeout, lambda: self._general.wait_for_sim(timeout))

    async def wait_for_network(self, timeout: float, *, packet: bool = True) -> Registered:  # noqa: ASYNC109
        """Wait until the module is registered; see `drivers.modem.Modem.wait_for_network`."""
        return await self._within(timeout, lambda: self._general.wait_for_network(timeout, packet=packet))

    async def clock(self) -> datetime.datetime:
        """Return the time of the module's clock; see `drivers.modem.Modem.clock`."""
        return await self.channel.run(self._general.clock())

    async def set_clock(self, when: datetime.datetime) -> None:
        """Set the module's clock; see `drivers.modem.Modem.set_clock`."""
        await self.channel.command(general.setting_clock(when))

    async def power_off(self) -> None:
        """Switch the module off, and wait for what it says last; see `drivers.modem.Modem.power_off`."""
        await self.channel.run(general.power_off())

    async def _within(self, timeout: float, make: Callable[[], Procedure[T]]) -> T:  # noqa: ASYNC109
        return await self._runner.run_within(
            timeout, lambda _stay: make(), lambda what: self._general.too_late(timeout, what)
        )
