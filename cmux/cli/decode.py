"""``decode``: turns octets of a multiplexed line into frames, for people (a table) and for programs (JSON)."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, TextIO

from ..capture import pcapng
from ..protocol import AdvancedDecoder, BasicDecoder, Option
from ..protocol.events import FrameDropped
from ..protocol.frames import Decoder
from .app import DONE, CommandError, Commands
from .decode_formats import WRITERS, Found

_CHUNK = 65536
_MAX_N1 = 32767
_UNDECIDED = 65536  # octets without a good frame in either option, after which it is taken for the basic one

_SEPARATORS = b" \t\r\n,;:-"
_HEX_INPUT = re.compile(rb"(?:0[xX]|\\x|[0-9A-Fa-f%b])+\Z" % re.escape(_SEPARATORS))
_COMMENT = re.compile(rb"#[^\r\n]*")
_BOM = b"\xef\xbb\xbf"  # editors put it before UTF-8
_TOKEN = re.compile(rb"(?:0[xX])?([0-9A-Fa-f]+)\Z")

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
        "decode",
        decode,
        summary="Show the frames in recorded octets of a multiplexed line, and the octets that are not a frame.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="the file to read; - (default): standard input"
    )
    parser.add_argument(
        "--input",
        choices=("auto", "hex", "raw", "pcapng"),
        default="auto",
        help="hex: digits as text (# begins a comment); raw: octets; pcapng: a capture; auto (default): as it looks",
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
        CommandError: the input cannot be read.
    """
    with contextlib.ExitStack() as stack:
        source, name = _open_input(arguments.file, stack)
        output = _open_output(arguments.output, stack)
        writer = WRITERS[arguments.format]()
        writer.begin(output)
        for found in _found(source, name, arguments):
            writer.write(output, found)
            output.flush()  # the input may be a line that is still being recorded
        writer.end(output)
        output.flush()
    return DONE


def _found(source: BinaryIO, name: str, arguments: argparse.Namespace) -> Iterator[Iterable[Found]]:
    chunks = _chunks(source, name)
    first = next(chunks, b"")
    kind = arguments.input
    if kind == "pcapng" or (kind == "auto" and first.startswith(pcapng.MAGIC)):
        return _from_pcapng(source, name, first, arguments.n1)
    everything = _chained(first, chunks)
    if kind == "hex" or (kind == "auto" and _looks_hex(first)):
        everything = _from_hex(_without_comments(everything), name)
    return _decoded(everything, arguments.option, arguments.n1)


def _from_pcapng(source: BinaryIO, name: str, first: bytes, n1: int) -> Iterator[Iterable[Found]]:
    """Decode each packet by itself: it is one frame."""
    offset = 0
    try:
        for packet in pcapng.read(source, first):
            decoder = BasicDecoder(n1)
            items = [*decoder.scan(packet.octets), *decoder.finish()]
            yield [
                Found(offset + at, item, Option.BASIC, packet.timestamp, packet.from_host) for at, item in items
            ]  # fmt: skip
            offset += len(packet.octets)
    except pcapng.NotPcapng as error:
        raise CommandError(f"{name} is not a capture of a multiplexed line: {error}") from error
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error


def _decoded(chunks: Iterator[bytes], option: str, n1: int) -> Iterator[Iterable[Found]]:
    """Decode octets, in both options until it is clear which one it is."""
    decoders: dict[Option, Decoder] = {Option.BASIC: BasicDecoder(n1), Option.ADVANCED: AdvancedDecoder(n1)}
    if option != "auto":
        decoders = {one: decoder for one, decoder in decoders.items() if one is Option(option)}
    held: dict[Option, list[Found]] = {one: [] for one in decoders}
    undecided = 0
    for octets in chunks:
        for one, decoder in decoders.items():
            held[one] += [Found(at, item, one) for at, item in decoder.scan(octets)]
        undecided += len(octets)
        chosen = _better(held)
        if len(decoders) > 1 and not _good(held[chosen]) and undecided < _UNDECIDED:
            continue
        decoders = {chosen: decoders[chosen]}
        yield held[chosen]
        held = {chosen: []}
    for one, decoder in decoders.items():
        held[one] += [Found(at, item, one) for at, item in decoder.finish()]
    yield held[_better(held)]


def _good(found: list[Found]) -> int:
    return sum(not isinstance(one.item, FrameDropped) for one in found)


def _better(held: dict[Option, list[Found]]) -> Option:
    return max(held, key=lambda option: _good(held[option]))  # of equals the first, which is the basic option


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
        return stack.enter_context(open(file, "w", encoding="utf-8"))
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


def _looks_hex(first: bytes) -> bool:
    text = _COMMENT.sub(b"", first.removeprefix(_BOM))
    return bool(_HEX_INPUT.match(text)) or (not text and first != b"")


def _without_comments(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out comments, from a # to the end of the line, and a byte order mark at the beginning."""
    head: bytes | None = b""
    open_comment = False
    for chunk in chunks:
        if head is not None:
            head += chunk
            if len(head) < len(_BOM) and _BOM.startswith(head):
                continue
            chunk, head = head.removeprefix(_BOM), None
        text = b"#" + chunk if open_comment else chunk
        last = text.rfind(b"#")
        open_comment = last >= 0 and _COMMENT.fullmatch(text, last) is not None
        yield _COMMENT.sub(b"", text)
    if head:
        yield head


def _from_hex(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Turn hex digits into octets: pairs, or groups of pairs; a single digit is an octet."""
    carried, done = b"", 0
    for chunk in chunks:
        text = carried + chunk
        # A group may continue in the next chunk; of a long one only the last digits have to wait for it.
        cut = max(text.rfind(bytes((separator,))) for separator in _SEPARATORS) + 1
        if len(text) - cut > _CHUNK:
            cut += (len(text) - cut - 4) & ~1
        carried = text[cut:]
        yield (octets := _pairs(text[:cut], name, done))
        done += len(octets)
    if carried:
        yield _pairs(carried, name, done)


def _pairs(text: bytes, name: str, done: int) -> bytes:
    out = bytearray()
    for group in text.replace(rb"\x", b" ").translate(_TO_SPACES).split():
        token = _TOKEN.match(group)
        digits = token[1] if token else b""
        if len(digits) == 1:
            digits = b"0" + digits
        if not digits or len(digits) % 2:
            shown = group[:20].decode("ascii", "backslashreplace")
            raise CommandError(f"{name}: {shown!r} after octet {done + len(out)} is not hexadecimal (try --input raw)")
        out += bytes.fromhex(digits.decode("ascii"))
    return bytes(out)


_TO_SPACES: Final = bytes.maketrans(_SEPARATORS, b" " * len(_SEPARATORS))
