"""Debian's gsm0710muxd as the host of the emulated module, in both framings."""

from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from emulator_programs import Line, call, emulator, message_bus, running, wait_for

MUXER = ("org.pyneo.mux", "/org/pyneo/Muxer")


@pytest.mark.timeout(120)
@pytest.mark.interop("gsm0710muxd", "dbus-daemon", "dbus-send")
def test_a_tcp_session_through_its_channel_in_both_framings(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:  # at once, because it sleeps most of the time
        for done in [pool.submit(session, mode, tmp_path / mode) for mode in ("basic", "advanced")]:
            done.result()


def session(mode: str, link: Path) -> None:
    """Go through the multiplexer to a server and back."""
    with (
        emulator("--pty", link) as where,
        message_bus() as bus,
        running("gsm0710muxd", "-s", where, "-m", mode, DBUS_SYSTEM_BUS_ADDRESS=bus),
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        wait_for("the muxer", lambda: call(bus, *MUXER, "org.freedesktop.DBus.Introspectable.Introspect"))
        call(bus, *MUXER, "org.pyneo.Powered.SetPower", "string:test", "boolean:true")
        # It lets the modem rest for ten seconds before it says a word, and again before it multiplexes.
        found = wait_for(
            "a channel",
            lambda: re.search(r"/dev/pts/\d+", call(bus, *MUXER, "org.pyneo.Powered.GetDevice", "string:data")),
            60,
        )
        line = Line(found[0])
        try:
            assert "+CSQ: 99,99" in line.ask("AT+CSQ")  # it has sent AT+CFUN=0
            line.ask("ATE0")
            line.ask("AT+CFUN=1")
            line.ask("AT+QIFGCNT=0")
            line.ask("AT+QISDE=0")
            line.ask(f'AT+QIOPEN="TCP","127.0.0.1",{server.getsockname()[1]}', "CONNECT OK")
            connection, _ = server.accept()
            with connection:
                text = bytes(range(256)) * 5
                line.port.write(b"AT+QISEND=1280\r")
                assert line.port.read_until(b"> ").endswith(b"> ")
                line.port.write(text)
                assert line.port.read_until(b"SEND OK\r\n").endswith(b"SEND OK\r\n")
                connection.settimeout(10)
                received = b""
                while len(received) < len(text):
                    received += connection.recv(4096)
                assert received == text
                connection.sendall(text)
                assert line.port.read(len(text)) == text
            line.ask("AT+QIDEACT", "DEACT OK")
        finally:
            line.close()
