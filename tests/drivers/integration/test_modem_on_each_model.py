"""The general commands on each model of the emulated module: what families answer in ways of their own."""

from __future__ import annotations

import pytest
import serial

from drivers.emulator import EmulatedModule
from drivers.modem import Modem

MODELS = [("m10", "Quectel_Ltd", "Quectel_M10"), ("bg96", "Quectel", "BG96"), ("ec25", "Quectel", "EC25")]


@pytest.mark.parametrize(("model", "maker", "name"), MODELS)
def test_the_general_commands_work_on_each_model(model: str, maker: str, name: str) -> None:
    with EmulatedModule(model=model) as module, serial.Serial(module.serve_pty()) as port, Modem(port) as modem:
        found = modem.identity()
        assert (found.manufacturer, found.model, len(found.imei)) == (maker, name, 15)
        assert found.revision
        assert (modem.sim(), modem.iccid().isdigit(), modem.imsi().isdigit()) == ("READY", True, True)
        assert modem.wait_for_network(10).there
        assert modem.registration().there
        modem.power_off()
