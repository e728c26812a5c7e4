"""Whatever arrives, and however it is read: nothing is lost, nothing is told twice; whatever is typed is answered."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule
from drivers.emulator.interpreter.output import Delivery, Urc
from drivers.emulator.network.session import SessionState
from drivers.emulator.quectel_lte.connection import Connection
from drivers.emulator.quectel_lte.modem import QuectelLteModem
from drivers.emulator.quectel_lte.sockets import AccessMode, Kind, Opening, State


class Received:
    """What a connection on the network holds: the octets that have come, and no socket."""

    remote = local = ("127.0.0.1", 7)
    state = SessionState.CONNECTED

    def __init__(self) -> None:
        self.octets = b""

    @property
    def held(self) -> int:
        return len(self.octets)

    def take(self, most: int, *, cut: bool) -> bytes:
        taken, self.octets = self.octets[:most], self.octets[most:]
        return taken


@contextlib.contextmanager
def modem_alone() -> Iterator[QuectelLteModem]:
    """The inside of a module whose loop runs only when something is awaited."""
    loop = asyncio.new_event_loop()
    module = EmulatedModule(model="ec25", clock=FakeClock())
    module._start(loop)
    modem = module._modem
    assert isinstance(modem, QuectelLteModem)
    try:
        yield modem
    finally:
        modem.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(modem.ended())
        loop.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(1, 4000)),
        st.tuples(st.just("read"), st.integers(1, 1500)),
        st.tuples(st.just("mode"), st.integers(0, 1)),
        st.tuples(st.just("raw"), st.just(0)),
        st.tuples(st.just("end"), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_data_comes_once_and_in_order_whatever_the_modes_and_the_reads(steps: list[tuple[str, int]]) -> None:
    numbers = itertools.cycle(range(251))
    with modem_alone() as modem:
        opening = Opening(0, Kind.TCP, ("127.0.0.1", 7), 0, AccessMode.BUFFERED, 0, "uart1")
        socket = Connection(modem, modem.contexts[1], opening)
        network = Received()
        socket.own(network)  # type: ignore[arg-type]
        socket.state = State.CONNECTED
        sent, got, told_since_empty, closed, expected_closed = b"", b"", 0, 0, 0
        for what, number in [*steps, ("mode", 1)]:
            if what == "come" and socket.connected:
                data = bytes(itertools.islice(numbers, number))
                sent += data
                network.octets += data
                socket.arrived(number)
            elif what == "read" and socket.shown_mode is AccessMode.BUFFERED:
                got += socket.read(number)[0]
            elif what == "raw":
                socket.online = lambda: True
                got += socket.take_raw()
                socket.online = lambda: False
            elif what == "mode":
                socket.change_mode(AccessMode(number))
            elif what == "end" and socket.connected:
                socket.ended()
                expected_closed = 1
            if not network.held:
                told_since_empty = 0
            while (item := socket.take()) is not None:
                if isinstance(item, Delivery):
                    assert item.header == f'\r\n+QIURC: "recv",0,{len(item.payload)}\r\n'.encode()
                    assert 0 < len(item.payload) <= 1500
                    got += item.payload
                    told_since_empty = 0
                elif item == Urc('+QIURC: "recv",0'):
                    told_since_empty += 1
                    assert told_since_empty == 1 or what in ("mode", "raw")
                    assert network.held
                else:
                    assert item == Urc('+QIURC: "closed",0')
                    closed += 1
        assert got == sent
        assert closed == expected_closed
        assert socket.received == len(sent)


COMMANDS = st.lists(
    st.sampled_from(
        [
            *(
                'AT+QICSGP=1,1,"a"\r',
                "AT+QICSGP=1\r",
                "AT+QIACT?\r",
                "AT+QIDEACT=1\r",
                "AT+QISTATE?\r",
                "AT+QISTATE=1,0\r",
            ),
            *(
                "AT+QICLOSE=0\r",
                "AT+QIRD=0\r",
                "AT+QISEND=0,3\r",
                "AT+QISWTMD=0,1\r",
                "AT+QIGETERROR\r",
                "AT+QISDE=0\r",
            ),
            *(
                'AT+QICFG="viewmode",1\r',
                'AT+QICFG="viewmode"\r',
                "AT+QICFG=?\r",
                "ATE0\r",
                "ATE1\r",
                "ATV0\r",
                "ATO\r",
            ),
            *(
                'AT+QIOPEN=1,0,"TCP","127.0.0.1",7\r',
                "AT+QNTP?\r",
                "AT+CGPADDR\r",
                "\x1a",
                "\x1b",
                "+++",
                "A",
                "\r",
                "\n",
            ),
            *('AT+QISENDEX=0,"31"\r', 'AT+QICFG="', "AT+QI", ",", "0", '"', ";"),
        ]
    ),
    max_size=25,
).map("".join)


class Sink:
    """An outlet that takes everything."""

    def __init__(self) -> None:
        self.said = b""

    def send(self, data: bytes) -> int:
        self.said += data
        return len(data)


def answers(portions: list[bytes]) -> bytes:
    with modem_alone() as modem:
        sink = Sink()
        nothing = {name: lambda *given: None for name in ("pause_input", "resume_input", "carrier")}
        modem.uarts[0].attach(SimpleNamespace(send=sink.send, **nothing))
        for portion in portions:
            modem.uarts[0].feed(portion)
        return sink.said


@settings(max_examples=40, deadline=None)
@given(COMMANDS, st.lists(st.integers(0, 500), max_size=8))
def test_any_cutting_of_what_is_typed_gives_the_same_answers(text: str, places: list[int]) -> None:
    data = text.encode()
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    whole = answers([data])
    assert answers([data[left:right] for left, right in itertools.pairwise(marks)]) == whole
    assert answers([bytes([octet]) for octet in data]) == whole
