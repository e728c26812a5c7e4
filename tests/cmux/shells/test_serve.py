"""The other end of a line in both shells, against a peer that is typed by hand, octet by octet."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
import serial
from joined import joined
from shells import PATIENCE, AioShell, Mux, Shell, ThreadShell
from typed_frames import (
    ADVANCED_SABM_0,
    ADVANCED_UA_0,
    CLD,
    CLD_ANSWER,
    DISC_0,
    DISC_1,
    DM_1,
    HELLO,
    HELLO_BACK,
    OWN_DISC_1,
    OWN_DISC_1_ANSWERED,
    OWN_MSC_2,
    SABM_0,
    SABM_1,
    SABM_2,
    UA_0,
    UA_2,
    advanced,
    basic,
)
from typist import Typist, end, multiplex, open_1

import cmux
from cmux.protocol import Config, Option, Role, bounds, responder
from cmux.protocol.events import Cause

Serve = Callable[..., Mux]


# --- Sessions ---


def test_a_session_from_at_mode_and_back_and_the_next_one(serve: Serve, peer: Typist) -> None:
    mux = serve()
    assert (mux.role, mux.serving, mux.error) == (Role.RESPONDER, True, None)
    peer.at("AT", "OK")
    multiplex(peer)
    open_1(peer)
    channel = mux.accept()
    peer.type(HELLO)
    assert channel.read(5) == b"hello"
    channel.write(b"HELLO")
    peer.receives(HELLO_BACK)
    end(peer)
    with pytest.raises(cmux.DlcClosed):
        channel.read(1)
    peer.at("AT", "OK")
    peer.at("AT+CMUX=1", "OK")
    peer.type(ADVANCED_SABM_0)
    peer.receives(ADVANCED_UA_0)
    assert mux.config.option is Option.ADVANCED
    assert mux.config.n1 == Config(option=Option.ADVANCED).n1
    peer.type(advanced("07 3F"))
    assert mux.accept().dlci == 1
    assert mux.error is None


ENDS = {CLD: "the peer closed the multiplexer down (CLD)", DISC_0: "the peer closed it"}


@pytest.mark.clause("5.8.1", "5.8.2")
@pytest.mark.parametrize("goodbye", ENDS, ids=["CLD", "DISC 0"])
@pytest.mark.parametrize("startup", ["at", "none"])
def test_after_the_end_of_a_session_it_waits_for_the_next(
    shell: Shell, serve: Serve, peer: Typist, goodbye: bytes, startup: str
) -> None:
    mux = serve(startup=startup)
    for _ in range(2):
        if startup == "at":
            peer.at("AT+CMUX=0", "OK")
        peer.type(SABM_0)
        peer.receives(UA_0)
        open_1(peer)
        channel = mux.accept()
        waiting = shell.start(channel.read, 1)
        peer.type(goodbye)
        with pytest.raises(cmux.DlcClosed) as caught:
            waiting.result(PATIENCE)
        peer.receives_until(CLD_ANSWER if goodbye is CLD else UA_0)
        assert (str(caught.value), caught.value.cause) == (f"DLCI 1: {ENDS[goodbye]}", Cause.SESSION)
    assert mux.error is None
    assert mux.serving


def test_a_peer_that_came_back_begins_a_new_session_on_one_that_is_open(serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none")
    peer.type(SABM_0)
    peer.receives(UA_0)
    open_1(peer)
    channel = mux.accept()
    peer.type(SABM_0)
    with pytest.raises(cmux.DlcClosed):
        channel.read(1)
    peer.receives_until(UA_0)
    open_1(peer)
    again = mux.accept()
    peer.type(HELLO)
    assert again.read(5) == b"hello"


def test_a_silent_peer_is_found_dead_and_the_next_one_finds_at_mode(shell: Shell, serve: Serve, peer: Typist) -> None:
    mux = serve(keep_alive="test", keep_alive_interval=0.5, t1=0.05, t2=0.1, n2=0)
    reading = shell.start(lambda: mux.accept().read(1))
    multiplex(peer)
    open_1(peer)
    with pytest.raises(cmux.DlcClosed, match="DLCI 1: the peer did not answer 1 keep-alive question"):
        reading.result(PATIENCE)
    mux.until(lambda core: not mux_link(mux).multiplexing)
    peer.type(b"\rAT\r")
    peer.receives_until(b"\r\nOK\r\n")
    assert mux.error is None
    multiplex(peer)


def mux_link(mux: Mux) -> responder.Responder:
    assert isinstance(mux.link, responder.Responder)
    return mux.link


def test_a_peer_that_says_at_cmux_and_no_more_finds_at_mode_again(
    serve: Serve, peer: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responder, "SABM_WAIT", 0.05)
    mux = serve()
    peer.at("AT+CMUX=0", "OK")
    mux.until(lambda core: not mux_link(mux).multiplexing)
    peer.at("AT", "OK")


@pytest.mark.clause("5.4.6.3.8")
def test_a_message_that_nobody_knows_is_answered_with_nsc(serve: Serve, peer: Typist) -> None:
    """With this all eleven messages have been on the line, see test_pair_services."""
    serve(startup="none")
    peer.type(SABM_0 + basic("03 EF 05", "FF 01"))
    peer.receives(UA_0 + basic("01 EF 07", "11 03 FF"))


def test_a_line_without_a_descriptor(serve: Serve, peer: Typist) -> None:
    class Port(serial.Serial):
        pass

    mux = serve(Port(peer.path, timeout=0.01))
    multiplex(peer)
    open_1(peer)
    peer.type(HELLO)
    assert mux.accept().read(5) == b"hello"


# --- accept ---


def test_channels_are_handed_out_in_the_order_in_which_they_were_opened(
    shell: Shell, serve: Serve, peer: Typist
) -> None:
    mux = serve(startup="none")
    waiting = shell.start(mux.accept)
    peer.type(SABM_0 + SABM_2 + SABM_1)
    assert waiting.result(PATIENCE).dlci == 2
    assert mux.accept().dlci == 1


def test_each_of_those_who_wait_gets_another_one(shell: Shell, serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none")
    waiting = [shell.start(mux.accept) for _ in range(61)]
    peer.type(SABM_0 + b"".join(basic(f"{dlci << 2 | 3:02X} 3F 01") for dlci in range(1, 62)))
    assert sorted(accepting.result(PATIENCE).dlci for accepting in waiting) == list(range(1, 62))


def test_a_channel_that_was_closed_and_is_opened_again_comes_again(serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none")
    peer.type(SABM_0)
    for _ in range(3):
        peer.type(SABM_1)
        channel = mux.accept()
        peer.type(HELLO)
        assert channel.read(5) == b"hello"
        peer.type(DISC_1)
        with pytest.raises(cmux.DlcClosed, match="DLCI 1: the peer closed it"):
            channel.read(1)


def test_a_channel_that_this_side_closed_comes_again(shell: Shell, serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none")
    peer.type(SABM_0 + SABM_1)
    channel = mux.accept()
    closing = shell.start(channel.close)
    peer.receives_until(OWN_DISC_1)
    peer.type(OWN_DISC_1_ANSWERED)
    closing.result(PATIENCE)
    peer.type(SABM_1 + HELLO)
    assert mux.accept().read(5) == b"hello"


def test_one_that_was_closed_before_anybody_took_it_is_not_handed_out(serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none")
    peer.type(SABM_0 + SABM_1 + HELLO + DISC_1 + SABM_2)
    assert mux.accept().dlci == 2
    peer.type(SABM_1)
    assert mux.accept().waiting() == 0  # nor are its octets


def test_one_that_somebody_asked_for_by_its_number_is_not_handed_out(serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none")
    peer.type(SABM_0 + SABM_1)
    mux.until(lambda core: core.is_open(1))
    taken = mux.channel(1)
    peer.type(SABM_2 + HELLO)
    assert mux.accept().dlci == 2
    assert taken.read(5) == b"hello"


def test_waiting_can_be_bounded(shell: Shell, serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none")
    if isinstance(shell, AioShell):
        with pytest.raises(TimeoutError):
            shell.run(asyncio.wait_for(mux.mux.accept(), 0.01))
    else:
        with pytest.raises(cmux.AcceptTimeout) as caught:
            mux.mux.accept(0.01)
        assert str(caught.value) == f"{peer.path}: the peer opened no channel within 0.01 s"
    peer.type(SABM_0 + SABM_1)
    assert mux.accept().dlci == 1  # nothing was taken by who gave up


def test_what_comes_on_a_channel_that_nobody_takes_stops_the_peer(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "RECEIVE_HIGH", 1000)
    host, sent = ThreadShell(), bytes(range(256)) * 400
    with joined(host, shell, startup="none") as pair:
        sender = pair.host.channel(1)
        writing = host.start(sender.write, sent)
        pair.host.until(lambda core: core.signals(1) is not None and core.signals(1).fc)
        assert not writing.done()
        assert pair.module.accept().read(len(sent)) == sent
        writing.result(PATIENCE)
        assert pair.module.stats()["received_discarded"] == 0
    host.close()


def test_of_a_peer_that_does_not_stop_no_more_is_kept_than_there_is_room_for(
    serve: Serve, peer: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "RECEIVE_HIGH", 100)
    monkeypatch.setattr(bounds, "RECEIVE_LIMIT", 203)
    mux = serve(startup="none")
    peer.type(SABM_0 + SABM_1 + HELLO * 100 + SABM_2)
    mux.until(lambda core: core.is_open(2))
    assert mux.accept().dlci == 1
    assert mux.accept().dlci == 2
    assert mux.stats()["received_discarded"] == 500 - 203
    assert mux.channel(1).read(203) == (b"hello" * 41)[:203]


# --- Who is refused ---


def test_channels_are_refused_by_a_list(serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none", refuse=[1, 3])
    peer.type(SABM_0 + SABM_1 + SABM_2)
    peer.receives(UA_0 + DM_1 + UA_2 + OWN_MSC_2)
    assert mux.accept().dlci == 2


def test_channels_that_are_not_named_are_refused(serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none", channels=[2])
    peer.type(SABM_0 + SABM_1 + SABM_2)
    peer.receives(UA_0 + DM_1 + UA_2 + OWN_MSC_2)
    assert mux.accept().dlci == 2


@pytest.mark.parametrize("refuse", [5, None])
def test_a_refusal_is_a_function_or_numbers(serve: Serve, refuse: object) -> None:
    with pytest.raises(cmux.ConfigError, match=f"refuse={refuse!r} is neither a function nor a collection of DLCIs"):
        serve(refuse=refuse)


@pytest.mark.clause("5.6")
def test_reserved_numbers_are_channels_where_they_are_allowed(serve: Serve, peer: Typist) -> None:
    mux = serve(startup="none", reserved_dlcis=True, refuse=[62])
    peer.type(SABM_0 + basic("FB 3F 01") + basic("FF 3F 01"))
    peer.receives(UA_0 + basic("FB 1F 01"))
    assert mux.accept().dlci == 63


def test_channels_are_refused_by_a_function_that_is_asked_again_after_each_session(
    serve: Serve, peer: Typist, caplog: pytest.LogCaptureFixture
) -> None:
    refused, asked = [1], threading.Semaphore(0)

    def refuse(dlci: int) -> bool:
        if dlci == 1:
            asked.release()
        return refused.index(dlci) >= 0 if refused == ["nobody knows"] else dlci in refused

    def ended() -> None:
        end(peer)
        assert asked.acquire(timeout=PATIENCE)
        mux.callbacks_done()
        peer.type(SABM_0)
        peer.receives(UA_0)

    mux = serve(startup="none", refuse=refuse)
    assert asked.acquire(timeout=PATIENCE)
    peer.type(SABM_0 + SABM_1)
    peer.receives(UA_0 + DM_1)
    refused.clear()
    peer.type(SABM_1)
    peer.receives(DM_1)  # within a session it stays
    ended()
    open_1(peer)
    refused.append("nobody knows")  # type: ignore[arg-type]
    assert "a callback failed" not in caplog.text
    ended()
    assert "a callback failed" in caplog.text
    open_1(peer)  # what held before holds
    assert mux.accept().dlci == 1
