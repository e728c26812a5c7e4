"""AT+CLCK, AT+CPWD and AT+QPINC as Quectel's manuals for LTE modules have them (27.007 §7.4 and §7.5)."""

from __future__ import annotations

from emulator_host import Lab
from lte_module import ERROR, OK, bg96

from drivers.emulator import Network, Sim

ALL_TRIES = '\r\n+QPINC: "SC",3,10\r\n+QPINC: "P2",3,10\r\n\r\nOK\r\n'  # the example of the manuals


def info(text: str) -> str:
    return f"\r\n{text}\r\n\r\nOK\r\n"


def cme(code: int) -> str:
    return f"\r\n+CME ERROR: {code}\r\n"


async def test_the_sim_is_locked_and_unlocked_with_its_pin() -> None:
    async with Lab(bg96()) as one:
        for command, answer in (
            ("AT+CLCK=?", info('+CLCK: ("SC")')),
            ('AT+CLCK="SC",2', info("+CLCK: 0")),
            ('AT+CLCK="SC",0,"1234"', cme(3)),  # 102 221 §11.1.11: it is not locked
            ('AT+CLCK="SC",1', cme(50)),
            ('AT+CLCK="SC",1,"1234"', OK),
            ('AT+CLCK="SC",2', info("+CLCK: 1")),
            ('AT+CLCK="SC",1,"1234"', cme(3)),
            ("AT+CPIN?", info("+CPIN: READY")),  # it is asked for at the next start
            ('AT+CLCK="SC",0,"1234"', OK),
            ('AT+CLCK="SC",2', info("+CLCK: 0")),
            ('AT+CLCK="AO",2', ERROR),
            ('AT+CLCK="SC",3', ERROR),
            ('AT+CLCK="SC"', ERROR),
        ):
            await one.plain.ask(command, answer)


async def test_a_locked_sim_asks_for_the_pin_that_was_set_last_at_every_start() -> None:
    async with Lab(bg96()) as one:
        for command, answer in (
            ("AT+CPWD=?", info('+CPWD: ("SC",8)')),
            ('AT+CPWD="SC","1234","4321"', cme(3)),  # 102 221 §11.1.10: only while it is locked
            ('AT+CLCK="SC",1,"1234"', OK),
            ('AT+CPWD="SC","1234","321"', cme(50)),
            ('AT+CPWD="SC","1234"', ERROR),
            ('AT+CPWD="P2","1234","4321"', ERROR),
            ('AT+CPWD="SC","1234","4321"', OK),
            ("AT+CPIN?", info("+CPIN: READY")),
        ):
            await one.plain.ask(command, answer)
        for _ in range(2):
            one.module.trigger("reset")
            await one.plain.expect(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: SIM PIN\r\n\r\nAPP RDY\r\n")
            for command, answer in (
                ('AT+CLCK="SC",2', info("+CLCK: 1")),
                ('AT+CLCK="SC",0,"4321"', cme(11)),
                ('AT+CPIN="1234"', cme(16)),
                (
                    'AT+CPIN="4321"',
                    f"{OK}\r\n+CPIN: READY\r\n\r\n+QUSIM: 1\r\n\r\n+QIND: SMS DONE\r\n\r\n+QIND: PB DONE\r\n",
                ),
            ):
                await one.plain.ask(command, answer)


async def test_the_tries_that_are_left_are_counted_whatever_asks_for_the_pin() -> None:
    async with Lab(bg96()) as one:
        for command, answer in (
            ("AT+QPINC=?", info('+QPINC: ("SC","P2")')),
            ("AT+QPINC?", ALL_TRIES),
            ('AT+CLCK="SC",1,"0000"', cme(16)),
            ('AT+QPINC="SC"', info('+QPINC: "SC",2,10')),
            ('AT+QPINC="P2"', info('+QPINC: "P2",3,10')),
            ('AT+CLCK="SC",1,"1234"', OK),
            ("AT+QPINC?", ALL_TRIES),
            ('AT+CPWD="SC","0000","4321"', cme(16)),
            ('AT+CPWD="SC","0000","4321"', cme(16)),
            ('AT+CPWD="SC","0000","4321"', cme(16)),
            ("AT+CPIN?", info("+CPIN: SIM PUK")),
            ('AT+QPINC="SC"', info('+QPINC: "SC",0,10')),
            ('AT+CLCK="SC",0,"1234"', cme(12)),
            ('AT+QPINC="XX"', ERROR),
        ):
            await one.plain.ask(command, answer)


async def test_without_a_sim_there_is_no_lock() -> None:
    async with Lab(bg96()) as one:
        one.module.set_network(Network(sim=Sim.MISSING))
        for command in ('AT+CLCK="SC",2', 'AT+CLCK="SC",1,"1234"', 'AT+CPWD="SC","1234","4321"', "AT+QPINC?"):
            await one.plain.ask(command, cme(10))
        await one.plain.ask('AT+QPINC="SC"', cme(10))


async def test_a_sim_that_asks_for_its_pin_is_locked() -> None:
    async with Lab(bg96()) as one:
        one.module.set_network(Network(sim=Sim.PIN))
        await one.plain.ask('AT+CLCK="SC",2', info("+CLCK: 1"))
