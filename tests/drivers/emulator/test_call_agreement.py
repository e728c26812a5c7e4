"""Whatever two modules do about calls, in whatever order: afterwards both say the same of it, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable

import pytest

from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule
from drivers.emulator.calls.states import CallState
from drivers.emulator.calls.voice import Calls

NUMBERS = ("+491701234567", "+491717654321")
WORDS = ("ring 0170", "answer", "busy", "no_answer", "hang_up", "registration_lost", "registered", "reset")


def calls_of(module: EmulatedModule) -> Calls:
    return module._running().calls


def dial(module: EmulatedModule, number: str) -> None:
    calls_of(module).dial(module._running().uarts[0], number, withheld=False, finish=None)


def word(module: EmulatedModule, line: str) -> None:
    with contextlib.suppress(ValueError):  # it cannot happen in every state
        module.trigger(line)


async def arrived() -> None:
    """Let signals arrive: each takes one round of the loop, and brings at most one other."""
    for _ in range(8):
        await asyncio.sleep(0)


def agree(one: Calls, other: Calls) -> bool:
    """Tell whether a call between the two is one on both sides, and active on both or on none."""
    here, there = one.current, other.current
    for call, peer in ((here, there), (there, here)):
        if call is not None and call.peer is not None and (peer is None or peer.token is not call.token):
            return False
    if here is None or there is None or here.token is not there.token:
        return True
    return (one.state is CallState.ACTIVE) == (other.state is CallState.ACTIVE) and here.incoming != there.incoming


@pytest.mark.parametrize("seed", range(20))
async def test_two_modules_agree_on_their_call_whatever_they_do(seed: int) -> None:
    chooser, clock = random.Random(seed), FakeClock()  # noqa: S311 - repeatable
    async with (
        EmulatedModule(number=NUMBERS[0], clock=clock) as one,
        EmulatedModule(number=NUMBERS[1], clock=clock) as two,
    ):
        modules = (one, two)
        states = set()
        for _ in range(300):
            module = chooser.choice(modules)
            other = two if module is one else one
            acts: list[Callable[[], object]] = [
                lambda module=module, other=other: dial(module, other.number),  # type: ignore[misc]
                lambda module=module: calls_of(module).answer(),  # type: ignore[misc]
                lambda module=module: calls_of(module).hang_up(),  # type: ignore[misc]
                lambda: clock.advance(chooser.choice((1.0, 61.0))),
                lambda module=module: word(module, chooser.choice(WORDS)),  # type: ignore[misc]
            ]
            chooser.choices(acts, weights=(4, 3, 2, 1, 2))[0]()
            if chooser.random() < 0.7:  # else the next one crosses what is on its way
                await arrived()
                assert agree(calls_of(one), calls_of(two))
                states.add((calls_of(one).state, calls_of(two).state))
        await arrived()
        for module in modules:
            calls_of(module).hang_up()
        await arrived()
        for module in modules:
            calls = calls_of(module)
            assert (calls.state, calls.current, calls._timers) == (CallState.IDLE, None, [])
        assert {(CallState.ACTIVE, CallState.ACTIVE), (CallState.ALERTING, CallState.INCOMING)} <= states
