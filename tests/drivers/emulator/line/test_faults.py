"""What can go wrong: the specification, injuries of the line, and what happens to the module at a moment."""

from __future__ import annotations

import asyncio
import random
import re

import pytest
from emulator_host import Lab, Turning, settle
from emulator_peer import peer
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulator import EmulatedModule, Faults, Moment
from drivers.emulator.line.injury import Injury

CONNECTED = "\r\nOK\r\n\r\nCONNECT OK\r\n"
BOOT = "\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n"


# The specification


def test_a_specification_is_read() -> None:
    assert Faults.parse("ber=1e-5,drop=1e-4,chunk=1-7,latency=20ms,urc_storm=5,reset=30-60s, sim=pin") == Faults(
        ber=1e-5, drop=1e-4, chunk=(1, 7), latency=0.02, urc_storm=5, sim="pin", moments=((Moment.RESET, 30, 60),)
    )
    assert Faults.parse("chunk=4,latency=2,registration=off,activation=refused,silent=on,pdp_deact=500ms") == Faults(
        chunk=(4, 4),
        latency=2,
        registration=False,
        activation=False,
        silent=True,
        moments=((Moment.PDP_DEACT, 0.5, 0.5),),
    )
    assert Faults.parse("") == Faults()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ber", "NAME=VALUE"),
        ("ber=", "NAME=VALUE"),
        ("bear=1", "no fault is called 'bear'"),
        ("ber=2", "0 to 1"),
        ("ber=nan", "from 0 up"),
        ("drop=-1", "from 0 up"),
        ("chunk=0-3", "at least 1"),
        ("chunk=5-3", "no fewer"),
        ("chunk=a", "neither a number of octets"),
        ("latency=soon", "is not a number"),
        ("reset=0", "above 0"),
        ("reset=9-3", "ends after"),
        ("sim=lost", "ready, pin, missing"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Faults.parse(text)


PAIRS = st.tuples(
    st.sampled_from(["ber", "drop", "chunk", "latency", "urc_storm", "sim", "silent", "reset", "sound", "x"]),
    st.text("0123456789.-eE+smnaif,=", max_size=8),
)


@given(st.one_of(st.text(), st.lists(PAIRS, max_size=4).map(lambda pairs: ",".join("=".join(pair) for pair in pairs))))
def test_any_text_is_a_specification_or_a_value_error(text: str) -> None:
    try:
        faults = Faults.parse(text)
    except ValueError:
        return
    assert 0 <= faults.ber <= 1
    assert 0 <= faults.drop <= 1
    assert all(0 < least <= greatest for _, least, greatest in faults.moments)


# Injuries


def injury(text: str, seed: int = 1) -> Injury:
    return Injury(Faults.parse(text), random.Random(seed))  # noqa: S311


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(0, 9))
def test_injuries_do_not_depend_on_how_the_octets_came(parts: list[bytes], seed: int) -> None:
    whole = injury("ber=0.01,drop=0.05", seed).apply(b"".join(parts))
    other = injury("ber=0.01,drop=0.05", seed)
    # The two kinds draw from one source in the order in which they meet: whole pieces of one octet are the reference.
    single = b"".join(other.apply(bytes([octet])) for part in parts for octet in part)
    assert len(whole) <= len(b"".join(parts))
    again = injury("ber=0.01,drop=0.05", seed)
    assert b"".join(again.apply(bytes([octet])) for part in parts for octet in part) == single


@pytest.mark.parametrize("kind", ["ber", "drop"])
def test_one_kind_of_injury_alone_is_the_same_whatever_the_pieces(kind: str) -> None:
    data = bytes(range(256)) * 20
    whole = injury(f"{kind}=0.01").apply(data)
    for size in (1, 7, 100):
        one = injury(f"{kind}=0.01")
        assert b"".join(one.apply(data[at : at + size]) for at in range(0, len(data), size)) == whole
    assert injury(f"{kind}=0.01", seed=2).apply(data) != whole


def test_rates_are_kept() -> None:
    data = bytes(200_000)
    flips = injury("ber=1e-3")
    changed = flips.apply(data)
    assert 1400 < flips.flipped < 1800
    assert sum(octet.bit_count() for octet in changed) == flips.flipped
    losses = injury("drop=1e-3")
    assert len(losses.apply(data)) == 200_000 - losses.lost
    assert 150 < losses.lost < 260
    assert injury("drop=1").apply(data) == b""
    assert injury("ber=1").apply(b"\x00\x0f") == b"\xff\xf0"


@given(st.binary(max_size=300))
def test_pieces_are_of_the_sizes_that_were_asked_for_and_nothing_is_lost(data: bytes) -> None:
    pieces = list(injury("chunk=2-5").pieces(data))
    assert b"".join(pieces) == data
    assert all(2 <= len(piece) <= 5 for piece in pieces[:-1])


# On the line


async def transcript(seed: int, faults: str) -> bytes:
    """Return what a host gets that types the same again and again."""
    async with Lab(EmulatedModule(faults=faults, seed=seed)) as lab:
        for _ in range(200):
            lab.plain.write(b"AT+CSQ;+CREG?;+QIFGCNT?\r")
            await settle(2)
        await settle()
        return bytes(lab.plain.received)


