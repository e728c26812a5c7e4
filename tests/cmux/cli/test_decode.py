"""``decode``: what goes in, what comes out, and how it ends."""

import contextlib
import io
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmux.capture import pcapng
from cmux.capture.packets import NotACapture
from cmux.capture.recorder import Capture
from cmux.cli import main
from cmux.cli.decode_hex import from_hex, without_comments
from cmux.protocol import Config, Frame, FrameType, Option, encode

SABM = bytes.fromhex("F9 03 3F 01 1C F9")
MSC = encode(Frame(0, True, FrameType.UIH, False, bytes.fromhex("E3 05 07 8D")))
DATA = encode(Frame(1, True, FrameType.UIH, False, b"AT\r"))
KEYS = {"offset", "option", "dlci", "cr", "type", "pf", "info", "fcs_ok", "commands"}


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(octets: bytes, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets)))
        code = main(["decode", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def objects(decode):
    def run(octets: bytes, *arguments: str) -> list[dict[str, object]]:
        code, out, err = decode(octets, "--format", "json", *arguments)
        if not out:
            assert code == 1
            assert "holds no frame" in err
            assert len(err.splitlines()) == 1
            return []
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return run


def test_the_sabm_of_the_specification_in_hex(objects) -> None:
    assert objects(b"F9 03 3F 01 1C F9", "-") == [
        {
            "offset": 0,
            "option": "basic",
            "dlci": 0,
            "cr": True,
            "type": "SABM",
            "pf": True,
            "info": "",
            "fcs_ok": True,
            "commands": [],
        }
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"F9 03 3F 01 1C F9\n",
        b"f9033f011cf9",
        b"0xF9, 0x03, 0x3F, 0x1, 0x1C, 0xF9",
        rb"\xf9\x03\x3f\x01\x1c\xf9",
        b"F9:03:3F:01:1C:F9",
        SABM,
        b"\xef\xbb\xbfF9 03 3F 01 1C F9\r\n",
        b"# what the host says first: SABM\r\nF9 03 3F\r\n01 1C F9\n",
        b"\xef\xbb\xbf# SABM, P = 1\nF9 03 # address\n3F 01 1C F9 # and so on",
    ],
    ids=["pairs", "run", "0x", "backslash", "colons", "raw", "mark", "comment", "both"],
)
def test_what_the_input_looks_like_is_found_out(objects, text: bytes) -> None:
    assert [found["type"] for found in objects(text)] == ["SABM"]


def test_raw_is_raw_whatever_it_looks_like(objects) -> None:
    assert objects(b"F9 03 3F 01 1C F9", "--input", "raw") == []


def test_every_good_frame_has_every_key_and_its_offset(objects) -> None:
    found = objects(b"junk\xf0" + SABM + MSC + DATA, "--input", "raw")
    assert all(set(item) == KEYS for item in found)
    assert [(item["offset"], item["type"], item["dlci"]) for item in found] == [
        (5, "SABM", 0),
        (11, "UIH", 0),
        (11 + len(MSC), "UIH", 1),
    ]
    assert found[2]["info"] == b"AT\r".hex()


def test_control_messages_are_spelled_out(objects) -> None:
    (message,) = objects(MSC)[0]["commands"]
    assert (message["name"], message["command"], message["value"], message["problem"]) == ("MSC", True, "078d", None)
    assert "dlci=1" in message["text"]
    assert "rtc=1" in message["text"]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (SABM[:-2] + b"\x00\xf9", "fcs"),
        (SABM[:-1] + b"\x00", "no_closing_flag"),
        (SABM[:-1], "truncated"),
        (b"\xf9\x02\x3f\x01\x1c\xf9", "address"),
        (b"\xf9\x03\x77\x01\x1c\xf9", "control"),
        (b"\xf9\x03\xef\xfe\xff" + SABM, "too_long"),
    ],
)
def test_what_is_no_frame_is_told_with_its_reason_and_is_no_failure(objects, octets: bytes, reason: str) -> None:
    dropped = [item for item in objects(octets) if "dropped" in item]
    assert reason in [item["dropped"] for item in dropped]
    assert all(set(item) == {"offset", "dropped", "raw"} for item in dropped)
    assert all(octets[item["offset"] :].startswith(bytes.fromhex(item["raw"])) for item in dropped)


