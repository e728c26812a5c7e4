"""``gsm0710 monitor``: attach a line, and show the traffic on it and the state of the module."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import TypedDict, cast

import serial

from cmux import CmuxError, Mux
from cmux.cli import CommandError, Commands
from cmux.cli.attach import Attached, add_channel_options
from cmux.cli.line_options import LineOptions, add_line_options, from_arguments
from cmux.cli.stopping import Stop, stop_by_signal
from cmux.masking import hidden

from ..at.core.results import CME_TEXTS
from ..errors import AtTimeout, CmeError, DriverError
from ..modem import Modem
from .subcommands import MONITOR

_INTERVAL = 2.0
_SILENT = 2
"""Questions in a row that are not answered, after which no other one is asked."""
_CLEAR = "\x1b[H\x1b[J"
_SIGNALS = ("cts", "dsr", "cd", "ri")


def add_monitor(commands: Commands) -> None:
    """Add ``monitor``.

    Args:
        commands: the command line to which it is added.
    """
    parser = commands.add(
        MONITOR,
        run_monitor,
        examples=(
            "gsm0710 monitor /dev/ttyUSB0",
            "gsm0710 monitor /dev/ttyUSB0 --link /tmp/modem    channels 1 to 3 as paths; the last one asks the module",
            "gsm0710 monitor /dev/ttyUSB0 --once --json | jq .module.dbm",
        ),
    )
    parser.add_argument("port", metavar="PORT", help="the line: a path or any pyserial URL")
    parser.add_argument("--once", action="store_true", help="show one reading and exit")
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of a table")
    add_channel_options(parser)
    add_line_options(parser)


def run_monitor(arguments: argparse.Namespace) -> int:
    """Run the command.

    Args:
        arguments: see `add_monitor`.

    Returns:
        The exit code.

    Raises:
        CommandError: the line could not be opened, or died.
    """
    options = from_arguments(arguments)
    asking = options.channels[-1]
    without = (asking,) if options.link is not None else options.channels
    with stop_by_signal() as stop:
        attached = Attached(options, stop)
        try:
            mux = attached.open(without)
            paths = {bridge.uart.dlci: bridge.path for bridge in attached.bridges}
            inquiry = Inquiry(mux, asking)
            try:
                _watch(LineMonitor(mux, options, paths, inquiry), attached, stop, arguments)
            finally:
                stop.interrupts = False
                inquiry.close()
        finally:
            stop.interrupts = False
            attached.close()
    return 0


def _watch(watch: LineMonitor, attached: Attached, stop: Stop, arguments: argparse.Namespace) -> None:
    live = sys.stdout.isatty() and not arguments.once
    while True:
        reading = watch.read()
        if arguments.json:
            print(json.dumps(asdict(reading)), flush=True)
        else:
            print((_CLEAR if live else "") + watch.table(reading), flush=True)
        if reading.state == "dead":
            raise CommandError(f"the line died: {reading.cause}")
        if arguments.once:
            return
        deadline = time.monotonic() + _INTERVAL
        while stop.wait(max(0.0, deadline - time.monotonic())):
            attached.look()


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


class Answers(TypedDict, total=False):
    """A part of a `ModuleReading`."""

    manufacturer: str | None
    model: str | None
    revision: str | None
    imei: str | None
    sim: str | None
    registration: str | None
    operator: str | None
    dbm: int | None
    attached: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReading:
    """The state and the counters of one channel."""

    dlci: int
    path: str | None
    state: str
    octets_received: int
    octets_sent: int
    waiting: int
    """Octets that were received and have not been read."""
    stalls: int
    """How often the peer stopped the channel by flow control."""
    signals: list[str]
    """The signals of the peer that are on, out of cts, dsr, cd and ri."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The state of a line at one moment; its counters start when it is opened, and when it is reattached."""

    time: int
    """Nanoseconds since 1970."""
    line: str
    state: str
    """``open``, ``reattaching`` or ``dead``."""
    cause: str | None
    option: str
    n1: int
    reattached: int
    octets_received: int
    octets_sent: int
    frames_received: int
    frames_sent: int
    dropped: dict[str, int]
    channels: list[ChannelReading]
    module: ModuleReading


class Inquiry:
    """Asks the module about itself on one channel.

    Args:
        mux: the multiplexer of the line.
        dlci: the channel on which the module is asked.
    """

    def __init__(self, mux: Mux, dlci: int) -> None:
        self._mux = mux
        self._dlci = dlci
        self._modem: Modem | None = None

    def ask(self) -> ModuleReading:
        """Return the answers of the module; all None while the line is dead."""
        if self._mux.error is not None:
            self.close()
            return ModuleReading()
        try:
            if self._modem is None:
                self._modem = Modem(self._mux.channel(self._dlci))
            return self._asked(self._modem)
        except (CmuxError, serial.SerialException):  # the line shows why
            self.close()
            return ModuleReading()

    def _asked(self, modem: Modem) -> ModuleReading:
        said: Answers = {}
        silent = 0
        for question in _QUESTIONS:
            try:
                said |= question(modem)
                silent = 0
            except AtTimeout:
                silent += 1
                if silent == _SILENT:  # the other questions would wait as long
                    break
            except DriverError:  # refused, or answered in a form of its own: that says nothing about the others
                continue
        if not said:  # it does not answer AT commands on this channel at present
            self.close()
        return ModuleReading(**cast(Answers, {name: _safe(value) for name, value in said.items()}))

    def close(self) -> None:
        """Release the channel."""
        modem, self._modem = self._modem, None
        if modem is not None:
            modem.close()


