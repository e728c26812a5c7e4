"""Debian's gammu and gammu-smsd as hosts of the emulated module."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulator_programs import wait_for
from gammu_host import gammu
from message_dialogues import inside

pytestmark = pytest.mark.timeout(180)  # runs of gammu have a deadline each, which says more
NUMBER = "+4930123456"
LONG = "Привет, мир! " * 12


@pytest.mark.interop("gammu")
@pytest.mark.parametrize(
    ("model", "maker", "product", "serial"),
    [
        ("m10", "Quectel_Ltd", "Quectel_M10", "861001001234560"),
        ("bg96", "Quectel", "BG96", "866425030000017"),
        ("ec25", "Quectel", "EC25", "861107030000012"),
    ],
)
def test_gammu_identifies_the_module(model: str, maker: str, product: str, serial: str, tmp_path: Path) -> None:
    with gammu(tmp_path, model=model) as host:
        shown = host.run("identify")
    lines = dict(line.split(":", 1) for line in shown.splitlines() if ":" in line)
    told = {name.strip(): value.strip() for name, value in lines.items()}
    assert told["Manufacturer"] == maker
    assert product in told["Model"]
    assert (told["IMEI"], told["SIM IMSI"]) == (serial, "460001234567890")


@pytest.mark.interop("gammu")
def test_gammu_monitors_the_module_and_shows_a_message_that_comes(tmp_path: Path) -> None:
    with gammu(tmp_path) as host:
        host.module.receive_sms("The first one.", number=NUMBER)
        shown = host.run("monitor", "1")
        for line in (
            "Enabling info about incoming SMS    : No error.",
            "Enabling info about calls           : No error.",
            "Battery level        : 95 percent",
            "SIM SMS status       : 1 used",
            "Network state        : home network",
            "GPRS                 : attached",
        ):
            assert line in shown
        with host.started("monitor", "20") as process:
            assert process.stdout is not None
            while "SIM SMS status" not in process.stdout.readline():
                pass
            host.module.receive_sms("The second one.", number=NUMBER)
            seen = ""
            while "The second one." not in seen:
                line = process.stdout.readline()
                assert line, f"it has ended: {seen}"
                seen += line
            assert "SMS message received" in seen


@pytest.mark.interop("gammu")
@pytest.mark.parametrize("model", ["m10", "bg96"])
def test_gammu_sends_a_text(model: str, tmp_path: Path) -> None:
    with gammu(tmp_path, model=model) as host:
        assert "message reference=1" in host.run("sendsms", "TEXT", NUMBER, "-text", "The tank is empty.")
        (sent,) = host.module.sent_sms
        assert (sent.number, sent.text, sent.coding, sent.parts) == (NUMBER, "The tank is empty.", "7 bit", 1)


@pytest.mark.interop("gammu")
def test_gammu_sends_three_parts_in_ucs_2(tmp_path: Path) -> None:
    with gammu(tmp_path) as host:
        host.run("sendsms", "TEXT", NUMBER, "-unicode", "-len", "400", "-text", LONG)
        (sent,) = host.module.sent_sms
        assert (sent.number, sent.text, sent.coding) == (NUMBER, LONG, "UCS-2")
        assert (sent.parts, sent.complete) == (3, True)


@pytest.mark.interop("gammu")
def test_gammu_gets_its_delivery_report(tmp_path: Path) -> None:
    with gammu(tmp_path) as host:
        host.run("sendsms", "TEXT", NUMBER, "-report", "-text", "The tank is empty.")
        assert host.module.sent_sms[0].status_report


@pytest.mark.interop("gammu")
def test_gammu_reads_all_messages_and_puts_parts_together(tmp_path: Path) -> None:
    with gammu(tmp_path) as host:
        host.module.receive_sms(LONG, number=NUMBER)
        host.module.receive_sms("Grüße [€]", number="Info")
        wait_for("four messages", lambda: inside(host.module).stores["SM"].used == 4)
        shown = host.run("geteachsms")
        assert "4 SMS parts in 2 SMS sequences" in shown
        assert LONG.strip() in shown
        assert "Grüße [€]" in shown
        assert f'Remote number        : "{NUMBER}"' in shown
        assert 'Remote number        : "Info"' in shown
        host.run("deleteallsms", "1")
        assert "0 SMS parts in 0 SMS sequences" in host.run("getallsms")


@pytest.mark.interop("gammu")
@pytest.mark.parametrize("fault", ["sms=refused", "registration=off", "sim=pin"])
def test_gammu_is_told_that_a_message_was_not_sent(fault: str, tmp_path: Path) -> None:
    with gammu(tmp_path, faults=fault) as host:
        with pytest.raises(AssertionError, match="sendsms"):
            host.run("sendsms", "TEXT", NUMBER, "-text", "The tank is empty.")
        assert host.module.sent_sms == ()


@pytest.mark.interop("gammu-smsd", "gammu-smsd-inject")
def test_gammu_smsd_delivers_its_outbox_and_takes_what_comes_into_its_inbox(tmp_path: Path) -> None:
    with gammu(tmp_path) as host, host.daemon() as folder:
        host.run("TEXT", NUMBER, "-unicode", "-len", "400", "-text", LONG, program="gammu-smsd-inject")
        wait_for("the message", lambda: [one for one in host.module.sent_sms if one.complete], 60)
        (sent,) = host.module.sent_sms
        assert (sent.number, sent.text, sent.parts) == (NUMBER, LONG, 3)
        host.module.receive_sms("я" * 100, number=NUMBER)
        files = wait_for(
            "both parts", lambda: (found := list(folder("inbox").iterdir())) and len(found) == 2 and found, 60
        )
        assert "".join(sorted((path.read_text() for path in files), key=len, reverse=True)) == "я" * 100
        assert list(folder("error").iterdir()) == []
