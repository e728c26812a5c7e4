"""What a module does with frames otherwise than the multiplexer: habits of firmware, frame by frame on the line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from cmux.protocol.config import Config, Option
from cmux.protocol.events import FrameDropped
from cmux.protocol.frames import AdvancedDecoder, BasicDecoder, Frame, encode
from cmux.protocol.wire import FrameType

from ..environment import Environment

log: logging.Logger = logging.getLogger(__name__)

_LONGEST: Final = 32768  # octets of an information field
_MSC, _CLD, _PSC = 0xE3, 0xC3, 0x43  # types of commands, with EA and C/R (27.010 §5.4.6.3)
_NSC = bytes([0x11, 0x03, _PSC])  # a response: the type that is not supported (27.010 §5.4.6.3.8)
_PSC_ANSWERS = {"awake": bytes([0x41, 0x01]), "NSC": _NSC}
_SIGNALS = 3  # the place of the V.24 signals in MSC: type, length, DLCI, signals
_FC = 0x02  # in them
_USUAL = 0x8D  # RTC, RTR and DV, and nothing else
_ANSWER = 0xFD  # takes C/R off a type
_ON_DLCI_0 = {Option.BASIC: b"\xf9\x01\xef", Option.ADVANCED: b"\x7e\x01\xef"}
"""How a UIH frame of the module on the control channel begins."""


class FrameHabits:
    """Changes the frames of one session as the behaviours ask.

    Args:
        environment: the behaviour.
        config: the parameters of the session.
        silence: called when the module falls silent.
        say: takes what is sent without the multiplexer.
    """

    def __init__(
        self, environment: Environment, config: Config, silence: Callable[[], None], say: Callable[[bytes], None]
    ) -> None:
        behaviour = environment.behaviour
        self._option = config.option
        self._pf = behaviour.uih_pf
        self._in_pieces = behaviour.ok_in_pieces
        self._ignores_fc = behaviour.msc_fc == "ignored"
        self._dies_of_disc = behaviour.disc0_silent
        self._reserved = not behaviour.msc_after_ua
        self._told: set[int] = set()  # addresses in MSC of the channels whose signals have changed
        self._silence = silence
        self._psc_answer = _PSC_ANSWERS.get(behaviour.psc)  # None where the multiplexer answers
        self._host_sleeps = False  # and the module does not
        self._say = say

    def outgoing(self, transport: asyncio.Transport, answered: Callable[[bytes], None]) -> asyncio.Transport:
        """Return what the multiplexer writes to: the transport itself where no habit concerns what is sent.

        Args:
            transport: the line.
            answered: takes the answers to commands that the host never gets, soon.
        """
        if not (self._pf or self._in_pieces or self._reserved):
            return transport
        concerned = b"" if self._pf or self._in_pieces else _ON_DLCI_0[self._option]
        return _Rewriting(transport, partial(self._rewrite, answered), self._decoder(), concerned)

    def incoming(self, receive: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return what takes the octets of the host.

        Args:
            receive: takes those that the multiplexer hears.
        """
        if not (self._ignores_fc or self._dies_of_disc or self._psc_answer):
            return receive
        decoder = self._decoder()
        return lambda data: receive(heard) if (heard := self._hear(decoder, data)) else None

    def _decoder(self) -> BasicDecoder | AdvancedDecoder:
        return BasicDecoder(_LONGEST - 1) if self._option is Option.BASIC else AdvancedDecoder(_LONGEST)

    def _rewrite(self, answered: Callable[[bytes], None], frame: Frame) -> list[Frame]:
        """Return the frames that are sent in place of one."""
        if frame.type is not FrameType.UIH:
            return [frame]
        if self._reserved and self._keeps_to_itself(frame):
            info = bytes([frame.info[0] & _ANSWER]) + frame.info[1:]
            answered(encode(frame._replace(cr=not frame.cr, info=info), self._option))
            return []
        frame = frame._replace(pf=self._pf)
        if not self._in_pieces or not frame.dlci:
            return [frame]
        return [frame._replace(info=frame.info[at : at + 1]) for at in range(len(frame.info))]

    def _keeps_to_itself(self, frame: Frame) -> bool:
        """Return whether a frame is an MSC with the usual signals, of a channel that never had others."""
        info = frame.info
        if frame.dlci or info[:1] != bytes([_MSC]) or len(info) != _SIGNALS + 1:
            return False
        if info[_SIGNALS] != _USUAL:
            self._told.add(info[_SIGNALS - 1])
        return info[_SIGNALS - 1] not in self._told

    def _hear(self, decoder: BasicDecoder | AdvancedDecoder, data: bytes) -> bytes:
        """Return what the multiplexer hears of octets from the host; what has no frame in it stays as it is."""
        heard = bytearray()
        items = decoder.receive_part(data)
        if not items and not decoder.pending:
            if self._host_sleeps:
                self._say(data)
            return data  # flags, which may wake it
        self._host_sleeps = False
        while True:
            for item in items:
                if not isinstance(item, Frame):
                    heard += item.raw
                elif self._dies_of_disc and not item.dlci and item.type is FrameType.DISC:
                    log.info("DISC on DLCI 0 is not answered, and nothing is from now on")
                    self._silence()
                    return bytes(heard)
                elif self._psc_answer and not item.dlci and item.info[:1] == bytes([_PSC]):
                    self._say(encode(item._replace(cr=not item.cr, info=self._psc_answer), self._option))
                    self._host_sleeps = self._psc_answer != _NSC
                else:
                    heard += encode(self._without_fc(item), self._option)
            if items and self._ends(items[-1]):
                return bytes(heard) + decoder.take_rest()  # AT commands
            if not decoder.paused:
                return bytes(heard)
            items = decoder.receive_part()

    @staticmethod
    def _ends(item: Frame | FrameDropped) -> bool:
        """Return whether a frame of the host ends the session."""
        if not isinstance(item, Frame) or item.dlci:
            return False
        return item.type is FrameType.DISC or item.info[:1] == bytes([_CLD])

    def _without_fc(self, frame: Frame) -> Frame:
        info = frame.info
        if not self._ignores_fc or frame.dlci or info[:1] != bytes([_MSC]) or len(info) <= _SIGNALS:
            return frame
        return frame._replace(info=info[:_SIGNALS] + bytes([info[_SIGNALS] & ~_FC]) + info[_SIGNALS + 1 :])