def _safe(value: object) -> object:
    """Return an answer without secrets: an answer that came too late belongs to another command."""
    return hidden(value) if isinstance(value, str) else value


def _sim(modem: Modem) -> Answers:
    try:
        return {"sim": modem.sim()}
    except CmeError as refusal:  # SIM not inserted, SIM failure
        text = refusal.answer.partition(":")[2].strip()
        return {"sim": CME_TEXTS.get(refusal.code, text) if refusal.code is not None else text}


def _identity(modem: Modem) -> Answers:
    told = modem.identity()
    return {
        "manufacturer": told.manufacturer or None,
        "model": told.model or None,
        "revision": told.revision or None,
        "imei": told.imei or None,
    }


_QUESTIONS: tuple[Callable[[Modem], Answers], ...] = (
    _identity,
    _sim,
    lambda modem: {"registration": modem.registration().name.lower().replace("_", " ")},
    lambda modem: {"dbm": modem.signal().dbm},
    lambda modem: {"attached": modem.attached()},
    lambda modem: {"operator": modem.operator()},
)
"""What the module is asked, each for itself: makers differ in what they answer. The slowest answer is the last."""


class LineMonitor:
    """Takes readings of a line, and formats them as text.

    Args:
        mux: the multiplexer of the line.
        options: the options of the line.
        paths: the paths of the channels that have one.
        inquiry: asks the module about itself.
    """

    def __init__(self, mux: Mux, options: LineOptions, paths: dict[int, str], inquiry: Inquiry) -> None:
        self._mux = mux
        self._options = options
        self._paths = paths
        self._inquiry = inquiry
        self._before: Reading | None = None

    def read(self) -> Reading:
        """Take a reading."""
        mux = self._mux
        module = self._inquiry.ask()
        error, reattaching = mux.error, mux.reattaching
        stats = mux.stats()
        per_dlc = cast(dict[int, dict[str, object]], stats["dlcs"])
        return Reading(
            time=time.time_ns(),
            line=mux.name,
            state="reattaching" if reattaching else "open" if error is None else "dead",
            cause=None if error is None else str(error),
            option=mux.config.option.value,
            n1=mux.config.n1,
            reattached=mux.reattached,
            octets_received=cast(int, stats["line_octets_received"]),
            octets_sent=cast(int, stats["line_octets_sent"]),
            frames_received=cast(int, stats["frames_received"]),
            frames_sent=cast(int, stats["frames_sent"]),
            dropped=cast(dict[str, int], stats["dropped"]),
            channels=[self._channel(dlci, per_dlc.get(dlci, {})) for dlci in self._options.channels],
            module=module,
        )

    def _channel(self, dlci: int, counters: dict[str, object]) -> ChannelReading:
        signals: list[str] = []
        waiting = 0
        with suppress(CmuxError, serial.SerialException):
            port = self._mux.port(dlci)
            peer = port.peer_signals
            waiting = port.in_waiting
            states = (peer.rtr, peer.rtc, peer.dv, peer.ic)
            signals = [name for name, on in zip(_SIGNALS, states, strict=True) if on]
        return ChannelReading(
            dlci=dlci,
            path=self._paths.get(dlci),
            state=str(counters.get("state", "CLOSED")).lower(),
            octets_received=cast(int, counters.get("octets_received", 0)),
            octets_sent=cast(int, counters.get("octets_sent", 0)),
            waiting=waiting,
            stalls=cast(int, counters.get("flow_stalls", 0)),
            signals=signals,
        )

    def table(self, reading: Reading) -> str:
        """Format a reading as a table, with the rates since the previous one."""
        before, self._before = self._before, reading
        seconds = (reading.time - before.time) / 1e9 if before is not None else 0.0
        old = {channel.dlci: channel for channel in before.channels} if before is not None else {}

        def rate(one: ChannelReading, count: Callable[[ChannelReading], int]) -> str:
            then = old.get(one.dlci)
            return f"{max(0, count(one) - count(then)) / seconds:.0f}" if then is not None and seconds > 0 else "-"

        lines = [
            *_folded(
                f"{reading.line}  {reading.state}  {reading.option} option, N1 {reading.n1}"
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
        lines += ["", *(part for line in _about(reading.module) for part in _folded(line)), ""]
        return "\n".join(line.rstrip() for line in lines)


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
