"""Questions to the network without a socket: names, echoes, the time; one of each kind at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from ..environment import Environment, Spawn, UnknownName
from ..network import icmp, ntp
from .codes import Code

_DNS_WAIT = 60.0  # seconds until a name that no server answers for is given up
_NTP_WAIT = 125.0  # seconds until AT+QNTP gives up
_TTL = 600  # seconds that an answer of a name server may be kept
_HOPS = 255  # the time to live that +QPING shows

Announce = Callable[[str], None]


class Services:
    """Asks the network; the answers follow as unsolicited lines.

    Args:
        environment: loop, clock, names.
        spawn: runs a task that is cancelled with the module.
    """

    def __init__(self, environment: Environment, spawn: Spawn) -> None:
        self._environment = environment
        self._spawn = spawn
        self._looking_up: asyncio.Task[None] | None = None
        self._pinging: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self.time_server: tuple[str, int] = ("", 0)

    def look_up(self, name: str, announce: Announce) -> bool:
        """Carry out AT+QIDNSGIP; return False while another is under way.

        Args:
            name: a name or an address.
            announce: tells a line.
        """
        if _running(self._looking_up):
            return False
        self._looking_up = self._spawn(self._look_up(name, announce))
        return True

    def ping(self, name: str, wait: int, count: int, announce: Announce) -> bool:
        """Carry out AT+QPING; return False while another is under way.

        Args:
            name: a name or an address.
            wait: seconds per request.
            count: how many requests.
            announce: tells a line.
        """
        if _running(self._pinging):
            return False
        self._pinging = self._spawn(self._ping(name, wait, count, announce))
        return True

    @property
    def asking_time(self) -> bool:
        """Whether AT+QNTP is under way."""
        return _running(self._asking)

    def ask_time(self, server: tuple[str, int], announce: Announce, done: Callable[[datetime], None]) -> bool:
        """Carry out AT+QNTP; return False while another is under way.

        Args:
            server: name or address, and port.
            announce: tells a line.
            done: called with the time.
        """
        if self.asking_time:
            return False
        self.time_server = server
        self._asking = self._spawn(self._ask_time(server, announce, done))
        return True

    async def _look_up(self, name: str, announce: Announce) -> None:
        environment = self._environment
        await environment.sleep(environment.behaviour.result_time)
        found: list[str] = []
        if environment.network.silent:
            await environment.sleep(_DNS_WAIT)
        else:
            found = await environment.resolve(name)
        if not found:
            more = ",0,0" if environment.behaviour.dnsgip_failure == "fields" else ""
            announce(f'+QIURC: "dnsgip",{int(Code.NO_SUCH_NAME)}{more}')
            return
        announce(f'+QIURC: "dnsgip",0,{len(found)},{_TTL}')
        for address in found:
            announce(f'+QIURC: "dnsgip","{address}"')

    async def _ping(self, name: str, wait: int, count: int, announce: Announce) -> None:
        environment = self._environment
        await environment.sleep(environment.behaviour.result_time)
        addresses = await environment.resolve(name)
        if not addresses:
            announce(f"+QPING: {int(Code.NO_SUCH_NAME)}")
            return
        replies: list[icmp.EchoReply | None] = []
        for number in range(1, count + 1):
            reply = await icmp.ping(environment, addresses[0], number, wait)
            replies.append(reply)
            if reply is None:
                announce(f"+QPING: {int(Code.TIMEOUT)}")
            else:
                announce(f'+QPING: 0,"{addresses[0]}",{icmp.SIZE},{icmp.milliseconds(reply)},{_HOPS}')
        announce("+QPING: " + ",".join(map(str, (0, *icmp.summary(replies)))))

    async def _ask_time(self, server: tuple[str, int], announce: Announce, done: Callable[[datetime], None]) -> None:
        await self._environment.sleep(self._environment.behaviour.result_time)
        try:
            moment = await ntp.time_of(self._environment, *server, _NTP_WAIT)
        except (OSError, ValueError) as error:
            announce(f"+QNTP: {int(_reason(error))}")
        else:
            announce(f'+QNTP: 0,"{moment:%Y/%m/%d,%H:%M:%S}+00"')
            done(moment)


def _reason(error: OSError | ValueError) -> Code:
    if isinstance(error, UnknownName):
        return Code.NO_SUCH_NAME
    if isinstance(error, TimeoutError):
        return Code.TIMEOUT
    return Code.NOT_CONNECTED if isinstance(error, OSError) else Code.UNKNOWN


def _running(task: asyncio.Task[None] | None) -> bool:
    return task is not None and not task.done()
