"""Who owns which context: leases, take-over, the module's ERROR, and sixteen claims at once."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_port import ERROR, OK, CommandPort, Modem

from drivers.at import AtChannel
from drivers.clock import FakeClock
from drivers.errors import TcpipError
from drivers.tcpip import ContextBusy, ContextLost, ContextTable, TcpipDriver
from drivers.tcpip.core.ownership import ContextState, table_for


class ScriptedModule:
    """The ownership rule of the app note, 8.1: several UARTs, two contexts, nothing else."""

    def __init__(self) -> None:
        self.mux = Modem()
        self.lock = threading.Lock()
        self.owner: dict[int, int | None] = {0: None, 1: None}
        self.state = {0: "IP INITIAL", 1: "IP INITIAL"}
        self.foreground: dict[int, int] = {}
        self.granted: list[tuple[int, int]] = []

    def port(self, dlci: int) -> CommandPort:
        return CommandPort(lambda text: self.answer(dlci, text), f"DLC{dlci}", dlci=dlci, mux=self.mux)

    def answer(self, dlci: int, text: str) -> bytes:
        with self.lock:
            context = self.foreground.get(dlci, 0)
            if text.startswith("AT+QIFGCNT="):
                context = int(text[-1])
                if self.owner[context] not in (None, dlci) and self.state[context] != "IP INITIAL":
                    return ERROR
                self.owner[context], self.foreground[dlci] = dlci, context
                self.granted.append((dlci, context))
                return OK
            if text == "AT+QIFGCNT?":
                channel = self.owner[context]
                return b"\r\n+QIFGCNT: %d,%d\r\n" % (context, 255 if channel is None else channel - 1) + OK
            if text in ("ATE0", "AT+QISTAT"):
                return OK + (f"\r\nSTATE: {self.state[context]}\r\n".encode() if text == "AT+QISTAT" else b"")
            if self.owner[context] != dlci:
                return ERROR
            if text == "AT+QIDEACT":
                self.state[context] = "IP INITIAL"
                return b"\r\nDEACT OK\r\n"
            if text == "AT+QISERVER":
                self.state[context] = "IP STATUS"
                return OK + b"\r\nSERVER OK\r\n"
            if text == "AT+QILOCIP":
                return b"\r\n10.79.140.214\r\n" if self.state[context] != "IP INITIAL" else ERROR
            return OK


@pytest.mark.requirement("S8.2")
def test_sixteen_threads_that_claim_one_context_get_one_lease_and_fifteen_refusals() -> None:
    module = ScriptedModule()
    drivers = [TcpipDriver(module.port(dlci), context=0) for dlci in range(1, 17)]
    gate = threading.Barrier(16)
    results: list[object] = []

    def claim(driver: TcpipDriver) -> None:
        gate.wait(10)
        try:
            driver.claim()
            results.append(driver)
        except ContextBusy as busy:
            results.append(busy)

    threads = [threading.Thread(target=claim, args=(driver,)) for driver in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    winners = [result for result in results if isinstance(result, TcpipDriver)]
    losers = [result for result in results if isinstance(result, ContextBusy)]
    assert (len(winners), len(losers)) == (1, 15)
    assert len(module.granted) == 1
    assert {busy.owner for busy in losers} == {module.granted[0][0]}
    for driver in drivers:
        driver.close()


def test_sixteen_threads_on_one_driver_claim_once() -> None:
    module = ScriptedModule()
    with TcpipDriver(module.port(1), context=1) as driver:
        threads = [threading.Thread(target=driver.claim) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert module.granted == [(1, 1)]


@pytest.mark.requirement("S8.2", "S8.8")
def test_a_claimed_context_is_busy_for_other_channels_while_it_is_still_in_ip_initial() -> None:
    module = ScriptedModule()
    with TcpipDriver(module.port(1), context=0) as holder, TcpipDriver(module.port(2), context=1):
        third = TcpipDriver(module.port(3), context=0)
        with pytest.raises(ContextBusy) as caught:
            third.claim()
        assert (caught.value.context, caught.value.owner, caught.value.state) == (0, 1, None)
        assert "the driver on DLCI 1" in str(caught.value)
        holder.listen()
        with pytest.raises(ContextBusy, match="IP STATUS") as caught:
            third.claim(take_over=True)
        assert caught.value.state == "IP STATUS"
        third.close()


@pytest.mark.requirement("S8.8")
def test_the_modules_error_is_decisive_and_names_nobody() -> None:
    module = ScriptedModule()
    module.owner[0], module.state[0] = 4, "IP STATUS"  # another process
    driver = TcpipDriver(module.port(1), context=0)
    with pytest.raises(ContextBusy, match="another virtual UART; the module does not tell which") as caught:
        driver.claim()
    assert (caught.value.owner, caught.value.state) == (None, None)
    assert not driver.table.held(0)
    module.state[0] = "IP INITIAL"
    driver.claim()
    assert driver.table.owner(0) == 1
    driver.close()


@pytest.mark.requirement("S8.2", "S8.18")
def test_a_context_is_free_for_others_after_its_deactivation() -> None:
    module = ScriptedModule()
    first, second = TcpipDriver(module.port(1), context=0), TcpipDriver(module.port(2), context=0)
    first.listen()
    with pytest.raises(ContextBusy):
        second.claim()
    first.deactivate()
    second.claim()
    with pytest.raises(ContextBusy) as caught:
        first.claim()
    assert caught.value.owner == 2
    first.close()
    second.close()
    assert module.granted == [(1, 0), (2, 0)]


@pytest.mark.parametrize("end", [TcpipDriver.release, TcpipDriver.close])
def test_a_lease_ends_with_release_and_close(end: object) -> None:
    module = ScriptedModule()
    first, second = TcpipDriver(module.port(1)), TcpipDriver(module.port(2))
    first.claim()
    end(first)  # type: ignore[operator]
    second.claim()
    first.close()
    second.close()
    assert "AT+QIDEACT" not in (first.channel.port.commands, second.channel.port.commands)  # type: ignore[attr-defined]


def test_a_take_over_from_ip_initial_is_learned_by_the_former_holder_at_its_next_call() -> None:
    module = ScriptedModule()
    first, second = TcpipDriver(module.port(1)), TcpipDriver(module.port(2))
    first.claim()
    second.claim(take_over=True)
    with pytest.raises(ContextLost, match="DLCI 2 took it over") as caught:
        first.listen()
    assert caught.value.context == 0
    with pytest.raises(ContextBusy):  # said once; then it is a claim like any other
        first.listen()
    second.listen()
    first.close()
    second.close()


def test_a_take_over_that_the_module_refuses_leaves_the_holder_alone() -> None:
    module = ScriptedModule()
    first, second = TcpipDriver(module.port(1)), TcpipDriver(module.port(2))
    first.claim()
    module.state[0] = "IP STATUS"  # unknown to the table: it was never read
    with pytest.raises(ContextBusy):
        second.claim(take_over=True)
    assert first.table.owner(0) == 1
    first.listen()
    first.close()
    second.close()


def test_a_context_that_another_process_took_is_reported_as_lost_with_its_new_holder() -> None:
    module = ScriptedModule()
    driver = TcpipDriver(module.port(1))
    driver.claim()
    module.owner[0] = 3
    with pytest.raises(ContextLost, match="VIRTUAL_UART_3"):
        driver.listen()
    assert not driver.table.held(0)
    driver.close()


def test_a_context_that_was_taken_while_the_other_was_in_the_foreground_is_lost() -> None:
    module = ScriptedModule()
    port = module.port(1)
    with TcpipDriver(port, context=1) as other:
        driver = TcpipDriver(port, context=0)
        driver.claim()
        other.state()  # AT+QIFGCNT=1
        module.owner[0], module.state[0] = 3, "IP STATUS"
        with pytest.raises(ContextLost, match=r"AT\+QIFGCNT=0"):
            driver.listen()
        assert not driver.table.held(0)
        with pytest.raises(ContextBusy):
            driver.listen()
        driver.close()


def test_a_state_that_another_program_brought_about_is_not_taken_for_ours() -> None:
    module = ScriptedModule()
    driver = TcpipDriver(module.port(1))
    driver.claim()
    module.owner[0], module.state[0] = 3, "IP STATUS"
    with pytest.raises(ContextLost, match="VIRTUAL_UART_3"):
        driver.state()  # AT+QISTAT is answered to anybody
    driver.close()
    assert "AT+QIDEACT" not in driver.channel.port.commands  # type: ignore[attr-defined]


def test_a_claim_of_what_is_held_and_not_used_finds_out_who_took_it() -> None:
    module = ScriptedModule()
    driver = TcpipDriver(module.port(1))
    lease = driver.claim()
    assert driver.claim() is lease
    module.owner[0] = 3
    with pytest.raises(ContextLost, match="VIRTUAL_UART_3"):
        driver.claim()
    driver.claim()  # in IP INITIAL the module gives it back
    assert module.owner[0] == 1
    driver.close()


def test_a_port_without_a_dlci_learns_its_number_from_the_module() -> None:
    """So it is with the paths of ``gsm0710 attach``."""
    module = ScriptedModule()
    port = CommandPort(lambda text: module.answer(2, text))
    driver = TcpipDriver(port)
    driver.claim()
    assert port.commands[1:3] == ["AT+QIFGCNT=0", "AT+QIFGCNT?"]
    module.owner[0] = 4
    with pytest.raises(ContextLost, match="VIRTUAL_UART_4"):
        driver.listen()
    driver.close()


def test_nobody_of_this_process_gets_a_context_while_it_is_being_reclaimed() -> None:
    module = ScriptedModule()
    module.owner[0], module.state[0] = 1, "IP STATUS"  # a dead host's
    refused: list[ContextBusy] = []

    class Hooked(ScriptedModule):
        """Another driver wants the context as soon as it is free."""

        def answer(self, dlci: int, text: str) -> bytes:
            said = module.answer(dlci, text)
            if dlci == 1 and text == "AT+QIDEACT":
                with pytest.raises(ContextBusy) as busy:
                    rival.claim()
                refused.append(busy.value)
            return said

    hooked = Hooked()
    hooked.mux.channel = hooked.port  # type: ignore[attr-defined]
    driver, rival = TcpipDriver(hooked.port(2)), TcpipDriver(hooked.port(3))
    driver.reclaim()
    assert refused[0].owner == 2
    assert (module.owner[0], driver.table.owner(0)) == (2, 2)
    driver.close()
    rival.close()


def test_waiting_asks_the_module_at_most_once_a_second_until_the_deadline() -> None:
    module, clock = ScriptedModule(), FakeClock()
    module.owner[0], module.state[0] = 4, "IP STATUS"
    with AtChannel(module.port(1)) as channel:  # on the real clock: only the waiting is on the other one
        driver = TcpipDriver(channel, table=ContextTable(), clock=clock)
        asked = threading.Semaphore(0)
        times: list[float] = []

        def note(direction: str, octets: bytes) -> None:
            if b"QIFGCNT" in octets:
                times.append(clock.now())
                asked.release()

        channel.on_octets(note)
        results: list[ContextBusy] = []

        def claim() -> None:
            try:
                driver.claim(timeout=5.0)
            except ContextBusy as busy:
                results.append(busy)

        thread = threading.Thread(target=claim)
        thread.start()
        for _ in range(5):
            assert asked.acquire(timeout=10)
            clock.await_waiters(2)  # the caller, and what asks for him
            clock.advance(1.0)
        thread.join(10)
        assert [at - times[0] for at in times] == [0, 1, 2, 3, 4, 5]
        assert results[0].owner is None
        driver.close()


def test_waiting_for_a_driver_of_this_process_ends_as_soon_as_it_lets_go() -> None:
    module = ScriptedModule()
    first, second = TcpipDriver(module.port(1)), TcpipDriver(module.port(2))
    first.claim()
    thread = threading.Thread(target=second.claim, kwargs={"timeout": 30.0})
    thread.start()
    first.release()
    thread.join(10)
    assert second.table.owner(0) == 2
    assert len(module.granted) == 2
    first.close()
    second.close()


def test_channels_of_one_multiplexer_share_a_table_and_bare_ports_have_their_own() -> None:
    one, other = ScriptedModule(), ScriptedModule()
    assert table_for(one.port(1)) is table_for(one.port(2))
    assert table_for(one.port(1)) is not table_for(other.port(1))
    bare = CommandPort(lambda _: OK)
    assert table_for(bare) is table_for(bare)
    assert table_for(bare) is not table_for(CommandPort(lambda _: OK))


def test_two_drivers_of_one_channel_keep_the_foreground_right() -> None:
    module = ScriptedModule()
    port = module.port(1)
    with TcpipDriver(port, context=0) as zero, TcpipDriver(port, context=1) as one:
        assert zero.channel is one.channel
        before = len(port.commands)
        zero.state()
        zero.state()
        one.state()
        asked = [text for text in port.commands[before:] if "ATE0" not in text]
        assert asked == ["AT+QIFGCNT=0", "AT+QISTAT", "AT+QISTAT", "AT+QIFGCNT=1", "AT+QISTAT"]
    assert port.is_open


def test_bare_data_of_two_contexts_on_one_channel_cannot_be_told_apart() -> None:
    port = ScriptedModule().port(1)
    with TcpipDriver(port, 0, receive="bare") as zero, TcpipDriver(port, 1, receive="bare") as one:
        zero.listen()
        with pytest.raises(TcpipError, match="cannot be distinguished"):
            one.listen()


def test_the_state_is_not_known_before_it_was_read() -> None:
    module = ScriptedModule()
    with TcpipDriver(module.port(1)) as driver:
        assert driver.table.state(0) is None
        assert driver.state() == "IP INITIAL"
        assert driver.table.state(0) == "IP INITIAL"
        assert driver.table.held(0)  # it was never active: the lease goes on


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "take_over", "refuse", "activate", "initial", "release"]),
        st.integers(0, 2),
        st.integers(0, 1),
    ),
    max_size=40,
)


@given(STEPS)
def test_no_sequence_of_claims_gives_a_context_two_holders(steps: list[tuple[str, int, int]]) -> None:
    table = ContextTable()
    leases: dict[tuple[int, int], object] = {}
    for what, who, context in steps:
        mine = leases.get((who, context))
        if what in ("claim", "take_over", "refuse"):
            try:
                lease = table._reserve(context, who, take_over=what == "take_over")
            except ContextBusy:
                assert table.held(context)
                continue
            if what == "refuse":
                table._undo(lease)
            else:
                table._confirm(lease)
                leases[who, context] = lease
        elif mine is not None and what == "release":
            table._release(mine)  # type: ignore[arg-type]
        elif mine is not None:
            up = what == "activate"
            state = ContextState.UP if up else ContextState.DOWN
            table._update(mine, "IP STATUS" if up else "IP INITIAL", state)  # type: ignore[arg-type]
        living = [key for key, lease in leases.items() if key[1] == context and lease.ended is None]  # type: ignore[attr-defined]
        assert len(living) <= 1
        assert table.held(context) == bool(living)
        if living:
            assert table.owner(context) == living[0][0]
