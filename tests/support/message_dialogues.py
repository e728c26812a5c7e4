"""What a host types to send and write messages, and what the emulated module answers."""

from __future__ import annotations

from emulator_host import Terminal

from drivers.emulator import EmulatedModule
from drivers.emulator.sms.messages import Messages

OK = "\r\nOK\r\n"
PROMPT = "\r\n> "
CENTRE = "0891683108100005F0"  # +8613800100500
SUBMIT = "11000B916407281553F80000AA0AE8329BFD4697D9EC37"  # hellohello to +46708251358
DELIVER = "040B916407281553F8000001905251607323" + "0AE8329BFD4697D9EC37"  # from there, at 10/09/25,15:06:37+32


async def enter(uart: Terminal, command: str, text: bytes | str, answer: str, end: bytes = b"\x1a") -> None:
    """Type a command that brings the prompt, a text and its end, and want this answer; echo is off."""
    octets = text.encode("latin-1") if isinstance(text, str) else text
    await uart.ask(command, PROMPT, echo=False)
    uart.write(octets + end)
    await uart.expect((PROMPT * octets.count(b"\r") + answer).encode("latin-1"))


async def ask(uart: Terminal, command: str, *lines: str) -> None:
    """Type a command, and want these information lines and OK; echo is off."""
    await uart.ask(command, "".join(f"\r\n{line}\r\n" for line in lines) + OK, echo=False)


async def fails(uart: Terminal, command: str, code: int | None) -> None:
    """Type a command, and want +CMS ERROR with this number, or ERROR; echo is off."""
    await uart.ask(command, "\r\nERROR\r\n" if code is None else f"\r\n+CMS ERROR: {code}\r\n", echo=False)


def inside(module: EmulatedModule) -> Messages:
    """Return the messages of a module that runs."""
    modem = module._modem
    assert modem is not None
    return modem.messages
