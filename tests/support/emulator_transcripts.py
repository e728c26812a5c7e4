"""Typed transcripts of the app note, and playing those where only UARTs speak."""

from __future__ import annotations

import re
from pathlib import Path

from emulator_host import Terminal

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
CHAPTER8 = TRANSCRIPTS / "chapter8"
ADDRESS = re.compile(rb"10\.79\.\d+\.\d+")
_ESCAPES = {"r": "\r", "n": "\n", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:(r|n|\\)|x([0-9a-f]{2}))")


def read(folder: Path) -> list[tuple[int, str, bytes]]:
    """Return the pieces of a conversation of UARTs as (UART, direction, octets)."""
    return [
        (int(who), direction, octets)
        for path in sorted(folder.glob("*.txt"))
        for who, direction, octets in pieces_of(path)
    ]


def pieces_of(path: Path) -> list[tuple[str, str, bytes]]:
    """Return the pieces of one file as (who, direction, octets)."""
    pieces = []
    for line in path.read_text(encoding="ascii").split("\n"):
        if not line or line.startswith("#"):
            continue
        who, direction, text = (line + " ").split(" ", 2)
        plain = _ESCAPE.sub(lambda match: _ESCAPES[match[1]] if match[1] else chr(int(match[2], 16)), text[:-1])
        pieces.append((who, direction, plain.encode("latin-1")))
    return pieces


class Addresses:
    """The module's addresses in place of those that are printed."""

    def __init__(self) -> None:
        self.known: dict[bytes, bytes] = {}

    def put_in(self, octets: bytes) -> bytes:
        return ADDRESS.sub(lambda match: self.known[match[0]], octets)

    async def expect(self, uart: Terminal, octets: bytes) -> None:
        """Want these octets; an address that is not known yet is learned."""
        found = ADDRESS.search(octets)
        if found is None or found[0] in self.known:
            await uart.expect(self.put_in(octets))
            return
        await uart.expect(octets[: found.start()])
        said = await uart.until(octets[found.end() :])
        self.known[found[0]] = said[: -len(octets[found.end() :])]
        assert self.known[found[0]].count(b".") == 3


async def play(pieces: list[tuple[int, str, bytes]], uarts: dict[int, Terminal]) -> None:
    """Type what is typed, want what is said; addresses are learned from what the module says."""
    addresses = Addresses()
    for number, direction, octets in pieces:
        if direction == ">":
            uarts[number].write(addresses.put_in(octets))
        else:
            await addresses.expect(uarts[number], octets)
    for uart in uarts.values():
        await uart.quiet()
    assert len(set(addresses.known.values())) == len(addresses.known)