async def test_a_bad_line_is_bad_in_the_same_way_with_the_same_seed() -> None:
    first = await transcript(7, "ber=1e-4,drop=1e-3")
    assert first == await transcript(7, "ber=1e-4,drop=1e-3")
    assert first != await transcript(8, "ber=1e-4,drop=1e-3")
    assert first != await transcript(7, "")


async def test_octets_arrive_in_pieces_and_late_and_complete() -> None:
    clock = Turning()
    module = EmulatedModule(faults="chunk=1-3,latency=200ms", seed=3, clock=clock)
    async with Lab(module) as lab:
        sizes: list[int] = []
        feed = lab.plain.feed
        lab.plain.feed = lambda data: (sizes.append(len(data)), feed(data))[1]  # type: ignore[method-assign]
        lab.plain.write(b"AT+CSQ\r")
        await clock.turn(0.19)
        await lab.plain.quiet()
        for _ in range(40):
            await clock.turn(0.1)
        await lab.plain.expect(b"AT+CSQ\r\r\n+CSQ: 28,0\r\n\r\nOK\r\n")
        assert len(sizes) > 5
        assert max(sizes) <= 3


@pytest.mark.parametrize("multiplexed", [False, True])
async def test_the_line_is_as_slow_as_its_rate_in_both_directions(multiplexed: bool) -> None:
    clock = Turning()
    async with Lab(EmulatedModule(line_rate=9600, clock=clock)) as lab:
        if multiplexed:
            lab.plain.write(b"AT+CMUX=0\r")
            for _ in range(10):
                await clock.turn(0.01)
            await lab.plain.expect(b"AT+CMUX=0\r\r\nOK\r\n")
            starting = asyncio.ensure_future(lab.start())
            while not starting.done():
                await clock.turn(0.01)
        else:
            typed = b"AT" + b" " * 94  # 97 octets with the CR: 0.101 s in, and 0.107 s for 103 out
            lab.plain.write(typed + b"\r")
            for _ in range(10):
                await clock.turn(0.01)
            assert b"OK" not in lab.plain.received
            before = len(lab.plain.received)
            assert 60 < before < 100  # the echo follows on foot
            for _ in range(3):
                await clock.turn(0.01)
            await lab.plain.expect(typed + b"\r\r\nOK\r\n")


async def test_a_slow_line_pushes_back_and_loses_nothing() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(line_rate=1_000_000, clock=clock)) as lab, peer() as one:
        uart = lab.plain

        async def ask(command: str, answer: str) -> None:
            uart.write(command.encode() + b"\r")
            await clock.turn(0.01)
            await clock.turn(0.01)
            await uart.expect(f"{command}\r{answer}".encode())

        await ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await one.arrived.wait()
        data = bytes(range(256)) * 1200
        one.writer.write(data)
        await settle()
        wire = lab.module._wire
        assert wire is not None
        assert wire.tx.waiting < 40_000
        modem = lab.module._modem
        assert modem is not None
        assert modem.contexts[0].client.profiles[0].held <= 65536
        for _ in range(200):
            await clock.turn(0.05)
            if len(uart.received) == len(data):
                break
        assert bytes(uart.received) == data


# At a moment


async def test_a_reset_ends_everything_and_says_rdy() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await one.arrived.wait()
        lab.module.trigger("reset")
        await lab.plain.expect(BOOT.encode())
        assert await one.reader.read() == b""
        await lab.plain.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n")


async def test_a_reset_in_multiplexer_mode_brings_the_plain_uart_back() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one = await lab.open(1)
        await one.ask("AT")
        mux, transport = lab.mux, lab.host.transport
        assert mux is not None
        assert transport is not None
        mux.detach()
        transport.set_protocol(lab.host)
        lab.module.trigger(Moment.RESET)
        assert (await lab.plain.until(b"Call Ready\r\n")).endswith(BOOT.encode())
        await lab.plain.ask("AT")


async def test_a_remote_reset_is_told_as_closed_on_both_sides() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await one.arrived.wait()
        lab.module.trigger("remote_reset")
        await lab.plain.expect(b"\r\nCLOSED\r\n")
        with pytest.raises(ConnectionResetError):
            await one.reader.read()
        await lab.plain.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP CLOSE\r\n")


