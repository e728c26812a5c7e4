"""Captures of a session: every frame that passes on a line, into a file."""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import Callable

from ..private_files import create
from ..protocol.config import Config, Option
from .blocks import BlockWriter
from .formats import Pcapng, format_for
from .frame_writer import FrameWriter
from .packets import LINKTYPE_MUX27010

__all__ = ["LINKTYPE_MUX27010", "Capture"]

_log = logging.getLogger("cmux.capture")


class Capture:
    """Writes the frames of one line to a file.

    The name of the file determines the format: ``.pcapng`` (also without one), ``.jsonl``, ``.log``. What has been
    written is on disk after every `feed`. When writing fails (a full disk), the capture ends with one warning, and the
    session continues.

    Args:
        path: the path of the file; it is overwritten, and only its owner may read it. A symbolic link is refused.
        config: the parameters of the session: the framing and the longest frame.
        payload: False replaces the octets of user DLCs by zeros, and leaves out octets that are not a frame.

    Raises:
        OSError: the file cannot be created.
    """

    def __init__(self, path: str | os.PathLike[str], config: Config, *, payload: bool = True) -> None:
        self._path = os.fspath(path)
        self._payload = payload
        self._lock = threading.Lock()
        self._format = format_for(self._path)
        self._set_up(config)
        self._file: io.FileIO | None = create(self._path)
        self._write(self._format.header())

    def __repr__(self) -> str:
        return f"<Capture {self._path} {'closed' if self._file is None else 'open'}>"

    def _set_up(self, config: Config) -> None:
        self._writers = {from_host: self._writer(config, from_host) for from_host in (True, False)}

    def _writer(self, config: Config, from_host: bool) -> Callable[[bytes, int], bytes]:
        if isinstance(self._format, Pcapng) and config.option is Option.BASIC:
            return BlockWriter(config.n1_receive, from_host=from_host, payload=self._payload)
        return FrameWriter(self._format, config, from_host=from_host, payload=self._payload)

    def reconfigure(self, config: Config) -> None:
        """Continue with another session, whose framing may differ.

        Args:
            config: the parameters of that session.
        """
        with self._lock:
            self._set_up(config)

    def feed(self, data: bytes, *, from_host: bool, timestamp: int) -> None:
        """Record octets of one direction as they pass on the line.

        Args:
            data: any number of octets.
            from_host: True for host to module.
            timestamp: nanoseconds since 1970.
        """
        with self._lock:
            if self._file is None:
                return
            octets = self._writers[from_host](data, timestamp)
            if octets:
                self._write(octets)

    def _write(self, octets: bytes) -> None:
        assert self._file is not None  # noqa: S101 - every caller has checked, or just opened it
        try:
            written = self._file.write(octets)
            if written != len(octets):
                raise OSError(f"{written} of {len(octets)} octets were written")
        except OSError as error:
            _log.warning("%s: the capture ends here, the session continues: %s", self._path, error)
            self._close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
