"""The other end of a line for Linux: what its line discipline n_gsm (kernel 6.1) says, typed from observation of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from shells import Mux, Shell
from typed_frames import advanced, basic
from typist import Typist

import cmux
from cmux.protocol.commands import Signals

Serve = Callable[..., Mux]

# Its C/R bits follow the standard; P/F = 1 on SABM and DISC, 0 on UIH.
SABM = [basic("03 3F 01"), basic("07 3F 01"), basic("0B 3F 01")]
DISC = [basic("03 53 01"), basic("07 53 01"), basic("0B 53 01")]
UA = [basic("03 73 01"), basic("07 73 01"), basic("0B 73 01")]
DM_0 = basic("03 1F 01")
MSC_8D, MSC_8D_ANSWER = basic("03 EF 09", "E3 05 07 8D"), basic("01 EF 09", "E1 05 07 8D")
MSC_81, MSC_81_ANSWER = basic("03 EF 09", "E3 05 07 81"), basic("01 EF 09", "E1 05 07 81")
OWN_MSC, OWN_MSC_ANSWER = basic("01 EF 09", "E3 05 07 8D"), basic("03 EF 09", "E1 05 07 8D")
"""Without the responder's own MSC, right after its UA, a blocking open on Linux waits for ever."""


def to_multiplexer_mode(peer: Typist) -> None:
    """AT+CMUX is said by another program, with the echo of the tty still on; then the line discipline is set."""
    peer.at("AT+CMUX=0", "OK")


def open_1(peer: Typist) -> None:
    """Open /dev/gsmtty1: never PN, and two MSC at once."""
    peer.type(SABM[1])
    peer.receives(UA[1] + OWN_MSC)
    peer.type(OWN_MSC_ANSWER + MSC_8D + MSC_8D)
    peer.receives(MSC_8D_ANSWER * 2)


def echoes(peer: Typist, mux: Mux) -> bool:
    """Carry octets both ways on /dev/gsmtty1."""
    channel = mux.accept()
    peer.type(basic("07 EF 07", "61 74 0D"))
    assert channel.read(3) == b"at\r"
    channel.write(b"ok")
    peer.receives(basic("05 EF 05", "6F 6B"))
    return True


@pytest.mark.parametrize("startup", ["at", "none"])
def test_a_channel_from_its_opening_to_its_closing(serve: Serve, peer: Typist, startup: str) -> None:
    mux = serve(startup=startup)
    if startup == "at":
        to_multiplexer_mode(peer)
    peer.type(SABM[0])  # the moment that the line discipline is set
    peer.receives(UA[0])
    for _ in range(2):
        open_1(peer)
        assert mux.signals(1) == Signals()
        assert echoes(peer, mux)
        peer.type(DISC[1])
        peer.receives(UA[1])
        peer.type(MSC_81)  # for the channel that is closed by now
        peer.receives(MSC_81_ANSWER)
    peer.type(SABM[2])
    peer.receives(UA[2] + basic("01 EF 09", "E3 05 0B 8D"))
    assert mux.accept().dlci == 2
    assert mux.error is None


def test_the_ok_is_followed_by_a_sabm_before_anybody_has_looked(serve: Serve, peer: Typist) -> None:
    """Be ready before the OK leaves."""
    mux = serve()
    peer.type(b"AT+CMUX=0\r" + SABM[0])
    peer.receives(b"AT+CMUX=0\r\r\nOK\r\n" + UA[0])
    open_1(peer)
    assert echoes(peer, mux)


def test_an_echo_of_the_tty_before_the_line_discipline_is_set(serve: Serve, peer: Typist) -> None:
    mux = serve()
    to_multiplexer_mode(peer)
    peer.type(b"AT+CMUX=0\r\r\nOK\r\n" + SABM[0])
    peer.receives(UA[0])
    open_1(peer)
    assert echoes(peer, mux)


