"""PINs and passwords: they reach the module, and nothing else that remains."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmux.capture import pcapng
from cmux.capture.blocks import BlockWriter
from cmux.capture.recorder import Capture
from cmux.cli import main
from cmux.logs import log_event
from cmux.masking import SECRETS, Masker, masked
from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Option, encode
from cmux.protocol.events import AtReceived, CommandReceived, DataReceived, DropReason, FrameDropped
from drivers.at.core.dialogue import Step, command
from drivers.at.core.engine import Engine
from drivers.errors import AtError, ChannelClosed
from drivers.tcpip import Csd, Gprs

SECRET = "s3cret"  # noqa: S105 - it is none

LINES = {
    'AT+CPIN="s3cret"': 'AT+CPIN="******"',
    "AT+CPIN=s3cret": "AT+CPIN=******",
    'at+cpin="s3cret","s3cret"': 'at+cpin="******","******"',
    'AT+CLCK="SC",1,"s3cret"': 'AT+CLCK="SC",1,"******"',
    'AT+CPWD="SC","s3cret","s3cret"': 'AT+CPWD="SC","******","******"',
    'AT+CPBS="FD","s3cret"': 'AT+CPBS="FD","******"',
    'AT+CGAUTH=1,1,"me","s3cret"': 'AT+CGAUTH=1,1,"**","******"',
    'AT+QICSGP=1,"CMNET","me","s3cret"': 'AT+QICSGP=1,"CMNET","**","******"',
    'AT+QICSGP=1,1,"net","me","s3cret",1': 'AT+QICSGP=1,1,"***","**","******",1',
    'AT+QIREGAPP="CMNET","me","s3cret"': 'AT+QIREGAPP="CMNET","**","******"',
    'AT+QFTPUSER="s3cret"': 'AT+QFTPUSER="******"',
    'AT+QFTPPASS="s3cret"': 'AT+QFTPPASS="******"',
    'AT+QFTPCFG="account","me","s3cret"': 'AT+QFTPCFG="account","**","******"',
    'AT+QSMTPUSER="me","s3cret"': 'AT+QSMTPUSER="**","******"',
    'AT+QSMTPCFG="account","me","s3cret"': 'AT+QSMTPCFG="account","**","******"',
    'AT+QHTTPCFG="auth","me:s3cret"': 'AT+QHTTPCFG="auth","*********"',
    'AT+QMTCONN=0,"client","me","s3cret"': 'AT+QMTCONN=0,"client","**","******"',
    'AT+CSTT="CMNET","me","s3cret"': 'AT+CSTT="CMNET","**","******"',
    'AT+SAPBR=3,1,"PWD","s3cret"': 'AT+SAPBR=3,1,"PWD","******"',
    'ATE0;+CMEE=1;+CPIN="s3cret";+CSQ': 'ATE0;+CMEE=1;+CPIN="******";+CSQ',
    'AT + CPIN = "s3cret"': 'AT + CPIN = "******"',
    'AT+QICFG="%s";+CPIN="s3cret"' % ("x" * 60): 'AT+QICFG="%s";+CPIN="******"' % ("x" * 60),
    'AT+CPIN="s3;cr,et"': 'AT+CPIN="********"',
    "+QIREGAPP: CMNET,me,s3cret": "+QIREGAPP: CMNET,**,******",  # the answer to a question
}
"""Commands and answers with secrets, and what is to be seen of them."""

PLAIN = [
    "AT+CPIN?",
    "+CPIN: READY",
    "+CPIN: SIM PIN",
    '+CLCK: 1',
    "+QMTCONN: 0,0,0",
    'AT+QIOPEN="TCP","10.0.0.1",80',
    "hello AT+CPIN=1234",
    "AT+CPINX=1234",
    "",
    "AT",
    "A/",
    '+CME ERROR: 16',
]  # fmt: skip


def test_each_command_with_secrets_is_tried_here() -> None:
    assert {name for name in SECRETS if not any(f"AT{name.decode()}=" in line for line in LINES)} == set()


@pytest.mark.parametrize(("line", "shown"), LINES.items())
def test_a_line_is_shown_without_its_secrets(line: str, shown: str) -> None:
    assert masked(line) == shown
    assert SECRET not in masked(line)


@pytest.mark.parametrize("line", PLAIN)
def test_other_lines_are_shown_as_they_are(line: str) -> None:
    assert masked(line) == line


@given(st.lists(st.sampled_from([*LINES, *PLAIN]) | st.text(max_size=20), max_size=6), st.lists(st.integers(1, 9)))
def test_octets_are_masked_as_they_come_however_they_are_divided(lines: list[str], sizes: list[int]) -> None:
    octets = "".join(f"{line}\r\n" for line in lines).encode("latin-1", "replace")
    whole = Masker()(octets)
    divided, at, masker = b"", 0, Masker()
    for size in [*sizes, len(octets)]:
        divided += masker(octets[at : at + size])
        at += size
    assert divided == whole
    assert len(whole) == len(octets)
    for line in lines:
        if line in LINES:
            assert LINES[line].encode() in whole


def step_of(line: str) -> Step:
    return next(command(line, timeout=1.0))


def ended_by(line: str, end: Callable[[Engine], None]) -> AtError:
    engine = Engine("port")
    engine.arm(step_of(line))
    assert engine.data_to_send() == line.encode() + b"\r"
    engine.sent(0.0)
    end(engine)
    reply = engine.reply()
    assert isinstance(reply, AtError)
    return reply


ENDS: dict[str, Callable[[Engine], None]] = {
    "silence": lambda engine: engine.handle_timeout(5.0),
    "ERROR": lambda engine: engine.receive(b"\r\nERROR\r\n", 0.1),
    "+CME ERROR": lambda engine: engine.receive(b"\r\n+CME ERROR: 16\r\n", 0.1),
    "a reset": lambda engine: engine.receive(b"\r\nRDY\r\n", 0.1),
    "the line": lambda engine: engine.line_lost(ChannelClosed("port: gone")),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("line", [line for line in LINES if line.upper().startswith("AT")])
def test_no_exception_has_a_secret(line: str, end: str) -> None:
    """Whether the module echoes the command or not."""
    for echo in (b"", line.encode() + b"\r"):
        error = ended_by(line, lambda engine, echo=echo: (engine.receive(echo, 0.0), ENDS[end](engine)))  # type: ignore[misc]
        for told in (str(error), repr(error), repr(error.args), repr(vars(error))):
            assert "s3" not in told


def test_no_repr_has_a_secret() -> None:
    for one in (Gprs("CMNET", "me", SECRET), Csd("17201", "me", SECRET), step_of(f'AT+CPIN="{SECRET}"')):
        assert SECRET not in repr(one)


def test_no_log_has_what_passes_on_a_channel(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("cmux.test")
    with caplog.at_level(logging.DEBUG, "cmux.test"):
        for event in (
            DataReceived(1, SECRET.encode()),
            AtReceived(SECRET.encode()),
            CommandReceived(f'AT+CPIN="{SECRET}"'),
            FrameDropped(0, DropReason.FCS, SECRET.encode()),
        ):
            log_event(log, event)
    assert len(caplog.records) == 4
    assert SECRET not in caplog.text
    assert "DataReceived(dlci=1, 6 octets)" in caplog.text


FILES = ["x.pcapng", "x.jsonl", "x.log"]


@pytest.mark.parametrize("size", [1, 7, 64, 200])
@pytest.mark.parametrize("option", Option)
@pytest.mark.parametrize("name", FILES)
def test_no_capture_has_a_secret(
    tmp_path: Path, name: str, option: Option, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The frames have the length that they had, and pass the same checks."""
    between = "".join(map(chr, range(0x20, 0x7F))) * 8 + "\r\n"
    secret, shown = (between.join(f"{line}\r\n" for line in lines) for lines in (LINES, LINES.values()))
    text = secret.encode()
    capture = Capture(tmp_path / name, Config(option=option, n1=200))
    for at in range(0, len(text), size):
        frame = Frame(1, True, FrameType.UIH, info=text[at : at + size])
        capture.feed(encode(frame, option), from_host=True, timestamp=1)
    capture.close()
    assert SECRET.encode() not in (tmp_path / name).read_bytes()
    if name == "x.log":  # it has the beginning of a frame only
        return
    assert main(["decode", "--format", "json", str(tmp_path / name)]) == 0
    frames = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert b"".join(bytes.fromhex(frame["info"]) for frame in frames).decode() == shown
    assert all(frame["fcs_ok"] for frame in frames)


