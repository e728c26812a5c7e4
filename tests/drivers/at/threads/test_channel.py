"""The channel on threads: one reader, dialogues in turns, nothing hangs and no thread is left."""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterator

import pytest
from scripted_port import ERROR, OK, CommandPort, Conversation, MemoryPort, exchange, turn_until_done

from drivers.at import AtChannel, Dialogue, Framing, LinePattern, Response, channel_for, command, pause, payload
from drivers.at.threads.registry import shared_channel
from drivers.clock import FakeClock, SystemClock
from drivers.errors import AtError, AtTimeout, ChannelClosed, CommandError


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class Collector:
    """A sink for tests."""

    lines = (LinePattern("CLOSED"),)
    framing = Framing(bare=True)

    def __init__(self) -> None:
        self.congested = False
        self.got: list[object] = []
        self.changed = threading.Condition()

    def add(self, what: object) -> bool:
        with self.changed:
            self.got.append(what)
            self.changed.notify_all()
        return True

    def take_line(self, text: str) -> bool:
        return self.add(text)

    def take_data(self, header: str, data: bytes) -> bool:
        return self.add(data)

    def lost(self, cause: Exception) -> None:
        self.add(cause)

    def wait(self, *expected: object) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.got == list(expected), 10), self.got


def run_in_thread(work: object) -> tuple[threading.Thread, list[object]]:
    results: list[object] = []

    def body() -> None:
        try:
            results.append(work())  # type: ignore[operator]
        except AtError as error:
            results.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    return thread, results


@pytest.mark.parametrize("chunk", [1, 65536])
def test_the_channel_turns_the_echo_off_once_and_then_runs_commands(chunk: int) -> None:
    talk = Conversation(
        [
            (1, ">", b"ATE0\r"),
            (1, "<", b"ATE0\r\r\nOK\r\n"),
            *exchange(("AT+CSQ", b"\r\n+CSQ: 17,0\r\n" + OK), ("AT+X", ERROR), set_up=False),
        ],
        chunk=chunk,
    )
    with AtChannel(talk.ports[1]) as channel:
        assert channel.command("AT+CSQ").lines == ("+CSQ: 17,0",)
        with pytest.raises(CommandError, match=r"VIRTUAL_UART_1: AT\+X was answered ERROR"):
            channel.command("AT+X")
        talk.finish()


class CountingClock(SystemClock):
    """Counts how often each thread waits: once more whenever it is woken and has nothing to do."""

    def __init__(self) -> None:
        self.waits: collections.Counter[str] = collections.Counter()

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        self.waits[threading.current_thread().name] += 1
        return super().wait(condition, timeout)


def test_a_thread_is_woken_only_for_what_it_waits_for() -> None:
    clock, asked = CountingClock(), threading.Event()
    port = CommandPort(lambda command: asked.set() or b"" if command == "AT+CSQ" else OK)  # type: ignore[func-returns-value]
    with AtChannel(port, clock=clock) as channel:
        channel.command("AT")
        clock.waits.clear()
        thread, results = run_in_thread(lambda: channel.command("AT+CSQ", timeout=60))
        asked.wait()
        for octet in b"\r\n+CSQ: 17,0\r\n" + OK:
            assert port.drained()
            port.say(bytes([octet]))
        thread.join()
        assert isinstance(results[0], Response)
        assert clock.waits[thread.name] <= 1
        assert sum(count for name, count in clock.waits.items() if "dispatch" in name) <= 1
        assert sum(count for name, count in clock.waits.items() if "reader" in name) == 0


def test_a_channel_makes_no_io_before_its_first_use() -> None:
    port = MemoryPort()
    AtChannel(port).close()
    assert port.written == b""
    assert port.timeout is None


def test_every_octet_is_shown_in_the_order_of_the_line() -> None:
    shown: list[tuple[str, bytes]] = []
    port = CommandPort(lambda _: OK)
    with AtChannel(port) as channel:
        remove = channel.on_octets(lambda direction, octets: shown.append((direction, octets)))
        channel.command("AT")
        remove()
        channel.command("AT")
    assert [octets for direction, octets in shown if direction == "tx"] == [b"ATE0\r", b"AT\r"]
    assert b"".join(octets for direction, octets in shown if direction == "rx") == OK + OK
    assert shown[0][0] == "tx"
    assert shown[-1][0] == "rx"


def test_the_same_port_gives_the_same_channel_until_it_is_closed() -> None:
    port, other = MemoryPort(), MemoryPort()
    channel = channel_for(port)
    assert channel_for(port) is channel
    assert channel_for(other) is not channel
    channel.close()
    assert channel_for(port) is not channel


def test_the_last_user_of_a_shared_channel_closes_it() -> None:
    port = MemoryPort()
    channel = shared_channel(port)
    channel._retain()
    channel._retain()
    channel._release()
    assert not channel.closed
    channel._release()
    assert channel.closed


