"""The TCP/IP driver on threads: one context of the stack of a module, over one channel."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, Unpack

from ...at import AtChannel, Port
from ...clock import Clock
from ..core import lifetime
from ..core.bounded import Stay, with_answer
from ..core.extras import PingReply
from ..core.keepalive import KeepAlive, WatchOptions
from ..core.ownership import Lease
from ..core.procedure import Procedure, exclusive, on_channel
from ..driver_base import DriverBase
from .listener import Listener
from .runner import ThreadRunner
from .session import Session
from .watch import Watch

T = TypeVar("T")


class TcpipDriver(DriverBase[Port | AtChannel, ThreadRunner]):
    """One context of the TCP/IP stack of a module, controlled over one channel. The constructor sends nothing.

    Args:
        port: a virtual UART, any other pyserial-like port, or an `AtChannel`.
        context: the number of the context; M10 and kin have 0 and 1, and 0 is the default of theirs.
        apn: the access point of a GPRS bearer.
        user: the user name, if the access point requires one.
        password: the password.
        bearer: a `Gprs` or `Csd` bearer instead of these three.
        muxip: several sessions at once (MUXIP): up to six to remote servers, up to five remote clients.
        transparent: transparent sessions, in which all octets are data; True, or a `Transparent` with its settings.
        receive: how received data is distinguished from answers. ``buffered``: the module keeps data until it is
            fetched by count. ``header``: the length precedes the data (``IPD``, or ``+RECEIVE`` with MUXIP). ``bare``:
            the default of the module; everything that is not a known line is data. None: ``buffered`` if the module
            supports it, otherwise ``header``. Where each session has a mode of its own, this is the one of sessions for
            which none is asked: ``buffered``, ``pushed`` or ``transparent``.
        show: which of QISHOWRA, QISHOWLA, QIHEAD, QISHOWPT to switch on for data that is not fetched.
        initialise: which of QICSGP, QIMUX, QIMODE, QIDNSIP, QISDE, QINDI, QIHEAD, QISHOWRA, QISHOWLA, QISHOWPT `claim`
            sends, in this order; others are assumed to have the default of the module, and are sent only if another
            value is needed.
        share: hold the context together with other drivers of this process that share it, too, on any channel; only
            where the module does not keep the owner of a context.
        dialect: the kind of module: ``m10``, ``m95``, ``m66``, ``mc60``, ``bg96``, ``ec25`` or ``eg91``, another one of
            `drivers.tcpip.families.DIALECTS`, or a `Dialect`.
        table: the owners of contexts; None: the table of the multiplexer of the port, or of the port alone.
        clock: the source of time.

    Raises:
        ValueError: an argument is invalid, or an option that this kind of module does not have.
    """

    def _make_runner(self, port: Port | AtChannel, clock: Clock | None) -> ThreadRunner:
        return ThreadRunner(port, clock)

    def _do(self, procedure: Procedure[T]) -> T:
        """Run an operation to its end before any other operation of this driver."""
        return self._runner.run(exclusive(procedure))

    def _do_within(self, seconds: float | None, make: Callable[[Stay], Procedure[T]]) -> T:
        """Run an operation that may not take longer than this; see `ThreadRunner.run_within`."""
        return self._runner.run_within(seconds, lambda stay: exclusive(make(stay)))

    @property
    def channel(self) -> AtChannel:
        """The AT channel that the driver uses."""
        return self._runner.channel

    # -- ownership -------------------------------------------------------------------------------------------------

    def claim(self, *, timeout: float = 0.0, take_over: bool = False) -> Lease:
        """Claim the context from the module, and make the settings.

        If the driver holds it already, no setting is repeated; if it has not used it yet, the module is asked whether
        another program has taken it.

        Args:
            timeout: seconds to wait for a context that is busy, in which the module is asked at most once a second, and
                for all the rest, which gets half a second more; 0: the context is not waited for, but the answers are.
            take_over: take it also from a driver that holds it but has not brought it out of IP INITIAL.

        Returns:
            The lease; it lasts until `release`, `close`, or the return to IP INITIAL after the context was active.

        Raises:
            ContextBusy: another driver or program holds it.
            ContextLost: another driver or program has taken it since the last call.
            SettingRefused: the module refuses a setting.
            AtTimeout: no answer within ``timeout``.
        """
        return self._do_within(with_answer(timeout), lambda _stay: self._context.take(timeout, take_over=take_over))

    def reclaim(self, *, timeout: float = 10.0) -> None:
        """Claim the context, even if a host that is gone has left it active.

        A module that keeps the owner of a context is asked for it on each virtual UART 1 to 4 of the same multiplexer
        that no driver of this process uses; the UART that gets it deactivates it. Sessions that are open there are
        lost. In any other module `leftovers` are ended: an active context is deactivated, or sockets are closed.

        Args:
            timeout: seconds for all of this.

        Raises:
            ContextBusy: a driver of this process holds it, or a virtual UART that is not ours.
        """
        self._do_within(timeout, lambda _stay: self._context.take(timeout, reclaim=True))

    def release(self) -> None:
        """Release the context without deactivating it; its sessions end. Does nothing if it is not held."""
        self._do(self._context.release())

    def close(self) -> None:
        """Close the sessions, deactivate the context, release it, and release the channel.

        A second call does nothing, unless the first one was interrupted: then it continues.

        Raises:
            AtError: the module failed to do so; the driver is closed nevertheless.
        """
        self._runner.close_by(lifetime.finish(self._context))

    def __enter__(self) -> TcpipDriver:
        self._runner.run(lifetime.begin(self._context))
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        with lifetime.beside(error):
            self.close()

    # -- the context -----------------------------------------------------------------------------------------------

    def state(self) -> str:
        """Return the state of the context, in the words of the module."""
        return self._do(self._context.state())

    def foreground(self) -> tuple[int, int | None]:
        """Return the foreground context of the UART, and the virtual UART (1 to 4) that controls it."""
        return self._do(self._context.foreground())

    def show(self, *names: str) -> None:
        """Set the information that precedes data that is not fetched; possible at any time, also during a session.

        Args:
            names: those of QISHOWRA, QISHOWLA, QIHEAD, QISHOWPT to switch on.
        """
        self._do(self._context.show(frozenset(names)))

    def activate(self) -> str:
        """Activate the context by commands of its own, and read its address.

        Returns:
            The local address.

        Raises:
            CommandError: the network refuses; the context has been deactivated again.
        """
        return self._do(self._context.activate())

    def deactivate(self) -> None:
        """Close all sessions and deactivate the context, which is then free for others."""
        self._do(self._context.deactivate())

    @property
    def local_address(self) -> str:
        """The local address of the active context; the module is asked once while it is active.

        Raises:
            ContextInactive: the context is not active.
        """
        return self._do(self._context.local_address())

    # -- server and client -----------------------------------------------------------------------------------------

    def listen(
        self,
        protocol: str = "TCP",
        port: int | None = None,
        *,
        clients: int | None = None,
        step_by_step: bool = False,
        receive: str | None = None,
    ) -> Listener:
        """Start to listen for clients; this activates the context if it is not active.

        Args:
            protocol: TCP or UDP.
            port: the port; None: the one that is set, 2020 by default.
            clients: the most clients at once, 1 to 5 with MUXIP (None: 5), 1 without.
            step_by_step: activate the context by commands of its own first, as `activate` does.
            receive: the receive mode of its clients, where each session has one of its own; None: that of the driver.

        Returns:
            The listener.

        Raises:
            ConnectFailed: the server could not be set up.
            CommandError: the module refuses.
        """
        return Listener(
            self._runner,
            self._context,
            self._do(self._context.listen(protocol, port, clients, step_by_step=step_by_step, receive=receive)),
        )

    def connect(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        index: int | None = None,
        timeout: float | None = None,
        step_by_step: bool = False,
        receive: str | None = None,
    ) -> Session:
        """Open a session to a remote server; this activates the context if it is not active.

        Args:
            protocol: TCP or UDP.
            host: a dotted address or a name.
            port: 1 to 65535.
            index: which of the six sessions, with MUXIP, or of the twelve sockets of an LTE module; None: the first
                free one.
            timeout: seconds for all of it, with claiming and activating the context; what has been begun by then is
                undone in the background. None: the longest time of the module (75, and 150 for activation).
            step_by_step: activate the context by commands of its own first, as `activate` does.
            receive: its receive mode, where each session has one of its own; None: that of the driver.

        Returns:
            The session.

        Raises:
            ConnectRefused: the module reports CONNECT FAIL, without a reason, or code 566 (a `ConnectionRefusedError`).
            ConnectTimeout: it reports CONNECT FAIL after 75 s or more, or code 569 (a `TimeoutError`).
            NameNotFound: code 565 (a `socket.gaierror`).
            AtTimeout: no answer within ``timeout`` (a `TimeoutError`).
            SettingRefused: another form of address than before, in an active context of a strict module.
            CommandError: the module refuses.
        """
        return Session(
            self._runner,
            self._context,
            self._do_within(
                timeout,
                lambda stay: self._context.connect(
                    protocol, host, port, index=index, step_by_step=step_by_step, receive=receive, stay=stay
                ),
            ),
        )

    def udp_service(self, port: int, *, receive: str | None = None) -> Session:
        """Open a socket for datagrams from and to any host; this activates the context if it is not active.

        Args:
            port: its local port.
            receive: its receive mode; None: that of the driver.

        Returns:
            A session with `Session.sendto` and `Session.recvfrom`.

        Raises:
            TcpipError: the modules have none.
            ConnectFailed: it could not be opened.
        """
        return Session(self._runner, self._context, self._do(self._context.udp_service(port, receive=receive)))

    def keep_alive(
        self, session: Session, settings: KeepAlive | None = None, **options: Unpack[WatchOptions[Session]]
    ) -> Watch:
        """Examine a session whenever it has been idle for a period, in a thread, until the watch is closed.

        A session that is dead is closed, and calls that wait for it raise `SessionReset`.

        Args:
            session: a TCP session of this driver.
            settings: when and how to examine it.
            reconnect: open it again, as `Watch.session`.
            on_dead: called with the session and the reason, on the thread for callbacks of the channel.
            on_reconnected: called with the new session, on the same thread.

        Returns:
            The watch.
        """
        return Watch(self._runner, self._context, session, settings or KeepAlive(), **options)

    def resolve(self, name: str) -> list[str]:
        """Return the addresses of a name; this activates the context if it is not active.

        Args:
            name: a domain name.

        Raises:
            NameNotFound: the module has no address for it (a `socket.gaierror`).
        """
        return self._do(self._context.resolve(name))

    def set_name_servers(self, primary: str, secondary: str | None = None) -> None:
        """Set the name servers; each activation restores those of the network.

        Args:
            primary: a dotted address.
            secondary: another dotted address, or None.
        """
        self._do(self._context.set_name_servers(primary, secondary))

    def name_servers(self) -> tuple[str, ...]:
        """Return the name servers."""
        return self._do(self._context.name_servers())

    def ping(self, host: str, *, count: int = 4, timeout: int = 4) -> list[PingReply]:
        """Send echo requests (ICMP); this activates the context if it is not active.

        Args:
            host: a dotted address or a name.
            count: how many, 1 to 10.
            timeout: seconds to wait for each answer, 1 to 255.

        Returns:
            What has become of each.

        Raises:
            TcpipError: the modules cannot do that.
        """
        return self._do(self._context.ping(host, count=count, timeout=timeout))

    def network_time(self, server: str, port: int = 123) -> datetime.datetime:
        """Return the time that a time server tells (NTP); this activates the context if it is not active.

        Args:
            server: a dotted address or a name.
            port: its port.

        Raises:
            TcpipError: the modules cannot do that, or the server does not answer.
        """
        return self._do(self._context.network_time(server, port))

    # -- data mode -------------------------------------------------------------------------------------------------

    def escape(self) -> None:
        """Go from data mode to command mode, by ``+++`` or DTR; the module keeps the data that comes meanwhile.

        Raises:
            TcpipError: the module does not leave data mode.
            AtTimeout: data was waiting in the port, and none left it for 10 s.
        """
        self._do(self._context.escape())

    def resume(self) -> None:
        """Go back to data mode: ATO.

        Raises:
            SessionFinished: the session has ended meanwhile.
        """
        self._do(on_channel(self._context.stack.resume()))

    @contextmanager
    def command_mode(self) -> Iterator[AtChannel]:
        """Leave data mode for a few commands, and go back: ``with driver.command_mode() as channel: …``.

        Yields:
            The AT channel, in command mode.
        """
        self.escape()
        try:
            yield self.channel
        finally:
            self._do(lifetime.resume(self._context))
