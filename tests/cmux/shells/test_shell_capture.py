"""Captures of both shells: the same packets in the order in which they passed, and a disk that is full."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from mux_module import Module
from pcapng_reader import read_pcapng
from shells import Shell

import cmux
from cmux.protocol import Frame, FrameType, encode

SABM = Frame(0, True, FrameType.SABM, True)
UA = Frame(0, True, FrameType.UA, True)
HOST, MODULE = b"\x00\x00", b"\x00\x01"


def test_a_session_is_captured_in_the_order_in_which_it_happened(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "line.pcapng"
    with Module() as module, shell.open(module.path, capture=path) as mux:
        channel = mux.channel(1)
        assert channel.echoes(b"hello" * 100)
        channel.set_signals(rtc=False)
    _, packets = read_pcapng(path.read_bytes())
    assert [packet.timestamp for packet in packets] == sorted(packet.timestamp for packet in packets)
    assert packets[0].data == HOST + encode(SABM)
    assert packets[1].data == MODULE + encode(UA)
    for direction, address in ((HOST, 0x07), (MODULE, 0x05)):
        start = direction + bytes((0xF9, address, FrameType.UIH))
        carried = [packet.data[6:-2] for packet in packets if packet.data[:5] == start]
        assert b"".join(carried) == b"hello" * 100


def test_payload_can_be_kept_out(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "line.jsonl"
    with Module() as module, shell.open(module.path, capture=path, capture_payload=False) as mux:
        assert mux.channel(1).echoes(b"secret")
    entries = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    data = [entry for entry in entries if entry["dlci"] == 1 and entry["type"] == "UIH"]
    assert {entry["from"] for entry in data} == {"host", "module"}
    assert {entry["info"] for entry in data} == {"00" * len("secret")}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
def test_a_full_disk_ends_the_capture_and_not_the_session(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    with Module() as module, shell.open(module.path, capture="/dev/full") as mux:
        assert mux.channel(1).echoes(b"goes on")
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "the capture ends here, the session continues" in warning


def _open_files(path: Path) -> list[str]:
    """The descriptors of this process that lead to a file."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found += [number] if os.readlink(f"/proc/self/fd/{number}") == str(path) else []
        except OSError:  # that of the listing itself
            continue
    return found


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_an_opening_that_fails_leaves_no_capture_open(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "line.pcapng"
    with Module(cmux_answer=b"\r\nERROR\r\n") as module, pytest.raises(cmux.StartupError):
        shell.open(module.path, capture=path)
    assert path.exists()
    assert not _open_files(path)


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_a_responder_with_a_wrong_setting_leaves_no_capture_open(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "line.pcapng"
    with Module() as module, pytest.raises(cmux.InvalidDlci):
        shell.serve(module.path, capture=path, refuse=[99])
    assert path.exists()
    assert not _open_files(path)
