"""Scenes of transfers: a module of either family with some readings of its documents, a line, drivers on it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import serial
from driver_lab import BG96, M10, Kind

import cmux
from drivers.emulator import EmulatedModule
from drivers.tcpip import TcpipDriver, Transparent

FAULTS = ("", "", "pdp_deact", "remote_reset", "both")
"""What the network does in a scene."""
LINES: dict[str, dict[str, Any]] = {
    "basic": {},
    "advanced": {"option": "advanced", "n1": 31},
    "advanced, long": {"option": "advanced", "n1": 1509},
    "bare": {},
}
"""The lines, and how the multiplexer is opened; a bare one has none."""
LONGEST_OF_M10 = 128
CHANNELS = {"bg96": 3, "m10": 2}
"""As many as there are contexts at once."""
READINGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "bg96": (
        ("socket_urcs=opener", "socket_urcs=urcport", "socket_urcs=all"),
        ("", "pushed_end=CRLF", "interleave=on", "pdpdeact_closed=on", "qiopen_order=urc_first", "incoming_id=lowest"),
        ("", "unheard_lines=kept", "urc_in_data_mode=queued", "transparent_end=both", "send_lost=SEND FAIL"),
    ),
    "m10": (("", "interleave=on", "unheard_lines=kept"),),
}
"""Of each question of these, a scene has one of the answers."""
RECEIVE: dict[str, tuple[str, ...]] = {
    "bg96": ("buffered", "pushed", "transparent", "mixed", "mixed"),
    "m10": ("buffered", "header"),
}
SHARED = 0.3
"""How many of the scenes of modules that allow it have one context for all channels."""


@dataclass(frozen=True)
class Scene:
    """What stays as it is for some seconds.

    Args:
        kind: the module.
        readings: how it reads its documents.
        receive: the receive mode of the sessions; ``mixed``: one of them for each.
        line: of `LINES`.
        channels: how many drivers there are.
        share: whether they have one context.
        fault: what the network does.
    """

    kind: Kind
    readings: tuple[str, ...]
    receive: str
    line: str
    channels: int
    share: bool
    fault: str

    def __str__(self) -> str:
        words = (self.kind.model, *self.readings, self.receive, self.line, f"{self.channels} channels")
        return ", ".join((*words, *(["one context"] if self.share else []), self.fault or "no fault"))

    @classmethod
    def choose(cls, kind: Kind, chooser: random.Random) -> Scene:
        """Return some scene of a kind of module."""
        line = chooser.choice(tuple(LINES))
        return cls(
            kind,
            tuple(filter(None, (chooser.choice(answers) for answers in READINGS[kind.model]))),
            chooser.choice(RECEIVE[kind.model]),
            line,
            1 if line == "bare" else chooser.randint(1, CHANNELS[kind.model]),
            kind is BG96 and chooser.random() < SHARED,
            chooser.choice(FAULTS),
        )

    @property
    def faults(self) -> tuple[str, ...]:
        """What the network does, by the words of `EmulatedModule.trigger`."""
        return ("pdp_deact", "remote_reset") if self.fault == "both" else (self.fault,) if self.fault else ()

    @contextmanager
    def ports(self, module: EmulatedModule) -> Iterator[list[Any]]:
        """Open the line of a module; yield a port for each driver."""
        line, settings = module.serve_pty(), dict(LINES[self.line])
        if self.line == "bare":
            with serial.serial_for_url(line) as port:
                yield [port]
            return
        if self.kind is M10 and "n1" in settings:
            settings["n1"] = min(settings["n1"], LONGEST_OF_M10)
        with cmux.open(line, settle=0.0, **settings) as mux:
            yield [mux.channel(number) for number in range(1, self.channels + 1)]

    def driver(self, port: Any, number: int) -> TcpipDriver:
        """Make the driver of a channel.

        Args:
            port: the channel.
            number: counts them, from 0.
        """
        options: dict[str, Any] = {"receive": None if self.receive == "mixed" else self.receive}
        if self.receive == "transparent":
            escape = "+++" if self.line == "bare" else "dtr"
            options = {"transparent": Transparent(wait=0.1, escape=escape)}
        if self.kind is M10:
            options["muxip"] = True
        context = self.kind.first + (0 if self.share else number)
        return TcpipDriver(port, context, "CMNET", dialect=self.kind.model, share=self.share, **options)
