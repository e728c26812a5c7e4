"""What programs for LTE modules send first: whole sequences, each line of which gets what they compare."""

from __future__ import annotations

import re

import pytest
from emulator_host import Lab, Terminal, settle
from lte_module import bg96

OK = r"\r\nOK\r\n"
ANY = r"\r\n(?:OK|ERROR)\r\n"
"""These go on either way."""


def told(text: str) -> str:
    """An information line, as a regular expression, and OK."""
    return rf"\r\n{text}\r\n\r\nOK\r\n"


IMEI, IMSI = told(r"\d{15}"), told(r"\d{15}")
REGISTERED = r"[15]"
ACTIVE = told(r'\+QIACT: 1,1,1,"127\.10\.\d+\.\d+"')
SIGNAL = told(r"\+CSQ: \d+,\d+")
CARD = told(r"\+QCCID: \d{18,22}")
READY = told(r"\+CPIN: READY")

# (model, what ends a line, the commands and what must come behind the echo)
SEQUENCES: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "TinyGSM": (
        "bg96",
        "\r\n",
        [
            ("AT", OK),
            ("ATE0", OK),
            ("AT+CMEE=0", OK),
            ("AT+CGMI", told("Quectel")),
            ("AT+CGMM", told("BG96")),
            ("AT+CTZR=0", OK),
            ("AT+CTZU=1", OK),
            ("AT+CPIN?", READY),
            ("AT+CEREG?", told(rf"\+CEREG: \d,{REGISTERED}.*")),
            ("AT+CREG?", told(rf"\+CREG: \d,{REGISTERED}.*")),
            ("AT+QIDEACT=1", OK),
            ('AT+QICSGP=1,1,"apn","user","pwd"', OK),
            ("AT+QIACT=1", OK),
            ("AT+CGATT=1", OK),
            ("AT+QISTATE=1,0", OK),
        ],
    ),
    "hologram-python": (
        "ec25",
        "\r\n",
        [
            ("AT", OK),
            ("ATE0", OK),
            ("AT+CREG=2", OK),
            ("AT+CEREG=2", OK),
            ("AT+CREG?", told(rf'\+CREG: 2,{REGISTERED},"[0-9A-F]+","[0-9A-F]+",\d')),
            ("AT+CEREG?", told(rf'\+CEREG: 2,{REGISTERED},"[0-9A-F]+","[0-9A-F]+",\d')),
            ("AT+QIACT?", OK),
            ('AT+QICSGP=1,1,"apn","","",1', OK),
            ("AT+QIACT=1", OK),
            ("AT+QIACT?", ACTIVE),
        ],
    ),
    "esp_modem": (
        "bg96",
        "\r",
        [("AT+QISTATE?", OK), ("AT+QIACT=1", OK), ("AT+QIACT?", ACTIVE)],
    ),
    "Zephyr": (
        "bg96",
        "\r",
        [
            ("ATE0", OK),
            ("AT+CFUN=4", OK),
            ("AT+CMEE=1", OK),
            ("AT+CREG=1", OK),
            ("AT+CGREG=1", OK),
            ("AT+CEREG=1", OK),
            ("AT+CREG?", told(r"\+CREG: 1,0")),
            ("AT+CEREG?", told(r"\+CEREG: 1,0")),
            ("AT+CGREG?", told(r"\+CGREG: 1,0")),
            ("AT+CGSN", IMEI),
            ("AT+CGMM", told("BG96")),
            ("AT+CGMI", told("Quectel")),
            ("AT+CGMR", told("BG96MAR02A07M1G")),
            ("AT+CIMI", IMSI),
            ("AT+CGACT=0,1", ANY),
            ('AT+CGDCONT=1,"IP","internet"', OK),
            ("AT+CFUN=1", OK + r"(?:\r\n\+C\w*REG: 1\r\n)*"),
            ("AT+CREG?", told(rf"\+CREG: 1,{REGISTERED}")),
            ("AT+CSQ", SIGNAL),
            ("ATD*99***1#", r"\r\nNO CARRIER\r\n"),  # as there is no program behind it
        ],
    ),
    "FreeRTOS Cellular Interface": (
        "bg96",
        "\r\n",
        [
            ("ATE0", OK),
            ("AT&D0", OK),
            ("AT+IFC=2,2", OK),
            ('AT+QURCCFG="urcport","uart1"', OK),
            ('AT+QCFG="band",f,400a0e189f,a0e189f', OK),
            ('AT+QCFG="nwscanmode",0,1', OK),
            ('AT+QCFG="iotopmode",2,1', OK),
            ('AT+QCFG="nwscanseq",020301,1', OK),
            ('AT+QCFG="nwscanseq"', told(r'\+QCFG: "nwscanseq",020301')),
            ("AT+CFUN=1", OK),
            ("AT+COPS=3,2", OK),
            ("AT+CREG=2", OK),
            ("AT+CEREG=2", OK),
            ("AT+CTZR=1", OK),
            ("AT+QSIMSTAT?", told(r"\+QSIMSTAT: 0,1")),
            ("AT+CPIN?", READY),
            ("AT+CIMI", IMSI),
            ("AT+CRSM=176,28514,0,0,0", told(r'\+CRSM: 144,0,"64F000[0-9A-F]{4}[0-9A-F]*"')),
            ("AT+QCCID", CARD),
            ('AT+QINDCFG="csq",1', OK),
            ("AT+QCSQ", told(r'\+QCSQ: "CAT-M1",-\d+,-\d+,\d+,-\d+')),
        ],
    ),
    "LooUQ LTEmC": (
        "bg96",
        "\r",
        [
            ("AT", OK),
            ("ATE0", OK),
            ("AT+GSN", told(r"\d{15}")),
            ("AT+QGMR", told(r"[A-Z0-9]+_[0-9.]+")),
            ("ATI", r"\r\nQuectel\r\nBG96\r\nRevision: \w+\r\n" + OK),
            ("AT+ICCID", told(r"\+ICCID: \d{20}")),
            ('AT+QCFG="nwscanseq",020301', OK),
            ('AT+QICSGP=1,1,"iot.net"\r', OK),  # with one end of line too many
            ("AT+COPS?", told(r'\+COPS: 0,0,"[^"]+",8')),
            ("AT+QIACT=1", OK),
            ("AT+CGPADDR", told(r'\+CGPADDR: 1,"[\d.]+"')),
        ],
    ),
    "aep/bg96": (
        "bg96",
        "\r\n",
        [
            ('AT+QGPSCFG="plane",0', OK),
            ('AT+QGPSSUPLURL="supl.google.com:7276"', OK),
            ('AT+QGPSCFG="lbsapn",16,1, "iot.1nce.net"', OK),
            ('AT+QGPSCFG="nmeasrc",1', OK),
            ("AT+QGPS=1", OK),
            ('AT+QGPSGNMEA="GSA"', r"\r\n\+CME ERROR: 516\r\n"),
            ("AT+QGPSLOC=2", r"\r\n\+CME ERROR: 516\r\n"),
            ("AT+CSQ", SIGNAL),
            ("AT+CREG?", told(rf"\+CREG: 0,{REGISTERED}")),
            ('AT+QICSGP=1,1,"iot.1nce.net"', OK),
            ("AT+QIACT=1", OK),
            ("AT+QIACT?", ACTIVE),
        ],
    ),
    "ST's bg96.c": (
        "bg96",
        "\r\n",
        [
            ("AT", OK),
            ("AT&F0", OK),
            ("AT+IPR?", told(r"\+IPR: 115200")),
            ("AT+IFC?", told(r"\+IFC: 0,0")),
            ("ATV1", OK),
            ("ATE0", OK),
            ("AT+CMEE=1", OK),
            ("AT+GMI", told("Quectel")),
            ("AT+GMM", told("BG96")),
            ("AT+GMR", told("BG96MAR02A07M1G")),
            ("AT+GSN", IMEI),
            ("AT+CPIN?", READY),
            ("AT+CIMI", IMSI),
            ("AT+QCCID", CARD),
            ("AT+CFUN=1", OK),
            ("AT+COPS=0", OK),
            ("AT+COPS?", told(r'\+COPS: 0,0,"CHINA MOBILE",8')),
            ("AT+CGATT=1", OK),
            ('AT+QICSGP=1,1,"apn","","",0', OK),
            ("AT+QIACT=1", OK),
            ("AT+QIACT?", ACTIVE),
            ('AT+QIDNSCFG=1,"8.8.8.8"', OK),
            ("AT+QICLOSE=0,15", OK),
        ],
    ),
    "Zerynth": (
        "bg96",
        "\r",
        [
            ("ATE0", OK),
            ("AT+CMEE=2", OK),
            ("AT+CREG=2", OK),
            ("ATI", told(r"Quectel\r\nBG96\r\nRevision: \w+")),
            ("AT+CTZU=1", OK),
            ('AT+QCFG="nwscanmode",3,1', OK),
            ('AT+QCFG="band",0,8,0,1', OK),
            ("AT+CREG?", told(rf'\+CREG: 2,{REGISTERED},"\w+","\w+",\d')),
            ("AT+CGDCONT=1", OK),
            ('AT+QICSGP=1,1,"apn","","",0', OK),
            ("AT+QIACT=1", OK),
            ('AT+QGPSCFG="nmeasrc",0', OK),
            ('AT+QGPSCFG="gnssconfig",1', OK),
            ("AT+QGPSEND", r"\r\n\+CME ERROR: .*\r\n"),
            ("AT+QGPS=1", OK),
        ],
    ),
    "mbed-os": (
        "bg96",
        "\r",
        [
            ("AT", OK),
            ("ATE0", OK),
            ("AT+CMEE=1", OK),
            *((f"AT+QSSLCLOSE={number}", ANY) for number in range(12)),
            *((f"AT+QICLOSE={number}", OK) for number in range(12)),
            ("AT+QIACT?", OK),
            ('AT+QICSGP=1,1,"internet"', OK),
            ("AT+QIACT=1", OK),
            ("AT+QIACT?", ACTIVE),
        ],
    ),
    "at_device": (
        "ec25",
        "\r\n",
        [
            ("ATE0", OK),
            ("AT+CMEE=2", OK),
            ("AT+IPR?", told(r"\+IPR: 115200")),
            ("AT+GSN", IMEI),
            ("AT+CPIN?", READY),
            ("AT+CIMI", IMSI),
            ("AT+QCCID", CARD),
            ("AT+CSQ", SIGNAL),
            ("AT+CREG?", told(rf"\+CREG: \d,{REGISTERED}")),
            ("AT+CGREG?", told(rf"\+CGREG: \d,{REGISTERED}")),
            ("AT+CEREG?", told(rf"\+CEREG: \d,{REGISTERED}")),
            ("AT+COPS?", told(r'\+COPS: 0,0,"CHINA MOBILE",7')),
            ("AT+CTZU=3", OK),
            ("AT+CCLK?", told(r'\+CCLK: "\d\d/\d\d/\d\d,\d\d:\d\d:\d\d[+-]\d\d"')),
            ("AT+QIDEACT=1", OK),
            ('AT+QICSGP=1,1,"CMNET","","",0', OK),
            ("AT+QIACT=1", OK),
            ("AT+QIACT?", ACTIVE),
            ("AT+QIDNSCFG=1", told(r'\+QIDNSCFG: 1,"[\d.]+","[\d.]+"')),
        ],
    ),
    "ofono": (
        "ec25",
        "\r",
        [
            ("AT", OK),
            ("AT+IFC=2,2; E0", OK),
            ("ATE0; &C0; +CMEE=1", OK),
            ("AT+CGMM", told("EC25")),
            ("AT+CFUN?", told(r"\+CFUN: 1")),
            ("AT+CFUN=4", OK),
            ("AT+CPIN?", READY),
        ],
    ),
    "Particle": (
        "eg91",
        "\r\n",
        [
            ("AT", OK),
            ("AT+CGMM", told("EG91")),
            ("AT+CGMR", told(r"EG91\w+")),
            ("AT+IFC=2,2", OK),
            ("AT+QGMR", told(r"EG91\w+_[\d.]+")),
            ("AT+IPR=921600", OK),
            ("AT+CEDRXS=0", OK),
            ("AT+CPSMS=0", OK),
            ('AT+QCFG="band",93,100002000000000f0e189f,0,1', OK),
            ('AT+QCFG="cmux/urcport",1', OK),
            ("AT+CCID", told(r"\+CCID: \d{18,22}")),
        ],
    ),
}


