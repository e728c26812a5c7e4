"""What to do about a line that cannot be multiplexed, as data: each hint has an id that stays and a text.

A text names settings as marks, ``{settle}`` or ``{option=basic}``, so that each place shows them as its user writes
them: a keyword in Python, an option on the command line, a key in a file. ``<name>`` stands for a value that is known
later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

Named = Callable[[str, str | None], str]
"""Writes a setting, and perhaps a value of it, as the user writes it."""

_MARK = re.compile(r"\{(\w+)(?:=([^{}]*))?\}|<(\w+)>")
_PYTHON: Final = {"yes": "True", "no": "False"}


def as_keyword(name: str, value: str | None) -> str:
    """Write a setting as Python has it; see `Named`."""
    if value is None:
        return name
    number = value.replace(".", "", 1).isdigit()
    return f"{name}={value if number else _PYTHON.get(value) or chr(34) + value + chr(34)}"


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint."""

    id: str
    """Its name, which stays the same when the text is improved."""
    text: str
    """What it says, with marks."""
    values: tuple[tuple[str, str], ...] = ()
    """The values that are known."""

    def filled(self, **values: object) -> Hint:
        """Return the hint with values in their places.

        Args:
            values: the values, by the names of their places.
        """
        return replace(self, values=tuple((name, str(value)) for name, value in values.items()))

    def told(self, named: Named = as_keyword) -> str:
        """Return the text for a place.

        Args:
            named: how settings are written there.
        """
        known = dict(self.values)

        def write(mark: re.Match[str]) -> str:
            name, value, place = mark.groups()
            if name is None:
                return known.get(place, mark[0])
            return named(name, value and known.get(value[1:-1], value))

        return _MARK.sub(write, self.text)

    @property
    def settings(self) -> list[tuple[str, str | None]]:
        """The settings that it names, each with the value if it names one."""
        return [(mark[1], mark[2]) for mark in _MARK.finditer(self.text) if mark[1]]


