"""Debian's ofonod as the host of the emulated module: its phonesim driver over TCP, with its own multiplexer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from emulator_programs import Line, call, control, emulator, emulators, message_bus, running, wait_for

pytestmark = pytest.mark.interop("ofonod", "dbus-daemon", "dbus-send")

OFONO = "org.ofono"
PATH = "/phonesim"
OWN, OTHER = "+491701234567", "+491701234568"
SERIAL = "861001001234560"  # of the module where no model is named
LTE = (
    ("ec25", "861107030000012", "EC25EFAR06A01M4G"),
    ("eg91", "861107040000011", "EG91EFBR06A06M4G"),
    ("bg96", "866425030000017", "BG96MAR02A07M1G"),
)


@dataclass(frozen=True)
class Daemon:
    """A running ofonod.

    Args:
        bus: the address of its message bus.
    """

    bus: str

    def ask(self, interface: str, method: str, *arguments: str, path: str = PATH) -> str:
        """Call a method; returns what came back as text, or an empty one where it failed."""
        return call(self.bus, OFONO, path, f"{OFONO}.{interface}.{method}", *arguments)

    def property(self, part: str) -> str | None:
        """Return the properties of the modem if this is among them."""
        shown = self.ask("Modem", "GetProperties")
        return shown if part in shown else None

    def switch(self, name: str) -> None:
        """Switch a property of the modem on."""
        self.ask("Modem", "SetProperty", f"string:{name}", "variant:boolean:true")

    def calls(self, *parts: str) -> str | None:
        """Return the calls if all of this is said of them."""
        shown = self.ask("VoiceCallManager", "GetCalls")
        return shown if all(part in shown for part in parts) else None

    def first_call(self) -> str:
        """Return the path of the first call."""
        found = re.search(r'object path "(\S+)"', self.ask("VoiceCallManager", "GetCalls"))
        assert found is not None
        return found[1]


@contextmanager
def ofonod(where: str, configuration: Path, *, multiplexer: bool, serial: str = SERIAL) -> Iterator[Daemon]:
    """Run ofonod on a module, powered and identified by its serial number."""
    host, _, port = where.rpartition(":")
    text = f"[phonesim]\nAddress={host}\nPort={port}\n"
    configuration.write_text(text + ("Multiplexer=internal\n" if multiplexer else ""))
    with message_bus() as bus:
        surroundings = {"DBUS_SYSTEM_BUS_ADDRESS": bus, "OFONO_PHONESIM_CONFIG": str(configuration)}
        with running("ofonod", "-n", **surroundings):
            daemon = Daemon(bus)
            wait_for("the modem", lambda: daemon.property("Powered"))
            daemon.switch("Powered")
            wait_for("its serial number", lambda: daemon.property(serial))
            yield daemon


@pytest.mark.parametrize("multiplexer", [True, False], ids=["multiplexed", "plain"])
@pytest.mark.parametrize("option", ["basic", "any"])
def test_the_module_is_powered_identified_and_online(multiplexer: bool, option: str, tmp_path: Path) -> None:
    with (
        emulator("--tcp", "127.0.0.1:0", "--option", option) as where,
        ofonod(where, tmp_path / "phonesim.conf", multiplexer=multiplexer) as daemon,
    ):
        shown = daemon.property(SERIAL) or ""
        assert '"Quectel_M10"' in shown
        assert '"Revision: M10R04A02M32_SST"' in shown
        daemon.switch("Online")
        wait_for("online", lambda: online(daemon.property("Online") or ""))


def online(shown: str) -> bool:
    """Tell whether the properties say so."""
    lines = shown.splitlines()
    place = next((number for number, line in enumerate(lines) if '"Online"' in line), None)
    return place is not None and "true" in lines[place + 1]


@pytest.mark.parametrize("multiplexer", [True, False], ids=["multiplexed", "plain"])
@pytest.mark.parametrize(("model", "serial", "revision"), LTE, ids=[model for model, _, _ in LTE])
def test_an_lte_module_is_identified_and_takes_a_call(
    model: str, serial: str, revision: str, multiplexer: bool, tmp_path: Path
) -> None:
    # ofonod sends SABM at once behind OK, and never again: a BG96 that loses it is not for its multiplexer.
    arguments = ("--model", model, "--behaviour", "cmux_settle=0", "--control", tmp_path / "control")
    with (
        emulator("--tcp", "127.0.0.1:0", *arguments) as where,
        ofonod(where, tmp_path / "phonesim.conf", multiplexer=multiplexer, serial=serial) as daemon,
    ):
        shown = daemon.property(serial) or ""
        assert f'"{model.upper()}"' in shown
        assert f'"{revision}"' in shown
        daemon.switch("Online")
        wait_for("calls", lambda: daemon.property("VoiceCallManager"))
        assert control(tmp_path / "control", "ring +49301234567") == "ok"
        wait_for("the call", lambda: daemon.calls('"incoming"', '"+49301234567"'))
        daemon.ask("VoiceCall", "Answer", path=daemon.first_call())
        wait_for("an answered call", lambda: daemon.calls('"active"'))


@pytest.mark.parametrize("multiplexer", [True, False], ids=["multiplexed", "plain"])
def test_a_call_comes_in_is_answered_and_ends(multiplexer: bool, tmp_path: Path) -> None:
    arguments = ("--tcp", "127.0.0.1:0", "--control", tmp_path / "control")
    with (
        emulator(*arguments) as where,
        ofonod(where, tmp_path / "phonesim.conf", multiplexer=multiplexer) as daemon,
    ):
        daemon.switch("Online")
        wait_for("calls", lambda: daemon.property("VoiceCallManager"))
        assert control(tmp_path / "control", "ring +49301234567") == "ok"
        wait_for("the call", lambda: daemon.calls('"incoming"', '"+49301234567"'))
        daemon.ask("VoiceCall", "Answer", path=daemon.first_call())
        wait_for("an answered call", lambda: daemon.calls('"active"'))
        assert control(tmp_path / "control", "hang_up") == "ok"
        wait_for("its end", lambda: "object path" not in (daemon.calls() or "object path"))


def test_a_call_goes_to_another_module_and_is_hung_up(tmp_path: Path) -> None:
    with emulators(2, "--tcp", "127.0.0.1:0", "--number", OWN) as places, ThreadPoolExecutor(1) as pool:
        line = Line(f"socket://{places[1]}")
        line.ask("ATE0;+CLIP=1")
        with ofonod(places[0], tmp_path / "phonesim.conf", multiplexer=True) as daemon:
            daemon.switch("Online")
            wait_for("calls", lambda: daemon.property("VoiceCallManager"))
            dialling = pool.submit(daemon.ask, "VoiceCallManager", "Dial", f"string:{OTHER}", "string:")
            assert line.port.read_until(b",0\r\n").endswith(f'RING\r\n\r\n+CLIP: "{OWN}",145,"",,"",0\r\n'.encode())
            line.ask("ATA")
            assert "object path" in dialling.result()
            wait_for("an answered call", lambda: daemon.calls('"active"', f'"{OTHER}"'))
            daemon.ask("VoiceCall", "Hangup", path=daemon.first_call())
            assert line.port.read_until(b"NO CARRIER\r\n").endswith(b"NO CARRIER\r\n")
        line.close()


def test_a_message_goes_to_another_module_and_one_comes_in(tmp_path: Path) -> None:
    arguments = ("--tcp", "127.0.0.1:0", "--number", OWN, "--control", tmp_path / "control")
    with emulators(2, *arguments) as places:
        line = Line(f"socket://{places[1]}")
        line.ask("ATE0;+CMGF=1;+CNMI=2,2")
        first = Line(f"socket://{places[0]}")
        first.ask(
            "ATE0"
        )  # on the plain UART ofonod leaves the echo on, and takes an echoed PDU for a part of the answer
        first.close()
        with ofonod(places[0], tmp_path / "phonesim.conf", multiplexer=False) as daemon:
            daemon.switch("Online")
            wait_for("messages", lambda: daemon.property("MessageManager"))
            wait_for("a service centre", lambda: "+86" in daemon.ask("MessageManager", "GetProperties"))
            sent = daemon.ask("MessageManager", "SendMessage", f"string:{OTHER}", "string:The tank is empty.")
            assert "/phonesim/message" in sent
            told = line.port.read_until(b"The tank is empty.\r\n").decode()
            assert told.startswith(f'\r\n+CMT: "{OWN}",')
            with signals(daemon.bus, "MessageManager") as shown:
                assert control(tmp_path / "control", "1 sms +4930123456 On my way, 5 €.") == "ok"
                assert '"On my way, 5 €."' in shown("Time") + shown("]")
        line.close()


@contextmanager
def signals(bus: str, interface: str) -> Iterator[Callable[[str], str]]:
    """Watch the signals of an interface; gives what waits for a text and returns what came up to it."""
    rule = f"type='signal',interface='{OFONO}.{interface}'"
    with running("dbus-monitor", "--address", bus, rule, "type='signal',member='NameAcquired'") as monitor:
        assert monitor.stdout is not None
        lines = iter(monitor.stdout.readline, "")

        def until(text: str) -> str:
            came = ""
            while text not in came:
                came += next(lines)
            return came

        until("NameAcquired")
        yield until


def test_a_code_is_sent_and_a_menu_answered(tmp_path: Path) -> None:
    table = ("--ussd", "*100#=Balance: 5 EUR", "--ussd", "*101#=?1 more, 2 end", "--ussd", "1=More")
    with (
        emulator("--tcp", "127.0.0.1:0", *table) as where,
        ofonod(where, tmp_path / "phonesim.conf", multiplexer=False) as daemon,
    ):
        daemon.switch("Online")
        wait_for("USSD", lambda: daemon.property("SupplementaryServices"))

        def asked(method: str, text: str) -> str:
            return daemon.ask("SupplementaryServices", method, f"string:{text}")

        assert '"Balance: 5 EUR"' in wait_for("an answer", lambda: asked("Initiate", "*100#"))
        assert '"1 more, 2 end"' in asked("Initiate", "*101#")
        assert '"More"' in asked("Respond", "1")
