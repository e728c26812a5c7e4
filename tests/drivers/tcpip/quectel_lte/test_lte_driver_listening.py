"""Listeners of an LTE module: several of them, clients in their order, numbers that the module gives."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from driver_lab import PATIENCE
from lte_script import CLAIM, DOWN, UP, Pair, error, line, opened, play, read, urc
from scripted_port import ERROR, OK

from drivers.errors import ConnectFailed, SessionTimeout

START = [*CLAIM, *UP]


def listening(id: int, port: int, *, mode: int = 0) -> str:
    return f'AT+QIOPEN=1,{id},"TCP LISTENER","127.0.0.1",0,{port},{mode}'


def came(id: int, listener: int, address: str = "10.0.0.9", port: int = 40000) -> bytes:
    return urc(f'"incoming",{id},{listener},"{address}",{port}')


def closed(*ids: int, linger: int = 2) -> list[Pair]:
    return [(f"AT+QICLOSE={id},{linger}", OK) for id in ids]


@pytest.mark.requirement("L7.5")
def test_clients_are_accepted_in_the_order_in_which_they_came_with_their_addresses() -> None:
    two = came(11, 0, "10.0.0.8", 4001) + came(10, 0, "10.0.0.7", 4002)
    rows = [(listening(0, 2020), opened()), (1, "<", two), *closed(11, 10), *closed(0, linger=0), *DOWN]
    with play(*START, *rows) as one:
        listener = one.driver.listen(port=2020)
        first, second = listener.accept(), listener.accept()
        assert (first.index, first.remote_address) == (11, ("10.0.0.8", 4001))
        assert (second.index, second.remote_address) == (10, ("10.0.0.7", 4002))
        assert {first.role, second.role} == {"server"}
        first.close()
        second.close()
        listener.close()


@pytest.mark.requirement("L7.5", "L5.10")
@pytest.mark.parametrize(("receive", "mode"), [("buffered", 0), ("pushed", 1)])
def test_a_client_has_the_receive_mode_of_its_listener(receive: str, mode: int) -> None:
    data = urc('"recv",11') if mode == 0 else b'\r\n+QIURC: "recv",11,2\r\nhi'
    fetch = [read(11, b"hi")] if mode == 0 else []
    rows = [(listening(0, 2020, mode=mode), opened()), (1, "<", came(11, 0) + data), *fetch]
    with play(*START, *rows, *closed(11), *DOWN) as one:
        listener = one.driver.listen(port=2020, receive=receive)
        assert listener.accept().recv(10) == b"hi"


def test_several_listeners_each_have_their_clients() -> None:
    rows = [
        (listening(0, 2020), opened()),
        (listening(1, 3030), opened(1)),
        (1, "<", came(11, 1, "10.0.0.8") + came(10, 0, "10.0.0.7")),
    ]
    with play(*START, *rows, *closed(11, 10), *DOWN) as one:
        low, high = one.driver.listen(port=2020), one.driver.listen(port=3030)
        assert high.accept().remote_address[0] == "10.0.0.8"
        assert low.accept().remote_address[0] == "10.0.0.7"


@pytest.mark.requirement("L7.6")
def test_a_number_that_the_module_gave_to_a_client_is_not_used() -> None:
    second = ('AT+QIOPEN=1,2,"TCP","10.0.0.1",80,0,0', opened(2))
    rows = [(listening(0, 2020), opened()), (1, "<", came(1, 0)), second]
    with play(*START, *rows, *closed(1, 2), *DOWN) as one:
        listener = one.driver.listen(port=2020)
        client = listener.accept()
        assert (client.index, one.connect().index) == (1, 2)


@pytest.mark.requirement("L7.6", "L3.12")
def test_a_number_that_the_module_gives_away_while_a_session_is_opened_under_it_is_the_clients() -> None:
    """Then `+QIOPEN` says 563 to the session, which takes the next one."""
    first = ('AT+QIOPEN=1,1,"TCP","10.0.0.1",80,0,0', came(1, 0) + OK + line("+QIOPEN: 1,563"))
    second = ('AT+QIOPEN=1,2,"TCP","10.0.0.1",80,0,0', opened(2))
    rows = [(listening(0, 2020), opened()), first, second]
    with play(*START, *rows, *closed(1, 2), *DOWN) as one:
        listener = one.driver.listen(port=2020)
        assert one.connect().index == 2
        client = listener.accept()
        assert client.index == 1
        assert client.open


def test_a_client_of_a_listener_of_somebody_else_takes_its_number_all_the_same() -> None:
    rows = [(1, "<", came(0, 5)), ('AT+QIOPEN=1,1,"TCP","10.0.0.1",80,0,0', opened(1)), *closed(1), *DOWN]
    with play(*CLAIM, *UP, *rows) as one:
        one.driver.activate()
        assert one.port.drained()
        assert one.connect().index == 1


def test_a_client_that_the_module_refuses_is_told_and_counted() -> None:
    rows = [(listening(0, 2020), opened()), (1, "<", urc('"incoming full"')), *DOWN]
    with play(*START, *rows) as one:
        listener = one.driver.listen(port=2020)
        listener.settimeout(0)
        with pytest.raises(SessionTimeout):
            listener.accept()
        assert listener.full == 1


def test_a_client_that_is_one_too_many_to_wait_is_closed_at_once() -> None:
    numbers = range(11, 2, -1)
    rows = [(listening(0, 2020), opened()), (1, "<", b"".join(came(id, 0) for id in numbers))]
    rows += [*closed(3, linger=0), *closed(*numbers[:-1]), *DOWN]
    with play(*START, *rows) as one:
        listener = one.driver.listen(port=2020)
        assert [listener.accept().index for _ in numbers[:-1]] == [*numbers[:-1]]
        assert listener.refused == 1


@pytest.mark.requirement("L3.10", "L3.12")
@pytest.mark.parametrize("code", [556, 574])
def test_a_port_that_is_taken_is_a_failure_with_the_code_of_the_module(code: int) -> None:
    rows = [(listening(0, 2020), opened(0, code)), *closed(0, linger=0), *DOWN]
    with play(*START, *rows) as one:
        with pytest.raises(ConnectFailed, match=str(code)) as failed:
            one.driver.listen(port=2020)
        assert failed.value.code == code
        assert isinstance(failed.value, OSError)


def test_a_listener_whose_number_is_taken_gets_the_next_one() -> None:
    rows = [(listening(0, 2020), ERROR), *error(563), (listening(1, 2020), opened(1)), *DOWN]
    with play(*START, *rows) as one:
        assert one.driver.listen(port=2020).open


def test_the_module_tells_whether_a_listener_listens_and_how_many_clients_it_has() -> None:
    status = (
        b'\r\n+QISTATE: 0,"TCP LISTENER","10.7.158.1",0,2020,3,1,0,0,"uart1"'
        b'\r\n+QISTATE: 11,"TCP INCOMING","10.0.0.9",40000,2020,2,1,0,0,"uart1"'
        b'\r\n+QISTATE: 10,"TCP INCOMING","10.0.0.9",40001,2021,2,1,5,0,"uart1"\r\n' + OK
    )
    rows = [(listening(0, 2020), opened()), ("AT+QISTATE?", status), *DOWN]
    with play(*START, *rows) as one:
        assert one.driver.listen(port=2020).status() == (True, 1)


def test_a_list_of_twelve_sockets_is_read_whole() -> None:
    """LTE L9: it was longer than the buffer for it."""
    entry = '+QISTATE: {},"TCP INCOMING","220.180.239.212",65535,65534,2,16,11,0,"usbmodem"'
    listed = b"".join(b"\r\n" + entry.format(id).encode() for id in range(11)) + b"\r\n" + OK
    rows = [(listening(0, 2020), opened()), ("AT+QISTATE?", listed), *DOWN]
    with play(*START, *rows) as one:
        assert one.driver.listen(port=2020).status() == (False, 0)


def test_what_listens_has_no_transparent_mode_and_no_udp() -> None:
    with play(*START, *DOWN) as one:
        one.driver.activate()
        with pytest.raises(ValueError, match="transparent"):
            one.driver.listen(port=2020, receive="transparent")
        with pytest.raises(ValueError, match="transparent"):
            one.driver.udp_service(2020, receive="transparent")
        with pytest.raises(ValueError, match=r"udp_service\(\)"):
            one.driver.listen("UDP", 2020)
        with pytest.raises(ValueError, match="no port of its own"):
            one.driver.listen()


def test_a_client_that_leaves_is_read_to_its_end_and_closed_here_too() -> None:
    rows = [
        (listening(0, 2020), opened()),
        (1, "<", came(11, 0) + urc('"recv",11') + urc('"closed",11')),
        read(11, b"bye"),
        read(11, b""),
        *closed(11),
        *DOWN,
    ]
    with play(*START, *rows) as one, ThreadPoolExecutor(1) as pool:
        client = pool.submit(one.driver.listen(port=2020).accept).result(PATIENCE)
        assert (client.recv(10), client.recv(10)) == (b"bye", b"")
        client.shutdown(socket.SHUT_WR)
        client.close()
