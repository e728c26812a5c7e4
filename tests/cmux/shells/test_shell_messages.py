"""What the shells raise: the same class with the same text and cause in both, each with what a user can do about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import serial
from line_deaths import one_hang_up
from mux_module import Module
from shells import CLD, PATIENCE, QUICK, SHORT, Mux, Shell
from startup_waits import ASKING, NOBODY
from told import Told

import cmux
from cmux.errors import StateError
from cmux.protocol import Frame, FrameType, Multiplexer, encode, startup_steps
from cmux.protocol.errors import FrameError
from cmux.protocol.events import Cause
from cmux.protocol.profiles import PROFILES
from cmux.protocol.services import ControlServices
from cmux.pty import Pty

BUSY = "the port is in use by another program, or by another Mux of this one (ModemManager? fuser {path} says which)"
TOO_EARLY = (
    "not one octet came; SABM went out 0 s after OK, and many modules lose what comes so early, some until their power "
    "is cut: give it more silence, settle=0.5, or up to 4.5 s"
)
WITHOUT_AT = (
    'not one octet came; it may be in AT mode (startup="at"), have changed its baud rate (baudrate), or need a longer '
    "t1 or larger n2"
)
STILL_AT = (
    "what came is text: the module is still in AT mode, or again: it may need another time of silence before SABM "
    "(settle, 0 to 4.5 s), or another start_command"
)
ECHO = (
    "our own SABM came back: the line echoes, or the module does, as in AT mode, and has not begun to multiplex; some "
    'begin only with RTS/CTS, which is not in force here: if these wires are there, init="AT+IFC=2,2" and rtscts=True'
)
NO_DM = "some modules do this but still serve data channels: adm=True"


# --- A line that cannot be opened ---


@pytest.mark.parametrize(
    ("port", "told"),
    [
        (
            "/dev/nowhere",
            Told(
                cmux.PortNotFound,
                "{path}: there is no such port (is the device plugged in? gsm0710 ports lists what is there)",
            ),
        ),
        ("nosuch://port", Told(cmux.PortNotFound, "{path}: invalid URL, protocol 'nosuch' not known")),
        (
            "socket://127.0.0.1:1",
            Told(cmux.PortError, "{path}: connection refused (does a program listen there?)"),
        ),
        (42, Told(cmux.PortError, "{path}: neither a path, a URL, nor an open port with read, write and close")),
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["open", "serve"])
def test_a_port_that_cannot_be_opened(shell: Shell, way: str, port: object, told: Told) -> None:
    with told.raised(port):
        getattr(shell, way)(port)


def test_a_port_in_use(shell: Shell) -> None:
    with Module() as module, shell.open(module.path):
        with Told(cmux.PortBusy, "{path}: " + BUSY).raised(module.path):
            shell.open(module.path)
        with pytest.raises(cmux.PortBusy) as caught:
            shell.serve(module.path)
        assert caught.value.port == module.path


def test_a_file_is_no_port(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(cmux.PortError, match="file") as caught:
        shell.open(tmp_path / "file")
    assert caught.value.port == str(tmp_path / "file")


# --- What is not allowed, said before a port is touched ---

NAMES = list(PROFILES)
NOT_ALLOWED: dict[str, tuple[dict[str, Any], Told]] = {
    "n1": ({"n1": 0x8000}, Told(cmux.ConfigError, "n1 = 32768 is out of range: 1 to 32767")),
    "t1": ({"t1": 0}, Told(cmux.ConfigError, "t1 = 0 is out of range: 0.01 to 2.55")),
    "n2": ({"n2": 256}, Told(cmux.ConfigError, "n2 = 256 is out of range: 0 to 255")),
    "t2": (
        {"t1": 1.0, "t2": 0.5},
        Told(cmux.ConfigError, "t2 = 0.5 must be longer than t1 = 1.0 (27.010 §5.7.5)"),
    ),
    "option": ({"option": "slow"}, Told(cmux.ConfigError, "option = 'slow' is not basic or advanced")),
    "startup": ({"startup": "x"}, Told(cmux.ConfigError, "startup = 'x' is not at or none")),
    "keep_alive": (
        {"keep_alive": "ping"},
        Told(cmux.ConfigError, "keep_alive = 'ping' is not none, test, msc or auto"),
    ),
    "profile": (
        {"profile": "m99"},
        Told(cmux.ConfigError, f"profile = 'm99' is not {', '.join(NAMES)} or the path of a file that ends in .toml"),
    ),
    "a DLCI": (
        {"channels": [62]},
        Told(cmux.InvalidDlci, "channels: DLCI 62 is not a data channel: use 1 to 61 (62 and 63 are reserved)"),
    ),
}


@pytest.mark.parametrize("name", NOT_ALLOWED)
def test_what_is_not_allowed_touches_no_port(shell: Shell, name: str) -> None:
    settings, told = NOT_ALLOWED[name]
    with told.raised(""):
        shell.open("/dev/nowhere", **settings)


@pytest.mark.parametrize("function", ["open", "serve"])
def test_a_setting_that_nobody_knows_is_named_with_the_function_that_got_it(shell: Shell, function: str) -> None:
    with Told(TypeError, f"{function}() got an unknown setting 'bogus'").raised(""):
        getattr(shell, function)("/dev/nowhere", bogus=1)


def test_an_open_object_cannot_be_attached_again(shell: Shell) -> None:
    told = Told(cmux.ConfigError, "an open object cannot be opened again: give a path or a URL, or leave reattach out")
    with serial.serial_for_url("loop://") as port, told.raised(port):
        shell.open(port, reattach=True)


# --- A module that does not multiplex ---

FAILURES: dict[str, tuple[dict[str, Any], dict[str, Any], Told]] = {
    "silent": (
        {"silent": True},
        {"other_rates": ()},
        Told(
            cmux.ModuleSilent,
            "{path}: no answer to AT, asked 5 times; not one octet was heard "
            "(is it switched on? is the baud rate right? is this the port for AT commands?) [silent]",
        ),
    ),
    "silent at any rate": (
        {"silent": True},
        {"other_rates": (9600, 19200)},
        Told(
            cmux.ModuleSilent,
            "{path}: no answer to AT, asked 5 times, then at 9600, 19200 baud; not one octet was heard "
            "(is it switched on? is the baud rate right? is this the port for AT commands?) [silent]",
        ),
    ),
    "the other option": (
        {"knows_at": False},
        {"option": "advanced"},
        Told(
            cmux.ModuleSilent,
            "{path}: the module does not answer AT, but multiplexes with the basic option "
            '(use option="basic") [other-option]',
        ),
    ),
    "no answer to AT+CMUX": (
        {"echo": False, "cmux_answer": b""},
        {"ask": False},
        Told(
            cmux.ModuleSilent,
            "{path}: the module answers AT but said nothing within 0.01 s to AT+CMUX=0; "
            r"the last of 15 octets heard: b'\r\nOK\r\n\r\nERROR\r\n' "
            "(it may be in multiplexer mode now: try again; or it wants another start_command) [cmux-unanswered]",
        ),
    ),
    "an error to AT+CMUX": (
        {"cmux_answer": b"\r\n+CME ERROR: 3\r\n"},
        {},
        Told(
            cmux.CmuxRefused,
            "{path}: the module refused to multiplex: AT+CMUX=0 -> +CME ERROR: 3; AT+CMUX=0,0,5,31 -> +CME ERROR: 3 "
            "(it may need other parameters (profile), a command before it (init) or instead of it (start_command), "
            "have its multiplexer on another of its ports, or have none) [cmux-refused]",
        ),
    ),
    "no UA": (
        {"answers_sabm": False},
        QUICK,
        Told(
            cmux.NoMultiplexer,
            "{path}: OK received, no UA: SABM for DLCI 0 was not answered (" + TOO_EARLY + ") [sabm-too-early]",
        ),
    ),
    "no UA, and no AT before": (
        {"starts_in_mux": True, "answers_sabm": False},
        {"startup": "none", **QUICK},
        Told(
            cmux.NoMultiplexer,
            "{path}: no UA: SABM for DLCI 0 was not answered (" + WITHOUT_AT + ") [not-multiplexing]",
        ),
    ),
    "text and no UA": (
        {"answers_sabm": False, "after_ok": b"garbage"},
        QUICK,
        Told(
            cmux.NoMultiplexer,
            "{path}: OK received, no UA: SABM for DLCI 0 was not answered; "
            f"what came begins with 67 61 72 62 61 67 65, which is b'garbage' ({STILL_AT}) [still-at]",
        ),
    ),
    "an echo": (
        {"answers_sabm": False, "echoes_frames": True},
        {**QUICK, "t1": 0.1, "t2": 0.15},  # the reader may be late
        Told(
            cmux.NoMultiplexer,
            f"{{path}}: OK received, no UA: SABM for DLCI 0 was not answered ({ECHO}) [frames-echoed-no-rtscts]",
        ),
    ),
    "DM": (
        {"answers_sabm": False, "after_ok": encode(Frame(0, True, FrameType.DM, True))},
        {},
        Told(
            cmux.CmuxRefused,
            "{path}: SABM for DLCI 0 was refused (DM): it has no control channel (" + NO_DM + ") [control-refused]",
        ),
    ),
    "a channel": (
        {"refuses": (2,)},
        {"channels": [1, 2]},
        Told(cmux.DlcRefused, "DLCI 2: the peer refused it (DM)", Cause.REFUSED),
    ),
    "the capture": (
        {},
        {"capture": "/nowhere/x.pcapng"},
        Told(FileNotFoundError, "[Errno 2] No such file or directory: '/nowhere/x.pcapng'"),
    ),
}
WAITS: dict[str, dict[str, float]] = {
    "silent": dict.fromkeys(ASKING, NOBODY),
    "silent at any rate": dict.fromkeys(ASKING, NOBODY),
    "the other option": dict.fromkeys(ASKING, 0.1),
    "no answer to AT+CMUX": {"CMUX_WAIT": NOBODY, "RESCUE_WAIT": 5.0},  # the frames get an answer in AT mode
}
"""How long is waited for an answer, where that is not what matters."""

AFTER_OK = ("no UA", "text and no UA", "an echo", "DM", "a channel")
"""Where the module said OK to AT+CMUX and was taken out of multiplexer mode again."""


@pytest.mark.parametrize("step", FAILURES)
def test_a_failure_at_any_step_says_why_leaves_nothing_behind_and_the_next_attempt_finds_the_port_free(
    shell: Shell, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    habits, settings, told = FAILURES[step]
    with Module(**habits) as module:
        with monkeypatch.context() as patched:
            for name, seconds in WAITS.get(step, {}).items():
                patched.setattr(startup_steps, name, seconds)
            with told.raised(module.path):
                shell.open(module.path, **settings)
        if step == "the capture":
            assert module.commands == []  # not a word was said
        elif settings.get("startup") != "none":
            module.wait(lambda: not module.in_mux)
        if step in AFTER_OK:
            assert module.commands[-1] == "AT"  # it was made sure of
        module.habits = type(module.habits)()
        with shell.open(module.path) as mux:
            assert mux.error is None
            assert mux.channel(2).echoes()


def test_after_ok_without_ua_the_module_is_taken_out_of_multiplexer_mode(shell: Shell) -> None:
    with Module(answers_sabm=False) as module:
        with pytest.raises(cmux.NoMultiplexer):
            shell.open(module.path, **QUICK)
        assert CLD in bytes(module.raw)
        assert not module.in_mux
        assert module.commands[-1] == "AT"


def test_without_at_nothing_is_said_in_at_mode(shell: Shell, quick_at: None) -> None:
    with Module(starts_in_mux=True, answers_sabm=False) as module:
        with pytest.raises(cmux.NoMultiplexer):
            shell.open(module.path, startup="none", **QUICK)
        assert b"AT" not in bytes(module.raw)


def test_a_line_that_is_looped_back(shell: Shell) -> None:
    told = Told(
        cmux.NoMultiplexer,
        "{path}: no UA: SABM for DLCI 0 was not answered (our own SABM came back: "
        'the line echoes, or is looped back, or the module is in AT mode (startup="at")) [looped-back]',
    )
    with told.raised("loop://"):
        shell.open("loop://", startup="none", **{**QUICK, "t1": 0.3, "t2": 0.6})  # the reader may be late


# --- A channel, and what is asked of the peer ---

OPEN_WITH = "Parameters(n1={n1}, frame_type=<FrameType.UIH: 239>, convergence=1, priority={priority}, k=2)"
NO_SESSION = "the multiplexer session is not open"


def _with(n1: int, priority: int | None, wanted: int) -> str:
    there = OPEN_WITH.format(n1=n1, priority=priority)
    return f"DLCI 1 is open with {there}, not with {OPEN_WITH.format(n1=wanted, priority=None)}: close it first"


CALLS: dict[str, tuple[Callable[[Mux], object], Told]] = {
    "refused": (lambda mux: mux.channel(3), Told(cmux.DlcRefused, "DLCI 3: the peer refused it (DM)", Cause.REFUSED)),
    "n1": (lambda mux: mux.channel(1, n1=0), Told(cmux.ConfigError, "n1 = 0 is out of range: 1 to 32768")),
    "priority": (
        lambda mux: mux.channel(1, priority=64),
        Told(cmux.ConfigError, "priority = 64 is out of range: 0 to 63"),
    ),
    "convergence": (
        lambda mux: mux.channel(1, convergence=3),
        Told(cmux.ConfigError, "convergence = 3 is not supported: 1 or 2"),
    ),
    "open with others": (
        lambda mux: (mux.channel(1), mux.channel(1, n1=20)),
        Told(StateError, _with(31, None, 20)),
    ),
    "open with others than by PN": (
        lambda mux: (mux.channel(1, n1=25), mux.channel(1, n1=20)),
        Told(StateError, _with(25, 7, 20)),
    ),
    "test": (
        lambda mux: mux.test(bytes(32)),
        Told(FrameError, "a Test of 32 octets does not fit an information field of 31"),
    ),
    "test with text": (lambda mux: mux.test("text"), Told(FrameError, "a Test carries octets, not 'text'")),
    "test with a number": (lambda mux: mux.test(10**9), Told(FrameError, "a Test carries octets, not 1000000000")),
    "a break of text": (
        lambda mux: (mux.channel(1), mux.send_break(1, "1")),
        Told(FrameError, "a break of '1' s cannot be coded: 0 to 3.0"),
    ),
    "negotiate": (
        lambda mux: mux.negotiate(0),
        Told(cmux.InvalidDlci, "DLCI 0 is not a data channel: use 1 to 61 (0 is the control channel)"),
    ),
    "negotiate n1": (
        lambda mux: mux.negotiate(1, n1=-1),
        Told(cmux.ConfigError, "n1 = -1 is out of range: 1 to 32768"),
    ),
    "negotiate_port": (
        lambda mux: mux.negotiate_port(62),
        Told(cmux.InvalidDlci, "DLCI 62 is not a data channel: use 1 to 61 (62 and 63 are reserved)"),
    ),
    "line_status": (
        lambda mux: mux.line_status(62),
        Told(cmux.InvalidDlci, "DLCI 62 is not a data channel: use 1 to 61 (62 and 63 are reserved)"),
    ),
    "service": (
        lambda mux: mux.service(62),
        Told(cmux.InvalidDlci, "DLCI 62 is not a data channel: use 1 to 61 (62 and 63 are reserved)"),
    ),
    "break": (
        lambda mux: mux.send_break(1, 1),
        Told(StateError, "DLCI 1 cannot send a break: it is CLOSED"),
    ),
    "a long break": (
        lambda mux: (mux.channel(1), mux.send_break(1, 4)),
        Told(FrameError, "a break of 4 s cannot be coded: 0 to 3.0"),
    ),
}


INSTEAD = {
    "0": " (0 is the control channel)",
    **dict.fromkeys(("62", "63"), " (62 and 63 are reserved)"),
    "'1'": " (a number, not a text: 1)",
    "'ppp'": " (the profile has no names for them)",
}
"""What is said besides, by the DLCI."""


@pytest.mark.parametrize("dlci", [0, 62, 63, 64, -1, "1", "ppp", None, True], ids=repr)
def test_a_dlci_that_carries_no_data(shell: Shell, dlci: object) -> None:
    told = Told(cmux.InvalidDlci, f"DLCI {dlci!r} is not a data channel: use 1 to 61{INSTEAD.get(repr(dlci), '')}")
    with Told(cmux.InvalidDlci, f"channels: {told.text}").raised(""):
        shell.open("/dev/nowhere", channels=[dlci])  # the port has not even been touched
    with Module() as module, shell.open(module.path) as mux:
        with told.raised(module.path):
            mux.channel(dlci)
        assert mux.channel(1).echoes()


def test_an_error_carries_what_it_is_about(shell: Shell) -> None:
    with Module(refuses=(3,)) as module, shell.open(module.path) as mux:
        for dlci, error in ((3, cmux.DlcRefused), (62, cmux.InvalidDlci)):
            with pytest.raises(error) as caught:
                mux.channel(dlci)
            assert caught.value.dlci == dlci
    with pytest.raises(cmux.PortNotFound) as missing:
        shell.open("/dev/nowhere")
    assert missing.value.port == "/dev/nowhere"


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_cannot_be_done_says_why_and_touches_nothing_else(shell: Shell, call: str) -> None:
    act, told = CALLS[call]
    with Module(refuses=(3,)) as module, shell.open(module.path) as mux:
        with told.raised(module.path):
            act(mux)
        assert mux.channel(2).echoes()


@pytest.mark.parametrize("parameters", [{}, {"n1": 20}], ids=["SABM", "PN"])
def test_a_channel_that_the_peer_does_not_answer(shell: Shell, quick_at: None, parameters: dict[str, int]) -> None:
    with Module() as module, shell.open(module.path, **SHORT) as mux:
        module.mute()
        with Told(cmux.DlcTimeout, "DLCI 5: the peer did not answer", Cause.TIMEOUT).raised(module.path):
            mux.channel(5, **parameters)


RESPONDERS: dict[str, tuple[Callable[[Mux], object], Told]] = {
    "channel": (lambda mux: mux.channel(1), Told(StateError, f"DLCI 1 cannot be opened: {NO_SESSION}")),
    "channel by PN": (lambda mux: mux.channel(1, n1=20), Told(StateError, f"PN cannot be sent: {NO_SESSION}")),
    "test": (lambda mux: mux.test(), Told(StateError, f"Test cannot be sent: {NO_SESSION}")),
    "negotiate": (lambda mux: mux.negotiate(1), Told(StateError, f"PN cannot be sent: {NO_SESSION}")),
    "hold_all": (lambda mux: mux.hold_all(), Told(StateError, f"FCoff cannot be sent: {NO_SESSION}")),
    "sleep": (lambda mux: mux.sleep(), Told(StateError, f"PSC cannot be sent: {NO_SESSION}")),
    "break": (lambda mux: mux.send_break(1, 1), Told(StateError, "DLCI 1 cannot send a break: it is CLOSED")),
}


@pytest.mark.parametrize("startup", ["at", "none"])
@pytest.mark.parametrize("call", RESPONDERS)
def test_a_responder_without_a_session_cannot_ask_for_anything(shell: Shell, startup: str, call: str) -> None:
    act, told = RESPONDERS[call]
    with Pty() as pty, shell.serve(pty.path, startup=startup) as mux, told.raised(pty.path):
        act(mux)


@pytest.mark.parametrize("refuse", [[0], [1, 62], [None]])
def test_a_responder_cannot_refuse_what_is_no_data_channel(shell: Shell, refuse: list[object]) -> None:
    instead = INSTEAD.get(repr(refuse[-1]), "")
    with Pty() as pty:
        told = Told(cmux.InvalidDlci, f"refuse: DLCI {refuse[-1]} is not a data channel: use 1 to 61{instead}")
        with told.raised(pty.path):
            shell.serve(pty.path, refuse=refuse)
        with shell.serve(pty.path):  # and the port is free again
            pass


# --- The end of a session ---

CLOSED = Told(
    cmux.SessionEnded, "{path}: closed by this side, with all of its channels: open the line again", Cause.LOCAL
)
AFTERWARDS: dict[str, Callable[[Mux], object]] = {
    "channel": lambda mux: mux.channel(1),
    "another channel": lambda mux: mux.channel(2),
    "channel by PN": lambda mux: mux.channel(2, n1=20),
    "accept": lambda mux: mux.accept(),
    "test": lambda mux: mux.test(),
    "negotiate": lambda mux: mux.negotiate(1),
    "parameters": lambda mux: mux.parameters(1),
    "negotiate_port": lambda mux: mux.negotiate_port(1),
    "line_status": lambda mux: mux.line_status(1),
    "service": lambda mux: mux.service(1),
    "send_break": lambda mux: mux.send_break(1, 1),
    "signals": lambda mux: mux.signals(1),
    "own_signals": lambda mux: mux.own_signals(1),
    "hold_all": lambda mux: mux.hold_all(),
    "release_all": lambda mux: mux.release_all(),
    "asleep": lambda mux: mux.asleep,
    "sleep": lambda mux: mux.sleep(),
    "wake": lambda mux: mux.wake(),
    "wait_attached": lambda mux: mux.wait_attached(),
}


def test_every_call_about_the_control_channel_is_among_those() -> None:
    calls = {name for name in vars(ControlServices) if not name.startswith("_")} - {"power"}  # `asleep` in a shell
    assert calls - set(AFTERWARDS) == set(), "missing: AFTERWARDS in tests/cmux/shells/test_shell_messages.py"


def test_every_call_says_that_the_mux_is_closed(shell: Shell) -> None:
    with Module() as module:
        mux = shell.open(module.path, channels=[1])
        mux.close()
        for call in AFTERWARDS.values():
            with CLOSED.raised(module.path):
                call(mux)
        assert str(mux.error) == CLOSED.text.format(path=module.path)
        assert mux.stats()["reattached"] == 0


def test_every_call_says_how_the_line_was_lost(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        module.stop()
        told = Told(cmux.SessionEnded, "{path}: hung up: end of file", Cause.LINE_LOST)
        for call in (lambda mux: channel.read(1), lambda mux: channel.write(b"x"), *AFTERWARDS.values()):
            with told.raised(module.path):
                call(mux)
        assert one_hang_up(mux.error) == told.text.format(path=module.path)


def test_a_channel_that_is_read_while_its_mux_is_closed(shell: Shell) -> None:
    with Module() as module:
        mux = shell.open(module.path)
        channel = mux.channel(1)
        reading = shell.start(channel.read, 1)
        channel.until_read_waits()
        mux.close()
        with Told(cmux.DlcClosed, "DLCI 1: closed", Cause.LOCAL).raised(module.path):
            reading.result(PATIENCE)


def test_a_channel_that_the_peer_closes(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        module.run(lambda core, now: core.close(1, now))
        for call in (lambda: channel.read(1), lambda: channel.write(b"x")):
            with Told(cmux.DlcClosed, "DLCI 1: the peer closed it", Cause.PEER).raised(module.path):
                call()
        assert mux.error is None
        assert mux.channel(1).echoes()  # it is opened again


def test_a_peer_that_closes_the_multiplexer_down(shell: Shell) -> None:
    told = Told(cmux.SessionEnded, "{path}: the peer closed the multiplexer down (CLD)", Cause.PEER)
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        reading = shell.start(channel.read, 1)
        channel.until_read_waits()
        module.run(lambda core, now: core.shutdown(now))
        with Told(cmux.DlcClosed, "DLCI 1: the peer closed it", Cause.PEER).raised(module.path):
            reading.result(PATIENCE)
        mux.until(lambda core: not core.session_open)
        for call in AFTERWARDS.values():
            with told.raised(module.path):
                call(mux)
        assert str(mux.error) == told.text.format(path=module.path)


def test_a_channel_that_is_written_to_when_the_peer_closes_the_multiplexer_down(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        module.run(lambda core, now: core.pause_reading(1, now))
        writing = shell.start(channel.write, bytes(10_000_000))
        mux.until(lambda core: core.unsent(1) > 0)
        module.run(lambda core, now: core.shutdown(now))
        with Told(cmux.DlcClosed, "DLCI 1: the peer closed it", Cause.PEER).raised(module.path):
            writing.result(PATIENCE)


def frames_sent(core: Mux | Multiplexer) -> int:
    dlcs: Any = core.stats()["dlcs"]
    return sum(counters["frames_sent"] for counters in dlcs.values())


WAITING: dict[str, Callable[[Mux], object]] = {
    "test": lambda mux: mux.test(),
    "channel": lambda mux: mux.channel(2),
    "channel by PN": lambda mux: mux.channel(2, n1=20),
    "negotiate": lambda mux: mux.negotiate(2, n1=20),
    "accept": lambda mux: mux.accept(),
}


@pytest.mark.parametrize("call", WAITING)
def test_a_call_that_waits_is_told_how_the_line_was_lost(shell: Shell, call: str) -> None:
    with Module() as module, shell.open(module.path, t1=2.0, t2=2.5) as mux:
        said = frames_sent(mux)
        module.mute()
        waiting = shell.start(WAITING[call], mux)
        if call != "accept":
            mux.until(lambda core: frames_sent(core) > said)
        module.stop()
        with Told(cmux.SessionEnded, "{path}: hung up: end of file", Cause.LINE_LOST).raised(module.path):
            waiting.result(PATIENCE)


@pytest.mark.parametrize("startup", ["at", "none"])
def test_whoever_waits_in_accept_is_told_how_the_line_ended(shell: Shell, startup: str) -> None:
    with Pty() as pty:
        mux = shell.serve(pty.path, startup=startup)
        waiting = [shell.start(mux.accept) for _ in range(2)]
        pty.close()
        for accepting in waiting:
            with Told(cmux.SessionEnded, "{path}: hung up: end of file", Cause.LINE_LOST).raised(mux.name):
                accepting.result(PATIENCE)
        mux.close()
    with Pty() as pty:
        mux = shell.serve(pty.path, startup=startup)
        waiting = [shell.start(mux.accept) for _ in range(2)]
        mux.close()
        for accepting in waiting:
            closed = "{path}: closed by this side, with all of its channels: open the line again"
            with Told(cmux.SessionEnded, closed, Cause.LOCAL).raised(pty.path):
                accepting.result(PATIENCE)
