"""The table of ``decode``: times, sides, joined text, colours, widths; its channels, its summary; what is hidden."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from cmux.cli import main
from cmux.cli.decode_formats import Found, Hidden
from cmux.cli.decode_table import Table
from cmux.protocol import Frame, FrameType, Option, encode
from cmux.protocol.events import DropReason, FrameDropped

NOON = 1_782_993_600_000_000_000  # 2026-07-02, 12:00:00 UTC
MSC = Frame(0, True, FrameType.UIH, False, bytes.fromhex("E3 05 07 8D"))
Decode = Callable[..., tuple[int, str, str]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def uih(dlci: int, info: bytes) -> Frame:
    return Frame(dlci, True, FrameType.UIH, False, info)


def found(item: Frame | FrameDropped, timestamp: int | None = None, from_host: bool | None = None) -> Found:
    return Found(0, item, Option.BASIC, timestamp, from_host)


def rows(items: Iterable[Found], output: io.StringIO | None = None) -> list[str]:
    out, table = output or io.StringIO(), Table()
    table.begin(out)
    for item in items:
        table.write(out, [item])
    table.end(out)
    return out.getvalue().splitlines()


def information(items: Iterable[Found]) -> list[str]:
    header, *rest = rows(items)
    return [row[header.index("information") :] for row in rest]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Decode:
    def run(octets: bytes, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets)))
        code = main(["decode", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


# --- Times and sides --------------------------------------------------------------------------------------------------


def test_times_of_a_known_day_are_shown_with_the_day_once() -> None:
    header, day, first, second, next_day, third = rows(
        [
            found(MSC, NOON, True),
            found(MSC, NOON + 1_234_000_000, False),
            found(MSC, NOON + 86_400_000_000_000, True),
        ]
    )
    assert header.split()[:3] == ["time", "(UTC)", "from"]
    assert (day, next_day) == ("2026-07-02", "2026-07-03")
    assert first.split()[:3] == ["12:00:00.000", "host", "0"]
    assert second.split()[:3] == ["12:00:01.234", "module", "0"]
    assert third.split()[:2] == ["12:00:00.000", "host"]


def test_times_of_no_day_are_those_of_the_input() -> None:
    header, first, second = rows([found(MSC, 3_723_004_000_000), found(MSC)])
    assert header.split()[:2] == ["time", "DLCI"]
    assert first.split()[0] == "01:02:03.004"
    assert second.split()[0] == "0"


@pytest.mark.parametrize("timestamp", [-1, 0, 10**18, 10**21, 10**60])
def test_no_time_is_too_long_ago_or_too_far_away(timestamp: int) -> None:
    assert rows([found(MSC, timestamp, True)])[-1].split()[1] == "host"


def test_without_times_there_is_the_offset_and_without_sides_no_column_for_them() -> None:
    assert rows([found(MSC)])[0].split()[:2] == ["offset", "DLCI"]
    assert rows([found(MSC, None, True)])[0].split()[:3] == ["offset", "from", "DLCI"]


# --- Text -------------------------------------------------------------------------------------------------------------


def test_a_line_over_several_frames_and_several_lines_in_one() -> None:
    assert information(
        [
            found(uih(1, b"AT+QIOPEN=")),
            found(uih(2, b"ATI\r")),
            found(uih(1, b'"TCP"\r')),
            found(uih(1, b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n")),
        ]
    ) == ["AT+QIOPEN= …", "ATI", 'AT+QIOPEN="TCP"', "+CSQ: 20,99", "OK"]


def test_the_two_sides_of_a_channel_are_joined_each_for_itself() -> None:
    host, module = (lambda info, side=side: found(uih(1, info), NOON, side) for side in (True, False))
    assert information([host(b"AT+C"), module(b"\r\nRI"), host(b"SQ\r"), module(b"NG\r\n")])[1:] == [
        "AT+C …", "RI …", "AT+CSQ", "RING"
    ]  # fmt: skip


def test_data_by_count_is_not_joined_with_the_command_behind_it() -> None:
    host, module = (lambda info, side=side: found(uih(1, info), NOON, side) for side in (True, False))
    assert information([host(b"by count"), module(b"\r\nSEND OK\r\n"), host(b"AT\r")])[1:] == [
        "by count …", "SEND OK", "AT"
    ]  # fmt: skip


def test_nothing_is_joined_across_what_was_dropped_or_a_new_beginning_of_the_channel() -> None:
    lost = found(FrameDropped(0, DropReason.FCS, b"\xf9\x07\xf9"))
    assert information([found(uih(1, b"AT+C")), lost, found(uih(1, b"SQ\r"))])[2] == "SQ"
    sabm = found(Frame(1, True, FrameType.SABM, True))
    assert information([found(uih(1, b"AT+C")), sabm, found(uih(1, b"SQ\r"))])[2] == "SQ"


def test_octets_that_are_no_text_are_in_hex_and_ends_of_lines_by_name() -> None:
    assert information([found(uih(1, b"\x00A\r\nOK\r\n")), found(uih(2, b"\r\n")), found(uih(2, b""))]) == [
        "00 41 0d 0a 4f 4b 0d 0a  .A..OK..", "OK", "\\r\\n", ""
    ]  # fmt: skip


def test_no_octet_of_the_input_controls_the_terminal(terminal: Terminal) -> None:
    info = bytes(range(256)) + b"\r\x1b]0;title\x07\r\x9b31m\r"
    text = "\n".join(
        rows([found(uih(0, info)), found(uih(2, info)), found(FrameDropped(0, DropReason.FCS, info))], terminal)
    )
    assert re.sub(r"\x1b\[\d*m|\n", "", text).isprintable()


# --- The terminal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 140])
def test_rows_are_as_wide_as_the_terminal_and_lose_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    line = " ".join(f"word{number}" for number in range(30)) + "x" * 200
    header, _, *rest = rows([found(uih(1, line.encode() + b"\r"), NOON, True)], terminal)
    shown = [re.sub(r"\x1b\[\d*m", "", row) for row in rest]
    assert max(map(len, shown)) <= columns
    text = [row[header.index("information") :] for row in shown]
    assert "".join(text).replace(" ", "") == line.replace(" ", "")
    assert all(not row[: header.index("information")].strip() for row in shown[1:])


def test_each_dlci_has_its_colour_and_what_was_dropped_another(terminal: Terminal) -> None:
    items = [found(Frame(dlci, True, FrameType.SABM, True)) for dlci in (0, 1, 2, 1)]
    _, *shown = rows([*items, found(FrameDropped(0, DropReason.FCS, b"\xf9"))], terminal)
    colours = [re.match(r"\x1b\[\d+m", row) for row in shown]
    found_out = [colour and colour[0] for colour in colours]
    assert found_out[0] is None
    assert found_out[1] == found_out[3]
    assert len({*found_out}) == 4
    assert all(row.endswith("\x1b[0m") for row in shown[1:])


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colours_where_they_are_not_wanted(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert "\x1b" not in "".join(rows([found(uih(1, b"AT\r"))], terminal))


def test_neither_colours_nor_widths_where_it_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    line = "x" * 500
    assert information([found(uih(1, line.encode() + b"\r"))]) == [line]


# --- The command ------------------------------------------------------------------------------------------------------

BAD = encode(MSC)[:-2] + b"\x00\xf9"
OCTETS = b"noise" + b"".join(map(encode, (MSC, uih(1, b"AT\r"), uih(2, b"ATI\r")))) + BAD[1:]


def test_the_summary_is_on_stderr_with_the_table_only(decode: Decode) -> None:
    assert decode(OCTETS, "--input", "raw")[2] == f"3 frames, 1 dropped, {5 + len(BAD) - 2} octets in no frame\n"
    for form in ("json", "html", "mermaid"):
        assert decode(OCTETS, "--input", "raw", "--format", form)[2] == ""
    assert decode(OCTETS, "--input", "raw", "-q")[2] == ""


@pytest.mark.parametrize("option", Option)
def test_octets_in_no_frame_are_counted_in_both_options_and_flags_are_not(decode: Decode, option: Option) -> None:
    frame = encode(MSC, option)
    assert decode(b"x" + frame[:1] * 5 + frame, "--input", "raw")[2] == "1 frame, 0 dropped, 1 octet in no frame\n"


def test_octets_in_no_frame_of_a_capture_as_lines(decode: Decode) -> None:
    _, lines, _ = decode(OCTETS, "--input", "raw", "--format", "json")
    assert decode(lines.encode())[2] == f"3 frames, 1 dropped, {len(BAD) - 2} octets in no frame\n"


def test_only_the_channels_that_were_asked_for(decode: Decode) -> None:
    code, out, err = decode(OCTETS, "--input", "raw", "--dlci", "2", "--dlci", "1")
    assert code == 0
    assert [row.split()[1] for row in out.splitlines()[1:]] == ["1", "2"]
    assert err.endswith("; shown: 2 frames of DLCI 1 and 2\n")
    _, out, _ = decode(OCTETS, "--input", "raw", "--dlci", "2", "--format", "json")
    assert [json.loads(line)["dlci"] for line in out.splitlines()] == [2]


def test_an_input_without_a_frame_of_the_channel_is_no_failure(decode: Decode) -> None:
    code, out, err = decode(OCTETS, "--input", "raw", "--dlci", "9")
    assert (code, out) == (0, "")
    assert err.endswith("; shown: 0 frames of DLCI 9\n")


def test_nothing_is_joined_across_what_was_dropped_and_not_shown(decode: Decode) -> None:
    octets = encode(uih(1, b"AT+C")) + BAD[1:] + encode(uih(1, b"SQ\r"))
    _, out, _ = decode(octets, "--input", "raw", "--dlci", "1")
    assert [row.split()[-1] for row in out.splitlines()[1:]] == ["…", "SQ"]


@pytest.mark.parametrize("dlci", ["-1", "64", "x", ""])
def test_a_dlci_that_does_not_exist_is_a_usage_error(decode: Decode, dlci: str) -> None:
    assert decode(b"", f"--dlci={dlci}")[0] == 2


@pytest.mark.parametrize("size", [1, 3, 40])
@pytest.mark.parametrize("form", ["table", "html", "mermaid"])
def test_what_is_for_people_has_no_secret_however_it_is_divided(decode: Decode, form: str, size: int) -> None:
    line = b'AT+CPIN="7351"\r'
    octets = b"".join(encode(uih(1, line[at : at + size])) for at in range(0, len(line), size))
    damaged = bytearray(encode(uih(1, line)))
    damaged[-2] ^= 1
    _, out, _ = decode(octets + bytes(damaged[1:]), "--input", "raw", "--format", form)
    text = re.sub(r"#\d+;|<[^>]*>|\s", "", out)
    assert "7351" not in text
    assert b"7351".hex() not in text.replace(" ", "")
    if form == "table":
        assert 'AT+CPIN="****"' in out


def test_hidden_leaves_control_messages_and_other_text_as_they_are() -> None:
    hide = Hidden()
    assert hide(found(MSC)) == found(MSC)
    assert hide(found(uih(1, b"AT+CSQ\r"))) == found(uih(1, b"AT+CSQ\r"))


def test_a_page_says_what_control_messages_mean_where_the_pointer_rests(decode: Decode, tmp_path: Path) -> None:
    from cmux.protocol import commands
    from cmux.protocol.messages import encode_message

    messages = [commands.PN(1), commands.RPN(1, commands.PortSettings()), commands.RLS(1, overrun=True), commands.CLD()]
    frames = [MSC, *(uih(0, encode_message(message, command=True)) for message in messages), uih(1, b"AT\r")]
    _, out, _ = decode(b"".join(map(encode, frames)), "--input", "raw", "--format", "html")
    titles = re.findall(r'title="([^"]*)"', out)
    assert len(titles) == 5
    assert "27.010 §5.4.6.3.7" in titles[0]
    assert "rtr=1: ready to receive" in titles[0]
    assert "UIH" in titles[1]
    assert "parity" in titles[2]
    assert "overrun=1: a character was overwritten" in titles[3]
    assert "close down" in titles[4]
    assert all(not line.endswith(": ") for title in titles for line in title.splitlines())
    assert out.count("<td") == 5 * len(frames)
