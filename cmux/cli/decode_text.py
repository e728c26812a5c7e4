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
_END = r"(?=[\s\]),|;]|:\s|$)[\]),|;:]?\s*"
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


_WITHIN: Final = (
    re.compile(rf"(?<![\w.:]){_DAY}{_CLOCK}(?![\w.:])"),
    re.compile(rf"(?<![\w.:]){_CLOCK}(?![\w.])"),
    re.compile(r"\[\s*(?P<seconds>\d+)\.(?P<part>\d{6})\]"),
)
"""Time stamps that do not stand at the beginning of a line, but behind a day, an arrow or a priority."""


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


_STAMP = re.compile(
    r"(?<![\w.:])(?:(?:\d{4}[-/]\d\d[-/]\d\d|\d\d[./]\d\d[./]\d\d(?:\d\d)?)[T ])?"
    r"\d?\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?(?=[\])]|\s+\S)"
)
"""A time stamp anywhere, whose digits are no octets."""


def time_within(text: str) -> int | None:
    """Return the time that a text names anywhere, in nanoseconds; None if it names none."""
    found = next(filter(None, (one.search(text) for one in _WITHIN)), None)
    try:
        return None if found is None else _timestamp(found)
    except ValueError:  # the 31st of a short month
        return None


# --- Directions ---------------------------------------------------------------------------------------------------

_PARTIES: Final = {
    **dict.fromkeys(("host", "dte", "mcu", "pc", "application"), True),
    **dict.fromkeys(("module", "modem", "dce"), False),
}
_WORDS: Final = {
    **dict.fromkeys(("tx", "txd", "send", "sent", "sending", "write", "wrote", "out", "output", "sabm", "disc"), True),
    **dict.fromkeys(("rx", "rxd", "recv", "receive", "received", "receiving", "read", "in", "input"), False),
}
_RIGHT, _LEFT = "→»⇒⟶➔➜", "←«⇐⟵"
_ARROW = rf"(?:(?P<right>[-=]{{0,64}}>{{1,8}}|[{_RIGHT}])|<{{1,8}}[-=]{{0,64}}|[{_LEFT}])"  # longer ones take too long
_PARTY = rf"(?<![A-Za-z0-9_])(?:{'|'.join(_PARTIES)})(?![A-Za-z0-9_])"
_FROM_TO: Final = (
    re.compile(rf"(?P<sender>{_PARTY})\s*{_ARROW}", re.IGNORECASE),
    re.compile(rf"{_ARROW}\s*(?P<receiver>{_PARTY})", re.IGNORECASE),
    re.compile(rf"\bto\s+(?:the\s+)?(?P<right>(?P<receiver>{_PARTY}))", re.IGNORECASE),
    re.compile(rf"\bfrom\s+(?:the\s+)?(?P<right>(?P<sender>{_PARTY}))", re.IGNORECASE),
)
"""How a text says who has sent to whom; without ``right`` it is the other way round."""
_SIGN = re.compile(rf"{_ARROW}|(?P<word>[A-Za-z]+)")


def direction(text: str) -> tuple[bool | None, bool]:
    """Return the direction that the text before some octets says, and whether it names the host or the module.

    Args:
        text: for instance ``TX:``, ``-->``, ``host <- module``, ``CMUX Received:``.

    Returns:
        True for what was sent, or what the host sent if the second is True; None if it says nothing.
    """
    for pattern in _FROM_TO:
        if found := pattern.search(text):
            said = found.groupdict()
            names_sender = said.get("sender") is not None
            party = _PARTIES[(said["sender"] if names_sender else said["receiver"]).lower()]
            return party is (names_sender is (said["right"] is not None)), True
    words = [sign["word"].lower() for sign in _SIGN.finditer(text) if sign["word"]]
    word = next((_WORDS[one] for one in words if one in _WORDS), None)
    if word is not None:
        return word, False
    named = re.search(_PARTY, text, re.IGNORECASE)
    arrow = next((sign["right"] is not None for sign in _SIGN.finditer(text) if not sign["word"]), None)
    if named is not None and arrow is None:
        return _PARTIES[named[0].lower()], True
    return arrow, False


# --- Lines --------------------------------------------------------------------------------------------------------

