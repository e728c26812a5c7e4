"""``doctor``: opens a line step by step, and explains what each step shows."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import metadata
from typing import cast

from ..errors import CmuxError, DlcError
from ..line.base import Line
from ..opening import Plan
from ..protocol.config import Role
from ..protocol.events import Outcome
from ..protocol.hand_over import Entered
from ..protocol.link import Link
from ..protocol.startup_steps import Finding
from ..threads import startup_runner
from ..threads.mux import Mux
from .app import DONE, CommandError, Commands
from .line_options import LineOptions, add_line_options, add_setting, from_arguments

_EXAMPLES = (
    "gsm0710 doctor /dev/ttyUSB0",
    "gsm0710 doctor socket://10.0.0.7:7000 --option advanced --json | jq .",
)

_HINTS = {
    "port": "Is the device plugged in? Does another program (ModemManager, another attach) use it?",
    "AT": "Is it switched on? Is this the port for AT commands? A module behind a USB bridge has several ports.",
    "AT+CMUX": "Try --profile or --option; some modules multiplex only on one of their ports, some not at all.",
    "DLCI 0": "Some need more time after AT+CMUX (--settle, up to 4.5 s), or another --mux-baudrate or --option.",
    "session": "The session broke down: does the line lose octets? Try a lower --baudrate, or flow control.",
}

_TEST = {
    Outcome.ANSWERED: "the Test command is echoed",
    Outcome.NOT_SUPPORTED: "the module does not support the Test command",
    Outcome.TIMEOUT: "the module does not answer the Test command: keep-alive needs MSC",
}


def add_doctor(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: the command line to add it to.
    """
    parser = commands.add(
        "doctor",
        doctor,
        summary="Find out whether a line can be multiplexed, and explain what prevents it.",
        examples=_EXAMPLES,
    )
    parser.add_argument("port", metavar="PORT", help="the line: a path or any pyserial URL")
    add_setting(parser.add_argument, "channels", "the DLCIs to try: 1-4 (default), a list like 1,3, or profile names")
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of text")
    add_line_options(parser)


def doctor(arguments: argparse.Namespace) -> int:
    """Run the command.

    Args:
        arguments: see `add_doctor`.

    Returns:
        The exit code.

    Raises:
        CommandError: the line cannot be multiplexed.
    """
    options = from_arguments(arguments)
    options.check_folders()
    failed: Finding | None = None
    silent = getattr(arguments, "quiet", False) and not arguments.json
    for finding in examine(options):
        if finding.step in _HINTS and not finding.ok:
            failed = finding
        if not silent:
            _show(finding, arguments.json)
    hint = _HINTS[failed.step] if failed is not None else "The line can be multiplexed."
    if arguments.json:
        print(json.dumps({"step": "verdict", "ok": failed is None, "text": hint}), flush=True)
    if failed is not None:
        shown = f": {failed.text.removeprefix(f'{options.port}: ')}" if silent else ""  # else it is the line above
        raise CommandError(f"{options.port} fails at {failed.step}{shown}. {hint}")
    if not arguments.json and not silent:
        print(f"\n{hint}")
    return DONE


def _show(finding: Finding, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"step": finding.step, "ok": finding.ok, "text": finding.text}))
    else:
        print(f"{'ok  ' if finding.ok else '--  '}{finding.step:<10} {finding.text}")
    sys.stdout.flush()


def examine(options: LineOptions) -> Iterator[Finding]:
    """Open a line step by step.

    Args:
        options: the options of the line.

    Yields:
        What each step showed; the first step that fails is the last.
    """
    yield from _packages()
    plan = options.plan
    try:
        line = plan.open_line(told=True)
    except CmuxError as error:
        yield Finding("port", False, str(error))
        return
    try:
        opened = f"{options.port} is open" + (f" at {line.rate} baud" if line.rate else "")
        yield Finding("port", True, "; ".join((opened, *plan.flow.remarks)))
        findings: list[Finding] = []
        try:
            mux = _enter(line, plan, findings)
        except CmuxError as error:
            yield from findings
            if all(finding.ok for finding in findings):
                yield Finding("session", False, str(error))
            return
        # What did not prevent it is not a failure: a module at another baud rate, or one that already multiplexes.
        yield from (replace(finding, step=finding.step if finding.ok else "note") for finding in findings)
        yield from _session(mux, options.channels)
    finally:
        line.close()


def _packages() -> Iterator[Finding]:
    for package in ("cmux", "drivers"):
        owners = metadata.packages_distributions().get(package, ["gsm0710"])
        if set(owners) != {"gsm0710"}:
            yield Finding("packages", False, f"the package {package} is installed by {' and '.join(sorted(owners))}")


def _enter(line: Line, plan: Plan, findings: list[Finding]) -> Mux:
    entered: Entered | None = None
    capture = plan.open_capture()
    if plan.by_at:
        try:
            entered = startup_runner.enter(line, plan.command, plan.other_rates, findings)
        except BaseException:
            if capture is not None:
                capture.close()
            raise
    config = entered.config if entered is not None else plan.config
    return Mux(
        line,
        lambda: Link(Role.INITIATOR, config, line_rate=plan.pace(line.rate)),
        entered=entered,
        capture=capture,
        drain_timeout=plan.drain_timeout,
        resetter=plan.resetter,
    )


def _session(mux: Mux, channels: Iterable[int]) -> Iterator[Finding]:
    try:
        yield from _inside(mux, channels)
    finally:
        mux.close()
    if mux.back_in_at_mode is not None:
        back = "the module is back in AT mode" if mux.back_in_at_mode else "the module does not answer AT any more"
        yield Finding("leaving", mux.back_in_at_mode, back)


def _inside(mux: Mux, channels: Iterable[int]) -> Iterator[Finding]:
    try:
        mux._start()
    except CmuxError as error:
        yield Finding("DLCI 0", False, str(error))
        return
    config = mux.config
    if (rate := mux._followed_to) is not None:
        yield Finding("rate", True, f"SABM is answered at {rate} baud only: --mux-baudrate {rate} saves time")
    yield Finding("DLCI 0", True, f"SABM is answered with UA; {config.option.value} option, N1 {config.n1} octets")
    yield _test(mux)
    for dlci in channels:
        try:
            port = mux.channel(dlci)
        except DlcError as error:
            yield Finding(f"DLCI {dlci}", False, str(error))
            continue
        except CmuxError as error:
            yield Finding("session", False, str(error))
            break
        names = (("CTS", port.cts), ("DSR", port.dsr), ("CD", port.cd), ("RI", port.ri))
        signals = ", ".join(name for name, on in names if on)
        yield Finding(f"DLCI {dlci}", True, f"opened; its signals: {signals or 'none'}")
    dropped = cast(dict[str, int], mux.stats()["dropped"])
    shown = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    yield Finding("frames", not dropped, f"damaged: {shown}" if dropped else "none was damaged")


def _test(mux: Mux) -> Finding:
    try:
        outcome = mux.test()
    except CmuxError as error:
        return Finding("session", False, str(error))
    return Finding("Test", outcome is Outcome.ANSWERED, _TEST[outcome])
