"""Texts with octets in them, line by line: hex dumps, and logs with time stamps and directions, for ``decode``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from .decode_portions import Portion

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

# --- Time stamps --------------------------------------------------------------------------------------------------

_DAY = r"(?P<day>\d{4}[-/]\d\d[-/]\d\d)[T ]"
_CLOCK = r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)(?:[.,:](?P<part>\d{1,9}))?"
_END = r"(?=[\s\]),|;]|$)[\]),|;]?\s*"
_TIMES: Final = (
    re.compile(rf"[\[(]?{_DAY}{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?{_END}"),
    re.compile(rf"[A-Z][a-z]{{2}} +\d+ {_CLOCK}\s+\S+ [\w.-]+(?:\[\d+\])?: "),  # syslog: day, host, program
    re.compile(rf"[\[(]?{_CLOCK}{_END}"),
    re.compile(rf"\d\d-\d\d {_CLOCK}\s+"),  # logcat
    re.compile(r"\[\s*(?P<seconds>\d+)\.(?P<part>\d{6})\]\s*"),  # the kernel
    re.compile(r"[EWIDV] \((?P<milliseconds>\d+)\) "),  # esp-idf
    re.compile(rf"[EWIDV] \({_CLOCK}\) "),
    re.compile(r"[\[(]?(?P<seconds>\d+)\.(?P<part>\d{1,18})s?(?=[\s\]):,;])[\]):,;]?\s*"),
)


def _timestamp(found: re.Match[str]) -> int:
    """Return the nanoseconds that a time stamp says: since 1970, midnight, or the start, as it has them."""
    said = found.groupdict()
    part = int((said.get("part") or "").ljust(9, "0")[:9])
    if said.get("milliseconds"):
        return int(said["milliseconds"]) * 1_000_000
    if said.get("seconds"):
        return int(said["seconds"]) * 1_000_000_000 + part
    seconds = int(said["hour"]) * 3600 + int(said["minute"]) * 60 + int(said["second"])
    if said.get("day"):
        day = datetime.fromisoformat(said["day"].replace("/", "-")).replace(tzinfo=UTC)
        seconds += int(day.timestamp())
    return seconds * 1_000_000_000 + part


def split_time(text: str) -> tuple[int | None, str]:
    """Return the time at the beginning of a line in nanoseconds, None if there is none, and the rest of the line."""
    time = None
    while (found := next(filter(None, (one.match(text) for one in _TIMES)), None)) is not None:
        try:
            time = _timestamp(found)
        except ValueError:  # the 31st of a short month
            break
        text = text[found.end() :]
    return time, text


# --- Directions ---------------------------------------------------------------------------------------------------

_PARTIES: Final = {
    **dict.fromkeys(("host", "dte", "mcu", "pc", "application"), True),
    **dict.fromkeys(("module", "modem", "dce"), False),
}
_WORDS: Final = {
    **dict.fromkeys(("tx", "txd", "send", "sent", "sending", "write", "wrote", "out", "output", "sabm", "disc"), True),
    **dict.fromkeys(("rx", "rxd", "recv", "receive", "received", "receiving", "read", "in", "input"), False),
}
_SIGN = re.compile(r"(?P<right>[-=]*>+|→|»)|(?P<left><+[-=]*|←|«)|(?P<word>[A-Za-z]+)")


def direction(text: str) -> tuple[bool | None, bool]:
    """Return the direction that the text before some octets says, and whether it names the host or the module.

    Args:
        text: for instance ``TX:``, ``-->``, ``host <- module``, ``CMUX Received:``.

    Returns:
        True for what was sent, or what the host sent if the second is True; None if it says nothing.
    """
    party: bool | None = None
    arrow: bool | None = None
    word: bool | None = None
    arrow_first = False
    for sign in _SIGN.finditer(text):
        if sign["word"] is None:
            if arrow is None:
                arrow, arrow_first = sign["right"] is not None, party is None
        elif party is None:
            party = _PARTIES.get(sign["word"].lower())
        if sign["word"] is not None and word is None:
            word = _WORDS.get(sign["word"].lower())
    if party is not None:
        towards = arrow is not None and arrow is arrow_first  # -> module, or module <-
        return party is not towards, True
    return (arrow if word is None else word), False


# --- Lines --------------------------------------------------------------------------------------------------------

_DUMP = re.compile(
    r"(?P<tag>(?:.*?[:\]>)]\s*)??)(?:0x)?(?P<offset>[0-9A-Fa-f]{4,16})(?P<colon>:?)"
    r"(?P<octets>(?:\s+[0-9A-Fa-f]{2,16}(?![^\s|>]))*)(?P<rest>\s*|\s*[|>].*|\s{2,}.*)"
)
_ONE = r"(?:(?:0[xX]|\\x)[0-9A-Fa-f]{1,2}|(?:[0-9A-Fa-f]{2})+)(?![0-9A-Za-z_.])"
_RUN = re.compile(rf"(?<![\w.+\\]){_ONE}(?:[ ,:;-] ?{_ONE})*")
_BEFORE = re.compile(r"[\w\s<>:=→←»«|\[\]().,#/*-]*")
_HALF = re.compile(r"[\s,:;-]*(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f]\s*(?://.*|#.*)?")
_LIKE_OCTETS = re.compile(r"0[xX].*|\\x.*|(?=.*\d)(?=.*[A-Fa-f]).*")
_SURE = 4  # octets behind a text that names no direction
_REMARK = re.compile(r"//.*|#.*")


_LONGEST_DUMP_LINE = 4096


class HalfAnOctet(ValueError):
    """A digit that has lost its other half; the text is what stands there."""


@dataclass(frozen=True, slots=True)
class DumpLine:
    """A line of a hex dump."""

    tag: str
    """What stands before the offset."""
    offset: str
    """The offset, in the base of the dump."""
    groups: tuple[str, ...]
    """The groups of digits."""
    sure: bool
    """Whether it can only be such a line, even without a look at the others: it has a colon, or shows characters."""
    colon: bool
    """Whether a colon follows the offset."""


def dump_line(text: str) -> DumpLine | None:
    """Read a line as one of a hex dump; None if it is none."""
    if len(text) > _LONGEST_DUMP_LINE:  # no tool writes any, and a search takes its time
        return None
    shown = re.search(r"\s{2,}(\||>).*\S\s*$", text)
    head = text[: shown.start()] if shown else text
    found = _DUMP.fullmatch(head)
    if found is None:
        return None
    groups = found["octets"]
    if found["colon"]:  # two spaces end the octets, and characters follow that may look like some
        groups = re.split(r"(?<=\S)\s{2,}", groups)[0]
    elif found["rest"].strip():
        return None
    sure = bool(groups) and (bool(found["colon"]) or shown is not None)
    return DumpLine(found["tag"], found["offset"], tuple(groups.split()), sure, bool(found["colon"]))


def run_of_octets(text: str) -> tuple[str, bytes] | None:
    """Find the octets in a line of a log.

    Returns:
        What stands before them, and the octets; None if there are none, or only what may be digits of a text.

    Raises:
        HalfAnOctet: a single digit stands behind them.
    """
    head = _REMARK.sub("", text)
    found = max(_RUN.finditer(head), key=lambda one: len(one[0]), default=None)
    if found is None or not _BEFORE.fullmatch(before := head[: found.start()]):
        return None
    marked = direction(before)[0] is not None
    if before.strip() and not marked and before.rstrip()[-1] not in ":>]|)=":
        return None
    tokens = re.split(r"[\s,:;-]+", found[0].replace("\\x", "0x"))
    if len(tokens) == 1 and not _LIKE_OCTETS.fullmatch(found[0]):
        return None  # a number, or a word
    if before.strip() and not marked and len(tokens) < _SURE:
        return None
    rest = head[found.end() :]
    if len(tokens) > 1 and rest and _HALF.fullmatch(rest):
        raise HalfAnOctet(rest.strip(" ,:;-\t"))
    octets = b"".join(
        bytes((int(token, 16),)) if token[:2] in ("0x", "0X") else bytes.fromhex(token) for token in tokens
    )
    return before, octets


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Split octets into lines of text, without colours; a line that is too long is cut into several."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in whole:
            yield _text(line)
        if len(rest) > _LONGEST_LINE:
            yield _text(rest)
            rest = b""
    if rest:
        yield _text(rest)


_LONGEST_LINE = 1 << 20


def _text(line: bytes) -> str:
    return _COLOURS.sub("", line.decode("utf-8", "replace")).rstrip()


class LogReader:
    """Reads the octets of a log, line by line.

    Args:
        kernel: only the lines of the line discipline n_gsm count, which has each octet in others as well.
    """

    def __init__(self, *, kernel: bool = False) -> None:
        self._kernel = kernel
        self._sent: tuple[bool | None, bool] = None, False
        self._time: int | None = None
        self._marked = False

    def read(self, text: str) -> Portion | None:
        """Return the octets of a line; None if it has none.

        Raises:
            HalfAnOctet: a single digit stands behind them.
        """
        time, rest = split_time(text)
        if self._kernel and "gsmld_" not in rest:
            return None
        dump = dump_line(rest)
        if dump is not None and dump.sure and all(len(group) % 2 == 0 for group in dump.groups):
            before, octets = dump.tag, bytes.fromhex("".join(dump.groups))
        else:
            found = run_of_octets(rest)
            if found is None:
                said = direction(rest)
                if said[0] is not None and len(rest) < _LONGEST_MARK:  # the octets are on the next line
                    self._sent, self._time = said, time
                return None
            before, octets = found
        said = direction(before)
        if said[0] is not None:
            self._sent, self._time, self._marked = said, time, True
        elif not before.strip():
            said, time = self._sent, self._time if time is None else time
        elif self._marked and dump is None:  # in a log with directions it is something else
            return None
        return Portion(octets, *said, time)


_LONGEST_MARK = 40
