"""What a cell of the campaign stands on: a module, a line with faults, a multiplexer in a shell, and its load."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fault_load import Load, RawStream, Record, Sessions
from fault_wire import FaultWire
from shells import Mux, Shell
from wire_oracle import Verdict, judge

from cmux.aio import MuxProtocol
from cmux.protocol import Option
from drivers.emulator import EmulatedModule

RAW, AT = (3, 4), (1, 2)
"""DLCIs: of two raw streams, which the module sends back, and of two AT channels, each with a context of its own."""

PATIENCE = 60.0
"""Seconds after which something that takes no time has failed."""

N1_RECEIVE = 256
_MODULE_N1_RECEIVE = 1600
_AT_CMUX = "AT+CMUX={mode},0,5,127,10,3,255,10,2"
"""T2 as long as can be: whoever waits for the rest of a frame on a loaded machine does not give it up."""

Counts = dict[str, Any]


def wait_until(ready: Callable[[], object], seconds: float | None = None) -> bool:
    """Look again and again."""
    until = time.monotonic() + (PATIENCE if seconds is None else seconds)
    while not ready():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


class Rig:
    """A module behind a line with faults, in this process; use it as a context manager.

    Args:
        shell: the shell of the host.
        option: the framing.
        folder: for the name of the line.
        seed: determines data and faults.
        port: where a server sends back what it gets.
        pause: seconds between two writes to a raw stream.
        module: where a module of another process listens; None: one of this process.
    """

    def __init__(
        self,
        shell: Shell,
        option: Option,
        folder: Path,
        seed: str,
        port: int,
        pause: float = 0.0,
        module: Callable[[], str] | None = None,
    ) -> None:
        self.shell, self.option, self.seed = shell, option, seed
        self.record = Record(shell.name)
        self.chooser = random.Random(seed)  # noqa: S311 - repeatable
        self.module: EmulatedModule | None = None
        self.mux: Mux | Any = None
        self.raw: list[RawStream] = []
        self.sessions: list[Sessions] = []
        self._port, self._pause = port, pause
        self._address = module
        self.wire = FaultWire(str(folder / f"line {shell.name} {option.name}"), self._connect)
        self.marked: tuple[tuple[int, ...], Counts, Counts] | None = None

    def _connect(self) -> socket.socket:
        address = self._address() if self._address is not None else self._own
        host, _, port = address.rpartition(":")
        return socket.create_connection((host, int(port)), PATIENCE)

    def __enter__(self) -> Rig:
        if self._address is None:
            self.module = EmulatedModule(loopback=RAW, seed=self.chooser.getrandbits(32))
            self.module.__enter__()
            self._own = self.module.serve_tcp()
        self.wire.plug_in()
        return self

    def __exit__(self, *error: object) -> None:
        self.wire.close()
        if self.module is not None:
            self.module.__exit__(None, None, None)

    # --- The host ---------------------------------------------------------------------------------------------------

    def open(self, **settings: Any) -> None:
        """Open the line, four channels, and two drivers."""
        mode = 0 if self.option is Option.BASIC else 1
        usual = {
            "option": self.option,
            "n1": 127,
            "n1_receive": N1_RECEIVE,
            "start_command": _AT_CMUX.format(mode=mode),
            "settle": 0.0,
            "t1": 0.5,
            "t2": 2.5,
            "n2": 2,
        }
        self.mux = self.shell.open(self.wire.link, **{**usual, **settings})

    def prepare(self, *, exact: bool = False) -> None:
        """Open the channels, get both contexts whatever a host before has left, and make the load.

        Args:
            exact: the line is clean: what comes back has to be what was sent, and nothing may raise.
        """
        seed = f"{self.seed} {self.record.octets}"
        self.raw += [
            RawStream(self.record, self.shell, self.mux.channel(dlci), f"{seed} {dlci}", self._pause) for dlci in RAW
        ]
        # A module that has left multiplexer mode gives all contexts to its first UART. There they are freed only as
        # long as no driver of this process uses it.
        for dlci in reversed(AT):
            channel = self.mux.channel(dlci)
            one = Sessions(self.record, self.shell, channel, dlci - 1, self._port, f"{seed} {dlci}", exact=exact)
            self.sessions.append(one)
            one.claim()

    @property
    def load(self) -> list[Load]:
        """All that uses channels."""
        return [*self.raw, *self.sessions]

    def start(self) -> None:
        """Put load on all channels."""
        for each in self.raw:
            each.start()
        for one in self.sessions:
            one.start()

    def stop_writing(self) -> None:
        """Let the load begin nothing new."""
        for one in self.load:
            one.stop()

    def close(self) -> None:
        """Close the line; every call of the load has to return then."""
        self.stop_writing()
        self.record.timed("Mux.close", self.mux.close)
        self.end_load()

    def give_up(self) -> None:
        """Leave nothing behind after a failure."""
        if self.mux is not None:
            try:
                self.close()
            except Exception as error:  # noqa: BLE001 - the first failure is told
                self.record.errors[type(error).__name__] += 1

    def end_load(self, prefix: Callable[[Rig], None] = lambda rig: None) -> None:
        """Want every call of the load to return; then the channels can have another load.

        Args:
            prefix: compares what was read by then.
        """
        for each in self.raw:
            each.reading_over.set()
        for one in self.load:
            one.over(PATIENCE)
        prefix(self)
        for session in self.sessions:
            session.close()
        self.raw, self.sessions = [], []

    def attached(self) -> None:
        """Wait until the line has come back."""
        if self.shell.name == "threads":
            assert self.mux.wait_attached(PATIENCE)
        else:
            self.mux.wait_attached()

    def clean(self) -> None:
        """Exchange something on all channels of a line without faults: nothing may be lost, and nothing may raise."""
        self.prepare(exact=True)
        self.start()
        wait_until(self.busy)
        self.finish_clean()

    def busy(self) -> bool:
        """Tell whether every channel has carried something; after a failure nobody waits for that."""
        busy = all(one.rounds for one in self.sessions) and all(len(one.read) > 500 for one in self.raw)
        return busy or bool(self.record.wrong)

    def finish_clean(self) -> None:
        """Stop the load of a clean line, and compare what came back."""
        self.stop_writing()
        for one in self.sessions:
            one.over(PATIENCE)
            if not one.rounds and not self.record.wrong:
                self.record.wrong.append(f"{one.name}: nothing was exchanged")
        for each in self.raw:
            wait_until(partial(self._has_come_back, each))
            each.reading_over.set()
            each.over(PATIENCE)
            if each.read != each.written:
                self.differ(each.name, bytes(each.written), bytes(each.read))

    def _has_come_back(self, stream: RawStream) -> bool:
        return len(stream.read) >= len(stream.written) or bool(self.record.wrong)

    def differ(self, name: str, wanted: bytes, got: bytes) -> None:
        """Note that octets are others than they should be."""
        self.record.wrong.append(difference(name, wanted, got))

    # --- The module -------------------------------------------------------------------------------------------------

    def _in_module(self, act: Callable[[MuxProtocol], object]) -> None:
        module = self.module
        assert module is not None

        def call() -> None:
            line = module._line
            assert line is not None
            assert line._mux is not None
            act(line._mux)
            line._mux.flush()

        module._on_loop(call)

    def disconnect(self, dlci: int) -> None:
        """Let the module close a channel: DISC."""
        self._in_module(lambda mux: mux.multiplexer.close(dlci, mux.now()))

    def shut_down(self) -> None:
        """Let the module end the session: CLD."""
        self._in_module(lambda mux: mux.multiplexer.shutdown(mux.now()))

    # --- The oracle -------------------------------------------------------------------------------------------------

    def host_stats(self) -> Counts:
        """The counters of the host."""
        return self.mux.stats()  # type: ignore[no-any-return]

    def module_stats(self) -> Counts | None:
        """The counters of the module; None: it is not in multiplexer mode."""
        module = self.module
        if module is None:
            return None

        def stats() -> Counts | None:
            line = module._line
            return None if line is None or line._mux is None else line._mux.stats()

        return module._on_loop(stats)

    def mark(self) -> None:
        """Begin to record on a line on which nothing is under way."""
        for _ in range(2):  # the answers to what the module has asked for itself have come, too
            self.mux.test()
        while True:
            before = self._snapshot()
            time.sleep(0.01)
            if before == self._snapshot():
                break
        self.marked = before
        self.wire.mark()

    def _snapshot(self) -> tuple[tuple[int, ...], Counts, Counts]:
        module = self.module_stats()
        return self.wire.moved(), self.host_stats(), module or {}

    def settled(self) -> bool:
        """Wait until all octets have arrived, and nothing is under way."""

        def is_settled() -> bool:
            now = self._snapshot()
            return _agree(self.marked, now) and now == self._snapshot()

        return wait_until(is_settled)

    def alive(self) -> bool:
        """Tell whether both sides are in the session still."""
        line = None if self.module is None else self.module._line
        return self.mux.error is None and line is not None and line._mux is not None

    def judge(self) -> tuple[Verdict, Verdict]:
        """Compare what both sides count with what they have to, and return what they have to make of the octets."""
        verdicts, told = self._judged()
        until = time.monotonic() + PATIENCE  # octets that are held in a doubt about a reset come late
        while told and self.alive() and time.monotonic() < until:
            time.sleep(0.02)
            verdicts, told = self._judged()
        if self.alive():
            self.record.wrong += told
        for name, verdict in zip(_WAYS, verdicts, strict=True):
            self.record.wrong += [f"{name}: a frame that nobody touched is missing at {at}" for at in verdict.missing]
            self.record.wrong += [f"{name}: something was sent that is no frame, at {at}" for at in verdict.malformed]
        return verdicts

    def _judged(self) -> tuple[tuple[Verdict, Verdict], list[str]]:
        """Return the verdicts on the octets of this moment, and what the counters of the same moment say otherwise."""
        while True:
            before = self._snapshot()
            up, down = self.wire.recorded()
            if before == self._snapshot() or not self.alive():
                break
        verdicts = (
            judge(*up, self.option, _MODULE_N1_RECEIVE),
            judge(*down, self.option, N1_RECEIVE),
        )
        assert self.marked is not None
        told = []
        for name, verdict, base, now in (
            (_WAYS[0], verdicts[0], self.marked[2], before[2]),
            (_WAYS[1], verdicts[1], self.marked[1], before[1]),
        ):
            wanted = verdict.arrived, verdict.dropped.total(), verdict.skipped
            if now and (got := _counted(base, now)) != wanted:
                told.append(f"{name}: stats() has frames, dropped, skipped {got}, the oracle {wanted}")
        return verdicts, told


_WAYS = ("to the module", "to the host")


def _counted(base: Counts, now: Counts) -> tuple[int, int, int]:
    frames, skipped = (now[name] - base[name] for name in ("frames_received", "octets_skipped"))
    return frames, sum(now["dropped"].values()) - sum(base["dropped"].values()), skipped


def _agree(marked: tuple[tuple[int, ...], Counts, Counts] | None, now: tuple[tuple[int, ...], Counts, Counts]) -> bool:
    """Tell whether both sides have passed on and got as many octets as the line has carried."""
    assert marked is not None
    carried = [after - before for before, after in zip(marked[0], now[0], strict=True)]
    if not now[2]:
        return False
    told = [
        now[side][name] - marked[side][name]
        for side, name in (
            (1, "line_octets_sent"),
            (2, "line_octets_received"),
            (2, "line_octets_sent"),
            (1, "line_octets_received"),
        )
    ]
    return carried == told


def difference(name: str, wanted: bytes, got: bytes) -> str:
    """Say in one line how octets differ."""
    at = next((at for at, (one, other) in enumerate(zip(wanted, got, strict=False)) if one != other), None)
    at = min(len(wanted), len(got)) if at is None else at
    kind = "lost" if len(got) < len(wanted) else "doubled" if len(got) > len(wanted) else "reordered"
    return f"{name}: {kind}: {len(wanted)} octets were sent, {len(got)} came; they differ from {at} on"
