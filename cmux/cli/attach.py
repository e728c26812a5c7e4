"""``attach``: offers the channels of lines as pseudo-terminals or TCP ports, until a signal comes or the lines die."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import queue
import socket
import threading
from collections.abc import Collection, Iterator

from ..errors import CmuxError
from ..threads.bridge import PtyBridge
from ..threads.bridge_base import Bridge
from ..threads.hangup_bridge import HangupBridge
from ..threads.mux import Mux
from ..threads.tcp_bridge import TcpBridge, listen
from ..threads.virtual_uart import VirtualUart
from .app import DONE, CommandError, Commands
from .argument_types import address as host_and_port
from .argument_types import reading
from .hinted import as_key, as_option, one_line
from .line_options import ROLES, LineOptions, add_line_options, add_setting, from_arguments, from_file, keys, option_for
from .progress import aside, waiting
from .service import ServiceManager
from .stopping import Stop, stop_by_signal
from .subcommands import ATTACH
from .watching import lacking, watchable

_EXAMPLES = (
    "gsm0710 attach /dev/ttyUSB0 --link /tmp/modem       then: minicom -D /tmp/modem1, pppd /tmp/modem2, …",
    "gsm0710 attach socket://10.0.0.7:7000 --channels 1-2",
    "gsm0710 attach COM3 --tcp 127.0.0.1:7001                     channel 1 on TCP port 7001, channel 2 on 7002, …",
    "gsm0710 attach --config lines.toml --metrics 127.0.0.1:9109   then: gsm0710 monitor http://127.0.0.1:9109",
    "gsm0710 attach /dev/ttyS0 --role responder --startup none     the other end: two computers, one cable, four lines",
)

_log = logging.getLogger("cmux.attach")


def add_attach(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: the command line to add it to.
    """
    parser = commands.add(
        ATTACH,
        attach,
        examples=_EXAMPLES,
    )
    parser.add_argument("port", nargs="?", metavar="PORT", help="the line: a path or any pyserial URL")
    parser.add_argument("--config", metavar="FILE", help="a TOML file with several lines: [NAME], port = …, link = …")
    parser.add_argument(
        "--role",
        choices=ROLES,
        help="which side begins sessions: this one (default), or the peer, which may come and go while the paths stay",
    )
    add_channel_options(parser)
    parser.add_argument("--mode", metavar="OCTAL", help="who may open the paths (default: 600, with --group 660)")
    parser.add_argument("--group", metavar="NAME", help="the group of the paths, such as dialout")
    parser.add_argument(
        "--hangup",
        action="store_const",
        const=True,
        help="hang up on a client when the module drops DV or the line is lost; drop RTC for a second when it leaves",
    )
    parser.add_argument(
        "--tcp",
        metavar="HOST:PORT",
        help="offer raw TCP ports instead: PORT for the first channel, PORT+1 for the next; 0 picks each",
    )
    parser.add_argument(
        "--metrics",
        type=reading(host_and_port),
        metavar="HOST:PORT",
        help="serve /metrics for Prometheus, and /status for gsm0710 monitor; without HOST on 127.0.0.1",
    )
    add_line_options(parser)


def add_channel_options(parser: argparse.ArgumentParser, *, reattach: bool = True) -> None:
    """Add the options about channels, links and what happens when the line dies.

    Args:
        parser: the parser of a command.
        reattach: the command can continue when the line comes back.
    """
    add_setting(parser.add_argument, "channels", "the DLCIs: 1-4 (default), a list like 1,3, or names of the profile")
    parser.add_argument("--link", metavar="PREFIX", help="make the symbolic links PREFIX1, PREFIX2, …")
    if reattach:
        add_setting(parser.add_argument, "reattach", "open the line again when it has died; the paths stay")


