"""``gsm0710 emulate``: emulated modules for programs in any language."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import os
import signal
import textwrap
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from cmux import CmuxError
from cmux.cli import CommandError, Commands
from cmux.cli.argument_types import address, consecutive, number, reading, some
from cmux.cli.hinted import one_line
from cmux.cli.line_options import add_setting
from cmux.kinds import whole
from cmux.protocol.config import MAX_DLCI

from ..emulator import SETS, Behaviour, EmulatedModule, Faults, Model
from ..emulator.environment import addresses, endpoint
from ..emulator.ppp.command import find_command, split_command
from ..emulator.precise_loop import new_loop
from ..emulator.subscribers import number_of
from .control import ControlSocket
from .model_option import add_model_option
from .subcommands import EMULATE

#: The defaults of a module for other programs: their drivers rely on a network that takes a moment.
BASE = Behaviour(result_time=0.05, message_interval=0.2)


def add_emulate(commands: Commands) -> None:
    """Add ``emulate``.

    Args:
        commands: the command line to which it is added.
    """
    parser = commands.add(
        EMULATE,
        run_emulate,
        examples=(
            "gsm0710 emulate --pty /tmp/m10              then: minicom -D /tmp/m10, or gsm0710 demo --port /tmp/m10",
            "gsm0710 emulate --tcp 127.0.0.1:0           prints the port; then: gsm0710 demo --port socket://…",
            "gsm0710 emulate --port /dev/ttyUSB0         for the firmware of a board that is wired to it",
            "gsm0710 emulate --pty /tmp/m10 --ppp 'slirp-fullbolt ppp'",
            "                                            then: ATD*99# on any channel; slirp reaches the real network,",
            "                                            whatever --allow-network says",
            "gsm0710 emulate --list-behaviours           list what sources disagree on, and the default of each",
            "gsm0710 emulate --pty /tmp/m10 --control /tmp/m10.control",
            "                                            then: echo ring +491701234567 | socat - /tmp/m10.control",
        ),
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--pty", type=reading(some), metavar="LINK", help="on a pseudo-terminal, reached through the symbolic link LINK"
    )
    where.add_argument(
        "--port",
        type=reading(some),
        metavar="URL",
        help="at the other end of a serial line: a path or any pyserial URL",
    )
    where.add_argument(
        "--tcp", metavar="HOST:PORT", type=reading(address), help="on a TCP port; port 0 picks a free one"
    )
    where.add_argument("--list-behaviours", action="store_true", help="print the behaviours with their sources")
    add_model_option(parser)
    parser.add_argument(
        "--count",
        type=number(1, 1000),
        default=1,
        metavar="N",
        help="number of modules: LINK1 … LINKN, or consecutive ports",
    )
    parser.add_argument(
        "--baudrate", type=number(1, 20_000_000), default=115200, metavar="N", help="of --port (default 115200)"
    )
    parser.add_argument(
        "--startup", choices=("at", "none"), default="at", help="start in AT mode (default), or multiplexed"
    )
    parser.add_argument(
        "--option",
        choices=("basic", "advanced", "any"),
        help="the framing options that AT+CMUX accepts (default: what the model does, any of an m10)",
    )
    parser.add_argument(
        "--n1",
        type=number(1, 32767),
        metavar="N",
        help="longest information field sent (default: that of the model, 127)",
    )
    parser.add_argument(
        "--loopback",
        type=number(1, MAX_DLCI),
        action="append",
        default=[],
        metavar="DLCI",
        help="send back the data of this DLCI",
    )
    parser.add_argument(
        "--behaviour",
        type=reading(_behaviour),
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a behaviour, or a set of them",
    )
    parser.add_argument(
        "--host",
        type=reading(_host),
        action="append",
        default=[],
        metavar="NAME=ADDRESS[,…]",
        help="a name that the module resolves",
    )
    parser.add_argument(
        "--route",
        type=reading(_route),
        action="append",
        default=[],
        metavar="ADDRESS[:PORT]=ADDRESS[:PORT]",
        help="redirect connections to the first address to the second one",
    )
    parser.add_argument(
        "--line-rate",
        type=number(1, 20_000_000),
        default=0,
        metavar="BAUD",
        help="limit the line to this rate, 10 bits an octet",
    )
    parser.add_argument(
        "--faults",
        type=reading(Faults.parse),
        default=Faults(),
        metavar="SPEC",
        help="faults: ber=1e-5,drop=1e-4,chunk=1-7,latency=20ms,urc_storm=5,sim=pin,reset=30-60s,…",
    )
    add_setting(parser.add_argument, "capture")
    parser.add_argument(
        "--capture-no-payload", dest="capture_payload", action="store_false", help="mask the data of users"
    )
    parser.add_argument("--seed", type=reading(whole), metavar="N", help="make random choices repeatable")
    parser.add_argument(
        "--number",
        type=reading(number_of),
        metavar="+DIGITS",
        help="the module's phone number, that of the first with --count (default: one that is free)",
    )
    parser.add_argument(
        "--ussd",
        type=reading(_pair),
        action="append",
        default=[],
        metavar="CODE=ANSWER",
        help="what the network answers to this code of AT+CUSD; ?ANSWER asks for a reply",
    )
    parser.add_argument(
        "--control",
        type=reading(some),
        metavar="SOCKET",
        help="make a Unix socket: a line like 'reset', 'ring NUMBER' or 'sms NUMBER TEXT' in, 'ok' or 'error TEXT' out",
    )
    parser.add_argument(
        "--ppp",
        type=reading(_command),
        metavar="COMMAND",
        help="the program that ATD*99# reaches, such as 'pppd nodetach local noauth …'; no shell runs it",
    )
    parser.add_argument("--allow-network", action="store_true", help="reach addresses outside the loopback, too")


def _command(text: str) -> tuple[str, ...]:
    return split_command(text)


def _behaviour(text: str) -> str:
    Behaviour.parse([text])
    return text


def _pair(text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not equals or not left or not right:
        raise ValueError(f"{text!r} has no = between two sides")
    return left, right


def _host(text: str) -> tuple[str, str]:
    name, found = _pair(text)
    addresses(found)
    return name, found


def _route(text: str) -> tuple[str, str]:
    sides = _pair(text)
    for side in sides:
        endpoint(side)
    return sides


def run_emulate(options: argparse.Namespace) -> int:
    """Run the command until a signal comes or the line dies; return the exit code."""
    if options.list_behaviours:
        _list_behaviours(options.model)
        return 0
    if options.pty is None and options.port is None and options.tcp is None:
        options.parser.error("one of --pty, --port and --tcp is required")
    if options.port is not None and options.count > 1:
        options.parser.error("a serial line has one module at its end: --count needs --pty or --tcp")
    if options.tcp is not None:
        try:
            consecutive(options.tcp, options.count)
        except ValueError as error:
            options.parser.error(f"argument --tcp: {error}")
    if options.tcp is not None and not options.allow_network and not _is_loopback(options.tcp[0]):
        options.parser.error(
            f"argument --tcp: {options.tcp[0]} can be reached from other machines: --allow-network permits that"
        )
    if options.ppp is not None:
        try:
            find_command(options.ppp)
        except OSError as error:
            raise CommandError(f"--ppp {error.filename}: {error.strerror}") from None
    try:
        behaviour = Behaviour.parse(options.behaviour, BASE)
        modules = [_module(options, behaviour, number) for number in range(1, options.count + 1)]
    except ValueError as error:
        options.parser.error(str(error))
    except OSError as error:
        raise CommandError(f"--capture {options.capture}: {error.strerror or error}") from None
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_emulate(modules, options))
    return 0


async def _emulate(modules: list[EmulatedModule], options: argparse.Namespace) -> None:
    """Run all modules in one loop until a signal comes or a line dies."""
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(_signals(asyncio.get_running_loop(), stop))
        if options.control is not None:
            await _control(options.control, modules, stack)
        for index, module in enumerate(modules, start=1):
            await stack.enter_async_context(module)
            module.ended.add_done_callback(lambda _: stop.set())  # called in this loop
            print(f"ready {_serve(module, options, index)}", flush=True)
        await stop.wait()
        for module in modules:
            cause = module.ended.exception() if module.ended.done() else None
            if cause is not None:
                raise CommandError(f"{options.port}: the line died: {cause}")


async def _control(path: str, modules: list[EmulatedModule], stack: AsyncExitStack) -> None:
    """Make the control socket before the modules: who has read ``ready`` can use it."""
    try:
        control = ControlSocket(path, modules)
    except OSError as error:
        raise CommandError(f"--control {path}: {error.strerror or error}") from None
    stack.callback(control.close)
    await control.start()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _list_behaviours(model: Model) -> None:
    """Print the behaviours of a model, and the sets of which it has all."""
    rows = Behaviour.describe(model.complete(BASE), model.family)
    names = {name for name, *_ in rows}
    for name, members in SETS.items():
        if names >= {member.partition("=")[0] for member in members}:
            print(f"{name}  ({' '.join(members)})")
    for name, default, values, source in rows:
        print(f"{name}={default}  ({values})")
        print(textwrap.fill(source, 100, initial_indent="    ", subsequent_indent="    "))


def _module(options: argparse.Namespace, behaviour: Behaviour, number: int) -> EmulatedModule:
    return EmulatedModule(
        model=options.model.name,
        behaviour=behaviour,
        startup=options.startup,
        option=options.option,
        n1=options.n1,
        allow_network=options.allow_network,
        loopback=options.loopback,
        hosts=dict(options.host),
        routes=dict(options.route),
        line_rate=options.line_rate,
        faults=options.faults,
        capture=options.capture and (options.capture if options.count == 1 else _numbered(options.capture, number)),
        capture_payload=options.capture_payload,
        seed=options.seed,
        number=options.number and number_of(f"+{int(options.number) + number - 1}"),
        ussd=dict(options.ussd),
        ppp=options.ppp,
    )


def _numbered(path: str, number: int) -> str:
    """Insert a number before the suffix of a file name."""
    stem, suffix = os.path.splitext(path)
    return f"{stem}{number}{suffix}"


def _serve(module: EmulatedModule, options: argparse.Namespace, index: int) -> str:
    if options.pty is not None:
        return module.serve_pty(options.pty if options.count == 1 else f"{options.pty}{index}")
    try:
        if options.tcp is None:
            return module.serve_serial(options.port, options.baudrate)
        return module.serve_tcp(*consecutive(options.tcp, options.count)[index - 1])
    except CmuxError:  # it names the port
        raise
    except (OSError, ValueError) as error:
        raise CommandError(f"--tcp {options.tcp[0]}:{options.tcp[1]}: {one_line(error)}") from error


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> Iterator[None]:
    """Set an event on SIGINT and SIGTERM, so that the command ends in an orderly way."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        try:
            # Not signal.signal(): a signal that comes just when the loop begins to wait would not wake it.
            loop.add_signal_handler(each, stop.set)
        except NotImplementedError:  # Windows, whose loop is woken by any signal
            signal.signal(each, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        yield
    finally:
        for each, handler in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(each)
            signal.signal(each, handler)
