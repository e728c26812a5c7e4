"""``decode``: turns octets of a multiplexed line into frames, for people (a table) and for programs (JSON)."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, TextIO

from ..capture import pcap, pcapng
from ..capture.packets import NotACapture, Packet
from ..private_files import create
from ..protocol import BasicDecoder, Frame, Option
from ..protocol.events import FrameDropped
from ..protocol.wire import BASIC_FLAG
from .app import DONE, CommandError, Commands
from .argument_types import number
from .decode_follow import followed
from .decode_formats import Found, Hidden, Html, Json, Mermaid, Writer
from .decode_inputs import (
    INPUTS,
    PORTIONS,
    UNDERSTOOD,
    Unreadable,
    as_utf_8,
    has_records,
    input_kind,
    may_become_another,
    records,
    says_nothing_yet,
)
from .decode_portions import decoded
from .decode_table import Table
from .decode_tally import Tally
from .stopping import stop_by_signal
from .subcommands import DECODE

_CHUNK = 65536
_MAX_N1 = 32767
_LAST_DLCI = 63
_FLAG = bytes((BASIC_FLAG,))
_WRITERS: Final[dict[str, Callable[[], Writer]]] = {"table": Table, "json": Json, "mermaid": Mermaid, "html": Html}
"""The output formats, by their names for ``--format``."""

_EXAMPLES = (
    "printf 'F9 03 3F 01 1C F9' | gsm0710 decode -",
    "gsm0710 demo --capture demo.pcapng; gsm0710 decode demo.pcapng    a whole dialogue, with times and sides",
    "gsm0710 decode demo.pcapng --dlci 2 --dlci 0                      what channels 2 and 0 say",
    "gsm0710 decode --follow line.pcapng                               while attach --capture line.pcapng runs",
    "gsm0710 decode line.bin --format json | jq 'select(.dropped)'",
    "gsm0710 decode hexdump.txt --input hex --n1 127 -o frames.txt",
    "gsm0710 decode session.pcapng --format html -o session.html",
)

_READING = """\
In the table a line of AT text is shown as the line that it is, where its last octet has come: it may be
spread over several frames (their parts have an ellipsis), or be one of several in a frame (they stand below
each other). Octets that are no text are shown in hex. PINs and passwords are asterisks, except in JSON, which
has the octets of the input. At the end stderr says how many frames there were, and how many octets are in none.
"""


def add_decode(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: the command line to add it to.
    """
    parser = commands.add(
        DECODE,
        decode,
        examples=_EXAMPLES,
    )
    parser.description = f"{DECODE.summary}\n\n{_READING}"
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="the file to read; - (default): standard input"
    )
    parser.add_argument(
        "--input",
        choices=("auto", *INPUTS),
        default="auto",
        help="; ".join(f"{name}: {what}" for name, what in INPUTS.items()) + "; auto (default): as it looks",
    )
    parser.add_argument(
        "--option",
        choices=("auto", "basic", "advanced"),
        default="auto",
        help="the framing; auto (default): the one with more good frames",
    )
    parser.add_argument(
        "--n1", type=_n1, default=1600, metavar="N", help="longest information field, in octets (default: 1600)"
    )
    parser.add_argument(
        "--format",
        choices=tuple(_WRITERS),
        default="table",
        help="a table (default), one JSON object per line, a Mermaid sequence diagram, or an HTML page",
    )
    parser.add_argument(
        "--json",
        dest="format",
        action="store_const",
        const="json",
        help="one JSON object per line instead of a table: --format json",
    )
    parser.add_argument(
        "--dlci",
        type=number(0, _LAST_DLCI),
        action="append",
        default=[],
        metavar="N",
        help="show the frames of this DLCI only, and not what was dropped, which belongs to none; may be repeated",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="wait for more at the end of the file, until SIGINT (Ctrl-C) or SIGTERM; if it is replaced or truncated, "
        "begin again with the new one",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="the file to write; default: standard output")


def _n1(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_N1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAX_N1}")
    return int(text)


def decode(arguments: argparse.Namespace) -> int:
    """Run the command.

    Args:
        arguments: the parsed arguments.

    Returns:
        The exit code: 0 even if frames were dropped.

    Raises:
        CommandError: the input cannot be read, or holds neither a frame nor anything that looks like one.
    """
    tally = Tally(dlcis=arguments.dlci)
    with contextlib.ExitStack() as stack:
        inputs, name = _inputs(arguments, stack)
        output = _open_output(arguments.output, stack)
        writer = _WRITERS[arguments.format]()
        writer.begin(output)
        for source in inputs:
            hidden = Hidden() if arguments.format != "json" else None
            for found in map(list, _found(source, name, arguments, tally)):
                _write(writer, output, map(hidden, found) if hidden is not None else found, tally)
                output.flush()  # the input may be a line that is still being recorded
            writer.restart()
        writer.end(output)
        output.flush()
        if tally.empty:
            raise CommandError(f"{name} holds no frame ({UNDERSTOOD})")
    if arguments.format == "table" and not getattr(arguments, "quiet", False):
        print(tally, file=sys.stderr)
    return DONE


