"""Differences of modules are data, each with its source, and the driver goes by them."""

from __future__ import annotations

import pytest
from scripted_port import ERROR, OK, Conversation, exchange

from drivers.tcpip import Csd, TcpipDriver
from drivers.tcpip.quectel_gsm.dialects import DIALECTS


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_names_its_source(name: str) -> None:
    dialect = DIALECTS[name]
    assert dialect.name == name
    assert any(word in dialect.source for word in ("Manual", "GSM_TCPIP_AN"))


@pytest.mark.parametrize("name", ["m95", "m66", "mc60"])
def test_a_csd_bearer_is_refused_where_the_manual_has_none(name: str) -> None:
    talk = Conversation(exchange())
    with pytest.raises(ValueError, match="no CSD bearer"):
        TcpipDriver(talk.ports[1], bearer=Csd("17201"), dialect=name)
    assert talk.ports[1].written == b""


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_keeps_data_for_qird(name: str) -> None:
    dialect = DIALECTS[name]
    rows = exchange(("AT+QIFGCNT=0", OK), (f"AT+QINDI={dialect.indication}", OK))
    talk = Conversation(rows)
    with TcpipDriver(talk.ports[1], initialise=("QINDI",), dialect=name) as driver:
        assert driver.receive == "buffered"
        talk.finish()


def test_a_module_without_qindi_hands_data_out_with_its_length() -> None:
    rows = exchange(
        ("AT+QIFGCNT=0", OK),
        ("AT+QINDI=1", ERROR),
        ("AT+QISTAT", OK + b"\r\nSTATE: IP INITIAL\r\n"),
        ("AT+QIFGCNT?", b"\r\n+QIFGCNT: 0,0\r\n" + OK),
        ("AT+QINDI?", ERROR),
        ("AT+QIHEAD=1", OK),
    )
    talk = Conversation(rows)
    with TcpipDriver(talk.ports[1], initialise=("QINDI",)) as driver:
        assert driver.receive == "header"
        talk.finish()


def test_a_dialect_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="dialect is one of m10, m95"):
        TcpipDriver(Conversation(exchange()).ports[1], dialect="sim800")