def test_each_repeated_sabm_is_answered(serve: Serve, peer: Typist) -> None:
    """T1 is 100 ms and N2 is 3: a slow line repeats what was answered."""
    mux = serve()
    to_multiplexer_mode(peer)
    for _ in range(4):
        peer.type(SABM[0])
        peer.receives(UA[0])
    open_1(peer)
    assert echoes(peer, mux)


def test_a_host_that_heard_nothing_gives_up_with_four_disc(serve: Serve, peer: Typist) -> None:
    """The first ends the session, so the rest is said to AT mode; what comes next is AT+CMUX again."""
    serve()
    to_multiplexer_mode(peer)
    peer.type(SABM[0] * 4 + DISC[0] * 4)
    peer.receives_until(UA[0] * 5)
    peer.type(b"\r")
    peer.receives_until(b"\r")
    to_multiplexer_mode(peer)
    peer.type(SABM[0])
    peer.receives(UA[0])


def test_without_at_mode_each_disc_is_answered(serve: Serve, peer: Typist) -> None:
    serve(startup="none")
    peer.type(SABM[0])
    peer.receives(UA[0])
    peer.type(DISC[0] * 4)
    peer.receives(UA[0] + DM_0 * 3)
    peer.type(SABM[0])
    peer.receives(UA[0])
    open_1(peer)


def test_an_msc_is_answered_as_often_as_it_comes(serve: Serve, peer: Typist) -> None:
    """An unanswered one is repeated every 340 ms, four times, and blocks every other command of Linux meanwhile."""
    serve(startup="none")
    peer.type(SABM[0])
    peer.receives(UA[0])
    open_1(peer)
    peer.type(MSC_8D * 5)
    peer.receives(MSC_8D_ANSWER * 5)


def test_a_detached_host_has_said_nothing_and_the_next_one_begins_with_sabm(
    shell: Shell, serve: Serve, peer: Typist
) -> None:
    mux = serve(startup="none")
    peer.type(SABM[0])
    peer.receives(UA[0])
    open_1(peer)
    assert echoes(peer, mux)
    waiting = shell.start(mux.accept)
    for _ in range(2):  # detached, attached
        peer.type(SABM[0])
        peer.receives(UA[0])
        assert not waiting.done()
    open_1(peer)
    channel = waiting.result()
    assert channel.dlci == 1
    channel.write(b"ok")
    peer.receives(basic("05 EF 05", "6F 6B"))
    assert mux.error is None


def test_in_the_advanced_option_it_sends_no_msc_at_all_and_answers(serve: Serve, peer: Typist) -> None:
    mux = serve()
    peer.at("AT+CMUX=1", "OK")
    peer.type(advanced("03 3F"))
    peer.receives(advanced("03 73"))
    peer.type(advanced("07 3F"))
    peer.receives(advanced("07 73") + advanced("01 EF", "E3 05 07 8D"))
    peer.type(advanced("03 EF", "E1 05 07 8D"))
    channel = mux.accept()
    assert mux.signals(1) is None
    peer.type(advanced("07 EF", "61 74 0D"))
    assert channel.read(3) == b"at\r"
    channel.write(b"\x11\x13\x91\x93")  # bare, these would stop and start its transmitter
    peer.receives(advanced("05 EF", "7D 31 7D 33 7D B1 7D B3"))


def test_what_it_is_told_about_flow_it_obeys_and_tells(serve: Serve, peer: Typist) -> None:
    """RTR = 0 in its MSC stops data here."""
    mux = serve(startup="none")
    peer.type(SABM[0])
    peer.receives(UA[0])
    open_1(peer)
    channel = mux.accept()
    peer.type(basic("03 EF 09", "E3 05 07 85"))
    peer.receives(basic("01 EF 09", "E1 05 07 85"))
    channel.write(b"ok")
    peer.type(MSC_8D)
    peer.receives(MSC_8D_ANSWER + basic("05 EF 05", "6F 6B"))
    peer.type(DISC[1])
    with pytest.raises(cmux.DlcClosed):
        channel.read(1)
