"""gsm0710muxd (Debian), which nobody here wrote, as the host of the emulated module, on a bus of its own."""

import os
import re
import select
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import cmux
from drivers.emulator import EmulatedModule

pytestmark = [pytest.mark.interop("gsm0710muxd", "dbus-daemon", "dbus-send", "dbus-monitor"), pytest.mark.timeout(180)]

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
MUXER = "org.pyneo.mux"


@contextmanager
def running(*command: str | Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that says something; let it go at the end."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **more}
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()


def read_until(fd: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        assert select.select([fd], [], [], 60)[0], f"{text!r} did not come: {seen!r}"
        octets = os.read(fd, 4096)
        assert octets, seen
        seen += octets
    return seen


def output(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return process.stdout.fileno()


def session(option: str, place: Path) -> None:
    place.mkdir()
    (place / "bus.conf").write_text(BUS % (place / "bus"))
    with (
        EmulatedModule() as module,
        running("dbus-daemon", f"--config-file={place / 'bus.conf'}", "--nofork", "--print-address=1") as daemon,
    ):
        bus, path = read_until(output(daemon), b"\n").decode().strip(), module.serve_pty()

        def call(method: str, *arguments: str) -> str:
            command = ["dbus-send", f"--bus={bus}", "--print-reply", "--type=method_call", "--reply-timeout=120000",
                       f"--dest={MUXER}", "/org/pyneo/Muxer", f"org.pyneo.Powered.{method}"]  # fmt: skip
            done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout

        with running("dbus-monitor", "--address", bus) as news:
            read_until(output(news), b"member=NameLost")  # it has given up its own name, and hears everything
            with running("gsm0710muxd", "-s", path, "-m", option, "-f", "64", DBUS_SYSTEM_BUS_ADDRESS=bus):
                read_until(output(news), f'string "{MUXER}"'.encode())
                call("SetPower", "string:test", "boolean:true")
                # It lets the module rest for a quarter of a minute first, and says when it multiplexes.
                read_until(output(news), b"interface=org.pyneo.Powered; member=power")
                channels = [channel(call("GetDevice", f"string:{name}")) for name in ("first", "second")]
                talk(*channels)
                call("SetPower", "string:test", "boolean:false")
        with cmux.open(path, option=option) as mux:  # it was left so that the next host can have it
            port = mux.channel(1)
            port.timeout = 20
            port.write(b"AT\r")
            assert b"OK" in port.read_until(b"OK\r\n")


def channel(answer: str) -> int:
    found = re.search(r'string "file://(/dev/[^"]+)"', answer)
    assert found, answer
    return os.open(found[1], os.O_RDWR | os.O_NOCTTY)


def talk(first: int, second: int) -> None:
    """Ask on both, and answer on both: data both ways, and on the right one."""
    for fd in (first, second):
        os.write(fd, b"ATE0\r")
        read_until(fd, b"OK")
    os.write(first, b"AT+CGMM\r")
    os.write(second, b"AT+CMUX?\r")
    read_until(first, b"M10")
    read_until(second, b"+CMUX:")
    for fd in (first, second):
        os.close(fd)


def test_gsm0710muxd_multiplexes_the_emulated_module_in_both_options_and_leaves_it_in_order(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:  # at once, because it sleeps most of the time
        for done in [pool.submit(session, option, tmp_path / option) for option in ("basic", "advanced")]:
            done.result()
