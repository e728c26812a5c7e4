"""A remote host that talks like the module: its data have the lines that end sessions, in whole and in halves.

Invariants, for each way in which data is received:
1. Where data is counted (``buffered``, ``header``, with MUXIP or without) and in data mode, each session receives the
   octets of its remote host, exactly and in order, and then the end that the module reports; in both shells.
2. No octet of a remote host changes the state of the driver: it sends nothing because of it (in data mode: no more than
   ``+++`` and ATO, by which it makes sure that CLOSED was data), and holds its context.
3. Bare data in which no line begins that the module says unasked is received exactly, too. With such lines no more is
   promised (docs/security.md) than that nothing leaves the driver that is not of the documented tree.
"""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from leaping import SHELLS, bench
from silent_module import OK, SilentModule, lines
from talking_hosts import SEND, WAIT, Comes, drive, pieces_of, portions, received, scripts_of, sizes

from drivers.errors import DriverError

LINES = [
    *(
        b"CLOSED",
        b"0, CLOSED",
        b"1, CLOSED",
        b"+PDP DEACT",
        b"+PDP: DEACT",
        b"SEND OK",
        b"SEND FAIL",
        b"IPD5:",
        b"IPD0:",
    ),
    *(
        b"IPD5TCP:",
        b"+RECEIVE: 0, 4",
        b"+RECEIVE: 1, 1460",
        b"+QIRDI: 0,1,0",
        b"+QIRDI: 0,1,1",
        b"+QIRD: 1.2.3.4:80,TCP,3",
    ),
    *(b"OK", b"ERROR", b"+CME ERROR: 3", b"NO CARRIER", b"RDY", b"NORMAL POWER DOWN", b"SERVER CLOSE", b"CONNECT"),
    *(b"REMOTE IP: 1.2.3.4", b"RECV FROM:10.0.0.1:80", b"TO:10.0.0.7", b"CONNECT OK", b"CONNECT FAIL", b"DEACT OK"),
    *(b"CLOSE OK", b"STATE: IP INITIAL", b"> ", b"\x1a", b"\x1b", b"AT+QICLOSE", b"+++"),
]
scripts = scripts_of(pieces_of(LINES), WAIT)
WORDS = [
    *(b"CLOSED", b"0, CLOSED", b"1, CLOSED", b"+PDP", b"+QIRDI:", b"REMOTE IP", b"RECV FROM:", b"TO:", b"SERVER CLOSE"),
    *(b"RDY", b"NORMAL POWER DOWN"),
]
"""With what lines begin that the module may say unasked, so that in bare data they are not taken for data."""


class _Module(SilentModule):
    """A module whose sessions have hosts behind them.

    Args:
        receive: how it gives their data out.
        muxip: whether there are several sessions.
        shown: the lines and headers that go before data.
        sizes: how many octets it gives for each AT+QIRD at the most, in turns.
    """

    def __init__(
        self, receive: str, *, muxip: bool = False, shown: frozenset[str] = frozenset(), sizes: list[int]
    ) -> None:
        super().__init__()
        self.receive, self.muxip, self.shown = receive, muxip, shown
        self._sizes, self._reads = sizes, 0
        self._kept: dict[int, bytearray] = {0: bytearray(), 1: bytearray()}
        self._told: set[int] = set()
        self._behind = b""
        self.online = False

    def feed(self, octets: bytes) -> bytes:
        """See `SilentModule`."""
        if not self.online:
            return super().feed(octets)
        if octets != b"+++":
            return b""
        self.online = False
        return OK

    def delay(self, octets: bytes) -> float:
        """See `SilentModule`: OK comes after the silence behind ``+++`` (app note 3.3)."""
        return 0.6 if self.online and octets == b"+++" else 0.0

    @property
    def apart(self) -> bool:
        """See `TalkingModule`."""
        return self.receive in ("buffered", "header")

    def behind(self, octets: bytes) -> None:
        """See `TalkingModule`."""
        self._behind += octets

    def comes(self, index: int, data: bytes) -> bytes:
        """See `TalkingModule`."""
        if self.receive == "data mode":
            if self.online:
                return data
            self._kept[0] += data
            return b""
        if self.receive == "bare":
            return data
        if self.receive == "buffered":
            self._kept[index] += data
            if index in self._told:
                return b""
            self._told.add(index)
            return lines(f"+QIRDI: 0,1,{index}")
        count = len(data)
        first = [f"+RECEIVE: {index}, {count}"] if self.muxip else []
        first += ["RECV FROM:10.0.0.1:80"] if "QISHOWRA" in self.shown else []
        first += ["TO:10.0.0.1"] if "QISHOWLA" in self.shown else []
        kind = "TCP" if "QISHOWPT" in self.shown else ""
        counted = f"IPD{count}{kind}:" if not self.muxip or "QIHEAD" in self.shown else ""
        return ("\r\n" * bool(first) + "".join(f"{line}\r\n" for line in first) + counted).encode() + data

    def _usual(self, text: str) -> bytes:
        if text.startswith("AT+QIOPEN="):
            self.state = "CONNECT OK"
            self.online = self.receive == "data mode"
            return OK + lines("CONNECT" if self.online else f"{text[10]}, CONNECT OK" if self.muxip else "CONNECT OK")
        if text.startswith("AT+QIRD="):
            return self._read(int(text.split(",")[2]), int(text.split(",")[3]))
        if text == "ATO":
            self.online, kept = True, bytes(self._kept[0])
            self._kept[0].clear()
            return lines("CONNECT") + kept
        said, self._behind = super()._usual(text) + self._behind, b""
        return said

    def _read(self, index: int, most: int) -> bytes:
        self._reads += 1
        kept = self._kept[index]
        data = bytes(kept[: min(most, self._sizes[self._reads % len(self._sizes)])])
        del kept[: len(data)]
        if not data:
            self._told.discard(index)
            return OK
        return b"\r\n+QIRD: 10.0.0.1:80,TCP,%d\r\n%b" % (len(data), data) + OK