def attach(arguments: argparse.Namespace) -> int:
    """Run the command.

    Args:
        arguments: see `add_attach`.

    Returns:
        The exit code.

    Raises:
        CommandError: no line could be opened, or all of them died.
    """
    lines = _wanted(arguments)
    manager = ServiceManager()
    with stop_by_signal() as stop:
        attached = [Attached(options, stop) for options in lines]
        try:
            with watchable(arguments.metrics, tuple(attached), quiet=getattr(arguments, "quiet", False)):
                try:
                    failed = _open_all(attached)
                    if attached:
                        manager.ready()
                    stop.interrupts = False
                    return _serve(attached, failed, stop, manager)
                finally:
                    stop.interrupts = False
                    manager.stopping()
                    _close_all(attached)
        except KeyboardInterrupt:
            return DONE


def _wanted(arguments: argparse.Namespace) -> list[LineOptions]:
    parser: argparse.ArgumentParser = arguments.parser
    if (arguments.port is None) == (arguments.config is None):
        parser.error("give either PORT or --config FILE")
    if arguments.metrics is not None and (lack := lacking()) is not None:
        parser.error(f"argument --metrics: {lack}")
    if arguments.config is not None:
        values = {name: getattr(arguments, name, None) for name in keys()}
        given = sorted(option_for(name, value) for name, value in values.items() if value is not None)
        if given:
            parser.error(f"with --config the lines have their settings in the file: {', '.join(given)}")
        return from_file(arguments.config)
    return [from_arguments(arguments)]


def _open_all(attached: list[Attached]) -> list[str]:
    """Open the lines, all at the same time, and remove those that fail; return what went wrong."""
    several = len(attached) > 1
    failed = []
    for one, error in _opened_in_sight(list(attached)):
        if error is None:
            with aside():
                for bridge in one.bridges:
                    print(f"{bridge.uart.dlci} {bridge.path}", flush=True)
            continue
        one.cause = error
        one.close()
        attached.remove(one)
        if not isinstance(error, CmuxError | OSError):
            raise error
        said = one_line(error, as_key if one.options.source else as_option)
        failed.append(f"{one.options.name}: {said}" if several else said)
        if several:
            _log.error("%s", failed[-1])
    if attached:
        print("ready", flush=True)
    return failed


def _opened_in_sight(attached: list[Attached]) -> Iterator[tuple[Attached, Exception | None]]:
    with waiting(f"opening {_named(attached)}"):
        yield from _opened(attached)


def _named(attached: list[Attached]) -> str:
    return attached[0].options.name if len(attached) == 1 else f"{len(attached)} lines"


def _opened(attached: list[Attached]) -> Iterator[tuple[Attached, Exception | None]]:
    """Open lines, and yield each as soon as that is done, with what went wrong."""
    if len(attached) == 1:  # in the main thread, which a signal interrupts
        yield attached[0], attached[0].try_to_open()
        return
    done: queue.Queue[tuple[Attached, Exception | None]] = queue.Queue(len(attached))

    def work(one: Attached) -> None:
        done.put((one, one.try_to_open()))

    threads = {one: threading.Thread(target=work, args=(one,), name=f"open {one.options.name}") for one in attached}
    try:
        for thread in threads.values():
            thread.start()
        for _ in attached:
            yield done.get()
    finally:
        for one, thread in threads.items():
            if thread.is_alive():
                one.cancel()
        for thread in threads.values():
            if thread.ident is not None:
                thread.join()


def _serve(attached: list[Attached], failed: list[str], stop: Stop, manager: ServiceManager) -> int:
    """Wait until a signal comes or no line is left; tell the service manager meanwhile that the lines are alive."""
    while attached and not stop.asked:
        stop.wait(manager.left())
        for one in list(attached):
            one.look()
            if not one.bridges:
                failed.append(f"{one.options.name}: the line died: {one.cause}")
                attached.remove(one)
                if attached:
                    _log.error("%s", failed[-1])
                one.close()
        manager.look(lambda: sum(one.turned() for one in attached) == len(attached))  # each is asked
    if stop.asked:
        return DONE
    raise CommandError("; ".join(failed))


