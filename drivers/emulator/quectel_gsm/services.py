"""Questions of a context to the network, without a session: names, echoes, the time."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from ..environment import Environment, Spawn, UnknownName
from ..network import icmp, ntp
from .states import ContextState

NTP_WAIT = 120.0  # seconds until AT+QNTP gives up: the manual


class ServiceHost(Protocol):
    """The context of the services."""

    @property
    def state(self) -> ContextState:
        """The context's state."""

    async def ready(self) -> bool:
        """Activate the context if it is IP INITIAL; return False when the network refuses."""

    def announce(self, text: str) -> None:
        """Queue an unsolicited line."""


class DnsError(enum.IntEnum):
    """The numbers of AT+QIDNSGIP that can come."""

    NETWORK = 3
    NO_SERVER = 4


class PingCode(enum.IntEnum):
    """The first number of +QPING."""

    REPLY = 0
    TIMEOUT = 1
    FINISHED = 2
    BUSY = 3
    NO_HOST = 4
    NOT_ACTIVATED = 5


class NtpCode(enum.IntEnum):
    """The number of +QNTP."""

    DONE = 0
    FAILED = 1
    NO_ANSWER = 2
    NOT_CONNECTED = 3
    NO_HOST = 4
    NOT_ACTIVATED = 5


class Services:
    """Asks the network for one context; one series of echoes and one question for the time at once.

    Args:
        host: the context.
        environment: loop, clock, names.
        spawn: runs a task that is cancelled with the context.
    """

    def __init__(self, host: ServiceHost, environment: Environment, spawn: Spawn) -> None:
        self._host = host
        self._environment = environment
        self._spawn = spawn
        self._pinging: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None

    def look_up(self, name: str) -> None:
        """Carry out AT+QIDNSGIP; the addresses follow as unsolicited lines."""
        self._spawn(_look_up(self._host, self._environment, name))

    def ping(self, name: str, wait: int, count: int) -> bool:
        """Carry out AT+QPING; the replies follow as unsolicited lines.

        Args:
            name: a name or an address.
            wait: seconds per request.
            count: how many requests.

        Returns:
            False while another is under way.
        """
        if self._pinging is not None and not self._pinging.done():
            return False
        self._pinging = self._spawn(_ping(self._host, self._environment, name, wait, count))
        return True

    def ask_time(self, server: tuple[str, int], done: Callable[[datetime], None]) -> bool:
        """Carry out AT+QNTP; the result follows as an unsolicited line.

        Args:
            server: name or address, and port.
            done: called with the time.

        Returns:
            False while another is under way.
        """
        if self._asking is not None and not self._asking.done():
            return False

        async def run() -> None:
            moment = await _ask_time(self._host, self._environment, server)
            if moment is not None:
                done(moment)

        self._asking = self._spawn(run())
        return True


async def _look_up(host: ServiceHost, environment: Environment, name: str) -> None:
    """Carry out AT+QIDNSGIP: the addresses, or the error and the state."""
    await environment.sleep(environment.behaviour.result_time)
    found: list[str] = []
    error = DnsError.NETWORK
    if await host.ready() and not environment.network.silent:
        found = await environment.resolve(name)
        error = DnsError.NO_SERVER
    if found:
        host.announce("\r\n".join(found))
    else:
        host.announce(f"ERROR: {int(error)}")
        host.announce(f"STATE: {host.state.value}")


async def _ping(host: ServiceHost, environment: Environment, name: str, wait: int, count: int) -> None:
    """Carry out AT+QPING: a line per request, and a summary.

    Args:
        host: the context.
        environment: loop, clock, names.
        name: a name or an address.
        wait: seconds per request.
        count: how many requests.
    """
    if not await host.ready():
        host.announce(f"+QPING: {int(PingCode.NOT_ACTIVATED)}")
        return
    addresses = await environment.resolve(name)
    if not addresses:
        host.announce(f"+QPING: {int(PingCode.NO_HOST)}")
        return
    replies: list[icmp.EchoReply | None] = []
    for number in range(1, count + 1):
        reply = await icmp.ping(environment, addresses[0], number, wait)
        replies.append(reply)
        if reply is None:
            host.announce(f"+QPING: {int(PingCode.TIMEOUT)}")
            continue
        took = icmp.milliseconds(reply)
        host.announce(f"+QPING: {int(PingCode.REPLY)},{addresses[0]},{icmp.SIZE},{took},{reply.ttl}")
    numbers = (int(PingCode.FINISHED), *icmp.summary(replies))
    host.announce("+QPING: " + ",".join(map(str, numbers)))


async def _ask_time(host: ServiceHost, environment: Environment, server: tuple[str, int]) -> datetime | None:
    """Carry out AT+QNTP.

    Args:
        host: the context.
        environment: loop, clock, names.
        server: name or address, and port.

    Returns:
        The time, or None when it is not known.
    """
    code, moment = NtpCode.NOT_ACTIVATED, None
    if await host.ready():
        code, moment = await _time_of(environment, server)
    host.announce(f"+QNTP: {int(code)}")
    return moment


async def _time_of(environment: Environment, server: tuple[str, int]) -> tuple[NtpCode, datetime | None]:
    try:
        return NtpCode.DONE, await ntp.time_of(environment, *server, NTP_WAIT)
    except UnknownName:
        return NtpCode.NO_HOST, None
    except TimeoutError:
        return NtpCode.NO_ANSWER, None
    except OSError:
        return NtpCode.NOT_CONNECTED, None
    except ValueError:
        return NtpCode.FAILED, None
