"""The thread shell: what is the same port, and its own threads, finalizers and forks."""

import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from forked import in_a_child
from mux_leaks import nothing_left
from mux_module import Module
from typed_frames import HELLO, HELLO_BACK
from typist import Typist, end, multiplex, open_1

import cmux
from cmux.protocol import Frame, FrameType, encode

CLD = bytes.fromhex("F9 03 EF 05 C3 01 F2 F9")

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


def at_mode(module: Module) -> bool:
    return not module.in_mux and module.commands[-1] == "AT"


# --- A session ---


def test_a_channel_is_always_the_same_port() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(2)
        assert mux.channel(2) is port
        assert port.mux is mux
        assert port.dlci == 2
        port.close()
        assert not port.is_open
        assert mux.channel(2) is port
        assert port.is_open
        assert module.opened(2) == 2
        module.run(lambda core, now: core.close(2, now))
        with pytest.raises(cmux.DlcClosed):
            port.read()
        assert mux.channel(2) is port
        assert module.opened(2) == 3


def test_a_port_says_that_it_is_open_as_long_as_its_channel_is() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        assert ", open=True>(port='cmux:" in repr(port)
        mux.close()
        assert ", open=False>(port='cmux:" in repr(port)
        port.close()
        assert ", open=False>(port='cmux:" in repr(port)


# --- The line dies ---


def test_what_had_arrived_before_the_line_died_can_still_be_read() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        port.timeout = 10
        port.write(b"last words")
        assert port.read(5) == b"last "
        module.stop()
        assert port.read(5) == b"words"
        with pytest.raises(cmux.SessionEnded):
            port.read(1)
        mux.close()


# --- Threads, callbacks, finalizers, forks ---


def test_closing_from_one_of_its_own_threads_does_not_wait_for_itself() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        done = threading.Event()
        received = port._handle.buffer.feed

        def feed(data: bytes) -> None:
            received(data)
            mux.close()
            done.set()

        port._handle.buffer.feed = feed  # type: ignore[method-assign]
        port.write(b"x")
        assert done.wait(10)
        mux.close()  # waits for the thread that does it
        assert at_mode(module)
        assert bytes(module.raw).count(encode(Frame(1, True, FrameType.DISC, True))) == 1  # the answer was read


def test_a_finalizer_neither_waits_nor_takes_a_lock() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        port.fileno()
        with port._handle.condition, mux._engine._lock:  # what another thread might hold
            port._finalizing = True  # type: ignore[attr-defined]
            finished = threading.Thread(target=port.close)
            finished.start()
            finished.join(10)
            assert not finished.is_alive()
        mux.close()


def test_a_child_after_a_fork_has_a_dead_mux_and_says_nothing() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        said = in_a_child(lambda: port.write(b"from the child"), mux.close, port._handle.condition)
        assert said == f"SessionEnded: {module.path}: the multiplexer belongs to the parent process"
        port.timeout = 10
        port.write(b"still here")
        assert port.read(10) == b"still here"
        assert b"from the child" not in bytes(module.raw)
        assert CLD not in bytes(module.raw)


@pytest.mark.parametrize("of", ["mux", "channels", "core", "channel"])
def test_a_child_after_a_fork_does_not_wait_for_what_a_thread_of_the_parent_had_begun_on_a_closed_mux(of: str) -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        handle = mux.channel(1)._handle
        mux.close()
        locks: dict[str, AbstractContextManager[object]] = {
            "mux": mux._lock,
            "channels": mux._channels._lock,
            "core": mux._engine._lock,
            "channel": handle.condition,
        }
        said = in_a_child(lambda: mux.channel(1), mux.close, locks[of])
        assert said == f"SessionEnded: {module.path}: the multiplexer belongs to the parent process"


CALLS: dict[str, Callable[[cmux.Mux, cmux.VirtualUart], object]] = {
    "channel": lambda mux, port: mux.channel(2),
    "test": lambda mux, port: mux.test(b"?"),
    "negotiate": lambda mux, port: mux.negotiate(3, n1=31),
    "sleep": lambda mux, port: mux.sleep(),
    "wake": lambda mux, port: mux.wake(),
    "hold_all": lambda mux, port: mux.hold_all(),
    "wait_attached": lambda mux, port: mux.wait_attached(),
    "read": lambda mux, port: port.read(),
    "write": lambda mux, port: port.write(b"from the child"),
    "flush": lambda mux, port: port.flush(),
    "out_waiting": lambda mux, port: port.out_waiting,
    "send_break": lambda mux, port: port.send_break(),
    "rts": lambda mux, port: setattr(port, "rts", False),
    "cts": lambda mux, port: port.cts,
    "open": lambda mux, port: mux.port(2).open(),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_in_a_child_after_a_fork_says_that_the_multiplexer_is_the_parents(call: str) -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        reader = threading.Thread(target=lambda: port.read(10))
        reader.start()

        def close() -> None:
            port.reset_input_buffer()  # these three are no business of the peer
            assert port.in_waiting == 0
            port.baudrate = 1200
            port.cancel_read()
            port.close()
            mux.close()
            mux.stats()

        said = in_a_child(lambda: CALLS[call](mux, port), close, port._handle.condition)
        port.write(b"still here")
        reader.join()
        assert said == f"SessionEnded: {module.path}: the multiplexer belongs to the parent process"
        assert CLD not in bytes(module.raw)


def test_a_child_after_a_fork_serves_nobody_and_says_nothing() -> None:
    with Typist() as peer:
        mux = cmux.serve(peer.path, on_command=lambda command: "OK")
        peer.at("AT+CSQ", "OK")  # the thread of the callbacks is there
        multiplex(peer)
        open_1(peer)
        port = mux.accept()
        said = in_a_child(mux.accept, mux.close, port._handle.condition)
        assert said == f"SessionEnded: {peer.path}: the multiplexer belongs to the parent process"
        peer.type(HELLO)
        assert port.read(5) == b"hello"
        port.write(b"HELLO")
        peer.receives(HELLO_BACK)
        end(peer)
        peer.at("AT+CSQ", "OK")
        mux.close()
