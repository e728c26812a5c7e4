"""Remote hosts that talk like the module before them: what they send, in what pieces, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import strategies as st
from silent_module import lines

from drivers.errors import SessionTimeout

SEND, RING, WAIT = "send", "ring", "wait"


class TalkingModule(Protocol):
    """A module with remote hosts behind its sessions."""

    @property
    def apart(self) -> bool:
        """Whether it tells data apart from lines now, so that it may say a line at any time."""

    def behind(self, octets: bytes) -> None:
        """Say this behind the next answer."""

    def comes(self, number: int, data: bytes) -> bytes:
        """Take data from a host; return what the module says then."""


@dataclass(frozen=True)
class Comes:
    """Data of a remote host.

    Args:
        number: the session.
        data: what the host has sent.
        behind: whether it comes right behind the answer to a command, in the same octets.
    """

    number: int
    data: bytes
    behind: bool = False


def pieces_of(texts: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return what a host may send: lines that the module may say, halves of them, several, and others."""
    said = st.sampled_from(texts).map(lambda line: b"\r\n%b\r\n" % line)
    halves = st.tuples(said, st.integers(1, 12), st.booleans())
    return st.one_of(
        said,
        said,
        halves.map(lambda one: one[0][: one[1]] if one[2] else one[0][one[1] :]),
        st.lists(st.sampled_from(texts), min_size=1, max_size=3).map(b"\r\n".join),
        st.sampled_from([b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\r"]),
        st.binary(min_size=1, max_size=20),
    )


def scripts_of(pieces: st.SearchStrategy[bytes], *more: str) -> st.SearchStrategy[list[Comes | str]]:
    """Return what happens one after the other: data comes, the host of the module sends, it rings, and more."""
    datas = st.lists(pieces, min_size=1, max_size=2).map(b"".join)
    coming = st.builds(Comes, st.integers(0, 1), datas, st.booleans())
    return st.lists(coming | coming | st.sampled_from([SEND, RING, *more]), max_size=6)


portions = st.sampled_from([1, 3, 7, 50, 1000])
sizes = st.lists(st.integers(1, 1500) | st.integers(5, 40), min_size=1, max_size=6)


def drive(
    module: TalkingModule, made: Any, sessions: list[Any], script: list[Comes | str], ask: Callable[[], object]
) -> list[bytes]:
    """Play a script.

    Args:
        module: the module.
        made: the bench that it is on.
        sessions: the sessions.
        script: the script.
        ask: sends a command whose answer data may come behind.

    Returns:
        What each host has sent, and nobody has received yet.
    """
    sent = [b"" for _ in sessions]
    for what in script:
        if isinstance(what, Comes):
            number = what.number % len(sessions)
            sent[number] += what.data
            octets = module.comes(sessions[number].index, what.data)
            if what.behind and module.apart:
                module.behind(octets)
                ask()
            else:
                made.say(octets)
        elif what == SEND:
            sessions[0].sendall(b"hello")
        elif what == WAIT:
            sessions[-1].settimeout(0.5)
            with suppress(SessionTimeout):
                sent[-1] = sent[-1][len(sessions[-1].recv(1)) :]
        elif module.apart:
            made.say(lines("RING"))
    return sent


def received(session: Any, count: int) -> bytes:
    """Receive so many octets, or what there is of them."""
    session.settimeout(5.0)
    data = b""
    while len(data) < count:
        try:
            piece: bytes = session.recv(4096)
        except SessionTimeout:
            break
        if not piece:
            break
        data += piece
    return data