async def answer(uart: Terminal, command: str, end: str, *, echo: bool) -> str:
    """Type a line, and return what comes behind its echo up to the last result code."""
    uart.write(f"{command}{end}".encode())
    if echo:
        await uart.expect(f"{command}\r".encode())
    came = ""
    while not re.search(r"\r\n(?:OK|ERROR|NO CARRIER|\+CME ERROR: .*)\r\n\Z", came):
        came += (await uart.until(b"\r\n")).decode()
    return came


async def talk(uart: Terminal, name: str, without: str = "nothing") -> None:
    """Say a whole sequence, and compare; without the lines that have a text."""
    _, end, rows = SEQUENCES[name]
    echo = True
    for command, wanted in rows:
        if without in command:
            continue
        came = await answer(uart, command, end, echo=echo)
        await settle()
        came += uart.received.decode()
        uart.received.clear()
        assert re.fullmatch(wanted, came), f"{name}: {command}: {came!r}"
        echo = echo and "E0" not in command


@pytest.mark.requirement("L1.2", "L1.3", "L1.4", "L1.6")
@pytest.mark.parametrize("name", SEQUENCES)
async def test_what_a_program_sends_first_is_answered_as_it_compares(name: str) -> None:
    async with Lab(bg96(model=SEQUENCES[name][0])) as one:
        await talk(one.plain, name)


@pytest.mark.requirement("L9.6", "L9.5")
@pytest.mark.parametrize(
    ("name", "command", "dlcis"),
    [
        ("Zephyr", "AT+CMUX=0,0,5,127,10,3,30,10,2", (1, 2, 3, 4)),
        ("esp_modem", "AT+CMUX=0", (1, 2)),
        ("ofono", "AT+CMUX=0,0,5,127,10,3,30,10,2", (1, 2)),
        ("Particle", "AT+CMUX=0,0,8,1509,,,,,", (1, 2)),
    ],
)
async def test_the_multiplexer_as_it_is_entered_and_the_sequence_on_a_channel(
    name: str, command: str, dlcis: tuple[int, ...]
) -> None:
    async with Lab(bg96(model=SEQUENCES[name][0])) as one:
        await one.multiplex(command)
        uarts = [await one.open(dlci) for dlci in dlcis]
        await talk(uarts[0], name, without="IPR=")  # that comes before
