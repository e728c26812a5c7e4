"""pyserial's contract, held by ``loop://`` itself, by channels, and by the ptys of ``attach``."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import serial

sys.path.insert(0, str(Path(__file__).parents[1]))
if sys.platform == "win32":
    pytest.skip("the modules of these tests run on ptys", allow_module_level=True)

from mux_leaks import nothing_left  # noqa: F401 - a fixture
from mux_module import Module
from port_contract import *  # noqa: F403 - each check in it becomes a test here
from port_contract import Looped

import cmux
from cmux.bridge import PtyBridge
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.usefixtures("nothing_left")


def _loop(stack: ExitStack) -> Looped:
    return Looped(stack.enter_context(serial.serial_for_url("loop://")), frozenset({"fileno", "gap"}))


def _module_url(stack: ExitStack) -> Looped:
    module = stack.enter_context(Module())
    # The module of the tests has no way to give our signals back.
    port = stack.enter_context(serial.serial_for_url(f"cmux://{module.path}?dlci=1"))
    return Looped(port, frozenset({"signals"}))


def _emulator(stack: ExitStack) -> Looped:
    module = stack.enter_context(EmulatedModule(loopback=[2]))
    mux = stack.enter_context(cmux.open(module.serve_pty()))
    return Looped(mux.channel(2))


def _emulator_advanced(stack: ExitStack) -> Looped:
    module = stack.enter_context(EmulatedModule(loopback=[5]))
    return Looped(stack.enter_context(serial.serial_for_url(f"cmux://{module.serve_pty()}?dlci=5&option=advanced")))


def _pty(stack: ExitStack) -> Looped:
    module = stack.enter_context(EmulatedModule(loopback=[3]))
    uart = stack.enter_context(serial.serial_for_url(f"cmux://{module.serve_pty()}?dlci=3"))
    bridge = PtyBridge(uart, None)
    bridge.start()
    stack.callback(bridge.close)
    return Looped(stack.enter_context(serial.Serial(bridge.path)), frozenset({"signals", "gap"}))


PORTS = {
    "loop": _loop,
    "url on a module": _module_url,
    "channel on the emulator": _emulator,
    "advanced": _emulator_advanced,
    "pty of attach": _pty,
}


@pytest.fixture(params=PORTS)
def looped(request: pytest.FixtureRequest) -> Iterator[Looped]:
    with ExitStack() as stack:
        yield PORTS[request.param](stack)
