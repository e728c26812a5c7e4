"""PINs and passwords: they reach the module, and nothing else that remains.

Every command of the table is driven through all that remains of it or shows it: captures, logs, exceptions, `repr`, and
`gsm0710 monitor`.
"""

from __future__ import annotations

import io
import json
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import each

from cmux import VirtualUart
from cmux.capture import pcapng
from cmux.capture.blocks import BlockWriter
from cmux.capture.recorder import Capture
from cmux.cli import main
from cmux.logs import StepLog, log_event
from cmux.masking import SECRETS, Masker, hidden, masked
from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Option, encode
from cmux.protocol.at_mode import AtMode
from cmux.protocol.events import AtReceived, CommandReceived, DataReceived, DropReason, FrameDropped
from cmux.protocol.start_options import LONGEST_COMMAND, StartOptions
from cmux.protocol.startup_steps import Receiver, StepResult
from cmux.urls import parse_url
from drivers.at.core.dialogue import Step, command
from drivers.at.core.engine import Engine
from drivers.cli import main as drivers_main
from drivers.cli.monitor import Inquiry
from drivers.emulator import EmulatedModule
from drivers.errors import AtError, ChannelClosed, CmeError
from drivers.modem import Identity
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

COMMANDS = [line for line in LINES if line.upper().startswith("AT")]

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


@each(("line, shown", LINES.items()))
def test_a_line_is_shown_without_its_secrets(line: str, shown: str) -> None:
    assert masked(line) == shown
    assert SECRET not in masked(line)


@each(("line", LINES))
def test_a_secret_is_hidden_wherever_its_command_stands(line: str) -> None:
    assert hidden(f"noise {line}") == f"noise {LINES[line]}"
    assert "s3" not in hidden(f"{line}, {line}: {line}")


def test_a_secret_that_has_the_name_of_a_command_in_it_is_hidden() -> None:
    assert hidden('? AT+CPIN="s3+CPINcret";+CSQ') == '? AT+CPIN="***********";+CSQ'


@each(("line", PLAIN))
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


@each(("end", ENDS), ("line", COMMANDS))
def test_no_exception_has_a_secret(line: str, end: str) -> None:
    """Whether the module echoes the command or not."""
    for echo in (b"", line.encode() + b"\r"):
        error = ended_by(line, lambda engine, echo=echo: (engine.receive(echo, 0.0), ENDS[end](engine)))  # type: ignore[misc]
        for told in (str(error), repr(error), repr(error.args), repr(vars(error))):
            assert "s3" not in told


def test_no_repr_has_a_secret() -> None:
    for one in (Gprs("CMNET", "me", SECRET), Csd("17201", "me", SECRET), step_of(f'AT+CPIN="{SECRET}"')):
        assert SECRET not in repr(one)


WRONG: dict[str, Callable[[str], object]] = {
    "a command line that has an end in it": lambda line: step_of(f"{line}\r"),
    "a command line that is not ASCII": lambda line: step_of(f"{line}\xe9"),
    "a command line of octets": lambda line: step_of(cast(Any, line.encode())),
    "a command line that is too long": lambda line: step_of(line + " " * 300),
    "init that is not one line": lambda line: StartOptions(init=(f"{line}\n",)),
    "init that is no tuple": lambda line: StartOptions(init=cast(Any, line)),
    "init of a URL": lambda line: parse_url(f"cmux:///dev/x?dlci=1&init={line.replace('+', '%2B')}%0d"),
    "another key of such a URL": lambda line: parse_url(f"cmux:///dev/x?dlci=99&init={line.replace('+', '%2B')}"),
    "a URL without a DLCI": lambda line: parse_url(f"cmux:///dev/x?init={line}"),
}


@each(("what", WRONG), ("line", COMMANDS))
def test_no_message_about_a_mistake_repeats_a_secret(line: str, what: str) -> None:
    with pytest.raises(ValueError if what != "a command line of octets" else TypeError) as raised:
        WRONG[what](line)
    assert "s3" not in str(raised.value)


@pytest.mark.parametrize("wrong", ['s3cret"', "s3cret\r", "s3cret\xe9"])
@pytest.mark.parametrize(
    "make", [lambda word: Gprs("net", "me", word), lambda word: Csd("1", word)], ids=["Gprs", "Csd"]
)
def test_no_message_repeats_a_password_that_no_command_can_have(make: Callable[[str], object], wrong: str) -> None:
    with pytest.raises(ValueError, match="contains") as raised:
        make(wrong)
    assert "s3" not in str(raised.value)


