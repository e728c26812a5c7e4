"""Everything at once: one module, four virtual UARTs, PPP, short messages, a TCP/IP driver and unsolicited lines.

``make soak TIME=seconds`` runs it after the fault campaign; exit code 1 on whatever must not happen. The line is clean:
nothing may be lost, nothing may come twice, and nothing on the wrong channel. Every channel compares each octet that it
gets with what it has to get.
"""

from __future__ import annotations

import argparse
import random
import secrets
import shutil
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

if __name__ == "__main__":
    _HERE = Path(__file__).parent
    sys.path[:0] = [str(_HERE.parents[1]), str(_HERE.parent / "support")]

from driver_lab import Peer, echo
from fault_load import Load, Record, Sessions
from left_over import census
from ppp_end import PppEnd
from ppp_internet import Internet
from ppp_programs import ECHO
from shells import SHELLS, ThreadChannel

from cmux.threads.bridge import PtyBridge
from drivers.emulator import Behaviour, EmulatedModule

OWN = "+491701234567"
SLIRP = "slirp-fullbolt ppp"
PATIENCE = 30.0
"""Seconds after which something that takes no time has failed."""
GUARD = 0.7
"""Seconds of silence before and after +++; the module wants 0.5, and a busy computer holds octets up."""
ESCAPES = 10
"""How often +++ is tried."""


class Wrong(AssertionError):
    """A channel got something else than it has to get."""


class Terminal:
    """A channel at which commands are typed, and of which every octet is accounted for.

    Args:
        channel: with echo off from now on.
    """

    def __init__(self, channel: ThreadChannel) -> None:
        self.port = channel.port
        self.port.timeout = PATIENCE
        self.octets = 0
        self.port.write(b"ATE0\r")
        self.until(b"\r\nOK\r\n")

    def until(self, end: bytes) -> bytes:
        """Return everything up to and with these octets."""
        came = self.port.read_until(end)
        self.octets += len(came)
        if not came.endswith(end):
            raise Wrong(f"{end!r} did not come within {PATIENCE:g} s, but {bytes(came)!r}")
        return bytes(came)

    def expect(self, wanted: bytes) -> None:
        """Take exactly these octets."""
        came = bytes(self.port.read(len(wanted)))
        self.octets += len(came)
        if came != wanted:
            raise Wrong(f"{wanted!r} was wanted, {came!r} came")

    def ask(self, command: str, answer: str = "\r\nOK\r\n") -> None:
        """Type a command; want exactly this answer."""
        self.port.write(command.encode() + b"\r")
        self.expect(answer.encode())


class Part(Load):
    """One of the four, on a thread of its own.

    Args:
        record: gets what goes wrong.
        channel: its channel.
        seed: determines what it does.
    """

    about = ""

    def __init__(self, record: Record, channel: ThreadChannel, seed: str) -> None:
        super().__init__(record, f"channel {channel.dlci}, {self.about}")
        self.rounds = 0
        self.channel = channel
        self.terminal = Terminal(channel)
        self.chooser = random.Random(f"{seed} {channel.dlci}")  # noqa: S311 - repeatable
        self.prepare()

    def prepare(self) -> None:
        """Set up the channel, before anything is under way."""

    def start(self) -> Part:
        """Start, until it is stopped."""
        self._start(self._rounds)
        return self

    def _rounds(self) -> None:
        try:
            while not self.stopping.is_set():
                self.round()
                self.rounds += 1
            self.finish()
        except Wrong as error:
            self.record.wrong.append(f"{self.name}: round {self.rounds}: {error}")

    def round(self) -> None:
        """Do something, and compare what comes."""
        raise NotImplementedError

    def finish(self) -> None:
        """Leave the channel as it was."""


