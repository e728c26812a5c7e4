"""Readings of a line and its module, and how they are shown."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, fields

from cmux.cli.readings import ChannelReading, LineReading


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleReading:
    """The answers of a module about itself and its network; None where it did not answer."""

    manufacturer: str | None = None
    model: str | None = None
    revision: str | None = None
    imei: str | None = None
    sim: str | None = None
    registration: str | None = None
    operator: str | None = None
    dbm: int | None = None
    attached: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(LineReading):
    """The state of a line at one moment, and that of its module."""

    module: ModuleReading


class Table:
    """Formats readings of one line as text.

    Args:
        asked: the module was asked about itself.
    """

    def __init__(self, *, asked: bool = True) -> None:
        self._asked = asked
        self._before: Reading | None = None

    def text(self, reading: Reading) -> str:
        """Format a reading as a table, with the rates since the previous one."""
        before, self._before = self._before, reading
        seconds = (reading.time - before.time) / 1e9 if before is not None else 0.0
        old = {channel.dlci: channel for channel in before.channels} if before is not None else {}

        def rate(one: ChannelReading, count: Callable[[ChannelReading], int]) -> str:
            then = old.get(one.dlci)
            return f"{max(0, count(one) - count(then)) / seconds:.0f}" if then is not None and seconds > 0 else "-"

        session = f"  {reading.option} option, N1 {reading.n1}" if reading.option is not None else ""
        lines = [
            *_folded(
                f"{reading.line}  {reading.state}{session}"
                + (f"  attached again {reading.reattached} times" if reading.reattached else "")
            ),
            *_folded(f"  {reading.cause}" if reading.cause else ""),
            *_folded(
                f"  received {reading.octets_received} octets, {reading.frames_received} frames;"
                f" sent {reading.octets_sent} octets, {reading.frames_sent} frames"
            ),
            *_folded("  damaged: " + (", ".join(f"{count} {why}" for why, count in reading.dropped.items()) or "none")),
            "",
            *_folded(_row("DLCI", "state", "received", "/s", "sent", "/s", "unread", "stalls", "signals", "path")),
        ]
        for one in reading.channels:
            rates = rate(one, _received), rate(one, _sent)
            counts = one.octets_received, rates[0], one.octets_sent, rates[1], one.waiting, one.stalls
            lines += _folded(_row(one.dlci, one.state, *counts, " ".join(one.signals), one.path or "-"))
        if self._asked:
            lines += ["", *(part for line in _about(reading.module) for part in _folded(line))]
        return "\n".join(line.rstrip() for line in [*lines, ""])


def _row(*cells: object) -> str:
    return "{:>4}  {:<7} {:>9} {:>5} {:>9} {:>5} {:>6} {:>6} {:<13} {}".format(*cells)


def _folded(line: str) -> list[str]:
    """Return a line as lines that fit on the terminal, 80 columns if there is none; a long name stays whole."""
    width = shutil.get_terminal_size().columns
    return textwrap.wrap(
        line, width, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def _received(channel: ChannelReading) -> int:
    return channel.octets_received


def _sent(channel: ChannelReading) -> int:
    return channel.octets_sent


def _about(module: ModuleReading) -> list[str]:
    said = {field.name: getattr(module, field.name) for field in fields(module)}
    if all(value is None for value in said.values()):
        return ["module  does not answer AT, or says nothing of itself"]
    attached = {None: "unknown", True: "yes", False: "no"}[module.attached]
    strength = "unknown" if module.dbm is None else f"{module.dbm} dBm"
    name = " ".join(filter(None, (module.manufacturer, module.model, module.revision))) or "unknown"
    return [
        f"module  {name}, IMEI {module.imei or 'unknown'}",
        f"        SIM {(module.sim or 'unknown').removeprefix('SIM ')}; network: {module.registration or 'unknown'},"
        f" {module.operator or 'no operator'}; signal {strength}",
        f"        packet service attached: {attached}",
    ]
