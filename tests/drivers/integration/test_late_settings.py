"""Settings that the module takes in IP INITIAL only (app note 3.1): both shells, a plain UART and a channel."""

from __future__ import annotations

import re

import pytest
from driver_lab import PATIENCE, Peer
from every_way import LATE, MakeWay

from drivers.emulator import Behaviour
from drivers.errors import SettingRefused
from drivers.tcpip import Transparent

REASON = r"the context is in {}; AT\+{} needs IP INITIAL"


def said(heard: bytes) -> list[str]:
    """Return the commands about the form of the address and the activation, in order."""
    wanted = re.compile(r"AT\+(?:QIDNSIP=\d|QIREGAPP|QIACT|QILOCIP|QIOPEN)")
    return [text.removeprefix("AT+") for text in wanted.findall(heard.decode("latin-1"))]


@pytest.mark.requirement("S3.14", "S9.1")
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("muxip", [False, True])
def test_step_by_step_the_form_of_the_address_comes_before_the_activation(
    way: MakeWay, echo_server: Peer, protocol: str, muxip: bool
) -> None:
    there = way(behaviour=LATE)
    with there.driver(muxip=muxip) as driver:
        before = len(there.heard)
        with driver.connect(protocol, "www.quectel.com", echo_server.port, step_by_step=True) as session:
            assert said(there.heard[before:]) == ["QIDNSIP=1", "QIREGAPP", "QIACT", "QILOCIP", "QIOPEN"]
            if protocol == "TCP":
                session.settimeout(PATIENCE)
                session.sendall(b"by name")
                assert session.recv(1) == b"b"


@pytest.mark.requirement("S3.14", "S9.1")
@pytest.mark.parametrize(("first", "second"), [("127.0.0.1", "www.quectel.com"), ("www.quectel.com", "127.0.0.1")])
def test_where_the_form_changes_beside_a_session_the_reason_is_told(
    way: MakeWay, echo_server: Peer, first: str, second: str
) -> None:
    with way(behaviour=LATE).driver(muxip=True) as driver:
        session = driver.connect("TCP", first, echo_server.port)
        with pytest.raises(SettingRefused, match=r"AT\+QIDNSIP=.*" + REASON.format("IP PROCESSING", "QIDNSIP")):
            driver.connect("TCP", second, echo_server.port)
        session.settimeout(PATIENCE)
        session.sendall(b"a")  # the first one goes on, and one more like it comes beside it
        assert session.recv(1) == b"a"
        with driver.connect("TCP", first, echo_server.port) as another:
            another.settimeout(PATIENCE)
            another.sendall(b"b")
            assert another.recv(1) == b"b"


@pytest.mark.requirement("S3.14", "S9.5")
def test_a_name_that_was_resolved_needs_no_other_form(way: MakeWay, echo_server: Peer) -> None:
    with way(behaviour=LATE).driver(muxip=True) as driver:
        driver.connect("TCP", "127.0.0.1", echo_server.port)
        (address,) = driver.resolve("www.quectel.com")
        driver.connect("TCP", address, echo_server.port)


@pytest.mark.requirement("S3.14")
def test_after_a_deactivation_the_form_may_change(way: MakeWay, echo_server: Peer) -> None:
    with way(behaviour=LATE).driver() as driver:
        for host in ("127.0.0.1", "www.quectel.com", "127.0.0.1"):
            driver.connect("TCP", host, echo_server.port).close()
            driver.deactivate()


@pytest.mark.requirement("S3.8", "S3.14")
@pytest.mark.parametrize(("size", "refused"), [(1024, False), (512, True)])
def test_a_context_that_is_in_use_keeps_what_it_has_for_transparent_mode(
    way: MakeWay, size: int, refused: bool
) -> None:
    there = way(behaviour=Behaviour(late_settings="error", qimux_outside_initial="ok"))
    left = there.driver()
    left.activate()
    left.release()
    left.close()
    driver = there.driver(transparent=Transparent(wait=0.2, size=size))
    if refused:
        with pytest.raises(SettingRefused, match=r"AT\+QITCFG=3,2,512,1.*" + REASON.format("IP STATUS", "QITCFG")):
            driver.claim()
    else:
        driver.claim()
    driver.close()
