"""The ways in which a host reaches an emulated module: a pseudo-terminal, TCP, a serial line, or in the process."""

from __future__ import annotations

import asyncio
import os

from .line.port import EmulatedPort, host_streams
from .line.serial_line import open_serial
from .line.ways_in import WaysIn
from .line.wire import Wire
from .models import Model
from .module_messages import ModuleMessages


class ModuleReach(ModuleMessages):
    """Adds ways to reach it to a module that runs in an event loop; its one line has one of them at a time."""

    _line_rate: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.url: str | None = None
        """Where the module can be reached, as pyserial understands it; None in process."""

    @property
    def model(self) -> Model:
        """Which module it is."""
        raise NotImplementedError

    def _ways_in_running(self) -> WaysIn:
        """Return the ways in, or raise RuntimeError when the module does not run."""
        raise NotImplementedError

    def _new_line(self, fatal: bool = False) -> Wire:
        """Return a line to the module; the end of a fatal one ends the module."""
        raise NotImplementedError

    def _leave(self) -> None:
        """Be nowhere any more."""
        self.url = None

    def serve_pty(self, link: str | os.PathLike[str] | None = None) -> str:
        """Offer the module on a pseudo-terminal.

        Args:
            link: the symbolic link to make; without it the pty's own name serves.

        Returns:
            What to open.

        Raises:
            OSError: the system has no pty to give, or the link cannot be made.
        """

        def serve() -> str:
            self.url = path = self._ways_in_running().pty(link)
            return path

        return self._on_loop(serve)

    def serve_tcp(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Offer the module on a TCP port; one connection at a time, others are turned away.

        Args:
            host: the address to listen on.
            port: 0 lets the system pick one.

        Returns:
            ``host:port`` as bound.

        Raises:
            OSError: the address cannot be bound.
        """

        def serve() -> str:
            bound = self._ways_in_running().tcp(host, port)
            self.url = f"socket://{bound}"
            return bound

        return self._on_loop(serve)

    def serve_serial(self, url: str, baudrate: int = 115200) -> str:
        """Connect the module to a serial line, whose other end is the host.

        Args:
            url: what pyserial opens.
            baudrate: bits per second.

        Returns:
            The URL.

        Raises:
            cmux.PortError: it cannot be opened.
        """

        def serve() -> str:
            modem = self._running()
            line = self._new_line(fatal=True)
            settings = self._ways_in_running().serial(
                url, lambda: open_serial(modem.environment, url, baudrate, line, modem.plain_dtr)
            )
            modem.change_rate, modem.change_rts_cts, modem.cts = settings.rate, settings.rts_cts, settings.cts
            modem.hold_host = settings.hold_host
            return url

        return self._on_loop(serve)

    def port(self, timeout: float | None = None) -> EmulatedPort:
        """Return the host's end of the line as a serial-like object.

        Args:
            timeout: seconds that its ``read`` waits, None for ever.
        """
        endpoint = self._on_loop(lambda: self._ways_in_running().pair())
        return EmulatedPort(endpoint, timeout, self._line_rate, f"emulated {self.model.name.upper()}")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return the host's end of the line as asyncio streams."""
        return await host_streams(self._on_loop(lambda: self._ways_in_running().pair()), self._line_rate)
