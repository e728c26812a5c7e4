"""Captures: the layout of pcapng and of LINKTYPE_MUX27010, and what happens when the disk is full."""

import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from pcapng_reader import Packet, read_pcapng

import cmux
from cmux.capture.recorder import LINKTYPE_MUX27010, Capture
from cmux.protocol import Config, Frame, FrameType, Option, commands, encode
from cmux.protocol.messages import encode_message

SABM = Frame(0, True, FrameType.SABM, True)
UA = Frame(0, True, FrameType.UA, True)
DATA = Frame(1, True, FrameType.UIH, False, b"AT\r")
STAMP = 1_700_000_000_123_456_789


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "line.pcapng"


def recorded(
    path: Path, *portions: tuple[bool, bytes], config: Config | None = None, payload: bool = True
) -> list[Packet]:
    capture = Capture(path, config or Config(), payload=payload)
    for number, (from_host, octets) in enumerate(portions):
        capture.feed(octets, from_host=from_host, timestamp=STAMP + number)
    capture.close()
    link, packets = read_pcapng(path.read_bytes())
    assert link == LINKTYPE_MUX27010 == 236
    return packets


def test_each_frame_is_a_packet_with_direction_both_flags_and_nanoseconds(path: Path) -> None:
    assert recorded(path, (True, encode(SABM)), (False, encode(UA))) == [
        Packet(STAMP, b"\x00\x00" + encode(SABM)),
        Packet(STAMP + 1, b"\x00\x01" + encode(UA)),
    ]


def test_frames_are_found_in_any_portions_and_junk_is_left_out(path: Path) -> None:
    octets = b"\r\nOK\r\n" + encode(SABM) + encode(DATA)
    portions = [(True, octets[at : at + 1]) for at in range(len(octets))]
    assert [packet.data[2:] for packet in recorded(path, *portions)] == [encode(SABM), encode(DATA)]


def test_control_messages_get_a_packet_each(path: Path) -> None:
    messages = [encode_message(body, command=True) for body in (commands.FCon(), commands.Test(b"xyz"))]
    frame = Frame(0, True, FrameType.UIH, False, b"".join(messages))
    packets = recorded(path, (True, encode(frame)))
    assert [packet.data[2:] for packet in packets] == [encode(frame._replace(info=info)) for info in messages]


def test_advanced_frames_are_framed_anew(path: Path) -> None:
    config = Config(option=Option.ADVANCED)
    packets = recorded(path, (True, encode(DATA, Option.ADVANCED)), config=config)
    assert [packet.data[2:] for packet in packets] == [encode(DATA)]


def test_payload_can_be_kept_out(path: Path) -> None:
    (packet,) = recorded(path, (True, encode(DATA)), payload=False)
    assert b"AT\r" not in packet.data
    assert packet.data[2:] == encode(DATA._replace(info=bytes(3)))


# --- Other formats, by the suffix ---


def written(path: Path, *, payload: bool = True) -> list[str]:
    capture = Capture(path, Config(), payload=payload)
    capture.feed(encode(SABM), from_host=True, timestamp=STAMP)
    capture.feed(encode(UA) + b"\xf9\x03\x73\x01\xd8\xf9", from_host=False, timestamp=STAMP + 1)
    capture.feed(encode(DATA), from_host=True, timestamp=STAMP + 2)
    capture.close()
    return path.read_text("utf-8").splitlines()


def test_json_lines_hold_every_frame_and_what_was_none(tmp_path: Path) -> None:
    entries = [json.loads(line) for line in written(tmp_path / "line.jsonl")]
    assert [(entry["time"] - STAMP, entry["from"]) for entry in entries] == [
        (0, "host"), (1, "module"), (1, "module"), (2, "host")
    ]  # fmt: skip
    assert [entry.get("type") for entry in entries] == ["SABM", "UA", None, "UIH"]
    assert entries[2]["dropped"] == "fcs"
    assert bytes.fromhex(entries[3]["info"]) == b"AT\r"


def test_a_log_is_a_line_of_text_for_each(tmp_path: Path) -> None:
    lines = written(tmp_path / "line.log")
    assert lines[0] == "2023-11-14T22:13:20.123456Z host   DLCI 0  SABM P/F"
    assert lines[1].endswith("module DLCI 0  UA   P/F")
    assert "dropped (fcs): f9 03 73 01 d8 f9" in lines[2]
    assert lines[3].endswith("41 54 0d  AT.")


@pytest.mark.parametrize("name", ["line.jsonl", "line.log"])
def test_payload_can_be_kept_out_of_these_too(tmp_path: Path, name: str) -> None:
    text = "\n".join(written(tmp_path / name, payload=False))
    assert "4154" not in text
    assert "AT" not in text.replace("DATA", "")
    assert "dropped" not in text  # its octets might be anybody's


def test_the_suffix_may_carry_the_number_of_a_module_and_any_other_means_pcapng(tmp_path: Path) -> None:
    assert written(tmp_path / "line.log3")[0].startswith("2023")
    for name in ("line", "line.cap", "line.pcapng2"):
        Capture(tmp_path / name, Config()).close()
        assert (tmp_path / name).read_bytes().startswith(bytes.fromhex("0A0D0D0A"))


class FullDisk(io.FileIO):
    def write(self, octets: object, /) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_ends_the_capture_with_one_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    capture = Capture(path, Config())
    assert capture._file is not None
    capture._file.close()
    capture._file = FullDisk(path, "w")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            capture.feed(encode(SABM), from_host=True, timestamp=STAMP)
    capture.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "No space left on device" in caplog.text


def session(path: Path, option: Option = Option.BASIC) -> None:
    from mux_module import Module

    with Module(config=Config(option=option, n1=31)) as module, cmux.open(
        module.path, option=option, n1=31, capture=path
    ) as mux:  # fmt: skip
        port = mux.channel(1)
        port.timeout = 20
        port.write(b"hello" * 100)
        port.read(500)
        port.rts = False
        port.baudrate = 9600


@pytest.mark.skipif(sys.platform == "win32", reason="the module runs on a pty")
@pytest.mark.interop("tshark")
@pytest.mark.parametrize("option", list(Option))
def test_wireshark_decodes_every_frame_and_finds_nothing_malformed(path: Path, option: Option) -> None:
    session(path, option)
    _, packets = read_pcapng(path.read_bytes())
    fields = ["-e", "frame.protocols", "-e", "_ws.malformed", "-e", "mux27010.checksum_correct"]
    rows = subprocess.run(["tshark", "-r", path, "-T", "fields", *fields], capture_output=True, text=True, check=True)
    assert [row.split("\t")[1:] for row in rows.stdout.splitlines()] == [["", "1"]] * len(packets)
    text = subprocess.run(["tshark", "-r", str(path), "-V"], capture_output=True, text=True, check=True).stdout
    assert text.count("MUX27010 Protocol") == len(packets)
    assert "Malformed" not in text
    assert "incorrect" not in text.lower()
    assert "SABM" in text
