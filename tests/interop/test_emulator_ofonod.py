"""Debian's ofonod as the host of the emulated module: its phonesim driver over TCP, with its own multiplexer."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulator_programs import call, emulator, message_bus, running, wait_for

MODEM = ("org.ofono", "/phonesim")


@pytest.mark.interop("ofonod", "dbus-daemon", "dbus-send")
@pytest.mark.parametrize("multiplexer", [True, False], ids=["multiplexed", "plain"])
@pytest.mark.parametrize("option", ["basic", "any"])
def test_the_module_is_powered_identified_and_online(multiplexer: bool, option: str, tmp_path: Path) -> None:
    configuration = tmp_path / "phonesim.conf"
    with emulator("--tcp", "127.0.0.1:0", "--option", option) as where, message_bus() as bus:
        host, _, port = where.rpartition(":")
        text = f"[phonesim]\nAddress={host}\nPort={port}\n"
        configuration.write_text(text + ("Multiplexer=internal\n" if multiplexer else ""))
        surroundings = {"DBUS_SYSTEM_BUS_ADDRESS": bus, "OFONO_PHONESIM_CONFIG": str(configuration)}
        with running("ofonod", "-n", **surroundings):

            def properties(part: str) -> str | None:
                shown = call(bus, *MODEM, "org.ofono.Modem.GetProperties")
                return shown if part in shown else None

            def switch(name: str) -> None:
                call(bus, *MODEM, "org.ofono.Modem.SetProperty", f"string:{name}", "variant:boolean:true")

            wait_for("the modem", lambda: properties("Powered"))
            switch("Powered")
            shown = wait_for("its serial number", lambda: properties("861001001234560"))
            assert '"Quectel_M10"' in shown
            assert '"Revision: M10R04A02M32_SST"' in shown
            switch("Online")
            wait_for("online", lambda: online(properties("Online") or ""))


def online(shown: str) -> bool:
    """Tell whether the properties say so."""
    lines = shown.splitlines()
    place = next((number for number, line in enumerate(lines) if '"Online"' in line), None)
    return place is not None and "true" in lines[place + 1]