class Link(Part):
    """Data calls: dialled, octets there and back, left with +++, resumed or hung up."""

    about = "data call"

    def __init__(self, record: Record, channel: ThreadChannel, seed: str, port: int | None) -> None:
        self._server = port  # None: the program sends back what it gets
        super().__init__(record, channel, seed)

    def round(self) -> None:
        """One call."""
        self.terminal.ask("ATD*99***1#", "\r\nCONNECT\r\n")
        if self._server is None:
            self.terminal.until(b".")  # the number of its process
            self._carry(self._there_and_back)
        else:
            self.terminal.port.timeout = 0.02
            self._through(PppEnd(self.terminal.port), self._server)
            self.terminal.port.timeout = PATIENCE
        self._escape()
        self.terminal.ask("ATH")

    def _carry(self, exchange: Callable[[bytes], None]) -> None:
        for _ in range(self.chooser.randint(1, 30)):
            if self.stopping.is_set():
                return
            exchange(self.chooser.randbytes(self.chooser.choice((1, 64, 300, 1000))).replace(b"+", b"-"))

    def _there_and_back(self, data: bytes) -> None:
        self.terminal.port.write(data)
        self.terminal.expect(data)
        self.record.octets += len(data)

    def _through(self, link: PppEnd, port: int) -> None:
        link.open()
        host = Internet(link)
        host.ping(1, b"an echo")
        connection = host.connect(self.chooser.randint(5000, 9000), port)

        def exchange(data: bytes) -> None:
            connection.sendall(data)
            came = connection.recv(len(data))
            if came != data:
                raise Wrong(f"{len(data)} octets came back through PPP as others")
            self.record.octets += len(data)

        self._carry(exchange)
        connection.close()

    def _escape(self) -> None:
        """Leave data mode; +++ without silence around it is data, which the program sends back."""
        port, came = self.terminal.port, b""
        for attempt in range(1, ESCAPES + 1):
            time.sleep(GUARD * attempt)
            port.write(b"+++")
            port.timeout = GUARD * attempt + 1
            came += bytes(port.read_until(b"\r\nOK\r\n"))
            port.timeout = PATIENCE
            if came.endswith(b"\r\nOK\r\n"):
                break
        if self._server is None and came != b"+++" * (attempt - 1) + b"\r\nOK\r\n":
            raise Wrong(f"{came!r} came in answer to +++, which was said {attempt} times")
        if not came.endswith(b"\r\nOK\r\n"):
            raise Wrong(f"{came!r} came in answer to +++, which was said {attempt} times")


class Messages(Part):
    """Short messages of the module to itself: sent, announced, read, deleted."""

    about = "messages"

    def prepare(self) -> None:
        """Text mode, and +CMTI for what comes."""
        self.terminal.ask("AT+CMGF=1;+CNMI=2,1")

    def round(self) -> None:
        """One message."""
        text = "".join(self.chooser.choices(string.ascii_letters + string.digits + " ", k=self.chooser.randint(1, 160)))
        text = f"x{text[:158]}x"  # no blank at an end
        terminal = self.terminal
        terminal.port.write(f'AT+CMGS="{OWN}"\r'.encode())
        terminal.expect(b"\r\n> ")
        terminal.port.write(text.encode() + b"\x1a")
        said = terminal.until(b"\r\nOK\r\n")
        if not said.startswith(b"\r\n+CMGS: "):
            raise Wrong(f"{said!r} came in answer to AT+CMGS")
        told = terminal.until(b"\r\n+CMTI: ") + terminal.until(b"\r\n")
        place = told.rpartition(b",")[2].strip().decode()
        if told != f'\r\n+CMTI: "SM",{place}\r\n'.encode():
            raise Wrong(f"{told!r} came where +CMTI was wanted")
        terminal.port.write(f"AT+CMGR={place}\r".encode())
        shown = terminal.until(b"\r\nOK\r\n").decode()
        head, _, rest = shown.removeprefix("\r\n").partition("\r\n")
        if not head.startswith(f'+CMGR: "REC UNREAD","{OWN}",') or rest != f"{text}\r\n\r\nOK\r\n":
            raise Wrong(f"{shown!r} came in answer to AT+CMGR of {text!r}")
        terminal.ask(f"AT+CMGD={place}")
        self.record.octets += len(text)


