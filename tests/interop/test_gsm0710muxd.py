"""gsm0710muxd (Debian), which nobody here wrote, as the host of the emulated module, on a bus of its own."""

import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cmux
from drivers.emulator import EmulatedModule

pytestmark = [pytest.mark.interop("gsm0710muxd", "dbus-daemon", "dbus-send"), pytest.mark.timeout(180)]

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
"""


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    config, path = tmp_path / "bus.conf", tmp_path / "bus"
    config.write_text(BUS % path)
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True
    )
    assert daemon.stdout is not None
    try:
        yield daemon.stdout.readline().strip()
    finally:
        daemon.kill()
        daemon.wait()
        daemon.stdout.close()


def patiently(work: Callable[[], subprocess.CompletedProcess[str]]) -> str:
    """Ask until the daemon answers: it does not say when it is ready."""
    deadline = time.monotonic() + 40
    while True:
        done = work()
        if done.returncode == 0:
            return done.stdout
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.1)


def read_until(fd: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        assert select.select([fd], [], [], 20)[0], seen
        seen += os.read(fd, 4096)
    return seen


@pytest.mark.parametrize("option", ["basic", "advanced"])
def test_gsm0710muxd_multiplexes_the_emulated_module_and_leaves_it_in_order(option: str, bus: str) -> None:
    with EmulatedModule() as module:
        path = module.serve_pty()
        host = subprocess.Popen(
            ["gsm0710muxd", "-s", path, "-m", option, "-f", "64"],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def call(method: str, *arguments: str) -> str:
            command = ["dbus-send", f"--bus={bus}", "--print-reply", "--type=method_call", "--reply-timeout=30000",
                       "--dest=org.pyneo.mux", "/org/pyneo/Muxer", f"org.pyneo.Powered.{method}"]  # fmt: skip
            return patiently(
                lambda: subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
            )

        try:
            call("SetPower", "string:test", "boolean:true")
            channels = []
            for name in ("first", "second"):
                deadline = time.monotonic() + 40
                while not (found := re.search(r'string "file://(/dev/[^"]+)"', call("GetDevice", f"string:{name}"))):
                    assert time.monotonic() < deadline, "it has no channel to give"
                    time.sleep(6)  # each question delays it; it is still talking to the module
                channels.append(os.open(found[1], os.O_RDWR | os.O_NOCTTY))
            for channel in channels:
                os.write(channel, b"ATE0\r")
                read_until(channel, b"OK")
            for channel, command, answer in zip(
                channels, (b"AT+CGMM\r", b"AT+CMUX?\r"), (b"M10", b"+CMUX:"), strict=True
            ):
                os.write(channel, command)
                read_until(channel, answer)
            for channel in channels:
                os.close(channel)
            call("SetPower", "string:test", "boolean:false")
        finally:
            host.terminate()
            try:
                host.wait(30)
            except subprocess.TimeoutExpired:
                host.kill()
                host.wait()
        with cmux.open(path, option=option) as mux:  # it was left so that the next host can have it
            port = mux.channel(1)
            port.timeout = 20
            port.write(b"AT\r")
            assert b"OK" in port.read_until(b"OK\r\n")
