"""Behaviours as a command line gives them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from emulator_host import Lab, Turning, settle
from emulator_peer import CONNECTED, connect, peer

import drivers.emulator
from drivers.emulator import Behaviour, EmulatedModule


def test_values_of_each_kind_are_read() -> None:
    read = Behaviour.parse(
        ["recv_from=rcv_from", "strict-reads=on", "activation_time=2.5", "already_connect = after_ok"]
    )
    assert read == Behaviour(recv_from="RCV FROM", strict_reads=True, activation_time=2.5, already_connect="after_ok")
    assert Behaviour.parse(["strict_reads=off"], base=read).activation_time == 2.5
    assert Behaviour.parse([]) == Behaviour()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strict_reads", "NAME=VALUE"),
        ("no_such=1", "no behaviour"),
        ("strict_reads=perhaps", "on or off"),
        ("activation_time=soon", "time in seconds"),
        ("activation_time=-1", "0 to 86400"),
        ("activation_time=nan", "0 to 86400"),
        ("recv_from=FROM", "RECV FROM, RCV FROM"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Behaviour.parse([text])


def test_the_list_tells_default_values_and_source_of_each() -> None:
    rows = {name: rest for name, *rest in Behaviour.describe()}
    assert list(rows) == [field.name for field in dataclasses.fields(Behaviour)]
    assert rows["strict_reads"][:2] == ["off", "on|off"]
    assert rows["recv_from"][:2] == ["RECV FROM", "RECV FROM|RCV FROM"]
    assert all(len(source) > 20 for *_, source in rows.values())


def test_each_behaviour_is_asked_for_somewhere() -> None:
    package = Path(drivers.emulator.__file__).parent
    code = "".join(path.read_text() for path in package.rglob("*.py") if path.parent.name != "readings")
    assert [field.name for field in dataclasses.fields(Behaviour) if f".{field.name}" not in code] == []


def test_a_set_stands_for_its_behaviours_and_later_ones_win() -> None:
    assert Behaviour.parse(["figure2"]) == Behaviour(recv_from="RCV FROM", address_line=True, send_ok_blank=True)
    assert Behaviour.parse(["figure2", "address_line=off"]) == Behaviour(recv_from="RCV FROM", send_ok_blank=True)
    assert Behaviour.parse(["figure2", "figure1"]) == Behaviour(ati_blank_line=True, send_ok_blank=True)


@pytest.mark.parametrize(
    ("reading", "commands", "end"),
    [
        ("qifgcnt_blank=on", ["AT+QIFGCNT=1", "AT+QIFGCNT?"], "\r\n+QIFGCNT: 1, 0\r\n\r\nOK\r\n"),
        ("qimode_blank=off", ["AT+QIMODE=?"], "\r\n+QIMODE:(0-NORMAL MODE,1-TRANSPARENT MODE)\r\n\r\nOK\r\n"),
        ("longest_send=1459", ["AT+QISEND=?"], "\r\n+QISEND: (1-1459)\r\n\r\nOK\r\n"),
        ("tcfg_size=1460", ["AT+QITCFG?"], "\r\n+QITCFG: 3,2,1460,1\r\n\r\nOK\r\n"),
        ("qilocip_ok=on", ["AT+QIREGAPP", "AT+QIACT", "AT+QILOCIP"], "\r\n\r\nOK\r\n"),
    ],
)
async def test_forms_of_answers(reading: str, commands: list[str], end: str) -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse([reading]))) as lab:
        *before, last = commands
        for command in before:
            await lab.plain.ask(command)
        lab.plain.write(last.encode() + b"\r")
        assert (await lab.plain.until(b"\r\nOK\r\n")).endswith(end.encode())
        await lab.plain.quiet()


async def test_forms_with_sessions() -> None:
    readings = ["recv_from_blank=on", "send_ok_index=on", "close_ok_index=off", "pdp_deact=+PDP: DEACT"]
    async with Lab(EmulatedModule(behaviour=Behaviour.parse(readings))) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("AT+QIMUX=1;+QISHOWRA=1")
        await uart.ask(f'AT+QIOPEN=3,"TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\n3, CONNECT OK\r\n")
        await uart.ask("AT+QISEND=3,1", "\r\n> ")
        uart.write(b"x")
        await uart.expect(b"x\r\n3, SEND OK\r\n")
        await one.arrived.wait()
        one.writer.write(b"y")
        await uart.expect(f"\r\n+RECEIVE: 3, 1\r\nRECV FROM: 127.0.0.1:{one.port}\r\ny".encode())
        await uart.ask("AT+QICLOSE=3", "\r\nCLOSE OK\r\n")
        lab.module.drop_contexts()
        await uart.expect(b"\r\n+PDP: DEACT\r\n")


@pytest.mark.requirement("S4.17")
@pytest.mark.parametrize(("mux", "blank"), [(0, ""), (1, "\r\n")])
async def test_the_first_send_ok_of_a_context_with_muxip_and_its_blank_line(mux: int, blank: str) -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse(["send_ok_blank=on"]))) as lab:
        uart = lab.plain
        await uart.ask(f"AT+QISDE=0;+QIMUX={mux}")
        for _ in range(2):
            async with peer() as one:
                await connect(uart, one, 2 if mux else None)
                for behind in (blank, "", ""):
                    await uart.ask("AT+QISEND=2,1" if mux else "AT+QISEND=1", "\r\n> ")
                    uart.write(b"x")
                    await uart.expect(f"\r\nSEND OK\r\n{behind}".encode())
                    await uart.quiet()
                await uart.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")


@pytest.mark.requirement("S3.7", "S3.8", "S3.14")
@pytest.mark.parametrize("command", ["AT+QIDNSIP=1", "AT+QIDNSIP=0", "AT+QITCFG=3,2,512,1"])
@pytest.mark.parametrize(("reading", "later"), [("ok", "\r\nOK\r\n"), ("error", "\r\nERROR\r\n")])
async def test_settings_outside_ip_initial(command: str, reading: str, later: str) -> None:
    behaviour = Behaviour.parse([f"late_settings={reading}"])
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as one:
        await lab.plain.ask(command)
        for step in ("AT+QIREGAPP", "AT+QIACT"):
            await lab.plain.ask(step)
            await lab.plain.ask(command, later)
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await lab.plain.ask(command, later)
        await lab.plain.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        await lab.plain.ask(command, later)
        await lab.plain.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await lab.plain.ask(command)


async def test_qiopen_without_ok_as_10_1_prints_it() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse(["qiopen_ok=off"]))) as lab, peer() as one:
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nCONNECT OK\r\n")


@pytest.mark.parametrize("longest", [1459, 1460])
async def test_the_longest_qisend(longest: int) -> None:
    behaviour = Behaviour.parse([f"longest_send={longest}"])
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as one:
        await lab.plain.ask("AT+QISDE=0")
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT OK\r\n")
        await one.arrived.wait()
        await lab.plain.ask(f"AT+QISEND={longest + 1}", "\r\nERROR\r\n")
        await lab.plain.ask(f"AT+QISEND={longest}", "\r\n> ")
        lab.plain.write(b"f" * longest)
        await lab.plain.expect(b"\r\nSEND OK\r\n")
        await lab.plain.ask("AT+QISEND", "\r\n> ")
        lab.plain.write(b"z" * 1500 + b"\x1a")
        await lab.plain.expect(b"\r\nSEND OK\r\n")
        assert await one.reader.readexactly(2 * longest) == b"f" * longest + b"z" * longest
        await settle()
        await lab.plain.ask("AT+QISACK", f"\r\n+QISACK: {2 * longest}, {2 * longest}, 0\r\n\r\nOK\r\n")


@pytest.mark.requirement("C22")
@pytest.mark.parametrize("per_uart", [False, True])
async def test_whose_settings_qisde_and_qiprompt_are(per_uart: bool) -> None:
    behaviour = Behaviour(send_settings_per_uart=per_uart)
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as one:
        await lab.multiplex()
        first, second = await lab.open(1), await lab.open(2)
        await first.ask("AT+QIFGCNT=0;+QISDE=0;+QIPROMPT=0")
        await second.ask("AT+QIFGCNT=0")
        sde, prompt = (1, 1) if per_uart else (0, 0)
        await second.ask("AT+QISDE?;+QIPROMPT?", f"\r\n+QISDE: {sde}\r\n\r\n+QIPROMPT: {prompt}\r\n\r\nOK\r\n")
        await second.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT OK\r\n")
        await second.ask("AT+QISEND=2", "\r\n> " if per_uart else "")
        second.write(b"hi")
        await second.expect(b"hi\r\nSEND OK\r\n" if per_uart else b"\r\nSEND OK\r\n")


@pytest.mark.requirement("C16", "C18")
@pytest.mark.parametrize("kept", [False, True])
async def test_lines_for_a_uart_whose_dlc_is_closed(kept: bool) -> None:
    behaviour = Behaviour(unheard_lines="kept" if kept else "dropped")
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab:
        await lab.multiplex()
        uart = await lab.open(2)
        await uart.ask("AT+QIFGCNT=1;+QIREGAPP;+QIACT")
        await lab.close(2)
        lab.module.drop_contexts()
        uart = await lab.open(2)
        if kept:
            await uart.expect(b"\r\n+PDP DEACT\r\n")
        await uart.quiet()


@pytest.mark.parametrize(("reading", "echoed"), [("qisde", b"hi"), ("ate", b"")])
async def test_whether_ate0_silences_the_prompt(reading: str, echoed: bytes) -> None:
    behaviour = Behaviour.parse([f"payload_echo={reading}"])
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as one:
        await lab.plain.ask("ATE0")
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT OK\r\n", echo=False)
        await lab.plain.ask("AT+QISEND=2", "\r\n> ", echo=False)
        lab.plain.write(b"hi")
        await lab.plain.expect(echoed + b"\r\nSEND OK\r\n")
        await lab.plain.ask("ATE1+QISEND=2", "\r\n> ", echo=False)
        lab.plain.write(b"hi")
        await lab.plain.expect(b"hi\r\nSEND OK\r\n")


@pytest.mark.parametrize(
    ("reading", "answer"), [("error", "\r\nERROR\r\n"), ("accepted", "\r\nOK\r\n\r\nCONNECT OK\r\n")]
)
async def test_a_name_while_qidnsip_is_0(reading: str, answer: str) -> None:
    behaviour = Behaviour.parse([f"name_without_qidnsip={reading}"])
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as one:
        await lab.plain.ask(f'AT+QIOPEN="TCP","localhost",{one.port}', answer)


@pytest.mark.parametrize(
    ("reading", "answer"),
    [
        ("after_ok", "\r\nOK\r\n\r\n+PDP DEACT\r\n"),
        ("before_ok", "\r\n+PDP DEACT\r\n\r\nOK\r\n"),
    ],
)
async def test_when_a_detached_module_tells_that_its_contexts_are_gone(reading: str, answer: str) -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse([f"cgatt_deact={reading}"]))) as lab:
        await lab.plain.ask("AT+QIREGAPP;+QIACT")
        await lab.plain.ask("AT+CGATT=0", answer)


async def test_results_can_keep_a_distance_from_ok() -> None:
    clock = Turning()
    behaviour = Behaviour.parse(["result_time=0.05", "cgatt_deact=before_ok"])
    async with Lab(EmulatedModule(behaviour=behaviour, clock=clock)) as lab, peer() as one:
        for command, result in (
            (f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', b"\r\nCONNECT OK\r\n"),
            ("AT+QISERVER", b"\r\nSERVER OK\r\n"),
            ('AT+QIDNSGIP="localhost"', b"\r\n127.0.0.1\r\n"),
        ):
            await lab.plain.ask(command)
            await lab.plain.quiet()
            await clock.turn(0.06)
            await lab.plain.expect(result)
        await lab.plain.ask("AT+CGATT=0", "\r\n+PDP DEACT\r\n")
        await lab.plain.quiet()
        await clock.turn(0.06)
        await lab.plain.expect(b"\r\nOK\r\n")


async def test_what_an_answer_brings_keeps_its_distance_from_send_ok() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(behaviour=Behaviour(result_time=0.05), clock=clock)) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("AT+QINDI=1")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}')
        await clock.turn(0.06)
        await uart.expect(b"\r\nCONNECT OK\r\n")
        await one.arrived.wait()
        for _ in range(2):
            one.writer.write(b"at once")
            await uart.quiet()
            await clock.turn(0.03)
            await uart.quiet()
            await clock.turn(0.03)
            await uart.expect(b"\r\n+QIRDI: 0,1,0\r\n")
            source = f"\r\n+QIRD: 127.0.0.1:{one.port},TCP,"
            await uart.ask("AT+QIRD=0,1,0,3", f"{source}3\r\nat \r\nOK\r\n\r\n+QIRDI: 0,1,0\r\n")
            await uart.ask("AT+QIRD=0,1,0,1500", f"{source}4\r\nonce\r\nOK\r\n")
        one.writer.write(b"read before it is told")
        await uart.quiet()
        await uart.ask("AT+QIRD=0,1,0,1500", f"{source}22\r\nread before it is told\r\nOK\r\n")
        await clock.turn(0.06)
        await uart.quiet()
        one.writer.write(b"nobody sees it")
        await uart.quiet()
        await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        await clock.turn(0.06)
        await uart.quiet()


async def test_a_stream_keeps_its_distance_only_once() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(behaviour=Behaviour(result_time=0.05), clock=clock)) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("AT+QIHEAD=1")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}')
        await clock.turn(0.06)
        await uart.expect(b"\r\nCONNECT OK\r\n")
        await one.arrived.wait()
        for _ in range(2):
            one.writer.write(b"first")
            await uart.quiet()
            await clock.turn(0.06)
            await uart.expect(b"IPD5:first")
            for _ in range(4):
                one.writer.write(b"more")
                await uart.expect(b"IPD4:more")
                await clock.turn(0.02)
            await clock.turn(0.06)
        one.writer.write(b"first")
        await uart.quiet()
        await clock.turn(0.06)
        await uart.expect(b"IPD5:first")
        await uart.ask("AT+QISEND=4", "\r\n> ")
        uart.write(b"ping")
        await uart.expect(b"ping\r\nSEND OK\r\n")
        one.writer.write(b"pong")
        await uart.quiet()
        await clock.turn(0.06)
        await uart.expect(b"IPD4:pong")


async def test_the_lines_of_a_restart_can_keep_a_distance() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(behaviour=Behaviour(result_time=0.05), clock=clock)) as lab:
        await lab.plain.ask("AT+CFUN=1,1")
        for line in (b"RDY", b"+CFUN: 1", b"+CPIN: READY", b"Call Ready"):
            await lab.plain.quiet()
            await clock.turn(0.06)
            await lab.plain.expect(b"\r\n" + line + b"\r\n")
        await clock.turn(1)
        await lab.plain.quiet()


async def test_another_restart_begins_its_lines_anew() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(behaviour=Behaviour(result_time=0.05), clock=clock)) as lab:
        await lab.plain.ask("AT+CFUN=1,1")
        await clock.turn(0.06)
        await lab.plain.expect(b"\r\nRDY\r\n")
        await lab.plain.ask("AT+CFUN=1,1")
        for line in (b"RDY", b"+CFUN: 1", b"+CPIN: READY", b"Call Ready"):
            await clock.turn(0.06)
            await lab.plain.expect(b"\r\n" + line + b"\r\n")
        await clock.turn(1)
        await lab.plain.quiet()


async def test_the_boot_lines_can_come_once_the_rate_is_known() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse(["boot_lines=first_line"]))) as lab:
        await lab.plain.quiet()
        await lab.plain.ask("AT", "\r\nOK\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n")
        await lab.plain.ask("AT")


async def test_closed_with_an_index_without_muxip() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse(["closed_index=on"]))) as lab, peer() as one:
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT OK\r\n")
        await one.arrived.wait()
        one.writer.close()
        await lab.plain.expect(b"\r\n0, CLOSED\r\n")


@pytest.mark.parametrize("interleave", [False, True])
async def test_data_at_the_prompt(interleave: bool) -> None:
    behaviour = Behaviour(interleave=interleave)
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as one:
        await lab.plain.ask("AT+QIHEAD=1")
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT OK\r\n")
        await one.arrived.wait()
        await lab.plain.ask("AT+QISEND=4", "\r\n> ")
        lab.plain.write(b"ab")
        await lab.plain.expect(b"ab")
        one.writer.write(b"hello")
        await settle()
        if interleave:
            await lab.plain.expect(b"IPD5:hello")
        await lab.plain.quiet()
        lab.plain.write(b"cd")
        await lab.plain.expect(b"cd\r\nSEND OK\r\n" + (b"" if interleave else b"IPD5:hello"))
