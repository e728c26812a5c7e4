"""Short messages of the emulated module: the reader of PDUs, long texts in parts, and a host that types anything.

Invariants:
1. Any octets are read as a PDU or refused with `ValueError`; what is read is written as octets that are read as the
   same, and are as many.
2. A text that is divided is whole again when its PDUs are read, each of which has no part of a character.
3. Whatever is typed, the module answers AT with OK again once the prompt is left, and nothing raises in its loop.
4. A message was sent for each +CMGS and +CMSS, and no other; the stores have as many messages as AT+CPMS? says, each
   with its length, and none after AT+CMGD=1,4.
"""

from __future__ import annotations

import asyncio
import re

from hypothesis import given
from hypothesis import strategies as st
from leaping import LeapingLoop, LoopClock

from drivers.emulator import EmulatedModule
from drivers.emulator.sms.addresses import Address, read_centre
from drivers.emulator.sms.coding import scheme_of
from drivers.emulator.sms.parts import divide
from drivers.emulator.sms.tpdu import Command, Deliver, StatusReport, read_received, read_sent

LONGEST = 176  # octets of a TPDU with its longest address, and a validity period of seven
WITH_HEADER = 0x40
SUBMIT = "11000B916407281553F80000AA0AE8329BFD4697D9EC37"
DELIVER = "040B916407281553F80000019052516073230AE8329BFD4697D9EC37"
REPORT = "062A0B916407281553F8" + "01905251607323" * 2 + "00"
COMMAND = "22000000070B916407281553F800"
WHOLE = [bytes.fromhex(digits) for digits in (SUBMIT, DELIVER, REPORT, COMMAND)]


def changed(octets: bytes, changes: list[tuple[int, int]]) -> bytes:
    """Return octets some of which are others."""
    data = bytearray(octets)
    for place, octet in changes:
        data[place % len(data)] = octet
    return bytes(data)


changes = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 255)), max_size=4)
pdus = (
    st.binary(max_size=200)
    | st.builds(changed, st.sampled_from(WHOLE), changes)
    | st.builds(lambda octets, rest: octets + rest, st.sampled_from(WHOLE), st.binary(max_size=3))
    | st.builds(lambda octets, end: octets[:end], st.sampled_from(WHOLE), st.integers(0, 40))
)


@given(pdus)
def fuzz_octets_as_pdus(octets: bytes) -> None:
    for read in (read_sent, read_received):
        try:
            message = read(octets)
        except ValueError:
            continue
        written = message.encode()
        assert len(written) <= LONGEST or isinstance(message, StatusReport)  # which may have a rest
        assert read(written) == message
        if isinstance(message, Command | StatusReport):
            assert len(written) == len(octets)
        else:
            empty = bool(octets[0] & WITH_HEADER and not message.data.header)  # a header with nothing in it is left out
            assert empty or len(written) == len(octets)
            assert len(message.data.payload) <= 160
            assert isinstance(message.data.text, str)


@given(st.binary(max_size=20) | st.builds(changed, st.just(bytes.fromhex("0891683108100005F011")), changes))
def fuzz_octets_as_service_centres(octets: bytes) -> None:
    try:
        centre, count = read_centre(octets)
    except ValueError:
        return
    assert count <= len(octets)
    assert centre is None or read_centre(centre.encode_centre()) == (centre, count)


letters = st.characters(exclude_categories=["Cs"])
texts = (
    st.text(letters, max_size=400)
    | st.text("ab[]€", min_size=140, max_size=700)
    | st.text("aя🙂", min_size=60, max_size=300)
    | st.integers(150, 320).map(lambda count: "x" * count)
)


@given(texts, st.booleans(), st.integers(0, 255))
def fuzz_a_text_in_parts(text: str, wide: bool, reference: int) -> None:
    parts = []
    for data in divide(text, None, reference=reference, wide=wide):
        sent = Deliver(Address("+1"), 0, scheme_of(data.alphabet), "10/01/01,00:00:00+00", data)
        message = read_received(sent.encode())
        assert isinstance(message, Deliver)
        assert "\ufffd" not in message.data.text or "\ufffd" in text
        parts.append(message.data)
    assert "".join(part.text for part in parts) == text
    places = [(part.concatenation.number, part.concatenation.total) for part in parts if part.concatenation]
    assert places == ([] if len(parts) == 1 else [(number + 1, len(parts)) for number in range(len(parts))])


