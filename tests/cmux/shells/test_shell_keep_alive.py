"""A module that falls silent, in both shells: with ``reattach`` it is noticed, unless it never answered a question."""

import logging
import sys
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mute_module import UnaskedModule
from mux_leaks import nothing_left
from mux_module import Module
from shells import Shell
from startup_waits import shorten_waits

from cmux import reconnector
from cmux.protocol.config import KeepAlive

__all__ = ["nothing_left"]
pytestmark = pytest.mark.usefixtures("nothing_left")

SOON: dict[str, Any] = {"settle": 0, "ask": False, "t1": 0.05, "t2": 0.1, "n2": 1, "keep_alive_interval": 0.2}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnector, "FIRST_DELAY", 0.01)
    shorten_waits(monkeypatch, 0.1)


def test_with_reattach_a_module_that_falls_silent_is_noticed_and_attached_again(
    shell: Shell, caplog: pytest.LogCaptureFixture
) -> None:
    with Module() as module, shell.open(module.path, reattach=True, other_rates=(), **SOON) as mux:
        assert mux.config.keep_alive is KeepAlive.AUTO
        mux.channel(1)
        module.mute()
        mux.until(lambda core: not core.session_open)
        module.unmute()
        mux.wait_attached()
        assert mux.channel(1).echoes()
        assert mux.reattached == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "the peer did not answer 2 keep-alive questions" in warnings


def test_a_module_that_answers_neither_is_left_alone_with_one_warning(
    shell: Shell, caplog: pytest.LogCaptureFixture
) -> None:
    with UnaskedModule() as module, shell.open(module.path, reattach=True, **SOON) as mux:
        channel = mux.channel(1)
        mux.until(lambda core: core._session.watch.kind is KeepAlive.NONE)
        mux.dispatched()
        assert channel.echoes()
        assert mux.link.multiplexer._session._can_ask() is False
        assert mux.reattached == 0
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text for text in warnings if "neither Test nor MSC" in text] == warnings[:1]
