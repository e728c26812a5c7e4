"""What all parts of one emulated module share: its loop, its clock, its behaviour, its network."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ipaddress
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from ..clock import Clock
from .behaviour import Behaviour
from .models import MODELS, Model
from .subscribers import Subscriber

T = TypeVar("T")

#: An IPv4 address and a port, or None for every port.
Endpoint = tuple[str, int | None]

#: Runs a coroutine as a task that is cancelled when its owner ends.
Spawn = Callable[[Coroutine[object, object, None]], "asyncio.Task[None]"]

_SOCKET_BUFFER = 65536


class UnknownName(OSError):
    """A name has no address."""


class Sim(enum.Enum):
    """The states of the SIM, as AT+CPIN? shows them."""

    READY = "READY"
    PIN = "SIM PIN"
    PUK = "SIM PUK"
    MISSING = "NOT INSERTED"


@dataclass(slots=True)
class Network:
    """Holds the state of the SIM and of the mobile network.

    Args:
        registered: whether there is a network to register with (AT+CREG?).
        attached: whether it is attached to packet service (AT+CGATT?).
        accepts: whether activations are granted.
        silent: whether what is sent is taken and never arrives, and nothing comes back.
        sms: what becomes of messages: ``delivered``; ``refused`` by the network; ``undelivered``, as the status report
            says; ``lost``, with no status report.
        sim: the state of the SIM; without a ready one there is no service.
        pin: what unlocks the SIM.
        calls: what becomes of calls that are made: ``real`` ones reach other modules of the process and nobody else,
            others are ``answered``, meet a ``busy`` line or have ``no_answer``, whoever has the number.
    """

    registered: bool = True
    attached: bool = True
    accepts: bool = True
    silent: bool = False
    sms: Literal["delivered", "refused", "undelivered", "lost"] = "delivered"
    sim: Sim = Sim.READY
    pin: str = "1234"
    calls: str = "real"

    @property
    def service(self) -> bool:
        """Whether the module is registered."""
        return self.registered and self.sim is Sim.READY

    @property
    def grants(self) -> bool:
        """Whether a context can be activated."""
        return self.service and self.attached and self.accepts and not self.silent


@dataclass(slots=True)
class Environment:
    """Holds what all parts of one module share.

    Args:
        loop: the event loop that everything runs in.
        clock: the source of time.
        behaviour: the readings where sources disagree.
        allow_network: whether addresses outside the loopback may be reached.
        hosts: names and their addresses, asked before the system.
        routes: where connections to an address, or an address and a port, really go.
        chooser: where random choices come from.
        network: the mobile network.
        subscriber: the module for other modules of the process, with its phone number.
        ussd: what the network answers to codes of AT+CUSD.
        ppp: the program that data calls are joined to, and its arguments; empty for none.
        model: which module it is.
        transports: the open connections of sessions, so that none outlives the module.
    """

    loop: asyncio.AbstractEventLoop
    clock: Clock
    behaviour: Behaviour
    allow_network: bool = False
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    routes: Mapping[Endpoint, Endpoint] = field(default_factory=dict)
    chooser: random.Random = field(default_factory=random.SystemRandom)
    network: Network = field(default_factory=Network)
    subscriber: Subscriber = field(default_factory=lambda: Subscriber("+99900000000"))
    ussd: Mapping[str, str] = field(default_factory=dict)
    ppp: tuple[str, ...] = ()
    model: Model = MODELS["m10"]
    transports: set[asyncio.Transport] = field(default_factory=set)
    _network_changed: asyncio.Event = field(default_factory=asyncio.Event)

    def change_network(self, network: Network) -> None:
        """Replace the network, and wake what waits for another one."""
        self.network = network
        self._network_changed.set()

    async def audible(self) -> None:
        """Wait until the network is not silent; return at once when it is not."""
        while self.network.silent:
            self._network_changed.clear()
            await self._network_changed.wait()

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds of the module's clock; return at once for 0."""
        if seconds <= 0:
            return
        over: asyncio.Future[None] = self.loop.create_future()

        def wake() -> None:
            if not over.done():
                over.set_result(None)

        timer = self.clock.call_later(self.loop, seconds, wake)
        try:
            await over
        finally:
            timer.cancel()

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """Wait for something, at most for a number of seconds of the module's clock.

        Raises:
            TimeoutError: it took longer, and has been cancelled.
        """
        task = asyncio.ensure_future(work)
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            task.cancel()

        timer = self.clock.call_later(self.loop, seconds, give_up)
        try:
            return await task
        except asyncio.CancelledError:
            if late:
                raise TimeoutError(f"no result within {seconds:g} s") from None
            task.cancel()
            raise
        finally:
            timer.cancel()

    async def resolve(self, name: str) -> list[str]:
        """Return the IPv4 addresses of a name or of a dotted decimal address; an empty list when it has none."""
        if is_address(name):
            return [name]
        if name.lower() in self.hosts:
            return list(self.hosts[name.lower()])
        if name.lower() == "localhost":
            return ["127.0.0.1"]
        if not self.allow_network:
            return []
        try:
            found = await self.loop.getaddrinfo(name, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return []
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def route(self, address: str, port: int) -> tuple[str, int]:
        """Return where a connection to an address and a port really goes."""
        target = self.routes.get((address, port)) or self.routes.get((address, None))
        return (address, port) if target is None else (target[0], port if target[1] is None else target[1])

    def seen_from(self, address: str, port: int) -> tuple[str, int]:
        """Return whom the module takes something for that comes from an address and a port: `route` backwards."""
        for (wanted, wanted_port), (there, there_port) in self.routes.items():
            if there == address and there_port in (None, port):
                return wanted, port if wanted_port is None else wanted_port
        return address, port

    def reachable(self, address: str) -> bool:
        """Return whether the module may talk to an address."""
        return self.allow_network or is_loopback(address)


def endpoint(text: str) -> Endpoint:
    """Parse ``ADDRESS`` or ``ADDRESS:PORT``.

    Raises:
        ValueError: it is neither.
    """
    address, colon, port = text.partition(":")
    if not is_address(address) or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
        raise ValueError(f"{text!r} is not ADDRESS or ADDRESS:PORT")
    return address, int(port) if colon else None


def addresses(text: str) -> tuple[str, ...]:
    """Parse IPv4 addresses with commas between.

    Raises:
        ValueError: one of them is not an IPv4 address.
    """
    found = tuple(part.strip() for part in text.split(","))
    for address in found:
        if not is_address(address):
            raise ValueError(f"{address!r} is not an IPv4 address")
    return found


def is_address(text: str) -> bool:
    """Return whether a text is an IPv4 address in dotted decimal."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Return whether an IPv4 address is one of this computer's own."""
    return ipaddress.IPv4Address(address).is_loopback


def limit_buffers(transport: asyncio.BaseTransport) -> None:
    """Limit the buffers that the system has for a socket, so that it pushes back as soon as a small module does."""
    endpoint = transport.get_extra_info("socket")
    if endpoint is not None:
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            with contextlib.suppress(OSError):
                endpoint.setsockopt(socket.SOL_SOCKET, buffer, _SOCKET_BUFFER)