def test_a_damaged_frame_tells_no_secret_in_a_capture(tmp_path: Path) -> None:
    octets = bytearray(encode(Frame(1, True, FrameType.UIH, info=b'ATE0;+CPIN="s3cret"\r')))
    octets[-2] ^= 1
    capture = Capture(tmp_path / "x.jsonl", Config())
    capture.feed(bytes(octets) + b"\xf9", from_host=True, timestamp=1)
    capture.close()
    text = (tmp_path / "x.jsonl").read_text()
    assert b'ATE0;+CPIN="******"'.hex() in text
    assert b"s3cret".hex() not in text


PIECES = st.sampled_from([f"{line}\r\n".encode() for line in (*LINES, *PLAIN)]) | st.binary(min_size=150, max_size=150)


@given(st.lists(PIECES, max_size=30).map(b"".join), st.sampled_from([64, 100, 127]))
def test_what_a_capture_hides_in_many_frames_at_once_is_what_it_hides_in_each(text: bytes, size: int) -> None:
    """The quick way, for full frames that follow one another, and the usual one."""
    infos = [text[at : at + size] for at in range(0, len(text), size)]
    masker = Masker()
    expected = [masker(info) for info in infos]
    writer = BlockWriter(1600, from_host=True, payload=True)
    line = b"".join(encode(Frame(1, True, FrameType.UIH, info=info)) for info in infos)
    blocks = b"".join(writer(line[at : at + 512], 1) for at in range(0, len(line), 512))
    decoder = BasicDecoder()
    packets = pcapng.read(io.BytesIO(pcapng.header() + blocks))
    found = [item for packet in packets for item in decoder.receive_data(packet.octets)]
    assert [item.info for item in found if isinstance(item, Frame)] == expected


@pytest.mark.parametrize("before", [60, 72, 100])
def test_a_secret_behind_a_long_command_is_hidden_where_it_begins_in_the_next_frame(before: int) -> None:
    """The line has begun long before; the frames behind it are written one by one, as nobody knows what they have."""
    first = b"hello\r\n" * 4 + b'AT+QICFG="' + b"x" * before + b'";'
    writer = BlockWriter(1600, from_host=True, payload=True)
    frames = [b"x" * (len(first) - 2) + b"\r\n", first, b'+CPIN="s3cret"\r\n'.ljust(len(first), b".")]
    blocks = b"".join(writer(encode(Frame(1, True, FrameType.UIH, info=info)), 1) for info in frames)
    assert b'+CPIN="******"\r\n' in blocks
    assert b"s3cret" not in blocks
