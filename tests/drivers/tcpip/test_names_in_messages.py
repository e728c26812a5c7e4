"""Each message of the driver names its port once, and its context no more than once, whatever has failed before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import Any

import pytest
from leaping import Bench, bench
from lte_hosts import LteModule
from rows import each
from silent_module import ERROR, SilentModule, lines

from drivers.at import AtChannel
from drivers.clock import FakeClock
from drivers.errors import ChannelClosed, ContextLost, DriverError, InvalidArgument, SessionReset
from drivers.tcpip import KeepAlive
from drivers.wording import context_name, retold, unnamed

PORT = "VIRTUAL_UART_7"
CONTEXT = 1
FAMILIES: dict[str, Callable[[], SilentModule]] = {"m10": SilentModule, "bg96": LteModule}

Act = Callable[["Scene"], object]


class Scene:
    """A driver that has a session and, where that can be beside it, a listener."""

    def __init__(self, made: Bench, module: SilentModule, dialect: str) -> None:
        self.made, self.module, self.dialect = made, module, dialect
        self.driver = made.driver(context=CONTEXT, dialect=dialect)
        self.session = self.driver.connect("TCP", "10.0.0.7", 80)
        self.session.settimeout(0.5)
        self.listener = self.driver.listen(port=2020) if dialect == "bg96" else None

    def says(self, said: bytes, *, silent: bool = False) -> None:
        """Answer the next command in this way, and then as usual, or not at all."""
        self.module.at, self.module.says, self.module.silent = "AT", said, silent


CALLS: dict[str, Act] = {
    "claim": lambda scene: scene.driver.claim(),
    "activate": lambda scene: scene.driver.activate(),
    "state": lambda scene: scene.driver.state(),
    "connect": lambda scene: scene.driver.connect("TCP", "10.0.0.8", 81),
    "listen": lambda scene: scene.driver.listen(port=2021),
    "accept": lambda scene: scene.listener and scene.listener.accept(0.5),
    "status": lambda scene: scene.listener and scene.listener.status(),
    "sendall": lambda scene: scene.session.sendall(b"hello"),
    "recv": lambda scene: scene.session.recv(5),
    "acknowledged": lambda scene: scene.session.acknowledged(),
    "check": lambda scene: scene.session.check(KeepAlive(first=0.1, then=0.1, repeats=1)),
    "close of a session": lambda scene: scene.session.close(),
    "resolve": lambda scene: scene.driver.resolve("www.quectel.com"),
    "name servers": lambda scene: scene.driver.name_servers(),
    "set name servers": lambda scene: scene.driver.set_name_servers("8.8.8.8"),
    "ping": lambda scene: scene.driver.ping("10.0.0.9"),
    "network time": lambda scene: scene.driver.network_time("10.0.0.9"),
    "resume": lambda scene: scene.driver.resume(),
    "deactivate": lambda scene: scene.driver.deactivate(),
    "reclaim": lambda scene: scene.driver.reclaim(),
    "close": lambda scene: scene.driver.close(),
}

LOST = {"m10": "+PDP DEACT", "bg96": f'+QIURC: "pdpdeact",{CONTEXT}'}
CLOSED = {"m10": "CLOSED", "bg96": '+QIURC: "closed",0'}
FAILURES: dict[str, Act] = {
    "ERROR": lambda scene: scene.says(ERROR),
    "CME ERROR": lambda scene: scene.says(lines("+CME ERROR: 565")),
    "silence": lambda scene: scene.says(b"", silent=True),
    "restart": lambda scene: scene.says(lines("RDY")),
    "nonsense": lambda scene: scene.says(lines("+QISTATE: x", "+QIDNSGIP: x", "OK")),
    "the context is lost": lambda scene: scene.made.say(lines(LOST[scene.dialect])),
    "the session is closed": lambda scene: scene.made.say(lines(CLOSED[scene.dialect])),
    "the channel is closed": lambda scene: scene.made.channel.close(),
    "the driver is closed": lambda scene: scene.driver.close(),
}


def told(act: Callable[[Any], object], of: Any) -> Iterator[BaseException]:
    """What a call raises, and what that was raised from."""
    try:
        act(of)
    except InvalidArgument:  # nothing was sent
        return
    except DriverError as error:
        failure: BaseException | None = error
        while isinstance(failure, DriverError):
            yield failure
            failure = failure.__cause__


@pytest.mark.parametrize("dialect", FAMILIES)
@each(("failure", FAILURES))
def test_a_message_names_port_and_context_once(dialect: str, failure: str) -> None:
    wrong: dict[str, str] = {}
    seen = 0
    for call in CALLS:
        module = FAMILIES[dialect]()
        with bench("aio", module, name=PORT) as made:
            scene = Scene(made, module, dialect)
            FAILURES[failure](scene)
            for after in (call, call, "sendall", "recv", "accept", "close"):
                for error in told(CALLS[after], scene):
                    seen += 1
                    text = str(error)
                    if text.count(PORT) != 1 or text.count(f"context {CONTEXT}") > 1:
                        wrong.setdefault(text, f"{call}, then {after}: {type(error).__name__}")
            module.wake()
            made.channel.close()
    assert seen
    assert not wrong, "\n".join(f"{where}: {text}" for text, where in wrong.items())


GENERAL = {
    **{
        name: methodcaller(name)
        for name in ("identity", "sim", "imsi", "iccid", "signal", "registration", "operator", "attached", "clock")
    },
    "unlock": methodcaller("unlock", "1234"),
    "attach": methodcaller("attach"),
    "wait_for_sim": methodcaller("wait_for_sim", 0.5),
    "wait_for_network": methodcaller("wait_for_network", 0.5),
    "power_off": methodcaller("power_off"),
}
ANSWERS = {
    "ERROR": ERROR,
    "CME ERROR": lines("+CME ERROR: 10"),
    "silence": b"",
    "restart": lines("RDY"),
    "nonsense": lines("x", "OK"),
}


@each(("call", GENERAL), ("answer", ANSWERS))
def test_a_message_of_the_general_commands_names_the_port_once(call: str, answer: str) -> None:
    module = SilentModule()
    with bench("aio", module, name=PORT) as made:
        modem = made.modem()
        made.channel.command("AT")  # it is set up
        module.at, module.says, module.silent = "AT", ANSWERS[answer], answer == "silence"
        failures = list(told(GENERAL[call], modem))
        assert failures or call == "power_off" or answer in ("restart", "nonsense")
        for error in failures:
            assert str(error).count(PORT) == 1, str(error)
        module.wake()


NAME = context_name(PORT, CONTEXT)
PASSED_ON: list[tuple[str, Exception, str]] = [
    (NAME, SessionReset(f"{NAME}: the module restarted"), f"{NAME}: it ended: the module restarted"),
    (NAME, ChannelClosed(f"{PORT}: the line died"), f"{NAME}: it ended: the line died"),
    (NAME, ConnectionError("hung up"), f"{NAME}: it ended: hung up"),
    (
        NAME,
        ContextLost(CONTEXT, "DLCI 2 took it over", port=PORT),
        f"{NAME}: it ended: the context was lost: DLCI 2 took it over; claim() it again",
    ),
    (
        NAME,  # another one
        ContextLost(0, "DLCI 2 took it over", port=PORT),
        f"{NAME}: it ended: context 0 was lost: DLCI 2 took it over; claim() it again",
    ),
    (PORT, OSError(f"{PORT}: hung up"), f"{PORT}: it ended: hung up"),
    (PORT, EOFError(), f"{PORT}: it ended: "),
]


@each(("name, failure, message", PASSED_ON))
def test_what_is_passed_on_loses_the_name_in_front(name: str, failure: Exception, message: str) -> None:
    assert retold(name, failure, "it ended: ") == message
    assert unnamed(name, failure) == message.removeprefix(f"{name}: it ended: ")


class _HungUp:
    """A port that names itself when it is gone."""

    name, timeout, in_waiting = PORT, None, 0

    def read(self, size: int = 1) -> bytes:
        raise OSError(f"{PORT}: hung up")

    def write(self, data: bytes) -> int:
        raise OSError(f"{PORT}: hung up")


def test_a_line_that_dies_is_named_once() -> None:
    with AtChannel(_HungUp(), clock=FakeClock()) as channel, pytest.raises(ChannelClosed) as failure:
        channel.command("AT")
    assert str(failure.value).count(PORT) == 1
    assert str(failure.value).endswith(": hung up")
