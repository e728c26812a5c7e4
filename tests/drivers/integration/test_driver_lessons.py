"""The 27 complaints of users about drivers for the family of the M10: each is a test here (C1 to C27).

Those that are about no command of it are shown on an LTE module, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
import serial
from chosen_behaviour import behaviour_of, may_change_form
from driver_lab import PATIENCE, Lab, Peer, QuickClock, every_lab, exactly, laboratory
from scripted_port import ERROR, OK, CommandPort, Conversation, exchange

import cmux
from cmux.protocol import Frame, FrameType, encode
from drivers.at import AtChannel, LinePattern
from drivers.emulator import Behaviour, EmulatedModule
from drivers.errors import AtTimeout, CommandError, SessionClosed, SessionFinished
from drivers.tcpip import Session, TcpipDriver, Transparent

__all__ = ["every_lab"]

Rows = list[tuple[int, str, bytes]]
CLAIM = ("AT+QIFGCNT=0", OK)
INDICATE = ("AT+QINDI=1", OK)
CONNECT_OK = OK + b"\r\nCONNECT OK\r\n"
OPEN = 'AT+QIOPEN="TCP", "10.0.0.1",80'
CLOSE = (("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"))
DEACT = ("AT+QIDEACT", b"\r\nDEACT OK\r\n")


def until(done: Callable[[], bool]) -> None:
    """Wait for something that the driver does by itself."""
    ticks = iter(range(10_000))
    while not done():
        assert next(ticks, None) is not None
        threading.Event().wait(0.001)


def play(*pairs: tuple[str, bytes], chunk: int = 65536, **options: object) -> tuple[Conversation, TcpipDriver]:
    talk = Conversation(exchange(*pairs), chunk=chunk)
    options = {"initialise": (), "receive": "bare", **options}
    return talk, TcpipDriver(talk.ports[1], **options)  # type: ignore[arg-type]


def test_c1_mode_commands_are_sent_in_ip_initial_and_read_where_they_are_refused(lab: Lab) -> None:
    left = lab.driver(1, 0)
    left.activate()
    left.release()
    left.close()
    with lab.driver(1, 0) as driver:  # QIMUX and QIMODE are refused now, but they are what they shall be
        assert driver.state() == "IP STATUS"
        assert b"AT+QIMUX=0\rAT+QISTAT\rAT+QIMUX?\r" in lab.heard(1)


@pytest.mark.requirement("S3.7")
def test_c2_qidnsip_follows_the_form_of_the_address_every_time(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        for host, form in (("127.0.0.1", None), ("www.quectel.com", b"1"), ("127.0.0.1", b"0")):
            driver.connect("TCP", host, echo_server.port).close()
            if form is not None:
                assert lab.heard(1).rpartition(b"AT+QIDNSIP=")[2][:1] == form
            may_change_form(driver)


def test_c3_one_notification_is_followed_until_nothing_is_left() -> None:
    rows = exchange(CLAIM, INDICATE, (OPEN, CONNECT_OK))
    rows += [
        (1, "<", b"\r\n+QIRDI: 0,1,0\r\n"),
        *exchange(
            ("AT+QIRD=0,1,0,1500", b"\r\n+QIRD: 10.0.0.1:80,TCP,3\r\none\r\nOK\r\n"),
            ("AT+QIRD=0,1,0,1500", b"\r\n+QIRD: 10.0.0.1:80,TCP,3\r\ntwo\r\nOK\r\n"),
            ("AT+QIRD=0,1,0,1500", OK),
            set_up=False,
        ),
    ]
    talk = Conversation(rows)
    driver = TcpipDriver(talk.ports[1], initialise=("QINDI",))
    session = driver.connect("TCP", "10.0.0.1", 80)
    assert exactly(session, 6) == b"onetwo"
    talk.finish()
    talk.ports[1].die()
    driver.close()


def test_c4_the_index_is_given_and_further_fields_of_the_notification_do_no_harm() -> None:
    rows = exchange(
        CLAIM,
        INDICATE,
        ("AT+QIMUX=1", OK),
        ('AT+QIOPEN=0,"TCP", "10.0.0.1",80', OK + b"\r\n0, CONNECT OK\r\n"),
    )
    rows += [
        (1, "<", b"\r\n+QIRDI: 0,1,0,1,3,3\r\n"),
        *exchange(
            ("AT+QIRD=0,1,0,1500", b"\r\n+QIRD: 10.0.0.1:80,TCP,3\r\nabc\r\nOK\r\n"),
            ("AT+QIRD=0,1,0,1500", OK),
            ("AT+QISRVC=1", OK),
            ("AT+QISACK=0", b"\r\n+QISACK: 0, 0, 0\r\n" + OK),
            set_up=False,
        ),
    ]
    talk = Conversation(rows)
    driver = TcpipDriver(talk.ports[1], muxip=True, initialise=("QINDI", "QIMUX"))
    session = driver.connect("TCP", "10.0.0.1", 80)
    assert exactly(session, 3) == b"abc"
    until(lambda: talk.ports[1].written.count(b"AT+QIRD") == 2)
    assert session.acknowledged().sent == 0
    talk.ports[1].die()
    driver.close()


@pytest.mark.parametrize("already", ["alone", "after_ok", "then_error"])
def test_c5_already_connect_means_to_close_first(echo_server: Peer, already: str) -> None:
    with laboratory(Behaviour(already_connect=already)) as lab:  # type: ignore[arg-type]
        with AtChannel(lab.mux.channel(1)) as dead_host:
            dead_host.command("AT+QIFGCNT=0")
            asking = f'AT+QIOPEN="TCP", "127.0.0.1",{echo_server.port}'
            dead_host.command(asking, success=(LinePattern("CONNECT OK"),), timeout=PATIENCE)
        with lab.driver(1, 0) as driver:
            session = driver.connect("TCP", "127.0.0.1", echo_server.port)
            assert b"ALREADY CONNECT" in lab.sent(1)
            session.sendall(b"a session of its own")
            assert exactly(session, 20) == b"a session of its own"
            assert driver.state() == "CONNECT OK"  # whatever was added to it is not taken for an answer


@pytest.mark.parametrize("receive", ["buffered", "header"])
def test_c6_closed_inside_the_data_is_data(lab: Lab, echo_server: Peer, receive: str) -> None:
    text = b"\r\nCLOSED\r\n\r\n0, CLOSED\r\n\r\n+PDP DEACT\r\n" * 100
    with lab.driver(1, 0, receive=receive) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(text)
        assert exactly(session, len(text)) == text
        assert session.open


def test_c7_answers_of_many_threads_do_not_mix(every_lab: Lab, echo_server: Peer) -> None:
    with every_lab.driver(1, 0, several=True) as driver:
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for _ in range(4)]
        wrong: list[object] = []

        def work(number: int) -> None:
            session = sessions[number]
            for n in range(20):
                text = b"%d:%d;" % (number, n) * 10
                session.sendall(text)
                got = exactly(session, len(text))
                if got != text or session.acknowledged().sent != session_total(number, n):
                    wrong.append((text, got))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def session_total(number: int, last: int) -> int:
    return sum(len(b"%d:%d;" % (number, n)) * 10 for n in range(last + 1))


def test_c8_no_command_before_the_result_of_the_one_before_it(every_lab: Lab, echo_server: Peer) -> None:
    with every_lab.driver(1, 0) as driver:
        driver.connect("TCP", "127.0.0.1", echo_server.port).close()
    pending = 0
    for direction, octets in every_lab.octets[1]:
        if direction == "received":
            assert pending == 0, octets
            pending = 1
        else:
            pending = 0


def test_c9_nul_octets_are_data_and_nothing_is_nothing(every_lab: Lab, echo_server: Peer) -> None:
    with every_lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(bytes(10))
        assert exactly(session, 10) == bytes(10)
        session.settimeout(0.01)
        with pytest.raises(TimeoutError):
            session.recv(1)


def test_c10_what_is_so_already_is_success() -> None:
    talk, driver = play(
        CLAIM,
        ("AT+QIREGAPP", ERROR),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP START\r\n"),
        ("AT+QIACT", OK),
        ("AT+QILOCIP", b"\r\n10.0.0.7\r\n"),
        ("AT+QISERVER", OK + b"\r\nSERVER OK\r\n"),
        DEACT,
    )
    driver.listen(step_by_step=True)  # QILOCIP stands before QISERVER
    driver.close()
    talk.finish()


@pytest.mark.requirement("S3.37")
def test_c11_promised_octets_are_delivered_in_full_and_not_echoed(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"e" * 1460)
        assert exactly(session, 1460) == b"e" * 1460
        assert "AT+QISDE=0" in lab.commands(1)
        assert b"\r\n> \r\nSEND OK\r\n" in lab.sent(1)  # nothing in between


@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_c12_lines_in_pieces_and_answers_that_look_like_news(chunk: int) -> None:
    talk, driver = play(
        CLAIM,
        ("AT+QINDI=0", OK),
        ("AT+QIHEAD=1", OK),
        (OPEN, CONNECT_OK),
        ("AT+CREG?", b"\r\n+CREG: 0,1\r\n\r\nCLOSED\r\n" + OK),
        DEACT,
        chunk=chunk,
        receive="header",
        initialise=("QINDI",),
    )
    session = driver.connect("TCP", "10.0.0.1", 80)
    assert driver.channel.command("AT+CREG?").lines == ("+CREG: 0,1",)
    session.settimeout(PATIENCE)
    assert session.recv(1) == b""
    driver.close()
    talk.finish()


def test_c13_the_reader_never_waits_for_the_program(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, receive="header") as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        for _ in range(100):
            session.sendall(bytes(1460))  # nobody reads
            assert driver.state() == "CONNECT OK"
        assert len(exactly(session, 146_000)) == 146_000


@pytest.mark.parametrize("receive", ["buffered", "header"])
def test_c14_the_last_piece_before_the_end_is_delivered(lab: Lab, receive: str) -> None:
    with (
        Peer(lambda connection: connection.sendall(b"last words")) as peer,
        lab.driver(1, 0, receive=receive) as driver,
    ):
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        assert exactly(session, 10) == b"last words"
        assert session.recv(1) == b""


CLOSED = b"\r\nCLOSED\r\n"
SERVICE = ("AT+QISRVC=1", OK)
MINE = ("AT+QIFGCNT?", b"\r\n+QIFGCNT: 0,0\r\n" + OK)


@pytest.mark.parametrize(
    ("doing", "more"),
    [
        (lambda session, driver: session.sendall(b"hi"), [SERVICE, ("AT+QISEND=2", CLOSED + ERROR), MINE]),
        (lambda session, driver: session.sendall(b"hi"), [SERVICE, ("AT+QISEND=2", ERROR + CLOSED), MINE]),
        (lambda session, driver: session.sendall(b"hi"), [("AT+QISRVC=1", CLOSED + OK), ("AT+QISEND=2", ERROR), MINE]),
        (lambda session, driver: session.acknowledged(), [SERVICE, ("AT+QISACK", CLOSED + ERROR), MINE]),
        (lambda session, driver: driver.state(), [("AT+QISTAT", OK + CLOSED + b"\r\nSTATE: IP CLOSE\r\n")]),
        (lambda session, driver: driver.state(), [("AT+QISTAT", CLOSED + OK + b"\r\nSTATE: IP CLOSE\r\n")]),
        (lambda session, driver: session.close(), [("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + CLOSED + OK)]),
        (lambda session, driver: session.close(), [CLOSE[0], ("AT+QICLOSE", CLOSED + ERROR)]),
        (lambda session, driver: driver.channel.command("AT"), [("AT", CLOSED + OK)]),
    ],
)
def test_c15_closed_is_heard_in_every_state(doing: Callable[[Session, TcpipDriver], object], more: Rows) -> None:
    again = ("AT+QIFGCNT=0", OK)
    tail = [again, DEACT] if MINE in more else [DEACT]
    talk, driver = play(CLAIM, (OPEN, CONNECT_OK), *more, *tail)  # type: ignore[misc, arg-type]
    session = driver.connect("TCP", "10.0.0.1", 80)
    with suppress(SessionClosed, CommandError):
        doing(session, driver)
    until(lambda: not session.open)
    if not session.closed:
        session.settimeout(PATIENCE)
        assert session.recv(1) == b""
    driver.close()
    talk.finish()


def test_c16_news_between_the_prompt_and_its_answer_is_heard() -> None:
    rows = exchange(CLAIM, INDICATE, (OPEN, CONNECT_OK), ("AT+QISRVC=1", OK))
    rows += [
        (1, ">", b"AT+QISEND=2\r"),
        (1, "<", b"\r\n+QIRDI: 0,1,0\r\n\r\n> "),
        (1, ">", b"hi"),
        (1, "<", b"hi\r\n+CREG: 5\r\n\r\nSEND OK\r\n"),
        *exchange(
            ("AT+QIRD=0,1,0,1500", b"\r\n+QIRD: 10.0.0.1:80,TCP,5\r\nthere\r\nOK\r\n"),
            ("AT+QIRD=0,1,0,1500", OK),
            set_up=False,
        ),
    ]
    talk = Conversation(rows)
    driver = TcpipDriver(talk.ports[1], initialise=("QINDI",))
    session = driver.connect("TCP", "10.0.0.1", 80)
    session.sendall(b"hi")
    assert exactly(session, 5) == b"there"
    talk.finish()
    talk.ports[1].die()
    driver.close()


def test_c17_closed_ends_the_wait_for_send_ok() -> None:
    rows = exchange(CLAIM, (OPEN, CONNECT_OK), ("AT+QISRVC=1", OK), ("AT+QISEND=2", b"\r\n> "))
    rows += [(1, ">", b"hi"), (1, "<", b"hi\r\nCLOSED\r\n\r\nSEND FAIL\r\n"), *exchange(DEACT, set_up=False)]
    talk = Conversation(rows)
    driver = TcpipDriver(talk.ports[1], receive="bare", initialise=())
    session = driver.connect("TCP", "10.0.0.1", 80)
    with pytest.raises(SessionFinished):
        session.sendall(b"hi")
    driver.close()
    talk.finish()


def test_c18_an_error_of_qiclose_frees_the_session_all_the_same() -> None:
    talk, driver = play(CLAIM, (OPEN, CONNECT_OK), CLOSE[0], ("AT+QICLOSE", ERROR), (OPEN, CONNECT_OK), *CLOSE, DEACT)
    driver.connect("TCP", "10.0.0.1", 80).close()
    driver.connect("TCP", "10.0.0.1", 80).close()
    driver.close()
    talk.finish()


@pytest.mark.requirement("S3.25", "S3.28")
def test_c19_plus_signs_that_are_not_heard_are_repeated(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(10.0)) as lab, lab.driver(1, 0, transparent=Transparent()) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        port = lab.mux.channel(1)
        lost: list[bytes] = []
        write = port.write

        def unheard(data: bytes) -> int | None:
            if data == b"+++" and not lost:
                lost.append(data)
                return len(data)
            return write(data)

        port.write = unheard  # type: ignore[method-assign, assignment]
        try:
            driver.escape()
            assert driver.channel.command("AT").final == "OK"
            driver.resume()
        finally:
            del port.write  # type: ignore[method-assign]
        assert lost
        session.settimeout(100)
        session.sendall(b"on")
        assert session.recv(2)


def test_c20_frames_are_no_messages() -> None:
    with (
        EmulatedModule(n1=8, behaviour=behaviour_of()) as module,
        cmux.open(module.serve_pty(), n1=8) as mux,
        Peer(lambda connection: connection.sendall(connection.recv(100))) as peer,
        TcpipDriver(mux.channel(1), 0) as driver,
    ):
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        session.sendall(b"many small frames")
        assert exactly(session, 17) == b"many small frames"


@pytest.mark.requirement("S8.1")
def test_c21_a_module_that_still_multiplexes_is_closed_down_first(echo_server: Peer) -> None:
    with EmulatedModule(behaviour=behaviour_of()) as module:
        path = module.serve_pty()
        with serial.Serial(path, timeout=PATIENCE) as dead_host:  # goes without DISC and CLD
            dead_host.write(b"ATE0\r")
            assert dead_host.read_until(OK)
            dead_host.write(b"AT+CMUX=0\r")
            assert dead_host.read_until(OK)
            dead_host.write(encode(Frame(0, True, FrameType.SABM, True)))
            assert dead_host.read(1)
        for _ in range(2):
            with cmux.open(path) as mux, TcpipDriver(mux.channel(1), 0) as driver:
                session = driver.connect("TCP", "127.0.0.1", echo_server.port)
                session.sendall(b"here")
                assert exactly(session, 4) == b"here"


def test_c22_a_sabm_that_is_not_heard_right_after_ok_is_repeated(echo_server: Peer) -> None:
    sabm = encode(Frame(0, True, FrameType.SABM, True)).strip(b"\xf9")
    unheard: list[bytes] = []

    class LosesFirstSabm(serial.Serial):
        """A line on which the first SABM is lost."""

        def write(self, data: bytes, /) -> int | None:
            if sabm in data and not unheard:
                unheard.append(bytes(data))
                return len(data)
            return super().write(data)

    with (
        EmulatedModule(behaviour=behaviour_of()) as module,
        LosesFirstSabm(module.serve_pty()) as port,
        cmux.open(port) as mux,
        TcpipDriver(mux.channel(1), 0) as driver,
    ):
        assert unheard
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"here")
        assert exactly(session, 4) == b"here"


@pytest.mark.requirement("S2.7", "S8.4")
def test_c23_news_of_a_context_come_on_the_channel_that_owns_it(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(2, 0) as one, lab.driver(3, 1) as two:
        for uart, driver in ((2, one), (3, two)):
            session = driver.connect("TCP", "127.0.0.1", echo_server.port)
            session.sendall(b"mine")
            assert exactly(session, 4) == b"mine"
            lab.wait_for(uart, b"\r\n+QIRDI: %d,1,0\r\n" % driver.context)
            assert b"+QIRDI: %d" % (1 - driver.context) not in lab.sent(uart)
        assert lab.sent(1) == b""


@pytest.mark.parametrize("answer", [b"\r\nCLOSE OK\r\n", b"\r\n0, CLOSE OK\r\n"])
@pytest.mark.parametrize("muxip", [False, True])
def test_c24_close_ok_with_and_without_an_index(answer: bytes, muxip: bool) -> None:
    index = "0," if muxip else ""
    mux = [("AT+QIMUX=1", OK)] if muxip else []
    connected = OK + (b"\r\n0, CONNECT OK\r\n" if muxip else b"\r\nCONNECT OK\r\n")
    talk, driver = play(
        CLAIM,
        *mux,
        (
            f'AT+QIOPEN={index}"TCP", "10.0.0.1",80',
            connected,
        ),
        CLOSE[0],
        ("AT+QICLOSE=0" if muxip else "AT+QICLOSE", answer),
        DEACT,
        muxip=muxip,
        receive="header" if muxip else "bare",
    )
    driver.connect("TCP", "10.0.0.1", 80).close()
    driver.close()
    talk.finish()


def test_c25_only_forms_of_this_family_are_sent(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, muxip=True) as driver:
        listener = driver.listen()
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.acknowledged()
        driver.state()
        listener.status()
        session.close()
    assert b"ERROR" not in lab.sent(1)


def test_c26_commands_beside_the_stack_are_not_needed(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        driver.connect("TCP", "127.0.0.1", echo_server.port).close()
    assert all(text.startswith(("AT+QI", "ATE0")) for text in lab.commands(1))


@pytest.mark.requirement("S3.4")
def test_c27_the_access_point_is_told_before_the_context_is_activated(lab: Lab) -> None:
    with lab.driver(1, 0) as driver:
        driver.activate()
    heard = lab.heard(1)
    assert heard.index(b"AT+QICSGP=1") < heard.index(b"AT+QIREGAPP") < heard.index(b"AT+QIACT")


def test_a_command_that_was_not_answered_in_time_is_followed_by_a_resynchronisation() -> None:
    """C7, C8: its answer, when it comes after all, is not taken for that of the next command."""
    late = threading.Event()
    port: CommandPort

    def answer(text: str) -> bytes:
        if text == "AT+CSQ" and not late.is_set():
            late.set()
            return b""
        if text.startswith("ATE"):
            return text.encode() + b"\r" + (b"\r\n+CSQ: 31,0\r\n" + OK if text == "ATE1" else OK)
        return b"\r\n+CSQ: 10,0\r\n" + OK

    port = CommandPort(answer)
    with AtChannel(port, clock=QuickClock(50.0)) as channel:
        with pytest.raises(AtTimeout):
            channel.command("AT+CSQ")
        assert channel.command("AT+CSQ").lines == ("+CSQ: 10,0",)
