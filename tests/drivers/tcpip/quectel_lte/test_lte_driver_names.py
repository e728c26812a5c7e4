"""Names, ping and network time of an LTE module: the count tells when an answer is complete."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from driver_lab import PATIENCE
from lte_script import CLAIM, DOWN, UP, error, line, play, urc
from scripted_port import ERROR, OK
from stepped_clock import SteppedClock

from drivers.errors import AnswerLost, AtTimeout, CommandError, NameNotFound, TcpipError
from drivers.tcpip.core.extras import PingReply

MARGIN = 5.0
"""Seconds that the driver gives a module beyond its own limit."""
START = [*CLAIM, *UP]
ASK = 'AT+QIDNSGIP=1,"www.example.org"'
PING = 'AT+QPING=1,"www.example.org",4,2'
TIME = 'AT+QNTP=1,"pool.ntp.org",123'


def found(*addresses: str, form: str = '"dnsgip",0,{},300') -> bytes:
    return urc(form.format(len(addresses))) + b"".join(urc(f'"dnsgip","{one}"') for one in addresses)


@pytest.mark.requirement("L10.2")
@pytest.mark.parametrize("form", ['"dnsgip",0,{},300', '"dnsgip", 0, {} , 0', '"dnsgip",0,{},'])
def test_the_answer_is_complete_with_as_many_addresses_as_it_says(form: str) -> None:
    """No silence is waited for: the clock stands still."""
    answer = OK + found("10.0.0.1", "10.0.0.2", form=form)
    with play(*START, (ASK, answer), *DOWN, clock=SteppedClock()) as one:
        assert one.driver.resolve("www.example.org") == ["10.0.0.1", "10.0.0.2"]


def test_addresses_without_a_blank_line_between_them_and_in_pieces_are_as_good() -> None:
    answer = OK + b'\r\n+QIURC: "dnsgip",0,2,0\r\n+QIURC: "dnsgip","10.0.0.1"\r\n+QIURC:"dnsgip", "10.0.0.2"\r\n'
    with play(*START, (ASK, answer), *DOWN, chunk=1) as one:
        assert one.driver.resolve("www.example.org") == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.requirement("L10.2")
@pytest.mark.parametrize("failure", ['"dnsgip",565', '"dnsgip",565,0,0', '"dnsgip",0,0,0'])
def test_a_name_without_an_address_is_not_found(failure: str) -> None:
    """LTE L40."""
    with play(*START, (ASK, OK + urc(failure)), *DOWN) as one:
        with pytest.raises(NameNotFound) as missing:
            one.driver.resolve("www.example.org")
        assert isinstance(missing.value, socket.gaierror)
        assert missing.value.code == (565 if "565" in failure else None)


@pytest.mark.requirement("L10.2")
def test_a_name_that_is_refused_at_once_is_not_found_either() -> None:
    with play(*START, (ASK, ERROR), *error(565), (ASK, ERROR), *error(564), *DOWN) as one:
        with pytest.raises(NameNotFound) as missing:
            one.driver.resolve("www.example.org")
        assert missing.value.code == 565
        with pytest.raises(CommandError) as busy:
            one.driver.resolve("www.example.org")
        assert busy.value.code == 564


def test_another_failure_is_an_error_with_its_code() -> None:
    with play(*START, (ASK, OK + urc('"dnsgip",569,0,0')), *DOWN) as one:
        with pytest.raises(TcpipError, match="no answer in time") as failed:
            one.driver.resolve("www.example.org")
        assert failed.value.code == 569
        assert not isinstance(failed.value, NameNotFound)


@pytest.mark.requirement("L10.2")
def test_an_answer_that_does_not_come_is_a_timeout_after_60_seconds() -> None:
    clock = SteppedClock()
    partly = OK + urc('"dnsgip",0,2,0') + urc('"dnsgip","10.0.0.1"')
    with play(*START, (ASK, partly), *DOWN, clock=clock) as one, ThreadPoolExecutor(1) as pool:
        call = pool.submit(one.driver.resolve, "www.example.org")
        clock.await_wait(60.0 + MARGIN)
        clock.advance(60.0 + MARGIN)
        with pytest.raises(AtTimeout, match=r"addresses after AT\+QIDNSGIP"):
            call.result(PATIENCE)


def test_addresses_that_come_too_late_are_no_answer_to_the_next_question() -> None:
    clock = SteppedClock()
    late = urc('"dnsgip",0,1,0') + urc('"dnsgip","10.9.9.9"')
    rows = [(ASK, OK), (1, "<", b""), ('AT+QIDNSGIP=1,"other.example.org"', OK + found("10.0.0.2"))]
    with play(*START, *rows, *DOWN, clock=clock) as one, ThreadPoolExecutor(1) as pool:
        call = pool.submit(one.driver.resolve, "www.example.org")
        clock.await_wait(60.0 + MARGIN)
        clock.advance(60.0 + MARGIN)
        with pytest.raises(AtTimeout):
            call.result(PATIENCE)
        one.port.say(late)
        assert one.port.drained()
        assert one.driver.resolve("other.example.org") == ["10.0.0.2"]


def test_name_servers_are_set_and_read_for_the_context() -> None:
    rows = [
        ('AT+QIDNSCFG=1,"8.8.8.8"', OK),
        ('AT+QIDNSCFG=1,"8.8.8.8","1.1.1.1"', OK),
        ("AT+QIDNSCFG=1", line('+QIDNSCFG: 1, "8.8.8.8","1.1.1.1"') + OK),
    ]
    with play(*START, *rows, *DOWN) as one:
        one.driver.set_name_servers("8.8.8.8")
        one.driver.set_name_servers("8.8.8.8", "1.1.1.1")
        assert one.driver.name_servers() == ("8.8.8.8", "1.1.1.1")


# -- ping and time -----------------------------------------------------------------------------------------------------


def test_each_request_of_a_ping_has_a_reply_or_a_code() -> None:
    answer = OK + line('+QPING: 0,"61.135.169.125",32,192,255') + line("+QPING: 569")
    answer += line("+QPING: 0,2,1,1,192,192,192")
    with play(*START, (PING, answer), *DOWN) as one:
        replies = one.driver.ping("www.example.org", count=2)
    assert replies == [PingReply("61.135.169.125", 32, 192, 255, None), PingReply(None, 0, None, None, 569)]


@pytest.mark.parametrize("summary", ["+QPING: 569,2,0,2", "+QPING: 569"])
def test_a_summary_without_any_reply_may_begin_with_the_code(summary: str) -> None:
    """The manual calls the first number of the last line the final result; it may be an error."""
    with play(*START, (PING, OK + line("+QPING: 569") * 2 + line(summary)), *DOWN) as one:
        assert [reply.code for reply in one.driver.ping("www.example.org", count=2)] == [569, 569]


def test_a_ping_of_a_name_that_is_not_known_has_one_reply_with_its_code() -> None:
    with play(*START, (PING, OK + line("+QPING: 565")), *DOWN) as one:
        assert [reply.code for reply in one.driver.ping("www.example.org", count=2)] == [565]


def test_a_ping_in_a_context_that_is_lost_has_one_reply_with_its_code() -> None:
    with play(*START, (PING, OK + line("+QPING: 570")), *DOWN) as one:
        assert [reply.code for reply in one.driver.ping("www.example.org", count=2)] == [570]


@pytest.mark.parametrize(
    ("zone", "offset"), [("+32", timedelta(hours=8)), ("-14", -timedelta(hours=3, minutes=30)), ("+00", timedelta())]
)
def test_the_network_tells_the_time_with_its_zone_in_quarters_of_an_hour(zone: str, offset: timedelta) -> None:
    answer = OK + line(f'+QNTP: 0,"2026/11/30,16:05:09{zone}"')
    with play(*START, (TIME, answer), *DOWN) as one:
        assert one.driver.network_time("pool.ntp.org") == datetime(2026, 11, 30, 16, 5, 9, tzinfo=timezone(offset))


def test_ping_and_network_time_end_with_the_context() -> None:
    lost = (1, "<", urc('"pdpdeact",1'))
    with play(*START, (PING, OK), lost, *DOWN) as one, pytest.raises(AnswerLost, match="pdpdeact"):
        one.driver.ping("www.example.org", count=2)
    with play(*START, (TIME, OK), lost, *DOWN) as one, pytest.raises(AnswerLost, match="pdpdeact"):
        one.driver.network_time("pool.ntp.org")


def test_a_time_server_that_does_not_answer_is_an_error_with_the_code() -> None:
    with play(*START, (TIME, OK + line("+QNTP: 569")), *DOWN) as one:
        with pytest.raises(TcpipError, match="569") as failed:
            one.driver.network_time("pool.ntp.org")
        assert failed.value.code == 569
