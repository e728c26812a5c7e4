"""hologram-python as the host of the emulated BG96 and EC25, by the pty: its registration, a socket, data pushed to it.

GSM0710_HOLOGRAM names a folder with it: ``pip install --no-deps --target FOLDER hologram-python==0.10.3 psutil pyroute2
python-pppd pyserial``; what else it names it needs for other modems.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from drivers.cli.emulate import BASE
from drivers.emulator import EmulatedModule

FOLDER = os.environ.get("GSM0710_HOLOGRAM", "")
if not FOLDER:
    pytest.skip("GSM0710_HOLOGRAM does not name the folder that hologram-python is in", allow_module_level=True)

DEADLINE = 60.0  # seconds; a run takes two
OCTETS = 1200
PROGRAM = """
import importlib, sys
name, path, port, octets = sys.argv[1:]
modem = getattr(importlib.import_module("Hologram.Network.Modem." + name), name)(
    device_name=path, baud_rate="115200", apn="internet")
print(modem.is_registered(), modem.modem_id, modem.imei, modem.imsi, modem.iccid, modem.operator, modem.signal_strength)
for turn in range(2):
    modem.create_socket()
    modem.connect_socket("127.0.0.1", int(port))
    print(modem.send_message(b"x" * int(octets), timeout=20))
    modem.urc_state = modem.SOCKET_INIT
    modem.command("+QICLOSE=0")
"""


@contextmanager
def server() -> Iterator[tuple[int, list[bytes]]]:
    """Answer each client once it has sent everything, and close."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, connection.makefile("rb") as stream:
                    came.append(stream.read(OCTETS))
                    connection.sendall(b"+QIURC: heard %d\r\n" % len(came))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1], came
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(DEADLINE)


@pytest.mark.parametrize(("model", "name"), [("bg96", "BG96"), ("ec25", "EC21")])
def test_it_registers_sends_and_reads_what_is_pushed(model: str, name: str) -> None:
    with EmulatedModule(model=model, behaviour=BASE) as module, server() as (port, came):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, name, module.serve_pty(), str(port), str(OCTETS)],
            env={**os.environ, "PYTHONPATH": FOLDER},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        known, *answers = done.stdout.splitlines()
        assert re.fullmatch(
            rf"True {model.upper()} \d{{15}} 460001234567890 89860012345678901234 CHINA MOBILE 28,99", known
        )
        assert answers == ["+QIURC: heard 1", "+QIURC: heard 2"]
        assert came == [b"x" * OCTETS] * 2
