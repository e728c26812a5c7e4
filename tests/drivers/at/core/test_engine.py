"""The engine without I/O: one command in flight, unsolicited results routed, nothing stale taken for an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.at import Dialogue, Framing, LinePattern, Response, command, expect, pause, payload
from drivers.at.core.engine import Engine
from drivers.at.core.execution import Execution, resynchronise
from drivers.errors import AtTimeout, ChannelClosed, CmeError, CmsError, CommandError

CLOSED = LinePattern("CLOSED")
OK = b"\r\nOK\r\n"
LINES = Framing()


class Recorder:
    """A sink that keeps what it gets."""

    def __init__(self, framing: Framing = LINES, *lines: LinePattern) -> None:
        self.framing = framing
        self.lines = lines or (CLOSED,)
        self.congested = False
        self.got: list[object] = []

    def take_line(self, text: str) -> bool:
        self.got.append(text)
        return True

    def take_data(self, header: str, data: bytes) -> bool:
        self.got.append(data)
        return True

    def lost(self, cause: Exception) -> None:
        self.got.append(cause)


def begin(engine: Engine, dialogue: Dialogue[Response]) -> Execution[Response]:
    execution = Execution(engine, dialogue)
    assert not execution.proceed(0.0)
    send(engine)
    return execution


def send(engine: Engine, now: float = 0.0) -> bytes:
    octets = engine.data_to_send()
    engine.sent(now)
    return octets


def answered(octets: bytes, text: str = "AT+X?", **options: object) -> tuple[Response, Recorder]:
    engine, sink = Engine(), Recorder()
    engine.add_sink(sink)
    execution = begin(engine, command(text, **options))  # type: ignore[arg-type]
    engine.receive(octets, 0.0)
    assert execution.proceed(0.0)
    return execution.result, sink


def test_a_command_ends_with_a_carriage_return_and_returns_its_lines() -> None:
    engine = Engine()
    execution = Execution(engine, command("AT+X?"))
    assert not execution.proceed(0.0)
    assert send(engine) == b"AT+X?\r"
    engine.receive(b"\r\n+X: 1\r\n\r\n+X: 2\r\n" + OK, 0.0)
    assert execution.proceed(0.0)
    assert execution.result == Response(("+X: 1", "+X: 2"), "OK")


@pytest.mark.parametrize("echo", [b"", b"AT+X?\r"])
def test_the_echo_of_the_command_makes_no_difference(echo: bytes) -> None:
    response, _ = answered(echo + b"\r\n+X: 1\r\n" + OK)
    assert response == Response(("+X: 1",), "OK")


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\nCLOSED\r\n\r\n+X: 1\r\n" + OK,
        b"\r\n+X: 1\r\n\r\nCLOSED\r\n" + OK,
        b"AT+X?\r\r\nCLOSED\r\n\r\n+X: 1\r\n" + OK,
    ],
)
def test_an_unsolicited_result_before_or_inside_an_answer_goes_its_own_way(octets: bytes) -> None:
    response, sink = answered(octets)
    assert response == Response(("+X: 1",), "OK")
    assert sink.got == ["CLOSED"]


def test_a_line_that_the_pending_command_asked_for_is_not_taken_for_an_unsolicited_one() -> None:
    engine = Engine()
    sink = Recorder(Framing(), LinePattern("+CREG: ", "[0-9](?:,[0-9])?", 3))
    engine.add_sink(sink)
    execution = begin(engine, command("AT+CREG?", info=(LinePattern("+CREG: ", "[0-9],[0-9]", 3),)))
    engine.receive(b"\r\n+CREG: 5\r\n\r\n+CREG: 0,1\r\n" + OK, 0.0)
    assert execution.proceed(0.0)
    assert execution.result.lines == ("+CREG: 0,1",)
    assert sink.got == ["+CREG: 5"]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ("ERROR", CommandError, None),
        ("+CME ERROR: 10", CmeError, 10),
        ("+CME ERROR: SIM busy", CmeError, None),
        ("+CMS ERROR: 500", CmsError, 500),
    ],
)
def test_an_error_carries_port_command_answer_and_code(answer: str, kind: type[CommandError], code: int | None) -> None:
    engine = Engine("ttyUSB7")
    execution = begin(engine, command("AT+X=1"))
    engine.receive(f"\r\n{answer}\r\n".encode(), 0.0)
    with pytest.raises(kind) as caught:
        execution.proceed(0.0)
    assert (type(caught.value), caught.value.command, caught.value.answer) == (kind, "AT+X=1", answer)
    assert "ttyUSB7" in str(caught.value)
    assert getattr(caught.value, "code", None) == code


def test_what_follows_the_answer_in_the_same_octets_reaches_the_next_step() -> None:
    def dialogue() -> Dialogue[Response]:
        yield from command("AT+QIOPEN")
        return (yield from expect(LinePattern("CONNECT OK"), timeout=75))

    engine = Engine()
    execution = begin(engine, dialogue())
    engine.receive(OK + b"\r\nCONNECT OK\r\n", 0.0)
    assert execution.proceed(0.0)
    assert execution.result.final == "CONNECT OK"


def test_the_time_of_a_command_begins_when_it_has_been_written() -> None:
    engine = Engine("p")
    execution = Execution(engine, command("AT", timeout=5.0))
    assert not execution.proceed(100.0)
    assert engine.next_timeout() is None
    engine.sent(200.0)
    assert engine.next_timeout() == 205.0
    engine.handle_timeout(204.9)
    assert not execution.proceed(204.9)
    engine.receive(b"\r\nSOMETHING\r\n", 204.9)
    engine.handle_timeout(205.0)
    with pytest.raises(
        AtTimeout, match=r"p: AT was not answered within 5 s \(came: SOMETHING\); is that the"
    ) as caught:
        execution.proceed(205.0)
    assert caught.value.lines == ("SOMETHING",)
    assert engine.in_doubt


def test_a_stale_answer_is_not_taken_for_the_next_commands_answer() -> None:
    engine = Engine()
    engine.in_doubt = True
    execution = Execution(engine, resynchronise(engine))
    assert not execution.proceed(0.0)
    assert send(engine) == b"ATE1\r"
    engine.receive(b"\r\n+OLD: 1\r\n" + OK, 0.0)  # the late answer of the command before: taken for that of ATE1
    assert not execution.proceed(0.0)
    assert send(engine) == b"ATE0\r"
    engine.receive(OK, 0.0)  # the answer of ATE1
    assert not execution.proceed(0.0)
    engine.receive(b"ATE0\r" + OK, 0.0)
    assert execution.proceed(0.0)
    assert not engine.in_doubt


def test_a_module_without_echo_is_resynchronised_by_silence() -> None:
    engine = Engine()
    engine.in_doubt = True
    execution = Execution(engine, resynchronise(engine))
    now, sent = 0.0, []
    while not execution.proceed(now):
        octets = engine.data_to_send()
        if octets:
            sent.append(octets)
            engine.sent(now)
            engine.receive(OK, now)
        else:
            due = engine.next_timeout()
            assert due is not None
            now = due
            engine.handle_timeout(now)
    assert sent == [b"ATE1\r", b"ATE0\r"] * 2 + [b"AT\r"] * 2
    assert not engine.in_doubt


def test_a_late_answer_between_two_commands_is_counted_and_dropped() -> None:
    engine = Engine()
    engine.receive(OK, 0.0)
    assert engine.counters["unclaimed"] == 1
    execution = begin(engine, command("AT"))
    assert not execution.proceed(0.0)


@given(st.binary(min_size=1, max_size=200), st.booleans())
def test_any_payload_passes_behind_the_prompt_with_and_without_echo(data: bytes, echoing: bool) -> None:
    def dialogue() -> Dialogue[Response]:
        yield from command(f"AT+QISEND={len(data)}", success=(), prompt=True)
        return (yield from payload(data, success=(LinePattern("SEND OK"),), echo=data if echoing else b""))

    engine = Engine()
    execution = begin(engine, dialogue())
    engine.receive(b"\r\n> ", 0.0)
    assert not execution.proceed(0.0)
    assert send(engine) == data
    engine.receive((data if echoing else b"") + b"\r\nSEND OK\r\n", 0.0)
    assert execution.proceed(0.0)
    assert execution.result.final == "SEND OK"


@pytest.mark.parametrize("moment", ["with the prompt", "while it is written"])
def test_the_payload_that_a_prompt_asks_for_goes_out_although_an_unsolicited_result_ends_the_wait(moment: str) -> None:
    """The module takes all that comes next for it, command lines, too."""

    def dialogue() -> Dialogue[Response]:
        yield from command("AT+QISEND=3", success=(), prompt=True)
        return (yield from payload(b"abc", success=(LinePattern("SEND OK"),), ends_on=(CLOSED,)))

    engine, sink = Engine(), Recorder()
    engine.add_sink(sink)
    execution = begin(engine, dialogue())
    engine.receive(b"\r\n> " + b"\r\nCLOSED\r\n" * (moment == "with the prompt"), 0.0)
    assert not execution.proceed(0.0)
    if moment == "while it is written":
        engine.receive(b"\r\nCLOSED\r\n", 0.0)
    assert sink.got == ["CLOSED"]
    assert not execution.proceed(0.0)
    assert send(engine) == b"abc"
    assert execution.proceed(0.0)
    assert execution.result.final == "CLOSED"


def test_an_unsolicited_result_can_end_a_wait_and_still_reaches_its_sink() -> None:
    engine, sink = Engine(), Recorder()
    engine.add_sink(sink)
    execution = begin(engine, expect(LinePattern("SEND OK"), timeout=5, ends_on=(CLOSED,)))
    engine.receive(b"\r\nCLOSED\r\n", 0.0)
    assert execution.proceed(0.0)
    assert execution.result.final == "CLOSED"
    assert sink.got == ["CLOSED"]


def test_what_is_held_back_in_bare_data_comes_out_after_a_short_wait() -> None:
    engine, sink = Engine(hold=0.2), Recorder(Framing(bare=True))
    engine.add_sink(sink)
    engine.receive(b"abc\r\nCL", 10.0)
    assert sink.got == [b"abc"]
    assert engine.next_timeout() == pytest.approx(10.2)
    engine.receive(b"OS", 10.1)
    assert engine.next_timeout() == pytest.approx(10.3)
    engine.handle_timeout(10.3)
    assert sink.got == [b"abc", b"\r\nCLOS"]
    assert engine.next_timeout() is None


def test_words_of_answers_are_data_while_no_command_waits_for_them() -> None:
    engine, sink = Engine(), Recorder(Framing(bare=True))
    engine.add_sink(sink)
    engine.receive(b"\r\nOK\r\nx", 0.0)
    assert b"".join(x for x in sink.got if isinstance(x, bytes)) == b"\r\nOK\r\nx"


def test_a_dead_line_ends_the_step_in_flight_and_every_later_one() -> None:
    engine, sink = Engine(), Recorder()
    engine.add_sink(sink)
    execution = begin(engine, command("AT"))
    failure = ChannelClosed("p: the line died")
    engine.line_lost(failure)
    with pytest.raises(ChannelClosed):
        execution.proceed(0.0)
    with pytest.raises(ChannelClosed):
        Execution(engine, command("AT")).proceed(0.0)
    assert sink.got == [failure]


def test_the_dialogue_that_brings_the_channel_back_is_named_only_for_a_step_that_was_not_answered() -> None:
    def back() -> Dialogue[None]:
        yield from pause(0.1)

    for ends, named in ((b"\r\nERROR\r\n", False), (b"", True)):
        engine = Engine()
        execution = begin(engine, command("AT+QISEND", success=(), prompt=True, abandon=back, timeout=1.0))
        engine.receive(ends, 0.0)
        engine.handle_timeout(1.0)
        with pytest.raises((CommandError, AtTimeout)):
            execution.proceed(1.0)
        execution.abort(interrupted=False)
        assert execution.wind_up(1.0) is not named
        assert engine.waiting is named


def test_what_comes_behind_the_end_of_a_pause_is_not_of_the_pause() -> None:
    """The OK of ``+++`` comes soon after the silence: it is not lost when this computer is late or slow to write."""

    def escaping() -> Dialogue[Response]:
        yield from pause(0.45, write=b"+++")
        return (yield from expect(LinePattern("OK"), timeout=2.0))

    engine = Engine()
    execution = Execution(engine, escaping())
    assert not execution.proceed(0.0)
    assert engine.data_to_send() == b"+++"
    engine.sent(0.2, 0.0)  # written at 0.0; whoever wrote it goes on at 0.2
    engine.receive(OK, 0.44)  # data that looks like it
    assert not execution.proceed(0.44)
    engine.receive(OK, 0.5)
    assert execution.proceed(0.6)  # nobody has looked at the clock since 0.44
    assert execution.result.final == "OK"
    assert engine.counters["stale"] == 1


@pytest.mark.parametrize("text", ["AT+X\r", "AT+X\n", "AT" + "x" * 254, "AT\x1a"])
def test_a_command_that_cannot_be_one_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="command line"):
        Execution(Engine(), command(text)).proceed(0.0)


def test_a_prompt_that_came_in_the_moment_of_the_interruption_is_used() -> None:
    """It does not come a second time: whoever would bring the channel back would wait for it in vain."""

    def sending() -> Dialogue[Response]:
        yield from command("AT+QISEND=2", success=(), prompt=True)
        return (yield from payload(b"hi", success=(LinePattern("SEND OK"),)))

    engine = Engine()
    execution = begin(engine, sending())
    engine.receive(b"\r\n> ", 0.0)  # and now the caller is cancelled, before it has gone on
    execution.abort(interrupted=True)
    assert not execution.wind_up(0.0)
    assert send(engine) == b"hi"
    engine.receive(b"\r\nSEND OK\r\n", 0.0)
    assert execution.wind_up(0.0)