LINES = """\
AT
ATE0
ATE1
ATV0
ATV1
ATZ
AT+CMGF=0
AT+CMGF=1
AT+CMGS="+46708251358"
AT+CMGS="+99970000001"
AT+CMGS="12a"
AT+CMGS=23
AT+CMGS=28
AT+CMGW
AT+CMGW="123",129,"REC UNREAD"
AT+CMGW=23
AT+CMGW=28,0
AT+CMGW=25,1
AT+CMSS=1
AT+CMSS=2,"1234"
AT+CMGR=1
AT+CMGR=51
AT+CMGL
AT+CMGL=4
AT+CMGL="ALL"
AT+CMGD=1
AT+CMGD=3,0
AT+CMGD=0
AT+CMGD=1,2
AT+CMGC=14
AT+CMGC=34,0,0,1,"123"
AT+CNMI=2,1
AT+CNMI=2,2,0,1
AT+CNMI=0,2,0,2
AT+CNMI=3,3,0,1,1
AT+CSMS=1
AT+CSMS=0
AT+CNMA
AT+CNMA=2
AT+CSDH=1
AT+CSMP=17,167,0,0
AT+CSMP=49,167,0,8
AT+CSMP=81,167,0,0
AT+CSMP=25,"10/09/25,15:06:37+32"
AT+CSCS="GSM"
AT+CSCS="IRA"
AT+CSCS="UCS2"
AT+CSCS="HEX"
AT+CSCA="+49"
AT+CPMS="ME","ME","ME"
AT+CPMS="MT","SM","MT"
AT+CSAS;+CRES
AT+CMGF=?;+CMGL=?;+CMGD=?
AT+CFUN=4
AT+CFUN=1
AT+CFUN=1,1""".splitlines()
ENDS = [b"\x1a", b"\x1b", b"\r", b"\r\n", b"\x08"]
TYPED = [digits.encode() for digits in ("00" + SUBMIT, "00" + DELIVER, "00" + REPORT, "00" + COMMAND, "0061042F")]
typed = st.one_of(
    st.sampled_from(LINES).map(lambda line: line.encode() + b"\r"),
    st.sampled_from(LINES).map(lambda line: line.encode() + b"\rhello\x1a"),
    st.builds(
        lambda line, pdu: line.encode() + b"\r" + pdu + b"\x1a",
        st.sampled_from([line for line in LINES if re.search(r"=\d\d", line)]),
        st.sampled_from(TYPED),
    ),
    st.sampled_from(ENDS + TYPED),
    st.binary(max_size=20),
    st.integers(1, 1200).map(lambda count: b"x" * count),
)
events = st.sampled_from(
    ["text", "report", "sms +491 hello", "sms_lost", "sms_refused", "sms_delivered", "silence", "sound"]
)
pauses = st.sampled_from([0.0, 0.0, 0.01, 1.5, 20.0])


@given(st.lists(st.tuples(typed | events, pauses), max_size=20))
def fuzz_dialogues_about_messages(script: list[tuple[bytes | str, float]]) -> None:
    loop = LeapingLoop()
    loop.call(lambda: _talk(LoopClock(loop), script))
    loop.finish()


async def _talk(clock: LoopClock, script: list[tuple[bytes | str, float]]) -> None:
    heard = bytearray()

    async def listen() -> None:
        while data := await reader.read(65536):
            heard.extend(data)

    async def ask(line: str, pause: float = 1.5) -> bytes:
        begin = len(heard)
        writer.write(line.encode() + b"\r")
        await asyncio.sleep(pause)
        return bytes(heard[begin:])

    async with EmulatedModule(clock=clock, seed=1, number="+99970000001") as module:
        reader, writer = await module.connect()
        listening = asyncio.ensure_future(listen())
        for step, pause in script:
            if isinstance(step, bytes):
                writer.write(step)
            elif step == "text":
                module.receive_sms("я" * 80, number="+491")
            elif step == "report":
                module.receive_sms(pdu="00" + REPORT)
            else:
                module.trigger(step)
            await asyncio.sleep(pause)
        module.trigger("sound")
        await asyncio.sleep(130.0)  # what a silent network has not taken
        writer.write(b"\x1b")
        await ask("")
        await ask("ATE0Q0V1")
        assert await ask("AT") == b"\r\nOK\r\n", bytes(heard[-200:])
        count = len(re.findall(rb"\+CM[GS]S: \d", bytes(heard)))
        assert sum(len(sent.pdu.split("\n")) for sent in module.sent_sms) == count
        for _ in range(3):
            await ask("AT+CSMS=0;+CNMI=2,0,0,0,0;+CMGF=0", 20.0)  # until nothing waits
        assert b"\r\nOK\r\n" in await ask("AT+CFUN=1")
        used = await ask('AT+CPMS="MT"')
        listed = await ask("AT+CMGL=4,1")
        found = re.findall(rb'\+CMGL: \d+,[0-3],"",(\d+)\r\n([0-9A-F]+)\r\n', listed)
        assert used.startswith(b"\r\n+CPMS: %d,100," % len(found)), (used, listed)
        for length, pdu in found:
            assert len(pdu) == 2 * (int(length) + 1 + int(pdu[:2], 16))
        assert await ask("AT+CMGD=1,4") == b"\r\nOK\r\n"
        if len(found) < 100:  # else more may have waited
            assert (await ask("AT+CPMS?")).startswith(b'\r\n+CPMS: "MT",0,100,')
        writer.close()
        await listening
