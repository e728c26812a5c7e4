"""The general commands, on the emulated module; in asyncio, too."""

from __future__ import annotations

import datetime
import threading

import pytest
from aio_lab import aio_laboratory
from driver_lab import KINDS, Kind, Lab, Peer, QuickClock, every_lab, exactly, laboratory

from drivers.emulator.environment import Network, Sim
from drivers.errors import CmeError
from drivers.modem import Identity, Modem, NetworkTimeout, Registered, Signal, aio
from drivers.tcpip.aio import TcpipDriver

__all__ = ["every_lab"]

EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)
WHO = {
    "m10": ("Quectel_Ltd", "Quectel_M10", "M10R04A02M32_SST"),
    "bg96": ("Quectel", "BG96", "BG96MAR02A07M1G"),
}
STRENGTH = {"m10": Signal(-113 + 2 * 28, 0), "bg96": Signal(-113 + 2 * 28, None)}  # LTE has no bit error rate


def test_who_it_is_and_where(every_lab: Lab) -> None:
    with Modem(every_lab.mux.channel(4)) as modem:
        identity = modem.identity()
        assert identity == Identity(*WHO[every_lab.kind.model], identity.imei)
        assert identity.imei.isdigit()
        assert modem.imsi().isdigit()
        assert len(modem.iccid()) >= 18
        assert modem.signal() == STRENGTH[every_lab.kind.model]
        assert modem.registration() is Registered.HOME
        assert modem.packet_registration().there
        assert modem.operator()
        assert modem.attached()
        assert modem.sim() == "READY"


@pytest.mark.requirement("S3.13")
@EACH_KIND
def test_an_app_waits_for_the_sim_and_the_network(echo_server: Peer, kind: Kind) -> None:
    with laboratory(clock=QuickClock(20.0), kind=kind) as lab:
        lab.module.set_network(Network(registered=False, attached=False, sim=Sim.PIN))
        with Modem(lab.mux.channel(1), clock=lab.clock) as modem:
            assert modem.sim() == "SIM PIN"
            with pytest.raises(CmeError) as wrong:
                modem.unlock("9999")
            assert wrong.value.code == 16
            assert "9999" not in str(wrong.value)
            with pytest.raises(NetworkTimeout, match="the SIM is SIM PIN"):
                modem.wait_for_sim(2.0)
            modem.unlock("1234")
            modem.wait_for_sim(30.0)
            with pytest.raises(NetworkTimeout, match="the network is"):
                modem.wait_for_network(2.0)
            assert modem.signal() == Signal(None, None)
            coming = threading.Timer(0.1, lambda: lab.module.set_network(Network()))
            coming.start()
            assert modem.wait_for_network(200.0) is Registered.HOME
            coming.join()
            with lab.driver(1, 0) as driver:  # the same channel
                session = driver.connect("TCP", "127.0.0.1", echo_server.port)
                session.sendall(b"at last")
                assert exactly(session, 7) == b"at last"


def test_the_clock_is_set_and_read(every_lab: Lab) -> None:
    with Modem(every_lab.mux.channel(4)) as modem:
        zone = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
        when = datetime.datetime(2026, 11, 23, 7, 30, 15, tzinfo=zone)
        modem.set_clock(when)
        assert abs(modem.clock() - when) < datetime.timedelta(seconds=5)
        with pytest.raises(ValueError, match="2000 to 2099"):
            modem.set_clock(datetime.datetime(1999, 1, 1, tzinfo=datetime.UTC))


def test_detaching_takes_the_contexts_away(every_lab: Lab, echo_server: Peer) -> None:
    with Modem(every_lab.mux.channel(4)) as modem, every_lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        modem.attach(on=False)
        assert not modem.attached()
        session.settimeout(10)
        with pytest.raises(ConnectionResetError):
            session.recv(1)
        modem.attach()


@EACH_KIND
async def test_a_task_asks_and_waits_while_a_driver_uses_the_same_channel(kind: Kind) -> None:
    async with aio_laboratory(kind=kind) as lab, aio.Modem(await lab.mux.channel(1)) as modem:
        lab.module.set_network(Network(registered=False, attached=False, sim=Sim.PIN))
        assert await modem.sim() == "SIM PIN"
        with pytest.raises(CmeError) as wrong:
            await modem.unlock("9999")
        assert "9999" not in str(wrong.value)
        await modem.unlock("1234")
        await modem.wait_for_sim(30.0)
        lab.module.set_network(Network())
        assert await modem.wait_for_network(60.0) is Registered.HOME
        identity = await modem.identity()
        assert identity.model == WHO[kind.model][1]
        async with TcpipDriver(modem.channel, kind.first, dialect=kind.model) as driver:
            assert await driver.activate()
            assert await modem.signal() == STRENGTH[kind.model]
        zone = datetime.timezone(datetime.timedelta(hours=-3))
        when = datetime.datetime(2026, 11, 23, 7, 30, 15, tzinfo=zone)
        await modem.set_clock(when)
        assert abs(await modem.clock() - when) < datetime.timedelta(seconds=5)
        await modem.attach(on=False)
        assert not await modem.attached()
