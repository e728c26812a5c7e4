"""How the other end of a line ends, in whatever state, comes back, and is captured, in both shells."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from line_deaths import one_hang_up
from plugged import plugged
from shells import PATIENCE, QUICK, SHORT, Mux, Shell
from typed_frames import (
    ADVANCED_SABM_0,
    ADVANCED_UA_0,
    HELLO,
    HELLO_BACK,
    OWN_CLD,
    OWN_CLD_ANSWERED,
    OWN_DISC_1,
    OWN_DISC_1_ANSWERED,
    SABM_0,
    SABM_1,
    SABM_2,
    UA_0,
    advanced,
    basic,
)
from typist import Typist, end, multiplex, open_1

import cmux
from cmux.protocol.events import Cause

Serve = Callable[..., Mux]


# --- Its end, in whatever state ---


def in_at_mode(peer: Typist) -> None:
    peer.at("AT", "OK")


def in_a_line(peer: Typist) -> None:
    in_at_mode(peer)
    peer.type(b"AT+CM")


def without_sabm(peer: Typist) -> None:
    peer.at("AT+CMUX=0", "OK")


def with_a_channel(peer: Typist) -> None:
    multiplex(peer)
    open_1(peer)


def after_a_session(peer: Typist) -> None:
    multiplex(peer)
    open_1(peer)
    end(peer)


STATES: dict[str, tuple[Callable[[Typist], None], bytes, bytes]] = {
    "AT": (in_at_mode, b"", b""),
    "half a command": (in_a_line, b"", b""),
    "AT+CMUX": (without_sabm, b"", b""),
    "a session": (multiplex, OWN_CLD, OWN_CLD_ANSWERED),
    "a channel": (with_a_channel, OWN_DISC_1, OWN_DISC_1_ANSWERED),
    "after a session": (after_a_session, b"", b""),
}
"""How to come into a state, what is said on leaving it, and how that is answered."""


@pytest.mark.parametrize("state", STATES)
def test_closing_in_any_state_ends_what_there_is(shell: Shell, serve: Serve, peer: Typist, state: str) -> None:
    come, said, answer = STATES[state]
    mux = serve()
    come(peer)
    waiting = shell.start(mux.accept) if state != "a channel" else None
    closing = shell.start(mux.close)
    if said:
        peer.receives_until(said)
        peer.type(answer)
        if said == OWN_DISC_1:
            peer.receives_until(OWN_CLD)
            peer.type(OWN_CLD_ANSWERED)
    closing.result(PATIENCE)
    mux.close()
    assert mux.error.cause is Cause.LOCAL
    assert "closed" in repr(mux.mux)
    assert mux.back_in_at_mode is None  # that is no business of a responder
    if waiting is not None:
        with pytest.raises(cmux.SessionEnded):
            waiting.result(PATIENCE)


@pytest.mark.parametrize("state", STATES)
def test_a_line_that_dies_in_any_state_ends_everything(shell: Shell, serve: Serve, peer: Typist, state: str) -> None:
    come, _, _ = STATES[state]
    mux = serve()
    come(peer)
    calls: list[Future[object]] = []
    if state == "a channel":
        channel = mux.accept()
        calls.append(shell.start(channel.read, 1))
    calls.append(shell.start(mux.accept))
    peer.hang_up()
    for call in calls:
        with pytest.raises(cmux.SessionEnded) as caught:
            call.result(PATIENCE)
        assert one_hang_up(caught.value) == f"{mux.name}: hung up: end of file"
        assert caught.value.cause is Cause.LINE_LOST
    assert not mux.serving
    mux.close()


def test_a_peer_that_is_gone_is_left_after_a_bound(serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none", **QUICK)
    peer.type(SABM_0 + SABM_1)
    mux.accept().write(b"x")
    mux.close()  # and nobody answers
    assert mux.error.cause is Cause.LOCAL


def test_many_responders_in_a_row_leave_nothing(serve: Serve, peer: Typist) -> None:
    for _ in range(5):
        mux = serve(startup="none", **QUICK)
        peer.type(SABM_0 + SABM_1)
        assert mux.accept().dlci == 1
        mux.close()


FORGETS_TO_CLOSE = """
import cmux, sys
mux = cmux.serve(sys.argv[1], startup="none")
print("ready", flush=True)
mux.accept()
"""


def test_the_end_of_a_process_that_closed_nothing(peer: Typist) -> None:
    """On threads; what there is at the end of a loop has nobody left to wait for an answer."""
    with subprocess.Popen([sys.executable, "-c", FORGETS_TO_CLOSE, peer.path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        peer.type(SABM_0 + SABM_1)
        peer.receives_until(OWN_DISC_1)
        peer.type(OWN_DISC_1_ANSWERED)
        peer.receives_until(OWN_CLD)
        peer.type(OWN_CLD_ANSWERED)
        assert process.wait(PATIENCE) == 0


# --- Coming back ---


def test_a_line_that_comes_back_is_served_again_whatever_was_open(
    shell: Shell, soon: None, link: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = threading.Semaphore(0)

    def refuse(dlci: int) -> bool:
        if dlci == 61:
            asked.release()
        return dlci == 2

    with Typist() as first, plugged(link, first.path):
        mux = shell.serve(link, reattach=True, refuse=refuse)
        assert asked.acquire(timeout=PATIENCE)
        multiplex(first)
        open_1(first)
        channel = mux.accept()
        waiting = shell.start(mux.accept)
    with pytest.raises(cmux.SessionEnded):
        channel.read(1)
    assert asked.acquire(timeout=PATIENCE)  # after each session
    with Typist() as second, plugged(link, second.path):
        mux.wait_attached()
        assert (mux.error, mux.reattached, mux.serving) == (None, 1, True)
        multiplex(second)
        second.type(SABM_2)
        second.receives(basic("0B 1F 01"))
        open_1(second)
        again = waiting.result(PATIENCE)  # who waited has not noticed
        second.type(HELLO)
        assert (again.dlci, again.read(5)) == (1, b"hello")
    mux.close()
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings.count("attached again") == 1


# --- Captures ---


def test_a_capture_of_the_other_end_has_the_right_directions_and_follows_the_framing(
    serve: Serve, peer: Typist, tmp_path: Path
) -> None:
    path = tmp_path / "line.jsonl"
    mux = serve(capture=path)
    with_a_channel(peer)
    channel = mux.accept()
    peer.type(HELLO)
    channel.write(channel.read(5).upper())
    peer.receives(HELLO_BACK)
    end(peer)
    peer.at("AT+CMUX=1", "OK")
    peer.type(ADVANCED_SABM_0)
    peer.receives(ADVANCED_UA_0)
    peer.type(advanced("03 EF", "C3 01"))
    peer.receives(advanced("01 EF", "C1 01"))
    frames = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    seen = [(one["from"], one["option"], one["dlci"], one["type"], bytes.fromhex(one["info"])) for one in frames]
    assert seen == [
        ("host", "basic", 0, "SABM", b""),
        ("module", "basic", 0, "UA", b""),
        ("host", "basic", 1, "SABM", b""),
        ("module", "basic", 1, "UA", b""),
        ("module", "basic", 0, "UIH", bytes.fromhex("E3 05 07 8D")),
        ("host", "basic", 0, "UIH", bytes.fromhex("E1 05 07 8D")),
        ("host", "basic", 1, "UIH", b"hello"),
        ("module", "basic", 1, "UIH", b"HELLO"),
        ("host", "basic", 0, "UIH", bytes.fromhex("C3 01")),
        ("module", "basic", 0, "UIH", bytes.fromhex("C1 01")),
        ("host", "advanced", 0, "SABM", b""),
        ("module", "advanced", 0, "UA", b""),
        ("host", "advanced", 0, "UIH", bytes.fromhex("C3 01")),
        ("module", "advanced", 0, "UIH", bytes.fromhex("C1 01")),
    ]


def test_our_signals_are_told_again_when_the_peer_opens_a_channel_on_a_line_that_came_back(
    shell: Shell, soon: None, link: Path
) -> None:
    not_ready = basic("01 EF 09", "E3 05 07 89")
    with Typist() as first, plugged(link, first.path):
        mux = shell.serve(link, startup="none", reattach=True, **SHORT)
        first.type(SABM_0)
        first.receives(UA_0)
        open_1(first)
        mux.accept().set_signals(rtc=False)
        first.receives_until(not_ready)
    mux.until(lambda core: not core.session_open)
    with Typist() as second, plugged(link, second.path):
        mux.wait_attached()
        second.type(SABM_0)
        second.receives(UA_0)
        open_1(second)
        mux.channel(1)
        second.receives_until(not_ready)
        mux.close()