def test_a_frame_behind_a_damaged_length_is_found_at_the_end_of_the_input(objects) -> None:
    damaged = b"\xf9\x07\xef\x7f" + DATA[4:] + SABM
    found = objects(damaged)
    assert found[0]["dropped"] == "truncated"
    assert [item["type"] for item in found if "type" in item] == ["SABM"]


def test_n1_is_the_longest_information_field(objects) -> None:
    assert [item.get("dropped") for item in objects(DATA, "--n1", "2")] == ["too_long"]
    assert [item.get("dropped") for item in objects(DATA, "--n1", "3")] == [None]


def test_the_table_can_be_read(decode) -> None:
    code, out, _ = decode(SABM + MSC + DATA + SABM[:-2] + b"\x00\xf9")
    header, sabm, msc, data, bad = out.splitlines()
    assert code == 0
    assert header.split()[:4] == ["offset", "DLCI", "C/R", "type"]
    assert sabm.split() == ["0", "0", "1", "SABM", "1"]
    assert "MSC command" in msc
    assert data.split() == ["16", "1", "1", "UIH", "0", "AT"]
    assert "dropped: fcs" in bad


def test_the_output_can_go_to_a_file(decode, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(SABM)
    code, out, _ = decode(b"", str(tmp_path / "in"), "--format", "json", "-o", str(tmp_path / "out"))
    assert (code, out) == (0, "")
    assert json.loads((tmp_path / "out").read_text())["type"] == "SABM"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "pdf"],
        ["--input", "pdf"],
        ["--option", "any"],
        ["--n1", "0"],
        ["--n1", "32768"],
        ["--n1", "x"],
        ["--bogus"],
        ["a", "b"],
    ],
)
def test_options_that_do_not_exist_are_usage_errors(decode, arguments: list[str]) -> None:
    code, out, err = decode(b"", *arguments)
    assert (code, out) == (2, "")
    assert "usage:" in err


@pytest.mark.parametrize(
    ("octets", "arguments", "fact"),
    [
        (b"", ["/nowhere/at/all"], "/nowhere/at/all"),
        (b"", ["/"], "cannot be read"),
        (b"", ["-o", "/nowhere/at/all"], "cannot be written"),
        (b"F9 0g", ["--input", "hex"], "'0g'"),
        (b"F9 033", ["--input", "hex"], "'033'"),
    ],
)
def test_input_that_cannot_be_read_is_one_line_and_exit_1(decode, octets: bytes, arguments, fact: str) -> None:
    code, _, err = decode(octets, *arguments)
    assert code == 1
    assert fact in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("octets", [b"", b"\n", b"# nothing\n", b"Dear diary, ~ nothing came.\n", b"\x00\x01\x02"])
def test_input_without_a_frame_is_told_with_what_is_understood(decode, octets: bytes) -> None:
    code, out, err = decode(octets, "-", "--format", "json")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "standard input holds no frame" in err
    for kind in ("hex digits", "xxd", "hexdump", "od", "esp-idf", "n_gsm", "pcapng", ".jsonl", ".log", "raw"):
        assert kind in err


def test_the_module_runs_as_a_program_and_says_its_version() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "cmux", "decode", "-", "--format", "json"], input=SABM, capture_output=True, check=True
    )
    assert json.loads(answer.stdout)["type"] == "SABM"
    version = subprocess.run(
        [sys.executable, "-m", "cmux", "decode", "--version"], capture_output=True, check=True, text=True
    )
    assert version.stdout.startswith("gsm0710 ")