def _write(writer: Writer, output: TextIO, found: Iterable[Found], tally: Tally) -> None:
    """Write those items that were asked for, and count all of them."""
    chosen: list[Found] = []
    for one in found:
        if isinstance(one.item, FrameDropped):
            tally.dropped += 1
            if tally.dlcis:  # nobody can say of which DLCI it is, so that no line goes on behind it
                writer.write(output, chosen)
                writer.restart()
                chosen = []
                continue
        else:
            tally.frames += 1
            if tally.dlcis and one.item.dlci not in tally.dlcis:
                continue
            tally.shown += 1
        chosen.append(one)
    writer.write(output, chosen)


def _found(source: BinaryIO, name: str, arguments: argparse.Namespace, tally: Tally) -> Iterator[Iterable[Found]]:
    chunks = _chunks(source, name)
    first = next(chunks, b"")
    try:
        waits = says_nothing_yet if arguments.follow and arguments.input == "auto" else may_become_another
        while waits(first) and len(first) < _CHUNK and (more := next(chunks, b"")):
            first += more
        kind = input_kind(first) if arguments.input == "auto" else arguments.input
        if arguments.follow and kind == "dump":
            raise Unreadable("--follow reads no hex dump, which is made of a whole file")
        if kind in _PACKETS:
            yield from _from_packets(_PACKETS[kind](source, first), name, arguments.n1, tally)
            return
        octets = as_utf_8(_chained(first, chunks))
        if has_records(kind, first):
            yield from records(octets, kind, tally)
        else:
            yield from decoded(PORTIONS[kind](octets), arguments.option, arguments.n1, tally)
    except Unreadable as error:
        raise CommandError(f"{name}: {error} ({UNDERSTOOD})") from None


_PACKETS: Final[dict[str, Callable[[BinaryIO, bytes], Iterator[Packet]]]] = {"pcapng": pcapng.read, "pcap": pcap.read}


def _from_packets(packets: Iterator[Packet], name: str, n1: int, tally: Tally) -> Iterator[Iterable[Found]]:
    """Decode each packet by itself: it is one frame, whose closing flag may be missing."""
    offset = 0
    try:
        for packet in packets:
            decoder = BasicDecoder(n1)
            items = [*decoder.scan(packet.octets)]
            if decoder.pending:
                closed = [*decoder.scan(_FLAG)]
                items += closed if any(isinstance(item, Frame) for _, item in closed) else []
                if not closed:
                    decoder = BasicDecoder(n1)
                    items = [*decoder.scan(packet.octets), *decoder.finish()]
            yield [Found(offset + at, item, Option.BASIC, packet.timestamp, packet.from_host) for at, item in items]
            offset += len(packet.octets)
            tally.outside += decoder.skipped
    except NotACapture as error:
        raise CommandError(f"{name} is not a capture of a multiplexed line: {error} ({UNDERSTOOD})") from error
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error


def _inputs(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> tuple[Iterable[BinaryIO], str]:
    source, name = _open_input(arguments.file, stack)
    if arguments.file == "-" and sys.stdin.isatty() and not getattr(arguments, "quiet", False):
        print(f"reading what is typed; Ctrl-{'D' if os.name == 'posix' else 'Z'} ends it", file=sys.stderr)
    if not arguments.follow:
        return (source,), name
    stop = stack.enter_context(stop_by_signal())
    stop.interrupts = False
    path = None if arguments.file == "-" else arguments.file
    return stack.enter_context(contextlib.closing(followed(source, path, stop))), name


def _open_input(file: str, stack: contextlib.ExitStack) -> tuple[BinaryIO, str]:
    if file == "-":
        return sys.stdin.buffer, "standard input"
    try:
        return stack.enter_context(open(file, "rb")), file
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error


def _open_output(file: str | None, stack: contextlib.ExitStack) -> TextIO:
    if file is None:
        return sys.stdout
    try:
        return stack.enter_context(io.TextIOWrapper(io.BufferedWriter(create(file)), encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error


# --- Input --------------------------------------------------------------------------------------------------------


def _chunks(source: BinaryIO, name: str) -> Iterator[bytes]:
    read = getattr(source, "read1", source.read)
    while True:
        try:
            chunk: bytes = read(_CHUNK)
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}") from error
        if not chunk:
            return
        yield chunk


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
