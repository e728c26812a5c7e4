"""The behaviour of the modules that the driver is tested on: a test's own, and what ``--m10-behaviour`` adds."""

from __future__ import annotations

from drivers.emulator import Behaviour
from drivers.tcpip import TcpipDriver

ADDED: list[str] = []
"""What `conftest` has found on the command line."""


def behaviour_of(behaviour: Behaviour | None = None) -> Behaviour:
    """Return the behaviour of a module whose test asks for this one."""
    return Behaviour.parse(ADDED, behaviour)


def may_change_form(driver: TcpipDriver, behaviour: Behaviour | None = None) -> None:
    """Deactivate a context whose module changes the form of addresses (AT+QIDNSIP) in IP INITIAL only."""
    if behaviour_of(behaviour).late_settings == "error":
        driver.deactivate()
