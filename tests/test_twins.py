"""What is a rule stands in a core, once: the shells on threads and in asyncio have no ten lines in a row in common."""

from __future__ import annotations

from pathlib import Path

import pytest
from twins import MOST, PACKAGES, ROOT, pairs, shapes, twins


@pytest.mark.parametrize("package", PACKAGES)
def test_two_shells_have_few_lines_in_common(package: str) -> None:
    compared = list(pairs(package))
    assert any(one.name == other.name for one, other in compared)
    found = [str(twin) for pair in compared for twin in twins(*pair)]
    assert not found, "\n".join(["move down into the core what is a rule:", *found])


THREADS = '''
"""On threads."""
from ..core import rules

class Session:
    """A session."""

    _state: int

    def close(self) -> None:
        """Close it."""
        self._runner.run(rules.close(self._state))

    @property
    def runner(self) -> ThreadRunner:
        return self._runner

    def act(self) -> int:
        """Act."""
        number: int = self.one()
        for one in self.some():
            number += one
        with self.lock:
            self.two(ThreadRunner)
        return number

    def __enter__(self) -> Session:
        try:
            self.three()
        except ValueError as error:
            self.four(error)
        finally:
            match self.five():
                case [first, *_]:
                    return first
'''
AIO = '''
"""In asyncio."""
from ..core import other_rules

class Session:
    """See the other one."""

    async def close(self) -> None:
        await self._runner.run(rules.close(self._state))

    async def act(self, count: int = 0) -> int:
        number = await self.one()
        async for one in self.some():
            number += one
        async with self.lock:
            await self.two(TaskRunner)
        return number

    async def __aenter__(self) -> Session:
        try:
            await self.three()
        except ValueError as error:
            await self.four(error)
        finally:
            match await self.five():
                case [first, *_]:
                    return first
'''
COMMON = """
number = self.one()
for one in self.some():
    number += one
with self.lock:
    self.two(Runner)
return number
try:
    self.three()
except ValueError as error:
    self.four(error)
finally:
    match self.five():
        case [first, *_]:
            return first
""".strip()


def test_what_waits_and_what_does_not_have_the_same_shape(tmp_path: Path) -> None:
    one, other = tmp_path / "threads.py", tmp_path / "aio.py"
    one.write_text(THREADS)
    other.write_text(AIO)
    (found,) = twins(one, other)
    assert "\n".join(text.removeprefix("    ") for text in found.texts) == COMMON
    assert str(found).startswith("threads.py:20 and aio.py:12 have 14 lines in common\n")
    assert not twins(one, other, most=14)


def test_one_line_that_differs_parts_what_is_common(tmp_path: Path) -> None:
    one, other = tmp_path / "threads.py", tmp_path / "aio.py"
    one.write_text(THREADS)
    other.write_text(AIO.replace("self.three()", "self.third()"))
    assert [len(found.texts) for found in twins(one, other, most=1)] == [7, 6]


def test_one_line_that_hands_on_and_what_only_declares_is_no_rule() -> None:
    assert not shapes(
        "import os\nclass A:\n    '''A.'''\n    x: int\n    def f(self) -> int:\n        return self.g()[0]\n"
    )
    assert [shape.text for shape in shapes("def f(a):\n    return a + 1\n")] == ["    return a + 1"]


def test_ten_lines_are_allowed() -> None:
    assert MOST == 10
    assert all((ROOT / package / shell).is_dir() for package in PACKAGES for shell in ("threads", "aio"))