_DUMP = re.compile(
    r"(?P<tag>(?:.*?[:\]>)]\s*)??)(?:0x)?(?P<offset>[0-9A-Fa-f]{4,16})(?P<colon>:?)"
    r"(?P<octets>(?:\s+[0-9A-Fa-f]{2,16}(?![^\s|>]))*)(?P<rest>\s*|\s*[|>].*|\s{2,}.*)"
)
_ONE = r"(?:(?:0[xX]|\\x)[0-9A-Fa-f]{1,2}|(?:[0-9A-Fa-f]{2})+)(?![0-9A-Za-z_.])"
_RUN = re.compile(rf"(?<![\w.+\\]){_ONE}(?:(?:[ ,:;-] ?|(?=\\x)){_ONE})*")
_SEPARATORS = " ,:;-\t"
_BEFORE = re.compile(rf"[\w\s<>:={_RIGHT}{_LEFT}|\[\](){{}}\"'.,#/*+-]*")
_HALF: Final = (
    re.compile(r"[\s,:;-]*(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f](?:\s*|\s{2,}.*|\s+[|(\[].*)"),
    re.compile(rf"[ ,:;-] ?(?:[0-9A-Fa-f]{{2}})*[0-9A-Fa-f][ ,:;-] ?{_ONE}.*"),
)
"""What stands behind octets if the digit that comes next has lost its other half."""
_BEGINS = re.compile(r"(?:0[xX]|\\x)?(?:[Ff]9|7[Ee])")
_ODD = re.compile(r"(?<![\w.+\\])(?:[Ff]9|7[Ee])(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f](?![\w.])")
_CUT_DUMP = re.compile(
    r"(?:.*[\s:])?(?:0x)?[0-9A-Fa-f]{6,16}:?(?:\s+[0-9A-Fa-f]{2})+\s+(?P<half>[0-9A-Fa-f])(?:\s{2,}.*)?"
)
_LIKE_OCTETS = re.compile(r"0[xX].*|\\x.*|(?=.*\d)(?=.*[A-Fa-f]).*")
_PAIR = re.compile(r"[0-9A-Fa-f]{2}")
_PAIRS = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_SURE = 4  # octets behind a text that names no direction
_REMARK = re.compile(r"//.*|#.*")


_WHOLE = re.compile(r"(?i)(?:f9|7e)\b.*\b(?:f9|7e)|(?:0x|\\x)(?:f9|7e)\b.*(?:f9|7e)")
"""A frame from flag to flag: nothing else looks like it."""

_LONGEST_DUMP_LINE = 4096


class NoOctet(ValueError):
    """Something else stands where an octet should be, such as a digit that has lost its other half."""


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
    characters: str = ""
    """What it shows the octets as."""


def dump_line(text: str) -> DumpLine | None:
    """Read a line as one of a hex dump; None if it is none."""
    if len(text) > _LONGEST_DUMP_LINE:  # no tool writes any, and a search takes its time
        return None
    shown = re.search(r"\s{2,}(\||>).*\S\s*$", text)
    head = text[: shown.start()] if shown else text
    found = _DUMP.fullmatch(head)
    if found is None:
        return None
    octets, characters = found["octets"], shown[0].strip()[1:-1] if shown else ""
    if shown and not found["colon"] and found["rest"].strip():
        return None
    if found["colon"] and not shown:  # two spaces end the octets, and characters follow that may look like some
        octets, *more = re.split(r"(?<=\S)\s{2,}", octets + found["rest"], maxsplit=1)
        characters = "".join(more)
    elif not shown:
        columns = octets + found["rest"]
        octets, characters = _with_characters(columns) or (columns if not found["rest"].strip() else "", "")
        if not octets and columns.strip():
            return None
    sure = bool(octets) and (bool(found["colon"]) or shown is not None or bool(characters))
    return DumpLine(found["tag"], found["offset"], tuple(octets.split()), sure, bool(found["colon"]), characters)


def _with_characters(columns: str) -> tuple[str, str] | None:
    """Split the columns of a dump into pairs of digits, and the characters that these are; None if there are none."""
    for space in re.finditer(r"(?<=\S)\s{2,}(?=\S)", columns):
        groups, characters = columns[: space.start()].split(), columns[space.end() :].rstrip()
        if all(_PAIR.fullmatch(group) for group in groups) and shows(bytes.fromhex("".join(groups)), characters):
            return columns[: space.start()], characters
    return None


