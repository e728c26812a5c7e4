"""No module but `dlc` changes a field of a `Dlc`: the syntax trees of all modules of both packages are walked."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from field_changes import FieldChanges
from rows import each
from syntax_trees import tree

import cmux
import drivers

CMUX, DRIVERS = Path(cmux.__file__).parent, Path(drivers.__file__).parent
DLC = CMUX / "protocol" / "dlc.py"
MODULES = [path for root in (CMUX, DRIVERS) for path in sorted(root.rglob("*.py")) if path != DLC]


@cache
def finder() -> FieldChanges:
    """Who knows the fields: made by the first test that asks, not by every worker that collects."""
    return FieldChanges(tree(DLC), [tree(path) for path in MODULES])


@each(("path", MODULES))
def test_nobody_but_dlc_changes_a_field_of_a_dlc(path: Path) -> None:
    found = [f"{path}:{line}: {name} of a Dlc is changed outside of dlc.py" for line, name in finder().find(tree(path))]
    assert not found, "\n".join(found)


def test_the_fields_are_known_and_so_is_where_dlcs_come_from() -> None:
    assert {"state", "deadline", "tries", "queue", "counters", "confirmed", "_agreed"} <= finder().fields
    assert {"tries", "state", "counters"} & finder().only_dlc == set(), "others have these, too"
    assert {"_answers_due", "agreement", "status_due"} <= finder().only_dlc
    assert finder().attributes["_zero"] == "dlc"
    assert finder().attributes["dlcs"] == finder().attributes["_dlcs"] == "dlcs"
    assert finder().returned["dlc"] == finder().returned["_look"] == finder().returned["_user_dlc"] == "dlc"
    assert finder().returned["user_dlcs"] == "dlcs"
    assert finder().attributes["timed"] == "dlc", "a Dlc is what the protocol `Timed` asks for"


@pytest.mark.parametrize("path", ["cmux/aio/mux.py", "cmux/protocol/actions.py", "drivers/emulator/line/channel.py"])
def test_modules_of_both_packages_are_walked(path: str) -> None:
    assert CMUX.parent / path in MODULES


@pytest.mark.parametrize(
    ("path", "line", "planted"),
    [
        ("cmux/protocol/actions.py", "session.send_signals(dlc),", '(session, setattr(dlc, "tries", 0)),'),
        ("cmux/protocol/actions.py", "session.send_signals(dlc),", "dlc.counters.update(octets_sent=0),"),
        ("cmux/protocol/transmitter.py", "timed.handed_out(now)", "timed.deadline = 0"),
        ("drivers/emulator/line/channel.py", "self._mux.flush()", "self._mux.multiplexer._session.dlcs[1].tries = 3"),
    ],
    ids=["setattr in a lambda", "update in a lambda", "a Dlc as Timed", "drivers"],
)
def test_a_change_planted_in_a_module_is_found(path: str, line: str, planted: str) -> None:
    before, after = (CMUX.parent / path).read_text(encoding="utf-8").split(line, 1)
    found = [at for at, _ in finder().find(ast.parse(before + planted + after)) if at == before.count("\n") + 1]
    assert len(found) == 1


PLANTED = [
    "def f(dlc: Dlc): dlc.state = 1",
    "def f(dlc: Dlc): dlc.state: int = 1",
    "def f(dlc: Dlc): dlc.tries += 1",
    "def f(dlc: Dlc): del dlc.deadline",
    "def f(dlc: Dlc): dlc.deadline, other = None, 1",
    "def f(dlc: Dlc): a, (b, *dlc.counters) = 1, (2, 3)",
    "def f(dlc: Dlc):\n for dlc.tries in range(3): pass",
    "def f(dlc: Dlc):\n with g() as dlc.state: pass",
    "def f(dlc: Dlc): dlc.counters['frames_sent'] += 1",
    "def f(dlc: Dlc): counters = dlc.counters; counters['frames_sent'] += 1",
    "def f(dlc: Dlc): queue = dlc.queue; queue += b'x'",
    "def f(dlc: Dlc): dlc.queue += b'x'",
    "def f(dlc: Dlc): del dlc.queue[:1]",
    "def f(dlc: Dlc): dlc.queue.clear()",
    "def f(dlc: Dlc): due = dlc.status_due; due.append(None)",
    "def f(dlc: Dlc): dlc.parameters.n1 = 3",
    "def f(dlc: Dlc): setattr(dlc, 'state', 1)",
    "def f(dlc: Dlc): object.__setattr__(dlc, 'state', 1)",
    "def f(dlc: Dlc): dlc.__dict__['state'] = 1",
    "def f(dlc: Dlc): vars(dlc)['state'] = 1",
    "def f(dlc: Dlc): vars(dlc).update(state=1)",
    "def f(dlc: Dlc | None): dlc.state = 1",
    "def f(dlc: 'Dlc'): dlc.state = 1",
    "def f(one: Dlc): (lambda: one.counters.update(a=1))()",
    "def f(self): self._zero.state = 1",
    "def f(self): self._session._zero.state, x = 1, 2",
    "def f(self): self.dlcs[1].state = 1",
    "def f(self): self._dlcs[1].counters['frames_sent'] += 1",
    "def f(session): session.dlcs.get(1).state = 1",
    "def f(session): session.dlc(1).state = 1",
    "def f(self): self._look(1).state = 1",
    "def f(self): (other := self._user_dlc(1)).state = 1",
    "def f(self): other = self.dlcs.get(1) or self.dlc(1); other.state = 1",
    "def f(self): other = self.dlcs[1] if self else None; other.state = 1",
    "def f(self):\n for other in self.user_dlcs(): other.state = 1",
    "def f(self):\n for other in list(self.dlcs.values()): other.state = 1",
    "def f(self):\n for dlci, other in self.dlcs.items(): other.state = 1",
    "def f(self): first = min(self.user_dlcs()); first.state = 1",
    "def f(self): found = [one for one in self.user_dlcs() if one.dlci]; found[0].state = 1",
    "def f(self): [one.queue.clear() for one in self.user_dlcs()]",
    "def f(self): one = Dlc(1, self.config); one.state = 1",
    "async def f(self): mux._session.dlcs[1].tries = 0",
    "f = lambda session, dlc, final: dlc.counters.update(octets_sent=0)",  # by its name: a lambda has no annotations
    "f = lambda session, dlc, final: (setattr(dlc, 'tries', 0), session.end())",
    "def f(dlc): dlc.tries = 0",
    "def f(self): frame, timed, _ = self._control[0]; timed.deadline = 0",
    "def f(timed: Timed | None): timed.deadline = 0",
    "def f(self): self._control[0].timed.deadline = 0",
    "x._answers_due = 1",  # that only a DLC has
    "def f(anything): anything._meant = 1",
    "def f(anything): anything.status_due.append(1)",
]

HARMLESS = [
    "def f(self): self.state = 1",
    "def f(self): self.counters['holds'] += 1",
    "def f(self, mine: Outstanding): mine.deadline = 1; mine.tries += 1",
    "def f(self, timed: Outstanding | None): timed.deadline = 1",
    "def f(dlc: Dlc): state = dlc.state; state = 2",
    "def f(dlc: Dlc): size = len(dlc.queue); size += 1",
    "def f(dlc: Dlc): dlc.note(1); dlc.put(b''); dlc.discard()",
    "def f(self): self.dlcs[1] = Dlc(1, self.config)",
    "def f(self): per_dlc = {n: dict(dlc.counters) for n, dlc in self.dlcs.items()}; per_dlc[0]['x'] += 1",
    "def f(self):\n for one in self.lines: one.state = 1",
    "def f(self): found = self.dlcs.get(1); found = self.dlcs[1] = Dlc(1, self.config)",
]


@pytest.mark.parametrize("source", PLANTED)
def test_a_planted_change_is_found(source: str) -> None:
    found = finder().find(ast.parse(source))
    assert len(found) == 1, found
    assert found[0][0] == source.count("\n") + 1 or source.count("\n") == 1


@pytest.mark.parametrize("source", HARMLESS)
def test_what_changes_no_dlc_is_left_alone(source: str) -> None:
    assert finder().find(ast.parse(source)) == []
