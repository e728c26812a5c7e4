"""Octets of a line into a format that wants each frame taken apart."""

from __future__ import annotations

from dataclasses import replace

from ..masking import hidden_anywhere
from ..protocol.config import Config, Option
from ..protocol.events import FrameDropped
from ..protocol.frames import AdvancedDecoder, BasicDecoder
from .formats import Format
from .hiding import Hiding


class FrameWriter:
    """Writes the frames of one direction of a line in any format and either option.

    Args:
        form: the format.
        config: the parameters of the session.
        from_host: the direction.
        payload: False replaces the octets of user DLCs by zeros, and leaves out octets that are not a frame.
    """

    def __init__(self, form: Format, config: Config, *, from_host: bool, payload: bool) -> None:
        decoder = BasicDecoder if config.option is Option.BASIC else AdvancedDecoder
        self._decoder = decoder(config.n1_receive)
        self._option = config.option
        self._format = form
        self._from_host = from_host
        self._payload = payload
        self._hiding = Hiding()

    def __call__(self, data: bytes, timestamp: int) -> bytes:
        """Take octets from the line.

        Args:
            data: any number of octets.
            timestamp: nanoseconds since 1970.

        Returns:
            The octets for the file.
        """
        octets = bytearray()
        for item in self._decoder.receive_data(data):
            if isinstance(item, FrameDropped):
                if self._payload:
                    item = replace(item, raw=hidden_anywhere(item.raw))
                    octets += self._format.dropped(item, from_host=self._from_host, timestamp=timestamp)
                continue
            if item.dlci:
                info = self._hiding.hide(item.dlci, item.info) if self._payload else bytes(len(item.info))
                item = item._replace(info=info)
            octets += self._format.frame(item, self._option, from_host=self._from_host, timestamp=timestamp)
        return bytes(octets)
