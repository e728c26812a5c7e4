"""AT+CUSD, the phone books, and the module's own number."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning, settle

from drivers.emulator import Behaviour, EmulatedModule

USSD = {"*100#": "Balance: 5 EUR", "*101#": "?1 more, 2 end", "1": "More", "*102#": "5 €", "*103#": 'a "b" \\'}


async def asks(lab: Lab, command: str, answer: str = "\r\nOK\r\n") -> None:
    await lab.plain.ask(command, answer, echo=False)


def lines(*texts: str) -> str:
    return "".join(f"\r\n{text}\r\n" for text in (*texts, "OK"))


@pytest.mark.statement("27.007 7.15a")
async def test_a_code_is_answered_from_the_table() -> None:
    async with Lab(EmulatedModule(ussd=USSD)) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CUSD=1,"*100#",15')
        await lab.plain.expect(b'\r\n+CUSD: 0,"Balance: 5 EUR",15\r\n')
        await asks(lab, "AT+CUSD?", lines("+CUSD: 1"))
        await asks(lab, 'AT+CUSD=1,"*100#"')
        await lab.plain.expect(b'\r\n+CUSD: 0,"Balance: 5 EUR",15\r\n')


async def test_so_is_one_that_is_dialled() -> None:
    async with Lab(EmulatedModule(ussd=USSD)) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, "AT+CUSD=1;D*100#;")
        await lab.plain.expect(b'\r\n+CUSD: 0,"Balance: 5 EUR",15\r\n')


@pytest.mark.statement("27.007 7.15b")
async def test_a_question_wants_a_reply_and_an_unknown_code_is_not_supported() -> None:
    async with Lab(EmulatedModule(ussd=USSD)) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CUSD=1,"*101#",15')
        await lab.plain.expect(b'\r\n+CUSD: 1,"1 more, 2 end",15\r\n')
        await asks(lab, 'AT+CUSD=1,"1",15')
        await lab.plain.expect(b'\r\n+CUSD: 0,"More",15\r\n')
        await asks(lab, 'AT+CUSD=1,"*999#",15')
        await lab.plain.expect(b"\r\n+CUSD: 4\r\n")


@pytest.mark.statement("27.007 7.15c")
async def test_2_ends_the_dialogue_and_leaves_the_setting() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(ussd=USSD, clock=clock, behaviour=Behaviour(result_time=1.0))) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CUSD=1,"*100#",15')
        await asks(lab, "AT+CUSD=2")
        await clock.turn(2.0)
        await lab.plain.quiet()
        await asks(lab, "AT+CUSD?", lines("+CUSD: 1"))


@pytest.mark.statement("27.007 7.15d")
async def test_with_ucs2_codes_and_answers_are_in_hexadecimal_digits() -> None:
    async with Lab(EmulatedModule(ussd=USSD)) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CSCS="UCS2"')
        await asks(lab, 'AT+CUSD=1,"002A0031003000320023",15')
        await lab.plain.expect(b'\r\n+CUSD: 0,"0035002020AC",72\r\n')
        await asks(lab, 'AT+CUSD=1,"002A0031003000300023",15')
        await lab.plain.expect(f'\r\n+CUSD: 0,"{USSD["*100#"].encode("utf-16-be").hex().upper()}",15\r\n'.encode())


@pytest.mark.statement("27.007 7.15d")
async def test_without_it_those_are_that_are_not_in_ascii() -> None:
    async with Lab(EmulatedModule(ussd=USSD)) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CUSD=1,"*102#",15')
        await lab.plain.expect(b'\r\n+CUSD: 0,"0035002020AC",72\r\n')
        await asks(lab, 'AT+CUSD=1,"002A0031003000320023",72')
        await lab.plain.expect(b'\r\n+CUSD: 0,"0035002020AC",72\r\n')
        await asks(lab, 'AT+CUSD=1,"*103#",15')
        await lab.plain.expect(b'\r\n+CUSD: 0,"a \\22b\\22 \\5C",15\r\n')
        await asks(lab, 'AT+CSCS="HEX";+CUSD=1,"2A31303023",15')
        await lab.plain.expect(b'\r\n+CUSD: 0,"42616C616E63653A203520455552",15\r\n')


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("3", "ERROR"),
        ('1,""', "ERROR"),
        ('1,"*100#",256', "ERROR"),
        ('1,"*100#",15,1', "ERROR"),
        ('1,"xyz",72', "ERROR"),
        ('1,"D800",72', "ERROR"),
        ('1,"00",72', "ERROR"),
    ],
)
async def test_what_makes_no_sense_is_refused(arguments: str, answer: str) -> None:
    async with Lab(EmulatedModule(ussd=USSD)) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, f"AT+CUSD={arguments}", f"\r\n{answer}\r\n")
        await lab.plain.quiet()


async def test_without_a_network_or_a_sim_nothing_can_be_asked() -> None:
    for faults, code in (("registration=off", 30), ("sim=missing", 10)):
        async with Lab(EmulatedModule(ussd=USSD, faults=faults)) as lab:
            await lab.plain.ask("ATE0")
            await asks(lab, 'AT+CUSD=1,"*100#",15', f"\r\n+CME ERROR: {code}\r\n")


async def test_the_network_says_something_by_itself_where_that_is_enabled() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        first, second = await lab.open(1), await lab.open(2)
        await second.ask("AT+CUSD=1")
        lab.module.trigger("ussd Your balance is low")
        await second.expect(b'\r\n+CUSD: 0,"Your balance is low",15\r\n')
        lab.module.trigger("ussd ?More?")
        await second.expect(b'\r\n+CUSD: 1,"More?",15\r\n')
        await first.quiet()
        lab.module.trigger("registration_lost")
        with pytest.raises(ValueError, match="not registered"):
            lab.module.trigger("ussd hello")


async def test_an_answer_is_told_where_it_was_asked() -> None:
    async with Lab(EmulatedModule(ussd=USSD)) as lab:
        await lab.multiplex()
        first, second = await lab.open(1), await lab.open(2)
        await first.ask("AT+CUSD=1")
        await second.ask('AT+CUSD=1,"*100#",15')
        await second.expect(b'\r\n+CUSD: 0,"Balance: 5 EUR",15\r\n')
        await first.quiet()


async def test_while_a_code_is_under_way_no_other_is_sent() -> None:
    """27.007 §9.2: +CME ERROR 3, operation not allowed; and each OK has its +CUSD."""
    clock = Turning()
    async with Lab(EmulatedModule(ussd=USSD, clock=clock, behaviour=Behaviour(result_time=1.0))) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CUSD=1,"*100#",15')
        await asks(lab, 'AT+CUSD=1,"*102#",15', "\r\n+CME ERROR: 3\r\n")
        await asks(lab, "ATD*102#;", "\r\n+CME ERROR: 3\r\n")
        await clock.turn(1)
        await lab.plain.expect(b'\r\n+CUSD: 0,"Balance: 5 EUR",15\r\n')
        await asks(lab, 'AT+CUSD=1,"*103#",15')
        await asks(lab, "AT+CUSD=2")
        await asks(lab, 'AT+CUSD=1,"*100#",15')
        await clock.turn(1)
        await lab.plain.expect(b'\r\n+CUSD: 0,"Balance: 5 EUR",15\r\n')
        await lab.plain.quiet()


async def test_a_reset_ends_the_dialogue() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(ussd=USSD, clock=clock, behaviour=Behaviour(result_time=1.0))) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CUSD=1,"*100#",15')
        lab.module.trigger("reset")
        await clock.turn(0.5)
        await settle()
        await clock.turn(9.0)
        assert b"CUSD" not in lab.plain.received


# The phone books


@pytest.mark.statement("27.007 8.11", "27.007 8.12")
async def test_the_phone_book_is_empty() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, "AT+CPBS?", lines('+CPBS: "SM",0,250'))
        await asks(lab, "AT+CPBR=?", lines("+CPBR: (1-250),40,14"))
        await asks(lab, "AT+CPBR=1,250")
        await asks(lab, 'AT+CPBS="ME"')
        await asks(lab, "AT+CPBS?", lines('+CPBS: "ME",0,100'))
        for arguments in ("0", "1,101", "5,4"):
            await asks(lab, f"AT+CPBR={arguments}", "\r\n+CME ERROR: 21\r\n")
        for command in ('AT+CPBS="XX"', "AT+CPBR=a", "AT+CPBR=1,2,3"):
            await asks(lab, command, "\r\nERROR\r\n")


@pytest.mark.statement("27.007 8.13", "27.007 8.14")
async def test_entries_are_written_read_found_and_erased() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CPBW=2,"+49170",145,"Anna"')
        await asks(lab, 'AT+CPBW=,"0171",,"Bert"')
        await asks(lab, "AT+CPBR=1,9", lines('+CPBR: 1,"0171",129,"Bert"', '+CPBR: 2,"+49170",145,"Anna"'))
        await asks(lab, 'AT+CPBF="an"', lines('+CPBF: 2,"+49170",145,"Anna"'))
        await asks(lab, 'AT+CPBF="Chris"')
        await asks(lab, "AT+CPBS?", lines('+CPBS: "SM",2,250'))
        await asks(lab, "AT+CPBW=1")
        await asks(lab, "AT+CPBS?", lines('+CPBS: "SM",1,250'))


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("251", "+CME ERROR: 21"),
        ("0", "+CME ERROR: 21"),
        ('1,"1234567890123456789012345678901234567890 1"', "+CME ERROR: 26"),
        ('1,"01x"', "+CME ERROR: 27"),
        ('1,"0170",129,"a name that is too long"', "+CME ERROR: 24"),
        ('1,"0170",130,"Anna"', "ERROR"),
        ('a,"0170"', "ERROR"),
        ("", "ERROR"),
    ],
)
async def test_an_entry_that_does_not_fit_is_refused(arguments: str, answer: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, f"AT+CPBW={arguments}", f"\r\n{answer}\r\n")


async def test_names_are_of_the_terminals_character_set() -> None:
    """27.007 §8.12 to §8.14: <text> and <findtext> are in the character set of AT+CSCS."""
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, 'AT+CPBW=1,"0170",129,"AB"')
        await asks(lab, 'AT+CSCS="UCS2"')
        await asks(lab, "AT+CPBR=1", lines('+CPBR: 1,"0170",129,"00410042"'))
        await asks(lab, 'AT+CPBF="00410042"', lines('+CPBF: 1,"0170",129,"00410042"'))
        await asks(lab, 'AT+CPBW=2,"0171",129,"042F00620063006400650066006700680069006A006B006C006D006E"')  # 14
        for wrong in ('AT+CPBF="AB"', 'AT+CPBW=3,"0171",129,"AB"'):
            await asks(lab, wrong, "\r\nERROR\r\n")
        await asks(lab, 'AT+CSCS="HEX"')
        await asks(lab, 'AT+CPBF="4142"', lines('+CPBF: 1,"0170",129,"4142"'))
        await asks(lab, 'AT+CSCS="IRA"')
        await asks(lab, "AT+CPBR=2", lines('+CPBR: 2,"0171",129,"?bcdefghijklmn"'))


@pytest.mark.statement("27.007 7.1")
async def test_the_own_number_is_told_and_stands_in_its_phone_book() -> None:
    async with Lab(EmulatedModule(number="+491701234567")) as lab:
        await lab.plain.ask("ATE0")
        await asks(lab, "AT+CNUM", lines('+CNUM: "","+491701234567",145,7,4'))
        await asks(lab, 'AT+CPBS="ON"')
        await asks(lab, "AT+CPBR=1", lines('+CPBR: 1,"+491701234567",145,""'))
        await asks(lab, 'AT+CPBW=1,"0170"', "\r\n+CME ERROR: 3\r\n")
    async with Lab(EmulatedModule(faults="sim=missing")) as lab:
        await lab.plain.ask("AT+CNUM", "\r\n+CME ERROR: 10\r\n")
