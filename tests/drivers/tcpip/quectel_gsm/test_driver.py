"""The driver's procedures against scripts: what is sent in which case, and what every answer means."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from driver_lab import exactly
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_port import ERROR, OK, Conversation, exchange, turn_until_done

from drivers.clock import FakeClock
from drivers.errors import (
    AtTimeout,
    ChannelClosed,
    CommandError,
    ConnectFailed,
    ContextInactive,
    ReceiveOverflow,
    SendFailed,
    SessionClosed,
    SessionTimeout,
    SettingRefused,
    TcpipError,
)
from drivers.tcpip import Session, TcpipDriver
from drivers.tcpip.core.socket_state import SocketId, SocketState

Rows = list[tuple[int, str, bytes]]
CLAIM = ("AT+QIFGCNT=0", OK)
SERVER_OK = OK + b"\r\nSERVER OK\r\n"
CONNECT_OK = OK + b"\r\nCONNECT OK\r\n"
OPEN = 'AT+QIOPEN="TCP", "10.0.0.1",80'
MINE = ("AT+QIFGCNT?", b"\r\n+QIFGCNT: 0,0\r\n" + OK)
DEACT = ("AT+QIDEACT", b"\r\nDEACT OK\r\n")


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class Play:
    """A driver on one scripted UART."""

    def __init__(self, rows: Rows, clock: FakeClock | None = None, **options: object) -> None:
        self.talk = Conversation(rows)
        self.port = self.talk.ports[1]
        options = {"receive": "bare", "initialise": (), **options}
        self.driver = TcpipDriver(self.port, clock=clock, **options)  # type: ignore[arg-type]

    def finish(self) -> None:
        self.driver.close()
        self.talk.finish()


def connected(*more: tuple[str, bytes], **options: object) -> tuple[Play, Session]:
    head = [("AT+QIHEAD=1", OK)] if options.get("receive") == "header" else []
    play = Play(exchange(CLAIM, *head, (OPEN, CONNECT_OK), *more), **options)  # type: ignore[arg-type]
    return play, play.driver.connect("TCP", "10.0.0.1", 80)


# -- what the constructor refuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"context": 2}, "0 or 1, not 2"),
        ({"context": -1}, "0 or 1, not -1"),
        ({"apn": 'CM"NET'}, "contains a quote"),
        ({"apn": "CMNET\r"}, "contains CR"),
        ({"apn": "CMNET\nAT"}, "contains LF"),
        ({"apn": "CM\x1aNET"}, r"U\+001A"),
        ({"apn": ""}, "APN is empty"),
        ({"user": 'a"b'}, "user name contains a quote"),
        ({"password": "\r"}, "password contains CR"),
        ({"apn": "x" * 101}, "101 characters"),
        ({"receive": "raw"}, "receive is one of"),
        ({"initialise": ("QIFOO",)}, "not QIFOO"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_sent(options: dict[str, object], fact: str) -> None:
    with pytest.raises(ValueError, match=fact):
        Play(exchange(), **options)


@pytest.mark.parametrize("host", ['a"b', "a\rb", "a\nb", "", "é.example"])
def test_a_host_that_cannot_stand_in_a_command_is_refused(host: str) -> None:
    play = Play(exchange())
    with pytest.raises(ValueError, match="host"):
        play.driver.connect("TCP", host, 80)
    assert play.port.written == b""
    play.driver.close()


@pytest.mark.parametrize(("protocol", "port"), [("SCTP", 80), ("TCP", 0), ("TCP", 65536)])
def test_a_protocol_or_port_that_does_not_exist_is_refused(protocol: str, port: int) -> None:
    play = Play(exchange())
    with pytest.raises(ValueError, match=r"TCP|1 to 65535"):
        play.driver.connect(protocol, "10.0.0.1", port)
    play.driver.close()


# -- claiming --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3.2", "S3.4", "S3.5", "S3.6", "S3.7")
def test_a_claim_sends_the_foreground_context_and_then_all_settings() -> None:
    names = ("QIMUX=0", "QIMODE=0", "QIDNSIP=0", "QISDE=0", "QINDI=1", "QIHEAD=0", "QISHOWRA=0", "QISHOWLA=0")
    names += ("QISHOWPT=0",)
    rows = exchange(CLAIM, ('AT+QICSGP=1,"CMNET"', OK), *((f"AT+{name}", OK) for name in names))
    talk = Conversation(rows)
    with TcpipDriver(talk.ports[1]):
        talk.finish()


def test_bare_data_is_asked_for_because_an_earlier_driver_may_have_set_headers() -> None:
    rows = exchange(CLAIM, ("AT+QISDE=0", OK), ("AT+QIHEAD=0", OK))
    play = Play(rows, receive="bare", initialise=("QISDE", "QIHEAD"))
    play.driver.claim()
    play.finish()


def test_user_and_password_are_sent_where_there_are_such() -> None:
    rows = exchange(CLAIM, ('AT+QICSGP=1,"internet","me","secret"', OK))
    play = Play(rows, apn="internet", user="me", password="secret", initialise=("QICSGP",))  # noqa: S106
    play.driver.claim()
    play.finish()


@pytest.mark.requirement("S3.14")
def test_a_setting_that_is_refused_but_is_so_already_is_as_good() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QIMUX=0", ERROR),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP STATUS\r\n"),
        MINE,
        ("AT+QIMUX?", b"\r\n+QIMUX: 0\r\n" + OK),
        DEACT,
    )
    play = Play(rows, initialise=("QIMUX",))
    play.driver.claim()
    assert play.driver.table.state(0) == "IP STATUS"
    play.finish()  # and what was left active is deactivated at the end


def test_a_setting_that_is_refused_and_is_otherwise_is_named_and_the_context_given_up() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QIMUX=0", ERROR),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP STATUS\r\n"),
        MINE,
        ("AT+QIMUX?", b"\r\n+QIMUX: 1\r\n" + OK),
    )
    play = Play(rows, initialise=("QIMUX",))
    with pytest.raises(SettingRefused, match="it is 1, the context is in IP STATUS"):
        play.driver.claim()
    assert not play.driver.table.held(0)
    play.finish()


def test_a_setting_that_the_module_does_not_know_is_an_error() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QISDE=0", ERROR),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP INITIAL\r\n"),
        MINE,
        ("AT+QISDE?", ERROR),
        MINE,
    )
    play = Play(rows, initialise=("QISDE",))
    with pytest.raises(CommandError):
        play.driver.claim()
    play.finish()


# -- activation ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S5.4", "S8.6", "S8.11")
def test_a_server_from_ip_initial_needs_one_command_and_the_address_is_read_once() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QISERVER", SERVER_OK),
        ("AT+QILOCIP", b"\r\n10.79.140.214\r\n"),
        DEACT,
        CLAIM,
        ("AT+QISERVER", SERVER_OK),
        ("AT+QILOCIP", b"\r\n10.79.140.215\r\n"),
        DEACT,
    )
    play = Play(rows)
    assert play.driver.listen().port == 2020
    assert [play.driver.local_address, play.driver.local_address] == ["10.79.140.214"] * 2
    play.driver.deactivate()
    play.driver.listen()
    assert play.driver.local_address == "10.79.140.215"
    play.finish()


@pytest.mark.requirement("S5.2", "S3.15", "S3.16", "S3.17")
def test_a_server_step_by_step_reads_the_address_before_it_listens() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QIREGAPP", OK),
        ("AT+QIACT", OK),
        ("AT+QILOCIP", b"\r\n10.79.140.214\r\n"),
        ('AT+QILPORT="TCP",7007', OK),
        ("AT+QISERVER", SERVER_OK),
        DEACT,
    )
    play = Play(rows)
    assert play.driver.listen(port=7007, step_by_step=True).port == 7007
    assert play.driver.local_address == "10.79.140.214"
    play.finish()


NO_SIM = ("AT+CPIN?", b"\r\n+CME ERROR: 10\r\n")


def test_a_refused_activation_leaves_the_context_deactivated() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QIREGAPP", OK),
        ("AT+QIACT", ERROR),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP IND\r\n"),
        DEACT,
        ("AT+QIFGCNT?", b"\r\n+QIFGCNT: 0,0\r\n" + OK),
        CLAIM,
        ("AT+QISTAT", OK + b"\r\nSTATE: IP INITIAL\r\n"),
        NO_SIM,
    )
    play = Play(rows)
    with pytest.raises(CommandError, match=r"AT\+QIACT was answered ERROR; no SIM is inserted"):
        play.driver.activate()
    play.finish()


def test_an_activation_that_is_already_there_is_as_good() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QIREGAPP", ERROR),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP GPRSACT\r\n"),
        ("AT+QILOCIP", b"\r\n10.0.0.7\r\n"),
        DEACT,
    )
    play = Play(rows)
    assert play.driver.activate() == "10.0.0.7"
    play.finish()


def test_a_server_that_cannot_be_set_up_is_named_and_nothing_stays_half_active() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QISERVER", OK + b"\r\nCONNECT FAIL\r\n"),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP IND\r\n"),
        DEACT,
        NO_SIM,
    )
    play = Play(rows)
    with pytest.raises(ConnectFailed, match=r"VIRTUAL_UART_1, context 0: AT\+QISERVER was answered CONNECT FAIL"):
        play.driver.listen()
    assert not play.driver.table.held(0)
    play.finish()


def test_an_address_is_asked_only_of_an_active_context() -> None:
    play = Play(exchange(CLAIM))
    with pytest.raises(ContextInactive):
        _ = play.driver.local_address
    play.finish()


# -- connecting ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S9.1", "S9.3", "S3.18")
def test_the_form_of_the_address_is_told_only_when_it_changes() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QIDNSIP=1", OK),
        ('AT+QIOPEN="UDP", "www.quectel.com",80', CONNECT_OK),
        ("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK),
        ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"),
        ('AT+QIOPEN="UDP", "www.quectel.com",81', CONNECT_OK),
        ("AT+QISRVC?", b"\r\n+QISRVC: 2\r\n" + OK),
        ("AT+QISRVC=1", OK),
        ("AT+QICLOSE", ERROR),
        ("AT+QIDNSIP=0", OK),
        ('AT+QIOPEN="UDP", "10.0.0.1",82', CONNECT_OK),
        ("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK),
        ("AT+QICLOSE", b"\r\n0, CLOSE OK\r\n"),
        DEACT,
    )
    play = Play(rows)
    for host, port in (("www.quectel.com", 80), ("www.quectel.com", 81), ("10.0.0.1", 82)):
        with play.driver.connect("UDP", host, port) as session:
            assert session.remote_address == (host, port)
            assert session.protocol == "UDP"
    play.finish()


@pytest.mark.parametrize(
    ("answer", "state", "deactivated"),
    [
        (OK + b"\r\nCONNECT FAIL\r\n", "IP CLOSE", False),
        (OK + b"\r\nCONNECT FAIL\r\n", "PDP DEACT", True),
        (OK + b"\r\n0, CONNECT FAIL\r\n\r\nCONNECT FAIL\r\n", "IP STATUS", False),
    ],
)
def test_a_connection_that_fails_is_named_and_clears_up(answer: bytes, state: str, deactivated: bool) -> None:
    rows = exchange(
        CLAIM,
        (OPEN, answer),
        ("AT+QISTAT", OK + f"\r\nSTATE: {state}\r\n".encode()),
        *([DEACT, NO_SIM] if deactivated else []),
    )
    play = Play(rows if deactivated else rows + exchange(DEACT, set_up=False))
    with pytest.raises(ConnectFailed, match="QIOPEN"):
        play.driver.connect("TCP", "10.0.0.1", 80)
    play.finish()


@pytest.mark.parametrize("error", [b"", ERROR])
def test_a_session_that_a_dead_host_has_left_is_closed_first(error: bytes) -> None:
    """C5: ALREADY CONNECT, with an ERROR behind it or not."""
    rows = exchange(
        CLAIM,
        (OPEN, b"\r\nALREADY CONNECT\r\n" + error),
        ("AT+QISRVC=1", OK),
        ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"),
        (OPEN, CONNECT_OK),
        ("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK),
        ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"),
        DEACT,
    )
    play = Play(rows)
    assert play.driver.connect("TCP", "10.0.0.1", 80).open
    play.finish()


def test_a_module_that_insists_on_a_session_is_named() -> None:
    rows = exchange(
        CLAIM,
        (OPEN, b"\r\nALREADY CONNECT\r\n"),
        ("AT+QISRVC=1", OK),
        ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"),
        (OPEN, b"\r\nALREADY CONNECT\r\n"),
        ("AT+QISTAT", OK + b"\r\nSTATE: CONNECT OK\r\n"),
        DEACT,
    )
    play = Play(rows)
    with pytest.raises(ConnectFailed, match="ALREADY CONNECT: close the session"):
        play.driver.connect("TCP", "10.0.0.1", 80)
    play.finish()


# -- data ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3.37", "S3.38", "S8.13")
def test_long_data_goes_in_pieces_of_1460_and_the_service_is_set_once() -> None:
    data = bytes(range(256)) * 12
    rows = exchange(CLAIM, (OPEN, CONNECT_OK), ("AT+QIHEAD=1", OK), ("AT+QISRVC=1", OK), ("ATE1", OK))
    for piece in (data[:1460], data[1460:2920], data[2920:]):
        rows += exchange((f"AT+QISEND={len(piece)}", b"\r\n> "), set_up=False)
        first = piece.find(b"\x1b") if piece == data[:1460] else -1
        for part in (piece[:first], b"\x1b", piece[first + 1 :]) if first >= 0 else (piece,):
            rows += [(1, ">", part), (1, "<", part)]  # nothing behind ESC before it is known that it is data
        rows += [(1, "<", b"\r\nSEND OK\r\n")]
        if first >= 0:
            rows += exchange(("ATE0", OK), set_up=False)
    rows += exchange(
        ("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"), DEACT, set_up=False
    )
    play = Play(rows)
    session = play.driver.connect("TCP", "10.0.0.1", 80)
    assert session.send(b"") == 0
    session.sendall(data)
    play.finish()


@pytest.mark.requirement("S3.36")
@pytest.mark.parametrize("octet", [b"\x1a", b"\x1b"])
def test_ctrl_z_cannot_end_data_that_contains_it_or_esc(octet: bytes) -> None:
    play, session = connected(("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"), DEACT)
    with pytest.raises(ValueError, match="Ctrl-Z"):
        session.sendall(b"ab" + octet, end="ctrl-z")
    play.finish()


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.integers(1, 7))
def test_data_of_any_octets_comes_whole_with_its_length_before_it(data: bytes, chunk: int) -> None:
    rows = exchange(CLAIM, ("AT+QIHEAD=1", OK), (OPEN, CONNECT_OK + b"IPD%d:%s" % (len(data), data)))
    rows += exchange(
        ("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"), DEACT, set_up=False
    )
    talk = Conversation(rows, chunk=chunk)
    with TcpipDriver(talk.ports[1], receive="header", initialise=()) as driver:
        session = driver.connect("TCP", "10.0.0.1", 80)
        session.settimeout(10)
        assert exactly(session, len(data)) == data
    talk.finish()


def test_data_between_a_command_and_its_answer_reaches_the_session() -> None:
    send = (1, "<", b"IPD4:data\r\nOK\r\n")
    rows = exchange(CLAIM, ("AT+QIHEAD=1", OK), (OPEN, CONNECT_OK))
    rows += [(1, ">", b"AT+QISRVC=1\r"), send, (1, ">", b"AT+QISEND=2\r"), (1, "<", b"\r\n> ")]
    rows += [(1, ">", b"hi"), (1, "<", b"IPD3:ab\nhi\r\nSEND OK\r\n"), (1, "<", b"\r\nCLOSED\r\n")]
    rows += exchange(DEACT, set_up=False)
    play = Play(rows, receive="header")
    session = play.driver.connect("TCP", "10.0.0.1", 80)
    session.settimeout(10)
    session.sendall(b"hi")
    assert exactly(session, 7) == b"dataab\n"
    assert session.recv(10) == b""
    play.finish()


@pytest.mark.requirement("S8.17")
def test_everything_received_is_delivered_before_the_end_is_told() -> None:
    play, session = connected((DEACT[0], DEACT[1]))
    play.port.say(b"last words\r\nCLOSED\r\n\r\nCLOSED\r\n")
    session.settimeout(10)
    assert exactly(session, 10) == b"last words"
    assert session.recv(1) == b""
    assert session.recv(1) == b""
    with pytest.raises(SessionClosed, match="by the other side"):
        session.send(b"x")
    session.close()  # nothing is sent for it
    play.finish()


def test_nothing_in_time_is_a_timeout_of_the_session() -> None:
    play, session = connected(("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"), DEACT)
    session.settimeout(0)
    with pytest.raises(SessionTimeout):
        session.recv(1)
    with pytest.raises(TimeoutError):
        session.recv(1)
    session.close()
    with pytest.raises(SessionClosed, match="closed here"):
        session.recv(1)
    play.finish()


def sending(*answers: bytes, more: Rows | None = None) -> tuple[Play, Session]:
    rows = exchange(CLAIM, (OPEN, CONNECT_OK), ("AT+QISRVC=1", OK), ("AT+QISEND=2", b"\r\n> "))
    rows += [(1, ">", b"hi"), *((1, "<", answer) for answer in answers), *(more or [])]
    play = Play(rows)
    return play, play.driver.connect("TCP", "10.0.0.1", 80)


def test_send_fail_on_a_session_that_stands_is_an_error_of_its_own() -> None:
    close = exchange(
        ("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"), DEACT, set_up=False
    )
    play, session = sending(b"hi\r\nSEND FAIL\r\n", more=close)
    with pytest.raises(SendFailed):
        session.sendall(b"hi")
    play.finish()


@pytest.mark.parametrize(
    "answers",
    [b"hi\r\nSEND FAIL\r\n\r\nCLOSED\r\n", b"hi\r\nCLOSED\r\n\r\nSEND FAIL\r\n", b"hi\r\nCLOSED\r\n\r\nERROR\r\n"],
)
def test_a_session_that_ends_while_it_sends_is_reported_as_ended(answers: bytes) -> None:
    play, session = sending(answers, more=exchange(DEACT, set_up=False))
    with pytest.raises((SessionClosed, SendFailed)):
        session.sendall(b"hi")
    session.settimeout(10)
    assert session.recv(1) == b""
    play.finish()


def test_a_send_that_is_not_answered_breaks_the_session_off() -> None:
    clock = FakeClock()
    rows = exchange(CLAIM, (OPEN, CONNECT_OK), ("AT+QISRVC=1", OK), ("AT+QISEND=2", b"\r\n> "))
    rows += [(1, ">", b"hi"), (1, ">", b"AT+QIDEACT\r")]
    play = Play(rows, clock=clock)
    session = play.driver.connect("TCP", "10.0.0.1", 80)
    caught: list[Exception] = []

    def work() -> None:
        try:
            session.sendall(b"hi")
        except AtTimeout as error:
            caught.append(error)

    written = threading.Event()
    play.driver.channel.on_octets(lambda _, octets: written.set() if octets == b"hi" else None)
    thread = threading.Thread(target=work)
    thread.start()
    assert written.wait(10)
    turn_until_done(clock, thread, 5.0)
    assert "2 octets after AT+QISEND=2" in str(caught[0])
    with pytest.raises(SessionClosed) as again:
        session.send(b"more")
    assert again.value.__cause__ is caught[0]
    play.port.die()
    play.driver.close()


# -- servers ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S5.6", "S5.16", "S5.17")
def test_closing_a_session_keeps_the_server_and_closing_the_server_leaves_it() -> None:
    close = (("AT+QISRVC?", b"\r\n+QISRVC: 2\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"))
    rows = exchange(CLAIM, ("AT+QISERVER", SERVER_OK + b"\r\nREMOTE IP: 10.79.141.26\r\n"), *close)
    rows += [(1, "<", b"\r\nREMOTE IP: 10.79.141.27\r\n"), *exchange(*close, *close[1:], DEACT, set_up=False)]
    play = Play(rows)
    listener = play.driver.listen()
    first = listener.accept(10)
    assert (first.remote_address, first.role) == (("10.79.141.26", 0), "server")
    first.close()
    second = listener.accept(10)
    listener.close()  # its client is still there
    with pytest.raises(SessionClosed):
        listener.accept(1)
    second.close()  # now the server goes, too
    play.finish()


SERVED = [*exchange(CLAIM, ("AT+QISERVER", SERVER_OK + b"\r\nREMOTE IP: 10.79.141.26\r\n"))]
SERVING = ("AT+QISRVC?", b"\r\n+QISRVC: 2\r\n" + OK)


def test_a_client_that_goes_while_it_is_being_closed_does_not_cost_the_server() -> None:
    gone = ("AT+QISRVC?", b"\r\n+QISRVC: 2\r\n\r\nCLOSED\r\n" + OK)  # AT+QICLOSE would end the server now
    play = Play(SERVED + exchange(gone, DEACT, set_up=False))
    listener = play.driver.listen()
    listener.accept(10).close()
    assert listener.open
    play.finish()


def test_a_server_that_was_ended_because_the_client_went_is_set_up_again() -> None:
    crossed = ("AT+QICLOSE", b"\r\nCLOSED\r\n\r\nCLOSE OK\r\n")  # it was the server that was closed
    play = Play(SERVED + exchange(SERVING, crossed, ("AT+QISERVER", SERVER_OK), DEACT, set_up=False))
    listener = play.driver.listen()
    listener.accept(10).close()
    assert listener.open
    play.finish()


def test_a_server_that_a_dead_host_has_left_is_ended_first() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QISERVER", ERROR),
        ("AT+QISERVER?", b"\r\n+QISERVER: 1, 0\r\n" + OK),
        SERVING,
        ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"),
        ("AT+QISERVER", SERVER_OK),
        DEACT,
    )
    play = Play(rows)
    assert play.driver.listen().open
    play.finish()


@pytest.mark.requirement("S9.5")
@pytest.mark.parametrize("between", [b"\r\n", b"\r\n\r\n"])
def test_addresses_of_a_name_come_one_per_line_in_either_layout(between: bytes) -> None:
    listed = [b"64.233.189.99", b"64.233.189.104", b"64.233.189.147"]
    answer = OK + b"\r\n" + between.join(listed) + b"\r\n"
    rows = exchange(CLAIM, ('AT+QIDNSGIP="www.google.com"', answer), ("AT+QILOCIP", b"\r\n10.0.0.7\r\n"), DEACT)
    play = Play(rows)
    assert play.driver.resolve("www.google.com") == [address.decode() for address in listed]
    assert play.driver.local_address == "10.0.0.7"
    play.finish()


def test_a_name_that_is_refused_tells_the_modules_reason() -> None:
    rows = exchange(
        CLAIM,
        ('AT+QIDNSGIP="no.such.name"', OK + b"\r\nERROR: 4\r\nSTATE: IP GPRSACT\r\n"),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP GPRSACT\r\n"),
        ("AT+QILOCIP", b"\r\n10.0.0.7\r\n"),
        DEACT,
    )
    play = Play(rows)
    with pytest.raises(socket.gaierror, match="no server") as refused:
        play.driver.resolve("no.such.name")
    assert (refused.value.errno, refused.value.reason) == (socket.EAI_NONAME, 4)  # type: ignore[attr-defined]
    play.finish()


def test_a_second_server_on_one_context_is_refused_here() -> None:
    play = Play(exchange(CLAIM, ("AT+QISERVER=1", SERVER_OK), DEACT))
    play.driver.listen("UDP")
    with pytest.raises(TcpipError, match="listens already"):
        play.driver.listen()
    with pytest.raises(TcpipError, match="cannot be distinguished"):
        play.driver.connect("TCP", "10.0.0.1", 80)
    play.finish()


@pytest.mark.requirement("S2.9", "S3.46")
def test_client_and_server_on_one_context_are_told_apart_by_the_address_line() -> None:
    rows = exchange(
        CLAIM,
        ("AT+QIHEAD=1", OK),
        ("AT+QISERVER", SERVER_OK),
        ("AT+QISHOWRA=1", OK),
        (OPEN, CONNECT_OK + b"\r\nREMOTE IP: 10.9.9.9\r\n"),
    )
    rows += [
        (1, "<", b"\r\nRECV FROM:10.0.0.1:80\r\nIPD3:one\r\nRECV FROM:10.9.9.9:4711\r\nIPD3:two"),
        (1, "<", b"\r\nCLOSED\r\n"),
        *exchange(
            ("AT+QISTAT", OK + b"\r\nSTATE: CONNECT OK\r\n"),
            ("AT+QISERVER?", b"\r\n+QISERVER: 1, 0\r\n" + OK),
            set_up=False,
        ),
    ]
    play = Play(rows, receive="header")
    listener = play.driver.listen()
    client = play.driver.connect("TCP", "10.0.0.1", 80)
    server = listener.accept(10)
    for session in (client, server):
        session.settimeout(10)
    assert exactly(client, 3) == b"one"
    assert exactly(server, 3) == b"two"
    assert server.remote_address == ("10.9.9.9", 4711)
    assert server.recv(1) == b""  # AT+QISTAT says that the client's session stands, so it was the server's
    assert client.open
    play.port.die()
    play.driver.close()


# -- losing the context and the line -----------------------------------------------------------------------------------


def test_a_context_that_the_network_deactivates_ends_its_sessions_and_is_freed_at_the_next_call() -> None:
    play, session = connected(DEACT, CLAIM, (OPEN, CONNECT_OK), DEACT)
    play.port.say(b"\r\n+PDP DEACT\r\n")
    session.settimeout(10)
    with pytest.raises(SessionClosed, match="the network deactivated the context"):
        session.recv(1)
    assert play.driver.table.state(0) == "PDP DEACT"
    again = play.driver.connect("TCP", "10.0.0.1", 80)
    play.port.say(b"\r\nCLOSED\r\n")
    again.settimeout(10)
    assert again.recv(1) == b""
    play.finish()


def test_the_line_dying_ends_every_wait_with_its_cause() -> None:
    play = Play(exchange(CLAIM, ("AT+QISERVER", SERVER_OK + b"\r\nREMOTE IP: 10.0.0.9\r\n")))
    listener = play.driver.listen()
    session = listener.accept(10)
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            session.recv(1)
        except SessionClosed as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    play.port.die(OSError("unplugged"))
    thread.join(10)
    assert isinstance(caught[0].__cause__, ChannelClosed)
    assert "unplugged" in str(caught[0].__cause__)
    with pytest.raises(SessionClosed):
        listener.accept(10)
    with pytest.raises(ChannelClosed):
        play.driver.state()
    play.driver.close()
    play.driver.close()
    with pytest.raises(TcpipError, match="was closed"):
        play.driver.claim()


def test_a_claim_on_a_dead_line_leaves_the_context_free() -> None:
    play = Play(exchange(CLAIM))
    play.port.die(OSError("unplugged"))
    with pytest.raises(ChannelClosed, match="unplugged"):
        play.driver.claim()
    assert not play.driver.table.held(0)
    play.driver.close()


def test_a_session_of_an_earlier_activation_closes_nothing() -> None:
    """Its index may be that of another session by now, which AT+QICLOSE would end."""
    rows = exchange(CLAIM, (OPEN, CONNECT_OK), DEACT, CLAIM, (OPEN, CONNECT_OK))
    rows += exchange(("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK), ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"), set_up=False)
    play = Play(rows + exchange(DEACT, set_up=False))
    former = play.driver.connect("TCP", "10.0.0.1", 80)
    play.port.say(b"\r\n+PDP DEACT\r\n")
    former.settimeout(10)
    with pytest.raises(SessionClosed):
        former.recv(1)
    session = play.driver.connect("TCP", "10.0.0.1", 80)
    former.close()
    assert session.open
    session.close()
    play.finish()


def test_a_reader_that_does_not_read_is_told_what_was_dropped() -> None:
    play = Play(exchange())
    state = SocketState(name="p", protocol="TCP", role="client", remote=("10.0.0.1", 80), id=SocketId(0), limit=4)
    session = Session(play.driver._runner, play.driver._context, state)
    state.deliver(b"abc")
    state.deliver(b"defg")
    assert exactly(session, 4) == b"abcd"
    assert session.dropped == 3
    with pytest.raises(ReceiveOverflow):
        session.recv(1)
    play.driver.close()
