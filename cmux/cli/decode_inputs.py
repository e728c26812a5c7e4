"""What ``decode`` understands: which kind of input octets are, and the octets in it."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import Final

from ..capture import pcap, pcapng
from ..capture.reread import Recorded, json_line, log_line
from ..protocol.events import FrameDropped
from ..protocol.wire import ADVANCED_FLAG, BASIC_FLAG
from .decode_dump import BadDump, DumpReader, has_words, looks_like_a_dump
from .decode_formats import Found
from .decode_hex import NotHex, from_hex, looks_hex, without_comments, without_mark
from .decode_portions import Portion
from .decode_tally import Tally
from .decode_text import LONGEST_LINE, LogReader, NoOctet, lines

_log = logging.getLogger("cmux.decode")

INPUTS: Final = {
    "hex": "digits as text (# and // begin a remark)",
    "raw": "octets",
    "pcapng": "a capture",
    "pcap": "the same in the older format",
    "jsonl": "our own capture as JSON lines",
    "log": "our own capture as text, or a log with octets in hex, times and directions, as esp-idf and n_gsm write it",
    "dump": "of xxd, hexdump or od",
}
"""The kinds of input, with what they are."""

UNDERSTOOD: Final = (
    "understood are hex digits, dumps of xxd, hexdump and od, logs with octets in hex (esp-idf, n_gsm with "
    "debug=4, time stamps, arrows), our captures .pcapng, .jsonl and .log, pcap with LINKTYPE_MUX27010, raw octets; "
    "--input says which"
)
"""The same for an error message."""


class Unreadable(ValueError):
    """The input is not what it seemed to be; the text says where and why."""


_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # PowerShell writes it
_FOREIGN = {
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file",
    b"\xfd7zXZ\x00": "an xz file",
    b"BZh": "a bzip2 file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF document",
    b"\x7fELF": "a program",
    b"<SALEAE>": "a file of a logic analyser; export it as text",
}
"""How files begin that people hand in instead, with what they are."""

_BEGINNINGS = (*_FOREIGN, *_WIDE, codecs.BOM_UTF8, pcapng.MAGIC, *pcap.MAGICS)

_SAMPLE = 256
"""Lines of a dump that tell the order of its octets."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


# --- Which kind ---------------------------------------------------------------------------------------------------


def looks_like_text(octets: bytes) -> bool:
    """Tell whether octets can be a text: frames have control characters, their address and type above all."""
    return octets[:2] in _WIDE or not _CONTROL.search(octets)


def may_become_another(first: bytes) -> bool:
    """Tell whether too little of an input has come to say what it is.

    Args:
        first: what has come.
    """
    if looks_like_text(first) and b"\n" not in first:
        return True
    return any(len(first) < len(one) and one.startswith(first) for one in _BEGINNINGS)


def says_nothing_yet(first: bytes) -> bool:
    """Tell the same of a file that grows: a log may begin with lines that have no octets.

    Raises:
        Unreadable: see `input_kind`.
    """
    return may_become_another(first) or (looks_like_text(first) and input_kind(first) == "raw")


def input_kind(first: bytes) -> str:
    """Return the kind of an input by its beginning.

    Raises:
        Unreadable: it is a file of another kind, such as a capture that has been packed.
    """
    for beginning, what in _FOREIGN.items():
        if first.startswith(beginning):
            raise Unreadable(f"this is {what}")
    if first.startswith(pcapng.MAGIC):
        return "pcapng"
    if first[:4] in pcap.MAGICS:
        return "pcap"
    if not looks_like_text(first):
        return "raw"
    first = b"".join(as_utf_8([first])).removeprefix(codecs.BOM_UTF8)
    text = list(lines([first]))
    for kind, read in _RECORDS.items():
        if read(_filled([first])) is not None:
            return kind
    if looks_like_a_dump(text):
        return "dump"
    if looks_hex(first):
        return "hex"
    return "log" if _has_octets(text) else "raw"


def _has_octets(text: list[str]) -> bool:
    reader = LogReader(kernel=_of_the_kernel(text))
    try:
        return any(reader.read(line) is not None for line in text)
    except NoOctet:
        return True


def _of_the_kernel(text: list[str]) -> bool:
    return any("gsmld_" in line for line in text)