def test_a_terminal_that_has_not_every_character_is_no_traceback() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "cmux", "attach", "--help"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert rb"PREFIX2, \u2026" in answer.stdout
    assert answer.stderr == b""


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(SABM * 100_000)
    with subprocess.Popen(
        [sys.executable, "-m", "cmux", "decode", str(tmp_path / "in")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


@given(
    st.binary(max_size=200),
    st.lists(st.integers(1, 50), max_size=8),
    st.sampled_from([" ", "", "\n", ",", " # F9 #\n", " // F9 / # F9\n"]),
    st.sampled_from(["", "\ufeff", "# F9\n", "\ufeff#\r\n"]),
)
def test_hex_in_any_portions_is_the_same_octets(octets: bytes, cuts: list[int], separator: str, head: str) -> None:
    text = head + separator.join(f"{octet:02x}" for octet in octets)
    chunks, rest = [], text.encode()
    for cut in cuts:
        chunks.append(rest[:cut])
        rest = rest[cut:]
    assert b"".join(from_hex(without_comments([*chunks, rest]))) == octets


def test_hex_without_a_single_separator_does_not_pile_up() -> None:
    chunk = b"F9" * 32768
    sizes = [len(part) for part in from_hex([chunk] * 20)]
    assert sum(sizes) == 20 * 32768
    assert max(sizes) <= 3 * 32768


# --- The advanced option, captures, other formats ---


def advanced(frame: Frame) -> bytes:
    return encode(frame, Option.ADVANCED)


FRAMES = [
    Frame(0, True, FrameType.SABM, True),
    Frame(0, True, FrameType.UA, True),
    Frame(0, True, FrameType.UIH, False, bytes.fromhex("E3 05 07 8D")),
    Frame(1, True, FrameType.UIH, False, b"<b>AT;#\x7e\x7d\x11\r"),
]


@pytest.mark.parametrize("arguments", [(), ("--option", "advanced")])
def test_the_advanced_option_is_decoded_when_it_is_asked_for_or_found(objects, arguments: tuple[str, ...]) -> None:
    found = objects(b"".join(map(advanced, FRAMES)), "-", "--input", "raw", *arguments)
    assert [entry["option"] for entry in found] == ["advanced"] * 4
    assert [bytes.fromhex(entry["info"]) for entry in found] == [frame.info for frame in FRAMES]


def test_auto_takes_the_option_with_more_good_frames_and_the_basic_one_when_there_is_none(objects) -> None:
    mixed = advanced(FRAMES[0]) + b"".join(map(encode, FRAMES))
    assert {entry.get("option") for entry in objects(mixed, "-", "--input", "raw") if "dlci" in entry} == {"basic"}
    (junk,) = objects(b"\xf9\x03\x3f\x01\x1d\xf9", "-", "--input", "raw")
    assert junk["dropped"] == "fcs"
    assert objects(b"", "-") == []


def test_a_wrong_option_decodes_nothing(objects) -> None:
    entries = objects(encode(FRAMES[0]), "-", "--input", "raw", "--option", "advanced")
    assert [entry for entry in entries if "dlci" in entry] == []


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "line.pcapng"
    recorder = Capture(path, Config())
    for number, frame in enumerate(FRAMES):
        recorder.feed(
            encode(frame), from_host=frame.type is not FrameType.UA, timestamp=1_700_000_000_000_000_001 + number
        )
    recorder.close()
    return path


@pytest.mark.parametrize("arguments", [(), ("--input", "pcapng")])
def test_a_capture_is_read_back_with_times_and_directions(objects, capture: Path, arguments: tuple[str, ...]) -> None:
    found = objects(b"", str(capture), *arguments)
    assert [(entry["type"], entry["from"]) for entry in found] == [
        ("SABM", "host"), ("UA", "module"), ("UIH", "host"), ("UIH", "host")
    ]  # fmt: skip
    assert [entry["time"] for entry in found] == [1_700_000_000_000_000_001 + number for number in range(4)]
    assert found[2]["commands"][0]["name"] == "MSC"
    assert objects(capture.read_bytes(), "-") == found


def test_a_capture_that_still_grows_is_read_as_far_as_it_goes(objects, capture: Path) -> None:
    octets = capture.read_bytes()
    for cut in range(len(octets)):
        assert len(objects(octets[:cut], "-", "--input", "pcapng")) <= 4
    assert len(objects(octets[:-1], "-")) == 3


def swapped(octets: bytes) -> bytes:
    """The same capture as a machine of the other byte order writes it."""
    out = b""
    while octets:
        kind, length = struct.unpack_from("<II", octets)
        body = octets[8 : length - 4]
        forms = {0x0A0D0D0A: "IHHq", 1: "HHIHHBxxxHH", 6: "IIIII"}
        head = struct.calcsize("<" + forms[kind])
        turned = struct.pack(">" + forms[kind], *struct.unpack_from("<" + forms[kind], body)) + body[head:]
        out += struct.pack(">II", kind, length) + turned + struct.pack(">I", length)
        octets = octets[length:]
    return out


def test_a_capture_of_the_other_byte_order_is_read_too(objects, capture: Path) -> None:
    assert objects(swapped(capture.read_bytes()), "-") == objects(capture.read_bytes(), "-")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda octets: octets.replace(b"\xec\x00", b"\x01\x00", 1), "link type 1"),
        (lambda octets: octets[:4] + b"\x1d" + octets[5:], "a block of 29 octets"),
        (lambda octets: octets[:4] + b"\xff\xff\xff\x7f" + octets[8:], "is not valid"),
    ],
)
def test_what_is_no_such_capture_is_said_in_one_line(decode, capture: Path, damage, message: str) -> None:
    code, _, err = decode(damage(capture.read_bytes()), "-")
    assert code == 1
    assert message in err
    assert len(err.splitlines()) == 1


