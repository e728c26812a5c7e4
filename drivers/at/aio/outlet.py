"""What is known about the octets that were written to a stream."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from cmux.protocol.errors import LocalError
from cmux.protocol.events import Outcome

from ..outgoing import rate_of, waiting_in


class _Tested(Protocol):
    """A multiplexer, a `cmux.aio.Mux`, that can ask the module to send octets back."""

    async def test(self, payload: bytes) -> Outcome:
        """Ask, and wait for the answer."""


class Outlet:
    """The way out of a stream: the buffer of its transport, what is below, and the module's word.

    Args:
        writer: the stream. Its ``get_extra_info`` is asked for ``"mux"``, for ``"baudrate"``, and for ``"serial"``,
            ``"socket"``, ``"pipe"`` or ``"fd"``.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def _below(self) -> object:
        """Return what the transport writes to, if it tells."""
        names = ("serial", "socket", "pipe", "fd")
        found = (self._writer.get_extra_info(name) for name in names)
        return next((one for one in found if one is not None), None)

    def rate(self) -> int | None:
        """Return the bits per second of the line, if its port knows it."""
        return self._writer.get_extra_info("baudrate") or rate_of(self._below())

    async def left(self, token: bytes) -> tuple[int, bool | None]:
        """Look how far the octets have come.

        Args:
            token: octets, others for each wait, which the module behind a multiplexer is asked to send back.

        Returns:
            How many wait; and, if none does, whether the module has all: None if it cannot be asked.
        """
        waiting = self._writer.transport.get_write_buffer_size() or waiting_in(self._below())
        multiplexer = self._writer.get_extra_info("mux")
        if waiting or not hasattr(multiplexer, "test"):
            return waiting, None
        try:
            return 0, await cast(_Tested, multiplexer).test(token) is not Outcome.TIMEOUT
        except LocalError:  # there is no session: writing will say why
            return 0, None