@given(
    st.sampled_from(SHELLS),
    st.sampled_from(["buffered", "header"]),
    st.booleans(),
    st.sets(st.sampled_from(["QISHOWRA", "QISHOWLA", "QIHEAD", "QISHOWPT"])).map(frozenset),
    scripts,
    portions,
    sizes,
)
def fuzz_counted_data(
    shell: str,
    receive: str,
    muxip: bool,
    shown: frozenset[str],
    script: list[Comes | str],
    portion: int,
    sizes: list[int],
) -> None:
    module = _Module(receive, muxip=muxip, shown=shown, sizes=sizes)
    with bench(shell, module) as made:
        driver = made.driver(initialise=(), receive=receive, muxip=muxip, show=tuple(sorted(shown)))
        sessions = [driver.connect("TCP", "10.0.0.1", 80) for _ in range(1 + muxip)]
        made.divide(portion)
        begun = len(module.commands)
        sent = drive(module, made, sessions, script, driver.name_servers)
        for session, data in zip(sessions, sent, strict=True):
            assert received(session, len(data)) == data
            assert session.open
        asked = {text.partition("=")[0] for text in module.commands[begun:]}
        assert asked <= {"AT+QIRD", "AT+QISEND", "AT+QISRVC", "AT+QISRVC?", "AT+QIDNSCFG?"}, asked
        assert driver.table.state(0) == ("IP PROCESSING" if muxip else "CONNECT OK")
        made.say(lines("0, CLOSED" if muxip else "CLOSED"))
        assert sessions[0].recv(1) == b""
        assert all(session.open for session in sessions[1:])
        driver.close()


@given(scripts, portions)
def fuzz_data_mode(script: list[Comes | str], portion: int) -> None:
    module = _Module("data mode", sizes=[1])
    with bench("aio", module) as made:
        driver = made.driver(initialise=(), transparent=True)
        session = driver.connect("TCP", "10.0.0.1", 80)
        made.divide(portion)
        begun = len(module.commands)
        (data,) = drive(module, made, [session], script, driver.name_servers)
        assert received(session, len(data)) == data
        assert session.open
        assert set(module.commands[begun:]) <= {"ATO"}
        driver.escape()
        driver.resume()
        assert session.open
        driver.close()
        assert not driver.table.held(0)


@given(st.sampled_from(SHELLS), scripts, portions)
def fuzz_bare_data(shell: str, script: list[Comes | str], portion: int) -> None:
    module = _Module("bare", sizes=[1])
    with bench(shell, module) as made:
        driver = made.driver(initialise=(), receive="bare")
        session = driver.connect("TCP", "10.0.0.1", 80)
        made.divide(portion)
        with suppress(DriverError):
            told = [what for what in script if what != SEND]
            (data,) = drive(module, made, [session], told, driver.name_servers)
            every = b"".join(what.data for what in script if isinstance(what, Comes))
            plain = not any(b"\r\n" + word in every for word in WORDS)
            assert received(session, len(data)) == data or not plain
            assert session.open or not plain
        with suppress(DriverError):
            driver.close()
        assert not driver.table.held(0)
