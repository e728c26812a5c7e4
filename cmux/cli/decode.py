"""``decode``: octets of a multiplexed line into frames, for people (a table) and for programs (JSON)."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, TextIO

from ..protocol import BasicDecoder, Frame, Option
from ..protocol.events import FrameDropped
from ..protocol.frames import Decoded
from ..protocol.messages import Message, parse_messages
from ..protocol.wire import FrameType
from .app import DONE, CommandError, Commands

_CHUNK = 65536
_MAX_N1 = 32767
_SHOWN_OCTETS = 24

_SEPARATORS = b" \t\r\n,;:-"
_HEX_INPUT = re.compile(rb"(?:0[xX]|\\x|[0-9A-Fa-f%b])+\Z" % re.escape(_SEPARATORS))
_TOKEN = re.compile(rb"(?:0[xX])?([0-9A-Fa-f]+)\Z")

_EXAMPLES = (
    "printf 'F9 03 3F 01 1C F9' | gsm0710 decode -",
    "gsm0710 decode line.bin --format json | jq 'select(.dropped)'",
    "gsm0710 decode hexdump.txt --input hex --n1 127 -o frames.txt",
)


def add_decode(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: the command line that is being put together.
    """
    parser = commands.add(
        "decode",
        decode,
        summary="Show the frames in recorded octets of a multiplexed line, and what was no frame.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="what to read; - (default): standard input"
    )
    parser.add_argument(
        "--input",
        choices=("auto", "hex", "raw"),
        default="auto",
        help="hex digits as text, octets as they are, or whichever it looks like (default)",
    )
    parser.add_argument("--option", choices=("basic",), default="basic", help="the framing (default: basic)")
    parser.add_argument(
        "--n1", type=_n1, default=1600, metavar="N", help="longest information field, in octets (default: 1600)"
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="for people (default), or one JSON object a line"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; default: standard output")


def _n1(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_N1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAX_N1}")
    return int(text)


def decode(arguments: argparse.Namespace) -> int:
    """Run the command.

    Args:
        arguments: as parsed.

    Returns:
        The exit code: 0 also when frames were dropped.

    Raises:
        CommandError: the input cannot be read.
    """
    option = Option(arguments.option)
    with contextlib.ExitStack() as stack:
        source, name = _open_input(arguments.file, stack)
        output = _open_output(arguments.output, stack)
        write = _FORMATS[arguments.format](output, option)
        decoder = BasicDecoder(arguments.n1)
        for octets in _octets(source, name, arguments.input):
            write(decoder.scan(octets))
            output.flush()  # the input may be a line that is still being recorded
        write(decoder.finish())
        output.flush()
    return DONE


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


def _octets(source: BinaryIO, name: str, kind: str) -> Iterator[bytes]:
    chunks = _chunks(source, name)
    if kind == "raw":
        return chunks
    if kind == "hex":
        return _from_hex(chunks, name)
    first = next(chunks, b"")
    everything = _chained(first, chunks)
    return _from_hex(everything, name) if _HEX_INPUT.match(first) else everything


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


def _from_hex(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Turn hex digits into octets: pairs, or groups of pairs; a digit that stands alone is an octet."""
    carried, done = b"", 0
    for chunk in chunks:
        text = carried + chunk
        # A group may go on in the next chunk; of a long one only the last digits have to wait for it.
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

# --- Output -------------------------------------------------------------------------------------------------------


class _Json:
    def __init__(self, output: TextIO, option: Option) -> None:
        self._output = output
        self._option = option

    def __call__(self, found: Iterable[Decoded]) -> None:
        for offset, item in found:
            entry = self._dropped(item) if isinstance(item, FrameDropped) else self._frame(offset, item)
            self._output.write(json.dumps(entry) + "\n")

    def _frame(self, offset: int, frame: Frame) -> dict[str, object]:
        return {
            "offset": offset,
            "option": self._option.value,
            "dlci": frame.dlci,
            "cr": frame.cr,
            "type": frame.type.name,
            "pf": frame.pf,
            "info": frame.info.hex(),
            "fcs_ok": True,
            "commands": [_message(message) for message in _messages(frame)],
        }

    def _dropped(self, item: FrameDropped) -> dict[str, object]:
        return {"offset": item.offset, "dropped": item.reason.value, "raw": item.raw.hex()}


class _Table:
    def __init__(self, output: TextIO, option: Option) -> None:
        self._output = output
        output.write(f"{'offset':>8}  DLCI  C/R  type  P/F  information\n")

    def __call__(self, found: Iterable[Decoded]) -> None:
        for offset, item in found:
            if isinstance(item, FrameDropped):
                line = f"{offset:>8}  dropped: {item.reason.value:<17}  {_shown(item.raw)}"
            else:
                what = "; ".join(_text(message) for message in _messages(item)) or _shown(item.info)
                line = f"{offset:>8}  {item.dlci:>4}  {item.cr:>3}  {item.type.name:<4}  {item.pf:>3}  {what}"
            self._output.write(line.rstrip() + "\n")


_FORMATS: Final[dict[str, Callable[[TextIO, Option], Callable[[Iterable[Decoded]], None]]]] = {
    "json": _Json,
    "table": _Table,
}


def _messages(frame: Frame) -> list[Message]:
    control = frame.dlci == 0 and frame.type in (FrameType.UIH, FrameType.UI)
    return parse_messages(frame.info) if control else []


def _message(message: Message) -> dict[str, object]:
    return {
        "name": message.name,
        "command": message.command,
        "value": message.value.hex(),
        "text": _text(message),
        "problem": message.problem,
    }


def _text(message: Message) -> str:
    kind = "command" if message.command else "response"
    if message.problem:
        return f"{message.name} {kind}, {message.problem}: {message.value.hex(' ')}"
    if message.body is None or not message.value:
        return f"{message.name} {kind} {message.value.hex(' ')}".rstrip()
    return f"{message.name} {kind} {_fields(message.body)}"


def _fields(body: object) -> str:
    """Write the fields of a message, those of its parts included, as ``name=value``."""
    parts: list[str] = []
    for field in dataclasses.fields(body):  # type: ignore[arg-type]  # every message is a dataclass
        value = getattr(body, field.name)
        if dataclasses.is_dataclass(value):
            parts.append(_fields(value))
        elif isinstance(value, bytes):
            parts.append(f"{field.name}={value.hex(' ')}")
        elif value is not None:
            parts.append(f"{field.name}={int(value) if isinstance(value, bool) else value}")
    return " ".join(parts)


def _shown(octets: bytes) -> str:
    if not octets:
        return ""
    head = octets[:_SHOWN_OCTETS]
    text = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in head)
    more = f" … {len(octets)} octets" if len(octets) > len(head) else ""
    return f"{head.hex(' ')}  {text}{more}"
