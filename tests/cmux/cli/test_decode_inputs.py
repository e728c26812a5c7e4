"""``decode``: every way in which people have the octets of a line."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from octet_texts import DUMPS, ESP, ESP_IN_COLOUR, EXCHANGE, HEX, KERNEL, KERNEL_AS_MODULE, LOGS, SABM, UA

from cmux.capture import pcap, pcapng
from cmux.capture.packets import NotACapture
from cmux.capture.recorder import Capture
from cmux.capture.reread import json_line, log_line
from cmux.cli import main
from cmux.cli.decode_inputs import PORTIONS, Unreadable
from cmux.cli.decode_text import LogReader, NoOctet, direction, split_time
from cmux.protocol import Config, Frame, FrameType, commands, encode
from cmux.protocol.commands import MSC, PN, RLS, RPN, SNC, Command, PortSettings, Signals
from cmux.protocol.messages import encode_message
from cmux.settings import SETTINGS
from drivers.cli import main as drivers_main

Decode = Callable[..., tuple[int, str, str]]


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Decode:
    def run(octets: bytes | str, *arguments: str) -> tuple[int, str, str]:
        data = octets.encode() if isinstance(octets, str) else octets
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main(["decode", "--format", "json", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def found(decode: Decode) -> Callable[..., list[dict[str, object]]]:
    def run(octets: bytes | str, *arguments: str) -> list[dict[str, object]]:
        code, out, err = decode(octets, *arguments)
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return run


def types(entries: list[dict[str, object]]) -> list[object]:
    return [entry.get("type", entry.get("dropped")) for entry in entries]


def octets_of(kind: str, text: bytes) -> bytes:
    return b"".join(portion.octets for portion in PORTIONS[kind]([text]))


# --- Digits ---


@pytest.mark.parametrize("text", HEX.values(), ids=HEX)
def test_octets_as_digits_with_remarks(found, text: str) -> None:
    entries = found(text)
    assert types(entries) == ["SABM", "UA"]
    assert [entry["offset"] for entry in entries] == [0, 6]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("F9 03 3F 0", "'0' after octet 3 is half an octet"),
        ("F9 03 3F 01 1C F", "'F' after octet 5 is half an octet"),
        ("F9 3F 1", "ends with, after octet 2, is half an octet"),
        ("F9 03 3F 01 1C F9\nF9 03 7 // cut", "'7' after octet 8 is half an octet"),
        ("F9 03 3", "'3' after octet 2 is half an octet"),
        ("F9 3 3F 1 1C F9 F9 03", "'3' after octet 1 is half an octet"),
        ("F9 033", "'033' after octet 1 is not hexadecimal"),
        ("12:00:00 TX: F9 03 3F 0", "line 1: '0' is half an octet"),
        ("12:00:00 TX: F9 03 3F 0 (4 bytes)", "line 1: '0 (4 bytes)' is half an octet"),
        ("12:00:00 TX: F9033F0", "line 1: 'F9033F0' has half an octet"),
        ("TX: F9 03 3F 01 1C F9\nRX: F9 03 7 01 D7 F9", "line 2: '7' is no octet"),
        ("TX: F9 03 3F 01 1C F9\nRX: F9 03 ?? 01 D7 F9", "line 2: '??' is no octet"),
        ("TX: F9 03 3F 01 1C F9 RX: F9 03 73 01 D7 F9", "line 1: there are octets in two places"),
        ("I (7) uart: f9 03 3f 0", "line 1: '0' is half an octet"),
        ("I (7) uart: 0x3ffb1380   f9 03 3f 0   |..?.|", "line 1: '0' is half an octet"),
        ("[ 1.000000] gsmld_output: 00000000: f9 03 3f 0    ..?.", "line 1: '0' is half an octet"),
        (r"12:00:00 RX b'\xf9\x03?\x01'", "is not in hex"),
        ("00000000: f903 3f01 1cf9 f\n", "line 1: '00000000: f903 3f01 1cf9 f' is not a line of a hex dump"),
        ("00000000: f903 3f01 1c\n00000005: f90\n", "line 2: 'f90' at offset 00000005 are not whole octets"),
    ],
)
def test_half_an_octet_is_told_and_none_is_invented(decode: Decode, text: str, told: str) -> None:
    code, out, err = decode(text)
    assert code == 1
    assert told in err
    assert "understood are" in err
    assert len(err.splitlines()) == 1
    assert all(json.loads(line)["raw"] != "" for line in out.splitlines() if "dropped" in line)


# --- Dumps ---


@pytest.mark.parametrize("arguments", [(), ("--input", "dump")], ids=["found out", "said"])
@pytest.mark.parametrize("text", DUMPS.values(), ids=DUMPS)
def test_a_dump_of_a_file(found, text: str, arguments: tuple[str, ...]) -> None:
    entries = found(text, *arguments)
    assert types(entries) == ["SABM", "UA", "UA", "UIH"]
    assert [entry["offset"] for entry in entries] == [0, 6, 12, 18]
    assert octets_of("dump", text.encode()) == EXCHANGE


TOOLS = {
    "xxd": ["xxd"],
    "xxd -a": ["xxd", "-a"],
    "xxd -c7 -g3": ["xxd", "-c7", "-g3"],
    "xxd -b": ["xxd", "-b"],
    "xxd -s": ["xxd", "-s", "0"],
    "hexdump -C": ["hexdump", "-C"],
    "hexdump": ["hexdump"],
    "od -A x": ["od", "-A", "x"],
    "od -A x -t x1": ["od", "-A", "x", "-t", "x1"],
    "od -A x -t x1z": ["od", "-A", "x", "-t", "x1z"],
    "od -t x1": ["od", "-t", "x1"],
    "od -A d -t x1": ["od", "-A", "d", "-t", "x1"],
    "od -b": ["od", "-b"],
    "od -A x -t x4": ["od", "-A", "x", "-t", "x4"],
}


@pytest.mark.parametrize("command", TOOLS.values(), ids=TOOLS)
@pytest.mark.parametrize(
    "octets",
    [
        EXCHANGE,
        EXCHANGE + b"\xf9",
        EXCHANGE * 20,
        SABM + b"\xf9" * 200 + UA,
        bytes(100) + SABM,
        SABM + b"AT f9 03 3f\r" * 9,
        bytes(range(256)) * 2 + b"\x41",
        b"|.." * 33,
        b"> 41 42 <" * 9,
    ],
    ids=["exchange", "odd", "long", "flags", "zeros", "words", "all", "bars", "arrows"],
)
def test_what_the_tools_write_is_read_to_the_octet(command: list[str], octets: bytes) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    text = subprocess.run(command, input=octets, capture_output=True, check=True).stdout
    assert octets_of("dump", text) == octets


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(gzip.compress(SABM), id="gzip"),
        pytest.param(b"PK\x03\x04" + SABM, id="zip"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + SABM, id="png"),
    ],
)
def test_a_file_of_another_kind_is_told_in_one_line(decode: Decode, octets: bytes) -> None:
    code, out, err = decode(octets)
    assert (code, out) == (1, "")
    assert "this is a" in err
    assert "understood are" in err
    assert len(err.splitlines()) == 1


def test_a_dump_that_has_something_else_in_it_is_told(decode: Decode) -> None:
    code, _, err = decode("00000000: f903 3f01 1cf9  ..?...\nSegmentation fault\n")
    assert code == 1
    assert "line 2: 'Segmentation fault' is not a line of a hex dump" in err


# --- Logs ---


STARS = 1 << 24
"""Octets that all * of a dump may stand for, by docs/reliability.md."""


def dump_with_stars(*left_out: int) -> list[str]:
    """A dump of runs of flags; between two lines of a run stands * for so many octets."""
    rows, offset = [], 0
    for count in left_out:
        for row in (b"\xf9" * 16, b"\x7e" * 16):
            rows += [f"{offset:08x}: {row.hex(' ', 2)}\n"]
            offset += 16
            rows += ["*\n"] if row[0] == 0xF9 else []
            offset += count if row[0] == 0xF9 else 0
    return rows


@pytest.mark.parametrize("left_out", [(STARS,), (STARS // 2, STARS // 2)])
def test_what_a_dump_leaves_out_is_filled_in_as_far_as_its_bound_goes(left_out: tuple[int, ...]) -> None:
    rows = dump_with_stars(*left_out)
    sizes = [len(portion.octets) for portion in PORTIONS["dump"](row.encode() for row in rows)]
    assert sum(sizes) == STARS + 32 * len(left_out)
    assert max(sizes) <= 1 << 16


@pytest.mark.parametrize("left_out", [(STARS + 16,), (STARS // 2, STARS // 2 + 16), (1 << 30,)])
def test_a_dump_that_leaves_out_more_than_the_bound_is_refused(decode: Decode, left_out: tuple[int, ...]) -> None:
    code, _, err = decode("".join(dump_with_stars(*left_out)), "--input", "dump")
    assert code == 1
    assert f"* stands for {left_out[-1]} octets; what is left out may be {STARS} octets in all" in err


@pytest.mark.parametrize("text", [ESP, ESP_IN_COLOUR], ids=["plain", "in colour"])
def test_a_log_of_esp_idf(found, text: str) -> None:
    entries = found(text)
    assert [(entry["type"], entry["from"], entry["time"]) for entry in entries] == [
        ("SABM", "host", 11_348_000_000),
        ("UA", "module", 11_349_000_000),
        ("UA", "module", 11_468_000_000),
        ("UIH", "module", 11_468_000_000),
    ]


def test_a_debug_log_of_the_kernel_has_each_octet_once(found) -> None:
    entries = found(KERNEL)
    assert [(entry["type"], entry["from"], entry["time"]) for entry in entries] == [
        ("SABM", "host", 271_732_031_000),
        ("UA", "module", 271_749_483_000),
        ("UA", "module", 272_369_597_000),
        ("UIH", "module", 272_369_597_000),
    ]


def test_whoever_sends_the_first_sabm_is_the_host_even_where_the_module_wrote_the_log(found) -> None:
    assert [(entry["type"], entry["from"]) for entry in found(KERNEL_AS_MODULE)] == [("SABM", "host"), ("UA", "module")]


@pytest.mark.parametrize("text", LOGS.values(), ids=LOGS)
def test_a_log_with_times_and_directions(found, text: str) -> None:
    entries = found(text)
    assert [(entry["type"], entry["from"]) for entry in entries] == [("SABM", "host"), ("UA", "module")]
    if ".100" in text:
        assert entries[1]["time"] - entries[0]["time"] == 150_000_000
    else:
        assert "time" not in entries[0]


def test_frames_of_both_directions_may_be_cut_into_each_other(found) -> None:
    text = "TX: F9 03 3F\nRX: F9 03\nTX: 01 1C F9\nRX: 73 01 D7 F9\n"
    assert [(entry["type"], entry["from"], entry["offset"]) for entry in found(text)] == [
        ("SABM", "host", 0),
        ("UA", "module", 3),
    ]


def test_a_log_in_the_advanced_option(found) -> None:
    entries = found("TX: 7E 03 3F FC 7E\nRX: 7E 03 73 85 7E\n")
    assert [(entry["type"], entry["option"]) for entry in entries] == [("SABM", "advanced"), ("UA", "advanced")]


def test_a_log_that_powershell_has_written(found) -> None:
    assert types(found(LOGS["words"].encode("utf-16"))) == ["SABM", "UA"]
    assert types(found(DUMPS["xxd"].encode("utf-16"))) == ["SABM", "UA", "UA", "UIH"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("TX:", (True, False)),
        ("uart-rx ", (False, False)),
        ("-->", (True, False)),
        ("<<", (False, False)),
        ("host -> module:", (True, True)),
        ("module -> host:", (False, True)),
        ("host <- module", (False, True)),
        ("-> modem", (True, True)),
        ("<- modem", (False, True)),
        ("modem:", (False, True)),
        ("c1 gsmld_output: ", (True, False)),
        ("CMUX Received: ", (False, False)),
        ("boot: ", (None, False)),
    ],
)
def test_what_says_a_direction(text: str, said: tuple[bool | None, bool]) -> None:
    assert direction(text) == said


@pytest.mark.parametrize(
    ("text", "time", "rest"),
    [
        ("12:34:56.5 x", 45_296_500_000_000, "x"),
        ("[1970-01-02 00:00:01,000001] x", 86_401_000_001_000, "x"),
        ("[    0.000001] x", 1000, "x"),
        ("I (7) x", 7_000_000, "x"),
        ("1.5 x", 1_500_000_000, "x"),
        ("2026-02-31 12:00:00 x", None, "2026-02-31 12:00:00 x"),
        ("F9:03:3F", None, "F9:03:3F"),
        ("07:03:3F:01", None, "07:03:3F:01"),
    ],
)
def test_time_stamps(text: str, time: int | None, rest: str) -> None:
    assert split_time(text) == (time, rest)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode), st.sampled_from(sorted(PORTIONS)))
def test_no_input_raises_anything_but_that_it_cannot_be_read(data: bytes, kind: str) -> None:
    with contextlib.suppress(Unreadable):
        list(PORTIONS[kind]([data[:100], data[100:]]))


# --- Our own captures ---

MESSAGES: list[Command] = [
    MSC(1, Signals(fc=True), 0.4),
    PN(2, FrameType.UI, 2, 15, n1=512),
    RPN(1),
    RPN(1, PortSettings(115200)),
    RLS(1, parity=True),
    SNC(1),
    SNC(1, SNC.DATA, 1),
    commands.Test(b"a; b"),
]
FRAMES = [
    (True, Frame(0, True, FrameType.SABM, True)),
    (False, Frame(0, True, FrameType.UA, True)),
    *((True, Frame(0, True, FrameType.UIH, info=encode_message(one, command=True))) for one in MESSAGES),
    (False, Frame(0, False, FrameType.UIH, info=bytes.fromhex("E1 05 07 8D FB 05 01 02 C1 01"))),
    (True, Frame(1, True, FrameType.UIH, info=b"AT  ; x\r")),
    (False, Frame(1, False, FrameType.UI, True, b"OK")),
    (False, Frame(1, False, FrameType.UIH)),
]


@pytest.fixture(params=["jsonl", "log"])
def capture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    recorder = Capture(tmp_path / f"line.{request.param}", Config())
    for number, (from_host, frame) in enumerate(FRAMES):
        recorder.feed(encode(frame), from_host=from_host, timestamp=1_700_000_000_000_001_000 + number * 1000)
    recorder.feed(bytes.fromhex("F9 03 73 01 D6 F9"), from_host=False, timestamp=1_700_000_001_000_000_000)
    recorder.close()
    return tmp_path / f"line.{request.param}"


def frame_of(entry: dict[str, Any]) -> Frame:
    return Frame(entry["dlci"], entry["cr"], FrameType[entry["type"]], entry["pf"], bytes.fromhex(entry["info"]))


@pytest.mark.parametrize("said", [False, True])
def test_our_own_captures_are_read_back(found, capture: Path, said: bool) -> None:
    entries = found(b"", str(capture), *(("--input", capture.suffix[1:]) if said else ()))
    assert [(entry["from"], frame_of(entry)) for entry in entries[:-1]] == [
        ("host" if from_host else "module", frame) for from_host, frame in FRAMES
    ]
    assert [entry["time"] for entry in entries[:3]] == [
        1_700_000_000_000_001_000 + number * 1000 for number in range(3)
    ]
    assert (entries[-1]["dropped"], entries[-1]["raw"], entries[-1]["from"]) == ("fcs", "f9037301d6f9", "module")
    assert [entry["offset"] for entry in entries[:3]] == [0, 6, 12]


def test_what_decode_writes_as_json_it_reads(found, decode: Decode) -> None:
    _, out, _ = decode(EXCHANGE)
    assert types(found(out)) == ["SABM", "UA", "UA", "UIH"]


def test_what_a_log_has_left_out_is_told_and_not_invented(decode: Decode, tmp_path: Path) -> None:
    recorder = Capture(tmp_path / "x.log", Config())
    recorder.feed(encode(Frame(1, True, FrameType.UIH, info=bytes(100))), from_host=True, timestamp=0)
    recorder.close()
    code, out, err = decode(b"", str(tmp_path / "x.log"))
    assert code == 0
    assert json.loads(out)["info"] == "00" * 24
    assert "of 1 frames the log has only the beginning" in err


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_capture_that_still_grows_is_read_as_far_as_it_goes(decode: Decode, capture: Path, cut: int) -> None:
    code, out, err = decode(capture.read_bytes()[: -1 - cut])
    assert (code, err) == (0, "")
    assert len(out.splitlines()) >= len(FRAMES) - 1


def test_a_line_that_is_none_of_a_capture_is_told(decode: Decode, capture: Path) -> None:
    code, out, err = decode(capture.read_bytes() + b"something\n" * 2)
    assert code == 1
    assert len(out.splitlines()) == len(FRAMES) + 1
    assert f"line {len(FRAMES) + 2} is not one of a capture of ours" in err


@given(st.text(max_size=80))
def test_no_line_raises(text: str) -> None:
    json_line(text)
    log_line(text)
    log_line(f"2026-11-29T12:00:00.000001Z host   DLCI 0  UIH      {text}")
    log_line(f"2026-11-29T12:00:00.000001Z host   DLCI 0  UIH      MSC command {text}")


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 100_000, "a" + " " * 500_000 + "b", "0" * 500_001, "a:" * 250_000]
)
def test_a_line_made_to_take_long_takes_no_time(text: str) -> None:
    assert json_line(text) is None
    assert log_line(text) is None
    with contextlib.suppress(Unreadable):
        for kind in sorted(PORTIONS):
            list(PORTIONS[kind]([text.encode()]))


# --- pcap, pcapng ---


def classic(order: str, magic: int, packets: list[bytes], *, link: int = 236, fraction: int = 5) -> bytes:
    octets = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, data in enumerate(packets):
        octets += struct.pack(order + "IIII", 1_700_000_000 + number, fraction, len(data), len(data))
        octets += (bytes(8) if magic == 0xA1B2CD34 else b"") + data
    return octets


PACKETS = [
    b"\x00\x00" + SABM,
    b"\x00\x01" + UA,
    b"\x07\x00\x01\x00\x02\x00\x03\x00" + b"\x01" + UA,  # an extension header, as tshark reads it
    b"\x00\x00" + SABM[:-1],  # without its closing flag
]


@pytest.mark.parametrize("arguments", [(), ("--input", "pcap")], ids=["found out", "said"])
@pytest.mark.parametrize(
    ("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1), (0xA1B2CD34, 1000)], ids=["µs", "ns", "modified"]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_classic_capture(found, order: str, magic: int, unit: int, arguments: tuple[str, ...]) -> None:
    entries = found(classic(order, magic, PACKETS), *arguments)
    assert [(entry["type"], entry["from"], entry["time"]) for entry in entries] == [
        ("SABM", "host", 1_700_000_000_000_000_000 + 5 * unit),
        ("UA", "module", 1_700_000_001_000_000_000 + 5 * unit),
        ("UA", "module", 1_700_000_002_000_000_000 + 5 * unit),
        ("SABM", "host", 1_700_000_003_000_000_000 + 5 * unit),
    ]


def test_the_direction_stands_behind_the_extension_header_in_pcapng_too(found) -> None:
    octets = pcapng.header()
    whole = pcapng.packet(b"\x01\x00" + b"\x00" + SABM, from_host=True, timestamp=1)
    at = whole.index(b"\x00\x00\x01\x00\x00" + SABM)
    octets += whole[:at] + b"\x01\x00\x01" + UA + bytes(2) + whole[at + 11 :]
    assert [(entry["type"], entry["from"]) for entry in found(octets)] == [("UA", "module")]


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def interface(order: str, link: int = 236, options: bytes = b"") -> bytes:
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_of_packet_and_of_time_in_pcapng(found, order: str) -> None:
    sabm, ua = b"\x00\x00" + SABM, b"\x00\x01" + UA
    times = struct.pack(order + "HHB3xHHq", 9, 1, 0x80 + 10, 14, 8, 100)  # 1024ths of a second, 100 s later
    octets = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    octets += interface(order) + interface(order, 1) + interface(order, 236, times)
    octets += block(order, 3, struct.pack(order + "I", len(sabm)) + sabm)  # a simple one, without a time
    octets += block(order, 2, struct.pack(order + "HHIIII", 2, 0, 0, 1024, len(ua), len(ua)) + ua)  # the old kind
    octets += block(order, 6, struct.pack(order + "IIIII", 1, 0, 5, 4, 4) + b"none")  # of another link type
    octets += block(order, 6, struct.pack(order + "IIIII", 2, 0, 512, len(ua), len(ua)) + ua)
    assert [(entry["type"], entry["from"], entry.get("time")) for entry in found(octets)] == [
        ("SABM", "host", None),
        ("UA", "module", 101_000_000_000),
        ("UA", "module", 100_500_000_000),
    ]


def test_a_damaged_packet_is_told_with_its_time_and_direction(found) -> None:
    (entry,) = found(classic("<", 0xA1B2C3D4, [b"\x00\x01" + UA[:-2] + b"\x00\xf9"]))
    assert (entry["dropped"], entry["from"], entry["time"]) == ("fcs", "module", 1_700_000_000_000_005_000)


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (classic("<", 0xA1B2C3D4, PACKETS, link=1), "link type 1, not 236 (MUX27010)"),
        (classic("<", 0xA1B2C3D4, [b""]), "a packet that contradicts itself"),
        (classic("<", 0xA1B2C3D4, [b"\x09\x00" + SABM]), "a packet that contradicts itself"),
        (classic("<", 0xA1B2C3D4, PACKETS)[:24] + b"\xff" * 16, "a packet of 4294967295 octets is not valid"),
        (classic("<", 0xA1B2C3D4, [])[:24], "holds no frame"),
    ],
)
def test_what_is_no_such_capture_is_told_in_one_line(decode: Decode, octets: bytes, told: str) -> None:
    code, _, err = decode(octets)
    assert code == 1
    assert told in err
    assert "understood are" in err
    assert len(err.splitlines()) == 1


@given(st.binary(max_size=300), st.integers(0, 60))
def test_no_classic_capture_raises_anything_else(junk: bytes, keep: int) -> None:
    octets = classic("<", 0xA1B2C3D4, PACKETS)[:keep] + junk
    with contextlib.suppress(NotACapture):
        list(pcap.read(io.BytesIO(octets)))


# --- The files of --capture ---


@pytest.mark.parametrize("file", ["x.pcap", "x.txt", "x.log.gz"])
@pytest.mark.parametrize("command", ["attach", "doctor", "terminal", "emulate", "demo", "monitor"])
def test_another_ending_is_wrong_usage_that_names_the_three(
    command: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = {"emulate": ["--tcp", "127.0.0.1:0"], "demo": [], "terminal": ["/nowhere", "--dlci", "1"]}
    arguments = [command, *port.get(command, ["/nowhere"]), "--capture", str(tmp_path / file)]
    assert drivers_main(arguments) == 2
    err = capsys.readouterr().err
    assert "--capture" in err
    assert ".pcapng, .jsonl or .log" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["x.pcapng", "x.pcapng2", "x.jsonl", "x.log", "x"])
def test_a_known_ending_or_none_is_right(file: str) -> None:
    assert SETTINGS["capture"].read(file) == file


@pytest.mark.parametrize("sign", ["<", ">", "-", "=", "-> ", "<-", "host ", "f9 ", ":", "[", " "])
def test_a_long_line_of_signs_is_read_in_proportion_to_its_length(sign: str) -> None:
    """In proportion to its square it would take minutes, and the time-out of all tests would end this one."""
    with contextlib.suppress(NoOctet):
        LogReader().read(sign * (100_000 // len(sign)))


@pytest.mark.parametrize("dashes", [1, 2, 8, 64])
def test_an_arrow_between_the_parties_tells_the_direction(dashes: int) -> None:
    right, left = "-" * dashes + ">", "<" + "-" * dashes
    assert direction(f"host {right} module: ") == (True, True)
    assert direction(f"host {left} module: ") == (False, True)


@pytest.mark.parametrize("text", [":0000:  \x1b!!!!!", "0000: zzzz zzzz", "rx 00000000: +-+- f9"])
def test_what_stands_where_a_dump_has_digits_is_no_octet(decode: Decode, text: str) -> None:
    code, _, errors = decode(text.encode(), "--input", "auto")
    assert code in (0, 1)
    assert "Traceback" not in errors
