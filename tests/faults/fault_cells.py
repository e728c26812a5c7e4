"""What is done in a cell of the campaign: faults of octets, line, module, network and processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import fault_rig
import serial
from attached import Attach
from damage import Draw
from driver_lab import Peer, echo
from fault_load import RawStream, Sessions
from fault_rig import RAW, Rig, wait_until
from forked_programs import Forked
from shells import Shell
from wire_oracle import CONTROL, flush

from cmux.protocol import Option
from drivers.emulator import EmulatedModule, Moment


@dataclass
class Outcome:
    """What has come of a cell."""

    times: int = 0
    """How often the fault was injected."""
    octets: int = 0
    """Octets that the line has carried."""
    damaged: int = 0
    """Frames of which an octet was touched."""
    passed: int = 0
    """Frames that arrived although one of their octets was touched: its FCS does not reach there, or passes."""
    errors: Counter[str] = field(default_factory=Counter)
    """Exceptions that calls have raised, by class."""
    undocumented: int = 0
    """Those that are not of the documented trees."""
    wrong: list[str] = field(default_factory=list)
    """What must not have happened."""

    def __iadd__(self, other: Outcome) -> Outcome:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        return self

    def count(self, kind: str) -> int:
        """Return how often octets were lost, doubled or reordered."""
        return sum(f": {kind}: " in text or (kind == "lost" and " is missing at " in text) for text in self.wrong)


@dataclass
class Cell:
    """One cell: a fault, in a shell, with an option.

    Args:
        shell: the shell.
        option: the framing.
        folder: for files.
        seed: determines data and faults.
        times: how many faults are enough.
        octets: after how many octets in one direction it is enough, too.
        seconds: after how long it is enough, too.
        pause: seconds between two writes to a raw stream.
    """

    shell: Shell
    option: Option
    folder: Path
    seed: str
    times: int
    octets: int
    seconds: float
    pause: float = 0.0
    outcome: Outcome = field(default_factory=Outcome)

    @contextmanager
    def rig(self, module: Callable[[], str] | None = None) -> Iterator[Rig]:
        """Set up what the cell stands on; take over what it has come to."""
        with (
            Peer(echo) as peer,
            Rig(self.shell, self.option, self.folder, self.seed, peer.port, self.pause, module) as rig,
        ):
            try:
                yield rig
            except Exception as error:  # noqa: BLE001 - it is told with the others
                rig.record.wrong.append("".join(traceback.format_exception(error)))
                rig.give_up()
            self.outcome.octets += rig.wire.up.put + rig.wire.down.put
            self.outcome.wrong += rig.record.wrong
            self.outcome.errors += rig.record.errors
            self.outcome.undocumented += rig.record.undocumented

    def go_on(self, rig: Rig) -> None:
        """Wait until there have been enough faults, or enough octets, or enough time."""
        most = self.octets + rig.wire.up.put
        wait_until(
            lambda: rig.wire.up.put > most or rig.wire.count() >= self.times or not rig.alive(),
            self.seconds,
        )

    def until_busy(self, rig: Rig) -> None:
        """Wait until all channels carry something."""
        if not wait_until(rig.busy):
            rig.record.wrong.append("a line without faults does not carry all channels")


# --- Octets -----------------------------------------------------------------------------------------------------------


def damage(draw: Draw, gap: int, cell: Cell) -> None:
    """Damage octets in both directions, compare, and want the next session to be as good as new."""
    with cell.rig() as rig:
        rig.open()
        rig.prepare()
        rig.mark()
        rig.wire.damage(rig.chooser, gap, draw)
        rig.start()
        cell.go_on(rig)
        rig.stop_writing()
        if rig.alive():
            rig.settled()
        cell.outcome.times += rig.wire.count()
        rig.wire.heal(flush(rig.option, 1600))
        if rig.alive() and not rig.settled() and rig.alive():
            rig.record.wrong.append("the octets of a line that has healed do not arrive")
        _compare(rig, cell.outcome)
        rig.close()
        _as_good_as_new(rig)


def _as_good_as_new(rig: Rig) -> None:
    rig.open()
    rig.clean()
    rig.close()


def _compare(rig: Rig, outcome: Outcome) -> None:
    """Compare what both sides have made of the octets with what the oracle makes of them."""
    up, down = rig.judge()
    outcome.damaged += up.damaged + down.damaged
    outcome.passed += up.passed + down.passed
    for one in rig.raw:
        dlci = one.dlci
        wanted = down.arrived_data.get(dlci, b"")
        disturbed = not rig.alive() or bool({dlci, CONTROL} & (up.disturbed | down.disturbed))
        if not disturbed and not rig.record.wrong:
            wait_until(partial(_has_read, one, len(wanted)))
        _follow("written, sent", one.written, up.sent_data.get(dlci, b""), rig, whole=False)
        if not disturbed:
            _follow(
                "arrived, sent back", up.arrived_data.get(dlci, b""), down.sent_data.get(dlci, b""), rig, whole=False
            )
        _follow("arrived, read", wanted, one.read, rig, whole=not disturbed)


def _has_read(stream: RawStream, count: int) -> bool:
    return len(stream.read) >= count


def _follow(name: str, wanted: bytes | bytearray, got: bytes | bytearray, rig: Rig, *, whole: bool) -> None:
    """Want octets to be those of another place, or one of the two to be the first of the other."""
    wanted, got = bytes(wanted), bytes(got)
    least = min(len(wanted), len(got))
    if wanted[:least] != got[:least] or (whole and len(wanted) != len(got)):
        rig.differ(name, wanted, got)


# --- A line that is slow, and loses nothing ---------------------------------------------------------------------------


def manners(cell: Cell, *, pieces: bool = False, stalls: bool = False, storm: bool = False) -> None:
    """Carry octets in few at a time, or with pauses, or with unsolicited lines between: nothing is lost or raised."""
    with cell.rig() as rig:
        rig.open()
        rig.prepare(exact=True)
        rig.mark()
        rig.wire.set_manners(rig.chooser, pieces=pieces, stalls=min(0.1, cell.seconds / 5) if stalls else 0.0)
        if storm:
            assert rig.module is not None
            rig.module.set_faults("urc_storm=100")
        rig.start()
        cell.until_busy(rig)
        cell.go_on(rig)
        cell.outcome.times += 1 + rig.wire.count()
        if storm:
            assert rig.module is not None
            rig.module.set_faults("")
        rig.finish_clean()
        rig.wire.heal()
        if not rig.settled():
            rig.record.wrong.append("the octets of a line without faults do not arrive")
        _compare(rig, cell.outcome)
        rig.close()


# --- The module and its network ---------------------------------------------------------------------------------------


def one_channel_closed(cell: Cell) -> None:
    """Let the module close one channel: the others go on, and it can be opened again."""
    with cell.rig() as rig:
        rig.open()
        rig.prepare()
        rig.start()
        cell.until_busy(rig)
        rig.disconnect(RAW[0])
        cell.outcome.times += 1
        closed, other = rig.raw
        closed.over(fault_rig.PATIENCE)
        _prefix(rig)
        read = len(other.read)
        if not wait_until(lambda: len(other.read) > read + 2000):
            rig.record.wrong.append("channel 4 ended with channel 3")
        rig.raw.remove(closed)
        rig.finish_clean()
        rig.end_load()
        rig.clean()
        rig.close()


def network(moment: Moment, cell: Cell) -> None:
    """Let the network fail: TCP/IP calls end with what is documented, and raw octets go on."""
    with cell.rig() as rig:
        rig.open()
        rig.prepare()
        rig.start()
        cell.until_busy(rig)
        for _ in range(3):
            assert rig.module is not None
            rig.module.trigger(moment)
            cell.outcome.times += 1
            wanted = [(one, one.rounds + 1) for one in rig.sessions]
            if not wait_until(partial(_exchanged, wanted)):
                rig.record.wrong.append(f"no session again after {moment.value}")
        rig.finish_clean()
        rig.close()


def _exchanged(wanted: list[tuple[Sessions, int]]) -> bool:
    return all(one.rounds >= rounds for one, rounds in wanted)


def _prefix(rig: Rig) -> None:
    """Want what was read to be the first of what was written."""
    for one in rig.raw:
        if not one.written.startswith(bytes(one.read)):
            rig.differ(one.name, bytes(one.written[: len(one.read)]), bytes(one.read))


def session_ends(
    trigger: Callable[[Rig], None],
    cell: Cell,
    module: Callable[[], str] | None = None,
    *,
    echoes: bool = False,
    **settings: Any,
) -> None:
    """Let the session end, and the line come back: every call returns, and the same channels work again.

    Args:
        trigger: ends it.
        cell: the cell.
        module: where a module of another process listens.
        echoes: what the host sends comes back to it for a while, and looks like data of the module.
        settings: of the line.
    """
    with cell.rig(module) as rig:
        rig.open(reattach=True, **settings)
        rig.prepare()
        rig.start()
        cell.until_busy(rig)
        trigger(rig)
        cell.outcome.times += 1
        if echoes:  # as long as it echoes, something comes, and the keep-alive does not ask
            rig.stop_writing()
        if not wait_until(lambda: rig.mux.error is not None or rig.mux.reattached):
            rig.record.wrong.append("the end of the session was not noticed")
        rig.stop_writing()
        rig.end_load(prefix=_nothing if echoes else _prefix)
        rig.record.timed("wait_attached", rig.attached)
        rig.clean()
        rig.close()


def _nothing(rig: Rig) -> None:
    """Compare nothing."""


def closed_down(rig: Rig) -> None:
    """Let the module say CLD."""
    rig.shut_down()


def reset(rig: Rig) -> None:
    """Pull the module's reset pin."""
    assert rig.module is not None
    rig.module.trigger(Moment.RESET)