def _close_all(attached: list[Attached]) -> None:
    """Close all lines at the same time, as each may have to wait for its module."""
    threads = [threading.Thread(target=one.close, name=f"close {one.options.name}") for one in attached]
    with waiting(f"closing {_named(attached)}"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Attached:
    """One line and its pseudo-terminals or TCP ports.

    Args:
        options: the options of the line.
        stop: woken when a channel ends.
    """

    def __init__(self, options: LineOptions, stop: Stop) -> None:
        self.options = options
        self.bridges: list[Bridge] = []
        """The channels that are alive."""
        self._listeners: list[socket.socket] = []
        self.cause: Exception | None = None
        """Why the first one ended."""
        self._stop = stop
        self._opening = options.opening()
        self._mux: Mux | None = None

    @property
    def mux(self) -> Mux | None:
        """The multiplexer; None until the line is open."""
        return self._mux

    def turned(self) -> bool:
        """Tell whether the threads of the line have turned since the last call; see `Mux.turned`."""
        return self._mux is None or self._mux.turned()

    def try_to_open(self) -> Exception | None:
        """Open the line; return what went wrong."""
        try:
            self.open()
        except Exception as error:  # noqa: BLE001 - whoever has called for it looks at it
            return error
        return None

    def cancel(self) -> None:
        """Let `open` end early, in another thread."""
        if self._opening is not None:
            self._opening.cancel()

    def open(self, without: Collection[int] = ()) -> Mux:
        """Open the line, its channels and the ptys or ports; if this fails, `close` closes what was opened.

        Args:
            without: DLCIs to open for this program only.

        Returns:
            The multiplexer; `close` closes it.

        Raises:
            CmuxError: the line or a channel cannot be opened.
            OSError: a pty or a link cannot be made, or a TCP port is taken.
        """
        if self.options.tcp is None and set(self.options.channels) - set(without) and not hasattr(os, "openpty"):
            # The commands that take channels for themselves lack the option.
            option = "attach --tcp 127.0.0.1:7001" if without else self.options.written("tcp", "127.0.0.1:7001")
            raise OSError(f"this system has no pseudo-terminals: {option} offers TCP ports instead")
        for address in self.options.addresses:
            self._listeners.append(listen(*address))
        mux = self._mux = self.options.open(self._opening)
        for dlci in self.options.channels:
            uart = mux.port(dlci) if self.options.responds else mux.channel(dlci)
            if dlci in without:
                continue
            self.bridges.append(self._bridge(uart))
        for bridge in self.bridges:
            bridge.start()
        return mux

    def _bridge(self, uart: VirtualUart) -> Bridge:
        if self._listeners:
            return TcpBridge(uart, self._listeners.pop(0), self._stop.wake)
        link = f"{self.options.link}{uart.dlci}" if self.options.link is not None else None
        mode, group = self.options.access
        if self.options.hangup and link is not None:
            return HangupBridge(uart, link, self._stop.wake, mode=mode, group=group)
        return PtyBridge(uart, link, self._stop.wake, mode=mode, group=group)

    def look(self) -> None:
        """Disconnect the clients of channels that have ended."""
        for bridge in [bridge for bridge in self.bridges if bridge.error is not None]:
            self.bridges.remove(bridge)
            self.cause = self.cause or bridge.error
            if self._mux is not None and self._mux.error is None:
                _log.error("%s: %s", self.options.name, bridge.error)
            bridge.close()

    def close(self) -> None:
        """Close ptys, TCP ports, channels and line, and remove the links."""
        mux = self._mux
        while self._listeners:
            self._listeners.pop().close()
        for bridge in self.bridges:
            with contextlib.suppress(OSError):
                bridge.close()
        self.bridges = []
        if mux is not None:
            mux.close()
