"""What ``decode`` has found, and its output formats but for the table: JSON lines, a sequence diagram, a page."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TextIO

from ..capture.describe import dropped_entry, frame_entry, frame_text, octets_text
from ..capture.formats import side
from ..capture.hiding import Hiding
from ..masking import hidden_anywhere
from ..protocol import Frame, Option
from ..protocol.events import FrameDropped
from .decode_hover import spelled_out


@dataclass(frozen=True, slots=True)
class Found:
    """A frame, or octets that are not a frame."""

    offset: int
    """Its position, in octets of the input."""
    item: Frame | FrameDropped
    """The frame, or why there is none."""
    option: Option
    """The framing."""
    timestamp: int | None = None
    """Nanoseconds, if the input has times: since 1970, or on the clock of the input if that says no day."""
    from_host: bool | None = None
    """Its direction, if the input has directions."""
    named: bool = True
    """Whether the input names the host and the module, and not what was sent and received."""

    @property
    def sender(self) -> bool:
        """Its direction, guessed from the C/R bit if it is not known: True (host) for a command of the initiator."""
        if self.from_host is not None or isinstance(self.item, FrameDropped):
            return self.from_host is not False
        return self.item.cr is (self.item.type.name not in ("UA", "DM"))

    @property
    def text(self) -> str:
        """Its contents as text."""
        if isinstance(self.item, FrameDropped):
            return f"dropped: {self.item.reason.value:<17}  {octets_text(self.item.raw)}"
        return frame_text(self.item)


class Hidden:
    """Hides the secrets in what is shown to people, those of a line that is spread over several frames as well."""

    def __init__(self) -> None:
        self._hiding = {True: Hiding(), False: Hiding()}

    def __call__(self, one: Found) -> Found:
        """Return an item with asterisks in place of PINs and passwords; it comes behind those before it."""
        item = one.item
        if isinstance(item, FrameDropped):
            return replace(one, item=replace(item, raw=hidden_anywhere(item.raw)))
        if not item.dlci or not item.info:
            return one
        return replace(one, item=item._replace(info=self._hiding[one.sender].hide(item.dlci, item.info)))


class Writer(Protocol):
    """An output format."""

    def begin(self, output: TextIO) -> None:
        """Write the beginning of the output."""

    def write(self, output: TextIO, found: Iterable[Found]) -> None:
        """Write further items."""

    def end(self, output: TextIO) -> None:
        """Write the end of the output."""

    def restart(self) -> None:
        """Forget what has been begun: what comes next is another input."""


class Json(Writer):
    """One object per line."""

    def begin(self, output: TextIO) -> None:
        """See `Writer.begin`."""

    def write(self, output: TextIO, found: Iterable[Found]) -> None:
        """See `Writer.write`."""
        for one in found:
            entry = dropped_entry(one.item) if isinstance(one.item, FrameDropped) else frame_entry(one.item, one.option)
            known: dict[str, object] = {"offset": one.offset}
            if one.timestamp is not None:
                known["time"] = one.timestamp
            if one.from_host is not None:
                known["from"] = side(one.from_host)
            output.write(json.dumps({**known, **entry}) + "\n")

    def end(self, output: TextIO) -> None:
        """See `Writer.end`."""


class Mermaid(Writer):
    """A sequence diagram for documents that support Mermaid."""

    def begin(self, output: TextIO) -> None:
        """See `Writer.begin`."""
        output.write("sequenceDiagram\n    participant host\n    participant module\n")

    def write(self, output: TextIO, found: Iterable[Found]) -> None:
        """See `Writer.write`."""
        for one in found:
            here, there = side(one.sender), side(not one.sender)
            if isinstance(one.item, FrameDropped):
                output.write(f"    Note over host,module: {_mermaid(one.text)}\n")
            else:
                label = f"DLCI {one.item.dlci} {one.item.type.name} {_mermaid(one.text)}".rstrip()
                output.write(f"    {here}->>{there}: {label}\n")

    def end(self, output: TextIO) -> None:
        """See `Writer.end`."""


def _mermaid(text: str) -> str:
    """Replace the characters that end a line or begin an entity in Mermaid."""
    return text.replace("#", "#35;").replace(";", "#59;").replace("#35#59;", "#35;").replace("  ", " ").strip()


class Html(Writer):
    """A page that needs no other file; what a control message means stands where the pointer rests on it."""

    def begin(self, output: TextIO) -> None:
        """See `Writer.begin`."""
        output.write(_PAGE)

    def write(self, output: TextIO, found: Iterable[Found]) -> None:
        """See `Writer.write`."""
        for one in found:
            item = one.item
            if isinstance(item, FrameDropped):
                kind, cells = "dropped", ["", "", item.reason.value, octets_text(item.raw)]
            else:
                kind, cells = side(one.sender), [side(one.sender), str(item.dlci), item.type.name, one.text]
            row = "".join(f"<td>{html.escape(cell)}</td>" for cell in (str(one.offset), *cells[:-1]))
            hover = "" if isinstance(item, FrameDropped) else spelled_out(item)
            title = f' title="{html.escape(hover)}"' if hover else ""
            output.write(f'<tr class="{kind}">{row}<td{title}>{html.escape(cells[-1])}</td></tr>\n')

    def end(self, output: TextIO) -> None:
        """See `Writer.end`."""
        output.write("</table>\n")


_PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Frames</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em }
table { border-collapse: collapse } th { text-align: left } td, th { padding: 0 1em 0 0; white-space: pre-wrap }
td:last-child { font-family: ui-monospace, monospace } td[title] { cursor: help; text-decoration: underline dotted }
tr.module { background: #eef4ff } tr.dropped { background: #ffe5e5 }
</style>
<table><tr><th>Offset<th>From<th>DLCI<th>Type<th>Information</tr>
"""
