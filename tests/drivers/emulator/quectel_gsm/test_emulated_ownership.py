"""Who may do what with a context: the rule by itself, and as virtual UARTs see it."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning
from emulator_peer import peer

from drivers.emulator import Behaviour, EmulatedModule
from drivers.emulator.quectel_gsm.ownership import NOBODY, Need, Ownership

OK = "\r\nOK\r\n"
ERROR = "\r\nERROR\r\n"


def _after(*selections: tuple[int, int], **behaviour: object) -> Ownership:
    rule = Ownership(Behaviour(**behaviour))  # type: ignore[arg-type]
    for uart, context in selections:
        assert rule.select(uart, context, in_use=False)
    return rule


@pytest.mark.requirement("C1")
def test_at_power_up_nobody_controls_a_context_and_0_is_everybodys_foreground() -> None:
    rule = _after()
    assert [rule.channel(context) for context in (0, 1)] == [NOBODY, NOBODY]
    assert [rule.foreground(uart) for uart in range(4)] == [0, 0, 0, 0]
    assert _after(default_owner_uart1=True).channel(0) == 0


@pytest.mark.requirement("C2", "C3")
def test_selecting_a_free_context_takes_it_and_again_changes_nothing() -> None:
    rule = _after((2, 1))
    assert rule.channel(1) == 2
    assert rule.select(2, 1, in_use=True)
    assert (rule.channel(1), rule.foreground(2)) == (2, 1)


@pytest.mark.requirement("S8.2", "S8.8", "C6")
def test_a_context_in_use_is_refused_and_the_foreground_stays() -> None:
    rule = _after((0, 1))
    assert not rule.select(1, 1, in_use=True)
    assert (rule.channel(1), rule.foreground(1)) == (0, 0)


@pytest.mark.requirement("C4", "C5", "C15")
@pytest.mark.parametrize("need", [Need.SET, Need.ACTIVATE, Need.CONTROL])
def test_who_lost_a_context_may_do_nothing_with_it_until_it_selects_again(need: Need) -> None:
    rule = _after((0, 0), (1, 0))
    assert rule.channel(0) == 1
    assert rule.foreground(0) == 0
    assert not rule.admit(0, 0, need, in_use=False)
    assert rule.admit(0, 0, Need.READ, in_use=True)
    assert rule.select(0, 0, in_use=False)
    assert rule.admit(0, 0, need, in_use=False)


@pytest.mark.requirement("C7", "C8", "C9")
@pytest.mark.parametrize(
    ("need", "owner", "in_use", "admitted"),
    [
        (Need.READ, None, False, True),
        (Need.READ, 1, True, True),  # C8
        (Need.SET, None, False, True),
        (Need.SET, 1, False, True),
        (Need.SET, 1, True, False),  # C9
        (Need.ACTIVATE, None, False, True),  # C7
        (Need.ACTIVATE, 1, False, True),
        (Need.ACTIVATE, 1, True, False),
        (Need.CONTROL, None, False, True),
        (Need.CONTROL, None, True, False),
        (Need.CONTROL, 1, False, False),
        (Need.CONTROL, 1, True, False),
    ],
)
def test_what_a_uart_may_do_that_never_selected(need: Need, owner: int | None, in_use: bool, admitted: bool) -> None:
    rule = _after(*([] if owner is None else [(owner, 0)]))
    assert rule.admit(0, 0, need, in_use) is admitted
    assert rule.channel(0) == (0 if admitted and need is Need.ACTIVATE else NOBODY if owner is None else owner)


@pytest.mark.requirement("C10")
def test_the_other_readings() -> None:
    assert not _after(require_qifgcnt=True).admit(0, 0, Need.ACTIVATE, in_use=False)
    assert not _after((1, 0), strict_reads=True).admit(0, 0, Need.READ, in_use=False)
    kept, freed = _after((1, 0)), _after((1, 0), release_on_initial=True)
    kept.released(0)
    freed.released(0)
    assert (kept.channel(0), freed.channel(0)) == (1, NOBODY)  # C10


@pytest.mark.requirement("C11", "C12")
async def test_every_state_but_ip_initial_is_in_use() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=0")
        await one.ask("AT+QIREGAPP")
        await two.ask("AT+QIFGCNT=0", ERROR)
        await one.ask("AT+QIACT")
        lab.module.drop_contexts()
        await one.expect(b"\r\n+PDP DEACT\r\n")
        await one.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: PDP DEACT\r\n")
        await two.ask("AT+QIFGCNT=0", ERROR)
        await one.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await two.ask("AT+QIFGCNT=0")


@pytest.mark.requirement("C1", "C13", "C32")
async def test_a_fresh_virtual_uart_sees_that_nobody_controls_context_0() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,255\r\n\r\nOK\r\n")
        await two.ask("AT+QIFGCNT=0")
        await one.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,1\r\n\r\nOK\r\n")


@pytest.mark.requirement("C1", "S7.12")
@pytest.mark.parametrize("line", ["plain", "channel"])
@pytest.mark.parametrize(("reading", "shown"), [("off", 255), ("on", 0)])
async def test_at_power_up_a_plain_uart_and_a_channel_show_the_same(line: str, reading: str, shown: int) -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse([f"default_owner_uart1={reading}"]))) as lab:
        if line == "channel":
            await lab.multiplex()
        uart = lab.plain if line == "plain" else await lab.open(1)
        for _ in range(2):  # looking takes nothing
            await uart.ask("AT+QIFGCNT?", f"\r\n+QIFGCNT: 0,{shown}\r\n\r\nOK\r\n")
            await uart.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n")
            await uart.ask("AT+QIMUX?", "\r\n+QIMUX: 0\r\n\r\nOK\r\n")
        await uart.ask("AT+QIREGAPP")
        await uart.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,0\r\n\r\nOK\r\n")


@pytest.mark.requirement("C1")
async def test_without_cmux_the_first_command_that_changes_something_takes_the_context() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+QIMUX=0")
        await lab.plain.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,0\r\n\r\nOK\r\n")


@pytest.mark.requirement("C7")
async def test_a_uart_that_starts_a_free_context_without_selecting_owns_it() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await two.ask("AT+QIREGAPP")
        await two.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,1\r\n\r\nOK\r\n")
        await one.ask("AT+QIREGAPP", ERROR)
        await one.ask("AT+QIDEACT", ERROR)
        await one.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP START\r\n")  # C8
        await one.ask('AT+QICSGP=1,"X"', ERROR)  # C9


@pytest.mark.requirement("C16", "C18")
async def test_the_dlc_may_close_and_open_again_and_the_context_is_still_its_own() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        two, three = await lab.open(2), await lab.open(3)
        await two.ask("AT+QIFGCNT=1")
        await two.ask("AT+QISERVER", "\r\nOK\r\n\r\nSERVER OK\r\n")
        await lab.close(2)
        await three.ask("AT+QIFGCNT=1", ERROR)
        lab.module.drop_contexts()  # nobody there to hear it
        two = await lab.open(2)
        await two.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: PDP DEACT\r\n")
        await two.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 1,1\r\n\r\nOK\r\n")


@pytest.mark.requirement("C16")
async def test_release_on_disc_gives_the_context_back() -> None:  # the other reading
    async with Lab(EmulatedModule(behaviour=Behaviour(release_on_disc=True))) as lab:
        await lab.multiplex()
        two, three = await lab.open(2), await lab.open(3)
        await two.ask("AT+QIFGCNT=1")
        await two.ask("AT+QIREGAPP")
        await lab.close(2)
        await three.ask("AT+QIFGCNT=1")
        await three.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n")


@pytest.mark.requirement("C16", "C17")
@pytest.mark.parametrize(("reading", "channel"), [("uart1", 0), ("keep", 1)])
async def test_a_context_outlives_the_multiplexer(reading: str, channel: int) -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse([f"owner_after_cmux={reading}"]))) as lab:
        await lab.plain.ask("AT+QIREGAPP")
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,0\r\n\r\nOK\r\n")
        await two.ask("AT+QIFGCNT=0", ERROR)
        await two.ask("AT+QIFGCNT=1")
        await two.ask("AT+QIREGAPP")
        await lab.leave()
        await lab.plain.ask("AT+QIFGCNT=0")
        if channel == 0:
            await lab.plain.ask("AT+QIFGCNT=1")
        else:
            await lab.plain.ask("AT+QIFGCNT=1", ERROR)


@pytest.mark.requirement("C30")
async def test_losing_packet_service_takes_both_contexts_and_tells_each_owner() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        for uart, context in ((one, 0), (two, 1)):
            await uart.ask(f"AT+QIFGCNT={context}")
            await uart.ask("AT+QIREGAPP")
            await uart.ask("AT+QIACT")
        await one.ask("AT+CGATT=0", "\r\nOK\r\n\r\n+PDP DEACT\r\n")
        await two.expect(b"\r\n+PDP DEACT\r\n")
        await two.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await two.ask("AT+QIREGAPP")
        await two.ask("AT+QIACT", ERROR)


@pytest.mark.requirement("S7.3", "C21")
async def test_two_active_contexts_are_both_gprs() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+QIFGCNT=0")
        await lab.plain.ask('AT+QICSGP=0,"17201","172","172"')
        await lab.plain.ask("AT+QIREGAPP")
        await lab.plain.ask("AT+QIACT")
        await lab.plain.ask("AT+QIFGCNT=1")
        await lab.plain.ask('AT+QIOPEN="TCP","127.0.0.1",9', "\r\nOK\r\n\r\nCONNECT FAIL\r\n")


@pytest.mark.requirement("S7.6", "C20")
async def test_no_transparent_mode_while_the_other_context_of_the_uart_is_in_use() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+QIFGCNT=0")
        await lab.plain.ask("AT+QIREGAPP")
        await lab.plain.ask("AT+QIFGCNT=1")
        await lab.plain.ask("AT+QIMODE=1", ERROR)
        await lab.plain.ask("AT+QIFGCNT=0")
        await lab.plain.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await lab.plain.ask("AT+QIFGCNT=1")
        await lab.plain.ask("AT+QIMODE=1")


@pytest.mark.requirement("S7.6", "C20")
async def test_no_second_context_on_a_uart_whose_first_is_active_and_transparent() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+QIFGCNT=0;+QIMODE=1;+QIREGAPP;+QIACT")
        await lab.plain.ask("AT+QIFGCNT=1;+QIREGAPP")
        await lab.plain.ask("AT+QIACT", ERROR)
        await lab.plain.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await lab.plain.ask('AT+QIOPEN="TCP","127.0.0.1",9', "\r\nOK\r\n\r\nCONNECT FAIL\r\n")


@pytest.mark.requirement("C14")
async def test_two_uarts_may_have_the_same_foreground_and_one_owner() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=0")
        await two.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,0\r\n\r\nOK\r\n")
        await one.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,0\r\n\r\nOK\r\n")


@pytest.mark.requirement("C19")
async def test_a_context_in_data_mode_is_refused_to_others() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as far:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=0;+QIMODE=1")
        await one.ask(f'AT+QIOPEN="TCP","127.0.0.1",{far.port}', "\r\nOK\r\n\r\nCONNECT\r\n")
        await two.ask("AT+QIFGCNT=0", ERROR)
        await one.quiet()


@pytest.mark.requirement("C22", "C23")
async def test_settings_stay_with_the_context_and_verbosity_with_the_uart() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=1;+QIMUX=1;+QISRVC=2;+QINDI=1;+QIAUTOS=1,7;+QIPROMPT=2;+QISDE=0")
        await one.ask("ATE0;+CMEE=0")
        await two.ask("AT+QIFGCNT=1")
        shown = "".join(
            f"\r\n+{text}\r\n"
            for text in ("QIMUX: 1", "QISRVC: 2", "QINDI: 1", "QIAUTOS: 1,7", "QIPROMPT: 2", "QISDE: 0")
        )
        await two.ask("AT+QIMUX?;+QISRVC?;+QINDI?;+QIAUTOS?;+QIPROMPT?;+QISDE?", shown + OK)
        await two.ask("AT+CMEE?", "\r\n+CMEE: 1\r\n" + OK)
        await one.ask("AT+CMEE?", "\r\n+CMEE: 0\r\n" + OK, echo=False)


@pytest.mark.requirement("C24", "C25")
async def test_a_command_that_waits_keeps_the_next_ones_of_its_uart_and_nobody_elses() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock, behaviour=Behaviour(activation_time=5))) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=0;+QIREGAPP")
        one.write(b"AT+QIACT\rAT+QIFGCNT=1\r")
        await one.expect(b"AT+QIACT\r")
        await two.ask("AT+QIDEACT", ERROR)
        await two.ask("AT+QIFGCNT=1")
        await clock.turn(5)
        await one.expect(b"\r\nOK\r\nAT+QIFGCNT=1\r\r\nOK\r\n")


@pytest.mark.requirement("C28", "C29")
@pytest.mark.parametrize("values", ["", "2", "-1", "0,0", "x"])
async def test_qifgcnt_out_of_range_is_refused(values: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask(f"AT+QIFGCNT={values}", ERROR)
        await lab.plain.ask("AT+QIFGCNT=?", "\r\n+QIFGCNT: (0,1)\r\n\r\nOK\r\n")


@pytest.mark.requirement("C31")
async def test_factory_settings_do_not_change_who_owns_what() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=1;+QIREGAPP")
        await one.ask("AT&F")
        await one.ask("ATZ")
        await one.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 1,0\r\n\r\nOK\r\n")
        await two.ask("AT+QIFGCNT=1", ERROR)
