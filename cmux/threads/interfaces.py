"""The interfaces through which a `VirtualUart` uses its `Mux` and the line of a URL, without importing either."""

from __future__ import annotations

from typing import Protocol

from ..errors import SessionEnded
from ..protocol.config import Config, Role
from ..protocol.events import Outcome
from ..urls import CmuxUrl
from .dlc_handle import DlcHandle


class MuxOfPort(Protocol):
    """The `Mux` behind a port."""

    name: str

    @property
    def config(self) -> Config:
        """The parameters of the session."""

    @property
    def role(self) -> Role:
        """Which station this is."""

    @property
    def error(self) -> SessionEnded | None:
        """Why the session is over: the first cause; None while it is alive."""

    @property
    def reattaches(self) -> bool:
        """Whether the line is opened again when it dies."""

    @property
    def reattaching(self) -> bool:
        """Whether a line that died is being opened again."""

    @property
    def serving(self) -> bool:
        """Whether a peer can begin a session: this is a responder whose line is alive."""

    @property
    def drain_timeout(self) -> float:
        """Seconds that closing a channel waits for what is still queued."""

    @drain_timeout.setter
    def drain_timeout(self, seconds: float) -> None: ...

    def _handle(self, dlci: int) -> DlcHandle:
        """Return the near end of a DLC, for the ports on it."""

    def test(self, payload: bytes = b"gsm0710") -> Outcome:
        """Have the peer send octets back on DLCI 0 (27.010 §5.4.6.3.4), and wait for them."""

    def stats(self) -> dict[str, object]:
        """Return the counters of session and line as a plain dictionary, those of each DLC under ``dlcs``."""

    def wait_attached(self, timeout: float | None = None) -> bool:
        """Wait while a line that died is being opened again; return at once while it is alive."""

    def close(self) -> None:
        """Close each DLC and the multiplexer, and release the port."""


class Lease(Protocol):
    """The right of one port to use a multiplexer that several share."""

    @property
    def mux(self) -> MuxOfPort:
        """The multiplexer."""

    def release(self) -> None:
        """Give the right back; the last one closes the multiplexer."""


class UrlOpener(Protocol):
    """Opens the line of a URL for a port, or shares the line that is already open."""

    def __call__(self, url: CmuxUrl, user: object, /) -> Lease:
        """Return the right to use its multiplexer."""
