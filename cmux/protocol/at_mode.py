"""AT mode of a responder: command lines in, answers out, until AT+CMUX is accepted (27.007 §5.7, V.250)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..masking import masked
from .at_cmux import FIELDS, MODES, PORT_SPEEDS, SUBSETS
from .config import Config, Option
from .errors import ConfigError

OK: Final = "OK"
ERROR: Final = "ERROR"

MAX_LINE: Final = 256
"""Longest command line in characters; a longer one is answered with ERROR."""
MAX_WAITING: Final = 4096
"""Most octets kept behind a command that the owner has not answered yet; further ones are dropped and counted."""

_CONTROLS = bytes(octet for octet in range(32) if octet not in (8, 13)) + b"\x7f"
_CMUX = re.compile(r"\+CMUX(=\?|\?|=(.*))\Z", re.IGNORECASE)
_HARMLESS = re.compile(r"(?:E[01]?|Z\d?|I\d?)*\Z", re.IGNORECASE)
_ECHO = re.compile(r"E([01]?)", re.IGNORECASE)

_RANGES: Final = {
    "subset": (0, 1),
    "port_speed": (min(PORT_SPEEDS.values()), max(PORT_SPEEDS.values())),
    "N1": (1, 32767),
    "T1": (1, 255),
    "N2": (0, 255),
    "T2": (2, 255),
    "T3": (1, 255),
    "k": (1, 7),
}
"""The ranges that AT+CMUX= accepts, in its units: T1 and T2 in hundredths of a second, T3 in seconds."""


class AtMode:
    """Answers AT commands for a responder, before and between sessions.

    Args:
        config: the parameters of a session that AT+CMUX does not set.
        options: the framing options that AT+CMUX may ask for.
        forward: pass commands other than AT, ATE, ATZ, ATI and AT+CMUX to the owner; otherwise they get ERROR.
    """

    def __init__(self, config: Config, options: Sequence[Option], *, forward: bool = False) -> None:
        self._out = bytearray()
        self.asked: str | None = None
        """The command that the owner has to answer; what follows it waits."""
        self.discarded: int = 0
        """Octets that were dropped because there was no room for them behind such a command."""
        self._config = config
        self._options = tuple(options)
        self._forward = forward
        self._echo = True
        self._line = bytearray()
        self._waiting = bytearray()

    def __repr__(self) -> str:
        state = "ready" if self.asked is None else f"{masked(self.asked)!r} is to be answered"
        return f"<AtMode {state}, echo {'on' if self._echo else 'off'}>"

    def receive(self, data: bytes) -> Config | None:
        """Process octets, and answer the commands in them; no input raises.

        Args:
            data: any number of octets.

        Returns:
            The parameters of the session once an AT+CMUX has been answered with OK; `take_rest` then returns the octets
            that followed it. None until then.
        """
        self._waiting += data
        while self._waiting and self.asked is None:
            end = self._waiting.find(b"\r") + 1 or len(self._waiting)
            part = bytes(self._waiting[:end]).translate(None, _CONTROLS)
            del self._waiting[:end]
            if self._echo:
                self._out += part
            self._add(part.removesuffix(b"\r"))
            if part.endswith(b"\r") and (config := self._execute()) is not None:
                return config
        self.discarded += max(0, len(self._waiting) - MAX_WAITING)
        del self._waiting[MAX_WAITING:]
        return None

    def take_out(self) -> bytes:
        """Return the octets to send, and clear them."""
        out, self._out = bytes(self._out), bytearray()
        return out

    def take_rest(self) -> bytes:
        """Return the octets that have not been processed, and clear them."""
        rest, self._waiting = bytes(self._waiting), bytearray()
        return rest

    def answer(self, text: str) -> Config | None:
        """Answer the command in `asked`, and continue with the octets behind it.

        Args:
            text: lines, the last of which is a result code; an empty text sends nothing.

        Returns:
            What `receive` returns.
        """
        self.asked = None
        if text:
            self._reply(*text.splitlines())
        return self.receive(b"")

    def forget(self) -> None:
        """Forget an unfinished line: what follows is for a new session, or from a new peer."""
        self._line.clear()
        self._waiting.clear()
        self.asked = None

    def _add(self, text: bytes) -> None:
        for part in re.split(rb"(\x08)", text):
            if part == b"\x08":
                del self._line[-1:]
            else:
                self._line += part
        del self._line[MAX_LINE + 1 :]

    def _execute(self) -> Config | None:
        line = self._line.decode("latin-1")
        self._line.clear()
        start = line.upper().find("AT")
        if start < 0:
            return None
        command = line[start:].rstrip()
        body = command[2:].strip()
        if len(line) > MAX_LINE:
            self._reply(ERROR)
        elif (cmux := _CMUX.match(body)) is not None:
            return self._cmux(cmux)
        elif _HARMLESS.match(body):
            for on in _ECHO.findall(body):
                self._echo = on == "1"
            self._reply(OK)
        elif self._forward:
            self.asked = command
        else:
            self._reply(ERROR)
        return None

    def _cmux(self, asked: re.Match[str]) -> Config | None:
        if asked[1] == "=?":
            self._reply(f"+CMUX: {','.join(self._ranges())}", OK)
            return None
        if asked[1] == "?":
            self._reply(f"+CMUX: {','.join(map(str, self._present().values()))}", OK)
            return None
        config = self._asked_for(asked[2])
        self._reply(ERROR if config is None else OK)
        return config

    def _ranges(self) -> list[str]:
        modes = sorted(MODES[option] for option in self._options)
        spans = [(modes[0], modes[-1]), *_RANGES.values()]
        return [f"({low}-{high})" if low != high else f"({low})" for low, high in spans]

    def _present(self) -> dict[str, int]:
        config = self._config
        values = (
            MODES[self._options[0]],
            SUBSETS[config.frame_type],
            PORT_SPEEDS[115200],
            config.n1,
            round(config.t1 * 100),
            config.n2,
            round(config.t2 * 100),
            round(config.t3),
            config.k,
        )
        return dict(zip(FIELDS, values, strict=True))

    def _asked_for(self, text: str) -> Config | None:
        """Return the parameters that AT+CMUX= asks for; None if it may not ask for them."""
        parts = [part.strip() for part in text.split(",")]
        if len(parts) > len(FIELDS) or not all(part.isdecimal() or not part for part in parts):
            return None
        given = {name: int(part) for name, part in zip(FIELDS, parts, strict=False) if part}
        values = {**self._present(), **given}
        options = [option for option in self._options if MODES[option] == values["mode"]]
        in_range = all(low <= values[name] <= high for name, (low, high) in _RANGES.items())
        if not options or not in_range:
            return None
        kinds = {subset: kind for kind, subset in SUBSETS.items()}
        settled: dict[str, object] = {"option": options[0]}
        if options[0] is not self._config.option and "N1" not in given:
            settled["n1"] = 0  # the default of that option: ours is for the other one
        elif "N1" in given:
            settled |= {"n1": values["N1"], "n1_receive": max(values["N1"], self._config.n1_receive)}
        for name, field, value in (
            ("subset", "frame_type", kinds[values["subset"]]),
            ("T1", "t1", values["T1"] / 100),
            ("N2", "n2", values["N2"]),
            ("T2", "t2", values["T2"] / 100),
            ("T3", "t3", float(values["T3"])),
            ("k", "k", values["k"]),
        ):
            if name in given:
                settled[field] = value
        if "T1" in given and "T2" not in given:
            settled["t2"] = 0.0  # follows T1
        try:
            return replace(self._config, **settled)  # type: ignore[arg-type]  # the fields were named just now
        except ConfigError:  # values that do not go together, such as T2 below T1
            return None

    def _reply(self, *lines: str) -> None:
        for line in lines:
            self._out += f"\r\n{line}\r\n".encode("latin-1", "replace")
