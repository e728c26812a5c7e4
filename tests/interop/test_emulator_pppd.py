"""pppd as the network of a data call, where the kernel has PPP and root runs the tests."""

from __future__ import annotations

import pytest
import serial
from ppp_end import PppEnd
from ppp_internet import Internet
from ppp_programs import kernel_has_ppp

from drivers.emulator import EmulatedModule

OPTIONS = "nodetach local noauth nodefaultroute noproxyarp novj noccp ipcp-accept-remote 10.64.64.64:10.64.64.65"


@pytest.mark.interop("pppd")
@pytest.mark.skipif(not kernel_has_ppp(), reason="the kernel has no PPP, or this is not root")
def test_a_link_carries_an_echo_to_the_interface_of_pppd() -> None:
    with EmulatedModule(ppp=f"pppd {OPTIONS}") as module, serial.serial_for_url(module.serve_pty()) as port:
        port.timeout = 10
        port.write(b"ATD*99#\r")
        assert port.read_until(b"\r\nCONNECT\r\n").endswith(b"\r\nCONNECT\r\n")
        port.timeout = 0.02
        link = PppEnd(port)
        link.open()
        assert link.address == bytes((10, 64, 64, 65))
        Internet(link, "10.64.64.64").ping(1, b"an echo")
        link.terminate()
        port.timeout = 20
        assert port.read_until(b"\r\nNO CARRIER\r\n").endswith(b"\r\nNO CARRIER\r\n")
