"""Transfers through sockets of a module, of either family, while the network takes contexts and connections away.

``make soak TIME=seconds`` runs it last; exit code 1 on whatever must not happen. A scene is a module with some readings
of its documents, a line with or without a multiplexer, and drivers on its channels whose sessions, listeners and UDP
services carry data of which every octet is known. What comes is always the beginning of what was sent; a session that
ends without an exception has brought all of it, unless a connection was reset, which a module tells as any other end.
"""

from __future__ import annotations

import argparse
import itertools
import random
import secrets
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__":
    _HERE = Path(__file__).parent
    sys.path[:0] = [str(_HERE.parents[1]), str(_HERE.parent / "support")]

from datagram_echo import datagram_server
from driver_lab import BG96, KINDS, Peer
from left_over import census
from transfer_load import PATIENCE, Client, Datagrams, Server, Stage, Tally, User, serve
from transfer_scenes import Scene

from drivers.emulator import Behaviour, EmulatedModule
from drivers.errors import DriverError
from drivers.tcpip import TcpipDriver


def users(stage: Stage, drivers: list[TcpipDriver], seed: str, port: int, datagrams: int) -> list[User]:
    """Make what uses the drivers."""
    made: list[User] = []
    for number, driver in enumerate(drivers, 1):
        made.append(Client(stage, driver, f"client {number}", seed, port))
        if stage.scene.receive == "transparent":
            continue  # the channel is taken by that
        made.append(Client(stage, driver, f"second client {number}", seed, port))
        if number == 1:
            made.append(Server(stage, driver, f"server {number}", seed))
        elif stage.scene.kind is BG96:
            made.append(Datagrams(stage, driver, f"datagrams {number}", seed, datagrams))
    return made


def misfortunes(stage: Stage, module: EmulatedModule, chooser: random.Random, until: float) -> None:
    """Let happen what the network does in a scene, until its time is over or something is wrong."""
    while (left := until - time.monotonic()) > 0 and not stage.tally.wrong:
        time.sleep(min(left, chooser.uniform(0.02, 0.6)))
        if stage.scene.faults:
            fault = chooser.choice(stage.scene.faults)
            stage.resets += fault == "remote_reset"
            module.trigger(fault)
            stage.resets += fault == "remote_reset"


def play(
    scene: Scene, seed: str, seconds: float, tally: Tally, module_class: type[EmulatedModule] = EmulatedModule
) -> None:
    """Play a scene for some seconds.

    Args:
        scene: what it is.
        seed: determines what is sent.
        seconds: how long.
        tally: gets what came of it.
        module_class: the module.
    """
    stage = Stage(scene, tally)
    chooser = random.Random(seed)  # noqa: S311 - repeatable
    readings = [*scene.readings, *(["cmux_settle=0"] if scene.kind is BG96 else [])]
    with ExitStack() as stack:
        peer = stack.enter_context(Peer(serve))
        datagrams = stack.enter_context(datagram_server())
        module = stack.enter_context(
            module_class(
                model=scene.kind.model,
                option="any",
                behaviour=Behaviour.parse(readings),
                seed=chooser.getrandbits(32),
            )
        )
        ports = stack.enter_context(scene.ports(module))
        drivers = [scene.driver(port, number) for number, port in enumerate(ports)]
        for driver in drivers:
            stack.callback(close, stage, driver)
        loads = [user.start() for user in users(stage, drivers, seed, peer.port, datagrams)]
        misfortunes(stage, module, chooser, time.monotonic() + seconds)
        stage.stopping.set()
        for load in loads:
            load.over(PATIENCE * 2)


def close(stage: Stage, driver: TcpipDriver) -> None:
    """Close a driver."""
    try:
        driver.close()
    except DriverError as error:
        if not stage.scene.fault:
            stage.tally.blame(f"{stage.scene}: closing: {error!r}")
    with suppress(DriverError):
        driver.close()


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=float, default=60, metavar="SECONDS", help="how long (default 60)")
    parser.add_argument("--seed", type=int, metavar="N", help="determines scenes and data (default: a new one)")
    parser.add_argument("--model", choices=[kind.model for kind in KINDS], help="this module only (default: all)")
    parser.add_argument("--scene", type=int, metavar="N", help="this scene only, again and again")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="how long a scene lasts (default 5)")
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    kinds = [kind for kind in KINDS if options.model in (None, kind.model)]
    print(f"transfers: seed {seed}, {options.time:g} s", flush=True)
    total, octets, wrong, before = Counter[str](), 0, 0, None
    until = time.monotonic() + options.time
    for number in itertools.count() if options.scene is None else itertools.repeat(options.scene):
        tally = Tally()
        scene = Scene.choose(kinds[number % len(kinds)], random.Random(f"{seed} {number}"))  # noqa: S311 - repeatable
        play(scene, f"{seed} {number}", min(options.seconds, options.time), tally)
        total, octets, wrong = total + tally.done, octets + tally.octets, wrong + len(tally.wrong)
        print(f"scene {number}: {scene}: {tally.transfers} transfers {dict(tally.errors) or ''}", flush=True)
        for text in tally.wrong:
            print(f"WRONG: {text}", flush=True)
        if time.monotonic() > until:
            break
        if number == len(KINDS) - 1:  # everything has been used once
            before = census()
    after = census()
    for text in after.grown(replace(before or after, blocks=after.blocks, heap=after.heap)):
        print(f"WRONG: {text}")
        wrong += 1
    for what, count in sorted(total.items()):
        print(f"{count:9,} {what}")
    print(f"{sum(total.values()):,} transfers, {octets:,} octets, {wrong} things wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
