"""Modules that cannot be multiplexed, or not well, and lines that are to blame: one for each hint, by its id."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import serial
from computers import Computer
from lax_peer import LaxModule, without_final
from mux_module import Module
from rate_module import RateModule

from cmux.line import locks
from cmux.line.physical import DescriptorLine
from cmux.protocol import Frame, FrameType, Option, diagnosis, encode, startup_steps
from cmux.protocol.commands import CLD
from cmux.protocol.messages import encode_message

UA = Frame(0, True, FrameType.UA, True)
DM = Frame(0, True, FrameType.DM, True)
LCP = bytes.fromhex("7E FF 7D 23 C0 21 7D 21 7D 21 7D 20 7D 34 7D 22 7D 26 7D 20 7D 20 7D 20 7D 20 D5 E3 7E")
"""The first frame of PPP, as RFC 1662 has it."""
NMEA = b"$GPRMC,120000.00,A,5230.0,N,01324.0,E,0.0,,291126,,,A*5C\r\n"
NOISE = bytes(range(0x80, 0xA0))
DAMAGED = bytes.fromhex("F9 03 73 01 D8 F9") * 3
"""UA with a wrong FCS."""


class Misfit(Module):
    """A module with an answer of its own to whatever comes.

    Args:
        says: returns what it says to some octets; None: what any module would.
        habits: see `mux_module.Habits`.
    """

    def __init__(self, says: Callable[[Misfit, bytes], bytes | None], **habits: object) -> None:
        super().__init__(**habits)
        self._says = says
        self.since_ok: float | None = None
        """When it said OK to AT+CMUX."""
        self.dead = False

    def _receive(self, data: bytes) -> None:
        said = b"" if self.dead else self._says(self, data)
        if said is None:
            super()._receive(data)
            self.since_ok = time.monotonic() if self.in_mux and self.since_ok is None else self.since_ok
        else:
            self._emit(said)

    def hang_up(self) -> None:
        """Be unplugged; to be called in its thread."""
        self._stop = True
        self._resource.close()


def always(octets: bytes) -> Callable[[Misfit, bytes], bytes]:
    """Say the same to whatever comes."""
    return lambda module, data: octets


def _dies_after(command: bytes) -> Callable[[Misfit, bytes], bytes | None]:
    def die(module: Misfit, data: bytes) -> bytes | None:
        module.dead = command in data
        return b"" if module.dead else None

    return die


def _adopted(module: Misfit, data: bytes) -> bytes:
    """Send a frame at first, and then nothing any more."""
    if b"AT\r" in data and not module.since_ok:
        module.since_ok = 1.0
        return encode(Frame(1, False, FrameType.UIH, False, b"hello"))
    return b""


def _deadlocks(module: Misfit, data: bytes) -> bytes | None:
    """Be deaf for ever to whoever sends a frame within 0.1 s after OK."""
    if module.since_ok is not None and module.in_mux and time.monotonic() < module.since_ok + 0.1:
        module.dead = True
        return b""
    return None


def _locked_up(module: Misfit, data: bytes) -> bytes:
    """Refuse whatever comes, as a module with a lock does."""
    return b"\r\n+CME ERROR: 11\r\n" * data.count(b"\r")


def _unplugged(module: Misfit, data: bytes) -> bytes | None:
    if b"AT+CMUX" not in data:
        return None
    module.hang_up()
    return b""


def _without_test(module: Misfit, data: bytes) -> bytes | None:
    return b"" if bytes.fromhex("23") in data and module.in_mux else None


class Leaver(Module):
    """A module that closes the session down when DLCI 1 is opened."""

    def _receive(self, data: bytes) -> None:
        if self.in_mux and encode(Frame(1, True, FrameType.SABM, True)) in data:
            self._emit(encode(Frame(0, False, FrameType.UIH, False, encode_message(CLD(), command=True))))
        else:
            super()._receive(data)


class Faint(Module):
    """A module that is silent for ever when DLCI 1 is opened."""

    def _receive(self, data: bytes) -> None:
        if self.in_mux and encode(Frame(1, True, FrameType.SABM, True)) in data:
            self.mute()
        super()._receive(data)


class Busy(Module):
    """A server of serial ports whose port another client has: it says so, and hangs up."""

    def _receive(self, data: bytes) -> None:
        os.write(self._fd, b"Port already in use\r\n")
        self._resource.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # it is on a TCP port
        self._stop = True


# --- One for each hint ---


@dataclass(frozen=True)
class Case:
    """A module, a line or a computer that a hint is for."""

    words: str
    """What ``doctor`` says to its user: a part that no other hint has."""
    module: Callable[[], Module] | None = None
    """The module; None: there is none."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings for `cmux.open`."""
    step: str = "verdict"
    """The step of ``doctor`` that has the id."""
    ok: bool = False
    """What that step has as ``ok``."""
    prepare: Callable[[Computer, str], object] = lambda computer, path: None
    """What is special about the computer, given the path of the module."""
    port: Callable[[Path], str] | None = None
    """The port that is opened, given a folder; None: that of the module."""
    answers: bool = True
    """Whether it answers AT: it is waited for then."""
    raises: bool = True
    """Whether opening the line raises the hint; else only ``doctor`` has it."""


