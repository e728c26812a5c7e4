"""Whatever was to activate a context and failed leaves it free for everybody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driver_lab import BG96, Peer, QuickClock, laboratory

from drivers.emulator import Behaviour
from drivers.emulator.environment import Network
from drivers.errors import DriverError
from drivers.tcpip import TcpipDriver

Attempt = Callable[[TcpipDriver, int], object]

ATTEMPTS: dict[str, Attempt] = {
    "activate": lambda driver, _: driver.activate(),
    "connect": lambda driver, port: driver.connect("TCP", "127.0.0.1", port),
    "connect by steps": lambda driver, port: driver.connect("TCP", "127.0.0.1", port, step_by_step=True),
    "connect by name": lambda driver, port: driver.connect("TCP", "www.quectel.com", port),
    "listen": lambda driver, _: driver.listen(),
    "listen by steps": lambda driver, _: driver.listen(step_by_step=True),
    "resolve": lambda driver, _: driver.resolve("www.quectel.com"),
    "set_name_servers": lambda driver, _: driver.set_name_servers("8.8.8.8"),
}


@pytest.mark.parametrize("state", ["IP IND", "IP INITIAL", "PDP DEACT"])
@pytest.mark.parametrize("muxip", [False, True])
@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_context_that_the_network_refused_is_deactivated(
    echo_server: Peer, name: str, muxip: bool, state: str
) -> None:
    with laboratory(
        Behaviour(refused_activation=state),  # type: ignore[arg-type]
        clock=QuickClock(5.0),
        hosts={"www.quectel.com": "127.0.0.1"},
    ) as lab:
        lab.module.set_network(Network(accepts=False))
        driver, other = lab.driver(1, 0, muxip=muxip), lab.driver(2, 0, muxip=muxip)
        with pytest.raises(DriverError):
            ATTEMPTS[name](driver, echo_server.port)
        driver.release()
        other.claim()  # AT+QIFGCNT: the module would refuse it were the context not in IP INITIAL
        assert other.state() == "IP INITIAL"
        lab.module.set_network(Network())
        assert ATTEMPTS[name](other, echo_server.port) or name == "set_name_servers"
        for one in (driver, other):
            one.close()


OF_LTE: dict[str, Attempt] = {
    "connect": ATTEMPTS["connect"],
    "listen": lambda driver, _: driver.listen(port=2020),
    "set_name_servers": ATTEMPTS["set_name_servers"],
}


@pytest.mark.parametrize("name", OF_LTE)
def test_so_is_that_of_an_lte_module_which_is_not_active_then(echo_server: Peer, name: str) -> None:
    with laboratory(clock=QuickClock(5.0), kind=BG96) as lab:
        lab.module.set_network(Network(accepts=False))
        driver, other = lab.driver(1, 0), lab.driver(2, 0)
        with pytest.raises(DriverError):
            OF_LTE[name](driver, echo_server.port)
        driver.release()
        other.claim()
        assert (other.state(), other.leftovers) == ("inactive", ())
        lab.module.set_network(Network())
        assert OF_LTE[name](other, echo_server.port) or name == "set_name_servers"
        for one in (driver, other):
            one.close()
