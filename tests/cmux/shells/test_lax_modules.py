"""Both shells with modules that get bits of their frames wrong."""

from __future__ import annotations

import pytest
from lax_peer import MISTAKES, LaxModule, Mistake, as_linux_before_5_15
from shells import QUICK, Shell

import cmux


@pytest.mark.clause("5.4.4.2", "5.8.1")
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_module_that_gets_bits_wrong_is_opened_used_and_closed(shell: Shell, mistake: Mistake) -> None:
    with LaxModule(mistake) as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        assert channel.echoes()
        channel.close()
        assert mux.channel(1).echoes()


def test_strict_final_does_not_open_such_a_module(shell: Shell) -> None:
    with (
        LaxModule(as_linux_before_5_15) as module,
        pytest.raises(cmux.StartupError, match=r"SABM for DLCI 0 was not answered.*f9 01 63 01 a3 f9"),
    ):
        shell.open(module.path, strict_final=True, **QUICK)
