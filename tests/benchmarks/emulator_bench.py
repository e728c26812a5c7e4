"""A hundred emulated modules in one process: what each takes, and how fast one answers while others are busy.

``make bench`` runs it: one line per figure with its reference, and 1 at the end when a figure is not met. Host programs
run in processes of their own. Memory is told on Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from peers import Program

from cmux.aio import MuxProtocol
from cmux.protocol import Config, Role
from cmux.protocol.events import DataReceived, Event, Opened, SessionOpened

MODULES = 100
BUSY = 10
LINE_RATE = 921_600
SECONDS = 10.0
MEMORY_LIMIT = 1.5  # MB per module
LATENCY_LIMIT = 0.050  # seconds, the 99th percentile
_CHUNK = b"x" * 4096


class Host:
    """A host in multiplexer mode with four channels."""

    def __init__(self) -> None:
        self.opened: set[int] = set()
        self.changed = asyncio.Event()
        self.received = {dlci: bytearray() for dlci in range(1, 5)}
        self.mux: MuxProtocol

    async def connect(self, port: int) -> None:
        """Enter multiplexer mode and open the channels."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"ATE0\r")
        await reader.readuntil(b"OK\r\n")
        writer.write(b"AT+CMUX=0\r")
        await reader.readuntil(b"OK\r\n")
        self.mux = MuxProtocol(Role.INITIATOR, Config(n1=127), self._event)
        self.streams = (reader, writer)  # a writer that nobody holds closes its transport
        transport = writer.transport
        transport.set_protocol(self.mux)
        self.mux.connection_made(transport)
        await self.until(lambda: 0 in self.opened)
        for dlci in range(1, 5):
            self.mux.multiplexer.open(dlci, self.mux.now())
        self.mux.flush()
        await self.until(lambda: len(self.opened) == 5)

    def _event(self, event: Event) -> None:
        match event:
            case SessionOpened():
                self.opened.add(0)
            case Opened(dlci=dlci):
                self.opened.add(dlci)
            case DataReceived(dlci=dlci, data=data):
                self.received[dlci] += data
        self.changed.set()

    async def until(self, condition: object) -> None:
        """Wait until something holds."""
        while not condition():  # type: ignore[operator]
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 60)

    async def ask(self, dlci: int, command: str, end: bytes = b"OK\r\n") -> None:
        """Type a command and wait for the end of its answer."""
        self.received[dlci].clear()
        self.mux.write(dlci, command.encode() + b"\r")
        await self.until(lambda: end in self.received[dlci])

    async def stream(self, dlci: int, until: float) -> int:
        """Send as fast as it goes; returns the octets."""
        sent = 0
        while time.monotonic() < until:
            taken = self.mux.write(dlci, _CHUNK)
            sent += taken
            if taken < len(_CHUNK):
                self.changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), 0.2)
        return sent


async def transfer(ports: list[int], seconds: float) -> None:
    """Keep modules busy; prints ready, then how many octets arrived behind them."""
    arrived = 0

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        with contextlib.suppress(asyncio.CancelledError):  # at the end
            while data := await reader.read(65536):
                arrived += len(data)
        writer.close()

    server = await asyncio.start_server(sink, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hosts = [Host() for _ in ports]
    await asyncio.gather(*(host.connect(number) for host, number in zip(hosts, ports, strict=True)))
    for host in hosts:
        await host.ask(1, "ATE0")
        await host.ask(1, "AT+QIMODE=1")
        await host.ask(1, f'AT+QIOPEN="TCP","127.0.0.1",{port}', b"CONNECT\r\n")
    print("ready", flush=True)
    until = time.monotonic() + seconds
    await asyncio.gather(*(host.stream(1, until) for host in hosts))
    print(arrived, flush=True)


async def latencies(hosts: list[Host], seconds: float) -> list[float]:
    """Return how long AT to OK took on all of them in turn, on all four channels."""
    times = []
    until = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < until:
        host, dlci = hosts[turn % len(hosts)], 1 + turn % 4
        turn += 1
        began = time.perf_counter()
        await host.ask(dlci, "AT")
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.002)
    return sorted(times)


def percentile(times: list[float], part: float) -> float:
    """Return the time that this part of all does not exceed."""
    return times[min(len(times) - 1, int(len(times) * part))]


def memory(pid: int) -> float | None:
    """Return the resident memory of a process in MB, without what it shares; None where the system does not tell."""
    told = Path(f"/proc/{pid}/smaps_rollup")
    if not told.exists():
        return None
    text = told.read_text()
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) / 1024


@contextlib.contextmanager
def emulator(count: int) -> Iterator[tuple[int, list[int]]]:
    """Run modules in one process; gives its pid and their ports."""
    command = [sys.executable, "-m", "drivers", "emulate", "--tcp", "127.0.0.1:0", "--count", str(count)]
    with Program(*command, "--line-rate", str(LINE_RATE), ready=None) as program:
        yield program.process.pid, [int(program.line().rsplit(":", 1)[1]) for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, its reference and its limit."""

    name: str
    value: float
    reference: float
    limit: float
    unit: str

    def show(self) -> str:
        """Return it as a line."""
        verdict = "ok" if self.value <= self.limit else "TOO MUCH"
        return (
            f"{self.name}: {self.value:.3f} {self.unit} (limit {self.limit:g}, reference {self.reference:.3f}, "
            f"ratio {self.value / self.reference:.2f}) {verdict}"
        )


async def measure(modules: int, busy: int, seconds: float, say: Callable[[str], object] = print) -> list[Row]:
    """Return the figures."""
    with emulator(1) as (pid, ports):
        await Host().connect(ports[0])
        alone = memory(pid)
    with emulator(modules) as (pid, ports):
        hosts = [Host() for _ in ports[busy:]]
        for host, port in zip(hosts, ports[busy:], strict=True):
            await host.connect(port)
        idle = await latencies(hosts, seconds / 2)
        command = [sys.executable, __file__, "--transfer", *map(str, ports[:busy]), "--seconds", str(seconds)]
        with await asyncio.to_thread(Program, *command) as mover:
            loaded = await latencies(hosts, seconds * 0.9)
            taken = memory(pid)
            octets = int(await asyncio.to_thread(mover.line))
    say(f"{modules} modules, {busy} of them moved {octets / seconds / busy / 1000:.1f} kB/s each at {LINE_RATE} baud")
    rows = [
        Row("AT to OK, 99 %", percentile(loaded, 0.99), percentile(idle, 0.99), LATENCY_LIMIT, "s"),
        Row("AT to OK, 50 %", percentile(loaded, 0.5), percentile(idle, 0.5), LATENCY_LIMIT, "s"),
    ]
    if taken is not None and alone is not None:
        rows.insert(0, Row("memory per module", (taken - alone) / (modules - 1), alone, MEMORY_LIMIT, "MB"))
    return rows


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", type=int, default=MODULES)
    parser.add_argument("--busy", type=int, default=BUSY)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--transfer", type=int, nargs="+", metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.transfer:
        asyncio.run(transfer(options.transfer, options.seconds))
        return 0
    rows = asyncio.run(measure(options.modules, options.busy, options.seconds))
    for row in rows:
        print(row.show())
    return int(any(row.value > row.limit for row in rows))


if __name__ == "__main__":
    sys.exit(main())
