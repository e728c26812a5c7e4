"""The capture of a module's line in multiplexer mode, into a file that Wireshark reads."""

from __future__ import annotations

import logging
import os
import time

from cmux.capture.recorder import Capture
from cmux.private_files import create
from cmux.protocol.config import Config, Option
from cmux.settings import SETTINGS

from ...clock import Clock

log: logging.Logger = logging.getLogger(__name__)


class Tap:
    """Writes the frames of one line: of all sessions that have the framing of the first one.

    Args:
        path: of the file; it is overwritten.
        clock: the source of the times.
        payload: False replaces the octets of user DLCs by zeros.

    Raises:
        ConfigError: the name of the file has the ending of another format.
        OSError: the file cannot be created.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Clock, *, payload: bool = True) -> None:
        SETTINGS["capture"].checked(path)
        create(path).close()
        self._path = path
        self._payload = payload
        self._clock = clock
        self._epoch = time.time_ns() - round(clock.now() * 1e9)
        self._capture: Capture | None = None
        self._option: Option | None = None
        self._running = False

    def begin(self, config: Config) -> None:
        """Start to capture: multiplexer mode begins."""
        if self._capture is None:
            self._capture = Capture(self._path, config, payload=self._payload)
            self._option = config.option
        self._running = config.option is self._option
        if not self._running:
            log.warning("%s: a session in another framing than the first one is not captured", self._path)

    def end(self) -> None:
        """Stop to capture: multiplexer mode is over."""
        self._running = False

    def feed(self, data: bytes, *, from_host: bool) -> None:
        """Take octets as they pass; ignore them outside multiplexer mode."""
        if self._running and self._capture is not None:
            now = self._epoch + round(self._clock.now() * 1e9)
            self._capture.feed(data, from_host=from_host, timestamp=now)

    def close(self) -> None:
        """Close the file."""
        self._running = False
        if self._capture is not None:
            self._capture.close()
            self._capture = None
