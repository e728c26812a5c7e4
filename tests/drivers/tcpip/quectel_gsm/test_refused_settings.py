"""Settings after a claim that the module refuses: what stands in their place, and what cannot."""

from __future__ import annotations

import pytest
from scripted_port import ERROR, OK, Conversation, exchange

from drivers.errors import CommandError, InvalidArgument, SettingRefused
from drivers.tcpip import TcpipDriver, Transparent

CLAIM = ("AT+QIFGCNT=0", OK)
MINE = ("AT+QIFGCNT?", b"\r\n+QIFGCNT: 0,0\r\n" + OK)
INITIAL = ("AT+QISTAT", OK + b"\r\nSTATE: IP INITIAL\r\n")


def is_now(name: str, value: str) -> tuple[str, bytes]:
    return f"AT+{name}?", f"\r\n+{name}: {value}\r\n".encode() + OK


def claimed(*pairs: tuple[str, bytes], **options: object) -> TcpipDriver:
    """Claim a context on a module that says exactly this."""
    talk = Conversation(exchange(CLAIM, *pairs))
    driver = TcpipDriver(talk.ports[1], **options)  # type: ignore[arg-type]
    try:
        driver.claim()
    finally:
        driver.close()
        talk.finish()
    return driver


@pytest.mark.requirement("S4.2")
def test_transparent_mode_that_a_former_driver_left_on_is_switched_off_for_muxip() -> None:
    claimed(
        ("AT+QIMUX=1", ERROR),
        INITIAL,
        MINE,
        is_now("QIMUX", "0"),
        is_now("QIMODE", "1"),
        ("AT+QIMODE=0", OK),
        ("AT+QIMUX=1", OK),
        ("AT+QINDI=1", OK),
        muxip=True,
        initialise=("QIMUX", "QINDI"),
    )


def test_buffered_data_that_was_asked_for_is_not_replaced_by_anything_else() -> None:
    with pytest.raises(SettingRefused, match="hands data out directly: receive='header'"):
        claimed(
            ("AT+QINDI=1", ERROR),
            INITIAL,
            MINE,
            is_now("QINDI", "0"),
            receive="buffered",
            initialise=("QINDI",),
        )


def test_a_module_without_qindi_hands_data_out_anyway() -> None:
    driver = claimed(
        ("AT+QINDI=0", ERROR),
        INITIAL,
        MINE,
        ("AT+QINDI?", ERROR),
        ("AT+QIHEAD=1", OK),
        receive="header",
        initialise=("QINDI", "QIHEAD"),
    )
    assert driver.receive == "header"


def test_with_muxip_data_has_its_length_without_a_setting() -> None:
    driver = claimed(
        ("AT+QIMUX=1", OK),
        ("AT+QINDI=1", ERROR),
        INITIAL,
        MINE,
        ("AT+QINDI?", ERROR),
        muxip=True,
        initialise=("QIMUX", "QINDI"),
    )
    assert driver.receive == "header"


def test_muxip_off_that_is_refused_is_an_error() -> None:
    with pytest.raises((SettingRefused, CommandError)):
        claimed(("AT+QIMUX=0", ERROR), INITIAL, MINE, is_now("QIMUX", "1"), initialise=("QIMUX",))


@pytest.mark.parametrize("rate", [0, -1, 9600.0, True, "9600"])
def test_the_rate_of_a_line_is_a_whole_number_of_bits_per_second(rate: object) -> None:
    with pytest.raises(InvalidArgument, match="bits per second"):
        Transparent(line_rate=rate)  # type: ignore[arg-type]
