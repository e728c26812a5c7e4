"""How fast octets go through one channel over a pty, and what a capture costs."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path

from answering import PATTERN
from clients import Channel, Descriptor, Transfer, opened
from measuring import MB, Rows, Run, Target, row, share
from peers import bare, descriptor, emulated, module

from cmux.capture.recorder import Capture
from cmux.protocol import Config, Frame, FrameType, encode

BARE = "a bare pty"


def rated(run: Run, move: Callable[[Channel], Transfer], channel: Channel) -> float:
    """Return MB/s; what is lost is counted, also on a bare pty, where nothing may be."""
    return run.rate(*move(channel))


@row
def bulk(run: Run) -> Rows:
    """Move 16 MB one way, or 8 MB forth and back, through a VirtualUart; against the same program on a bare pty.

    One way the module is the core in a poll loop; what goes forth and back is sent back by `gsm0710 emulate`.
    """
    octets = run.octets(16 * MB)
    for n1, one_way, both in ((127, share(15, 20), share(10, 14)), (1500, share(30, 40), share(18, 25))):
        with ExitStack() as stack:
            far = stack.enter_context(module(run.place, "0=transfer", n1=n1)).link
            back = stack.enter_context(emulated(run.place, 1, n1=n1)).link
            plain = stack.enter_context(bare(run.place, "transfer")).link
            plain_back = stack.enter_context(bare(run.place, "echo")).link
            uart = stack.enter_context(opened(far, n1=n1))[0]
            echoing = stack.enter_context(opened(back, n1=n1))[0]
            pty = Descriptor(stack.enter_context(descriptor(plain)))
            pty_back = Descriptor(stack.enter_context(descriptor(plain_back)))
            ways: dict[str, tuple[Callable[[Channel], Transfer], Channel, Channel, Target]] = {
                "host to module": (lambda each: each.upload(octets), uart, pty, one_way),
                "module to host": (lambda each: each.download(octets), uart, pty, one_way),
                "echo": (lambda each: each.echo(octets // 2), echoing, pty_back, both),
            }
            for way, (move, ours, reference, target) in ways.items():
                seen = run.turns(
                    {"ours": partial(rated, run, move, ours), BARE: partial(rated, run, move, reference)}, BARE
                )
                yield run.figure(f"{way}, N1 {n1}", "MB/s", seen["ours"], (BARE, seen[BARE]), target)


@row
def capture(run: Run) -> Rows:
    """Give whole frames in portions of 4 KiB to a capture; against a bare write of the same pcapng blocks, ready made.

    And a session with a capture against one without: 8 MB from the host to the module.
    """
    reference = "a bare write of the same blocks"
    for n1 in (127, 1500):
        frame = encode(Frame(1, True, FrameType.UIH, info=PATTERN[:n1]))
        frames = run.count(MB // len(frame))
        portion = frame * (4096 // len(frame) + 1)
        portions = [portion] * max(1, frames * len(frame) // len(portion))
        path = run.place / "line.pcapng"
        blocks = _blocks(path, portions)

        captured, written = partial(_captured, path, portions), partial(_written, path, blocks)
        each = sum(len(octets) for octets in portions) / len(frame) / 1e6
        seen = run.turns({"ours": captured, reference: written}, reference, runs=max(run.runs, 15))
        ours, theirs = ([seconds / each for seconds in seen[name]] for name in ("ours", reference))
        yield run.figure(f"added, N1 {n1}", "µs/frame", ours, (reference, theirs), Target("<=", 2))
    yield from _sessions(run)


def _captured(path: Path, portions: list[bytes]) -> float:
    """Return the seconds that a capture takes."""
    recorder = Capture(path, Config(n1=1500))
    began = time.perf_counter()
    for octets in portions:
        recorder.feed(octets, from_host=True, timestamp=time.time_ns())
    seconds = time.perf_counter() - began
    recorder.close()
    return seconds


def _written(path: Path, blocks: list[bytes]) -> float:
    """Return the seconds that writing takes."""
    with io.FileIO(path, "w") as file:
        began = time.perf_counter()
        for block in blocks:
            file.write(block)
        return time.perf_counter() - began


def _blocks(path: Path, portions: list[bytes]) -> list[bytes]:
    """Return what a capture writes for each portion."""
    recorder, ends = Capture(path, Config(n1=1500)), [path.stat().st_size]
    for octets in portions:
        recorder.feed(octets, from_host=True, timestamp=time.time_ns())
        ends.append(path.stat().st_size)
    recorder.close()
    whole = path.read_bytes()
    return [whole[start:end] for start, end in pairwise(ends) if end > start]


def _sessions(run: Run) -> Rows:
    octets, off = run.octets(8 * MB), "the same without a capture"

    def upload(channel: Channel) -> Transfer:
        return channel.upload(octets)

    for n1 in (127, 1500):
        with ExitStack() as stack:
            lines = [stack.enter_context(module(run.place, "0=transfer", n1=n1)).link for _ in range(2)]
            path = str(run.place / "session.pcapng")
            without = stack.enter_context(opened(lines[0], n1=n1))[0]
            recorded = stack.enter_context(opened(lines[1], n1=n1, capture=path))[0]
            measured = {"on": partial(rated, run, upload, recorded), off: partial(rated, run, upload, without)}
            seen = run.turns(measured, off)
        yield run.figure(f"a session, N1 {n1}", "MB/s", seen["on"], (off, seen[off]))
