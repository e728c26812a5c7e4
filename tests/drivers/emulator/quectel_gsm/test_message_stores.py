"""Stored messages: which there are, how they are shown, and how they go (27.005 §3.2.2, §3.4.2, §3.4.3, §3.5.4)."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning
from message_dialogues import CENTRE, DELIVER, OK, ask, enter, fails, inside

from drivers.emulator import Behaviour, EmulatedModule

NUMBER = "+46708251358"
REPORT = "062A0B916407281553F8" + "01905251607323" + "01905251608323" + "00"
WHEN = "10/09/25,15:06:37+32"


async def with_messages(lab: Lab) -> None:
    """Have an unread message, a written one, and a status report."""
    await lab.plain.ask("ATE0")
    await ask(lab.plain, "AT+CNMI=2,0,0,0,0")
    assert lab.module.receive_sms(pdu=CENTRE + DELIVER) == 1
    await ask(lab.plain, "AT+CMGF=1")
    await enter(lab.plain, f'AT+CMGW="{NUMBER}"', "draft", f"\r\n+CMGW: 2\r\n{OK}")
    await ask(lab.plain, "AT+CMGF=0")
    await enter(lab.plain, "AT+CMGW=25,1", "00" + REPORT, f"\r\n+CMGW: 3\r\n{OK}")


@pytest.mark.statement("27.005 3.4.3")
async def test_text_mode_shows_who_when_and_what() -> None:
    async with Lab(EmulatedModule()) as lab:
        await with_messages(lab)
        await ask(lab.plain, "AT+CMGF=1")
        first = f'+CMGR: "REC UNREAD","{NUMBER}","","{WHEN}"\r\nhellohello'
        await ask(lab.plain, "AT+CMGR=1,1", first)
        await ask(lab.plain, "AT+CMGR=1", first)
        await ask(lab.plain, "AT+CMGR=1", first.replace("UNREAD", "READ"))  # as it has been read
        await ask(lab.plain, "AT+CMGR=2", f'+CMGR: "STO UNSENT","{NUMBER}",""\r\ndraft')
        report = f'6,42,"{NUMBER}",145,"{WHEN}","10/09/25,15:06:38+32",0'
        await ask(lab.plain, "AT+CMGR=3", f'+CMGR: "REC READ",{report}')
        await ask(
            lab.plain,
            'AT+CMGL="ALL"',
            f'+CMGL: 1,"REC READ","{NUMBER}","","{WHEN}"\r\nhellohello',
            f'+CMGL: 2,"STO UNSENT","{NUMBER}","",\r\ndraft',
            f'+CMGL: 3,"REC READ",{report}',
        )


@pytest.mark.statement("27.005 3.3.3")
async def test_csdh_adds_types_header_service_centre_and_length() -> None:
    """27.005 §3.3.3."""
    async with Lab(EmulatedModule()) as lab:
        await with_messages(lab)
        await ask(lab.plain, "AT+CMGF=1;+CSDH=1")
        centre = '"+8613800100500",145'
        await ask(
            lab.plain, "AT+CMGR=1", f'+CMGR: "REC UNREAD","{NUMBER}","","{WHEN}",145,4,0,0,{centre},10\r\nhellohello'
        )
        await ask(lab.plain, "AT+CMGR=2", f'+CMGR: "STO UNSENT","{NUMBER}","",145,17,0,0,167,{centre},5\r\ndraft')
        await ask(lab.plain, 'AT+CMGL="STO UNSENT"', f'+CMGL: 2,"STO UNSENT","{NUMBER}","",,145,5\r\ndraft')


@pytest.mark.statement("27.005 3.4.2")
async def test_pdu_mode_shows_status_length_and_octets() -> None:
    async with Lab(EmulatedModule()) as lab:
        await with_messages(lab)
        await ask(lab.plain, "AT+CMGL", f'+CMGL: 1,0,"",28\r\n{CENTRE}{DELIVER}')
        await ask(lab.plain, "AT+CMGL")
        await ask(lab.plain, "AT+CMGL=1", f'+CMGL: 1,1,"",28\r\n{CENTRE}{DELIVER}', f'+CMGL: 3,1,"",25\r\n00{REPORT}')
        await ask(lab.plain, "AT+CMGR=1", f'+CMGR: 1,"",28\r\n{CENTRE}{DELIVER}')


@pytest.mark.statement("27.005 3.5.4")
@pytest.mark.parametrize(
    ("flag", "left"), [("", "2,3"), (",1", "1,2"), (",2", "1,2"), (",3", "1"), (",4", ""), (",0", "2,3")]
)
async def test_cmgd_deletes_one_message_or_all_of_some_kinds(flag: str, left: str) -> None:
    """27.005 §3.5.4: 1 the read ones, 2 those and the sent ones, 3 those and the unsent ones, 4 all."""
    async with Lab(EmulatedModule()) as lab:
        await with_messages(lab)
        await ask(lab.plain, f"AT+CMGD=1{flag}")
        await ask(lab.plain, "AT+CMGD=?", f"+CMGD: ({left}),(0-4)")


@pytest.mark.statement("27.005 3.2.5")
@pytest.mark.parametrize("command", ["AT+CMGR=0", "AT+CMGR=51", "AT+CMGD=51", "AT+CMGD=0", "AT+CMGR=999999999"])
async def test_an_index_that_no_store_has_is_invalid(command: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await fails(lab.plain, command, 321)


async def test_an_index_without_a_message_is_empty_or_invalid_as_the_behaviour_says() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+CMGR=5")
    async with Lab(EmulatedModule(behaviour=Behaviour(cmgr_empty="321"))) as lab:
        await lab.plain.ask("AT+CMGR=5", "\r\n+CMS ERROR: 321\r\n")


@pytest.mark.parametrize(
    "command",
    [
        "AT+CMGR=x",
        "AT+CMGR=1,2",
        "AT+CMGR=1,0,0",
        "AT+CMGD=x",
        "AT+CMGD=1,5",
        "AT+CMGL=5",
        'AT+CMGL="ALL"',
        "AT+CMGL=x",
    ],
)
async def test_values_that_make_no_sense_are_errors(command: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await fails(lab.plain, command, None)


@pytest.mark.statement("27.005 3.2.2")
async def test_sm_and_me_have_their_own_places_and_mt_has_both() -> None:
    """27.005 §3.2.2."""
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, "AT+CMGF=1")
        for store, index in (("SM", 1), ("ME", 1), ("MT", 2)):
            lab.plain.write(f'AT+CPMS="{store}","{store}"\r'.encode())
            await lab.plain.until(OK.encode())
            await enter(lab.plain, f'AT+CMGW="{NUMBER}"', store, f"\r\n+CMGW: {index}\r\n{OK}")
        await ask(lab.plain, "AT+CPMS?", '+CPMS: "MT",3,100,"MT",3,100,"SM",2,50')
        await ask(
            lab.plain,
            'AT+CMGL="ALL"',
            *(
                f'+CMGL: {index},"STO UNSENT","{NUMBER}","",\r\n{text}'
                for index, text in ((1, "SM"), (2, "MT"), (51, "ME"))
            ),
        )
        await ask(lab.plain, "AT+CMGD=51")
        await ask(lab.plain, "AT+CPMS?", '+CPMS: "MT",2,100,"MT",2,100,"SM",2,50')


@pytest.mark.statement("27.005 3.2.2")
async def test_mt_is_full_when_both_are() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, 'AT+CPMS="MT","MT","MT"', "+CPMS: 0,100,0,100,0,100")
        assert sum(lab.module.receive_sms("x") for _ in range(101)) == 100
        await ask_quietly(lab)
        await ask(lab.plain, "AT+CPMS?", '+CPMS: "MT",100,100,"MT",100,100,"MT",100,100')


async def ask_quietly(lab: Lab) -> None:
    """Take the lines that tell of messages."""
    lab.plain.write(b"AT\r")
    await lab.plain.until(OK.encode())


async def test_messages_outlive_a_restart_and_the_choice_of_stores_does_not() -> None:
    async with Lab(EmulatedModule()) as lab:
        await with_messages(lab)
        await ask(lab.plain, 'AT+CPMS="ME"', "+CPMS: 0,50,3,50,3,50")
        lab.plain.write(b"AT+CFUN=1,1\r")
        await lab.plain.until(b"Call Ready\r\n")
        await lab.plain.ask("AT+CPMS?", f'\r\n+CPMS: "SM",3,50,"SM",3,50,"SM",3,50\r\n{OK}')


@pytest.mark.statement("27.005 3.1a")
@pytest.mark.parametrize(
    ("charset", "text", "number", "body"),
    [
        ("GSM", "a@[", "+491", "a\x00\x1b<"),
        ("IRA", "a@[é", "+491", "a@[?"),
        ("UCS2", "a@", "002B003400390031", "00610040"),
        ("HEX", "a@", "2B343931", "6100"),
        ("GSM", "aЯ", "+491", "0061042F"),
        ("UCS2", "aЯ", "002B003400390031", "0061042F"),
    ],
)
async def test_numbers_and_texts_are_shown_in_the_terminals_character_set(
    charset: str, text: str, number: str, body: str
) -> None:
    """27.005 §3.1 <data>: UCS-2 and 8 bit data are hexadecimal digits in any of them."""
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, f'AT+CNMI=2,0;+CMGF=1;+CSCS="{charset}"')
        lab.module.receive_sms(text, number="+491")
        await ask(lab.plain, "AT+CMGR=1", f'+CMGR: "REC UNREAD","{number}","","04/01/01,00:00:00+00"\r\n{body}')


@pytest.mark.statement("27.005 3.1b")
async def test_a_text_with_a_header_is_shown_in_hexadecimal_digits_with_its_header() -> None:
    """27.005 §3.1 <data>."""
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, "AT+CNMI=2,0;+CMGF=1")
        assert lab.module.receive_sms("я" * 71, number="+491", reference=7) == 2
        body = "050003070202" + "044F" * 4
        await ask(lab.plain, "AT+CMGR=2", f'+CMGR: "REC UNREAD","+491","","04/01/01,00:00:00+00"\r\n{body}')


async def test_a_name_is_shown_as_a_name() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, "AT+CNMI=2,0;+CMGF=1")
        lab.module.receive_sms("x", number="My Bank")
        await ask(lab.plain, "AT+CMGR=1", '+CMGR: "REC UNREAD","My Bank","","04/01/01,00:00:00+00"\r\nx')


async def test_times_have_the_form_of_the_manuals_examples_where_the_behaviour_says_so() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour(message_time="manual"))) as lab:
        await with_messages(lab)
        await ask(lab.plain, "AT+CMGF=1")
        await ask(lab.plain, "AT+CMGR=1", f'+CMGR: "REC UNREAD","{NUMBER}","","2010/09/25 15:06:37+32"\r\nhellohello')


@pytest.mark.parametrize(
    "command", ["AT+CMGR=1", "AT+CMGL", "AT+CMGD=1", "AT+CMGD=?", "AT+CPMS?", 'AT+CPMS="SM"', "AT+CMSS=1", "AT+CMGW=9"]
)
async def test_without_a_sim_there_are_no_messages(command: str) -> None:
    async with Lab(EmulatedModule(faults="sim=missing")) as lab:
        await lab.plain.ask("ATE0")
        await fails(lab.plain, command, 310)


async def test_a_command_to_the_service_centre_can_be_stored_and_is_shown() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        command = "22000000070B916407281553F802ABCD"
        await enter(lab.plain, f"AT+CMGW={len(command) // 2}", "00" + command, f"\r\n+CMGW: 1\r\n{OK}")
        await ask(lab.plain, "AT+CMGF=1")
        await ask(lab.plain, "AT+CMGR=1", '+CMGR: "STO UNSENT",34,0\r\nABCD')
        await ask(lab.plain, "AT+CSDH=1")
        await ask(lab.plain, "AT+CMGR=1", f'+CMGR: "STO UNSENT",34,0,0,7,"{NUMBER}",145,2\r\nABCD')
        await ask(lab.plain, 'AT+CMGL="ALL"', '+CMGL: 1,"STO UNSENT",34,0')


@pytest.mark.statement("27.005 3.3.1", "27.005 3.3.5", "27.005 3.3.6")
async def test_csas_keeps_service_centre_and_parameters_and_cres_brings_them_back() -> None:
    """27.005 §3.3.5 and §3.3.6."""
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        await lab.plain.ask("ATE0")
        await ask(lab.plain, 'AT+CSCA="+4917",145;+CSMP=49,1,2,8;+CSAS=2')
        await ask(lab.plain, 'AT+CSCA="+4918",145;+CSMP=17,9,9,9')
        await ask(lab.plain, "AT+CRES=2;+CSCA?;+CSMP?", '+CSCA: "+4917",145', "+CSMP: 49,1,2,8")
        await ask(lab.plain, "AT+CRES;+CSCA?;+CSMP?", '+CSCA: "+8613800100500",145', "+CSMP: 17,167,0,0")
        await ask(lab.plain, 'AT+CSCA="4917";+CSAS')
        assert inside(lab.module).centre.number == "4917"
        lab.plain.write(b"AT+CFUN=1,1\r")
        await lab.plain.until(b"Call Ready\r\n")
        await lab.plain.ask("AT+CSCA?", f'\r\n+CSCA: "4917",129\r\n{OK}')
