"""``gsm0710 demo``: two channels, two contexts, data from one to the other, over a real multiplexed line."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, NamedTuple

import cmux
from cmux.cli import CommandError, Commands
from cmux.cli.argument_types import reading, some
from cmux.cli.colours import has_colours
from cmux.cli.line_options import add_line_options, from_arguments
from cmux.cli.progress import waiting
from cmux.opening import Plan
from cmux.protocol import Option
from cmux.protocol.at_cmux import MODES

from ..at import pause
from ..clock import Clock
from ..emulator import EmulatedModule, EmulatedPort, Model
from ..errors import DriverError
from .chapter8 import Chapter8
from .demo_steps import Demo, DemoStep, StepFailed
from .model_option import USUAL, add_model_option
from .subcommands import DEMO
from .transcript import Transcript
from .two_contexts import TwoContexts


class _Played(NamedTuple):
    """What is played on the modules of a family."""

    kind: type[Demo]
    title: str


_DEMOS = {"quectel_gsm": _Played(Chapter8, "chapter 8"), "quectel_lte": _Played(TwoContexts, "two contexts")}
_PATIENCE = 20.0  # seconds; a real network needs some
_PROGRESS = 10.0  # seconds between two messages that the demo is still waiting


def add_demo(commands: Commands) -> None:
    """Add ``demo``.

    Args:
        commands: the command line to which it is added.
    """
    parser = commands.add(
        DEMO,
        run_demo,
        examples=(
            "gsm0710 demo                                on the emulated module, no hardware needed",
            "gsm0710 demo --model bg96                   on an LTE module, with its own commands",
            "gsm0710 demo --port /dev/ttyUSB0            on a module",
            "gsm0710 demo --port socket://host:7000      on a module behind a network",
            "gsm0710 demo --capture chapter8.pcapng      write the frames to a file for Wireshark",
        ),
    )
    parser.add_argument(
        "--port", type=reading(some), metavar="URL", help="the module: a path or any pyserial URL (default: emulated)"
    )
    add_model_option(parser)
    parser.set_defaults(log_level=logging.ERROR)  # an error ends the step, which reports it
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of text")
    add_line_options(parser)


def run_demo(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    line = from_arguments(options, options.port or "emulated")
    model: Model = options.model
    line.check_folders()
    colour = has_colours(sys.stdout) and not options.json
    quiet = getattr(options, "quiet", False) and not options.json
    with ExitStack() as stack:
        out = stack.enter_context(open(os.devnull, "w", encoding="utf-8")) if quiet else sys.stdout
        transcript = Transcript(out, colour=colour, as_json=options.json)
        port: str | EmulatedPort
        settings = line.settings
        if options.port is not None:
            port = options.port
        else:
            module = stack.enter_context(_emulated(line.plan, model))
            port = module.serve_pty() if hasattr(os, "openpty") else module.port()
            settings = {"settle": module.settle, **settings}
            transcript.note(f"an emulated {model.name.upper()}, no hardware")
        started = time.monotonic()
        with waiting(f"opening {line.name}"):
            mux = cmux.open(port, **settings)
        try:
            said = f"AT+CMUX={MODES[mux.config.option]}, " if line.plan.by_at else ""
            transcript.note(f"{mux.name}: {said}{mux.config.option.value} option, DLCI 0 open")
            steps = play(mux, transcript, model=model)
            seconds = time.monotonic() - started
            transcript.end(True, f"OK: {_DEMOS[model.family].title} in {seconds:.1f} s, {steps} steps", steps=steps)
        finally:
            with waiting(f"closing {line.name}"):
                mux.close()
    return 0


def _emulated(plan: Plan, model: Model) -> EmulatedModule:
    """Create a module that starts as the options of the line expect."""
    if plan.by_at:
        return EmulatedModule(model=model.name)
    option: Literal["basic", "advanced"] = "basic" if plan.config.option is Option.BASIC else "advanced"
    return EmulatedModule(model=model.name, startup="none", option=option)


def play(
    mux: cmux.Mux,
    transcript: Transcript,
    *,
    model: Model = USUAL,
    patience: float = _PATIENCE,
    clock: Clock | None = None,
) -> int:
    """Play the demo of a module and show it.

    Args:
        mux: an open multiplexer.
        transcript: shows the steps and the octets.
        model: which module it is.
        patience: seconds to wait for data and for a client.
        clock: the source of time.

    Returns:
        The number of steps.

    Raises:
        CommandError: a step failed; the message names it.
    """
    count = 0

    def announce(step: DemoStep) -> None:
        nonlocal count
        count += 1
        transcript.step(step)
        wait.now(f"step {count}, {step.title}")

    with (
        _progress(transcript),
        waiting("setting the channels up") as wait,
        _DEMOS[model.family].kind(mux, announce, dialect=model.name, patience=patience, clock=clock) as chosen,
    ):
        for uart, channel in chosen.channels.items():
            channel.on_octets(transcript.tap(uart))
            try:
                channel.run(pause(0))  # the first dialogue makes the channel turn its echo off
            except DriverError as error:
                transcript.end(False, f"FAILED at the set-up of VIRTUAL_UART_{uart}: {error}", step="set-up")
                raise CommandError(f"step 'set-up' failed: {error}") from error
        try:
            chosen.play()
        except StepFailed as error:
            transcript.end(False, f"FAILED at step {count}: {error}", step=error.step, detail=error.detail)
            raise CommandError(f"step {count}, {error.step!r}, failed: {error.detail}") from error
    return count


@contextmanager
def _progress(transcript: Transcript) -> Iterator[None]:
    """Show at intervals that the demo is waiting for the module: a real network may take minutes."""
    done = threading.Event()

    def watch() -> None:
        waited = 0.0
        while not done.wait(_PROGRESS):
            waited += _PROGRESS
            transcript.note(f"still waiting for the module, {waited:g} s since the first step", "waiting")

    watcher = threading.Thread(target=watch, name="demo progress")
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
