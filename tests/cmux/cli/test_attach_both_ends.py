"""Two `gsm0710 attach` on one cable, initiator and responder: four serial lines, whichever end comes and goes."""

import hashlib
import os
import random
import select
import signal
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from attached import Attach
from cable import Cable

CHANNELS = (1, 2, 3, 4)
PATIENCE = 30
PLAIN = ("--startup", "none", "--n1", "512", "--t1", "0.5", "--t2", "1.2")
ALIVE = ("--keep-alive", "test", "--keep-alive-interval", "0.5")
INITIATOR = (*PLAIN, *ALIVE, "--reattach")
RESPONDER = (*PLAIN, *ALIVE, "--role", "responder")


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


def opened(path: str) -> int:
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(fd)
    return fd


class Transfer:
    """Sends octets into one pty and takes them from another, with a checksum at each end."""

    def __init__(self, source: int, target: int, octets: bytes) -> None:
        self.wanted = hashlib.sha256(octets).hexdigest()
        self.came = hashlib.sha256()
        self.missing = len(octets)
        self._octets = octets
        self._source, self._target = source, target
        self.threads = threading.Thread(target=self._send), threading.Thread(target=self._take)

    def _send(self) -> None:
        left = memoryview(self._octets)
        while left and select.select([], [self._source], [], PATIENCE)[1]:
            left = left[os.write(self._source, left[:4096]) :]

    def _take(self) -> None:
        while self.missing > 0 and select.select([self._target], [], [], PATIENCE)[0]:
            data = os.read(self._target, 65536)
            self.came.update(data)
            self.missing -= len(data)


def exchange(ours: dict[int, str], theirs: dict[int, str], size: int) -> None:
    """Send so many octets in each direction of each channel, all at once."""
    fds = {(side, dlci): opened(paths[dlci]) for side, paths in enumerate((ours, theirs)) for dlci in CHANNELS}
    chance = random.Random(7)  # noqa: S311 - the same octets each time
    try:
        transfers = [
            Transfer(fds[side, dlci], fds[1 - side, dlci], chance.randbytes(size))
            for side in (0, 1)
            for dlci in CHANNELS
        ]
        threads = [thread for transfer in transfers for thread in transfer.threads]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for transfer in transfers:
            assert (transfer.missing, transfer.came.hexdigest()) == (0, transfer.wanted)
    finally:
        for fd in fds.values():
            os.close(fd)


def links(prefix: Path) -> dict[int, str]:
    return {dlci: f"{prefix}{dlci}" for dlci in CHANNELS}


@pytest.mark.timeout(180)
def test_four_channels_carry_octets_both_ways_at_once(cable: Cable, pytestconfig: pytest.Config) -> None:
    octets = int(pytestconfig.getoption("--cable-octets"))
    with Attach(cable.ends[0], *RESPONDER).ready() as responder, Attach(cable.ends[1], *INITIATOR).ready() as initiator:
        exchange(initiator.paths, responder.paths, octets // (2 * len(CHANNELS)))


@pytest.mark.parametrize("more", [(), ("--reattach",)], ids=["", "reattach"])
def test_a_responder_is_ready_before_its_peer_and_keeps_its_paths_when_peers_come_and_go(
    cable: Cable, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """A peer that ends in order says CLD; one that is killed says nothing, and its successor's SABM begins anew."""
    with Attach(cable.ends[0], *RESPONDER, *more, "--link", f"{tmp_path}/r").ready() as responder:
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            with Attach(cable.ends[1], *INITIATOR).ready() as initiator:
                exchange(initiator.paths, responder.paths, 2000)
                initiator.end(number)
        assert responder.paths == links(tmp_path / "r")
        code, stderr = responder.end()
        assert (code, "Traceback" in stderr) == (0, False)


@pytest.mark.parametrize("startup", ["none", "at"])
def test_an_initiator_that_reattaches_finds_a_responder_that_was_started_again(
    cable: Cable, tmp_path: Path, startup: str
) -> None:
    """The new one knows nothing of the session: it says so on DLCI 0 to data, and to the question whether it lives."""
    answering = (*RESPONDER, "--reattach", "--startup", startup)
    responder = Attach(cable.ends[0], *answering).ready()
    with Attach(cable.ends[1], *INITIATOR, "--startup", startup, "--link", f"{tmp_path}/i").ready() as initiator:
        exchange(initiator.paths, responder.paths, 2000)
        responder.end(signal.SIGKILL)
        with Attach(cable.ends[0], *answering).ready() as responder:
            initiator.wait_for("attached again")
            assert initiator.paths == links(tmp_path / "i")
            exchange(initiator.paths, responder.paths, 2000)
        assert initiator.end()[0] == 0


def test_in_at_mode_a_responder_answers_at_cmux_and_waits_in_at_mode_after_cld(cable: Cable) -> None:
    with Attach(cable.ends[0], "--role", "responder", *ALIVE).ready() as responder:
        for option in ("basic", "advanced"):
            with Attach(cable.ends[1], "--option", option).ready() as initiator:
                exchange(initiator.paths, responder.paths, 2000)
                assert initiator.end() == (0, "")


def test_a_channel_without_a_path_is_refused(cable: Cable) -> None:
    with Attach(cable.ends[0], *RESPONDER, "--channels", "1-2").ready():
        initiator = Attach(cable.ends[1], *PLAIN, "--channels", "1,3")
        code, stderr = initiator.end(None)
        assert code == 1
        assert "DLCI 3: the peer refused it (DM)" in stderr


def test_a_line_that_dies_ends_a_responder(tmp_path: Path) -> None:
    with Cable() as cable:
        responder = Attach(cable.ends[0], *RESPONDER).ready()
    code, stderr = responder.end(None)
    assert code == 1
    assert "the line died" in stderr
