"""Speed as ratios: every row against a reference that is measured in the same run, interleaved.

``make bench`` prints them; ``--json`` for machines. The machine may be shared: read the ratios, not the microseconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from statistics import median

from cmux.cli.build import build
from cmux.protocol import (
    AdvancedDecoder,
    BasicDecoder,
    Config,
    Frame,
    FrameType,
    Multiplexer,
    Option,
    Role,
    encode,
    wire,
)
from cmux.protocol.fcs import fcs

ROUNDS = 7
FRAMES = 2000
READ = 512


def _line(size: int, option: Option) -> bytes:
    payload = bytes(range(32, 127)) * (size // 95 + 1)
    return encode(Frame(1, True, FrameType.UIH, info=payload[:size]), option) * FRAMES


def _decoder(kind: type[BasicDecoder] | type[AdvancedDecoder], line: bytes) -> Callable[[], int]:
    def run() -> int:
        decoder = kind(1600)
        return sum(len(decoder.receive_data(line[at : at + READ])) for at in range(0, len(line), READ))

    return run


def _construct_per_frame(line: bytes, size: int) -> Callable[[], int]:
    """What the decoder would cost if it parsed each header through its declaration."""

    def run() -> int:
        found = at = 0
        while at < len(line):
            header = wire.basic_header.parse(line[at + 1 : at + 5])
            octets = 3 if header.length < 128 else 4
            assert fcs(line[at + 1 : at + 1 + octets]) == line[at + 1 + octets + header.length]
            at += octets + header.length + 3
            found += 1
        return found

    return run


def _octet_by_octet(line: bytes) -> Callable[[], int]:
    """The usual state machine: one step for each octet."""

    def run() -> int:
        found = left = 0
        state = "flag"
        header = bytearray()
        for octet in line:
            if state == "flag":
                if octet != 0xF9:
                    header[:] = (octet,)
                    state = "header"
            elif state == "header":
                header.append(octet)
                if len(header) == 3 + (not header[2] & 1 if len(header) > 2 else 1):
                    left = header[2] >> 1 | (header[3] << 7 if len(header) > 3 else 0)
                    state = "info" if left else "fcs"
            elif state == "info":
                left -= 1
                if not left:
                    state = "fcs"
            elif state == "fcs":
                found += fcs(bytes(header)) == octet
                state = "flag"
        return found

    return run


def _pair(size: int) -> Callable[[], int]:
    """Two cores, one channel, everything that a session does."""

    def run() -> int:
        config = Config(n1=size, queue_high=1 << 20)
        host, module = Multiplexer(Role.INITIATOR, config), Multiplexer(Role.RESPONDER, config)
        host.start(0.0)
        for _ in range(2):
            module.receive_data(host.data_to_send(0.0), 0.0)
            host.receive_data(module.data_to_send(0.0), 0.0)
            if not host.is_open(1):
                host.open(1, 0.0)
        module.receive_data(host.data_to_send(0.0), 0.0)
        host.send(1, bytes(size) * FRAMES, 0.0)
        got = 0
        while octets := host.data_to_send(0.0, READ):
            got += sum(len(getattr(event, "data", b"")) for event in module.receive_data(octets, 0.0))
        return got // size

    return run


def _measure(*runs: Callable[[], int]) -> list[float]:
    """Return the median microseconds a frame of each, taking turns."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, seen in zip(runs, times, strict=True):
            started = time.perf_counter()
            frames = run()
            seen.append((time.perf_counter() - started) / frames * 1e6)
    return [median(seen) for seen in times]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    options = parser.parse_args()
    if not options.json:
        print(build())
    rows = []
    for size in (8, 31, 127, 1500):
        basic, advanced = _line(size, Option.BASIC), _line(size, Option.ADVANCED)
        mine, other, naive, octets, whole = _measure(
            _decoder(BasicDecoder, basic),
            _decoder(AdvancedDecoder, advanced),
            _construct_per_frame(basic, size),
            _octet_by_octet(basic),
            _pair(size),
        )
        rows += [
            {
                "what": f"decode, {size} octets",
                "us": mine,
                "against": "construct for each frame",
                "ratio": naive / mine,
            },
            {"what": f"decode, {size} octets", "us": mine, "against": "octet by octet", "ratio": octets / mine},
            {"what": f"decode advanced, {size}", "us": other, "against": "decode basic", "ratio": mine / other},
            {"what": f"session, {size} octets", "us": whole, "against": "decode alone", "ratio": mine / whole},
        ]
    for row in rows:
        if options.json:
            print(json.dumps(row))
        else:
            print(f"{row['what']:24} {row['us']:8.2f} µs a frame   {row['ratio']:6.2f} x as fast as {row['against']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
