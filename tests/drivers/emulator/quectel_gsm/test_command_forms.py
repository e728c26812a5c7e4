"""Every command in its four forms on a fresh module in AT mode; ERROR where it does not have the form."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning

from drivers.emulator import EmulatedModule, Network
from drivers.emulator.quectel_gsm.commands import all_commands

OK = "OK"  # OK alone
ERROR = "ERROR"
FLAG = "(0,1)"
IDENTITY = "Quectel_Ltd\nQuectel_M10\nRevision: MTK 0828"
QISCON = """SHOW APPTCPIP CONTEXT\n+QIDNSIP:0\n+QIPROMPT:1\n+QIHEAD:0\n+QISHOWRA:0\n+QICSGP:1\nGprs Config APN:CMNET
Gprs Config UserId:\nGprs Config Password:\nGprs Config inactivityTimeout:0\nCSD Dial Number:\nCSD Config UserId:
CSD Config Password:\nCSD Config rate:2\nApp Tcpip Mode:0"""
OPENS = (
    '+QIOPEN: ("TCP","UDP"),(0-255).(0-255).(0-255).(0-255),(1-65535)\n+QIOPEN: ("TCP","UDP"),(domain name),(1-65535)'
)
CSGP = "+QICSGP: 0-CSD,DIAL NUMBER,USER NAME,PASSWORD,RATE(0-3)\n+QICSGP: 1-GPRS,APN,USER NAME,PASSWORD"
OWN = "+491701234567"
STORES = '+CPBS: ("SM","ME","FD","LD","DC","RC","MC","LA","ON")'
MUX = "+CMUX: (0-1),(0),(1-5),(10-128),(1-255),(0-100),(2-255),(1-255),(1-7)"

# name: test, read, a write that is granted, a write that is not, execute.
# A text is an information line with OK; a text that begins with ! stands alone.
FORMS: dict[str, tuple[str, str, str | None, str | None, str]] = {
    "QIFGCNT": ("+QIFGCNT: (0,1)", "+QIFGCNT: 0,255", "1", "2", ERROR),
    "QICSGP": (CSGP, "+QICSGP: 1", '0,"17201","172","172",3', "2", ERROR),
    "QIMUX": ("+QIMUX: (0,1)", "+QIMUX: 0", "1", "2", ERROR),
    "QIMODE": ("+QIMODE: (0-NORMAL MODE,1-TRANSPARENT MODE)", "+QIMODE: 0", "1", "2", ERROR),
    "QIDNSIP": ("+QIDNSIP: (0,1)", "+QIDNSIP: 0", "1", "2", ERROR),
    "QITCFG": ("+QITCFG: (3-8),(2-10),(1-1460),(0,1)", "+QITCFG: 3,2,1024,1", "8,10,1460,0", "2,2,512,1", ERROR),
    "QIREGAPP": ('+QIREGAPP: "APN","USER","PWD"', "+QIREGAPP: CMNET,,", '"A","U","P",3', '"A","U"', OK),
    "QIACT": (OK, ERROR, None, "1", ERROR),
    "QILOCIP": (OK, ERROR, None, "1", ERROR),
    "QIOPEN": (OPENS, ERROR, '"UDP","127.0.0.1",9', '"TCP","127.0.0.1",65536', ERROR),
    "QISEND": ("+QISEND: (1-1460)", ERROR, None, "1", ERROR),
    "QIAUTOS": ("+QIAUTOS: (0,1), (1-100)", "+QIAUTOS: 0,0", "1,100", "1,101", ERROR),
    "QISACK": (OK, ERROR, None, "0", ERROR),
    "QISRVC": ("+QISRVC: (1,2)", "+QISRVC: 1", "2", "0", ERROR),
    "QISHOWRA": ("+QISHOWRA: (0,1)", "+QISHOWRA: 0", "1", "2", ERROR),
    "QISHOWLA": ("+QISHOWLA: (0,1)", "+QISHOWLA: 0", "1", "2", ERROR),
    "QIHEAD": ("+QIHEAD: (0,1)", "+QIHEAD: 0", "1", "2", ERROR),
    "QISHOWPT": ("+QISHOWPT: (0,1)", "+QISHOWPT: 0", "1", "2", ERROR),
    "QICLOSE": (OK, ERROR, None, "0", ERROR),
    "QIDEACT": (OK, ERROR, None, "0", "!DEACT OK"),
    "QISERVER": (OK, "+QISERVER: 0, 0", "1", "0,1", OK),
    "QILPORT": ("+QILPORT: (0-65535)", "TCP: 2020\nUDP: 2020", '"UDP",65535', '"UDP",65536', ERROR),
    "QISTAT": (OK, ERROR, None, "0", "!OK\n\nSTATE: IP INITIAL"),
    "QISTATE": (OK, ERROR, None, "0", "!OK\n\nSTATE: IP INITIAL"),
    "QISSTAT": (OK, ERROR, None, "0", "!OK\n\nS: INITIAL"),
    "QIDNSCFG": (OK, "PrimaryDns: 0.0.0.0\nSecondaryDns: 0.0.0.0", None, '"211.136.18.171"', ERROR),
    "QIDNSGIP": (OK, ERROR, '"localhost"', '""', ERROR),
    "CMUX": (MUX, "+CMUX:-1,0,5,127,10,3,30,10,2", "0,0,5,127,10,3,30,10,2", "2", ERROR),
    "QINDI": ("+QINDI: (0-2)", "+QINDI: 0", "2", "3", ERROR),
    "QIRD": ("+QIRD: (0,1),(1,2),(0-5),(1-1500)", ERROR, None, "0,1,0,1501", ERROR),
    "QISDE": ("+QISDE: (0,1)", "+QISDE: 1", "0", "2", ERROR),
    "QIPROMPT": ("+QIPROMPT: (0-3)", "+QIPROMPT: 1", "3", "4", ERROR),
    "QISCON": (OK, QISCON, None, "1", OK),
    "QPING": ('+QPING: "HOST",(1-255),(1-10)', ERROR, '"127.0.0.1",255,1', '"127.0.0.1",256', ERROR),
    "QNTP": ('+QNTP: "SERVER",(1-65535)', '+QNTP: "210.72.145.44",123', '"127.0.0.1",1', '"127.0.0.1",0', OK),
    "QIKALIVE": ("+QIKALIVE: (0,1),(60-1800),(10-20)", "+QIKALIVE: 1,60,10", "0,1800,20", "0,1801,20", ERROR),
    "GMI": (OK, ERROR, None, "1", IDENTITY),
    "CGMI": (OK, ERROR, None, "1", IDENTITY),
    "GMM": (OK, ERROR, None, "1", "Quectel_M10"),
    "CGMM": (OK, ERROR, None, "1", "Quectel_M10"),
    "GMR": (OK, ERROR, None, "1", "Revision: M10R04A02M32_SST"),
    "CGMR": (OK, ERROR, None, "1", "Revision: M10R04A02M32_SST"),
    "GSN": (OK, ERROR, None, "1", "861001001234560"),
    "CGSN": (OK, ERROR, None, "1", "861001001234560"),
    "CIMI": (OK, ERROR, None, "1", "460001234567890"),
    "QCCID": (OK, ERROR, None, "1", "89860012345678901234"),
    "CPIN": (OK, "+CPIN: READY", None, '"1234"', ERROR),
    "CSQ": ("+CSQ: (0-31,99),(0-7,99)", ERROR, None, "1", "+CSQ: 28,0"),
    "CREG": ("+CREG: (0-2)", "+CREG: 0,1", "2", "3", ERROR),
    "CGREG": ("+CGREG: (0-2)", "+CGREG: 0,1", "2", "3", ERROR),
    "CGATT": ("+CGATT: (0,1)", "+CGATT: 1", "1", "2", ERROR),
    "CGDCONT": ('+CGDCONT: (1-2),"IP",,,(0),(0)', OK, '1,"IP","CMNET"', '3,"IP"', ERROR),
    "CGACT": ("+CGACT: (0,1)", OK, "1,1", "2,1", ERROR),
    "CGDATA": ('+CGDATA: ("PPP")', ERROR, None, '"PPP",3', "!NO CARRIER"),
    "FCLASS": ("0", "0", None, "1", ERROR),
    "COPS": ('+COPS: (2,"CHINA MOBILE","CMCC","46000"),,(0-4),(0-2)', '+COPS: 0,0,"CHINA MOBILE"', "0", "5", ERROR),
    "CFUN": ("+CFUN: (0,1,4),(0,1)", "+CFUN: 1", "4", "2", ERROR),
    "CMEE": ("+CMEE: (0-2)", "+CMEE: 1", "2", "3", ERROR),
    "IPR": (
        "+IPR: (),(0,75,150,300,600,1200,2400,4800,9600,14400,19200,28800,38400,57600,115200)",
        "+IPR: 0",
        "9600",
        "9601",
        ERROR,
    ),
    "IFC": ("+IFC: (0-2),(0-2)", "+IFC: 0,0", "2,2", "3,0", ERROR),
    "ICF": ("+ICF: (1-6),(0-3)", "+ICF: 3,3", "3,3", "1,1", ERROR),
    "CLIR": ("+CLIR: (0-2)", "+CLIR: 0,4", "1", "3", ERROR),
    "CHUP": (OK, ERROR, None, "1", OK),
    "CHLD": ("+CHLD: (0,1,1x)", ERROR, None, "1", ERROR),
    "VTS": ("+VTS: (0-9,A-D,*,#)", ERROR, None, "x", ERROR),
    "CUSD": ("+CUSD: (0-2)", "+CUSD: 0", "1", "3", ERROR),
    "CPBS": (STORES, '+CPBS: "SM",0,250', '"ON"', '"XX"', ERROR),
    "CPBR": ("+CPBR: (1-250),40,14", ERROR, "1,250", "a", ERROR),
    "CPBF": ("+CPBF: 40,14", ERROR, '"Anna"', '"A","B"', ERROR),
    "CPBW": ("+CPBW: (1-250),40,(129,145),14", ERROR, '1,"+49170",145,"Anna"', '1,"+49170",146', ERROR),
    "CNUM": (OK, ERROR, None, "1", '+CNUM: "","+491701234567",145,7,4'),
    "CPAS": ("+CPAS: (0,2-4)", ERROR, None, "1", "+CPAS: 0"),
    "CBC": ("+CBC: (0-2),(1-100),(0-5000)", ERROR, None, "1", "+CBC: 0,95,4085"),
    "QNITZ": ("+QNITZ: (0,1)", "+QNITZ: 0", "1", "2", ERROR),
    "CMGF": ("+CMGF: (0,1)", "+CMGF: 0", "1", "2", ERROR),
    "CLIP": ("+CLIP: (0,1)", "+CLIP: 0,1", "1", "2", ERROR),
    "COLP": ("+COLP: (0,1)", "+COLP: 0,1", "1", "2", ERROR),
    "QSCLK": ("+QSCLK: (0-2)", "+QSCLK: 0", "1", "3", ERROR),
    "CTZU": ("+CTZU: (0-3)", "+CTZU: 0", "2", "4", ERROR),
    "QCOLP": ("+QCOLP: (0,1)", "+QCOLP: 0", "1", "2", ERROR),
    "QINDRI": ("+QINDRI: (0,1)", "+QINDRI: 0", "1", "2", ERROR),
    "QINISTAT": (OK, ERROR, None, "1", "+QINISTAT: 3"),
    "QSPN": (OK, '+QSPN: "CHINA MOBILE",0', None, "1", ERROR),
    "QLTS": (OK, ERROR, None, "3", '+QLTS: "04/01/01,00:00:00+00,0"'),
    "QREFUSECS": ("+QREFUSECS: (0,1),(0,1)", "+QREFUSECS: 0,0", "1,1", "1", ERROR),
    "QEXTUNSOL": ('+QEXTUNSOL: ("SQ","FN","MW","UR","BC","BM","SM","CC","CN")', ERROR, '"CC",1', '"XX",1', ERROR),
    "CNMI": ("+CNMI: (0-3),(0-3),(0,2,3),(0-2),(0,1)", "+CNMI: 2,1,0,0,0", "2,2,0,0,0", "4", ERROR),
    "CSCS": ('+CSCS: ("GSM","IRA","UCS2","HEX")', '+CSCS: "GSM"', '"UCS2"', '"ABC"', ERROR),
    "CSCA": (OK, '+CSCA: "+8613800100500",145', '"+8613010112500",145', '"+1",256', ERROR),
    "CSMP": (OK, "+CSMP: 17,167,0,0", "17,255,0,8", "256", ERROR),
    "CSDH": ("+CSDH: (0,1)", "+CSDH: 0", "1", "2", ERROR),
    "CMER": ("+CMER: (0-3),(0),(0),(0,2),(0,1)", "+CMER: 0,0,0,0,0", "2,0,0,2,0", "4", ERROR),
    "CRC": ("+CRC: (0,1)", "+CRC: 0", "1", "2", ERROR),
    "CLVL": ("+CLVL: (0-100)", "+CLVL: 50", "80", "101", ERROR),
    "CMUT": ("+CMUT: (0,1)", "+CMUT: 0", "1", "2", ERROR),
    "QAUDCH": ("+QAUDCH: (0-2)", "+QAUDCH: 0", "1", "3", ERROR),
    "CPMS": (
        '+CPMS: ("SM","ME","MT"),("SM","ME","MT"),("SM","ME","MT")',
        '+CPMS: "SM",0,50,"SM",0,50,"SM",0,50',
        None,
        '"XX"',
        ERROR,
    ),
    "CMGR": (OK, ERROR, "50", "51", ERROR),
    "CMGD": ("+CMGD: (),(0-4)", ERROR, "1,4", "1,5", ERROR),
    "CMGL": ("+CMGL: (0-4)", ERROR, "4", "5", OK),
    "CSMS": ("+CSMS: (0,1)", "+CSMS: 0,1,1,1", None, "2", ERROR),
    "CMMS": ("+CMMS: (0-2)", "+CMMS: 0", "2", "3", ERROR),
    "CSAS": ("+CSAS: (0-3)", ERROR, "3", "4", OK),
    "CRES": ("+CRES: (0-3)", ERROR, "3", "4", OK),
    "CMGS": (OK, ERROR, None, "0", ERROR),
    "CMGW": (OK, ERROR, None, "0", "!+CMS ERROR: 304"),
    "CMSS": (OK, ERROR, None, "1", ERROR),
    "CMGC": (OK, ERROR, None, "0", ERROR),
    "CNMA": ("+CNMA: (0-2)", ERROR, None, "3", "!+CMS ERROR: 340"),
    "CLCC": (OK, ERROR, None, "1", OK),
    "QNSTATUS": (OK, ERROR, None, "1", "+QNSTATUS: 0"),
    "QIURC": ("+QIURC: (0,1)", "+QIURC: 1", "0", "2", ERROR),
    "CCLK": (OK, '+CCLK: "04/01/01,00:00:00+00"', '"09/11/20,12:00:00+08"', '"noon"', ERROR),
    "QPOWD": ("+QPOWD: (0,1)", ERROR, None, "2", ERROR),
}
CME = {
    "CHLD": "+CME ERROR: 3",
    "CMUX": "+CME ERROR: 4",
    "CPIN": "+CME ERROR: 3",
    "CMEE": "+CME ERROR: 4",
    "CMGR": "+CMS ERROR: 321",
    "CMSS": "+CMS ERROR: 321",
    **dict.fromkeys(("CMGS", "CMGW", "CMGC"), "+CMS ERROR: 304"),
}
"""How these refuse a value."""


def octets(answer: str) -> str:
    text = answer.replace("\n", "\r\n")
    if answer in (OK, ERROR):
        return f"\r\n{text}\r\n"
    return f"\r\n{text[1:]}\r\n" if answer.startswith("!") else f"\r\n{text}\r\n\r\nOK\r\n"


@pytest.mark.parametrize("name", FORMS)
async def test_forms(name: str) -> None:
    test, read, granted, refused, execute = FORMS[name]
    async with Lab(EmulatedModule(clock=Turning(), number=OWN)) as lab:
        uart = lab.plain
        await uart.ask(f"AT+{name}=?", octets(test))
        await uart.ask(f"AT+{name}?", octets(read))
        if refused is not None:
            await uart.ask(f"AT+{name}={refused}", octets("!" + CME.get(name, ERROR)))
            await uart.ask(f"AT+{name}?", octets(read))  # nothing has changed
        await uart.ask(f"AT+{name.lower()}", octets(execute))
    if granted is not None:
        async with Lab(EmulatedModule(clock=Turning(), number=OWN)) as lab:
            blanks = granted if name == "CCLK" else granted.replace(",", ", ")
            await lab.plain.ask(f"AT+{name} = {blanks}")


def octets_with_atv0(answer: str) -> str:
    """A number and CR for a result, a line and CR LF for everything else, and nothing before either."""
    numbers = {
        OK: "0\r",
        ERROR: "4\r",
        "!OK\n\nSTATE: IP INITIAL": "0\r0\r\n",
        "!OK\n\nS: INITIAL": "0\rS: INITIAL\r\n",
        "!NO CARRIER": "3\r",
    }
    text = answer.replace("\n", "\r\n")
    return numbers.get(answer) or (f"{text[1:]}\r\n" if answer.startswith("!") else f"{text}\r\n0\r")


@pytest.mark.parametrize("name", FORMS)
async def test_forms_with_atv0(name: str) -> None:
    test, read, granted, refused, execute = FORMS[name]
    async with Lab(EmulatedModule(clock=Turning(), number=OWN)) as lab:
        uart = lab.plain
        await uart.ask("ATE0V0", "ATE0V0\r0\r", echo=False)
        await uart.ask(f"AT+{name}=?", octets_with_atv0(test), echo=False)
        await uart.ask(f"AT+{name}?", octets_with_atv0(read), echo=False)
        if refused is not None:
            answer = "!" + CME[name] if name in CME else ERROR
            await uart.ask(f"AT+{name}={refused}", octets_with_atv0(answer), echo=False)
        await uart.ask(f"AT+{name}", octets_with_atv0(execute), echo=False)
    if granted is not None:
        async with Lab(EmulatedModule(clock=Turning(), number=OWN)) as lab:
            await lab.plain.ask("ATE0V0", "ATE0V0\r0\r", echo=False)
            await lab.plain.ask(f"AT+{name}={granted}", "0\r", echo=False)


NUMBERS = [name for name, forms in FORMS.items() if forms[2] in ("0", "1", "2") and name != "QISERVER"]


@pytest.mark.parametrize("name", NUMBERS)
async def test_what_was_set_is_read_and_numbers_may_be_quoted(name: str) -> None:
    granted = FORMS[name][2]
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask(f'AT+{name}="{granted}"')
        lab.plain.write(f"AT+{name}?\r".encode())
        answer = (await lab.plain.until(b"\r\nOK\r\n")).decode()
        assert f": {granted}" in answer


def test_every_command_is_here() -> None:
    extended = {name for name in all_commands().names() if len(name) > 2 and not name.startswith("&")}
    assert extended == set(FORMS)


@pytest.mark.parametrize("register", [0, 3, 4, 5, 7])
async def test_registers(register: int) -> None:
    default = {0: 0, 3: 13, 4: 10, 5: 8, 7: 60}[register]
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask(f"ATS{register}?", f"\r\n{default:03d}\r\n\r\nOK\r\n")
        await lab.plain.ask(f"ATS{register}={default}")
        await lab.plain.ask(f"ATS{register}=256", "\r\nERROR\r\n")


@pytest.mark.statement("27.007 7.3a")
async def test_the_operator_is_told_in_the_format_that_was_set() -> None:
    async with Lab(EmulatedModule()) as lab:
        for form, name in ((2, "46000"), (1, "CMCC"), (0, "CHINA MOBILE")):
            await lab.plain.ask(f"AT+COPS=3,{form}")
            await lab.plain.ask("AT+COPS?", f'\r\n+COPS: 0,{form},"{name}"\r\n\r\nOK\r\n')
        await lab.plain.ask("AT+COPS=3,3", "\r\nERROR\r\n")


@pytest.mark.statement("27.007 7.3b")
async def test_how_the_operator_was_selected_is_told() -> None:
    chosen, automatic = '+COPS: 1,2,"46000"', '+COPS: 0,2,"46000"'
    async with Lab(EmulatedModule()) as lab:
        for command, told in (
            ('AT+COPS=1,2,"46000"', chosen),
            ("AT+COPS=0", automatic),
            ('AT+COPS=4,2,"46000"', chosen),
            ('AT+COPS=4,2,"46001"', automatic),  # there is none: as with 0
            ("AT+COPS=2", "+COPS: 2"),
            ("AT+COPS=3,2", "+COPS: 2"),
            ("AT+COPS=0", automatic),
            ("AT+COPS=2", "+COPS: 2"),
        ):
            await lab.plain.ask(command)
            await lab.plain.ask("AT+COPS?", f"\r\n{told}\r\n\r\nOK\r\n")
        lab.module.set_network(Network())
        await lab.plain.ask("AT+COPS?", f"\r\n{automatic}\r\n\r\nOK\r\n")


@pytest.mark.statement("V.250 6.1.1", "V.250 6.1.2")
async def test_atw_stores_and_atz_brings_back_and_atf_forgets() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATX0S0=5&W")
        await lab.plain.ask("ATX4S0=0Z")
        await lab.plain.ask("ATS0?", "\r\n005\r\n\r\nOK\r\n")
        await lab.plain.ask("AT&V", _view(x=0, s0=5))
        await lab.plain.ask("AT&F")
        await lab.plain.ask("AT&V", _view(x=4, s0=0))


def _view(x: int, s0: int) -> str:
    return (
        f"\r\nACTIVE PROFILE\r\nE: 1\r\nQ: 0\r\nV: 1\r\nX: {x}\r\nS0: {s0:03d}\r\nS3: 013\r\nS4: 010\r\nS5: 008\r\n"
        "S7: 060\r\n\r\nOK\r\n"
    )