def begun_anew(rig: Rig) -> None:
    """Let the module start again and say nothing: from now on it is in AT mode, has no sessions, and echoes."""
    module = rig.module
    assert module is not None
    rig.wire.connect_anew(lambda: module._on_loop(lambda: _forget_sessions(module)))


def _forget_sessions(module: EmulatedModule) -> None:
    assert module._modem is not None
    for context in module._modem.contexts:
        context.reset()
    module._modem.ownership.reset()


def hung_up(rig: Rig) -> None:
    """Pull the plug, and put it in again."""
    rig.wire.unplug()
    time.sleep(0.05)
    rig.wire.plug_in()


# --- Processes --------------------------------------------------------------------------------------------------------


class ModuleProcess:
    """An emulated module in a process of its own."""

    def __init__(self) -> None:
        self.address = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it; return where it listens."""
        loopback = [word for dlci in RAW for word in ("--loopback", str(dlci))]
        command = [sys.executable, "-m", "drivers", "emulate", "--tcp", "127.0.0.1:0", *loopback]
        self._process = Forked(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        word, _, self.address = self._process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        return self.address

    def kill(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def module_killed(cell: Cell) -> None:
    """Kill the process of the module, and start another one on the same line."""
    process = ModuleProcess()
    process.start()

    def trigger(rig: Rig) -> None:
        process.kill()
        rig.wire.unplug()
        process.start()
        rig.wire.plug_in()

    try:
        session_ends(trigger, cell, lambda: process.address)
    finally:
        process.kill()


def client_killed(cell: Cell) -> None:
    """Kill a program that uses the line: the module, left in multiplexer mode, can be had again."""
    with cell.rig() as rig:
        command = [sys.executable, "-m", "victim", rig.wire.link, cell.option.name.lower(), cell.shell.name]
        with Forked(command, stdout=subprocess.PIPE, text=True) as victim:
            assert victim.stdout is not None
            line = victim.stdout.readline()
            put = rig.wire.up.put
            if line != "ready\n" or not wait_until(lambda: rig.wire.up.put > put + 5000):
                rig.record.wrong.append("the program to be killed did not come to its work")
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        cell.outcome.times += 1
        _as_good_as_new(rig)


def attach_killed(cell: Cell) -> None:
    """Kill `attach` under its clients: another one takes the line and the links over."""
    with cell.rig() as rig:
        prefix = str(cell.folder / f"tty{cell.option.name}")
        words = [rig.wire.link, "--link", prefix, "--channels", "3,4", "--option", cell.option.name.lower()]
        words += ["--n1", "127"]
        for last in (False, True):
            with Attach(*words).ready() as attach:
                for dlci in RAW:
                    with serial.Serial(f"{prefix}{dlci}", timeout=fault_rig.PATIENCE) as client:
                        data = rig.chooser.randbytes(3000)
                        client.write(data)
                        got = client.read(len(data))
                        if got != data:
                            rig.differ(f"attach, channel {dlci}", data, got)
                        client.write(data)
                        if not last and dlci == RAW[-1]:
                            attach.end(signal.SIGKILL)
                            cell.outcome.times += 1
                        else:
                            client.read(len(data))
        _as_good_as_new(rig)
