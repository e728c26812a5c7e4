"""A module in any state is opened: in data mode, booting, at another rate; one that is dead is called so in time."""

from __future__ import annotations

from typing import Any

import pytest
from at_module import AtModule
from start_states import LCP, OK, PLAIN_LCP, FoundModule

from cmux.opening import make_plan
from cmux.protocol import startup
from cmux.protocol.errors import ConfigError, ModuleSilent
from cmux.protocol.hand_over import Entered
from cmux.protocol.start_options import StartOptions
from cmux.protocol.startup_steps import Finding


def enter(module: FoundModule, findings: list[Finding] | None = None, **settings: Any) -> Entered:
    plan = make_plan("/dev/modem", {"open_timeout": 30, **settings})  # type: ignore[typeddict-item]
    dialogue = startup.enter("/dev/modem", plan.command, other_rates=plan.other_rates, findings=findings)
    return module.play(dialogue)


def said(module: FoundModule) -> list[bytes]:
    return [text for _, text in module.heard]


class LeftBehind(AtModule):
    """A module that a dead host left in multiplexer mode, at another rate than that of its AT mode."""

    def __init__(self, *, obeys: bool) -> None:
        super().__init__(rate=460800)
        self.obeys = obeys

    def _hear(self, octets: bytes) -> None:
        if self.rate != 460800:
            super()._hear(octets)
        elif b"\xf9" in octets:
            self._coming.append((self.now, bytes.fromhex("F9 03 73 01 D7 F9")))
            self.rate = 115200 if self.obeys else 460800


@pytest.mark.parametrize("obeys", [True, False])
def test_one_that_multiplexes_at_another_rate_is_looked_for_at_that_of_the_line_again(obeys: bool) -> None:
    module = LeftBehind(obeys=obeys)
    plan = make_plan("/dev/modem", {"open_timeout": 30, "mux_baudrate": 460800, "ask": False})
    entered = module.play(startup.enter("/dev/modem", plan.command, other_rates=plan.other_rates))
    if obeys:
        assert (module.said[-1], entered.form) == ("AT+CMUX=0,0,7,31", "AT+CMUX=0,0,7,31")
    else:
        assert (entered.adopted, entered.baudrate, module.line) == (True, 460800, 460800)


# --- Data mode ---


@pytest.mark.parametrize("frame", [LCP, PLAIN_LCP], ids=["escaped", "plain"])
def test_a_module_left_in_ppp_is_recognised_by_its_lcp_and_taken_out_of_it(frame: bytes) -> None:
    module = FoundModule(data_mode=True, sends=frame)
    findings: list[Finding] = []
    enter(module, findings)
    assert said(module)[-3:] == [b"AT\r", b"AT+CMUX?\r", b"AT+CMUX=0\r"]
    assert module.now < 8
    assert b"\xf9" not in module.passed_on  # no frame goes to the remote side
    assert "+++ has ended its data mode" in findings[0].text


def test_one_that_is_connected_transparently_and_silent_is_taken_out_of_that_too() -> None:
    module = FoundModule(data_mode=True)
    enter(module)
    assert said(module)[-1] == b"AT+CMUX=0\r"
    assert module.now < 12


def test_one_whose_remote_side_sends_all_the_time_too() -> None:
    enter(FoundModule(data_mode=True, sends=b"temperature 21\r\n"))


def test_plus_plus_plus_has_a_second_of_silence_on_each_side() -> None:
    module = FoundModule(data_mode=True, sends=LCP)
    enter(module)
    (index,) = (number for number, (_, text) in enumerate(module.heard) if text == b"+++")
    at = module.heard[index][0]
    assert at - module.heard[index - 1][0] >= 1
    assert module.heard[index + 1][0] - at >= 1


@pytest.mark.parametrize("ends_with", [OK, b"\r\nNO CARRIER\r\n", b""])
def test_whatever_the_module_says_at_the_end_of_data_mode(ends_with: bytes) -> None:
    module = FoundModule(data_mode=True, sends=LCP, ends_with=ends_with)
    assert enter(module).form == "AT+CMUX=0"


