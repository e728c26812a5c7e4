"""``decode``: turns octets of a multiplexed line into frames, for people (a table) and for programs (JSON)."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, TextIO

from ..capture import pcap, pcapng
from ..capture.packets import NotACapture, Packet
from ..private_files import create
from ..protocol import BasicDecoder, Frame, Option
from ..protocol.wire import BASIC_FLAG
from .app import DONE, CommandError, Commands
from .decode_formats import WRITERS, Found
from .decode_inputs import (
    INPUTS,
    PORTIONS,
    UNDERSTOOD,
    Unreadable,
    as_utf_8,
    has_records,
    input_kind,
    looks_like_text,
    records,
)
from .decode_portions import decoded
from .subcommands import DECODE

_CHUNK = 65536
_MAX_N1 = 32767
_FLAG = bytes((BASIC_FLAG,))

_EXAMPLES = (
    "printf 'F9 03 3F 01 1C F9' | gsm0710 decode -",
    "gsm0710 decode line.bin --format json | jq 'select(.dropped)'",
    "gsm0710 decode hexdump.txt --input hex --n1 127 -o frames.txt",
    "gsm0710 decode session.pcapng --format html -o session.html",
)


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
        choices=tuple(WRITERS),
        default="table",
        help="a table (default), one JSON object per line, a Mermaid sequence diagram, or an HTML page",
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
    with contextlib.ExitStack() as stack:
        source, name = _open_input(arguments.file, stack)
        output = _open_output(arguments.output, stack)
        writer = WRITERS[arguments.format]()
        writer.begin(output)
        empty = True
        for found in map(list, _found(source, name, arguments)):
            empty = empty and not found
            writer.write(output, found)
            output.flush()  # the input may be a line that is still being recorded
        writer.end(output)
        output.flush()
        if empty:
            raise CommandError(f"{name} holds no frame ({UNDERSTOOD})")
    return DONE


def _found(source: BinaryIO, name: str, arguments: argparse.Namespace) -> Iterator[Iterable[Found]]:
    chunks = _chunks(source, name)
    first = next(chunks, b"")
    while looks_like_text(first) and b"\n" not in first and len(first) < _CHUNK and (more := next(chunks, b"")):
        first += more
    try:
        kind = input_kind(first) if arguments.input == "auto" else arguments.input
        if kind in _PACKETS:
            yield from _from_packets(_PACKETS[kind](source, first), name, arguments.n1)
            return
        octets = as_utf_8(_chained(first, chunks))
        if has_records(kind, first):
            yield from records(octets, kind)
        else:
            yield from decoded(PORTIONS[kind](octets), arguments.option, arguments.n1)
    except Unreadable as error:
        raise CommandError(f"{name}: {error} ({UNDERSTOOD})") from None


_PACKETS: Final[dict[str, Callable[[BinaryIO, bytes], Iterator[Packet]]]] = {"pcapng": pcapng.read, "pcap": pcap.read}


def _from_packets(packets: Iterator[Packet], name: str, n1: int) -> Iterator[Iterable[Found]]:
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
    except NotACapture as error:
        raise CommandError(f"{name} is not a capture of a multiplexed line: {error} ({UNDERSTOOD})") from error
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error


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
