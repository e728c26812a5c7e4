"""pyserial's contract, held by ``loop://`` itself, by channels, and by the ptys of ``attach``."""

import select
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import serial

sys.path.insert(0, str(Path(__file__).parents[2]))
if sys.platform == "win32":
    pytest.skip("the modules of these tests run on ptys", allow_module_level=True)

import termios

from mux_leaks import nothing_left  # noqa: F401 - a fixture
from mux_module import Module
from port_contract import *  # noqa: F403 - each check in it becomes a test here
from port_contract import PATIENCE, Looped

import cmux
from cmux.threads.bridge import PtyBridge
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.usefixtures("nothing_left")


def _channel(port: serial.SerialBase, lacks: frozenset[str] = frozenset()) -> Looped:
    assert isinstance(port, cmux.VirtualUart)
    handle = port._opened()

    def until(ready: Callable[[], bool]) -> None:
        with handle.condition:
            assert handle.condition.wait_for(ready, PATIENCE)

    return Looped(port, lacks, until)


def _tty(port: serial.Serial, lacks: frozenset[str]) -> Looped:
    def until(ready: Callable[[], bool]) -> None:
        """Let the terminal itself wait for one octet more than there are."""
        while True:
            waiting = port.in_waiting  # before the look: what comes in between ends the wait at once
            if ready():
                return
            settings = termios.tcgetattr(port.fd)
            settings[6][termios.VMIN], before = waiting + 1, settings[6][termios.VMIN]
            termios.tcsetattr(port.fd, termios.TCSANOW, settings)
            assert select.select([port.fd], [], [], PATIENCE)[0]
            settings[6][termios.VMIN] = before
            termios.tcsetattr(port.fd, termios.TCSANOW, settings)

    return Looped(port, lacks, until)


def _loop(stack: ExitStack) -> Looped:
    return Looped(stack.enter_context(serial.serial_for_url("loop://")), frozenset({"fileno", "gap"}))


def _module_url(stack: ExitStack) -> Looped:
    module = stack.enter_context(Module())
    # The module of the tests has no way to give our signals back.
    port = stack.enter_context(serial.serial_for_url(f"cmux://{module.path}?dlci=1"))
    return _channel(port, frozenset({"signals"}))


def _emulator(stack: ExitStack) -> Looped:
    module = stack.enter_context(EmulatedModule(loopback=[2]))
    mux = stack.enter_context(cmux.open(module.serve_pty()))
    return _channel(mux.channel(2))


def _emulator_advanced(stack: ExitStack) -> Looped:
    module = stack.enter_context(EmulatedModule(loopback=[5]))
    return _channel(stack.enter_context(serial.serial_for_url(f"cmux://{module.serve_pty()}?dlci=5&option=advanced")))


def _pty(stack: ExitStack) -> Looped:
    module = stack.enter_context(EmulatedModule(loopback=[3]))
    uart = stack.enter_context(serial.serial_for_url(f"cmux://{module.serve_pty()}?dlci=3"))
    bridge = PtyBridge(uart, None)
    bridge.start()
    stack.callback(bridge.close)
    return _tty(stack.enter_context(serial.Serial(bridge.path)), frozenset({"signals", "gap"}))


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
