"""``gsm0710 attach``: ptys that any program can open, for as long as line and process live."""

import json
import os
import select
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

import termios

from attached import Attach
from mux_leaks import nothing_left
from mux_module import Module
from plugged import plugged

import cmux
from cmux.cli import main
from cmux.cli.attach import Attached
from cmux.cli.line_options import LineOptions
from cmux.cli.stopping import Stop
from cmux.protocol.commands import Parity, Signals
from cmux.protocol.events import PortChanged, SignalsChanged
from cmux.threads.bridge import PtyBridge, line_settings

__all__ = ["nothing_left"]


@pytest.fixture(autouse=True)
def hang_ups_count() -> Iterator[None]:
    """Also where the tests themselves run under nohup, which processes inherit."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def module() -> Iterator[Module]:
    with Module() as module:
        yield module


def read_exactly(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        assert select.select([fd], [], [], 20)[0], data
        data += os.read(fd, size - len(data))
    return data


def open_raw(path: str) -> int:
    """Open a path as `cat` would: no setting is changed, nothing is flushed."""
    return os.open(path, os.O_RDWR | os.O_NOCTTY)


# --- One line ---


def test_it_says_each_channel_with_its_path_and_then_ready(module: Module, tmp_path: Path) -> None:
    with Attach(module.path, "--link", f"{tmp_path}/m", "--channels", "1,3-4").ready() as attach:
        assert attach.lines == [f"1 {tmp_path}/m1", f"3 {tmp_path}/m3", f"4 {tmp_path}/m4", "ready"]
    with Attach(module.path).ready() as attach:
        assert sorted(attach.paths) == [1, 2, 3, 4]
        assert all(path.startswith("/dev/") for path in attach.paths.values())


def test_a_pty_is_raw_without_echo_and_the_owners_alone(module: Module, tmp_path: Path) -> None:
    with Attach(module.path, "--link", f"{tmp_path}/m").ready() as attach:
        assert stat.S_IMODE(os.stat(attach.paths[1]).st_mode) == 0o600
        fd = open_raw(attach.paths[1])
        _, output, control, local, *_ = termios.tcgetattr(fd)
        assert not local & (termios.ECHO | termios.ICANON | termios.ISIG)
        assert not output & termios.OPOST
        assert not control & termios.HUPCL
        os.close(fd)


def test_clients_come_and_go_and_talk_on_every_channel_at_once(module: Module) -> None:
    with Attach(module.path).ready() as attach:
        for _ in range(2):
            ports = {dlci: serial.Serial(path, timeout=20) for dlci, path in attach.paths.items()}
            for dlci, port in ports.items():
                port.write(b"channel %d" % dlci)
            for dlci, port in ports.items():
                assert port.read(9) == b"channel %d" % dlci
                port.close()


def test_every_octet_passes_unchanged(module: Module) -> None:
    with Attach(module.path, "--channels", "1").ready() as attach:
        fd = open_raw(attach.paths[1])
        sent = bytes(range(256)) * 8
        os.write(fd, sent)
        assert read_exactly(fd, len(sent)) == sent
        os.close(fd)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_closes_everything_and_removes_the_links(module: Module, tmp_path: Path, number: int) -> None:
    with Attach(module.path, "--link", f"{tmp_path}/m").ready() as attach:
        client = open_raw(attach.paths[1])
        assert attach.end(number) == (0, "")
        assert os.read(client, 10) == b""  # hung up
        os.close(client)
    assert os.listdir(tmp_path) == []
    assert not module.in_mux
    assert module.commands[-1] == "AT"


def test_under_nohup_a_hang_up_of_the_terminal_changes_nothing(module: Module) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited by the process
    try:
        attach = Attach(module.path, "--channels", "1")
    finally:
        signal.signal(signal.SIGHUP, before)
    with attach.ready():
        attach.process.send_signal(signal.SIGHUP)
        with serial.Serial(attach.paths[1], timeout=20) as port:
            port.write(b"lives")
            assert port.read(5) == b"lives"


def test_a_signal_while_it_opens_leaves_the_module_in_at_mode() -> None:
    with Module(answers_sabm=False) as module, Attach(module.path) as attach:
        module.wait(lambda: module.in_mux)
        assert attach.end(signal.SIGINT) == (0, "")
        module.wait(lambda: not module.in_mux)


def test_the_line_dies_and_so_does_it_with_one_line_that_says_why(module: Module, tmp_path: Path) -> None:
    with Attach(module.path, "--link", f"{tmp_path}/m", "--channels", "1-2", "-q").ready() as attach:
        client = open_raw(attach.paths[2])
        module.stop()
        code, stderr = attach.end(None)
        assert os.read(client, 10) == b""  # hung up
        os.close(client)
    assert code == 1
    assert len(stderr.splitlines()) == 1
    assert "the line died" in stderr
    assert os.listdir(tmp_path) == []


def test_a_module_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with Attach(f"{tmp_path}/nowhere") as attach:
        code, stderr = attach.end(None)
    assert code == 1
    said = "there is no such port (is the device plugged in? gsm0710 ports lists what is there) [port-not-found]"
    assert stderr == f"python -m cmux attach: {tmp_path}/nowhere: {said}\n"


def test_a_link_that_is_a_file_is_not_replaced(module: Module, tmp_path: Path) -> None:
    (tmp_path / "m2").write_text("precious")
    with Attach(module.path, "--link", f"{tmp_path}/m") as attach:
        code, stderr = attach.end(None)
    assert code == 1
    assert "is not a symbolic link" in stderr
    assert os.listdir(tmp_path) == ["m2"]
    assert not module.in_mux


def test_what_comes_before_anybody_looks_is_kept_and_then_the_module_is_stopped(module: Module) -> None:
    sent = bytes(range(1, 256)) * 1000
    with Attach(module.path, "--channels", "1").ready() as attach:
        module.run(lambda core, now: module.feed(1, sent))
        module.wait(lambda: any(isinstance(event, SignalsChanged) and event.signals.fc for event in module.events))
        fd = open_raw(attach.paths[1])
        assert read_exactly(fd, len(sent)) == sent
        os.close(fd)


def test_a_client_waits_while_the_module_takes_nothing_and_loses_nothing(module: Module) -> None:
    module.habits.loopback = ()
    sent = bytes(range(256)) * 400
    with Attach(module.path, "--channels", "1").ready() as attach:
        module.run(lambda core, now: core.pause_reading(1, now))
        fd = open_raw(attach.paths[1])
        os.set_blocking(fd, False)
        done = 0
        while select.select([], [fd], [], 0.5)[1]:  # until the pty takes no more
            done += os.write(fd, sent[done:])
        assert done < len(sent)
        module.run(lambda core, now: core.resume_reading(1, now))
        os.set_blocking(fd, True)
        while done < len(sent):
            done += os.write(fd, sent[done:])
        module.wait(lambda: len(module.data.get(1, b"")) == len(sent))
        assert module.data[1] == sent
        os.close(fd)


def test_a_channel_that_the_module_closes_hangs_up_alone(module: Module) -> None:
    with Attach(module.path, "--channels", "1-2").ready() as attach:
        first, second = open_raw(attach.paths[1]), open_raw(attach.paths[2])
        module.run(lambda core, now: core.close(1, now))
        assert select.select([first], [], [], 20)[0]
        assert os.read(first, 10) == b""
        os.write(second, b"lives")
        assert read_exactly(second, 5) == b"lives"
        code, stderr = attach.end()
        assert code == 0
        assert "DLCI 1" in stderr
        os.close(first)
        os.close(second)


def test_baud_rate_and_stop_bits_of_the_client_go_out_as_rpn_with_its_first_octets(module: Module) -> None:
    with Attach(module.path, "--channels", "1").ready() as attach:
        with serial.Serial(attach.paths[1], 57600, stopbits=2, timeout=20) as port:
            port.write(b"x")
            assert port.read() == b"x"
        module.wait(lambda: any(isinstance(event, PortChanged) for event in module.events))
        (settings,) = [event.settings for event in module.events if isinstance(event, PortChanged)]
        assert (settings.baudrate, settings.stop_bits, settings.parity) == (57600, 1.5, Parity.NONE)


def test_the_settings_of_a_client_are_not_looked_for_but_read_when_octets_come(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[object] = []
    plain = select.poll

    class Poll:
        def __init__(self) -> None:
            self._poll = plain()
            self.register, self.unregister = self._poll.register, self._poll.unregister

        def poll(self, *timeout: object) -> object:
            if threading.current_thread().name.startswith("cmux carry"):
                waits.extend(timeout or [None])
            return self._poll.poll(*timeout)

    monkeypatch.setattr(select, "poll", Poll)
    with cmux.open(module.path) as mux:
        uart, calls = mux.channel(1), list[str]()
        for name in ("apply_settings", "write"):
            called = getattr(uart, name)
            monkeypatch.setattr(uart, name, lambda it, name=name, called=called: (calls.append(name), called(it))[1])
        bridge = PtyBridge(uart, None)
        bridge.start()
        with serial.Serial(bridge.path, 57600, timeout=20) as port:
            port.write(b"x")
            assert port.read() == b"x"
        bridge.close()
    assert calls == ["apply_settings", "write"]
    assert set(waits) == {None}  # nobody woke up to look


def test_what_fails_half_way_leaves_no_pty_no_link_and_no_thread(
    nothing_left: None, module: Module, tmp_path: Path
) -> None:
    (tmp_path / "m3").write_text("precious")
    options = LineOptions(port=module.path, link=f"{tmp_path}/m")
    attached = Attached(options, Stop())
    with pytest.raises(FileExistsError):
        attached.open()
    attached.close()
    assert os.listdir(tmp_path) == ["m3"]


def test_what_passes_is_captured_with_the_payload_masked_where_that_is_asked(module: Module, tmp_path: Path) -> None:
    capture = tmp_path / "x.jsonl"
    with Attach(module.path, "--channels", "1", "--capture", str(capture), "--capture-no-payload").ready() as attach:
        with serial.Serial(attach.paths[1], timeout=20) as port:
            port.write(b"secret")
            assert port.read(6) == b"secret"
        assert attach.end() == (0, "")
    frames = [json.loads(line) for line in capture.read_text().splitlines()]
    data = [frame for frame in frames if frame["dlci"] == 1 and frame["type"] == "UIH"]
    assert {frame["from"] for frame in data} == {"host", "module"}
    assert {octet for frame in data for octet in bytes.fromhex(frame["info"])} == {0}


def test_rtc_and_rtr_are_on_for_as_long_as_the_line_is_up(module: Module) -> None:
    with Attach(module.path, "--channels", "1").ready() as attach:
        with serial.Serial(attach.paths[1], timeout=20) as port:
            port.write(b"x")
            assert port.read() == b"x"
        signals = [event.signals for event in module.events if isinstance(event, SignalsChanged)]
        assert signals == [Signals(rtc=True, rtr=True)]


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (termios.CS8, (8, "N", 1)),
        (termios.CS7 | termios.PARENB, (7, "E", 1)),
        (termios.CS7 | termios.PARENB | termios.PARODD, (7, "O", 1)),
        (termios.CS5 | termios.PARENB | 0o10000000000 | termios.CSTOPB, (5, "S", 2)),
        (termios.CS6 | termios.PARENB | termios.PARODD | 0o10000000000, (6, "M", 1)),
    ],
)
def test_the_flags_of_a_terminal_are_pyserials_settings(control: int, expected: tuple[object, ...]) -> None:
    settings = line_settings(control, termios.B115200)
    assert (settings["bytesize"], settings["parity"], settings["stopbits"]) == expected
    assert settings["baudrate"] == 115200
    assert "baudrate" not in line_settings(control, termios.B0)


def test_with_reattach_the_paths_stay_while_the_line_goes_and_comes(tmp_path: Path) -> None:
    device = tmp_path / "device"
    with Module() as first, plugged(device, first.path):
        attach = Attach(str(device), "--link", f"{tmp_path}/m", "--channels", "1", "--reattach").ready()
        client = open_raw(attach.paths[1])
    with attach, Module() as second, plugged(device, second.path):
        second.wait(lambda: second.opened(1), 40)
        os.write(client, b"back")
        assert read_exactly(client, 4) == b"back"
        os.close(client)
        assert attach.end()[0] == 0


def test_a_service_manager_is_told_when_the_paths_are_there(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with Attach(module.path, "--link", f"{tmp_path}/m"):
            assert manager.recv(100) == b"READY=1"
            assert os.path.exists(tmp_path / "m4")


# --- Several lines ---


def test_several_lines_live_and_die_on_their_own(module: Module, tmp_path: Path) -> None:
    other = Module()
    with other:
        config = tmp_path / "lines.toml"
        config.write_text(
            f'[first]\nport = "{module.path}"\nchannels = "1"\nlink = "{tmp_path}/first"\n'
            f'[second]\nport = "{other.path}"\nchannels = [2, 3]\nlink = "{tmp_path}/second"\nbaudrate = 921600\n'
        )
        with Attach("--config", str(config)).ready() as attach:
            *lines, last = attach.lines
            assert sorted(lines) == [f"1 {tmp_path}/first1", f"2 {tmp_path}/second2", f"3 {tmp_path}/second3"]
            assert last == "ready"
            doomed = open_raw(attach.paths[2])
            other.stop()
            assert select.select([doomed], [], [], 20)[0]
            assert os.read(doomed, 10) == b""
            os.close(doomed)
            with serial.Serial(attach.paths[1], timeout=20) as port:
                port.write(b"lives")
                assert port.read(5) == b"lives"
            attach.wait_for("second: the line died")
            code, _ = attach.end()
    assert code == 0
    assert sorted(os.listdir(tmp_path)) == ["lines.toml"]


def test_a_line_that_cannot_be_opened_leaves_the_others(module: Module, tmp_path: Path) -> None:
    config = tmp_path / "lines.toml"
    config.write_text(f'[gone]\nport = "{tmp_path}/nowhere"\n[here]\nport = "{module.path}"\nchannels = "1"\n')
    with Attach("--config", str(config)).ready() as attach:
        assert sorted(attach.paths) == [1]
        code, stderr = attach.end()
    assert code == 0
    assert "gone: " in stderr
    assert "no such port" in stderr


def test_a_dead_line_delays_no_other_and_a_signal_ends_its_opening(module: Module, tmp_path: Path) -> None:
    master, slave = os.openpty()  # nobody answers there for the hour that it is given
    config = tmp_path / "lines.toml"
    config.write_text(
        f'[dead]\nport = "{os.ttyname(slave)}"\nopen_timeout = 3600\n'
        f'[here]\nport = "{module.path}"\nchannels = "1"\nsettle = 0\n'
    )
    with Attach("--config", str(config)) as attach:
        assert attach.process.stdout is not None
        dlci, path = attach.process.stdout.readline().split()
        assert dlci == "1"
        with serial.Serial(path, timeout=20) as port:
            port.write(b"lives")
            assert port.read(5) == b"lives"
        assert attach.end() == (0, "")
    assert not module.in_mux
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no line"),
        ('port = "/dev/x"\n', "'port' is outside"),
        ("[a]\n", "[a]: port is missing"),
        ('[a]\nport = "/dev/x"\nspeed = 1\n', "unknown key 'speed'"),
        ('[a]\nport = "/dev/x"\nchannels = "0-3"\n', "DLCIs are 1 to 61"),
        ('[a]\nport = "/dev/x"\nbaudrate = "fast"\n', "baudrate = 'fast' is not a number"),
        ('[a]\nport = "/dev/x"\noption = "other"\n', "basic or advanced"),
        ('[a]\nport = "/dev/x"\nlink = "/tmp/"\n', "has no name"),
        ('[a]\nport = "/dev/x"\nlink = 3\n', "link = 3 is not a string"),
        ('[a]\nport = "/dev/x"\nn1 = 40000\n', "n1 = 40000 is out of range"),
        ("[a\n", "Expected"),
        ("\udcff", "utf-8"),
    ],
)
def test_a_mistake_in_the_file_is_said_in_one_line(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "lines.toml"
    config.write_text(text, "utf-8", "surrogateescape")
    assert main(["attach", "--config", str(config)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert str(config) in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["/dev/x", "--config", "y"], ["--config", "y", "--n1", "5"], ["/dev/x", "--channels", "9-"], ["/dev/x", "-x"],
     ["/dev/x", "--link", "/dev/"], ["/dev/x", "--baudrate", "0"], ["/dev/x", "--n1", "0"],
     ["/dev/x", "--n1", "32768"], ["/dev/x", "--option", "advanced", "--n1", "32769"], ["/dev/x", "--line-rate", "-1"],
     ["/dev/x", "--channels", "x"], ["/dev/x", "--keep-alive", "ping"], ["/dev/x", "--t1", "nan"]],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", *arguments]) == 2
    assert "usage:" in capsys.readouterr().err
