"""What the module writes of the frames on its line."""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from emulator_host import Lab

from cmux.protocol.config import Config, Option
from drivers.cli import main
from drivers.emulator import EmulatedModule


def packets(path: Path) -> list[bytes]:
    """Return the packets of a pcapng file."""
    octets, found = path.read_bytes(), []
    while octets:
        kind, length = struct.unpack_from("=II", octets)
        if kind == 6:
            captured = struct.unpack_from("=I", octets, 20)[0]
            found.append(octets[28 : 28 + captured])
        octets = octets[length:]
    return found


async def use(path: Path, *, option: int = 0, **settings: object) -> None:
    async with Lab(EmulatedModule(capture=path, **settings)) as lab:  # type: ignore[arg-type]
        await lab.plain.ask("AT")
        await lab.plain.ask(f"AT+CMUX={option}")
        await lab.start(
            Config(option=list(Option)[option], n1=127, t1=2.0, t2=2.5)
        )  # nothing is sent twice when all is slow
        one = await lab.open(1)
        await one.ask("AT+CSQ", "\r\n+CSQ: 28,0\r\n\r\nOK\r\n")
        if not option:
            await lab.leave()
            await lab.plain.ask("AT")
            await lab.plain.ask("AT+CMUX=0")
            await lab.start(Config(n1=127, t1=2.0, t2=2.5))
            two = await lab.open(2)
            await two.ask("AT+QISRVC?", "\r\n+QISRVC: 1\r\n\r\nOK\r\n")


@pytest.mark.parametrize("option", [0, 1], ids=["basic", "advanced"])
async def test_frames_of_both_directions_and_all_sessions_and_nothing_of_at_mode(tmp_path: Path, option: int) -> None:
    path = tmp_path / "line.pcapng"
    await use(path, option=option)
    found = packets(path)
    assert found[0][:2] == b"\0\0"
    assert found[1][:2] == b"\0\1"
    assert {packet[2] for packet in found} == {0xF9}
    heard = b"".join(packet for packet in found if packet[1] == 0)
    said = b"".join(packet for packet in found if packet[1] == 1)
    assert b"AT+CSQ\r" in heard
    assert b"+CSQ: 28,0" in said
    assert (b"AT+QISRVC?" in heard) is (option == 0)


async def test_without_payload_nothing_of_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "line.pcapng"
    await use(path, capture_payload=False)
    assert b"CSQ" not in path.read_bytes()
    assert len(packets(path)) > 10


async def test_a_session_in_another_framing_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "line.pcapng"
    async with Lab(EmulatedModule(capture=path)) as lab:
        await lab.multiplex()
        await lab.leave()
        length = path.stat().st_size
        await lab.multiplex("AT+CMUX=1", 1)
        await (await lab.open(1)).ask("AT")
    assert path.stat().st_size == length
    assert "another framing" in caplog.text


async def test_from_the_first_octet(tmp_path: Path) -> None:
    path = tmp_path / "line.pcapng"
    async with Lab(EmulatedModule(capture=path, startup="none")) as lab:
        await lab.start()
        await (await lab.open(1)).ask("AT")
    assert len(packets(path)) >= 6


@pytest.mark.interop("tshark")
def test_wireshark_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "line.pcapng"
    asyncio.run(use(path))
    tshark = shutil.which("tshark")
    assert tshark is not None
    done = subprocess.run([tshark, "-r", path, "-Y", "mux27010"], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(packets(path))


def test_a_name_with_another_ending_is_refused_before_a_file_is_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.pcapng, \.jsonl or \.log"):
        EmulatedModule(capture=tmp_path / "x.pcap")
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_made_is_one_line_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["emulate", "--tcp", "127.0.0.1:0", "--capture", str(tmp_path / "no" / "where")]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "where" in said
