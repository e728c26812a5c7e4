"""Plays a typed transcript of the app note against terminals of the emulated module."""

from __future__ import annotations

import re
from pathlib import Path

from emulator_host import Terminal

CHAPTER8 = Path(__file__).parents[1] / "transcripts" / "chapter8"
ADDRESS = re.compile(rb"10\.79\.\d+\.\d+")
_ESCAPES = {"r": "\r", "n": "\n", "\\": "\\", "x1a": "\x1a"}


def read(folder: Path) -> list[tuple[int, str, bytes]]:
    """Return the pieces of a conversation as (UART, direction, octets)."""
    pieces = []
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text(encoding="ascii").split("\n"):
            if not line or line.startswith("#"):
                continue
            uart, direction, text = line.split(" ", 2)
            plain = re.sub(r"\\(r|n|\\|x1a)", lambda match: _ESCAPES[match[1]], text)
            pieces.append((int(uart), direction, plain.encode("ascii")))
    return pieces


async def play(pieces: list[tuple[int, str, bytes]], uarts: dict[int, Terminal]) -> None:
    """Type what is typed, want what is said; addresses are learned from what the module says."""
    known: dict[bytes, bytes] = {}
    for number, direction, octets in pieces:
        uart = uarts[number]
        found = ADDRESS.search(octets)
        if direction == ">":
            uart.write(ADDRESS.sub(lambda match: known[match[0]], octets))
        elif found is None or found[0] in known:
            await uart.expect(ADDRESS.sub(lambda match: known[match[0]], octets))
        else:
            await uart.expect(octets[: found.start()])
            said = await uart.until(octets[found.end() :])
            known[found[0]] = said[: -len(octets[found.end() :])]
            assert known[found[0]].count(b".") == 3
    for uart in uarts.values():
        await uart.quiet()
    assert len(set(known.values())) == len(known)
