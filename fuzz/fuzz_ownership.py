"""Both contexts on four channels of a multiplexed emulated module, with any sequence of calls, resets and hang-ups.

What tells right from wrong is a model of the rule of the app note (8.1, 8.2), and of the leases of one program
(docs/ownership.md):

    If a context has been controlled by some virtual UART and its state is not IP INITIAL, no other virtual UART can
    control it until its state changes back to IP INITIAL.

Invariants:
1. Two channels never have one context that is not in IP INITIAL.
2. A call is refused exactly if the rule demands it, or another driver of the program holds the context; what that one
   uses is as before.
3. A channel that is closed keeps what it controls, and has it again when it is reopened; after a reset nobody has
   anything.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ownership_worlds import CONTEXTS, UARTS, LoopWorld, ProcessWorld, ThreadWorld, Who, World

from drivers.errors import DriverError

OK, BUSY, LOST, REFUSED = "ok", "ContextBusy", "ContextLost", "CommandError"
CALLS = ("claim", "take over", "activate", "connect", "state", "deactivate", "release", "begin again")
NOWHERE = ("UDP", "127.0.0.1", 9)

whos = st.tuples(st.sampled_from(UARTS), st.sampled_from(CONTEXTS))
calls = st.tuples(st.sampled_from(CALLS), whos)
hang_ups = st.tuples(st.just("hang up"), whos)
drops = st.tuples(st.just("drop"), whos)
others = st.tuples(st.sampled_from(["drop", "drop", "drop", "reset"]), whos)


@dataclass
class Context:
    """A context of the module, as the app note has it."""

    owner: int | None = None
    used: bool = False
    broken: bool = False
    known: set[Who] = field(default_factory=set)
    """Who holds it and knows that it is in use: +PDP DEACT, which names no context, is for them."""
    heard: set[Who] = field(default_factory=set)
    """Who holds it and knows that the network has deactivated it; who claims it later does not."""

    def free(self) -> None:
        """It is in IP INITIAL."""
        self.used = self.broken = False
        self.heard.clear()
        self.known.clear()

    def refuses(self, uart: int) -> bool:
        """The rule."""
        return self.used and self.owner not in (None, uart)


@dataclass
class Model:
    """Who has what.

    Args:
        world: the drivers, of which each has a program.
    """

    world: World
    contexts: dict[int, Context] = field(default_factory=lambda: {context: Context() for context in CONTEXTS})
    leases: dict[Who, int] = field(default_factory=dict)
    """The channel that holds a context, by program and context."""
    lost: set[Who] = field(default_factory=set)
    """Drivers that have not heard yet that another one of their program has taken their context."""
    open: set[Who] = field(default_factory=set)
    """Drivers with a session."""

    def key(self, who: Who) -> tuple[int, int]:
        return self.world.program(who[0]), who[1]

    def holds(self, who: Who) -> bool:
        return self.leases.get(self.key(who)) == who[0] and who not in self.lost

    def stale(self, who: Who) -> bool:
        """Whether another program has taken a context that this driver holds, and has not used."""
        return self.holds(who) and self.contexts[who[1]].owner != who[0]

    def let_go(self, who: Who) -> None:
        if self.holds(who):
            del self.leases[self.key(who)]
        self.contexts[who[1]].heard.discard(who)
        self.contexts[who[1]].known.discard(who)
        self.lost.discard(who)
        self.open.discard(who)

    def claim(self, who: Who, *, take_over: bool = False) -> str:
        """Return what a claim comes to, and note it."""
        uart, number = who
        context, holder = self.contexts[number], self.leases.get(self.key(who))
        if who in self.lost:
            self.lost.discard(who)
            return LOST
        if holder == uart:
            return OK
        if holder is not None and (not take_over or self.in_use_here(holder, number)):
            return BUSY
        if context.refuses(uart):
            return BUSY
        if holder is not None:
            self.lost.add((holder, number))
        self.leases[self.key(who)], context.owner = uart, uart
        return OK

    def in_use_here(self, holder: int, number: int) -> bool:
        context = self.contexts[number]
        return context.used and context.owner == holder

    def ready(self, who: Who) -> str:
        """What goes before each call: a claim; and a context of which it has heard +PDP DEACT is freed first."""
        context = self.contexts[who[1]]
        if self.holds(who) and who in context.heard:
            context.free()
            self.let_go(who)
        return self.claim(who)


def _outcome(call: Any, *arguments: object, **options: object) -> str:
    try:
        call(*arguments, **options)
    except DriverError as error:
        return type(error).__name__
    return OK


def _play(world: World, script: list[tuple[str, Who]]) -> None:
    model = Model(world)
    for call, who in script:
        _step(model, call, who)
        _agree(model)


def _step(model: Model, call: str, who: Who) -> None:
    world, context = model.world, model.contexts[who[1]]
    if call == "drop":
        world.drop()
        for one in model.contexts.values():
            one.broken = one.used
            one.heard |= one.known
        model.open.clear()
        return
    if call == "reset":
        world.reset()
        model.contexts, model.leases = {number: Context() for number in CONTEXTS}, {}
        model.lost, model.open = set(), set()
        return
    if call == "hang up":
        world.hang_up(who[0])
        for number in CONTEXTS:
            model.let_go((who[0], number))
        return
    driver = world.drivers[who]
    if call == "release":
        assert _outcome(driver.release) == OK
        model.let_go(who)
    elif call == "begin again":
        used = model.holds(who) and who in context.known | context.heard and context.owner == who[0]
        with contextlib.suppress(DriverError):
            driver.close()
        world.drivers[who] = world.driver(*who, table=world.tables[world.program(who[0])])
        model.let_go(who)
        if used:
            context.free()
    elif model.stale(who):
        _stale(model, call, who)
    elif call in ("claim", "take over"):
        wanted = model.claim(who, take_over=call == "take over")
        assert _outcome(driver.claim, take_over=call == "take over") == wanted, (call, who, wanted)
    else:
        _use(model, call, who)


def _use(model: Model, call: str, who: Who) -> None:
    driver, context = model.world.drivers[who], model.contexts[who[1]]
    left = context.used and not model.holds(who)  # a former driver of the channel may have left it in any state
    wanted = model.ready(who)
    if call == "deactivate" or left:
        assert _outcome(driver.deactivate) == wanted, (call, who, wanted)
        if wanted == OK:
            model.let_go(who)
            context.free()
    elif call == "state" or (context.used and not context.broken):
        outcome = _outcome(driver.state)
        assert outcome == wanted, (call, who, wanted, outcome)
        if wanted == OK and context.used:
            (context.heard if context.broken else context.known).add(who)
    else:
        outcome = _outcome(driver.activate) if call == "activate" else _outcome(driver.connect, *NOWHERE)
        if wanted == OK and context.broken:  # it needs AT+QIDEACT first, which follows the failed activation
            assert outcome == REFUSED, (call, who, outcome)
            context.free()
            if not _held(driver):
                model.let_go(who)
            return
        assert outcome == wanted, (call, who, wanted)
        if wanted == OK:
            context.used = True
            context.known.add(who)
    if wanted == LOST:
        model.lost.discard(who)


def _stale(model: Model, call: str, who: Who) -> None:
    """Call a driver whose context another program has taken in IP INITIAL: it may take it back as long as that is."""
    world, context = model.world, model.contexts[who[1]]
    driver = world.drivers[who]
    action = {"claim": driver.claim, "take over": driver.claim}
    action |= {"activate": driver.activate, "deactivate": driver.deactivate}
    outcome = _outcome(action.get(call, driver.state))
    assert outcome == LOST or (outcome == OK and not context.used), (call, who, outcome)
    if outcome == OK and call in ("claim", "take over"):  # the UART had the other context, and has selected this one
        assert world.owner(who[1]) == who[0], (call, who)
    now = world.owner(who[1]), world.in_use(who[1])
    if context.used:
        assert now == (context.owner, True), (call, who, now)
    assert now[0] in (context.owner, who[0])
    context.owner, context.used = now
    if not _held(driver):
        model.let_go(who)


def _held(driver: Any) -> bool:
    held = getattr(driver, "held", None)
    return driver.lease is not None if held is None else bool(held)


def _agree(model: Model) -> None:
    world = model.world
    for number, context in model.contexts.items():
        assert (world.owner(number), world.in_use(number)) == (context.owner, context.used), (number, context)
    for who, driver in world.drivers.items():
        assert _held(driver) == model.holds(who), who


# --- The three ways to drive it -----------------------------------------------------------------------------------

WORLDS: dict[str, Callable[[], World]] = {
    "asyncio": lambda: LoopWorld(1),
    "asyncio, two programs": lambda: LoopWorld(2),
    "threads": lambda: ThreadWorld(1),
    "threads, two programs": lambda: ThreadWorld(2),
    "two processes": ProcessWorld,
}
_kept: dict[str, World] = {}


def _again(name: str, script: list[tuple[str, Who]]) -> None:
    """Play a script in a world that lives on, unless it has shown something: a line takes its time to open."""
    world = _kept.get(name) or WORLDS[name]()
    _kept[name] = world
    try:
        _play(world, script)
    finally:
        _begin_anew(name, world)


def _begin_anew(name: str, world: World) -> None:
    try:
        world.afresh()
    except BaseException:
        del _kept[name]
        world.end()
        raise


def _end() -> None:
    for world in _kept.values():
        world.end()


threading._register_atexit(_end)  # type: ignore[attr-defined]  # atexit is after the join of the module's thread


@given(st.sampled_from(["asyncio", "asyncio, two programs"]), st.lists(calls | calls | hang_ups | others, max_size=10))
def fuzz_owners_in_asyncio(name: str, script: list[tuple[str, Who]]) -> None:
    _again(name, script)


@given(st.sampled_from(["threads", "threads, two programs"]), st.lists(calls | calls | hang_ups | drops, max_size=10))
def fuzz_owners_on_threads(name: str, script: list[tuple[str, Who]]) -> None:
    _again(name, script)


@given(st.lists(calls, max_size=4))
def fuzz_owners_in_two_processes(script: list[tuple[str, Who]]) -> None:
    _again("two processes", script)