def of(**habits: object) -> Callable[[], Module]:
    """A module of `mux_module`."""
    return lambda: Module(**habits)


def misfit(says: Callable[[Misfit, bytes], bytes | None], **habits: object) -> Callable[[], Module]:
    """A module of this file."""
    return lambda: Misfit(says, **habits)


def _locked(computer: Computer, path: str) -> None:
    """Let another program hold the lock, as `flock` sees it."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    fcntl.flock(fd, fcntl.LOCK_EX)
    computer.held.append(fd)


def _held(computer: Computer, path: str) -> None:
    """Let another program hold the lock, and the system know which."""
    computer.monkeypatch.setattr(locks, "holder", lambda name: "minicom (process 7)")


def _opening_fails(error: Exception) -> Callable[[Computer, str], None]:
    def prepare(computer: Computer, path: str) -> None:
        def fail(port: serial.Serial) -> None:
            raise error

        computer.monkeypatch.setattr(serial.Serial, "open", fail)

    return prepare


def _takes_nothing(computer: Computer, path: str) -> None:
    computer.monkeypatch.setattr(DescriptorLine, "write", lambda line, data, timeout: 0)
    computer.monkeypatch.setattr(startup_steps, "STALL", 0.02)


def _settled(computer: Computer, path: str) -> None:
    computer.monkeypatch.setattr(diagnosis, "USUAL_SETTLE", 0.01)


def _long_settled(computer: Computer, path: str) -> None:
    _settled(computer, path)
    computer.monkeypatch.setattr(diagnosis, "LONG_SETTLE", 0.01)


def _plain_file(folder: Path) -> str:
    (folder / "file").write_text("")
    return str(folder / "file")


RANGES = b"\r\n+CMUX: {},(0),(1-5),{},(1-255),(0-100),(2-255),(1-255),(1-7)\r\n\r\nOK\r\n"


def _allows(options: bytes = b"(0-1)", n1: bytes = b"(10-1509)") -> dict[str, object]:
    listed = RANGES.replace(b"{}", options, 1).replace(b"{}", n1, 1)
    return {"cmux_answer": b"\r\nERROR\r\n", "answers": {"AT+CMUX=?": listed}}


ERROR = {"cmux_answer": b"\r\nERROR\r\n"}
UNHEARD = {"answers_sabm": False}
NO_AT = {"answers_sabm": False, "starts_in_mux": True}
WITHOUT_AT = {"startup": "none"}
RTSCTS = {"rtscts": True}
ONCE = {"t1": 0.3, "t2": 0.6, "n2": 0}
"""One SABM, and time for a busy computer to hear what comes instead of UA."""

CASES: dict[str, Case] = {
    # --- the port ---
    "port-not-found": Case("Is the device plugged in?", port=lambda folder: str(folder / "ttyUSB7")),
    "port-busy": Case("Does another program use it", of(), prepare=_locked),
    "port-held": Case("End that program", of(), prepare=_held),
    "port-permission": Case(
        "not in the group that owns the port", of(), prepare=_opening_fails(PermissionError(errno.EACCES, "no"))
    ),
    "port-not-serial": Case("Give the path of a serial port", port=_plain_file),
    "port-no-hardware": Case("no hardware", of(), prepare=_opening_fails(OSError(errno.EIO, "Input/output error"))),
    "port-connection-refused": Case("Does a program listen there?", port=lambda folder: "socket://127.0.0.1:1"),
    "port-host": Case("does this computer reach it?", port=lambda folder: "socket://256.256.256.256:70"),
    "port-url": Case("rfc2217://HOST:PORT", port=lambda folder: "socket://127.0.0.1"),
    "port-unusable": Case(
        "Does the port take --baudrate", of(), prepare=_opening_fails(ValueError("a baud rate it has not"))
    ),
    # --- AT is not answered ---
    "silent": Case("is this the port for AT commands?", of(silent=True), answers=False),
    "silent-hurried": Case(
        "still booting, which takes up to 20 s (--open-timeout)", of(silent=True), {"open_timeout": 1}, answers=False
    ),
    "echo-only": Case("TX and RX are joined", misfit(lambda module, data: data), answers=False),
    "other-text": Case("those for positions and logs", misfit(always(NMEA)), answers=False),
    "unreadable": Case("its format not 8N1", misfit(always(NOISE)), answers=False),
    "at-refused": Case("It hears AT, and refuses even that", misfit(_locked_up), answers=False),
    "unheard": Case("the wire from TX here to RX there", misfit(always(b"\r\n+CREG: 2\r\n")), answers=False),
    "data-mode": Case("by --reset-command", misfit(always(LCP)), answers=False),
    "other-option": Case("Use --option basic", of(knows_at=False), {"option": "advanced"}),
    "other-rate": Case(
        "--baudrate 9600 saves the search", lambda: RateModule(9600), {"other_rates": (9600,)}, "note", raises=False
    ),
    # --- AT is answered, AT+CMUX is not, or with an error ---
    "at-lost": Case("for want of current?", misfit(_dies_after(b"AT+CFUN=1")), {"init": "AT+CFUN=1"}),
    "question-lost": Case("about AT+CMUX: cut its power, and try --no-ask", misfit(_dies_after(b"AT+CMUX?"))),
    "restarted": Case("is its supply strong enough?", of(after_ok=b"\r\nRDY\r\n", **UNHEARD)),
    "switched-off": Case(
        "is its supply of the right voltage", of(cmux_answer=b"\r\nUNDER_VOLTAGE POWER DOWN\r\n"), {"ask": False}
    ),
    "cmux-unanswered": Case("it wants another --start-command", of(cmux_answer=b""), {"ask": False}),
    "cmux-refused": Case("on another of its ports, or have none", of(**ERROR)),
    "sim-wanted": Case("--init can send AT+CPIN", of(cmux_answer=b"\r\n+CME ERROR: SIM PIN required\r\n")),
    "option-refused": Case("It has another framing: use --option advanced", of(**_allows(b"(1)"))),
    "n1-refused": Case("Give an --n1 that it allows", of(**_allows(n1=b"(10-128)")), {"n1": 200}),
    "rate-refused": Case("It may not have this rate: leave --mux-baudrate out", of(**ERROR), {"mux_baudrate": 460800}),
    "start-command-refused": Case("Is --start-command the command", of(), {"start_command": "AT#XCMUX=1"}),
    # --- frames are not answered ---
    "control-refused": Case("serve data channels: --adm", of(after_ok=encode(DM), **UNHEARD)),
    "late-refusal": Case("try again, or --adm", of(after_ok=encode(DM._replace(pf=False)), **UNHEARD)),
    "strict-final": Case(
        "which --strict-final discards: leave that out", lambda: LaxModule(without_final), {"strict_final": True}
    ),
    "sabm-too-early": Case(
        "SABM went out 0 s after OK, and many modules lose what comes so early", misfit(_deadlocks), {"settle": 0}
    ),
    "sabm-unanswered": Case(
        "(--settle, up to 4.5 s), be at another rate", of(**UNHEARD), {"settle": 0.01}, prepare=_settled
    ),
    "sabm-unanswered-settled": Case(
        "however long it was left alone", of(**UNHEARD), {"settle": 0.02}, prepare=_long_settled
    ),
    "mux-rate": Case(
        "Not one octet came at --mux-baudrate 460800",
        of(**UNHEARD),
        {"mux_baudrate": 460800, "settle": 0.01},
        prepare=_settled,
    ),
    "not-multiplexing": Case("it may be in AT mode (--startup at)", of(**NO_AT), WITHOUT_AT),
    "adopted-silent": Case("It sent frames before, and is silent now", misfit(_adopted)),
    "frames-echoed": Case("begun to multiplex: cut its power", of(echoes_frames=True, **UNHEARD), {**RTSCTS, **ONCE}),
    "frames-echoed-no-rtscts": Case("--init AT+IFC=2,2 and --rtscts", of(echoes_frames=True, **UNHEARD), ONCE),
    "looped-back": Case(
        "or is looped back, or the module is in AT mode (--startup at)",
        of(echoes_frames=True, **NO_AT),
        {**WITHOUT_AT, **ONCE},
    ),
    "still-at": Case("still in AT mode, or again", of(after_ok=b"\r\n+CREG: 1\r\n", **UNHEARD)),
    "text-without-at": Case(
        "the module is in AT mode: use --startup at", misfit(always(b"\r\nERROR\r\n"), **NO_AT), {**WITHOUT_AT, **ONCE}
    ),
    "other-framing": Case(
        "frames of the advanced option: use --option advanced",
        of(after_ok=encode(UA, Option.ADVANCED), **UNHEARD),
    ),
    "no-ua": Case(
        "Frames came, but no UA", of(after_ok=encode(Frame(1, False, FrameType.UIH, False, b"x")), **UNHEARD)
    ),
    "damaged-frames": Case("a lower --baudrate, or a shorter wire", of(after_ok=DAMAGED, **UNHEARD), RTSCTS),
    "damaged-frames-no-rtscts": Case("a lower --baudrate, or --rtscts", of(after_ok=DAMAGED, **UNHEARD)),
    "mux-unreadable": Case("neither frames nor text", of(after_ok=NOISE, **UNHEARD)),
    # --- the session ---
    "session-closed": Case("The module has closed the session", Leaver, raises=False),
    "session-lost": Case("The module does not answer any more", Faint, raises=False),
    "no-channel": Case("None of these channels opens", of(refuses=(1, 2)), raises=False),
    "some-channels": Case("name only those that do, 1", of(refuses=(2,)), step="channels", raises=False),
    "connection-closed": Case("does another client use this port?", lambda: Busy(tcp=True), raises=False),
    "line-gone": Case("was it unplugged, or its power cut?", misfit(_unplugged), raises=False),
    "line-stalled": Case("Flow control, or an adapter that hangs", of(), prepare=_takes_nothing, raises=False),
    "followed-rate": Case(
        "--mux-baudrate 115200 saves time",
        lambda: RateModule(9600, 115200),
        {"baudrate": 9600, "t1": 0.1, "t2": 0.15},
        "rate",
        raises=False,
        ok=True,
    ),
    "no-test": Case("--keep-alive msc", misfit(_without_test), step="Test", raises=False),
    # --- facts of the physical line ---
    "cts-off": Case(
        "No octet has left this computer: CTS is off",
        of(silent=True),
        RTSCTS,
        prepare=Computer.cts_is_off,
        answers=False,
    ),
    "cts-off-now": Case("CTS is off now", of(**UNHEARD), {**RTSCTS, "settle": 0}, prepare=Computer.cts_is_off),
    "not-8n1": Case("The line is set to 7E1", of(**UNHEARD), {"bytesize": 7}, prepare=Computer.seven_bits),
    "console": Case("is a console of this computer's kernel", of(silent=True), prepare=Computer.console, answers=False),
    "getty": Case("A login (agetty, process 812) runs on", of(silent=True), prepare=Computer.getty, answers=False),
    "usb-ports": Case(
        "/dev/ttyUSB0, /dev/ttyUSB1, /dev/ttyUSB3: use those, no multiplexer needed",
        of(**ERROR),
        prepare=Computer.on_usb,
    ),
    "latency-timer": Case("16 ms late", of(), step="line", prepare=Computer.latency, raises=False),
}
"""The cases by the id of the hint."""
