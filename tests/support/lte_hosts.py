"""A Quectel LTE module in a few lines, with remote hosts behind its sockets; not the emulated one in anything."""

from __future__ import annotations

from silent_module import ERROR, OK, PROMPT, SilentModule, lines

ADDRESS = "10.0.0.1"
PEER = '"10.0.0.7",80'
BUFFERED, PUSHED, TRANSPARENT = range(3)
LONGEST_READ = 1500


class LteModule(SilentModule):
    """The module, with one context and up to twelve sockets that the driver opens.

    Args:
        sizes: how many octets it gives for each AT+QIRD at the most, in turns.
    """

    def __init__(self, sizes: list[int] | None = None) -> None:
        super().__init__()
        self.answers = {"AT+QIDEACT": OK, "AT+QICLOSE": OK}
        self.modes: dict[int, int] = {}
        """The access mode of each socket."""
        self.active: set[int] = set()
        """The contexts that are active."""
        self.online: int | None = None
        """The socket that has the port, in data mode."""
        self._sizes, self._reads = sizes or [LONGEST_READ], 0
        self._kept: dict[int, bytearray] = {}
        self._totals: dict[int, int] = {}
        self._told: set[int] = set()
        self._behind = b""

    def feed(self, octets: bytes) -> bytes:
        """See `SilentModule`."""
        if self.online is None:
            return super().feed(octets)
        if octets != b"+++":
            return b""
        self.modes[self.online], self.online = BUFFERED, None
        return OK

    def delay(self, octets: bytes) -> float:
        """See `SilentModule`: OK comes after the silence behind ``+++``."""
        return 1.0 if self.online is not None and octets == b"+++" else 0.0

    @property
    def apart(self) -> bool:
        """See `TalkingModule`."""
        return self.online is None

    def behind(self, octets: bytes) -> None:
        """See `TalkingModule`."""
        self._behind += octets

    def comes(self, number: int, data: bytes) -> bytes:
        """See `TalkingModule`."""
        if self.online == number:
            return data
        if self.modes[number] == PUSHED:
            pieces = [data[at : at + LONGEST_READ] for at in range(0, len(data), LONGEST_READ)]
            return b"".join(lines(f'+QIURC: "recv",{number},{len(piece)}') + piece for piece in pieces)
        self._kept[number] += data
        if number in self._told or not data:
            return b""
        self._told.add(number)
        return lines(f'+QIURC: "recv",{number}')

    def _usual(self, text: str) -> bytes:
        said, self._behind = self._answer(text) + self._behind, b""
        return said

    def _answer(self, text: str) -> bytes:
        name, _, given = text.removeprefix("AT+").partition("=")
        values = given.split(",")
        if name == "QIACT":
            self.active.add(int(given))
            return OK
        if text == "AT+QIACT?":
            return lines(*(f'+QIACT: {one},1,1,"{ADDRESS}"' for one in sorted(self.active))) + OK
        if name == "QIDEACT":
            self.active.discard(int(given))
            return OK
        if name == "QIOPEN":
            return self._open(values)
        if name == "QISWTMD":
            return self._switch(int(values[0]), int(values[1]))
        if name == "QICLOSE":
            self.modes.pop(int(values[0]), None)
            return OK
        if name == "QISEND":
            return self._send(values)
        if name == "QIRD":
            return self._read(int(values[0]), int(values[1]) if len(values) > 1 else LONGEST_READ)
        if text == "ATO":
            return lines("NO CARRIER")
        return OK

    def _open(self, values: list[str]) -> bytes:
        number, mode = int(values[1]), int(values[6]) if len(values) > 6 else BUFFERED
        self.modes[number] = mode
        self._kept[number] = bytearray()
        self._totals[number] = 0
        self._told.discard(number)
        if mode == TRANSPARENT:
            self.online = number
            return lines("CONNECT")
        return OK + lines(f"+QIOPEN: {number},0")

    def _switch(self, number: int, mode: int) -> bytes:
        self.modes[number] = mode
        kept = bytes(self._kept[number])
        if mode == BUFFERED:
            return OK
        self._kept[number].clear()
        self._told.discard(number)
        if mode == TRANSPARENT:
            self.online = number
            return lines("CONNECT") + kept
        return OK + (lines(f'+QIURC: "recv",{number},{len(kept)}') + kept if kept else b"")

    def _send(self, values: list[str]) -> bytes:
        number = int(values[0])
        if number not in self.modes:
            return ERROR
        if values[1] == "0":
            self._data = 0
            total = self._totals[number]
            return lines(f"+QISEND: {total},{total},0") + OK
        self._totals[number] += int(values[1])
        return PROMPT

    def _read(self, number: int, most: int) -> bytes:
        if number not in self.modes:
            return ERROR
        kept = self._kept[number]
        if not most:
            total = self._totals[number]
            return lines(f"+QIRD: {total},{total - len(kept)},{len(kept)}") + OK
        self._reads += 1
        data = bytes(kept[: min(most, LONGEST_READ, self._sizes[self._reads % len(self._sizes)])])
        del kept[: len(data)]
        if not kept:
            self._told.discard(number)
        return b"\r\n+QIRD: %d\r\n%b" % (len(data), data) + (b"\r\n" if data else b"") + OK
