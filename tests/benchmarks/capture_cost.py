"""What a capture adds for each frame, as a ratio: the reference is a bare write of the same pcapng blocks.

A `Capture` gets one direction of a line in portions, as a shell passes them to it: whole frames, as many as are written
at a time, or what one read of a pty returns, which cuts frames. The reference writes what the capture has written for
the same portions, already built, to a file in the same folder with the same calls: one unbuffered write for each
portion that completes a frame. Both take turns; the medians of the processor time count. The octets are in the cache of
the processor, as what has just been built or read is.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from cmux.capture.recorder import Capture
from cmux.protocol import Config, Frame, FrameType, encode

ROUNDS = 15
FRAMES = 4000
IN_CACHE = 1 << 16  # octets
WRITTEN, READ = 4096, 4095  # octets beyond the first frame that are written at a time; what one read of a pty returns
TRAFFIC = {
    "written, N1 127": (127, WRITTEN),
    "read, N1 127": (127, READ),
    "written, N1 1500": (1500, WRITTEN),
    "read, N1 1500": (1500, READ),
    "single octets": (1, 1),
}
"""Each kind of traffic: octets of an information field, and how the frames are passed on."""


@dataclass(frozen=True)
class Cost:
    """The figures of one kind of traffic."""

    name: str
    capture: float
    """Microseconds a frame that a capture adds."""
    bare: float
    """Microseconds a frame of a bare write of the same blocks."""
    runs: list[float]
    """How many times the bare write the capture took, in each round."""

    @property
    def ratio(self) -> float:
        """How many times the bare write the capture takes."""
        return self.capture / self.bare


def measure(name: str, folder: str | None = None, rounds: int = ROUNDS) -> Cost:
    """Measure a capture and its reference.

    Args:
        name: a key of `TRAFFIC`.
        folder: where the files are; None: that for temporary files.
        rounds: how often each of them runs.
    """
    size, how = TRAFFIC[name]
    frame = encode(Frame(1, True, FrameType.UIH, info=(bytes(range(256)) * 6)[:size]))
    step = READ if how == READ else (how // len(frame) + 1) * len(frame)
    line = frame * min(FRAMES, IN_CACHE // len(frame))
    portions = [line[at : at + step] for at in range(0, len(line), step)]
    times = max(1, FRAMES * len(frame) // len(line))
    with tempfile.TemporaryDirectory(dir=folder) as made:
        path = Path(made) / "line.pcapng"
        blocks = _blocks(path, portions)
        seen = [(_captured(path, portions * times), _written(path, blocks * times)) for _ in range(rounds)]
    frames = len(line) // len(frame) * times
    capture, bare = (median(seconds) / frames * 1e6 for seconds in zip(*seen, strict=True))
    return Cost(name, capture, bare, [mine / reference for mine, reference in seen])


def _config() -> Config:
    return Config(n1=1500)


def _blocks(path: Path, portions: list[bytes]) -> list[bytes]:
    """Return what a capture writes for each portion; nothing where no frame ends."""
    capture, ends = Capture(path, _config()), [path.stat().st_size]
    for portion in portions:
        capture.feed(portion, from_host=True, timestamp=time.time_ns())
        ends.append(path.stat().st_size)
    capture.close()
    octets = path.read_bytes()
    return [octets[start:end] for start, end in pairwise(ends) if end > start]


def _captured(path: Path, portions: list[bytes]) -> float:
    capture = Capture(path, _config())

    def run() -> None:
        for portion in portions:
            capture.feed(portion, from_host=True, timestamp=time.time_ns())

    seconds = _timed(run)
    capture.close()
    return seconds


def _written(path: Path, blocks: list[bytes]) -> float:
    with io.FileIO(path, "w") as file:

        def run() -> None:
            for block in blocks:
                file.write(block)

        return _timed(run)


def _timed(run: Callable[[], None]) -> float:
    started = time.thread_time()
    run()
    return time.thread_time() - started


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--folder", help="where the files are written; by default that for temporary files")
    options = parser.parse_args()
    for name in TRAFFIC:
        cost = measure(name, options.folder)
        if options.json:
            row = {"what": name, "us": cost.capture, "reference_us": cost.bare, "ratio": cost.ratio, "runs": cost.runs}
            print(json.dumps(row))
        else:
            print(
                f"capture, {name:18} {cost.capture:7.3f} µs a frame   {cost.ratio:6.2f} x"
                f" a bare write of the same blocks ({cost.bare:.3f})"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
