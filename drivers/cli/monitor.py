"""``gsm0710 monitor``: attach a line, and show the traffic on it and the state of the module."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, fields
from typing import TypedDict, cast

import serial

from cmux import CmuxError, Mux, PortBusy
from cmux.cli import CommandError, Commands
from cmux.cli.attach import Attached, add_channel_options
from cmux.cli.line_options import LineOptions, add_line_options, from_arguments, keys, option_for
from cmux.cli.progress import waiting
from cmux.cli.readings import line_reading
from cmux.cli.stopping import Stop, stop_by_signal
from cmux.masking import hidden

from ..at.core.results import CME_TEXTS
from ..errors import AtTimeout, CmeError, DriverError
from ..modem import Modem
from .readings import ModuleReading, Reading, Table
from .subcommands import MONITOR

_INTERVAL = 2.0
_SILENT = 2
"""Questions in a row that are not answered, after which no other one is asked."""
_CLEAR = "\x1b[H\x1b[J"


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
            "gsm0710 monitor http://127.0.0.1:9109             the lines of a running attach --metrics 127.0.0.1:9109",
        ),
    )
    parser.add_argument(
        "port", metavar="PORT", help="the line: a path or any pyserial URL; or http://HOST:PORT of an attach"
    )
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
    if arguments.port.startswith(("http://", "https://")):
        return _watch_remote(arguments)
    options = from_arguments(arguments)
    asking = options.channels[-1]
    without = (asking,) if options.link is not None else options.channels
    with stop_by_signal() as stop:
        attached = Attached(options, stop)
        try:
            with waiting(f"opening {options.name}"):
                mux = _opened(attached, without)
            paths = {bridge.uart.dlci: bridge.path for bridge in attached.bridges}
            inquiry = Inquiry(mux, asking)
            try:
                _watch(LineMonitor(mux, options, paths, inquiry), attached, stop, arguments)
            finally:
                stop.interrupts = False
                inquiry.close()
        finally:
            stop.interrupts = False
            with waiting(f"closing {options.name}"):
                attached.close()
    return 0


def _opened(attached: Attached, without: Collection[int]) -> Mux:
    try:
        return attached.open(without)
    except PortBusy as error:
        shown = "what attach has open is shown by gsm0710 monitor http://HOST:PORT, if it runs with --metrics HOST:PORT"
        raise CommandError(f"{error}; {shown}") from error


def _watch_remote(arguments: argparse.Namespace) -> int:
    """Show the lines of a running ``attach`` until a signal comes, or it ends."""
    from .remote_status import RemoteStatus

    parser: argparse.ArgumentParser = arguments.parser
    values = {name: getattr(arguments, name, None) for name in keys() if name != "port"}
    given = sorted(option_for(name, value) for name, value in values.items() if value is not None)
    if given:
        parser.error(f"the attach at {arguments.port} has its own settings: {', '.join(given)}")
    try:
        remote = RemoteStatus(arguments.port)
    except ValueError as error:
        parser.error(f"argument PORT: {error}")
    tables: dict[str, Table] = {}
    with stop_by_signal() as stop:
        while True:
            with waiting(f"asking {arguments.port}"):
                readings = remote.read()
            if arguments.json:
                text = "\n".join(json.dumps(asdict(reading)) for reading in readings)
            else:
                shown = [tables.setdefault(one.line, Table(asked=False)).text(one) for one in readings]
                text = (_CLEAR if _is_live(arguments) else "") + "\n".join(shown)
            print(text, flush=True)
            if arguments.once:
                return 0
            stop.wait(_INTERVAL)


def _is_live(arguments: argparse.Namespace) -> bool:
    """Tell whether each reading takes the place of the one before."""
    return sys.stdout.isatty() and not arguments.once


def _watch(watch: LineMonitor, attached: Attached, stop: Stop, arguments: argparse.Namespace) -> None:
    while True:
        with waiting("asking the module"):
            reading = watch.read()
        if arguments.json:
            print(json.dumps(asdict(reading)), flush=True)
        else:
            print((_CLEAR if _is_live(arguments) else "") + watch.table(reading), flush=True)
        if reading.state == "dead":
            raise CommandError(f"the line died: {reading.cause}")
        if arguments.once:
            return
        deadline = time.monotonic() + _INTERVAL
        while stop.wait(max(0.0, deadline - time.monotonic())):
            attached.look()


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
        self._table = Table()

    def read(self) -> Reading:
        """Take a reading."""
        module = self._inquiry.ask()
        line = line_reading(self._mux, self._mux.stats(), self._options.channels, self._paths)
        return Reading(**{field.name: getattr(line, field.name) for field in fields(line)}, module=module)

    def table(self, reading: Reading) -> str:
        """Format a reading as a table, with the rates since the previous one."""
        return self._table.text(reading)
