"""Voice calls: between two modules of one process, with somebody who is none, and what each UART is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from emulator_host import Lab, Terminal, Turning, settle

from drivers.clock import FakeClock
from drivers.emulator import Behaviour, EmulatedModule

HERE, THERE = "+491701234567", "+491717654321"
RING, NO_CARRIER, BUSY, NO_ANSWER = (f"\r\n{text}\r\n".encode() for text in ("RING", "NO CARRIER", "BUSY", "NO ANSWER"))


@asynccontextmanager
async def two(**settings: object) -> AsyncIterator[tuple[Lab, Lab]]:
    """Run two modules with a host each."""
    async with AsyncExitStack() as stack:
        labs = [
            await stack.enter_async_context(Lab(EmulatedModule(number=number, **settings)))  # type: ignore[arg-type]
            for number in (HERE, THERE)
        ]
        for lab in labs:
            await lab.plain.ask("ATE0")
        yield labs[0], labs[1]


async def asks(terminal: Terminal, command: str, answer: str = "\r\nOK\r\n") -> None:
    await terminal.ask(command, answer, echo=False)


async def lists(lab: Lab, *calls: str) -> None:
    """Want these calls of AT+CLCC."""
    lines = "".join(f"\r\n+CLCC: {call}\r\n" for call in calls)
    await asks(lab.plain, "AT+CLCC", f"{lines}\r\nOK\r\n")


@asynccontextmanager
async def one(**settings: object) -> AsyncIterator[Lab]:
    async with Lab(EmulatedModule(number=HERE, **settings)) as lab:  # type: ignore[arg-type]
        await lab.plain.ask("ATE0")
        yield lab


# Between two modules


@pytest.mark.statement("27.007 6.2a", "27.007 7.18", "V.250 6.3.5", "V.250 6.3.6b")
async def test_a_call_rings_at_the_other_module_is_answered_and_ended_there() -> None:
    async with two() as (here, there):
        await lists(here)
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        await lists(here, f'1,0,3,0,0,"{THERE}",145,""')
        await lists(there, f'1,1,4,0,0,"{HERE}",145,""')
        await asks(there.plain, "ATA")
        await settle()
        await lists(here, f'1,0,0,0,0,"{THERE}",145,""')
        await lists(there, f'1,1,0,0,0,"{HERE}",145,""')
        await asks(there.plain, "ATH")
        await here.plain.expect(NO_CARRIER)
        await lists(here)
        await lists(there)
        await here.plain.quiet()
        await there.plain.quiet()


@pytest.mark.statement("27.007 6.5")
@pytest.mark.parametrize("end", ["ATH", "ATH0", "AT+CHUP", "AT+CHLD=1", "AT+CHLD=11"])
async def test_the_caller_hangs_up_a_call_that_was_answered(end: str) -> None:
    async with two() as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        await asks(there.plain, "ATA")
        await settle()
        await asks(here.plain, end)
        await there.plain.expect(NO_CARRIER)
        await here.plain.quiet()


async def test_the_caller_gives_up_while_it_rings() -> None:
    async with two() as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        await asks(here.plain, "ATH")
        await there.plain.expect(NO_CARRIER)
        await asks(there.plain, "ATA", "\r\nNO CARRIER\r\n")
        await here.plain.quiet()


@pytest.mark.statement("27.007 7.13")
@pytest.mark.parametrize("refusal", ["ATH", "AT+CHUP", "AT+CHLD=0"])
async def test_a_call_that_is_refused_meets_a_busy_line(refusal: str) -> None:
    async with two() as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        await asks(there.plain, refusal)
        await here.plain.expect(BUSY)
        await there.plain.quiet()


async def test_so_does_one_to_a_module_that_has_a_call_and_one_to_itself() -> None:
    async with two() as (here, there):
        there.module.trigger("ring +4930123456")
        await there.plain.expect(RING)
        await asks(here.plain, f"ATD{THERE};")
        await here.plain.expect(BUSY)
        await asks(here.plain, f"ATD{HERE};")
        await here.plain.expect(BUSY)
        await lists(there, '1,1,4,0,0,"+4930123456",145,""')


@pytest.mark.parametrize("number", ["+4930123456", "110", "0171*1#2;"])
async def test_a_number_of_nobody_is_no_carrier(number: str) -> None:
    async with one() as lab:
        await asks(lab.plain, f"ATD{number.rstrip(';')};")
        await lab.plain.expect(NO_CARRIER)


async def test_so_is_one_of_a_module_without_a_network_or_that_has_ended() -> None:
    async with two() as (here, there):
        there.module.trigger("registration_lost")
        await asks(here.plain, f"ATD{THERE};")
        await here.plain.expect(NO_CARRIER)
        await there.module.__aexit__(None, None, None)
        await asks(here.plain, f"ATD{THERE};")
        await here.plain.expect(NO_CARRIER)


@pytest.mark.parametrize("end", ["reset", "end", "registration_lost"])
async def test_a_call_ends_with_a_reset_the_end_of_the_module_and_its_network(end: str) -> None:
    async with two() as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        await asks(there.plain, "ATA")
        if end == "end":
            await there.module.__aexit__(None, None, None)
        else:
            there.module.trigger(end)
        await here.plain.expect(NO_CARRIER)
        await lists(here)


async def test_a_reset_tells_nobody_here() -> None:
    async with two() as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        here.module.trigger("reset")
        await there.plain.expect(NO_CARRIER)
        await here.plain.expect(b"\r\nRDY\r\n")


def test_modules_with_threads_of_their_own_call_each_other() -> None:
    with EmulatedModule(number=HERE) as first, EmulatedModule(number=THERE) as second:
        here, there = first.port(timeout=5), second.port(timeout=5)
        for port, said, told in (
            (here, b"ATE0\r", b"ATE0\r\r\nOK\r\n"),
            (there, b"ATE0\r", b"ATE0\r\r\nOK\r\n"),
            (here, f"ATD{THERE};\r".encode(), b"\r\nOK\r\n"),
            (there, b"", RING),
            (there, b"ATA\r", b"\r\nOK\r\n"),
            (there, b"ATH\r", b"\r\nOK\r\n"),
            (here, b"", NO_CARRIER),
        ):
            port.write(said)
            heard = b""
            while len(heard) < len(told) and (piece := port.read(len(told) - len(heard))):
                heard += piece
            assert heard == told
        here.close()
        there.close()


# What is shown


@pytest.mark.statement("27.007 7.6", "27.007 6.11")
@pytest.mark.parametrize("cring", [False, True])
async def test_clip_shows_the_number_behind_each_ring_and_cring_the_kind(cring: bool) -> None:
    async with two() as (here, there):
        await asks(there.plain, f"AT+CLIP=1;+CRC={cring:d}")
        await asks(here.plain, f"ATD{THERE};")
        shown = b"\r\n+CRING: VOICE\r\n" if cring else RING
        await there.plain.expect(shown + f'\r\n+CLIP: "{HERE}",145,"",,"",0\r\n'.encode())


WITHHELD = b'\r\n+CLIP: "",128,"",,"",1\r\n'
SHOWN = f'\r\n+CLIP: "{HERE}",145,"",,"",0\r\n'.encode()


@pytest.mark.statement("27.007 7.7", "27.007 6.2b")
@pytest.mark.parametrize(
    ("clir", "behind", "wanted"),
    [(0, "", SHOWN), (1, "", WITHHELD), (2, "", SHOWN), (0, "I", WITHHELD), (1, "i", SHOWN)],
)
async def test_clir_and_what_stands_behind_the_number_hide_it_or_show_it(clir: int, behind: str, wanted: bytes) -> None:
    async with two() as (here, there):
        await asks(there.plain, "AT+CLIP=1")
        await asks(here.plain, f"AT+CLIR={clir}")
        await asks(here.plain, f"ATD{THERE}{behind};")
        await there.plain.expect(RING + wanted)
        number = f'"{HERE}",145' if wanted is SHOWN else '"",128'
        await lists(there, f'1,1,4,0,0,{number},""')


@pytest.mark.statement("27.007 7.8")
async def test_with_colp_the_command_waits_for_the_answer_and_shows_who_answered() -> None:
    async with two() as (here, there):
        await asks(here.plain, "AT+COLP=1")
        here.plain.write(f"ATD{THERE};\r".encode())
        await there.plain.expect(RING)
        await here.plain.quiet()
        await asks(there.plain, "ATA")
        await here.plain.expect(f'\r\n+COLP: "{THERE}",145,"",0,""\r\n\r\nOK\r\n'.encode())


@pytest.mark.parametrize(("faults", "told"), [("calls=busy", BUSY), ("calls=real", NO_CARRIER)])
async def test_with_colp_it_ends_by_what_came_instead(faults: str, told: bytes) -> None:
    async with one(faults=faults) as lab:
        await asks(lab.plain, "AT+COLP=1")
        await asks(lab.plain, "ATD+4930123456;", told.decode())
        await asks(lab.plain, "AT")


@pytest.mark.statement("V.250 5.6")
async def test_any_character_aborts_a_dial_command_that_waits() -> None:
    async with two() as (here, there):
        await asks(here.plain, "AT+COLP=1")
        here.plain.write(f"ATD{THERE};\r\n".encode())  # the line feed does not
        await there.plain.expect(RING)
        await here.plain.quiet()
        here.plain.write(b" ")
        await here.plain.expect(NO_CARRIER)
        await there.plain.expect(NO_CARRIER)
        await asks(here.plain, "AT")


@pytest.mark.statement("27.007 8.1")
async def test_cpas_tells_what_the_call_is_doing() -> None:
    async with two() as (here, there):
        for lab in (here, there):
            await asks(lab.plain, "AT+CPAS", "\r\n+CPAS: 0\r\n\r\nOK\r\n")
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        await asks(here.plain, "AT+CPAS", "\r\n+CPAS: 4\r\n\r\nOK\r\n")
        await asks(there.plain, "AT+CPAS", "\r\n+CPAS: 3\r\n\r\nOK\r\n")
        await asks(there.plain, "ATA")
        await asks(there.plain, "AT+CPAS", "\r\n+CPAS: 4\r\n\r\nOK\r\n")


async def test_with_atv0_results_are_numbers() -> None:
    async with one() as lab:
        await asks(lab.plain, "ATV0", "0\r")
        lab.module.trigger("ring")
        await lab.plain.expect(b"2\r")
        lab.module.trigger("hang_up")
        await lab.plain.expect(b"3\r")


# Time


@pytest.mark.statement("V.250 6.3.8")
async def test_s0_answers_at_that_ring() -> None:
    clock = Turning()
    async with one(clock=clock, behaviour=Behaviour(ring_interval=3.0)) as lab:
        await asks(lab.plain, "ATS0=2")
        lab.module.trigger("ring +4930123456")
        await lab.plain.expect(RING)
        await lists(lab, '1,1,4,0,0,"+4930123456",145,""')
        await clock.turn(3.0)
        await lab.plain.expect(RING)
        await lists(lab, '1,1,0,0,0,"+4930123456",145,""')
        await clock.turn(30.0)
        await lab.plain.quiet()


@pytest.mark.statement("V.250 6.3.10")
async def test_an_answer_is_waited_for_as_long_as_s7_says() -> None:
    clock = Turning()
    async with one(clock=clock, faults="calls=no_answer") as lab:
        await asks(lab.plain, "ATS7=20")
        await asks(lab.plain, "ATD+4930123456;")
        await clock.turn(19.0)
        await lists(lab, '1,0,3,0,0,"+4930123456",145,""')
        await clock.turn(1.0)
        await lab.plain.expect(NO_ANSWER)
        await lists(lab)


async def test_a_module_that_is_rung_too_long_is_told_that_the_caller_gave_up() -> None:
    clock = FakeClock()
    async with two(clock=clock) as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        for _ in range(12):
            await settle()
            clock.advance(5.0)
        await here.plain.expect(NO_ANSWER)
        assert (await there.plain.until(NO_CARRIER)).count(RING) in (11, 12)


# Words and faults


@pytest.mark.parametrize(
    ("word", "told"),
    [("busy", BUSY), ("no_answer", NO_ANSWER), ("hang_up", NO_CARRIER)],
)
async def test_the_other_side_of_a_call_that_is_made_does_what_a_word_says(word: str, told: bytes) -> None:
    async with one(faults="calls=no_answer") as lab:
        await asks(lab.plain, "ATD+4930123456;")
        await settle()
        lab.module.trigger(word)
        await lab.plain.expect(told)


async def test_the_other_side_answers_and_hangs_up() -> None:
    async with one(faults="calls=no_answer") as lab:
        await asks(lab.plain, "ATD+4930123456;")
        await settle()
        lab.module.trigger("answer")
        await lists(lab, '1,0,0,0,0,"+4930123456",145,""')
        lab.module.trigger("hang_up")
        await lab.plain.expect(NO_CARRIER)


async def test_a_word_about_one_side_of_two_modules_ends_the_call_of_both() -> None:
    async with two() as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        here.module.trigger("busy")
        await here.plain.expect(BUSY)
        await there.plain.expect(NO_CARRIER)


@pytest.mark.parametrize(
    ("faults", "told", "state"), [("calls=answered", b"", 0), ("calls=no_answer", b"", 3), ("calls=busy", BUSY, None)]
)
async def test_a_fault_decides_what_becomes_of_every_call(faults: str, told: bytes, state: int | None) -> None:
    async with two(faults=faults) as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await here.plain.expect(told)
        await here.plain.quiet()
        await lists(here, *([] if state is None else [f'1,0,{state},0,0,"{THERE}",145,""']))
        await there.plain.quiet()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ring 0170x"], "'0170x' is not a number that can be dialled"),
        (["ring 0170", "ring 0171"], "there is a call already"),
        (["registration_lost", "ring 0170"], "the module is not registered"),
        (["hang_up"], "there is no call"),
        (["ring 0170", "busy"], "a call that is incoming cannot meet a busy line"),
        (["ring 0170", "answer"], "a call that is incoming cannot be answered there"),
    ],
)
async def test_what_cannot_happen_now_is_named(words: list[str], message: str) -> None:
    async with one() as lab:
        for word in words[:-1]:
            lab.module.trigger(word)
        with pytest.raises(ValueError, match=message):
            lab.module.trigger(words[-1])


async def test_another_module_answers_for_itself() -> None:
    async with two() as (here, there):
        await asks(here.plain, f"ATD{THERE};")
        await there.plain.expect(RING)
        with pytest.raises(ValueError, match="ATA"):
            here.module.trigger("answer")


# Who is told


async def test_it_rings_on_every_open_channel_and_its_end_is_told_where_it_rang() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        first, third = await lab.open(1), await lab.open(3)
        lab.module.trigger("ring 0170")
        await first.expect(RING)
        await third.expect(RING)
        late = await lab.open(4)
        lab.module.trigger("hang_up")
        await first.expect(NO_CARRIER)
        await third.expect(NO_CARRIER)
        await late.quiet()


async def test_the_end_of_a_call_that_was_made_is_told_where_it_was_dialled_only() -> None:
    async with Lab(EmulatedModule(faults="calls=answered")) as lab:
        await lab.multiplex()
        first, second = await lab.open(1), await lab.open(2)
        await second.ask("ATD0170;")
        await settle()
        lab.module.trigger("hang_up")
        await second.expect(NO_CARRIER)
        await first.quiet()


async def test_a_command_that_waits_for_the_answer_ends_when_the_call_is_ended_elsewhere() -> None:
    async with Lab(EmulatedModule(faults="calls=no_answer")) as lab:
        await lab.multiplex()
        first, second = await lab.open(1), await lab.open(2)
        await first.ask("AT+COLP=1")
        first.write(b"ATD0170;\r")
        await first.expect(b"ATD0170;\r")
        await settle()
        await second.ask("AT+CHUP")
        await first.expect(NO_CARRIER)
        await first.ask("AT")


# What commands refuse


@pytest.mark.statement("V.250 6.2.7b")
@pytest.mark.parametrize(("x", "told"), [(0, NO_CARRIER), (2, NO_CARRIER), (3, BUSY), (4, BUSY)])
async def test_a_busy_line_has_a_result_of_its_own_with_atx3_and_atx4_only(x: int, told: bytes) -> None:
    async with one(faults="calls=busy") as lab:
        await asks(lab.plain, f"ATX{x}")
        await asks(lab.plain, "ATD0170;")
        await lab.plain.expect(told)


@pytest.mark.parametrize("command", ["ATA", "ATA;+CPAS"])
async def test_ata_without_a_call_is_no_carrier(command: str) -> None:
    async with one() as lab:
        await asks(lab.plain, command, "\r\nNO CARRIER\r\n")


async def test_hanging_up_without_a_call_does_no_harm() -> None:
    async with one() as lab:
        for command in ("ATH", "AT+CHUP"):
            await asks(lab.plain, command)
        for command in ("AT+CHLD=0", "AT+CHLD=1", "AT+VTS=1"):
            await asks(lab.plain, command, "\r\n+CME ERROR: 3\r\n")
        await asks(lab.plain, "AT+CHLD=2", "\r\n+CME ERROR: 4\r\n")
        await asks(lab.plain, "ATH1", "\r\nERROR\r\n")


@pytest.mark.parametrize("dialled", ["0170x;", "+;", ";", "0" * 41 + ";"])
async def test_what_is_no_number_is_an_error(dialled: str) -> None:
    async with one() as lab:
        await asks(lab.plain, f"ATD{dialled}", "\r\nERROR\r\n")


async def test_a_second_call_and_one_without_network_or_sim_are_refused() -> None:
    async with one(faults="calls=answered") as lab:
        await asks(lab.plain, "ATD0170;")
        await asks(lab.plain, "ATD0171;", "\r\n+CME ERROR: 3\r\n")
        await asks(lab.plain, "AT+VTS=5;+VTS=#")
        await asks(lab.plain, "AT+VTS=E", "\r\nERROR\r\n")
    async with one(faults="registration=off") as lab:
        await asks(lab.plain, "ATD0170;", "\r\n+CME ERROR: 30\r\n")
    async with one(faults="sim=pin") as lab:
        await asks(lab.plain, "ATD0170;", "\r\n+CME ERROR: 11\r\n")


@pytest.mark.statement("27.007 6.3")
async def test_a_number_is_dialled_from_the_phone_book() -> None:
    async with one(faults="calls=answered") as lab:
        await asks(lab.plain, 'AT+CPBW=3,"+4930123",145,"Anna B"')
        await asks(lab.plain, 'AT+CPBW=1,"+4930123",145,"A-B (./)"')
        for dialled in (">3;", ">SM3;", ">sm3I;", '>"anna b";', '>"A-B (./)";'):
            await asks(lab.plain, f"ATD{dialled}")
            await settle()
            await lists(lab, '1,0,0,0,0,"+4930123",145,""')
            await asks(lab.plain, "ATH")
        for dialled in (">4;", ">ME3;", ">XX3;", '>"Bert";'):
            await asks(lab.plain, f"ATD{dialled}", "\r\n+CME ERROR: 22\r\n")


async def test_commands_behind_the_number_follow_and_blanks_in_it_do_no_harm() -> None:
    async with one(faults="calls=answered") as lab:
        await asks(lab.plain, "ATDT0170 123-45;+CPAS", "\r\n+CPAS: 4\r\n\r\nOK\r\n")
        await settle()
        await lists(lab, '1,0,0,0,0,"017012345",129,""')
