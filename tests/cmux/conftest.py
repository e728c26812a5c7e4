"""What tests over both shells start from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "win32":  # the peers of these tests are on ptys
    from mux_leaks import nothing_left
    from shells import SHELLS, Mux, Shell
    from startup_waits import shorten_waits
    from typist import Typist

    from cmux import reconnector
    from cmux.protocol import reset_watch

    __all__ = ["nothing_left"]

    @pytest.fixture(params=SHELLS)
    def shell(request: pytest.FixtureRequest, nothing_left: None) -> Iterator[Shell]:
        """Each of the two shells; nothing is left of it afterwards."""
        shell = SHELLS[request.param]()
        yield shell
        shell.close()

    @pytest.fixture(params=[(one, other) for one in SHELLS for other in SHELLS], ids="-".join)
    def two_shells(request: pytest.FixtureRequest, nothing_left: None) -> Iterator[tuple[Shell, Shell]]:
        """Each combination of a shell that opens and one that serves."""
        shells = tuple(SHELLS[name]() for name in request.param)
        yield shells
        for shell in shells:
            shell.close()

    @pytest.fixture
    def peer() -> Iterator[Typist]:
        """Whoever is at the other end, typed by hand."""
        with Typist() as peer:
            yield peer

    @pytest.fixture
    def serve(shell: Shell, peer: Typist) -> Iterator[Callable[..., Mux]]:
        """Serve the line of the peer, who hangs up at the end of the test."""
        muxes: list[Mux] = []

        def serve(port: object = peer.path, **settings: Any) -> Mux:
            muxes.append(shell.serve(port, **settings))
            return muxes[-1]

        yield serve
        peer.hang_up()
        for mux in muxes:
            mux.close()

    @pytest.fixture
    def quick_at(monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the module answers AT late or never it is not waited for as long as it should be."""
        shorten_waits(monkeypatch, 0.1)

    @pytest.fixture
    def quick_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
        """A module that was reset is not waited for as long as it should be."""
        monkeypatch.setattr(reset_watch, "DOUBT", 0.1)

    @pytest.fixture
    def soon(monkeypatch: pytest.MonkeyPatch) -> None:
        """A line that died is looked for at once, and again and again."""
        monkeypatch.setattr(reconnector, "FIRST_DELAY", 0.01)
        monkeypatch.setattr(reconnector, "LONGEST_DELAY", 0.05)

    @pytest.fixture
    def link(tmp_path: Path) -> Path:
        """The name of a device that is pulled out and plugged in again."""
        return tmp_path / "modem"
