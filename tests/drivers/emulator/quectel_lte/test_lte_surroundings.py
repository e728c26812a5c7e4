"""What an LTE module is around its sockets: who it is, how it starts and stops, where it is registered."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning, settle
from lte_module import ERROR, OK, bg96, lab, listening

from drivers.emulator import EmulatedModule, Network
from drivers.emulator.quectel_lte.commands import _AROUND

BOOT = "\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\n+QUSIM: 1\r\n\r\n+QIND: SMS DONE\r\n\r\n+QIND: PB DONE\r\n"
READY = "\r\nAPP RDY\r\n"  # of BG9x
LOST = '\r\n+QIURC: "pdpdeact",1\r\n'


def info(text: str) -> str:
    return f"\r\n{text}\r\n\r\nOK\r\n"


# Who it is


@pytest.mark.requirement("L1.6")
@pytest.mark.parametrize(
    ("model", "product", "revision"),
    [
        ("bg96", "BG96", "BG96MAR02A07M1G"),
        ("ec25", "EC25", "EC25EFAR06A01M4G"),
        ("eg91", "EG91", "EG91EFBR06A06M4G"),
    ],
)
async def test_ati_has_three_lines_and_each_name_a_command(model: str, product: str, revision: str) -> None:
    async with Lab(bg96(model=model)) as one:
        uart = one.plain
        await uart.ask("ATI", f"\r\nQuectel\r\n{product}\r\nRevision: {revision}\r\n\r\nOK\r\n")
        for names, text in (
            (("GMI", "CGMI"), "Quectel"),
            (("GMM", "CGMM"), product),
            (("GMR", "CGMR"), revision),
        ):
            for name in names:
                await uart.ask(f"AT+{name}", info(text))
                await uart.ask(f"AT+{name}=?")
        for name in ("GSN", "CGSN"):
            uart.write(f"AT+{name}\r".encode())
            text = (await uart.until(b"OK\r\n")).decode()
            assert text.split("\r\n")[1].isdigit()
            assert len(text.split("\r\n")[1]) == 15


@pytest.mark.requirement("L1.5")
@pytest.mark.parametrize("cmee", [0, 1, 2])
async def test_an_unknown_command_is_error_whatever_cmee_says(cmee: int) -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask(f"AT+CMEE={cmee}")
        await one.plain.ask("AT+NONEXISTENT", ERROR)
        await one.plain.ask("AT+QIFGCNT=0", ERROR)  # of another family
        await one.plain.ask("AT+CMEE?;+NONEXISTENT;+CSQ", f"\r\n+CMEE: {cmee}\r\n{ERROR}")


@pytest.mark.requirement("L1.4")
async def test_lines_as_ofono_writes_them() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask("AT+IFC=2,2; E0")
        await one.plain.ask("ATE0; &C0; +CMEE=1", echo=False)
        await one.plain.ask("AT; &C1", echo=False)
        await one.plain.ask("AT+IFC?", info("+IFC: 2,2"), echo=False)


async def test_settings_from_the_factory_and_back() -> None:
    async with Lab(bg96()) as one:
        uart = one.plain
        for command, answer in (
            ("AT+CMEE?", "+CMEE: 1"),
            ("AT+CREG?", "+CREG: 0,1"),
            ("AT+IPR?", "+IPR: 115200"),
            ("AT+IFC?", "+IFC: 0,0"),
            ("ATS3?", "013"),
            ("ATS4?", "010"),
        ):
            await uart.ask(command, info(answer))
        await uart.ask("AT&D0X0;+CREG=2;&W")
        await uart.ask("AT&F")
        await uart.ask("AT+CREG?", info("+CREG: 0,1"))
        await uart.ask("ATZ")
        await uart.ask("AT+CREG?", info('+CREG: 2,1,"1806","01A2D101",8'))


async def test_rates_and_flow_control_that_an_m10_does_not_have() -> None:
    async with Lab(bg96()) as one:
        uart = one.plain
        await uart.ask("AT+IPR=?", info("+IPR: (),(0,9600,19200,38400,57600,115200,230400,460800,921600)"))
        await uart.ask("AT+IPR=921600")
        await uart.ask("AT+IPR?", info("+IPR: 921600"))
        await uart.ask("AT+IPR=75", ERROR)
        await uart.ask("AT+IFC=?", info("+IFC: (0,2),(0,2)"))
        await uart.ask("AT+IFC=1,1", ERROR)
        await uart.ask("AT+IFC=2,2")


# How it starts and stops


@pytest.mark.requirement("L11.1")
async def test_a_restart_on_command_is_told_before_it_and_announces_itself() -> None:
    async with lab() as one:
        uart = one.plain
        await uart.ask("ATE0")
        uart.write(b"AT+CFUN=1,1\r")
        await uart.expect(f"{OK}\r\nPOWERED DOWN\r\n{LOST}{BOOT}{READY}".encode())
        await uart.ask("AT+QIACT?")  # nothing is active, and ATE1 again
        await uart.ask("AT+CFUN=1,1", f"{OK}\r\nPOWERED DOWN\r\n{BOOT}{READY}")  # nothing was lost


@pytest.mark.requirement("L11.1")
@pytest.mark.parametrize(
    ("model", "readings", "answer"),
    [
        ("bg96", (), LOST + BOOT + READY),
        ("bg96", ("pdpdeact_at_reset=off",), BOOT + READY),
        ("bg96", ("qusim_line=off",), LOST + BOOT.replace("\r\n+QUSIM: 1\r\n", "") + READY),
        ("ec25", (), BOOT),
        ("ec25", ("pdpdeact_at_reset=on",), LOST + BOOT),
        ("eg91", (), BOOT),
    ],
)
async def test_a_restart_by_itself_says_rdy_and_what_follows(
    model: str, readings: tuple[str, ...], answer: str
) -> None:
    async with lab(*readings, model=model) as one:
        one.module.trigger("reset")
        await one.plain.expect(answer.encode())
        await one.plain.quiet()
        await one.plain.ask("AT+QIACT?")


@pytest.mark.requirement("L11.1", "L9.3")
async def test_a_restart_ends_the_multiplexer_and_says_rdy_unmultiplexed() -> None:
    async with lab() as one:
        await one.multiplex()
        uart = await one.open(1)
        await uart.ask('AT+QCFG="cmux/urcport",3')
        transport, mux = one.host.transport, one.mux
        assert transport is not None
        assert mux is not None
        mux.detach()
        transport.set_protocol(one.host)
        one.module.trigger("reset")
        await one.plain.expect(f"{LOST}{BOOT}{READY}".encode())
        await one.plain.ask("AT+QIACT?")
        await one.plain.ask('AT+QCFG="cmux/urcport"', info('+QCFG: "cmux/urcport",3'))


@pytest.mark.parametrize(("faults", "line"), [("sim=pin", "SIM PIN"), ("sim=missing", "NOT INSERTED")])
async def test_without_a_ready_sim_nothing_is_read_from_it_at_the_start(faults: str, line: str) -> None:
    async with Lab(EmulatedModule(model="ec25", faults=faults)) as one:
        await one.plain.ask("AT")
        one.module.trigger("reset")
        await one.plain.expect(f"\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: {line}\r\n".encode())
        await one.plain.quiet()
        if line == "SIM PIN":
            ready = BOOT.removeprefix("\r\nRDY\r\n\r\n+CFUN: 1\r\n")
            await one.plain.ask('AT+CPIN="1234"', OK + ready)


@pytest.mark.parametrize("command", ["AT+QPOWD", "AT+QPOWD=1", "AT+QPOWD=0"])
async def test_powering_down_is_told_behind_ok(command: str) -> None:
    async with lab() as one:
        await one.plain.ask(command, f"{OK}\r\nPOWERED DOWN\r\n")
        await one.plain.ask("AT+QIACT?")
        await one.plain.ask("AT+QPOWD=2", ERROR)


# Where it is registered


@pytest.mark.parametrize(("model", "act"), [("bg96", 8), ("ec25", 7)])
async def test_registration_is_told_with_the_access_technology_by_three_commands(model: str, act: int) -> None:
    clock = Turning()
    async with Lab(bg96(model=model, clock=clock)) as one:
        uart = one.plain
        for name in ("CREG", "CGREG", "CEREG"):
            await uart.ask(f"AT+{name}=?", info(f"+{name}: (0-2)"))
            await uart.ask(f"AT+{name}?", info(f"+{name}: 0,1"))
            await uart.ask(f"AT+{name}=2")
            await uart.ask(f"AT+{name}?", info(f'+{name}: 2,1,"1806","01A2D101",{act}'))
            await uart.ask(f"AT+{name}=3", ERROR)
        await uart.ask("AT+COPS?", info(f'+COPS: 0,0,"CHINA MOBILE",{act}'))
        one.module.set_network(Network(registered=False))
        await uart.expect(b"\r\n+CREG: 0\r\n\r\n+CGREG: 0\r\n\r\n+CEREG: 0\r\n")
        await uart.ask("AT+CEREG?", info("+CEREG: 2,0"))
        await uart.ask("AT+COPS?", info("+COPS: 0"))
        for command, answer in (
            ("AT+QCSQ", '+QCSQ: "NOSERVICE"'),
            ("AT+QNWINFO", "+QNWINFO: No Service"),
            ("AT+CSQ", "+CSQ: 99,99"),
        ):
            await uart.ask(command, info(answer))
        await uart.ask("AT+QSPN", ERROR)


async def test_the_profile_is_shown_as_on_the_console_of_a_bg96() -> None:
    # johncobb/catm1_bg96 connect.log, behind AT&F; &D is 1 in the manual's table of factory settings, and 2 there
    shown = "&C: 1\r\n&D: 1\r\n&F: 0\r\n&W: 0\r\nE: 1\r\nQ: 0\r\nV: 1\r\nX: 4\r\nZ: 0\r\n"
    registers = "S0: {}\r\nS3: 13\r\nS4: 10\r\nS5: 8\r\nS6: 2\r\nS7: 0\r\nS8: {}\r\nS10: 15"
    async with Lab(bg96()) as one:
        await one.plain.ask("AT&F")
        await one.plain.ask("AT&V", info(shown + registers.format(0, 2)))
        await one.plain.ask("ATX1S0=3S8=5")
        changed = shown.replace("&D: 1", "&D: 2").replace("X: 4", "X: 1") + registers.format(3, 5)
        await one.plain.ask("AT&D2")
        await one.plain.ask("AT&V", info(changed))
        await one.plain.ask("ATS8?", info("005"))
        for register in ("S6=1", "S6=11", "S8=256", "S10=0", "S10=255", "S9?"):  # V.250 §6.3.9, §6.3.11, §6.3.12
            await one.plain.ask(f"AT{register}", ERROR)


async def test_the_operator_is_selected_and_told_as_on_the_console_of_an_ec25() -> None:
    # EC25EFAR06A08M4G on "EC25 Network Registration" of 1NCE, with the operator of this network
    dialogue = (
        ("AT+COPS=?", info('+COPS: (2,"CHINA MOBILE","CMCC","46000",7),,(0-4),(0-2)')),
        ("AT+COPS=0,0", OK),
        ('AT+COPS=4,2,"26202"', OK),
        ('AT+COPS=1,2,"46000"', OK),
        ("AT+COPS?", info('+COPS: 1,2,"46000",7')),
        ("AT+COPS=3,0", OK),
        ("AT+COPS?", info('+COPS: 1,0,"CHINA MOBILE",7')),
    )
    async with Lab(bg96(model="ec25")) as one:
        for command, answer in dialogue:
            await one.plain.ask(command, answer)


@pytest.mark.parametrize(
    ("model", "signal", "name", "ready"),
    [("bg96", "CAT-M1", "CAT-M1", 3), ("ec25", "LTE", "FDD LTE", 7)],
)
async def test_signal_network_and_provider(model: str, signal: str, name: str, ready: int) -> None:
    async with Lab(bg96(model=model)) as one:
        uart = one.plain
        await uart.ask("AT+CSQ", info("+CSQ: 28,99"))
        await uart.ask("AT+QCSQ", info(f'+QCSQ: "{signal}",-57,-84,180,-9'))
        await uart.ask("AT+QNWINFO", info(f'+QNWINFO: "{name}","46000","LTE BAND 3",1650'))
        for command in ("AT+QSPN", "AT+QSPN?"):
            await uart.ask(command, info('+QSPN: "CHINA MOBILE","CMCC","",0,"46000"'))
        await uart.ask("AT+QCCID", info("+QCCID: 89860012345678901234"))
        await uart.ask("AT+ICCID", info("+ICCID: 89860012345678901234"))
        await uart.ask("AT+QINISTAT", info(f"+QINISTAT: {ready}"))
        await uart.ask("AT+QINISTAT=?", info(f"+QINISTAT: (0-{ready})"))


# Others of the process, and hosts


async def test_modules_of_both_families_reach_each_other_by_messages_and_calls() -> None:
    async with (
        Lab(EmulatedModule(model="bg96", number="+491701234567")) as one,
        Lab(EmulatedModule(number="+491701234568")) as two,
    ):
        for each in (one, two):
            await each.plain.ask("AT+CMGF=1;+CNMI=2,1;+CLIP=1;E0")
        one.plain.write(b'AT+CMGS="+491701234568"\r')
        await one.plain.expect(b"\r\n> ")
        one.plain.write(b"hello\x1a")
        await one.plain.expect(b"\r\n+CMGS: 1\r\n\r\nOK\r\n")
        await two.plain.expect(b'\r\n+CMTI: "SM",1\r\n')
        await two.plain.ask("ATD+491701234567;", OK, echo=False)
        await one.plain.expect(b'\r\nRING\r\n\r\n+CLIP: "+491701234568",145,"",,"",0\r\n')
        await one.plain.ask("ATA", OK, echo=False)
        await two.plain.ask("ATH", OK, echo=False)
        await one.plain.expect(b"\r\nNO CARRIER\r\n")
        await one.plain.ask('AT+CPBW=1,"+49170",145,"Anna"', OK, echo=False)
        await one.plain.ask('AT+CPBW=2,"+49171",145,"Bert"', OK, echo=False)
        lines = '+CPBR: 1,"+49170",145,"Anna"\r\n+CPBR: 2,"+49171",145,"Bert"'
        await one.plain.ask("AT+CPBR=1,250", info(lines), echo=False)


async def test_a_listener_that_is_full_can_be_made_to_say_so() -> None:
    async with lab() as one, listening(one.plain, 1):
        one.module.trigger("incoming_full")
        await one.plain.expect(b'\r\n+QIURC: "incoming full"\r\n')
        await one.plain.quiet()


@pytest.mark.parametrize(("model", "reason"), [("bg96", "nothing listens"), ("m10", "the model m10 does not tell")])
def test_without_a_listener_or_such_a_line_that_cannot_happen(model: str, reason: str) -> None:
    with EmulatedModule(model=model, faults="incoming_full=1ms") as module:
        with pytest.raises(ValueError, match=reason):
            module.trigger("incoming_full")
        with module.port(timeout=5) as port:  # nor does it do harm from time to time
            port.write(b"AT\r")
            assert port.read(9) == b"AT\r\r\nOK\r\n"


# Settings of the whole module


async def test_sleep_and_time_zone_are_settings_of_the_module() -> None:
    async with Lab(bg96()) as one:
        uart = one.plain
        for name, shown, granted, refused in (
            ("QSCLK", "(0,1)", "1", "2"),
            ("CTZU", "(0,1,3)", "3", "2"),
            ("CTZR", "(0-2)", "2", "3"),
        ):
            await uart.ask(f"AT+{name}=?", info(f"+{name}: {shown}"))
            await uart.ask(f"AT+{name}?", info(f"+{name}: 0"))
            await uart.ask(f"AT+{name}={refused}", ERROR)
            await uart.ask(f"AT+{name}={granted}")
            await uart.ask(f"AT+{name}?", info(f"+{name}: {granted}"))


async def test_the_time_has_its_year_in_full_only_where_the_network_tells_it() -> None:
    async with Lab(bg96(clock=Turning())) as one:
        await one.plain.ask('AT+CCLK="26/11/30,12:00:00+08"')
        await one.plain.ask("AT+CCLK?", info('+CCLK: "26/11/30,12:00:00+08"'))
        await one.plain.ask("AT+QLTS", info('+QLTS: "2026/11/30,12:00:00+08,0"'))
        await one.plain.ask("AT+QLTS=1", info('+QLTS: "2026/11/30,12:00:00+08,0"'))
        await one.plain.ask("AT+QLTS=3", ERROR)


async def test_cgact_can_hang_until_a_restart() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask("AT+CGACT=0,1")
        await one.plain.ask("AT+CGACT=1,16")
        await one.plain.ask("AT+CGACT=1,17", ERROR)
    async with Lab(bg96("cgact_hangs=on")) as one:
        await one.plain.ask("AT+CGACT=1,1", "")
        one.plain.write(b"AT\r")
        await settle()
        await one.plain.quiet()
        one.module.trigger("reset")
        await one.plain.until(READY.encode())
        await one.plain.until(b"AT\r\r\nOK\r\n")  # it had waited
        await one.plain.ask("AT+QIACT=1")


async def test_definitions_are_shown_as_in_the_log_of_a_bg96() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask('AT+CGDCONT=1,"IP","hologram"')
        await one.plain.ask("AT+CGDCONT?", info('+CGDCONT: 1,"IP","hologram","0.0.0.0",0,0,0,0'))


async def test_several_lines_of_a_command_that_all_modules_have_share_their_line_ends_too() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask('AT+CGDCONT=1,"IP","one"')
        await one.plain.ask('AT+CGDCONT=3,"IPV4V6","three"')
        lines = "+CGACT: 1,0\r\n+CGACT: 3,0"
        await one.plain.ask("AT+CGACT?", info(lines))
        await one.plain.ask("AT+CGACT?;+CSQ", f"\r\n{lines}\r\n\r\n+CSQ: 28,99\r\n\r\nOK\r\n")
        types = "\r\n".join(f'+CGDCONT: (1-16),"{kind}",,,(0),(0)' for kind in ("IP", "IPV6", "IPV4V6"))
        await one.plain.ask("AT+CGDCONT=?", info(types))


async def test_each_command_has_its_test_form() -> None:
    forms = {
        **dict.fromkeys(("GMI", "CGMI", "GMM", "CGMM", "GMR", "CGMR", "GSN", "CGSN", "QCCID", "CCID", "ICCID"), ""),
        "CEREG": "+CEREG: (0-2)",
        "COPS": '+COPS: (2,"CHINA MOBILE","CMCC","46000",8),,(0-4),(0-2)',
        "QGMR": "",
        "CSQ": "+CSQ: (0-31,99),(0-7,99)",
        "QCSQ": '+QCSQ: "NOSERVICE","GSM","CAT-M1","CAT-NB1"',
        "QNWINFO": "",
        "QSPN": "",
        "QSCLK": "+QSCLK: (0,1)",
        "CTZU": "+CTZU: (0,1,3)",
        "CTZR": "+CTZR: (0-2)",
        "QPOWD": "+QPOWD: (0,1)",
        "QINISTAT": "+QINISTAT: (0-3)",
        "QLTS": "+QLTS: (0-2)",
        "CGACT": "+CGACT: (0,1)",
        "QURCCFG": '+QURCCFG: "urcport",("usbat","usbmodem","uart1","all")',
    }
    names = {name for table in _AROUND for name in table.names()}
    assert names == {*forms, "I", "QCFG", "CGDCONT"}  # these have tests of their own
    async with Lab(bg96()) as one:
        for name, line in forms.items():
            await one.plain.ask(f"AT+{name}=?", (f"\r\n{line}\r\n" if line else "") + OK)
