"""Events that come from outside the module: once, repeatedly, and storms of unsolicited lines."""

from __future__ import annotations

import dataclasses
import logging
import random
from collections.abc import Callable

from ..clock import Timer
from .environment import Environment, Network, Sim
from .faults import Faults, Moment
from .modem import Modem

log: logging.Logger = logging.getLogger(__name__)

_STORM = ('+CREG: 1,"1806","2F1E"', "RING", '+CMTI: "SM",1')
_GUST = 0.01  # seconds between gusts of a storm at the least
_SIMS = {"ready": Sim.READY, "pin": Sim.PIN, "missing": Sim.MISSING}


def _network(**changes: object) -> Callable[[Modem], None]:
    """Return a function that changes the network."""

    def change(modem: Modem) -> None:
        modem.set_network(dataclasses.replace(modem.environment.network, **changes))  # type: ignore[arg-type]

    return change


def _sim(sim: Sim) -> Callable[[Modem], None]:
    """Return a function that changes the SIM and announces it."""

    def change(modem: Modem) -> None:
        modem.set_network(dataclasses.replace(modem.environment.network, sim=sim))
        modem.tell_sim()

    return change


_MOMENTS: dict[Moment, Callable[[Modem], None]] = {
    Moment.RESET: lambda modem: modem.restart(),
    Moment.PDP_DEACT: lambda modem: modem.drop_contexts(),
    Moment.REMOTE_RESET: lambda modem: modem.break_sessions(),
    Moment.REGISTRATION_LOST: _network(registered=False),
    Moment.REGISTERED: _network(registered=True, attached=True),
    Moment.SILENCE: _network(silent=True),
    Moment.SOUND: _network(silent=False),
    Moment.ACTIVATION_REFUSED: _network(accepts=False),
    Moment.ACTIVATION_GRANTED: _network(accepts=True),
    Moment.SIM_MISSING: _sim(Sim.MISSING),
    Moment.SIM_PIN: _sim(Sim.PIN),
    Moment.SIM_READY: _sim(Sim.READY),
    Moment.AT_CHANNEL_DIES: lambda modem: modem.kill_channel(),
    Moment.INCOMING_FULL: lambda modem: modem.refuse_client(),
    Moment.SMS_DELIVERED: _network(sms="delivered"),
    Moment.SMS_REFUSED: _network(sms="refused"),
    Moment.SMS_UNDELIVERED: _network(sms="undelivered"),
    Moment.SMS_LOST: _network(sms="lost"),
}


def happen(modem: Modem, moment: Moment) -> None:
    """Cause an event now.

    Raises:
        ValueError: it cannot happen in the state that the module is in.
    """
    _MOMENTS[moment](modem)


def network_of(faults: Faults) -> Network:
    """Return the state of SIM and network that faults ask for at the start."""
    return Network(
        registered=faults.registration,
        attached=faults.registration,
        accepts=faults.activation,
        silent=faults.silent,
        sms=faults.sms,
        sim=_SIMS[faults.sim],
        calls=faults.calls,
    )


class FaultInjector:
    """Causes events at random intervals, and storms of unsolicited lines.

    Args:
        modem: the module that they happen to.
        faults: which, and how often.
        chooser: draws the intervals.
    """

    def __init__(self, modem: Modem, faults: Faults, chooser: random.Random) -> None:
        self._modem = modem
        self._chooser = chooser
        self._timers: dict[int, Timer] = {}
        for number, (moment, least, greatest) in enumerate(faults.moments):
            self._await(number, moment, least, greatest)
        self._due = 0.0  # lines of the storm
        if faults.urc_storm:
            self._storm(faults.urc_storm, max(_GUST, 1 / faults.urc_storm))

    def stop(self) -> None:
        """Cancel everything that is still to come."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _await(self, number: int, moment: Moment, least: float, greatest: float) -> None:
        def now() -> None:
            self._await(number, moment, least, greatest)
            try:
                happen(self._modem, moment)
            except ValueError as error:
                log.debug("%s does not happen now: %s", moment.value, error)

        self._timers[number] = self._later(self._chooser.uniform(least, greatest), now)

    def _storm(self, rate: float, pause: float) -> None:
        def gust() -> None:
            self._due += rate * pause
            while self._due >= 1:
                self._due -= 1
                for uart in self._modem.uarts:
                    if uart.attached and uart.hears:
                        uart.announce(self._chooser.choice(_STORM))
            self._storm(rate, pause)

        self._timers[-1] = self._later(pause, gust)

    def _later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        environment: Environment = self._modem.environment
        return environment.clock.call_later(environment.loop, seconds, callback)
