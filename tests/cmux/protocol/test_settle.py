"""The silence between OK to AT+CMUX and the first frame, on the clock of a module that wants it."""

import pytest
from slow_starter import SlowStarter

from cmux.protocol import profiles, startup
from cmux.protocol.at_cmux import CmuxCommand
from cmux.protocol.errors import ConfigError, SessionEnded
from cmux.protocol.hand_over import settle
from cmux.protocol.profiles import Profile
from cmux.protocol.start_options import StartOptions
from cmux.protocol.startup_steps import Finding, StepResult

GENERIC = Profile(name="own", title="", source="")


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch, no_settling: None) -> StartOptions:
    """What a host does that was told nothing."""
    monkeypatch.setattr(profiles, "HOST_DEFAULTS", {**profiles.HOST_DEFAULTS, "settle": 0.5})
    return GENERIC.start_options()


def command(start: StartOptions) -> CmuxCommand:
    return CmuxCommand(config=GENERIC.config(), baudrate=115200, start=start)


@pytest.mark.parametrize(
    ("module", "settle", "deadlock"),
    [("ME910G1", 0.4, True), ("BG95", 0.3, False), ("SARA-R5", 0.1, False), ("LE910", 0.3, False), ("M10", 0.0, False)],
)
def test_a_module_that_wants_silence_gets_it_by_default(
    module: str, settle: float, deadlock: bool, usual: StartOptions
) -> None:
    """zephyr #63410, PR #63406, PR #96262; esp-protocols #33, PR #34; ubxlib #163."""
    peer = SlowStarter(settle, deadlock=deadlock)
    assert peer.opens(peer.play(startup.enter("line", command(usual))))


def test_without_it_such_a_module_is_lost_for_good() -> None:
    peer = SlowStarter(0.4, deadlock=True)
    entered = peer.play(startup.enter("line", command(StartOptions(settle=0.3))))
    assert not peer.opens(entered)
    peer.now += 10
    assert not peer.opens(entered)


def test_it_counts_from_the_last_octet_and_the_octets_are_kept() -> None:
    peer = SlowStarter(chatter=((0.2, b"\r\n+QIND"), (0.6, b": x\r\n")))
    entered = peer.play(startup.enter("line", command(StartOptions(settle=0.5))))
    assert peer.now == pytest.approx(0.6 + 0.5)
    assert entered.unread == b"\r\n+QIND: x\r\n"


def test_a_module_that_does_not_stop_to_talk_gets_its_frame_before_it_goes_back_to_at() -> None:
    peer = SlowStarter(chatter=tuple((number * 0.3, b"RING\r\n") for number in range(1, 100)))
    peer.play(startup.enter("line", command(StartOptions(settle=0.5))))
    assert peer.now == pytest.approx(4.5)


def test_nothing_is_sent_meanwhile() -> None:
    peer = SlowStarter()
    peer.play(startup.enter("line", command(StartOptions(settle=4.5))))
    assert [text for _, text in peer.said] == [b"AT\r", b"AT+CMUX=0\r"]
    assert peer.now == pytest.approx(4.5)


@pytest.mark.parametrize("spent", [0.1, 0.0])
def test_a_wait_that_ends_early_without_octets_goes_on_but_not_for_ever(spent: float) -> None:
    dialogue = settle(0.5)
    steps = [next(dialogue)]
    steps += [dialogue.send(StepResult(b"", spent)) for _ in range(4 if spent else 19)]
    assert not any(step.write for step in steps)
    with pytest.raises(StopIteration if spent else SessionEnded):  # where no time passes, nothing may be sent after it
        dialogue.send(StepResult(b"", spent))


def test_no_settling_takes_no_step() -> None:
    peer = SlowStarter(chatter=((0.0, b"x"),))
    assert peer.play(startup.enter("line", command(StartOptions()))).unread == b""
    assert peer.now == 0


def test_a_module_that_is_adopted_is_not_waited_for(usual: StartOptions) -> None:
    class Adopted(SlowStarter):
        def answer(self, step: object) -> object:  # type: ignore[override]
            result = super().answer(step)  # type: ignore[arg-type]
            frames = bytes.fromhex("F9 03 73 01 D7 F9")
            return result._replace(data=frames if result.data else b"")

    peer = Adopted()
    entered = peer.play(startup.enter("line", command(usual)))
    assert (entered.adopted, entered.settle) == (True, 0)


def test_doctor_can_tell_of_it() -> None:
    findings: list[Finding] = []
    SlowStarter().play(startup.enter("line", command(StartOptions(settle=0.5)), findings=findings))
    assert Finding("settle", True, "nothing was sent for 0.5 s after OK") in findings


def test_a_profile_may_lower_it_and_the_user_has_the_last_word(usual: StartOptions) -> None:
    quick = Profile(name="quick", title="", source="", settings={"settle": 0.1, "t1": 1.0})
    assert quick.start_options().settle == 0.1
    assert quick.start_options(settle=2.0).settle == 2.0
    assert quick.config().t1 == 1.0
    assert usual.settle == 0.5


@pytest.mark.parametrize("wrong", [-0.1, 4.6, float("nan"), float("inf"), "1", True])
def test_it_is_0_to_4_5_seconds(wrong: object) -> None:
    with pytest.raises(ConfigError, match="settle"):
        StartOptions(settle=wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="settle"):
        Profile(name="own", title="", source="", settings={"settle": wrong})