@given(st.binary(max_size=300), st.integers(0, 120))
def test_no_capture_whatever_is_in_it_raises_anything_else(junk: bytes, keep: int) -> None:
    octets = (pcapng.header() + pcapng.packet(b"\xf9\x03\x3f\x01\x1c\xf9", from_host=True, timestamp=1))[:keep] + junk
    with contextlib.suppress(NotACapture):
        list(pcapng.read(io.BytesIO(octets)))


def test_a_sequence_diagram_for_mermaid(decode, capture: Path) -> None:
    code, out, _ = decode(b"", str(capture), "--format", "mermaid")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "sequenceDiagram"
    assert lines[3] == "    host->>module: DLCI 0 SABM"
    assert lines[4] == "    module->>host: DLCI 0 UA"
    assert lines[5].startswith("    host->>module: DLCI 0 UIH MSC command dlci=1")
    assert "AT#59;#35;" in lines[6]


def test_directions_are_guessed_by_the_cr_bit_where_nobody_says(decode) -> None:
    frames = b"".join(map(encode, (*FRAMES[:2], Frame(1, False, FrameType.UIH, False, b"x"))))
    _, out, _ = decode(frames + b"\xf9\x03\x3f\x01\x1d\xf9", "-", "--input", "raw", "--format", "mermaid")
    arrows = [line.split(":")[0].strip() for line in out.splitlines()[3:]]
    assert arrows == ["host->>module", "module->>host", "module->>host", "Note over host,module"]


def test_a_page_escapes_what_it_shows(decode, capture: Path) -> None:
    code, out, _ = decode(b"", str(capture), "--format", "html")
    assert code == 0
    assert "&lt;b&gt;AT" in out
    assert "<b>" not in out
    assert out.count('<tr class="host">') == 3
    assert out.count('<tr class="module">') == 1
    assert out.endswith("</table>\n")
