"""What ends a command, a call, and neither: text that looks like any line, and calls that end beside a command."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from silent_module import OK, Bed, SilentModule, lines

from drivers.at.core.calls import commands_of, connects
from drivers.clock import FakeClock
from drivers.errors import CallFailed

SHELLS = pytest.mark.parametrize("shell", ["threads", "aio"])
HEAD = '+CMGL: 1,"REC READ","+49170",,"26/11/29,12:00:00+00"'
EVERY_LINE = ["NO CARRIER", "BUSY", "RDY", "ERROR", "+CME ERROR: 4", "+PDP DEACT", "CLOSED", "CONNECT", "0, CONNECT OK"]


@pytest.fixture
def stack() -> object:
    with ExitStack() as made:
        yield made


def bed_of(stack: ExitStack, shell: str, at: str = "", says: bytes = b"") -> Bed:
    return Bed(stack, shell, SilentModule(at, says), FakeClock())


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ATD*99#", {"D"}),
        ("atdt 123;", {"D"}),
        ("ATE0D123;+CSQ", {"E", "D", "+CSQ"}),
        ("ATX3S7=60DT123", {"X", "S", "D"}),
        ("AT&D2&C1", {"&D", "&C"}),
        ("AT+CFUN=1;D*99#", {"+CFUN", "D"}),
        ('AT+CMGS="A;D1"', {"+CMGS"}),
        ("ATA", {"A"}),
        ("AT+CGDATA=?", set()),
        ("AT^SYSCFG?;+CSQ", {"+CSQ"}),
        ("AT", set()),
        ("+++", set()),
    ],
)
def test_the_commands_of_a_line(line: str, names: set[str]) -> None:
    assert commands_of(line) == names


@pytest.mark.parametrize("line", ["AT+ADC?", "AT+QIACT", "ATE0", "AT+CGDATA?", "AT+QIOPEN=1", "AT&D2", "ATS0=1", "ATZ"])
def test_what_makes_no_connection(line: str) -> None:
    assert not connects(line)


@SHELLS
@pytest.mark.parametrize("answered", ["OK", "CONNECT 9600"])
@pytest.mark.parametrize("end", ["NO CARRIER", "BUSY"])
def test_a_call_that_ends_beside_a_command_leaves_it_alone(
    stack: ExitStack, shell: str, answered: str, end: str
) -> None:
    bed = bed_of(stack, shell, "AT+CSQ", lines(end, "+CSQ: 20,0") + OK)
    bed.module.answers["ATD"] = lines(answered)
    bed.channel.command("ATD123;")
    assert bed.channel.command("AT+CSQ").lines == ("+CSQ: 20,0",)
    bed.module.says, bed.module.at = lines(end), "AT+CREG?"
    with pytest.raises(CallFailed, match=end):  # there is no call any more
        bed.channel.command("AT+CREG?")


@SHELLS
def test_a_call_that_nobody_took_does_not_end_a_command(stack: ExitStack, shell: str) -> None:
    bed = bed_of(stack, shell, "AT+CSQ", lines("RING", "NO CARRIER", "+CSQ: 20,0") + OK)
    assert bed.channel.command("AT+CSQ").final == "OK"


@SHELLS
@pytest.mark.parametrize("hang_up", ["ATH", "AT+CHUP", "ATZ"])
def test_a_call_that_was_ended_here_is_over(stack: ExitStack, shell: str, hang_up: str) -> None:
    bed = bed_of(stack, shell, "AT+CSQ", lines("NO CARRIER"))
    for command in ("ATD123;", hang_up):
        bed.channel.command(command)
    with pytest.raises(CallFailed):
        bed.channel.command("AT+CSQ")


@SHELLS
def test_going_back_to_a_call_ends_with_no_carrier_although_it_was_up(stack: ExitStack, shell: str) -> None:
    bed = bed_of(stack, shell, "ATO", lines("NO CARRIER"))
    bed.channel.command("ATD123;")
    with pytest.raises(CallFailed) as caught:
        bed.channel.command("ATO")
    assert (caught.value.command, caught.value.answer) == ("ATO", "NO CARRIER")


@SHELLS
@pytest.mark.parametrize("name", ["CMGL", "CMGR", "CMGRD", "QCMGR"])
@pytest.mark.parametrize("text", [[one] for one in (*EVERY_LINE, "OK")] + [["first", *EVERY_LINE, "OK", "last"], []])
def test_the_text_of_messages_is_not_searched(stack: ExitStack, shell: str, name: str, text: list[str]) -> None:
    head = HEAD.replace("CMGL", name)
    one = b"".join(f"{line}\r\n".encode() for line in (head, *(text or [""])))
    bed = bed_of(stack, shell, f"AT+{name}", b"\r\n" + one * 2 + OK)
    answer = bed.channel.command(f"AT+{name}=1")
    assert answer.lines == (head, *text) * 2
    assert answer.final == "OK"


@SHELLS
@pytest.mark.parametrize("says", [OK, lines("+CMGL: (0-4)") + OK])
def test_no_message_and_the_question_for_the_forms_end(stack: ExitStack, shell: str, says: bytes) -> None:
    bed = bed_of(stack, shell, "AT+CMGL", says)
    assert bed.channel.command("AT+CMGL=?").final == "OK"


@SHELLS
@pytest.mark.parametrize("head", ["+QIRD: 10.0.0.2:7,TCP,%d", "+QIRD: %d"])
@pytest.mark.parametrize("data", [b"\r\nNO CARRIER\r\n\r\nOK\r\n", b"RDY\r\n", b""])
def test_counted_data_is_not_searched(stack: ExitStack, shell: str, head: str, data: bytes) -> None:
    line = head % len(data)
    bed = bed_of(stack, shell, "AT+QIRD", f"\r\n{line}\r\n".encode() + data + OK)
    assert bed.channel.command("AT+QIRD=0,1,0,1500").lines == (line, data.decode())


@SHELLS
@pytest.mark.parametrize(
    ("command", "line"),
    [("AT+QPOWD=1", "NORMAL POWER DOWN"), ("AT+CPOWD=1", "NORMAL POWER DOWN"), ("AT+CFUN=1,1", "RDY")],
)
def test_a_restart_that_was_asked_for_is_an_answer(stack: ExitStack, shell: str, command: str, line: str) -> None:
    bed = bed_of(stack, shell, command, lines(line))
    assert bed.channel.command(command).final == line


@SHELLS
def test_the_channel_goes_on_after_the_module_was_reset(stack: ExitStack, shell: str) -> None:
    from drivers.errors import ModuleRestarted

    bed = bed_of(stack, shell, "AT+CSQ", lines("RDY"))
    with pytest.raises(ModuleRestarted) as caught:
        bed.channel.command("AT+CSQ", timeout=100.0)
    assert (caught.value.command, caught.value.line) == ("AT+CSQ", "RDY")
    assert bed.channel.command("AT+CREG?").lines == ("+CREG: 0",)
