"""A SIM that wants its PIN, that is blocked, and that is missing."""

from __future__ import annotations

import pytest
from emulator_host import Lab

from drivers.emulator import EmulatedModule


@pytest.mark.requirement("S3.13")
@pytest.mark.statement("27.007 8.3")
async def test_a_sim_that_wants_its_pin() -> None:
    async with Lab(EmulatedModule(faults="sim=pin")) as lab:
        await lab.plain.ask("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+CIMI", "\r\n+CME ERROR: 11\r\n")
        await lab.plain.ask("AT+CREG?", "\r\n+CREG: 0,0\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+CGATT=1", "\r\n+CME ERROR: 30\r\n")
        await lab.plain.ask('AT+CPIN="0000"', "\r\n+CME ERROR: 16\r\n")
        await lab.plain.ask("AT+CREG=1")
        await lab.plain.ask('AT+CPIN="1234"', "\r\nOK\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n\r\n+CREG: 1\r\n")
        await lab.plain.ask("AT+CREG=0")
        await lab.plain.ask("AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n")
        await lab.plain.ask('AT+QIFGCNT=0;+QICSGP=1,"CMNET";+QIMUX=0;+QIMODE=0;+QIDNSIP=0;+QITCFG=3,2,512,1')
        await lab.plain.ask("AT+QIREGAPP;+QIACT")


async def test_messages_that_waited_for_the_pin_come_with_it() -> None:
    """docs/sms.md: the service centre keeps what found no network, and brings it when there is one."""
    async with Lab(EmulatedModule(faults="sim=pin")) as lab:
        assert lab.module.receive_sms("hi") == 0
        await lab.plain.ask('AT+CPIN="1234"', '\r\nOK\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n\r\n+CMTI: "SM",1\r\n')


async def test_the_third_wrong_pin_blocks_the_sim() -> None:
    async with Lab(EmulatedModule(faults="sim=pin")) as lab:
        await lab.plain.ask("AT+CMEE=2")
        for _ in range(3):
            await lab.plain.ask('AT+CPIN="0000"', "\r\n+CME ERROR: incorrect password\r\n")
        await lab.plain.ask("AT+CPIN?", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n")
        await lab.plain.ask('AT+CPIN="1234"', "\r\n+CME ERROR: operation not allowed\r\n")
        await lab.plain.ask("AT+QCCID", "\r\n+CME ERROR: SIM PUK required\r\n")


async def test_no_sim() -> None:
    async with Lab(EmulatedModule(faults="sim=missing")) as lab:
        await lab.plain.ask("AT+CPIN?", "\r\n+CME ERROR: 10\r\n")
        await lab.plain.ask("AT+CPIN=1234", "\r\n+CME ERROR: 10\r\n")
        await lab.plain.ask("AT+QCCID", "\r\n+CME ERROR: 10\r\n")
        await lab.plain.ask('AT+QIOPEN="TCP","127.0.0.1",9', "\r\nOK\r\n\r\nCONNECT FAIL\r\n")
        lab.module.trigger("sim_ready")
        await lab.plain.expect(b"\r\n+CPIN: READY\r\n\r\nCall Ready\r\n")
        lab.module.trigger("sim_missing")
        await lab.plain.expect(b"\r\n+CPIN: NOT INSERTED\r\n")