def test_a_port_without_cancel_read_is_left_within_its_polling_time() -> None:
    class Plain:
        """Read, write and a timeout, nothing else."""

        timeout: float | None = 7.0

        def __init__(self) -> None:
            self.inner = CommandPort(lambda _: OK)

        @property
        def in_waiting(self) -> int:
            return self.inner.in_waiting

        def read(self, size: int = 1, /) -> bytes:
            self.inner.timeout = self.timeout
            return self.inner.read(size)

        def write(self, data: bytes, /) -> int:
            return self.inner.write(data)

    port = Plain()
    with AtChannel(port) as channel:
        assert channel.command("AT").final == "OK"
        assert channel.name == "Plain"
        assert port.timeout == 0.2
    assert port.timeout == 7.0


def test_the_line_dying_ends_every_wait_with_the_cause() -> None:
    port = CommandPort(lambda text: OK if text == "ATE0" else b"")
    channel = AtChannel(port)
    sink = Collector()
    channel.add_sink(sink)
    channel.on_octets(lambda direction, octets: port.die() if octets == b"AT+QIACT\r" else None)
    with pytest.raises(ChannelClosed) as caught:
        channel.command("AT+QIACT", timeout=150)
    assert "the cable was pulled" in str(caught.value.__cause__)
    with pytest.raises(ChannelClosed):
        channel.command("AT")
    assert isinstance(sink.got[-1], ChannelClosed)
    channel.close()


def test_a_port_that_gives_nothing_any_more_counts_as_hung_up() -> None:
    class HungUp(MemoryPort):
        """Reads nothing at once, for ever."""

        def read(self, size: int = 1, /) -> bytes:
            return b""

    channel = AtChannel(HungUp())
    with pytest.raises(ChannelClosed):
        channel.command("AT")
    channel.close()


def test_closing_ends_a_wait_in_another_thread() -> None:
    entered = threading.Event()

    def answer(text: str) -> bytes:
        if text == "AT+QIACT":
            entered.set()
            return b""
        return OK

    channel = AtChannel(CommandPort(answer))
    thread, results = run_in_thread(lambda: channel.command("AT+QIACT", timeout=150))
    assert entered.wait(10)
    channel.close()
    thread.join(10)
    assert isinstance(results[0], ChannelClosed)


def test_a_module_that_does_not_answer_at_all_is_named() -> None:
    clock = FakeClock()
    port = CommandPort(lambda _: b"", name="ttyUSB9")
    with AtChannel(port, clock=clock) as channel:
        thread, results = run_in_thread(lambda: channel.command("AT+QIFGCNT=0"))
        turn_until_done(clock, thread, 1.0)
        assert isinstance(results[0], AtTimeout)
        assert "ttyUSB9" in str(results[0])
        assert port.commands == ["ATE0", "ATE1", "ATE1", "AT"]


def test_after_a_timeout_the_late_answer_is_not_taken_for_the_next_commands() -> None:
    clock = FakeClock()
    port = CommandPort({"ATE0": OK, "AT+SLOW": b""}.__getitem__)
    with AtChannel(port, clock=clock) as channel:
        channel.command("ATE0")
        thread, results = run_in_thread(lambda: channel.command("AT+SLOW", timeout=5))
        turn_until_done(clock, thread, 1.0)
        assert isinstance(results[0], AtTimeout)

        def late(text: str) -> bytes:
            # the answer of AT+SLOW comes when ATE1 has been sent, and one answer behind from there on
            return {
                "ATE1": b"\r\n+SLOW: stale\r\n" + OK + OK,
                "ATE0": b"ATE0\r" + OK,
                "AT+NEXT?": b"\r\n+NEXT: fresh\r\n" + OK,
            }[text]

        port._answer = late
        assert channel.command("AT+NEXT?").lines == ("+NEXT: fresh",)
        assert port.commands[-3:] == ["ATE1", "ATE0", "AT+NEXT?"]


def test_dialogues_of_many_threads_take_turns_and_none_is_torn() -> None:
    port = CommandPort(lambda text: f"\r\n{text}\r\n".encode() + OK)

    def pair(n: int) -> Dialogue[tuple[str, str]]:
        first = yield from command(f"AT+A{n}")
        second = yield from command(f"AT+B{n}")
        return first.final, second.final

    with AtChannel(port) as channel:
        work = [run_in_thread(lambda n=n: channel.run(pair(n))) for n in range(12)]
        for thread, _ in work:
            thread.join(10)
        assert all(results == [("OK", "OK")] for _, results in work)
    told = port.commands[1:]
    assert all(a[4:] == b[4:] for a, b in zip(told[::2], told[1::2], strict=True))


def test_waiting_for_the_turn_has_a_deadline() -> None:
    clock = FakeClock()
    port = CommandPort(lambda text: b"" if text == "AT+LONG" else OK)
    channel = AtChannel(port, clock=clock)
    channel.command("AT")
    holder, first = run_in_thread(lambda: channel.command("AT+LONG", timeout=100))
    clock.await_waiters(2)
    thread, results = run_in_thread(lambda: channel.run(command("AT"), timeout=3))
    clock.await_waiters(3)
    clock.advance(3.5)
    thread.join(10)
    assert isinstance(results[0], AtTimeout)
    channel.close()
    holder.join(10)
    assert isinstance(first[0], ChannelClosed)