@each(("line", COMMANDS))
def test_no_repr_of_what_carries_a_command_has_its_secret(line: str) -> None:
    url = f"cmux:///dev/x?dlci=1&init={line.replace('+', '%2B').replace('&', '%26')}"
    uart = VirtualUart(None)
    uart.port = url
    responder = AtMode(Config(), [Option.BASIC], forward=True)
    responder.receive(line.encode() + b"\r")
    for one in (uart, parse_url(url), StartOptions(init=(line,)), step_of(line), responder):
        assert "s3" not in repr(one)


@each(("line", LINES))
def test_what_was_heard_before_a_session_is_told_without_secrets(line: str) -> None:
    receiver = Receiver()
    listening = receiver.listen(1.0)
    next(listening)
    for part in (line[:9], line[9:]):
        listening.send(StepResult(part.encode(), 0.1))
    assert "octets heard" in receiver.seen()
    assert "s3" not in receiver.seen()


@pytest.mark.parametrize("cut", [0, 1, 5, 9, 14])
@pytest.mark.parametrize("line", LINES)
def test_no_log_of_the_steps_before_a_session_has_a_secret(
    line: str, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Sent in one piece, and echoed in two."""
    octets = line.encode()
    with caplog.at_level(logging.DEBUG, "cmux.test"):
        log = StepLog(logging.getLogger("cmux.test"))
        log(octets + b"\r", octets[:cut])
        log(b"", octets[cut:] + b"\r\r\nERROR\r\n")
    assert "s3" not in caplog.text
    shown = LINES[line].encode() + b"\r"
    assert f"sent {shown!r}" in caplog.text
    assert "ERROR" in caplog.text


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


@pytest.mark.parametrize("line", LINES)
def test_the_monitor_shows_no_secret_of_a_stale_answer(line: str) -> None:
    """A module may answer any question with the line that belongs to another one."""

    class Confused:
        def identity(self) -> Identity:
            return Identity(line, line, line, line)

        def operator(self) -> str:
            return line

        def __getattr__(self, name: str) -> Callable[[], object]:
            raise CmeError("refused", command="AT", answer=f"+CME ERROR: {line}", code=None)

    told = Inquiry(cast(Any, None), 1)._asked(cast(Any, Confused()))
    assert told.model == told.operator == hidden(line)
    assert told.sim is not None
    assert "s3" not in repr(told)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_the_monitor_shows_no_secret_that_it_sends(capfd: pytest.CaptureFixture[str], more: list[str]) -> None:
    """The most that it says; the module refuses these commands, or takes them."""
    sent = [word for line in COMMANDS for word in ("--init", line)]
    with EmulatedModule() as module:
        assert drivers_main(["monitor", module.serve_pty(), "--once", "-vvv", *more, *sent]) == 0
    shown = "".join(capfd.readouterr())
    for line in COMMANDS:
        assert len(line) <= LONGEST_COMMAND
        assert f"init: {LINES[line]} is answered with" in shown
    assert "s3" not in shown


@pytest.mark.parametrize("line", ['AT+CPIN="s3cret"x', 'AT+CPIN="s3cret', 'AT+CLCK="SC",1,s3"cret"', 'AT+CPIN"s3cret"'])
def test_the_emulated_module_logs_no_secret_of_a_line_that_it_does_not_understand(
    line: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard = b""
    with caplog.at_level(logging.DEBUG), EmulatedModule() as module:
        host, _, port = module.serve_tcp().rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as end:
            end.sendall(line.encode() + b"\r")
            while b"ERROR" not in heard:
                heard += end.recv(100)
    assert "is no sequence of commands" in caplog.text
    assert "s3" not in caplog.text


FILES = ["x.pcapng", "x.jsonl", "x.log"]


@pytest.mark.parametrize("size", [1, 7, 64, 200])
@pytest.mark.parametrize("option", Option)
@pytest.mark.parametrize("name", FILES)
def test_no_capture_has_a_secret(
    tmp_path: Path, name: str, option: Option, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The frames have the length that they had, and pass the same checks."""
    between = "".join(map(chr, range(0x20, 0x7F))) * (8 if size >= 64 else 1) + "\r\n"
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
