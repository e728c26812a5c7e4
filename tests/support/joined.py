"""Two shells on one cable: `open` at the one end, `serve` at the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from cable import Cable
from shells import Channel, Mux, Shell


@dataclass
class Joined:
    """A session between two real shells."""

    host: Mux
    module: Mux

    def channel(self, dlci: int, **parameters: int) -> tuple[Channel, Channel]:
        """Open a channel from the host, and take it at the module."""
        opened = self.host.channel(dlci, **parameters)
        accepted = self.module.accept()
        assert accepted.dlci == dlci
        return opened, accepted

    def settle(self, dlci: int) -> None:
        """Wait until each side has the other's first signals of a channel, and the answer to its own."""
        for mux in (self.host, self.module):
            mux.until(lambda core: core.signals(dlci))
        for mux in (self.host, self.module):
            mux.test()


Join = Callable[..., Any]


@contextmanager
def joined(
    host: Shell,
    module: Shell,
    *,
    open: dict[str, Any] | None = None,
    serve: dict[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Joined]:
    """Join two shells.

    Args:
        host: which opens.
        module: which serves.
        open: settings for the one that opens, alone.
        serve: settings for the one that serves, alone.
        settings: those of both.
    """
    with (
        Cable() as cable,
        module.serve(cable.ends[0], **settings, **(serve or {})) as server,
        host.open(cable.ends[1], **settings, **(open or {})) as opener,
    ):
        yield Joined(opener, server)


def told(caplog: pytest.LogCaptureFixture, mux: Mux, text: str) -> list[str]:
    """Return what a Mux has told of its peer, as far as a text is in it."""
    mux.dispatched()
    records = [record for record in caplog.records if record.name == f"cmux.{mux.name}"]
    return [record.getMessage() for record in records if text in record.getMessage()]
