"""Put one defect at a time into a copy of the tree; the tests that are marked with its number must fail then.

``python tests/mutants/run.py [--part K/N] [NUMBER | SIDE | SYMBOL]…``: the table is `mutants.toml`, one defect a row.
A mutant that survives shows a weak test. Each process has a copy of its own; nothing here is changed.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import multiprocessing
import os
import queue
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from syntax_trees import definition, modules, tree

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COPIED = ("cmux", "drivers", "tests", "docs", "pyproject.toml")
FAMILIES = {"S": "quectel_gsm", "L": "quectel_lte"}
"""The folders of families, by the letter of the numbers that are stated about them."""
PROCESSES = 2
LIMIT = 90.0  # seconds until a mutant that hangs counts as noticed
SOUND_LIMITS = (60, 600)  # seconds for one test without a defect, and for all of them
TEST_LIMIT = 10  # seconds for one test of it
PATIENCE = 3  # seconds for one wait of a test for what does not come
_PROCESSES = multiprocessing.get_context("forkserver")
_PRELOADED = ["pytest", "asyncio", "cmux", "hypothesis", "pytest_asyncio", "serial"]
"""What takes long to import and has no defects: processes begin with it."""

_FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/\S+::.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One defect.

    Args:
        number: the statement that it breaks.
        place: where it is: ``side:symbol``, or the side alone. A side is a folder directly below drivers, without the
            folders of the families that the number is not about; a symbol is defined by one of its modules.
        old: the line that is changed, without its indentation; it occurs once in that place.
        new: what stands there instead.
        defect: what is wrong then.
    """

    number: str
    place: str
    old: str
    new: str
    defect: str

    @property
    def side(self) -> str:
        """The folder below drivers."""
        return self.place.partition(":")[0]

    @property
    def symbol(self) -> str:
        """The name of what is changed, empty where the side has the line once."""
        return self.place.partition(":")[2]

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The folders of the other families."""
        return tuple(family for letter, family in FAMILIES.items() if letter != self.number[0])

    def is_meant_by(self, wanted: str) -> bool:
        """Tell whether it is called by a number or its letter, a side, a symbol, the class of one, or a place."""
        own = (self.number, self.number[0], self.side, self.symbol, self.symbol.partition(".")[0], self.place)
        return wanted in own

    def find(self, root: Path = ROOT) -> tuple[Path, int]:
        """Return the file that has the line, and the number of the line, counted from 1.

        Raises:
            ValueError: there is no such side, no such symbol, or the line is not there exactly once.
        """
        folder = root / "drivers" / self.side
        try:
            scopes: Sequence[tuple[Path, range | None]] = (
                definition(folder, self.symbol, self.elsewhere)
                if self.symbol
                else [(one, None) for one in modules(folder, self.elsewhere)]
            )
        except LookupError as error:
            raise ValueError(f"{self.number}: {error}") from error
        found = sorted({(path, line) for path, lines in scopes for line in self._lines(path, lines)})
        if len(found) != 1:
            where = "".join(f", {path.relative_to(root).as_posix()}:{line}" for path, line in found)
            raise ValueError(f"{self.number}: {self.place} has {len(found)} lines {self.old!r}, one is wanted{where}")
        return found[0]

    def _lines(self, path: Path, within: range | None) -> Iterator[int]:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if line.strip() == self.old and (within is None or number in within):
                yield number

    def apply(self, path: Path, line: int) -> str:
        """Return the text of a file with the defect in one line.

        Raises:
            ValueError: that is no Python.
        """
        lines = path.read_text(encoding="utf-8").split("\n")
        lines[line - 1] = lines[line - 1].replace(self.old, self.new)
        mutated = "\n".join(lines)
        try:
            compile(mutated, str(path), "exec", dont_inherit=True)
        except SyntaxError as error:
            raise ValueError(f"{self.number}: {self.place} with {self.new!r} is no Python: {error}") from error
        return mutated


def load() -> list[Mutant]:
    """Return the table."""
    rows = tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))["mutants"]
    return [Mutant(*row) for row in rows]


@cache
def marked(root: Path = ROOT) -> dict[str, list[Path]]:
    """Return the files that have tests marked with each number."""
    files: dict[str, list[Path]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.requirement":
                for argument in node.args:
                    number = str(getattr(argument, "value", ""))
                    if path not in files.setdefault(number, []):
                        files[number].append(path)
    return files


@dataclass
class Outcome:
    """What became of one mutant."""

    mutant: Mutant
    killed: bool
    by: str
    seconds: float


class Workshop:
    """A copy of the tree in which mutants are made and tests are run.

    Args:
        where: an empty folder.
    """

    def __init__(self, where: Path) -> None:
        self.root = where
        for name in COPIED:
            source, target = ROOT / name, where / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "_build"))
            else:
                shutil.copy2(source, target)
        self._tests = marked(where)
        for name in ("cmux", "drivers"):
            compileall.compile_dir(where / name, quiet=2)
        self.pytest("--collect-only", "tests/drivers", keep=True)

    def pytest(self, *arguments: str, keep: bool = False, limit: float = LIMIT) -> tuple[int | None, str]:
        """Run pytest in the copy.

        Args:
            arguments: of pytest.
            keep: whether to keep what was compiled; with a defect nothing of it may stay.
            limit: seconds for it.

        Returns:
            Its exit code (None: it did not end in time) and what it said.
        """
        said, ended = self.root / "said.txt", self.root / "ended.txt"
        ended.unlink(missing_ok=True)
        process = _PROCESSES.Process(target=_run, args=(self.root, arguments, said, ended, keep))
        process.start()
        process.join(limit)
        if process.exitcode is None and process.pid is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
            return None, said.read_text(encoding="utf-8")
        # Not process.exitcode: the start of another process in another thread may read it away, which leaves 255.
        code = int(ended.read_text(encoding="ascii")) if ended.exists() else process.exitcode
        return code, said.read_text(encoding="utf-8")

    def examine(self, mutant: Mutant) -> Outcome:
        """Make a mutant, and run the tests of its number until one fails."""
        (path, line), began = mutant.find(self.root), time.monotonic()
        mutated, sound = mutant.apply(path, line), path.with_suffix(".sound")
        path.rename(sound)  # comes back with its time, so that it is not compiled again
        try:
            path.write_text(mutated, encoding="utf-8")
            code, said = self.pytest(
                "-x", f"--timeout={TEST_LIMIT}", "--requirement", mutant.number, *self._quickest_first(mutant)
            )
        finally:
            sound.replace(path)
        failed = _FAILED.search(said)
        if code is None:
            by = "it hangs"
        elif code == 1 and failed is not None:
            by = failed[1]
        else:
            by = {0: "every test passed", 5: "no test has this number"}.get(
                code, f"pytest ended with {code}:\n{said[-1000:]}"
            )
        killed = code is None or (code == 1 and failed is not None)
        return Outcome(mutant, killed, by, time.monotonic() - began)

    def unsound(self, outcomes: Iterable[Outcome]) -> list[str]:
        """Return the tests that killed a mutant and fail without one, too."""
        tests = sorted({outcome.by for outcome in outcomes if "::" in outcome.by})
        if not tests:
            return []
        each, all_of_them = SOUND_LIMITS
        code, said = self.pytest(f"--timeout={each}", *tests, limit=all_of_them)
        return [] if code == 0 else [match[1] for match in _FAILED.finditer(said)] or [said[-1000:]]

    def _quickest_first(self, mutant: Mutant) -> list[str]:
        """Return the test files of a mutant: transcripts, then those about its own side, then the others."""

        def distance(path: Path) -> tuple[bool, bool, bool]:
            return path.stem != "test_transcripts", mutant.side not in path.parts, "integration" in path.parts

        files = sorted(self._tests.get(mutant.number, []), key=distance)
        return [str(path.relative_to(self.root)) for path in files]


def _run(root: Path, arguments: Sequence[str], said: Path, ended: Path, keep: bool) -> None:
    """Run pytest in a process of its own; its exit code is left in a file."""
    os.setsid()
    with said.open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    os.chdir(root)
    os.environ.update(PYTHONPATH=str(root), PYTHONDONTWRITEBYTECODE="" if keep else "1", GSM0710_PATIENCE=str(PATIENCE))
    sys.dont_write_bytecode = not keep
    sys.path.insert(0, str(root))
    import pytest

    quiet = [
        "-q",
        "--no-header",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    code = pytest.main([*quiet, *arguments])
    sys.stdout.flush()
    ended.write_text(str(int(code)), encoding="ascii")
    os._exit(code)  # whatever a defect has left running


def examine_all(mutants: Sequence[Mutant], folder: Path) -> tuple[list[Outcome], list[str]]:
    """Examine mutants in several processes, and tell how it goes.

    Returns:
        What became of them, in the table's order, and the tests that fail without any of them, too.
    """
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(mutants)):
        todo.put(number)
    done: dict[int, Outcome] = {}
    unsound: list[str] = []
    telling = threading.Lock()

    def work(name: str) -> None:
        workshop, own = Workshop(folder / name), []
        while True:
            try:
                number = todo.get_nowait()
            except queue.Empty:
                break
            outcome = workshop.examine(mutants[number])
            own.append(outcome)
            with telling:
                done[number] = outcome
                tell(outcome, len(done), len(mutants))
        unsound.extend(workshop.unsound(own))

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(min(PROCESSES, len(mutants)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [done[number] for number in sorted(done)], unsound


def tell(outcome: Outcome, count: int, total: int) -> None:
    """Say what became of a mutant."""
    mutant, word = outcome.mutant, "killed" if outcome.killed else "SURVIVED"
    print(f"{count:3}/{total} {word} {mutant.number:6} {outcome.seconds:5.1f} s  {mutant.defect}", flush=True)
    print(f"        {mutant.place}, {outcome.by}", flush=True)


def part(text: str) -> tuple[int, int]:
    """Read K/N: which of N parts.

    Raises:
        ValueError: it is not from 1/N to N/N.
    """
    which, of = map(int, text.split("/"))
    if not 1 <= which <= of:
        raise ValueError(text)
    return which, of


def main() -> int:
    """Examine the mutants that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "wanted",
        nargs="*",
        metavar="NUMBER | LETTER | SIDE | SYMBOL",
        help="S4.8, L, tcpip, Context, Context.ready or emulator:Context.ready; all without one",
    )
    parser.add_argument(
        "--part",
        type=part,
        default=(1, 1),
        metavar="K/N",
        help="every Nth of them, from the Kth on, such as 1/2",
    )
    options = parser.parse_args()
    wanted, (first, step) = options.wanted, options.part
    began = time.monotonic()
    _PROCESSES.set_forkserver_preload(_PRELOADED)
    mutants = [mutant for mutant in load() if not wanted or any(map(mutant.is_meant_by, wanted))][first - 1 :: step]
    try:
        for mutant in mutants:
            mutant.apply(*mutant.find())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        outcomes, unsound = examine_all(mutants, Path(folder))
    for outcome in outcomes:
        if not outcome.killed:
            print(f"SURVIVED {outcome.mutant.number} {outcome.mutant.place}: {outcome.mutant.new}")
    for test in unsound:
        print(f"fails without a defect, too: {test}")
    killed = sum(outcome.killed for outcome in outcomes)
    print(f"{killed} of {len(outcomes)} mutants killed in {time.monotonic() - began:.0f} s")
    return int(killed < len(outcomes) or bool(unsound) or not outcomes)


if __name__ == "__main__":
    sys.exit(main())
