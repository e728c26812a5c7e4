"""What the module answers to programs that ask for parts which it lacks, and to those that read its SIM."""

from __future__ import annotations

import pytest
from emulator_host import Lab
from lte_module import ERROR, OK, bg96

from drivers.emulator import Network, Sim


def info(text: str) -> str:
    return f"\r\n{text}\r\n\r\nOK\r\n"


def cme(code: int) -> str:
    return f"\r\n+CME ERROR: {code}\r\n"


async def test_satellites_can_be_looked_for_and_are_not_found() -> None:
    async with Lab(bg96()) as one:
        for command, answer in (
            ("AT+QGPS?", info("+QGPS: 0")),
            ("AT+QGPSEND", cme(505)),
            ("AT+QGPSLOC=2", cme(505)),
            ("AT+QGPS", cme(502)),
            ("AT+QGPSLOC", cme(502)),
            ("AT+QGPS=5", ERROR),
            ("AT+QGPS=1,30,50,0,1", OK),
            ("AT+QGPS=1", cme(504)),
            ("AT+QGPS?", info("+QGPS: 1")),
            ("AT+QGPSLOC?", cme(516)),
            ("AT+CMEE=2", OK),
            ("AT+QGPSLOC?", "\r\n+CME ERROR: Not fixed now\r\n"),  # in the log of a BG96
            ("AT+CMEE=1", OK),
            ('AT+QGPSGNMEA="GSA"', cme(516)),
            ("AT+QGPSEND", OK),
            ("AT+QGPSLOC?", cme(505)),
            ('AT+QGPSCFG="autogps"', ERROR),  # nobody has said what it is
            ('AT+QGPSCFG="gnssconfig",1', OK),
            ('AT+QGPSCFG="gnssconfig"', info('+QGPSCFG: "gnssconfig",1')),
            ('AT+QGPSCFG="",1', ERROR),
            ("AT+QGPSSUPLURL?", info('+QGPSSUPLURL: ""')),
            ('AT+QGPSSUPLURL="a:1","b"', ERROR),
            ('AT+QGPSSUPLURL="a:1"', OK),
            ("AT+QGPSSUPLURL?", info('+QGPSSUPLURL: "a:1"')),
        ):
            await one.plain.ask(command, answer)


async def test_power_saving_is_asked_for_and_the_network_does_not_agree() -> None:
    async with Lab(bg96()) as one:
        for command, answer in (
            ("AT+CPSMS?", info("+CPSMS: 0")),
            ("AT+CPSMS=0", OK),
            ('AT+CPSMS=1,,,"00000100","00001111"', OK),
            ("AT+CPSMS?", info('+CPSMS: 1,,,"00000100","00001111"')),
            ("AT+CPSMS=0", OK),
            ("AT+CPSMS?", info('+CPSMS: 0,,,"00000100","00001111"')),
            ("AT+CPSMS=2", OK),
            ("AT+CPSMS=x", ERROR),
            ('AT+CPSMS=1,,,"2"', ERROR),
            ("AT+CPSMS=1,,,,,", ERROR),
            ("AT+CEDRXS?", OK),
            ("AT+CEDRXS=0", OK),
            ('AT+CEDRXS=1,4,"0101"', OK),
            ("AT+CEDRXS=2,5", OK),
            ("AT+CEDRXS?", info('+CEDRXS: 4,"0101"\r\n+CEDRXS: 5,"0000"')),
            ("AT+CEDRXS=0,4", OK),
            ("AT+CEDRXS?", info('+CEDRXS: 5,"0000"')),
            ("AT+CEDRXS=3", OK),
            ("AT+CEDRXS?", OK),
            ("AT+CEDRXS=4", ERROR),
            ("AT+CEDRXS=1,6", ERROR),
            ('AT+CEDRXS=1,4,"01"', ERROR),
            ('AT+CEDRXS=1,4,"0101",1', ERROR),
            ("AT+CEREG?", info("+CEREG: 0,1")),
        ):
            await one.plain.ask(command, answer)


async def test_the_signal_is_steady() -> None:
    async with Lab(bg96()) as one:
        for command, answer in (
            ("AT+CGEREP=1", OK),  # as in a log of mbed-os on a BG96
            ("AT+CGEREP?", info("+CGEREP: 1,0")),
            ("AT+CGEREP=2,0", OK),
            ("AT+CGEREP=3", ERROR),
            ("AT+CGEREP=1,1", ERROR),
            ('AT+QINDCFG="csq"', info('+QINDCFG: "csq",0')),
            ('AT+QINDCFG="csq",1,1', OK),
            ('AT+QINDCFG="csq"', info('+QINDCFG: "csq",1')),
            ('AT+QINDCFG="csq",2', ERROR),
            ('AT+QINDCFG="act",1', OK),  # asterisk-chan-quectel
            ('AT+QINDCFG="act"', info('+QINDCFG: "act",1')),
            ('AT+QINDCFG="ring",1', ERROR),
            ("AT+QCSQ=?", info('+QCSQ: "NOSERVICE","GSM","CAT-M1","CAT-NB1"')),  # in the log of a BG96
            ("AT+QSSLSTATE", OK),
            ("AT+QSSLSTATE?", OK),
            ("AT+QTEMP", info("+QTEMP: 26,25,25")),
        ):
            await one.plain.ask(command, answer)


async def test_files_of_the_sim() -> None:
    """The octets of IMSI and ICCID are those of 31.102 §4.2.2 and 102 221 §13.2 for the numbers that are told."""
    async with Lab(bg96()) as one:
        for command, answer in (
            ("AT+CIMI", info("460001234567890")),
            ("AT+CRSM=176,28423", info('+CRSM: 144,0,"084906002143658709"')),
            ("AT+CRSM=176,28423,0,1,2", info('+CRSM: 144,0,"4906"')),
            ("AT+CRSM=176,12258,0,0,10", info('+CRSM: 144,0,"98680021436587092143"')),
            ("AT+CRSM=176,1,0,0,0", info("+CRSM: 106,130")),
            ("AT+CRSM=192,28423,0,0,30", info("+CRSM: 109,0")),
            ("AT+CRSM=176", ERROR),
            ("AT+CPOL?", OK),  # in the log of a BG96
            ("AT+CPOL=,2", OK),
            ("AT+CPOL=1", OK),
            ('AT+CPOL=1,2,"26201",0,0,0,1', cme(4)),
            ("AT+CPOL=x", ERROR),
            ("AT+QSIMSTAT=1", OK),
            ("AT+QSIMSTAT?", info("+QSIMSTAT: 1,1")),
            ("AT+QSIMDET?", info("+QSIMDET: 0,0")),  # these three in the log of a BG96
            ("AT+QSIMDET=?", info("+QSIMDET: (0,1),(0,1)")),
            ("AT+QSIMDET=1,0", OK),
            ("AT+QSIMDET?", info("+QSIMDET: 1,0")),
            ("AT+QSIMDET=1", ERROR),
            ("AT+QSIMDET=1,2", ERROR),
            ("AT+QSIMDET=1,0,0", ERROR),
        ):
            await one.plain.ask(command, answer)


@pytest.mark.parametrize(("sim", "inserted", "code"), [(Sim.PIN, 1, 11), (Sim.MISSING, 0, 10)])
async def test_a_sim_that_is_not_ready(sim: Sim, inserted: int, code: int) -> None:
    async with Lab(bg96()) as one:
        one.module.set_network(Network(sim=sim))
        await one.plain.ask("AT+QSIMSTAT?", info(f"+QSIMSTAT: 0,{inserted}"))
        await one.plain.ask("AT+CRSM=176,28514,0,0,0", cme(code))
