"""Phone numbers of the modules of one process, and what modules tell each other by them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
from dataclasses import dataclass

import pytest
from emulator_host import settle

from drivers.emulator import EmulatedModule
from drivers.emulator.subscribers import (
    MOST,
    MOST_SIGNALS,
    SUBSCRIBERS,
    Subscriber,
    Subscribers,
    dialled,
    number_of,
    type_of,
)


@dataclass(frozen=True)
class Greeting:
    """Something to tell."""

    text: str


@pytest.mark.parametrize("text", ["+491701234567", "+123", "+123456789012345"])
def test_a_number_is_a_plus_sign_and_3_to_15_digits(text: str) -> None:
    assert number_of(text) == text


@pytest.mark.parametrize(
    "text", ["", "491701234567", "+12", "+0123", "+1234567890123456", "+49 170", "+49a70", "+٤٩١٧٠"]
)
def test_nothing_else_is_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="3 to 15 digits"):
        EmulatedModule(number=text)


@pytest.mark.parametrize("text", ["", "+", "12 34", "12a", "1" * 41, "1;2", 'x"'])
def test_what_cannot_be_dialled_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="dialled"):
        dialled(text)


def test_a_number_has_the_type_that_its_plus_sign_says() -> None:
    assert [type_of(number) for number in ("+4917", "0170", "")] == [145, 129, 128]


def test_a_module_without_a_number_gets_one_that_is_free_and_gives_it_back() -> None:
    before = len(SUBSCRIBERS)
    with EmulatedModule() as one, EmulatedModule() as two:
        first, second = one.number, two.number
        assert first != second
        assert SUBSCRIBERS.find(first) is not None
    assert len(SUBSCRIBERS) == before
    with EmulatedModule() as again:
        assert again.number == first


def test_a_second_module_with_the_number_of_the_first_is_refused_until_that_has_ended() -> None:
    second = EmulatedModule(number="+491701234567")
    with EmulatedModule(number="+491701234567") as first:
        assert first.number == "+491701234567"
        with pytest.raises(ValueError, match=r"another module of this process has the phone number \+491701234567"):
            second.__enter__()
    with second:
        assert SUBSCRIBERS.find("+491701234567") is not None


async def test_the_same_in_a_loop() -> None:
    async with EmulatedModule(number="+491701234567"):
        with pytest.raises(ValueError, match="another module"):
            async with EmulatedModule(number="+491701234567"):
                pass
    assert SUBSCRIBERS.find("+491701234567") is None


def test_a_module_that_runs_cannot_be_started_again() -> None:
    with EmulatedModule() as module, pytest.raises(RuntimeError, match="running already"):
        module.__enter__()


def test_without_a_number_of_its_own_it_has_one_only_while_it_runs() -> None:
    module = EmulatedModule()
    with pytest.raises(RuntimeError, match="not running"):
        _ = module.number
    assert EmulatedModule(number="+123").number == "+123"


def test_a_module_that_was_dropped_leaves_no_number_behind() -> None:
    known = Subscribers()
    known.enter("+49170")
    gc.collect()
    assert len(known) == 0


def test_there_is_a_bound_on_modules() -> None:
    known = Subscribers()
    kept = [known.enter(f"+4917{number:06}") for number in range(MOST)]
    with pytest.raises(ValueError, match=f"{MOST} modules"):
        known.enter("+49170")
    known.leave(kept.pop())
    assert known.enter("+49170").number == "+49170"


@pytest.mark.parametrize("number", ["+49170", "0049170", "49170"])
def test_a_module_is_found_by_its_number_however_that_is_dialled(number: str) -> None:
    known = Subscribers()
    one = known.enter("+49170")
    assert known.find(number) is one
    assert known.find("170") is None
    assert known.find("") is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_child_of_a_fork_has_none_of_its_parents_modules() -> None:
    known = Subscribers()
    one = known.enter("+49170")
    child = os.fork()
    if not child:
        os._exit(len(known))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert known.find("+49170") is one


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_child_can_start_modules_whoever_asked_for_one_at_that_moment() -> None:
    known = Subscribers()
    with known._lock:
        child = os.fork()
        if not child:
            signal.alarm(10)  # it would wait for ever
            os._exit(known.enter("+49170").number != "+49170")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


async def test_a_signal_comes_in_the_loop_of_its_module_and_each_kind_to_who_listens() -> None:
    one = Subscriber("+49170")
    came: list[object] = []
    one.on(Greeting, lambda signal: came.append((signal.text, threading.get_ident())))
    assert not one.send(Greeting("too early"))
    one.open(asyncio.get_running_loop())
    await asyncio.to_thread(one.send, Greeting("hello"))
    assert one.send("of no kind")
    await settle()
    assert came == [("hello", threading.get_ident())]
    one.close()
    assert not one.send(Greeting("too late"))


async def test_signals_beyond_the_bound_are_lost_and_counted() -> None:
    one = Subscriber("+49170")
    came: list[str] = []
    one.on(Greeting, lambda signal: came.append(signal.text))
    one.open(asyncio.get_running_loop())
    sent = [one.send(Greeting(str(number))) for number in range(MOST_SIGNALS + 3)]
    assert sent.count(False) == one.lost == 3
    await settle()
    assert came == [str(number) for number in range(MOST_SIGNALS)]
    assert one.send(Greeting("there is room again"))


async def test_a_signal_that_was_on_its_way_at_the_end_is_forgotten() -> None:
    one = Subscriber("+49170")
    came: list[object] = []
    one.on(Greeting, came.append)
    one.open(asyncio.get_running_loop())
    assert one.send(Greeting("hello"))
    one.close()
    await settle()
    assert came == []


def test_a_loop_that_has_ended_takes_nothing() -> None:
    one = Subscriber("+49170")
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        one.open(loop)
    assert not one.send(Greeting("hello"))
