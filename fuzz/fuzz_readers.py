"""Files of any kind that `decode` reads: captures, dumps, logs, hex, octets; whole, damaged, cut off, and of no kind.

Invariants:
1. `decode` ends with 0 or 1 and one clear line on stderr when it is 1; no exception leaves it.
2. What it prints as JSON is JSON with the keys that are promised, one object a line.
3. A file that has been cut off gives a beginning of what the whole gives.
4. What we capture is read again, frame for frame.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from cmux.capture.recorder import Capture
from cmux.cli import main
from cmux.protocol import Config, Frame, FrameType, Option, encode

KEYS = {"offset", "option", "dlci", "cr", "type", "pf", "info", "fcs_ok", "commands"}
DROPPED = {"offset", "dropped", "raw"}
MORE = {"time", "from"}
INPUTS = ("auto", "hex", "raw", "pcapng", "pcap", "jsonl", "log", "dump")

frames = st.tuples(
    st.integers(0, 61),
    st.booleans(),
    st.sampled_from([FrameType.UIH, FrameType.UIH, FrameType.UI]),
    st.booleans(),
    st.binary(max_size=30),
).map(lambda fields: Frame(*fields))
portions = st.lists(st.tuples(frames, st.booleans()), min_size=1, max_size=5)
changes = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "insert", "twice"]), st.integers(0, 2000), st.integers(0, 255))
)


def file_of(ending: str, sent: list[tuple[Frame, bool]]) -> bytes:
    """A capture that we write ourselves."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x{ending}")
        capture = Capture(path, Config())
        for number, (frame, from_host) in enumerate(sent):
            capture.feed(encode(frame), from_host=from_host, timestamp=1_700_000_000_000_000_000 + number)
        capture.close()
        return path.read_bytes()


def hex_of(sent: list[tuple[Frame, bool]]) -> bytes:
    return b"".join(encode(frame) for frame, _ in sent).hex(" ").encode() + b"\n"


def pcap_of(sent: list[tuple[Frame, bool]]) -> bytes:
    """The older format, by hand: libpcap's file header, then records."""
    octets = bytes.fromhex("d4c3b2a1020004000000000000000000ffff0000ec000000")
    for frame, from_host in sent:
        data = bytes((0, 0 if from_host else 1)) + encode(frame)
        octets += (1_700_000_000).to_bytes(4, "little") + bytes(4) + 2 * len(data).to_bytes(4, "little") + data
    return octets


def dump_of(sent: list[tuple[Frame, bool]]) -> bytes:
    octets = b"".join(encode(frame) for frame, _ in sent)
    rows = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    return b"".join(b"%08x: %s  .\n" % (16 * number, row.hex(" ", 2).encode()) for number, row in enumerate(rows))


MAKERS: dict[str, Callable[[list[tuple[Frame, bool]]], bytes]] = {
    "pcapng": lambda sent: file_of(".pcapng", sent),
    "jsonl": lambda sent: file_of(".jsonl", sent),
    "log": lambda sent: file_of(".log", sent),
    "pcap": pcap_of,
    "hex": hex_of,
    "dump": dump_of,
    "raw": lambda sent: b"".join(encode(frame) for frame, _ in sent),
}


def changed(octets: bytes, what: list[tuple[str, int, int]]) -> bytes:
    for kind, at, value in what:
        at %= len(octets) + 1
        if kind == "set":
            octets = octets[:at] + bytes((value,)) + octets[at + 1 :]
        elif kind == "cut":
            octets = octets[:at] + octets[at + value % 16 :]
        elif kind == "insert":
            octets = octets[:at] + bytes((value,)) + octets[at:]
        else:
            octets = octets[:at] + octets[at : at + value] + octets[at:]
    return octets


def decoded(octets: bytes, *options: str) -> list[dict[str, object]] | None:
    """Decode a file; None: it was refused."""
    out, err = io.StringIO(), io.StringIO()
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(octets)
        file.flush()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["decode", "--format", "json", *options, file.name])
    assert code in (0, 1), code
    if code == 1:
        assert " decode: " in err.getvalue(), err.getvalue()
        assert "Traceback" not in err.getvalue()
    objects = [json.loads(line) for line in out.getvalue().splitlines()]
    for one in objects:
        assert set(one) - MORE == KEYS or set(one) - MORE == DROPPED, one
    return objects if code == 0 else None


as_what = st.just("what it was") | st.sampled_from(INPUTS)