def shows(octets: bytes, characters: str) -> bool:
    """Tell whether a dump can show octets by these characters: whatever stands for those that are none."""
    shown = characters.ljust(len(octets))
    same = (not 0x20 <= octet < 0x7F or chr(octet) == one for octet, one in zip(octets, shown, strict=False))
    return len(shown) == len(octets) and all(same)


def run_of_octets(text: str) -> tuple[str, bytes] | None:
    """Find the octets in a line of a log.

    Returns:
        What stands before them, and the octets; None if there are none, or only what may be digits of a text.

    Raises:
        NoOctet: a single digit stands behind them, or something else in between.
    """
    head = _STAMP.sub("", _REMARK.sub("", text))
    odd = _ODD.search(head)
    if odd is not None and direction(head[: odd.start()])[0] is not None:
        raise NoOctet(f"{odd[0]!r} has half an octet")
    runs = list(_RUN.finditer(head))
    found = max(runs, key=lambda one: len(one[0]), default=None)
    if found is None:
        return None
    if found is not runs[0] and _BEGINS.match(runs[0][0]) and direction(head[: runs[0].start()])[0] is not None:
        raise NoOctet(f"{head[runs[0].end() : found.start()].strip(_SEPARATORS)[:20]!r} is no octet")
    before = head[: found.start()]
    if not _BEFORE.fullmatch(before):
        return None
    marked, begins = direction(before)[0] is not None, _BEGINS.match(found[0]) is not None
    tokens = re.split(r"[\s,:;-]+", found[0].replace("\\x", " 0x").strip())
    sure = marked or not before.strip() or _WHOLE.fullmatch(found[0]) is not None
    rest = head[found.end() :]
    if (begins or (sure and len(tokens) > 1)) and any(half.fullmatch(rest) for half in _HALF):
        raise NoOctet(f"{rest.strip(_SEPARATORS)[:20]!r} is half an octet")
    if "\\x" in found[0] and rest[:1].strip(" \"',)]"):
        raise NoOctet(f"{rest[:20]!r} is not in hex")
    if not sure and (before.rstrip()[-1] not in ":>]|)=({\"'" or len(tokens) < _SURE):
        return None
    if len(tokens) == 1 and not _LIKE_OCTETS.fullmatch(found[0]):
        return None  # a number, or a word
    if any(one is not found and _WHOLE.fullmatch(one[0]) for one in runs):
        raise NoOctet("there are octets in two places")
    octets = b"".join(
        bytes((int(token, 16),)) if token[:2] in ("0x", "0X") else bytes.fromhex(token) for token in tokens
    )
    return before, octets


LONGEST_LINE: Final = 1 << 20
"""Octets after which a line is cut."""


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Split octets into lines of text, without colours; a line that is too long is cut into several."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in whole:
            yield _text(line)
        if len(rest) > LONGEST_LINE:
            yield _text(rest)
            rest = b""
    if rest:
        yield _text(rest)


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
            NoOctet: see `run_of_octets`.
        """
        time, rest = split_time(text)
        if self._kernel and "gsmld_" not in rest:
            return None
        dump = dump_line(rest)
        if dump is None and (cut := _CUT_DUMP.fullmatch(rest)) and len(rest) <= _LONGEST_DUMP_LINE:
            raise NoOctet(f"{cut['half']!r} is half an octet")
        if dump is not None and dump.sure and all(_PAIRS.fullmatch(group) for group in dump.groups):
            before, octets = dump.tag, bytes.fromhex("".join(dump.groups))
        else:
            found = run_of_octets(rest)
            if found is None:
                said = direction(rest)
                if said[0] is not None and (
                    len(rest) < _LONGEST_MARK or re.match(_ARROW, rest)
                ):  # the octets are on the next line
                    self._sent, self._time = said, time_within(rest) if time is None else time
                return None
            before, octets = found
        said, time = direction(before), time_within(rest) if time is None else time
        if said[0] is not None:
            self._sent, self._time, self._marked = said, time, True
        elif not before.strip():
            said, time = self._sent, self._time if time is None else time
        elif self._marked and dump is None and not (octets[0] == octets[-1] and octets[0] in _FLAGS):
            return None  # in a log with directions it is something else
        return Portion(octets, *said, time)


_LONGEST_MARK = 40
_FLAGS: Final = b"\xf9\x7e"
