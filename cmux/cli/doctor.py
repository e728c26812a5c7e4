"""``doctor``: opens a line step by step, and explains what each step shows."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from importlib import metadata
from itertools import chain
from typing import Final, cast

from ..errors import CmuxError, DlcError, DlcRefused, PortError, SessionEnded, StartupError
from ..line.base import Line
from ..opening import Plan
from ..protocol.config import KeepAlive, Role
from ..protocol.events import Cause, Outcome
from ..protocol.hand_over import Entered
from ..protocol.hints import HINTS, Hint
from ..protocol.link import Link
from ..protocol.startup_steps import STALLED, Finding
from ..threads import startup_runner
from ..threads.mux import Mux
from .app import DONE, CommandError, Commands
from .build import build
from .colours import GREEN, RED, painted
from .hinted import as_option
from .line_options import LineOptions, add_line_options, add_setting, from_arguments
from .progress import in_sight
from .subcommands import DOCTOR

_EXAMPLES = (
    "gsm0710 doctor /dev/ttyUSB0",
    "gsm0710 doctor socket://10.0.0.7:7000 --option advanced --json | jq .",
)

_STEPS: Final = ("port", "AT", "AT+CMUX", "DLCI 0", "session")
"""The steps without which there is no session."""

_ENDS = {Cause.LINE_LOST: "line-gone", Cause.PEER: "session-closed"}
"""The hint for the end of a session, by its cause; any other is that nobody answers."""

_TEST = {
    Outcome.ANSWERED: "the Test command is echoed",
    Outcome.NOT_SUPPORTED: "the module does not support the Test command",
    Outcome.TIMEOUT: "the module does not answer the Test command",
}


def add_doctor(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: the command line to add it to.
    """
    parser = commands.add(
        DOCTOR,
        doctor,
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
    verbose = getattr(arguments, "verbose", 0)
    findings = in_sight(examine(options), f"examining {options.port}")
    for finding in chain([Finding("build", True, build())] if verbose else [], findings):
        if finding.step in _STEPS and not finding.ok:
            failed = finding
        if not silent:
            _show(finding, arguments.json)
    verdict = _verdict(failed)
    told = f"{verdict.text}{_id(verdict)}"
    if arguments.json:
        _print_json(verdict)
    if failed is not None:
        shown = f": {failed.text.removeprefix(f'{options.port}: ')}" if silent else ""  # else it is the line above
        raise CommandError(f"{options.port} fails at {failed.step}{shown}. {told}")
    if not arguments.json and not silent:
        print(f"\n{told}")
    return DONE


def _verdict(failed: Finding | None) -> Finding:
    if failed is None:
        return Finding("verdict", True, "The line can be multiplexed.")
    text = _told(failed.hint)
    return Finding("verdict", False, f"{text[:1].upper()}{text[1:]}{'' if text.endswith('?') else '.'}", failed.hint)


def _told(hint: Hint | None) -> str:
    return "" if hint is None else hint.told(as_option)


def _id(finding: Finding) -> str:
    """Return the id of the hint as text shows it, to look it up by; JSON has a key for it."""
    return "" if finding.hint is None else f" [{finding.hint.id}]"


def _show(finding: Finding, as_json: bool) -> None:
    named = finding.hint is not None and finding.step not in _STEPS
    if named:
        told = f"{finding.text}: {_told(finding.hint)}" if finding.text else _told(finding.hint)
        finding = replace(finding, text=told)
    if as_json:
        _print_json(finding)
    else:
        mark = painted("ok", GREEN, sys.stdout) if finding.ok else painted("--", RED, sys.stdout)
        print(f"{mark}  {finding.step:<10} {finding.text}{_id(finding) if named else ''}", flush=True)


def _print_json(finding: Finding) -> None:
    name = None if finding.hint is None else finding.hint.id
    print(json.dumps({"step": finding.step, "ok": finding.ok, "id": name, "text": finding.text}), flush=True)


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
        yield Finding("port", False, str(error), error.hint if isinstance(error, PortError) else None)
        return
    try:
        opened = f"{options.port} is open" + (f" at {line.rate} baud" if line.rate else "")
        yield Finding("port", True, "; ".join((opened, *plan.flow.remarks)))
        yield from (Finding("line", False, "", fact.hint) for fact in line.facts() if fact.notable)
        findings: list[Finding] = []
        try:
            mux = _enter(line, plan, findings)
        except StartupError as error:
            at_fault = findings and findings[-1].step in _STEPS and not findings[-1].ok and findings[-1].hint is None
            yield from findings[:-1] if at_fault else findings
            said = findings[-1] if at_fault else Finding("AT", False, error.said)
            yield replace(said, hint=error.hint)
            return
        except CmuxError as error:
            yield from findings
            yield _broken(error, line)
            return
        # What did not prevent it is not a failure: a module at another baud rate, or one that already multiplexes.
        yield from (replace(finding, step=finding.step if finding.ok else "note") for finding in findings)
        yield from _session(mux, line, options.channels)
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

    def begin_again(line: Line, former: Entered) -> Entered:
        nonlocal config
        option, pause = config.option, former.leave_pause
        startup_runner.leave(line, option, close_down=True, way=former.way, pause=pause)
        now = startup_runner.enter(line, plan.again(former), plan.other_rates)
        config = now.config
        return now

    return Mux(
        line,
        lambda: Link(Role.INITIATOR, config, line_rate=plan.pace(line.rate)),
        entered=entered,
        capture=capture,
        drain_timeout=plan.drain_timeout,
        resetter=plan.resetter,
        begin_again=begin_again,
        attempts=plan.command.start.start_attempts,
    )


def _broken(error: CmuxError, line: Line) -> Finding:
    """Return what a session showed that broke down."""
    cause = error.cause if isinstance(error, SessionEnded) else Cause.TIMEOUT
    name = "line-stalled" if STALLED in str(error) else _ENDS.get(cause, "session-lost")
    if name == "line-gone" and "://" in line.name:
        name = "connection-closed"
    return Finding("session", False, str(error), line.explained(HINTS[name]))


def _session(mux: Mux, line: Line, channels: Collection[int]) -> Iterator[Finding]:
    try:
        yield from _inside(mux, line, channels)
    finally:
        mux.close()
    if mux.back_in_at_mode is not None:
        back = "the module is back in AT mode" if mux.back_in_at_mode else "the module does not answer AT any more"
        yield Finding("leaving", mux.back_in_at_mode, back)


def _inside(mux: Mux, line: Line, channels: Collection[int]) -> Iterator[Finding]:
    try:
        mux._start()
    except StartupError as error:
        yield Finding("DLCI 0", False, error.said, error.hint)
        return
    except CmuxError as error:
        yield _broken(error, line)
        return
    config = mux.config
    if (rate := mux._followed_to) is not None:
        hint = HINTS["followed-rate"].filled(rate=rate)
        yield Finding("rate", True, f"SABM is answered at {rate} baud only", hint)
    how = "UA" if mux._engine.link.multiplexer.has_control else "DM: there is no control channel (--adm)"
    yield Finding("DLCI 0", True, f"SABM is answered with {how}; {config.option.value} option, N1 {config.n1} octets")
    tested = _test(mux, line)
    yield tested
    opened: list[int] = []
    refused = False
    for dlci in channels:
        try:
            port = mux.channel(dlci)
            opened.append(dlci)
        except DlcError as error:
            refused |= isinstance(error, DlcRefused)
            yield Finding(f"DLCI {dlci}", False, str(error))
            continue
        except CmuxError as error:
            yield _broken(error, line)
            break
        names = (("CTS", port.cts), ("DSR", port.dsr), ("CD", port.cd), ("RI", port.ri))
        signals = ", ".join(name for name, on in names if on)
        yield Finding(f"DLCI {dlci}", True, f"opened; its signals: {signals or 'none'}")
    else:
        if mux.error is not None:
            yield _broken(mux.error, line)
        elif not opened:
            there = refused or (tested.ok and _test(mux, line).ok)  # it answers, if not on these channels
            yield Finding("session", False, "no channel is open", HINTS["no-channel" if there else "session-lost"])
        elif len(opened) < len(channels):
            yield Finding("channels", False, "", HINTS["some-channels"].filled(dlcis=",".join(map(str, opened))))
    dropped = cast(dict[str, int], mux.stats()["dropped"])
    shown = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    yield Finding("frames", not dropped, f"damaged: {shown}" if dropped else "none was damaged")


def _test(mux: Mux, line: Line) -> Finding:
    try:
        outcome = mux.test()
    except CmuxError as error:
        return _broken(error, line)
    wanting = outcome is Outcome.TIMEOUT and mux.config.keep_alive is not KeepAlive.MSC
    hint = HINTS["no-test"] if wanting else None
    return Finding("Test", outcome is Outcome.ANSWERED, _TEST[outcome], hint)
