"""A module that answers what it is told to answer, and a host with its line; on a clock that a test turns."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TypeVar

from mux_module import Module

from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Role, encode
from cmux.protocol.commands import CLD, MSC, NSC, Command, Test
from cmux.protocol.events import Event
from cmux.protocol.link import Link
from cmux.protocol.messages import encode_message, parse_messages

Kind = TypeVar("Kind", bound=Event)


class MuteModule:
    """Answers SABM and DISC; messages on DLCI 0 as it is told.

    Args:
        test: what becomes of a Test: ``echo``, ``nsc`` or ``mute``.
        msc: what becomes of an MSC: ``echo``, ``nsc`` or ``mute``.
        adm: it refuses DLCI 0.
        unasked: DLCIs whose MSC it does not answer in any case.
    """

    def __init__(
        self, test: str = "echo", msc: str = "echo", *, adm: bool = False, unasked: Container[int] = ()
    ) -> None:  # fmt: skip
        self.answers: dict[type[Command], str] = {Test: test, MSC: msc}
        self.adm = adm
        self.unasked = unasked
        self.dead = False
        """It answers nothing at all any more."""
        self.heard: list[Command] = []
        """The messages that came."""
        self.echo: Callable[[bytes], bytes] = lambda octets: b""
        """What it sends back of what it hears."""
        self._decoder = BasicDecoder(1600)

    def feed(self, octets: bytes) -> bytes:
        """Take what the host has sent; return what the module says to that."""
        return self.echo(octets) + self._answers(octets)

    def _answers(self, octets: bytes) -> bytes:
        said = b""
        for item in self._decoder.receive_data(octets):
            if isinstance(item, Frame):
                said += self._answer(item)
        return b"" if self.dead else said

    def _answer(self, frame: Frame) -> bytes:
        if frame.type in (FrameType.SABM, FrameType.DISC):
            refused = self.adm and not frame.dlci
            return encode(Frame(frame.dlci, True, FrameType.DM if refused else FrameType.UA, True))
        if frame.dlci or frame.type is not FrameType.UIH:
            return b""
        said = b""
        for message in parse_messages(frame.info):
            if not message.command or message.body is None:
                continue
            self.heard.append(message.body)
            answer = self.answers.get(type(message.body), "echo")
            if answer != "mute" and getattr(message.body, "dlci", None) not in self.unasked:
                body = message.body if answer == "echo" else NSC(message.type_octet)
                said += from_module(0, encode_message(body, command=False))
        return said


class UnaskedModule(Module):
    """A module of the shells that reads over every message on DLCI 0."""

    def _receive(self, data: bytes) -> None:
        if self.in_mux:
            frames = [one for one in BasicDecoder(1600).receive_data(data) if isinstance(one, Frame)]
            data = b"".join(encode(one) for one in frames if one.dlci or one.type is not FrameType.UIH or _ends(one))
        super()._receive(data)


def _ends(frame: Frame) -> bool:
    return any(isinstance(message.body, CLD) for message in parse_messages(frame.info))


def from_module(dlci: int, info: bytes) -> bytes:
    """A frame as a module sends it."""
    return encode(Frame(dlci, False, FrameType.UIH, False, info))


class Watcher:
    """The host: its session and the rules of its line.

    Args:
        module: the other end.
        config: the parameters of the session.
        dlcis: the channels that are opened at once.
    """

    def __init__(self, module: MuteModule, config: Config, *dlcis: int) -> None:
        self.now = 100.0
        self.module = module
        self.link = Link(Role.INITIATOR, config)
        self.events: list[Event] = []
        self.takes = True
        """Whether the line takes octets."""
        self._kept = b""
        self.pieces = 1
        """In how many pieces the module's octets come."""
        self.link.start(self.now)
        self.turn()
        for dlci in dlcis:
            self.link.multiplexer.open(dlci, self.now)
        self.turn()

    def turn(self) -> None:
        """Do what a shell does after each change."""
        due = self.link.next_timeout()
        if due is not None and due <= self.now:
            self.events += self.link.handle_timeout(self.now)
        while data := self.link.next_write(self.now):
            self._kept += data
            if not self.takes:
                self.link.blocked(self.now)
                return
            self._pass_on()

    def _pass_on(self) -> None:
        data, self._kept = self._kept, b""
        self.link.wrote(len(data), self.now)
        self.hear(self.module.feed(data))

    def takes_again(self) -> None:
        """Let the line take octets again."""
        self.takes = True
        self._pass_on()

    def hear(self, octets: bytes) -> None:
        """Receive octets from the module."""
        size = max(1, len(octets) // self.pieces)
        for start in range(0, len(octets), size):
            self.events += self.link.receive(octets[start : start + size], self.now)
        self.turn()

    def wait(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        until = self.now + seconds
        while (due := self.link.next_timeout()) is not None and due <= until:
            self.now = max(self.now, due)
            self.turn()
        self.now = until
        self.turn()

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of one class, so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def questions(self) -> list[Command]:
        """The messages that have come to the module since the last call."""
        heard, self.module.heard = self.module.heard, []
        return heard
