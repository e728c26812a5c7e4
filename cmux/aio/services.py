"""The requests of a `Mux` on the control channel, whose answers it awaits (27.010 §5.4.6.3)."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

from ..mux_base import MuxBase
from ..protocol import waits
from ..protocol.commands import RPN, SNC, Command, PortMask, PortSettings
from ..protocol.config import Parameters
from ..protocol.events import CommandDone, Outcome
from ..protocol.multiplexer import Multiplexer
from ..protocol.negotiation import granted, wanted
from ..protocol.power import Power
from .protocol import MuxProtocol

T = TypeVar("T")


class Services(MuxBase):
    """The part of a `Mux` that is about the control channel; `cmux.Mux` has the same names.

    Methods that wait for an answer raise StateError while there is no session, and SessionEnded when it ends meanwhile.
    """

    protocol: MuxProtocol
    _awaited: list[tuple[Command, asyncio.Future[CommandDone]]]

    @abstractmethod
    async def _until(self, ready: Callable[[], bool], limit: float) -> None:
        """Wait for a condition that an event, or writing to the line, brings about."""

    def _call(self, action: Callable[[Multiplexer, float], T], /) -> T:
        self._check()
        result = action(self.protocol.multiplexer, self.protocol.now())
        self.protocol.flush()
        return result

    def _check(self) -> None:
        """Raise the reason why the line is not in use any more, if it is not."""
        if self.error is not None:
            raise self._session_over()

    async def _ask(self, submit: Callable[[Multiplexer, float], Command]) -> CommandDone:
        """Send a command and wait for its result."""
        self._check()
        command = submit(self.protocol.multiplexer, self.protocol.now())
        answered: asyncio.Future[CommandDone] = asyncio.get_running_loop().create_future()
        waiting = command, answered
        self._awaited.append(waiting)
        try:
            self.protocol.flush()
            async with asyncio.timeout(waits.answer(self.config)):
                return await answered
        except TimeoutError:
            return CommandDone(command, Outcome.TIMEOUT, None)
        finally:
            self._awaited.remove(waiting)

    def _answer(self, event: CommandDone | None) -> None:
        for command, answered in self._awaited:
            if answered.done():
                continue
            if event is None:
                answered.set_exception(self._session_over())
            elif event.command is command and event.outcome is not Outcome.CANCELLED:  # its reason comes next
                answered.set_result(event)

    async def test(self, payload: bytes = b"gsm0710") -> Outcome:
        """Ask the peer to send octets back on DLCI 0 (27.010 §5.4.6.3.4), and wait for them.

        Args:
            payload: the octets.

        Returns:
            How it ended.

        Raises:
            FrameError: they do not fit into an information field.
        """
        return (await self._ask(lambda core, now: core.test(payload, now))).outcome

    async def negotiate(
        self, dlci: int, *, n1: int | None = None, priority: int | None = None, convergence: int | None = None
    ) -> Parameters:
        """Negotiate parameters of a channel by PN, which apply from its next opening on (27.010 §5.4.6.3.1), and wait.

        `channel` with the same arguments does this and opens it.

        Args:
            dlci: 1 to 61.
            n1: longest information field in either direction, in octets; None: that of the session.
            priority: 0 to 63; None: the default of the DLC.
            convergence: 1, plain octets, or 2, with the V.24 signals in every frame (27.010 §5.5); None: 1.

        Returns:
            The parameters that the peer granted; the defaults if it does not support PN, or did not answer.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            ConfigError: a value is out of range.
        """
        parameters = wanted(self.config, n1, priority, convergence)
        return granted(await self._ask(lambda core, now: core.negotiate(dlci, parameters, now)), self.config)

    async def negotiate_port(
        self, dlci: int, settings: PortSettings | None = None, mask: PortMask = PortMask.ALL
    ) -> PortSettings | None:
        """Set the serial port behind a channel, or ask for its settings, by RPN (27.010 §5.4.6.3.9), and wait.

        Args:
            dlci: 1 to 61.
            settings: the settings to apply; None asks for them.
            mask: which of the settings apply.

        Returns:
            The settings in force now, as the peer reports them; None if it does not support RPN, or did not answer.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            FrameError: RPN cannot code a baud rate that applies.
        """
        done = await self._ask(lambda core, now: core.negotiate_port(dlci, settings, now, mask))
        answer = done.answer
        return answer.settings if isinstance(answer, RPN) else None

    async def line_status(
        self, dlci: int, *, overrun: bool = False, parity: bool = False, framing: bool = False
    ) -> Outcome:
        """Report errors on the serial port behind a channel to the peer, by RLS (27.010 §5.4.6.3.10), and wait.

        Args:
            dlci: 1 to 61.
            overrun: a character was overwritten before it was read.
            parity: a parity bit was wrong.
            framing: a stop bit was missing.

        Returns:
            How it ended.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        done = await self._ask(
            lambda core, now: core.line_status(dlci, now, overrun=overrun, parity=parity, framing=framing)
        )
        return done.outcome

    async def service(self, dlci: int, service: int | None = None, codec: int | None = None) -> SNC | None:
        """Set the service of a channel, or ask for it, by SNC (27.010 §5.4.6.3.11), and wait.

        Args:
            dlci: 1 to 61.
            service: the service octet, `SNC.DATA` or `SNC.VOICE`; None asks.
            codec: the codec octet that goes with it.

        Returns:
            The service in force now, as the peer reports it; None if it does not support SNC, or did not answer.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            FrameError: a number does not fit into an octet.
        """
        answer = (await self._ask(lambda core, now: core.service(dlci, now, service=service, codec=codec))).answer
        return answer if isinstance(answer, SNC) else None

    async def hold_all(self) -> Outcome:
        """Ask the peer to stop all channels (FCoff, 27.010 §5.4.6.3.6), and wait for its answer.

        Returns:
            How it ended.
        """
        return (await self._ask(lambda core, now: core.hold_all(now))).outcome

    async def release_all(self) -> Outcome:
        """Let the peer send on all channels again (FCon, 27.010 §5.4.6.3.5), and wait for its answer.

        Returns:
            How it ended.
        """
        return (await self._ask(lambda core, now: core.release_all(now))).outcome

    async def sleep(self) -> bool:
        """Ask the peer for power saving (PSC, 27.010 §5.4.6.3.2), and wait until both sides sleep.

        Data that is written later wakes the peer in the way that the setting ``wakeup`` selects.

        Returns:
            False if the peer did not agree, or something had to be sent meanwhile.
        """
        self._call(lambda core, now: core.sleep(now))
        settled = (Power.ASLEEP, Power.AWAKE)
        await self._until(lambda: self.protocol.multiplexer.power in settled, waits.answer(self.config))
        return self.asleep
