"""The fault campaign: ``make soak TIME=seconds``, then a table; exit code 1 on whatever must not happen.

Every cell (option, shell, fault) has its turn, round after round in another order: four channels and both contexts of
an emulated module under load, the fault, an oracle on the wire, and the same line once more without faults. One seed
determines faults and traffic. What is wrong is shown at once, with the line that shows it again.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    _HERE = Path(__file__).parent
    sys.path[:0] = [str(_HERE.parents[1]), str(_HERE.parent / "support")]

from fault_cells import Cell, Outcome
from fault_table import FAULTS
from left_over import Census, census
from shells import SHELLS, Shell

from cmux.protocol import Option

CELLS = [
    (option.name.lower(), shell, fault)
    for option in Option
    for shell in SHELLS
    for fault in FAULTS
    if shell in FAULTS[fault].shells
]
"""All of them."""


def run(
    cell: tuple[str, str, str],
    folder: Path,
    seed: str,
    shell: Shell,
    *,
    times: int,
    octets: int,
    seconds: float,
    pause: float = 0.0,
) -> Outcome:
    """Run one cell.

    Args:
        cell: option, shell and fault.
        folder: for lines and links; the same for all, as `logging` keeps a logger for each name of a port.
        seed: determines faults and traffic.
        shell: the shell.
        times: how many faults are enough.
        octets: after how many octets in one direction it is enough, too.
        seconds: after how long it is enough, too.
        pause: seconds between two writes to a raw stream.
    """
    option, name, fault = cell
    assert shell.name == name
    whole = f"{seed} {option} {name} {fault}"
    made = Cell(shell, Option[option.upper()], folder, whole, times, octets, seconds, pause)
    FAULTS[fault].play(made)
    return made.outcome


_HANGS = 600
"""Seconds after which a cell is given up."""


class Campaign:
    """A run of many cells.

    Args:
        folder: for lines and links.
        seed: determines everything.
        total: seconds that it may take.
    """

    def __init__(self, folder: Path, seed: int, total: float) -> None:
        self.folder, self.seed, self.total = folder, seed, total
        self.outcomes: dict[str, Outcome] = {name: Outcome() for name in FAULTS}
        self.cells = 0
        self.wrong = 0
        self._begun = time.monotonic()
        self._took: dict[tuple[str, str, str], float] = {}
        self._shells = {name: make() for name, make in SHELLS.items()}
        self._told_at = self._begun
        # A run that is short has to see every cell, too.
        self._seconds = min(3.0, max(0.1, total / len(CELLS) / 2))

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._begun

    def run(self) -> int:
        """Run until the time is over; return the exit code."""
        before: Census | None = None
        turn = 0
        while self._round(turn):
            turn += 1
            if before is None:  # everything has been used once
                before = census()
        after = census()
        for shell in self._shells.values():
            shell.close()
        self._table()
        self._memory(before, after)
        if len(self._took) < len(CELLS):
            print(f"{len(CELLS) - len(self._took)} of {len(CELLS)} cells had no turn: give it more time")
        return int(self.wrong > 0)

    def _round(self, turn: int) -> bool:
        """Give every cell a turn; return whether there is time for more."""
        order = list(CELLS)
        random.Random(f"{self.seed} {turn}").shuffle(order)  # noqa: S311 - repeatable
        for cell in order:
            left = self.total - self.elapsed
            if left <= 0:
                return False
            if self._took.get(cell, 0.0) < left:
                self._turn(cell, turn)
        return self.elapsed < self.total - min(self._took.values())

    def _turn(self, cell: tuple[str, str, str], turn: int) -> None:
        begun = time.monotonic()
        faulthandler.dump_traceback_later(_HANGS, exit=True)  # exit code 1, with the stacks of all threads
        outcome = one_turn(self._shells[cell[1]], cell, self.folder, self.seed, turn, self._seconds)
        faulthandler.cancel_dump_traceback_later()
        self._took[cell] = time.monotonic() - begun
        self.outcomes[cell[2]] += outcome
        self.cells += 1
        self.wrong += len(outcome.wrong)
        for text in outcome.wrong:
            print(f"--- {'/'.join(cell)}\n{text}", flush=True)
        if outcome.wrong:
            arguments = f"--seed {self.seed} --turn {turn} --cell {'/'.join(cell)} --seconds {self._seconds:g}"
            print(f"to see it again: python tests/faults/soak.py {arguments}", flush=True)
        if time.monotonic() - self._told_at >= 10:
            self._told_at = time.monotonic()
            octets = sum(one.octets for one in self.outcomes.values())
            print(
                f"[{self.elapsed:4.0f} of {self.total:.0f} s] round {turn + 1}, {self.cells} cells, {octets:,} octets, "
                f"{self.wrong} wrong",
                flush=True,
            )

    def _table(self) -> None:
        names = (
            "times",
            "octets",
            "damaged",
            "passed",
            "lost",
            "doubled",
            "reordered",
            "wrong exceptions",
            "wrong in all",
        )
        print(f"\n{'fault':14}" + "".join(f"  {name:>{max(9, len(name))}}" for name in names))
        whole = Outcome()
        for fault, one in self.outcomes.items():
            self._row(fault, one, names)
            whole += one
        self._row("all", whole, names)
        raised = ", ".join(f"{name} {count:,}" for name, count in sorted(whole.errors.items()))
        print(f"\nexceptions of the documented trees that calls have raised: {raised or 'none'}")

    @staticmethod
    def _row(fault: str, one: Outcome, names: tuple[str, ...]) -> None:
        values = [one.times, one.octets, one.damaged, one.passed, one.count("lost"), one.count("doubled")]
        values += [one.count("reordered"), one.undocumented, len(one.wrong)]
        print(f"{fault:14}" + "".join(f"  {v:>{max(9, len(n))},}" for n, v in zip(names, values, strict=True)))

    def _memory(self, before: Census | None, after: Census) -> None:
        seconds = f"{self.cells} cells in {self.elapsed:.0f} s, seed {self.seed}"
        if before is None:
            print(f"{seconds}; what is left over was not looked for: there was no second round")
            return
        told = after.grown(before)
        self.wrong += len(told)
        for text in told:
            print(f"left over: {text}")
        print(
            f"{seconds}; after the first round and at the end: threads {before.threads} and {after.threads}, "
            f"descriptors {before.descriptors} and {after.descriptors}, blocks of memory {before.blocks:,} and "
            f"{after.blocks:,}, handed out {before.heap / 1e6:.1f} and {after.heap / 1e6:.1f} MB, "
            f"resident {before.resident / 1e6:.1f} and {after.resident / 1e6:.1f} MB"
        )


def one_turn(shell: Shell, cell: tuple[str, str, str], folder: Path, seed: int, turn: int, seconds: float) -> Outcome:
    """Run a cell of a campaign."""
    pause = random.Random(f"{seed} {turn} {cell}").choice((0.0, 0.001))  # noqa: S311 - repeatable
    return run(cell, folder, f"{seed} {turn}", shell, times=2000, octets=300_000, seconds=seconds, pause=pause)


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=float, default=60, metavar="SECONDS", help="how long in all (default 60)")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="determines faults and traffic (default: another one each time)"
    )
    parser.add_argument("--cell", metavar="OPTION/SHELL/FAULT", help="run this cell once")
    parser.add_argument("--turn", type=int, default=0, metavar="N", help="of which round")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="how long a cell goes on at the most")
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="soak") as folder:
        if options.cell is None:
            print(f"seed {seed}: {len(CELLS)} cells, {options.time:g} s", flush=True)
            return Campaign(Path(folder), seed, options.time).run()
        return _one(parser, options, Path(folder), seed)


def _one(parser: argparse.ArgumentParser, options: argparse.Namespace, folder: Path, seed: int) -> int:
    cell = next((one for one in CELLS if "/".join(one) == options.cell), None)
    if cell is None:
        parser.error(f"no cell {options.cell}: {', '.join('/'.join(one) for one in CELLS)}")
    shell = SHELLS[cell[1]]()
    outcome = one_turn(shell, cell, folder, seed, options.turn, options.seconds)
    shell.close()
    print(outcome)
    return int(bool(outcome.wrong))


if __name__ == "__main__":
    sys.exit(main())