@given(
    st.sampled_from(sorted(MAKERS)), portions, changes, as_what, st.sampled_from(["auto", "auto", "basic", "advanced"])
)
def fuzz_files(
    kind: str, sent: list[tuple[Frame, bool]], what: list[tuple[str, int, int]], as_what: str, option: str
) -> None:
    read_as = kind if as_what == "what it was" else as_what
    decoded(changed(MAKERS[kind](sent), what), "--input", read_as, "--option", option)


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(["", "f9", "f", "basic", "advanced", "host", "module", "UIH", "SABM", "fcs", 3, 62, 1e400, [], {}]),
)
objects = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(sorted(KEYS | DROPPED | MORE - {"fcs_ok", "commands"}), values)
)
good = {"option": "basic", "dlci": 1, "cr": True, "type": "UIH", "pf": False, "info": "41"}
lines_of_json = st.lists(objects | objects.map(lambda some: {**good, **some}) | values, min_size=1, max_size=3).map(
    lambda some: "".join(f"{json.dumps(one)}\n" for one in some).encode()
)
words = st.sampled_from(
    [
        *(b"00000000:", b"0000010", b"00000010 ", b"*", b"f903", b"f9 03 3f 01 1c f9", b"F9033F011CF9", b"0xf9", b"-1"),
        *(b"#", b"//", b"\\x", b"\n", b"\r\n", b"  ", b"|..|", b"\xb2", b"\xe2\x80\xa6 9 octets"),
        *(b"<< ", b">> ", b"TX: ", b"RX: ", b"[  12.345678] ", b"gsmld_", b"MSC command ", b"dlci=1 "),
        *(b"2024-01-02T03:04:05.000006Z host   ", b"DLCI 1  UIH  ", b"dropped (fcs): "),
    ]
)
texts = st.lists(words | st.binary(max_size=3), max_size=20).map(b"".join)
lines_of_a_dump = st.lists(
    st.builds(
        "{:0{}x}{} {}\n".format,
        st.sampled_from([0, 2, 4, 16, 32]),
        st.sampled_from([4, 7, 8]),
        st.sampled_from(["", ":"]),
        st.lists(st.sampled_from(["f9", "f903", "3f01", "f", "f90", "177771"]), max_size=8).map(" ".join),
    ),
    max_size=4,
).map(lambda rows: "".join(rows).encode())
lines_of_a_log = st.lists(
    st.builds(
        "2024-01-02T03:04:05.000006Z {:6} DLCI {:<2} {:4} {}\n".format,
        st.sampled_from(["host", "module", "nobody"]),
        st.integers(0, 64),
        st.sampled_from(["SABM", "UIH", "UI", "RR", "XID", "Q"]),
        st.sampled_from(["", "P/F", "    41 42", "    MSC command dlci=1", "    MSC command x=y", "    f"]),
    ),
    max_size=3,
).map(lambda rows: "".join(rows).encode())  # fmt: skip
any_octets = st.binary(max_size=400) | lines_of_json | texts | lines_of_a_dump | lines_of_a_log


@given(any_octets, st.just("auto") | st.sampled_from(INPUTS))
def fuzz_octets_as_any_file(octets: bytes, read_as: str) -> None:
    """Octets of no kind, and what looks like lines of each kind."""
    decoded(octets, "--input", read_as)


def _pcap(order: Literal["little", "big"], magic: int) -> bytes:
    return b"".join(value.to_bytes(4, order) for value in (magic, 4 << 16 | 2, 0, 0, 0xFFFF, 236))


_MAGICS = [
    b"\x0a\x0d\x0d\x0a",
    b"\x0a\x0d\x0d\x0a" + bytes.fromhex("1c0000004d3c2b1a01000000ffffffffffffffff1c000000"),
    b"\x0a\x0d\x0d\x0a" + bytes.fromhex("1c0000004d3c2b1a01000000ffffffffffffffff1c000000")
    + bytes.fromhex("0100000014000000ec0000000000000014000000"),
    *(_pcap(order, magic) for order in ("little", "big") for magic in (0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34)),
    _pcap("little", 0xA1B2C3D4)[:5],
    b"{",
    b"00000000",
    b"\xff\xfe",
]  # fmt: skip


@given(st.sampled_from(_MAGICS), st.binary(max_size=200))
def fuzz_what_begins_like_a_file(magic: bytes, octets: bytes) -> None:
    decoded(magic + octets)


@given(st.sampled_from(["pcapng", "pcap", "jsonl", "hex", "raw"]), portions, st.integers(0, 2000))
def fuzz_a_file_that_is_cut_off(kind: str, sent: list[tuple[Frame, bool]], at: int) -> None:
    octets = MAKERS[kind](sent)
    whole = decoded(octets, "--input", kind)
    part = decoded(octets[: at % (len(octets) + 1)], "--input", kind)
    assert whole is not None
    good = [one for one in part or [] if "dropped" not in one]
    assert good == [one for one in whole if "dropped" not in one][: len(good)]


@given(st.sampled_from(list(Option)), st.lists(frames, min_size=1, max_size=5))
def fuzz_what_we_capture_is_read_again(option: Option, sent: list[Frame]) -> None:
    """In either option, in our own format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.jsonl")
        capture = Capture(path, Config(option=option))
        for frame in sent:
            capture.feed(encode(frame, option), from_host=True, timestamp=1)
        capture.close()
        found = decoded(path.read_bytes(), "--input", "jsonl")
    assert found is not None
    again = [(one["dlci"], one["cr"], one["type"], one["pf"], one["info"]) for one in found if "dropped" not in one]
    assert again == [(frame.dlci, frame.cr, frame.type.name, frame.pf, frame.info.hex()) for frame in sent]