def as_utf_8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Turn UTF-16 with a byte order mark into UTF-8; leave everything else as it is."""
    decoder: codecs.IncrementalDecoder | None = None
    for number, chunk in enumerate(chunks):
        if not number and chunk[:2] in _WIDE:
            decoder = codecs.getincrementaldecoder(_WIDE[chunk[:2]])("replace")
        yield chunk if decoder is None else decoder.decode(chunk).encode()


# --- Octets -------------------------------------------------------------------------------------------------------


def _raw(chunks: Iterable[bytes]) -> Iterator[Portion]:
    return (Portion(chunk) for chunk in chunks)


def _hex(chunks: Iterable[bytes]) -> Iterator[Portion]:
    try:
        for octets in from_hex(without_comments(chunks)):
            yield Portion(octets)
    except NotHex as error:
        raise Unreadable(str(error)) from None


def _dump(chunks: Iterable[bytes]) -> Iterator[Portion]:
    text = lines(without_mark(chunks))
    first = list(islice(text, _SAMPLE))
    reader = DumpReader(words=has_words(first))
    for number, line in enumerate(chain(first, text), 1):
        try:
            for octets in reader.read(line):
                yield Portion(octets)
        except BadDump as error:
            raise Unreadable(f"line {number}: {error}") from None
    for octets in reader.finish():
        yield Portion(octets)


def _log_with_octets(chunks: Iterable[bytes]) -> Iterator[Portion]:
    reader: LogReader | None = None
    number = 0
    for chunk in _with_whole_lines(without_mark(chunks)):
        text = list(lines([chunk]))
        reader = reader or LogReader(kernel=_of_the_kernel(text))
        for line in text:
            number += 1
            try:
                portion = reader.read(line)
            except NoOctet as error:
                raise Unreadable(f"line {number}: {error}") from None
            if portion is not None:
                yield portion


def _with_whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            yield whole + newline
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest


PORTIONS: Final[dict[str, Callable[[Iterable[bytes]], Iterator[Portion]]]] = {
    "raw": _raw,
    "hex": _hex,
    "dump": _dump,
    "log": _log_with_octets,
}
"""The kinds that have octets."""


# --- Our own captures ---------------------------------------------------------------------------------------------

_FLAGS = bytes((BASIC_FLAG, ADVANCED_FLAG))
_RECORDS: Final[dict[str, Callable[[str], Recorded | None]]] = {"jsonl": json_line, "log": log_line}


def has_records(kind: str, first: bytes) -> bool:
    """Tell whether an input of a kind has frames instead of octets: a log may be ours or that of another program.

    Args:
        kind: the kind.
        first: the beginning of the input.
    """
    return kind in _RECORDS and (kind == "jsonl" or _RECORDS[kind](_filled([first])) is not None)


def _filled(chunks: Iterable[bytes]) -> str:
    return next((line for line in lines(without_mark(as_utf_8(chunks))) if line.strip()), "")


def records(chunks: Iterable[bytes], kind: str, tally: Tally | None = None) -> Iterator[list[Found]]:
    """Return the frames of a capture of ours, line by line.

    Args:
        chunks: the capture.
        kind: ``jsonl`` or ``log``.
        tally: learns how many octets are in no frame.

    Raises:
        Unreadable: a line is not one of such a capture; the last one may be incomplete.
    """
    read = _RECORDS[kind]
    offset = cut = bad = 0
    for number, line in enumerate(lines(without_mark(chunks)), 1):
        if not line.strip():
            continue
        if bad:
            break
        recorded = read(line)
        if recorded is None:
            bad = number  # where it is the last, it may still be growing
            continue
        item = recorded.item
        if isinstance(item, FrameDropped):
            item = replace(item, offset=offset)
            if tally is not None:
                tally.outside += len(item.raw.strip(_FLAGS)) + recorded.missing
        yield [Found(offset, item, recorded.option, recorded.timestamp, recorded.from_host)]
        offset += recorded.size
        cut += recorded.missing > 0
    else:
        bad = 0 if offset else bad
    if bad:
        raise Unreadable(f"line {bad} is not one of a capture of ours")
    if cut:
        _log.warning("of %d frames the log has only the beginning", cut)