class GammuMessages(Part):
    """The same by gammu, a program that nobody here wrote, on a pseudo-terminal of the channel."""

    about = "messages by gammu"

    def prepare(self) -> None:
        """Offer the channel as a pseudo-terminal; no channel is told of messages, gammu asks."""
        self.terminal.ask("AT+CNMI=2,0")
        self._folder = tempfile.TemporaryDirectory(prefix="gammu")
        self._bridge = PtyBridge(self.channel.port, f"{self._folder.name}/m10")
        self._configuration = Path(self._folder.name) / "gammurc"
        self._configuration.write_text(f"[gammu]\ndevice = {self._bridge.path}\nconnection = at\n")
        self._bridge.start()

    def round(self) -> None:
        """One message."""
        text = f"{self.rounds} {self.chooser.getrandbits(64)}"
        self._run("sendsms", "TEXT", OWN, "-text", text)
        shown = self._run("getallsms")
        if text not in shown or "1 SMS parts in 1 SMS sequences" not in shown:
            raise Wrong(f"{shown!r} came, and {text!r} was sent")
        self._run("deleteallsms", "1")
        self.record.octets += len(text)

    def _run(self, *arguments: str) -> str:
        command = ["gammu", "-c", str(self._configuration), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
        if done.returncode:
            raise Wrong(f"gammu {' '.join(arguments)}: {done.stdout} {done.stderr}")
        return done.stdout

    def finish(self) -> None:
        """Take the pseudo-terminal away."""
        self._bridge.close()
        self._folder.cleanup()


class Unsolicited(Part):
    """What the network says by itself, numbered; this channel alone is told."""

    about = "unsolicited lines"

    def __init__(self, record: Record, channel: ThreadChannel, seed: str, module: EmulatedModule) -> None:
        self._module = module
        super().__init__(record, channel, seed)

    def prepare(self) -> None:
        """Let answers of the network be shown."""
        self.terminal.ask("AT+CUSD=1")

    def round(self) -> None:
        """Some lines, and sometimes a command between them."""
        numbers = [f"{self.rounds} {place}" for place in range(self.chooser.randint(1, 40))]
        for number in numbers:
            self._module.trigger(f"ussd {number}")
        for number in numbers:
            self.terminal.expect(f'\r\n+CUSD: 0,"{number}",15\r\n'.encode())
        self.terminal.ask("AT+CSQ", "\r\n+CSQ: 28,0\r\n\r\nOK\r\n")
        self.record.octets += sum(map(len, numbers))
        self.stopping.wait(self.chooser.choice((0.0, 0.01, 0.1)))


@contextmanager
def _echo_server() -> Iterator[int]:
    with Peer(echo) as peer:
        yield peer.port


def play(
    seed: str,
    seconds: float,
    *,
    slirp: bool,
    gammu: bool = False,
    module_class: type[EmulatedModule] = EmulatedModule,
) -> tuple[Record, dict[str, int]]:
    """Run all four for some time.

    Args:
        seed: determines what they do.
        seconds: how long.
        slirp: whether the data calls are PPP through slirp; if not, their octets come back as they are.
        gammu: whether gammu has the channel of messages.
        module_class: the module.

    Returns:
        What came of it, and how many rounds each has done.
    """
    record = Record("threads")
    with ExitStack() as stack:
        port = stack.enter_context(_echo_server())
        shell = SHELLS["threads"]()
        stack.callback(shell.close)
        ppp = SLIRP if slirp else ECHO
        module = stack.enter_context(
            module_class(ppp=ppp, number=OWN, seed=1, behaviour=Behaviour(unheard_lines="kept"))
        )
        mux = stack.enter_context(shell.open(module.serve_pty(), settle=0.0))
        channels = [mux.channel(dlci) for dlci in (1, 2, 3, 4)]
        one, two, three, four = (channel for channel in channels if isinstance(channel, ThreadChannel))
        parts: list[Part] = [
            Link(record, one, seed, port if slirp else None),
            (GammuMessages if gammu else Messages)(record, two, seed),
            Unsolicited(record, four, seed, module),
        ]
        sessions = Sessions(record, shell, three, 1, port, f"{seed} 3", exact=True).claim()
        for part in parts:
            part.start()
        sessions.start()
        _watch(record, seconds)
        everything: list[Load] = [*parts, sessions]
        for load in everything:
            load.stop()
        for load in everything:
            load.over(PATIENCE * 4)
        sessions.close()
        rounds = {load.name: load.rounds for load in (*parts, sessions)}
        record.wrong += [f"{name}: nothing was exchanged" for name, count in rounds.items() if not count]
        for part in parts:
            if left := part.terminal.port.in_waiting:
                record.wrong.append(f"{part.name}: {left} octets too many: {part.terminal.port.read(left)!r}")
        dropped = sum(uart.dropped_lines for uart in module._running().uarts)
        if dropped:
            record.wrong.append(f"{dropped} unsolicited lines were dropped")
        stats = mux.stats()
        record.wrong += [f"frames were dropped: {stats['dropped']}"] if any(stats["dropped"].values()) else []
    return record, rounds


def _watch(record: Record, seconds: float) -> None:
    """Wait until the time is over, or something is wrong."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not record.wrong:
        time.sleep(0.05)


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=float, default=60, metavar="SECONDS", help="how long (default 60)")
    parser.add_argument("--seed", type=int, metavar="N", help="determines what is sent (default: a new one)")
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    slirp = shutil.which(SLIRP.split()[0]) is not None
    through = "PPP through slirp" if slirp else "a program that sends everything back (slirp-fullbolt is not installed)"
    hands = [False, True] if shutil.which("gammu") else [False]
    print(f"everything at once: seed {seed}, {options.time:g} s, data calls to {through}", flush=True)
    play(f"{seed} first", min(2.0, options.time), slirp=slirp, gammu=hands[-1])  # everything has been used once
    before = census()
    wrong = []
    for gammu in hands:
        record, rounds = play(f"{seed} {gammu}", options.time / len(hands), slirp=slirp, gammu=gammu)
        for name, count in rounds.items():
            print(f"{name}: {count:,} rounds")
        print(f"{record.octets:,} octets of data there and back, {len(record.wrong)} things wrong", flush=True)
        wrong += record.wrong
    wrong += census().grown(before)
    for text in wrong:
        print(f"WRONG: {text}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
