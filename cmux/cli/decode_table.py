"""The table of ``decode``: a row for each frame, and the text of AT commands and answers as the lines that it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, TextIO

from ..capture.describe import octets_text
from ..capture.formats import side
from ..protocol import Frame
from ..protocol.events import FrameDropped
from ..protocol.wire import FrameType
from .colours import RED, has_colours
from .decode_formats import Found, Writer
from .decode_lines import LineJoiner, escaped, is_final_result

_COLOURS: Final = (
    36,
    32,
    33,
    35,
    34,
    96,
    92,
    93,
    95,
    94,
)  # of DLCI 1 and following; all can be read on black and white
_NARROWEST: Final = 24  # columns for the information, however narrow the terminal is
_HAVE_A_DAY: Final = 20 * 365 * 86400  # seconds; an earlier time is one of a day, or since the start of something
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Table(Writer):
    """One row for each item, with a time and a direction if the input has them.

    On a terminal rows are as wide as it is. Where there are colours, a row has that of its DLCI.
    """

    def __init__(self) -> None:
        self._columns: _Columns | None = None
        self._joiners: dict[tuple[bool, int], LineJoiner] = {}
        self._terminal = False
        self._colour = False
        self._day = ""

    def begin(self, output: TextIO) -> None:
        """See `Writer.begin`: the header waits for the first items, which show what the input has."""
        self._terminal = output.isatty()
        self._colour = has_colours(output)

    def restart(self) -> None:
        """See `Writer.restart`."""
        self._joiners.clear()

    def write(self, output: TextIO, found: Iterable[Found]) -> None:
        """See `Writer.write`."""
        items = list(found)
        width = shutil.get_terminal_size().columns if self._terminal and items else 0
        for one in items:
            if self._columns is None:
                timed = any(item.timestamp is not None for item in items)
                directed = any(item.from_host is not None for item in items)
                self._columns = _Columns(timed=timed, directed=directed)
                output.write(self._columns.header(dated=timed and _has_a_day(one.timestamp)) + "\n")
            self._begin_day(output, one.timestamp)
            for row in self._rows(self._columns, one, width):
                colour = _colour(one) if self._colour else None
                output.write((row if colour is None else f"\x1b[{colour}m{row}\x1b[0m") + "\n")

    def _begin_day(self, output: TextIO, timestamp: int | None) -> None:
        if self._columns is not None and self._columns.timed and timestamp is not None and _has_a_day(timestamp):
            day = _date(timestamp)
            if day != self._day:
                self._day = day
                output.write(day + "\n")

    def _rows(self, columns: _Columns, one: Found, width: int) -> Iterator[str]:
        head = columns.of(one)
        indent = " " * len(columns.header(dated=False).removesuffix(_INFORMATION))
        room = max(_NARROWEST, width - len(indent)) if width else 0
        for text in self._texts(one) or [""]:
            for part in _wrapped(text, room):
                yield (head + part).rstrip()
                head = indent

    def _texts(self, one: Found) -> list[str]:
        """Return what a row says, and what those below it say, which belong to it."""
        item = one.item
        if isinstance(item, FrameDropped):
            self._forget(one)
            return [one.text]
        if not item.dlci or item.type not in (FrameType.UIH, FrameType.UI):
            if item.type in (FrameType.SABM, FrameType.DISC):
                for sender in (True, False):
                    self._joiners.pop((sender, item.dlci), None)
            return [one.text]
        joined = self._joiners.setdefault((one.sender, item.dlci), LineJoiner()).take(item.info)
        other = self._joiners.get((not one.sender, item.dlci))
        if other is not None and any(map(is_final_result, joined.lines)):
            other.end()
        texts = [octets_text(item.info)] if joined.binary else []
        texts += joined.lines[joined.seen :]
        texts += [joined.rest] if joined.rest else []
        return texts or [escaped(item.info)]

    def _forget(self, one: Found) -> None:
        """Join nothing across what was lost, on whichever channel that was."""
        for (sender, _), joiner in self._joiners.items():
            if one.from_host is None or sender is one.from_host:
                joiner.forget()


_INFORMATION: Final = "information"


class _Columns:
    """The columns of a table."""

    def __init__(self, *, timed: bool, directed: bool) -> None:
        self.timed = timed
        self._directed = directed

    def header(self, *, dated: bool) -> str:
        """Return the first row.

        Args:
            dated: the times are of a known day, and so in UTC.
        """
        first = f"{'time (UTC)' if dated else 'time':<12}" if self.timed else f"{'offset':>8}"
        return f"{first}{'  from  ' if self._directed else ''}  DLCI  C/R  type  P/F  {_INFORMATION}"

    def of(self, one: Found) -> str:
        """Return what stands before the information of an item."""
        item = one.item
        first = f"{one.offset:>8}"
        if self.timed:
            first = f"{'' if one.timestamp is None else _clock(one.timestamp):<12}"
        if self._directed:
            first += f"  {'' if one.from_host is None else side(one.from_host):<6}"
        if isinstance(item, Frame):
            return f"{first}  {item.dlci:>4}  {item.cr:>3}  {item.type.name:<4}  {item.pf:>3}  "
        return f"{first}  "


def _colour(one: Found) -> int | None:
    """Return the colour of an item; DLCI 0 has that of the terminal."""
    if isinstance(one.item, FrameDropped):
        return RED
    return _COLOURS[(one.item.dlci - 1) % len(_COLOURS)] if one.item.dlci else None


def _wrapped(text: str, room: int) -> Iterator[str]:
    """Divide a text into parts of so many columns at the most, at spaces where there are any; 0: not at all."""
    while room and len(text) > room:
        cut = text.rfind(" ", room // 2, room + 1)
        yield text[: room if cut < 0 else cut]
        text = text[room:] if cut < 0 else text[cut + 1 :]
    yield text


# --- Times ------------------------------------------------------------------------------------------------------------


def _has_a_day(timestamp: int | None) -> bool:
    return timestamp is not None and timestamp // 1_000_000_000 >= _HAVE_A_DAY


def _clock(timestamp: int) -> str:
    """Return the time of the day, or since the start of what the input tells the time of, in milliseconds."""
    seconds, rest = divmod(timestamp, 1_000_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    hours = hours % 24 if _has_a_day(timestamp) else hours
    return f"{hours:02}:{minute:02}:{second:02}.{rest // 1_000_000:03}"


def _date(timestamp: int) -> str:
    try:
        return (_EPOCH + timedelta(seconds=timestamp // 1_000_000_000)).date().isoformat()
    except OverflowError:  # behind the year 9999
        return f"day {timestamp // 86_400_000_000_000} since 1970"