def test_a_step_that_is_given_up_is_followed_by_what_brings_the_channel_back() -> None:
    def back() -> Dialogue[None]:
        yield from payload(b"\x1a", success=(LinePattern("OK"),), timeout=1.0)

    clock = FakeClock()
    written: list[bytes] = []
    port = CommandPort(lambda text: b"" if "QISEND" in text else OK)
    with AtChannel(port, clock=clock) as channel:
        channel.command("AT")  # the set-up is done, so that the clock can only end what is to end
        channel.on_octets(lambda direction, octets: written.append(octets) if direction == "tx" else None)
        step = command("AT+QISEND", success=(), prompt=True, abandon=back, timeout=1.0)
        thread, results = run_in_thread(lambda: channel.run(step))
        turn_until_done(clock, thread, 0.5)
        assert isinstance(results[0], AtTimeout)
        assert written == [b"AT+QISEND\r", b"\x1a"]


def test_an_interrupted_payload_is_delivered_in_full_before_the_interruption_goes_on() -> None:
    port = MemoryPort()
    taken: list[bytes] = []

    def on_write(data: bytes) -> None:
        taken.append(data)
        port.say({b"ATE0\r": OK, b"AT+QISEND=5\r": b"\r\n> ", b"hello": b"\r\nSEND OK\r\n"}[data])

    port.on_write = on_write  # type: ignore[method-assign]

    def dialogue() -> Dialogue[None]:
        yield from command("AT+QISEND=5", success=(), prompt=True)
        yield from payload(b"hello", success=(LinePattern("SEND OK"),))

    with AtChannel(port) as channel:
        calls = iter([None, None, KeyboardInterrupt()])

        def interrupt(direction: str, octets: bytes) -> None:
            error = next(calls, None) if direction == "tx" else None
            if error is not None:
                raise error

        channel.on_octets(interrupt)
        with pytest.raises(KeyboardInterrupt):
            channel.run(dialogue())
    assert taken == [b"ATE0\r", b"AT+QISEND=5\r", b"hello"]


def test_data_that_may_be_a_line_comes_out_when_the_clock_says_so() -> None:
    clock, port, sink = FakeClock(), CommandPort(lambda _: OK), Collector()
    with AtChannel(port, clock=clock) as channel:
        channel.command("AT")
        channel.add_sink(sink)
        port.say(b"abc\r\nCLO")
        sink.wait(b"abc")
        channel.stats()  # the reader is through with it
        clock.await_waiters(1)
        clock.advance(0.1)
        assert sink.got == [b"abc"]
        clock.advance(0.2)
        sink.wait(b"abc", b"\r\nCLO")


def test_a_congested_sink_stops_the_reading_but_not_the_answers() -> None:
    clock, port, sink = FakeClock(), CommandPort(lambda _: OK), Collector()
    with AtChannel(port, clock=clock) as channel:
        channel.command("AT")
        channel.add_sink(sink)
        sink.congested = True
        port.say(b"a")
        sink.wait(b"a")  # the read that was waiting
        clock.await_waiters(2)  # the dispatch thread, and the reader, which waits for room
        port.say(b"b")
        assert port.in_waiting == 1
        assert channel.command("AT").final == "OK"
        sink.wait(b"a", b"b")
        sink.congested = False
        channel._room_made()
        port.say(b"c")
        sink.wait(b"a", b"b", b"c")


def test_a_job_runs_on_the_channels_own_thread_and_may_use_the_channel() -> None:
    done = threading.Event()
    names: list[str] = []

    def job() -> None:
        names.append(threading.current_thread().name)
        channel.command("AT+JOB")
        done.set()

    port = CommandPort(lambda _: OK)
    with AtChannel(port) as channel:
        channel.command("AT")
        channel.call_soon(job)
        assert done.wait(10)
    assert names[0].startswith("at dispatch")


def test_a_callback_on_the_reader_that_wants_the_channel_is_told_so() -> None:
    caught: list[Exception] = []
    port = CommandPort(lambda _: OK)

    class Wrong(Collector):
        """Uses the channel where it must not."""

        def take_line(self, text: str) -> bool:
            try:
                channel.command("AT")
            except AtError as error:
                caught.append(error)
            return super().take_line(text)

    sink = Wrong()
    with AtChannel(port) as channel:
        channel.command("AT")
        channel.add_sink(sink)
        port.say(b"\r\nCLOSED\r\n")
        sink.wait("CLOSED")
    assert "would wait for itself" in str(caught[0])


def test_a_pause_lets_the_time_of_the_channels_clock_pass() -> None:
    clock = FakeClock()
    with AtChannel(CommandPort(lambda _: OK), clock=clock) as channel:
        channel.command("AT")
        thread, results = run_in_thread(lambda: channel.run(pause(60.0)))
        clock.await_waiters(2)
        clock.advance(60.0)
        thread.join(10)
        assert results == [None]
