"""A conversation on several virtual UARTs, shown while it takes place: as text, or as one JSON object per line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import IO

from cmux.cli.progress import aside

from .demo_steps import DemoStep

_NAMES = {0x1A: "<Ctrl+Z>", 0x1B: "<ESC>"}
_COLOURS = {1: "36", 2: "33", 3: "35"}
_MOST_HELD = 1024  # lines of other UARTs; further ones push the oldest out before its step
_LONGEST_LINE = 4096
_DIM, _BOLD, _GREEN, _RED = "2", "1", "32", "31"


class Transcript:
    """Collects the octets of several threads and writes them as lines.

    Each step belongs to one UART. What another UART says meanwhile is written under the next step of that UART, as in
    the app note. Octets before the first TCP/IP command of a UART are marked as set-up: they are not part of it.

    Args:
        out: the file to which the lines are written.
        colour: use colours.
        as_json: one JSON object per line instead of text.
    """

    def __init__(self, out: IO[str], *, colour: bool, as_json: bool) -> None:
        self._out = out
        self._colour = colour
        self._as_json = as_json
        self._lock = threading.Lock()
        self._partial: dict[int, tuple[str, bytes]] = {}
        self._begun: set[int] = set()
        self._step: DemoStep | None = None
        self._held: list[tuple[int, str, bytes]] = []

    def tap(self, uart: int) -> Callable[[str, bytes], None]:
        """Return a callback for the octets of one virtual UART."""

        def take(direction: str, octets: bytes) -> None:
            with self._lock:
                self._take(uart, direction, octets)

        return take

    def note(self, text: str, kind: str = "set-up") -> None:
        """Write a line that is not part of the conversation."""
        with self._lock:
            self._write({"note": text}, self._paint(f"({kind}) {text}", _DIM))

    def step(self, step: DemoStep) -> None:
        """Write the heading of a step."""
        with self._lock:
            if self._step is not None:
                self._flush(self._step.uart)
            self._step = step
            place = f"§{step.section} " if step.section else ""
            heading = f"\n{place}VIRTUAL_UART_{step.uart}: {step.title}"
            facts = {"step": step.name, "section": step.section, "uart": step.uart, "title": step.title}
            self._write(facts, self._paint(heading, _BOLD))
            self._release(step.uart)

    def end(self, ok: bool, text: str, **facts: object) -> None:
        """Write how the conversation ended."""
        with self._lock:
            self._step = None
            for uart in list(self._partial):
                self._flush(uart)
            self._release()
            if ok:
                self._write({"ok": True, **facts}, "\n" + self._paint(text, _GREEN))
            else:
                self._write({"ok": False, **facts}, "\n" + self._paint(text, _RED))

    def _take(self, uart: int, direction: str, octets: bytes) -> None:
        if direction == "tx" and octets.startswith(b"AT+QI"):
            self._begun.add(uart)
        before, held = self._partial.get(uart, (direction, b""))
        if before != direction:
            self._flush(uart)
            held = b""
        # A line ends with CR LF from the module and with CR to it.
        end = b"\n" if direction == "rx" else b"\r"
        *whole, rest = (held + octets).split(end)
        for line in whole:
            self._line(uart, direction, line + end)
        self._partial[uart] = (direction, rest)
        if len(rest) > _LONGEST_LINE:
            self._flush(uart)

    def _release(self, uart: int | None = None) -> None:
        """Write the lines that were held of one UART, or of all."""
        held, self._held = self._held, []
        for line in held:
            if uart in (None, line[0]):
                self._line(*line)
            else:
                self._held.append(line)

    def _flush(self, uart: int) -> None:
        direction, rest = self._partial.pop(uart, ("rx", b""))
        if rest:
            self._line(uart, direction, rest)

    def _line(self, uart: int, direction: str, octets: bytes) -> None:
        if self._step is not None and uart != self._step.uart:
            self._held.append((uart, direction, octets))
            if len(self._held) <= _MOST_HELD:
                return
            uart, direction, octets = self._held.pop(0)
        set_up = uart not in self._begun
        if self._as_json:
            facts = {"uart": uart, "direction": direction, "octets": octets.hex(), "set_up": set_up}
            self._write(facts, "")
            return
        text = octets.rstrip(b"\r\n")
        if not text:
            return
        shown = "".join(_NAMES.get(octet) or (chr(octet) if 32 <= octet < 127 else f"<{octet:02X}>") for octet in text)
        arrow = "->" if direction == "tx" else "<-"
        line = f"  VIRTUAL_UART_{uart} {arrow} {shown}"
        self._write(
            {}, self._paint(line + "  (set-up)", _DIM) if set_up else self._paint(line, _COLOURS.get(uart, "0"))
        )

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _write(self, facts: dict[str, object], text: str) -> None:
        with aside():
            print(json.dumps(facts) if self._as_json else text, file=self._out, flush=True)
