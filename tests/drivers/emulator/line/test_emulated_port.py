"""The host's end of the line in the same process, as far as it has deadlines like a port of pyserial."""

from __future__ import annotations

import pytest
import serial

from drivers.emulator import EmulatedModule


def test_a_write_ends_with_its_time_out_when_the_module_takes_nothing() -> None:
    with EmulatedModule() as module, module.port() as port:
        assert port.write_timeout is None  # as with pyserial
        port.write_timeout = 0.01
        assert port.write(b"AT\r") == 3
        module._on_loop(lambda: module._wire.pause_reading())  # type: ignore[union-attr]
        with pytest.raises(serial.SerialTimeoutException, match=r"taken nothing for 0\.01 s"):
            port.write(bytes(1 << 24))