def test_the_call_is_hung_up_before_at_cmux() -> None:
    module = FoundModule(data_mode=True, sends=LCP)
    enter(module)
    assert b"ATH\r" in said(module)
    assert b"ATH\r" not in said_of_plain_start()


def said_of_plain_start() -> list[bytes]:
    module = FoundModule()
    enter(module)
    return said(module)


@pytest.mark.parametrize("rate", [9600, 57600, 921600])
def test_it_is_taken_out_of_ppp_at_the_rate_at_which_that_is_heard(rate: int) -> None:
    module = FoundModule(data_mode=True, sends=LCP, rate=rate)
    assert enter(module).baudrate == rate
    assert not module.data_mode


def test_one_that_plus_plus_plus_does_not_help_is_named() -> None:
    class Deaf(FoundModule):
        def _hear(self, octets: bytes) -> None:
            self._plus_at = None

    with pytest.raises(ModuleSilent, match=r"it is in data mode \(PPP\), and \+\+\+ does not end that"):
        enter(Deaf(data_mode=True, sends=LCP), open_timeout=10)


# --- Booting ---


@pytest.mark.parametrize("seconds", [1, 3, 5, 8, 12, 16, 20, 25])
@pytest.mark.parametrize("text", [b"", b"\r\nRDY\r\n", b"\x00\r\n^SYSSTART\r\n"])
def test_a_module_that_boots_is_opened_and_not_called_dead(seconds: int, text: bytes) -> None:
    module = FoundModule(boots_at=seconds, boot_text=text)
    assert enter(module).baudrate is None
    assert module.now < seconds + 5
    assert module.line == 115200


def test_one_that_boots_at_another_rate_is_found_there() -> None:
    module = FoundModule(boots_at=8, rate=9600)
    assert enter(module, other_rates=[9600]).baudrate == 9600


def test_its_text_starts_the_search_anew_at_this_rate() -> None:
    module = FoundModule(boots_at=2, boot_text=b"\r\nRDY\r\n")
    module.boots_at = 4.2  # it says so, and needs two more seconds
    enter(module, other_rates=[9600])
    assert module.now < 6


def test_doctor_tells_that_it_took_its_time() -> None:
    findings: list[Finding] = []
    enter(FoundModule(boots_at=12), findings)
    assert "s later" in findings[0].text


@pytest.mark.parametrize("seconds", [1, 5, 30, 120])
@pytest.mark.parametrize("rates", [(), (9600, 19200), startup.OTHER_RATES])
def test_a_dead_module_is_called_dead_when_the_time_is_over(seconds: int, rates: tuple[int, ...]) -> None:
    module = FoundModule(boots_at=1e9)
    with pytest.raises(ModuleSilent, match=f"no answer to AT, asked for {seconds} s.*; not one octet was heard"):
        enter(module, open_timeout=seconds, other_rates=rates)
    assert seconds <= module.now < seconds + 1


def test_one_that_starts_again_and_again_is_called_dead_too() -> None:
    class Loops(FoundModule):
        def _answer(self, step: Any) -> Any:
            result = super()._answer(step)
            return result._replace(data=b"\r\nRDY\r\n") if step.wait else result

    with pytest.raises(ModuleSilent):
        enter(Loops(boots_at=1e9))


def test_a_wait_that_is_cut_short_does_not_make_the_search_endless() -> None:
    class Cancelled(FoundModule):
        steps = 0

        def _answer(self, step: Any) -> Any:
            self.steps += 1
            assert self.steps < 1000
            return super()._answer(step)._replace(elapsed=0.0)

    with pytest.raises(ModuleSilent):
        enter(Cancelled(boots_at=1e9))


@pytest.mark.parametrize("wrong", [0, -1, 3601, float("nan"), "30", True])
def test_the_time_is_1_to_3600_seconds(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="open_timeout"):
        StartOptions(open_timeout=wrong)
