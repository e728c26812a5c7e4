"""A virtual UART that answers no command any more, while the multiplexer and the others live (device-os #2940)."""

from __future__ import annotations

import pytest
from driver_lab import KINDS, Kind

import cmux
from cmux.protocol.events import Outcome
from drivers.at import AtChannel
from drivers.emulator import EmulatedModule
from drivers.errors import AtTimeout
from drivers.tcpip import TcpipDriver

BRIEFLY = 0.2


@pytest.mark.requirement("L9.10")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)
def test_a_channel_that_dies_is_named_and_the_others_go_on(kind: Kind) -> None:
    with EmulatedModule(**kind.module()) as module, cmux.open(module.port(), t1=0.1, n2=1) as mux:
        with AtChannel(mux.channel(1)) as dying, TcpipDriver(mux.channel(2), 1, dialect=kind.model) as driver:
            assert dying.command("AT+CSQ").lines
            driver.claim()
            module.trigger("at_channel_dies")
            with pytest.raises(AtTimeout, match="does DLCI 1 take AT commands") as failed:
                dying.command("AT+CSQ", timeout=BRIEFLY)
            assert failed.value.command == "AT+CSQ"
            assert driver.resolve("localhost") == ["127.0.0.1"]
        assert mux.error is None
        assert mux.test(b"the control channel lives") is Outcome.ANSWERED
