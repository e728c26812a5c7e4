"""Debian's gsm0710muxd, the multiplexer in C that a user would take instead: on a message bus of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from peers import Program, within

NAME = "gsm0710muxd"
NEEDED = (NAME, "dbus-daemon", "dbus-send")
_NULL = subprocess.DEVNULL
LONGEST = 127
"""The longest information field that it handles: of longer ones it loses all data."""
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


def program(name: str) -> str | None:
    """Return the path of a program, also where daemons are."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


def installed() -> bool:
    """Return whether it can be the reference."""
    return all(program(name) for name in NEEDED)


@contextmanager
def gsm0710muxd(line: str, channels: int = 1, n1: int = LONGEST) -> Iterator[list[int]]:
    """Run it on the line of a module; gives descriptors of the ptys of its channels.

    It lets the module rest for a quarter of a minute first.
    """
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muxd-")))
        address = f"unix:path={place / 'bus'}"
        (place / "bus.conf").write_text(BUS % (place / "bus"), encoding="utf-8")
        words = ["--nofork", f"--config-file={place / 'bus.conf'}", "--print-address=1"]
        stack.enter_context(Program(program("dbus-daemon") or "", *words, ready="^unix:"))
        words = ["-s", os.path.realpath(line), "-m", "basic", "-f", str(n1), "-b", "115200"]
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": address}
        daemon = subprocess.Popen([program(NAME) or "", *words], env=environment, stdout=_NULL, stderr=_NULL)
        stack.callback(daemon.wait, 20)
        stack.callback(daemon.kill)
        for _ in within(20, NAME):
            if "boolean" in _call(address, "GetPower", "string:bench"):
                break
            time.sleep(0.1)
        _call(address, "SetPower", "string:bench", "boolean:true")
        opened: list[int] = []
        for number in range(channels):
            for _ in within(90, f"{NAME}, channel {number + 1}"):
                found = re.search(r'"(?:file://)?(/dev/[^"]+)"', _call(address, "GetDevice", f"string:app{number}"))
                if found:
                    break
                time.sleep(0.5)
            assert found
            opened.append(os.open(found[1], os.O_RDWR | os.O_NOCTTY))
            stack.callback(os.close, opened[-1])
            tty.setraw(opened[-1])
        yield opened


def _call(address: str, method: str, *arguments: str) -> str:
    command = [program("dbus-send") or "", f"--bus={address}", "--print-reply", "--reply-timeout=60000"]
    command += ["--type=method_call", "--dest=org.pyneo.mux", "/org/pyneo/Muxer", f"org.pyneo.Powered.{method}"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=90).stdout