@pytest.mark.statement("27.007 7.2")
async def test_losing_the_registration_takes_the_contexts_and_is_told_who_asked() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+CREG=1;+CGREG=2;+QIREGAPP;+QIACT")
        lab.module.trigger("registration_lost")
        await lab.plain.expect(b"\r\n+PDP DEACT\r\n\r\n+CREG: 0\r\n\r\n+CGREG: 0\r\n")
        await lab.plain.ask("AT+CREG?", "\r\n+CREG: 1,0\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+COPS?", "\r\n+COPS: 0\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await lab.plain.ask("AT+QIREGAPP")
        await lab.plain.ask("AT+QIACT", "\r\nERROR\r\n")
        lab.module.trigger("registered")
        await lab.plain.expect(b'\r\n+CREG: 1\r\n\r\n+CGREG: 1,"1806","2F1E"\r\n')


async def test_the_other_moments() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+QIREGAPP;+QIACT")
        lab.module.trigger("pdp_deact")
        await lab.plain.expect(b"\r\n+PDP DEACT\r\n")
        await lab.plain.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        lab.module.trigger("activation_refused")
        await lab.plain.ask("AT+QIREGAPP")
        await lab.plain.ask("AT+QIACT", "\r\nERROR\r\n")
        await lab.plain.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        lab.module.trigger("activation_granted")
        await lab.plain.ask("AT+QIREGAPP;+QIACT")
        await lab.plain.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        lab.module.trigger("silence")  # nobody answers, until somebody does
        await lab.plain.ask("AT+QIREGAPP")
        lab.plain.write(b"AT+QIACT\r")
        await lab.plain.expect(b"AT+QIACT\r")
        await lab.plain.quiet()
        lab.module.trigger("sound")
        await lab.plain.expect(b"\r\nOK\r\n")
        await lab.plain.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        with pytest.raises(ValueError, match="flood"):
            lab.module.trigger("flood")


async def test_moments_come_again_and_again_and_can_be_ended() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(faults="reset=10-20", seed=5, clock=clock)) as lab:
        for _ in range(3):
            await clock.turn(9.9)
            await lab.plain.quiet()
            for _ in range(11):
                await clock.turn(1)
                if lab.plain.received:
                    break
            await lab.plain.expect(BOOT.encode())
        lab.module.set_faults("")
        await clock.turn(100)
        await lab.plain.quiet()


async def test_a_storm_of_unsolicited_lines_stays_between_answers() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(faults="urc_storm=50", seed=5, clock=clock)) as lab:
        for _ in range(20):
            lab.plain.write(b"AT+CSQ\r")
            await clock.turn(0.1)
        said = bytes(lab.plain.received).decode()
        assert said.count("AT+CSQ\r\r\n+CSQ: 28,0\r\n\r\nOK\r\n") == 20
        storm = said.replace("AT+CSQ\r\r\n+CSQ: 28,0\r\n\r\nOK\r\n", "")
        lines = [line for line in storm.split("\r\n") if line]
        assert set(lines) == {'+CREG: 1,"1806","2F1E"', "RING", '+CMTI: "SM",1'}
        assert 5 <= len(lines) <= 100
        lab.module.set_faults("")
        await clock.turn(10)
        lab.plain.received.clear()
        await clock.turn(10)
        await lab.plain.quiet()


@pytest.mark.parametrize("way", ["direct", "read", "transparent"])
async def test_a_storm_never_gets_into_a_block_of_data(way: str) -> None:
    clock = Turning()
    data = random.Random(6).randbytes(6000)  # noqa: S311
    async with Lab(EmulatedModule(line_rate=115_200, seed=6, clock=clock)) as lab, peer() as one:
        uart = lab.plain
        before = {"direct": "AT+QIMUX=1", "read": "AT+QIMUX=1;+QINDI=1", "transparent": "AT+QIMODE=1"}[way]
        index = "" if way == "transparent" else "0,"
        uart.write(f'ATE0\r{before}\rAT+QIOPEN={index}"TCP","127.0.0.1",{one.port}\r'.encode())
        while b"CONNECT" not in uart.received:
            await clock.turn(0.05)
        await clock.turn(1)
        uart.received.clear()
        await one.arrived.wait()
        lab.module.set_faults("urc_storm=300,chunk=1-40")
        one.writer.write(data)
        for _ in range(400):
            if way == "read":
                uart.write(b"AT+QIRD=0,1,0,1500\r")
            await clock.turn(0.02)
        assert _without_storm(bytes(uart.received), way, one.port) == data


def _without_storm(said: bytes, way: str, port: int) -> bytes:
    """Return the data, taken by the counts of its headers; between them stand whole lines and nothing else."""
    if way == "transparent":
        return said
    heads = {"direct": rb"\r\n\+RECEIVE: 0, (\d+)\r\n", "read": rb"\r\n\+QIRD: 127\.0\.0\.1:%d,TCP,(\d+)\r\n" % port}
    line = re.compile(rb'\r\n(\+CREG: 1,"1806","2F1E"|RING|\+CMTI: "SM",1|\+QIRDI: 0,1,0|OK)\r\n')
    head, data, at = re.compile(heads[way]), b"", 0
    while at < len(said):
        if found := head.match(said, at):
            length = int(found[1])
            data += said[found.end() : found.end() + length]
            at = found.end() + length
        else:
            other = line.match(said, at)
            assert other or len(said) - at < 40, said[at : at + 60]  # the last line may not be complete yet
            at = other.end() if other else len(said)
    return data


def test_arguments_out_of_range_are_told() -> None:
    with pytest.raises(ValueError, match="line_rate"):
        EmulatedModule(line_rate=-1)
    with pytest.raises(ValueError, match="bear"):
        EmulatedModule(faults="bear=1")
