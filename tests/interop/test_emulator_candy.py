"""candy-board-qws as the host of the emulated EC25, by the pty: contexts, network, SIM, module and satellites.

GSM0710_CANDY names a folder with it: ``pip install --no-deps --target FOLDER candy-board-qws==3.1.0``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from drivers.cli.emulate import BASE
from drivers.emulator import EmulatedModule

FOLDER = os.environ.get("GSM0710_CANDY", "")
if not FOLDER:
    pytest.skip("GSM0710_CANDY does not name the folder that candy-board-qws is in", allow_module_level=True)

DEADLINE = 120.0  # seconds; each command takes a tenth
PROGRAM = """
import json, logging, logging.handlers, sys
logging.handlers.SysLogHandler = lambda **_: logging.NullHandler()  # no /dev/log here
import candy_board_qws
server = candy_board_qws.SockServer("1", serial=candy_board_qws.LazySerialPort(sys.argv[1], 115200))
for line in sys.stdin:
    print(server.perform(json.loads(line)), flush=True)
"""


def perform(module: EmulatedModule, *commands: str) -> list[Any]:
    """Have it carry out commands, each a category, an action and settings; returns what it says of each."""
    lines = []
    for command in commands:
        category, action, *settings = command.split()
        lines.append({"category": category, "action": action, **dict(one.split("=") for one in settings)})
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module.serve_pty()],
        input="\n".join(map(json.dumps, lines)),
        env={**os.environ, "PYTHONPATH": FOLDER},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [answer["result"] if answer["status"] == "OK" else answer for answer in answers]


def test_contexts_are_set_listed_and_deleted() -> None:
    with EmulatedModule(model="ec25", behaviour=BASE) as module:
        set_up, listed, deleted, empty = perform(
            module, "apn set name=internet user_id=someone password=secret", "apn ls", "apn del", "apn ls"
        )
        assert (set_up, deleted) == ("", "")
        assert listed == {"apns": [{"apn_id": "1", "apn": "internet", "user": "someone"}]}
        assert empty == {"apns": []}


def test_the_network_is_left_and_found_again() -> None:
    with EmulatedModule(model="ec25", behaviour=BASE) as module:
        first, left, second, found, third = perform(
            module, "network show", "network deregister", "network show", "network register", "network show"
        )
        assert third == {**first, "operator": "46000"}  # it asks for AT+COPS=0,2
        assert first["operator"] == "CHINA MOBILE"
        assert first["registration"] == {"cs": "Registered", "ps": "Registered", "eps": "Registered"}
        assert (first["access"], first["band"], first["rssi"]) == ("FDD LTE", "LTE BAND 3", "-57")
        assert (left, found) == ("", {"mode": "0"})
        assert set(second["registration"].values()) == {"Unregistered"}


def test_sim_and_module_are_shown_initialised_reset_and_switched_off() -> None:
    with EmulatedModule(model="ec25", behaviour=BASE, number="+491701234567") as module:
        sim, shown, initialised, reset, off = perform(
            module, "sim show", "modem show", "modem init counter_reset=yes baudrate=115200", "modem reset", "modem off"
        )
        assert sim == {
            "msisdn": "+491701234567",
            "imsi": "460001234567890",
            "iccid": "89860012345678901234",
            "state": "SIM_STATE_READY",
        }
        assert (shown["manufacturer"], shown["model"], shown["revision"]) == ("Quectel", "EC25", "EC25EFAR06A01M4G")
        assert (shown["imei"], shown["functionality"]) == ("861107030000012", "Full")
        assert shown["counter"] == {"tx": "0", "rx": "0"}
        assert initialised == {"counter_reset": "OK", "baudrate": "OK"}
        assert (reset, off) == ("", "")


def test_satellites_are_looked_for_and_none_is_found() -> None:
    with EmulatedModule(model="ec25", behaviour=BASE) as module:
        before, started, running, place, ended = perform(
            module, "gnss status", "gnss start qzss=yes", "gnss status", "gnss locate", "gnss stop"
        )
        assert before == {"session": "stopped", "qzss": "enabled"}
        assert running == {"session": "started", "qzss": "enabled"}
        assert place == {"status": "ERROR", "result": "Not fixed yet"}
        assert (started, ended) == ("", "")