HINTS: Final[Mapping[str, Hint]] = MappingProxyType(
    {
        hint.id: hint
        for hint in (
            # --- the port ---
            Hint(
                "port-not-found", "is the device plugged in? has it got another name, which gsm0710 ports would show?"
            ),
            Hint("port-busy", "does another program use it: ModemManager, another attach, a terminal program?"),
            Hint("port-held", "end that program, or wait for it; gsm0710 attach lets several programs use one line"),
            Hint("port-permission", "often the user is not in the group that owns the port: dialout, uucp"),
            Hint("port-not-serial", "give the path of a serial port, or a URL: socket://HOST:PORT"),
            Hint("port-no-hardware", "the system has a name for this port, and no hardware: try another number"),
            Hint("port-connection-refused", "does a program listen there? is it another port?"),
            Hint("port-host", "is the name or the address of the host right? does this computer reach it?"),
            Hint("port-url", "give a path, or a URL: socket://HOST:PORT, rfc2217://HOST:PORT"),
            Hint("port-unusable", "does the port take {baudrate}, and the other settings of the line?"),
            # --- AT is not answered ---
            Hint("silent", "is it switched on? is the baud rate right? is this the port for AT commands?"),
            Hint(
                "silent-hurried",
                "is it switched on, or still booting, which takes up to 20 s ({open_timeout})? is the baud rate right? "
                "is this the port for AT commands?",
            ),
            Hint("echo-only", "what came is what was sent: TX and RX are joined, or what is there echoes, and no more"),
            Hint(
                "other-text",
                "what came is text, but no answer: is this the port for AT commands? those for positions and logs "
                "talk by themselves",
            ),
            Hint(
                "unreadable",
                "what came is no text: is its baud rate another one ({baudrate}), or its format not 8N1? do TX, RX "
                "and GND have a good contact?",
            ),
            Hint(
                "at-refused",
                "it hears AT, and refuses even that: has it a lock, for which a terminal program can send the PIN or "
                "the password? if not, cut its power",
            ),
            Hint(
                "unheard",
                "the module talks, but does not hear: is the wire from TX here to RX there connected, and does it take "
                "this voltage?",
            ),
            Hint("other-rate", "{baudrate=<rate>} saves the search"),
            Hint("data-mode", "a call is up that +++ does not end: cut its power, by {reset_command} if you can"),
            Hint("other-option", "use {option=<option>}"),
            # --- AT is answered, AT+CMUX is not, or with an error ---
            Hint("at-lost", "does it start again, for want of current? has it changed its baud rate?"),
            Hint(
                "question-lost",
                "some modules do not bear to be asked about AT+CMUX: cut its power, and try {ask=no}",
            ),
            Hint(
                "cmux-unanswered",
                "it may be in multiplexer mode now: try again; or it wants another {start_command}",
            ),
            Hint(
                "cmux-refused",
                "it may need other parameters ({profile}), a command before it ({init}) or instead of it "
                "({start_command}), have its multiplexer on another of its ports, or have none",
            ),
            Hint("sim-wanted", "it wants a SIM that is in and unlocked: {init} can send AT+CPIN"),
            Hint("option-refused", "it has another framing: use {option=<option>}"),
            Hint("n1-refused", "give an {n1} that it allows, or none"),
            Hint("rate-refused", "it may not have this rate: leave {mux_baudrate} out"),
            Hint("start-command-refused", "is {start_command} the command of this module? without it, AT+CMUX is sent"),
            # --- frames are not answered ---
            Hint("control-refused", "some modules do this but still serve data channels: {adm=yes}"),
            Hint(
                "late-refusal",
                "DM came with F = 0, which may be about a session before this one: try again, or {adm=yes}",
            ),
            Hint("strict-final", "UA came with F = 0, which {strict_final} discards: leave that out"),
            Hint(
                "sabm-too-early",
                "not one octet came; SABM went out <seconds> s after OK, and many modules lose what comes so early, "
                "some until their power is cut: give it more silence, {settle=0.5}, or up to 4.5 s",
            ),
            Hint(
                "sabm-unanswered",
                "not one octet came; it may need more silence before SABM ({settle}, up to 4.5 s), be at another "
                "rate now ({mux_baudrate}), or need a longer {t1} or larger {n2}",
            ),
            Hint(
                "sabm-unanswered-settled",
                "not one octet came, however long it was left alone; it may be at another rate now "
                "({mux_baudrate}), or need a longer {t1} or larger {n2}",
            ),
            Hint(
                "mux-rate",
                "not one octet came at {mux_baudrate=<rate>}: the module may not have followed: try without, or "
                "another time of silence before SABM ({settle}, 0 to 4.5 s)",
            ),
            Hint(
                "not-multiplexing",
                "not one octet came; it may be in AT mode ({startup=at}), have changed its baud rate ({baudrate}), "
                "or need a longer {t1} or larger {n2}",
            ),
            Hint("adopted-silent", "it sent frames before, and is silent now: cut its power"),
            Hint(
                "frames-echoed",
                "our own SABM came back: the line echoes, or the module does, as in AT mode, and has not begun to "
                "multiplex: cut its power, and try again",
            ),
            Hint(
                "frames-echoed-no-rtscts",
                "our own SABM came back: the line echoes, or the module does, as in AT mode, and has not begun to "
                "multiplex; some begin only with RTS/CTS, which is not in force here: if these wires are there, "
                "{init=AT+IFC=2,2} and {rtscts=yes}",
            ),
            Hint(
                "looped-back",
                "our own SABM came back: the line echoes, or is looped back, or the module is in AT mode "
                "({startup=at})",
            ),
            Hint(
                "switched-off",
                "the module has switched itself off: is its supply of the right voltage, and strong enough?",
            ),
            Hint("restarted", "the module has started anew: is its supply strong enough?"),
            Hint(
                "still-at",
                "what came is text: the module is still in AT mode, or again: it may need another time of silence "
                "before SABM ({settle}, 0 to 4.5 s), or another {start_command}",
            ),
            Hint("text-without-at", "what came is text: the module is in AT mode: use {startup=at}"),
            Hint("other-framing", "what came are frames of the <option> option: use {option=<option>}"),
            Hint(
                "no-ua",
                "frames came, but no UA in time: does another program, or another host, talk to it? cut its power",
            ),
            Hint(
                "damaged-frames",
                "the frames that came are damaged: does the line lose octets? try a lower {baudrate}, or a shorter "
                "wire",
            ),
            Hint(
                "damaged-frames-no-rtscts",
                "the frames that came are damaged: does the line lose octets? try a lower {baudrate}, or "
                "{rtscts=yes}, which is not in force here",
            ),
            Hint("mux-unreadable", "what came is neither frames nor text: it may be at another rate ({mux_baudrate})"),
            # --- the session ---
            Hint(
                "session-lost",
                "the module does not answer any more: has it lost its supply? does the line lose octets? try a "
                "lower {baudrate}",
            ),
            Hint(
                "session-closed",
                "the module has closed the session, or started anew: is its supply strong enough?",
            ),
            Hint("no-channel", "none of these channels opens: try other numbers, or another {profile}"),
            Hint("some-channels", "not every channel opens: name only those that do, <dlcis>"),
            Hint("connection-closed", "the other end has closed the connection: does another client use this port?"),
            Hint("line-gone", "the line hung up: was it unplugged, or its power cut?"),
            Hint(
                "line-stalled",
                "flow control, or an adapter that hangs, holds the line: look at the wire to CTS, or plug it in again",
            ),
            Hint("followed-rate", "{mux_baudrate=<rate>} saves time"),
            Hint("no-test", "to notice that it is gone, {keep_alive=msc}"),
            # --- facts of the physical line ---
            Hint(
                "cts-off",
                "no octet has left this computer: CTS is off, and flow control by RTS/CTS is in force: {rtscts=no} "
                "does without, or the wire to CTS is missing, or the module is off or asleep",
            ),
            Hint(
                "cts-off-now",
                "CTS is off now, and flow control by RTS/CTS is in force: nothing leaves this computer any more; "
                "{rtscts=no} does without, or the module wants none: {init=AT+IFC=0,0}",
            ),
            Hint(
                "not-8n1",
                "the line is set to <format>, and modules talk 8N1: leave {bytesize} and {parity} out",
            ),
            Hint(
                "console",
                "<port> is a console of this computer's kernel, as /proc/consoles says: take it out of the command "
                "line of the kernel",
            ),
            Hint(
                "getty",
                "a login (<program>, process <process>) runs on <port> of this computer, and takes what the module "
                "says: systemctl stop serial-getty@<unit>",
            ),
            Hint(
                "usb-ports",
                "the module has further ports by USB, <ports>: use those, no multiplexer needed; perhaps not all of "
                "them are for AT commands",
            ),
            Hint(
                "latency-timer",
                "each answer comes up to <milliseconds> ms late, for the latency_timer of this FTDI adapter: sudo "
                "sh -c 'echo 1 > <path>' mends that until it is plugged in again",
            ),
        )
    }
)
"""The hints by id; docs/troubleshooting.md has the same table."""