class _Rewriting(asyncio.Transport):
    """Passes what is written on to a transport, frame by frame as a function makes them.

    Args:
        transport: the line.
        rewrite: returns what is sent in place of a frame.
        decoder: takes what is written apart.
        concerned: octets without which nothing that is written at once has a frame to be changed.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        rewrite: Callable[[Frame], list[Frame]],
        decoder: BasicDecoder | AdvancedDecoder,
        concerned: bytes,
    ) -> None:
        super().__init__()
        self._transport = transport
        self._rewrite = rewrite
        self._decoder = decoder
        self._concerned = concerned

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `asyncio.WriteTransport`."""
        if self._concerned not in bytes(data) and not self._decoder.pending:
            self._transport.write(data)
            return
        frames = [item for item in self._decoder.receive_data(bytes(data)) if isinstance(item, Frame)]
        if not frames and not self._decoder.pending:
            self._transport.write(data)  # flags alone
            return
        out = b"".join(encode(new, self._decoder.option) for frame in frames for new in self._rewrite(frame))
        if out:
            self._transport.write(out)

    def get_write_buffer_size(self) -> int:
        """See `asyncio.WriteTransport`."""
        return self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        """See `asyncio.BaseTransport`."""
        return self._transport.is_closing()

    def close(self) -> None:
        """See `asyncio.BaseTransport`."""
        self._transport.close()

    def abort(self) -> None:
        """See `asyncio.WriteTransport`."""
        self._transport.abort()
