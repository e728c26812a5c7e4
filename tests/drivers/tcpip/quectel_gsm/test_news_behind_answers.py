"""What the module says in the same octets as an answer, right behind it: a restart, the end of the context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from leaping import SHELLS, bench
from silent_module import ADDRESS, ERROR, OK, SilentModule, lines

from drivers.errors import ContextInactive, ContextLost, ModuleRestarted, UnexpectedAnswer

on_each_shell = pytest.mark.parametrize("shell", SHELLS)
RESTART = lines("RDY")


@on_each_shell
@pytest.mark.parametrize("setting", ["AT+QICSGP", "AT+QIMUX", "AT+QIMODE", "AT+QINDI"])
def test_a_restart_behind_a_setting_of_the_claim_is_the_loss_of_the_context(shell: str, setting: str) -> None:
    with bench(shell, module := SilentModule(setting, OK + RESTART), still=True) as made:
        driver = made.driver()
        with pytest.raises(ContextLost, match="was reset"):
            driver.claim()
        assert not driver.table.held(0)
        sent = len(module.commands)
        driver.claim()
        assert "AT+QIFGCNT=0" in module.commands[sent:]
        driver.close()


@on_each_shell
def test_nothing_more_is_set_after_a_restart(shell: str) -> None:
    with bench(shell, module := SilentModule("AT+QIMUX", OK + RESTART), still=True) as made, pytest.raises(ContextLost):
        made.driver().claim()
    assert module.commands[-1].startswith("AT+QIMUX")


@on_each_shell
@pytest.mark.parametrize("call", [lambda one: one.activate(), lambda one: one.connect("TCP", "10.0.0.1", 80)])
def test_a_restart_behind_the_refusal_to_deactivate(shell: str, call: Callable[[Any], object]) -> None:
    with bench(shell, SilentModule("AT+QIDEACT", ERROR + RESTART), still=True) as made:
        driver = made.driver()
        call(driver)
        with pytest.raises(ModuleRestarted):
            driver.deactivate()
        assert not driver.table.held(0)
        driver.close()


@on_each_shell
def test_the_address_before_a_restart_is_not_that_after_it(shell: str) -> None:
    with bench(shell, SilentModule("AT+QILOCIP", ADDRESS + RESTART), still=True) as made:
        driver = made.driver()
        driver.activate()
        with pytest.raises(ContextInactive):
            _ = driver.local_address
        driver.close()


@on_each_shell
def test_a_context_that_is_deactivated_behind_its_address_is_activated_anew(shell: str) -> None:
    with bench(shell, module := SilentModule("AT+QILOCIP", ADDRESS + lines("+PDP DEACT")), still=True) as made:
        driver = made.driver()
        driver.activate()
        driver.activate()
        assert module.commands.index("AT+QIDEACT") < len(module.commands) - module.commands[::-1].index("AT+QIACT")
        driver.close()


@on_each_shell
@pytest.mark.parametrize("answer", ["PrimaryDns: 10.300.0.1", "PrimaryDns: 1.2.3.4.5", "PrimaryDns: 1.2.3"])
def test_what_is_no_address_is_no_name_server(shell: str, answer: str) -> None:
    with bench(shell, SilentModule("AT+QIDNSCFG?", lines(answer, "SecondaryDns: 10.0.0.2") + OK), still=True) as made:
        driver = made.driver()
        assert driver.name_servers() == ("10.0.0.2",)
        driver.close()


@on_each_shell
@pytest.mark.parametrize("answer", ["0,4", "0,99", "0,254", "2,0"])
def test_what_is_no_virtual_uart_or_context_is_named(shell: str, answer: str) -> None:
    with bench(shell, module := SilentModule(), still=True) as made:
        module.answers["AT+QIFGCNT?"] = lines(f"+QIFGCNT: {answer}") + OK
        driver = made.driver()
        driver.claim()
        with pytest.raises(UnexpectedAnswer, match="QIFGCNT"):
            driver.foreground()
        driver.close()
