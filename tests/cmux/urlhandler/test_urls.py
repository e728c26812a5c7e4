"""The grammar of ``cmux:`` URLs."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmux.urls import CmuxUrl, format_url, parse_url

LINES = {
    "cmux:///dev/ttyUSB0?dlci=2&baudrate=921600": CmuxUrl("/dev/ttyUSB0", 2, {"baudrate": 921600}),
    "cmux://COM3?dlci=1": CmuxUrl("COM3", 1),
    "CMUX://COM3?dlci=61": CmuxUrl("COM3", 61),
    "cmux:///dev/serial/by-id/usb-FTDI_a#b+c-port0?dlci=3": CmuxUrl("/dev/serial/by-id/usb-FTDI_a#b+c-port0", 3),
    "cmux://?port=socket://127.0.0.1:7000&dlci=2": CmuxUrl("socket://127.0.0.1:7000", 2),
    "cmux://socket://127.0.0.1:7000?dlci=2": CmuxUrl("socket://127.0.0.1:7000", 2),
    "cmux://?dlci=2&port=rfc2217://host:7000%3Fign_set_control%26timeout=3": CmuxUrl(
        "rfc2217://host:7000?ign_set_control&timeout=3", 2
    ),
    "cmux://x?dlci=1&option=advanced&n1=64&startup=none&capture=%2Fvar%2Fa%20b.pcapng&t1=0.5": CmuxUrl(
        "x", 1, {"option": "advanced", "n1": 64, "startup": "none", "capture": "/var/a b.pcapng", "t1": 0.5}
    ),
    "cmux://x?dlci=1&rtscts=yes&capture_payload=0": CmuxUrl("x", 1, {"rtscts": True, "capture_payload": False}),
}


@pytest.mark.parametrize("url", LINES)
def test_a_url_says_line_dlci_and_settings(url: str) -> None:
    assert parse_url(url) == LINES[url]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("loop://?dlci=1", "is not cmux://"),
        ("cmux:x?dlci=1", "is not cmux://"),
        ("cmux://x", "dlci='' is not a data channel"),
        ("cmux://x?dlci=0", "dlci='0'"),
        ("cmux://x?dlci=62", "dlci='62'"),
        ("cmux://x?dlci=one", "dlci='one'"),
        ("cmux://?dlci=1", "no line"),
        ("cmux://x?dlci=1&port=y", "two lines"),
        ("cmux://x?dlci=1&dlci=2", "there twice"),
        ("cmux://x?dlci=1&echo", "not key=value"),
        ("cmux://x?dlci=1&speed=9600", "unknown key 'speed'"),
        ("cmux://x?dlci=1&baudrate=fast", "baudrate='fast' is not bits per second"),
        ("cmux://x?dlci=1&option=extended", "option='extended' is not basic or advanced"),
        ("cmux://x?dlci=1&t1=-1", "t1='-1' is not seconds"),
        ("cmux://x?dlci=1&t1=nan", "t1='nan' is not seconds"),
        ("cmux://x?dlci=1&startup=AT", "startup='AT'"),
        ("cmux://x?dlci=1&xonxoff=maybe", "xonxoff='maybe'"),
    ],
)
def test_a_url_that_is_wrong_says_what_is_wrong_with_it(url: str, message: str) -> None:
    with pytest.raises(ValueError, match="cmux") as raised:
        parse_url(url)
    assert message in str(raised.value)


TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)  # no path has NUL in it


@given(TEXTS.filter(lambda text: "://" not in text and not text.startswith("?")), st.integers(1, 61))
def test_every_line_can_be_written_as_a_url(line: str, dlci: int) -> None:
    assert parse_url(format_url(line, dlci)) == CmuxUrl(line, dlci)


@given(TEXTS)
def test_a_value_may_hold_anything_when_it_is_percent_encoded(value: str) -> None:
    name = f"{value}.log"
    assert parse_url(f"cmux://x?dlci=1&capture={quote(name)}").settings == {"capture": name}


def test_all_names_of_one_file_have_one_key(tmp_path: Path) -> None:
    (tmp_path / "device").touch()
    os.symlink("device", tmp_path / "link")
    keys = {parse_url(f"cmux://{tmp_path / name}?dlci=1").key for name in ("device", "link", "../x/../device")}
    assert len({parse_url(f"cmux://{tmp_path / name}?dlci=1").key for name in ("device", "link")}) == 1
    assert len(keys) == 2
    assert parse_url("cmux://socket://A:1?dlci=1").key == "socket://A:1"
