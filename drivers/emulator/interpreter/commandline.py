"""The parser of AT command lines: V.250 basic and extended commands, with or without semicolons between them."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Form(enum.Enum):
    """The four ways to call an extended command."""

    TEST = "=?"
    READ = "?"
    WRITE = "="
    EXECUTE = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """One value of a command, without its quotes.

    Args:
        text: the characters.
        quoted: whether they stood in quotes.
    """

    text: str
    quoted: bool = False

    def number(self, low: int, high: int) -> int | None:
        """Return it as a decimal number, or None when it is not one from ``low`` to ``high``."""
        if not (self.text.isascii() and self.text.isdigit() and len(self.text) < 10):
            return None
        value = int(self.text)
        return value if low <= value <= high else None


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a line.

    Args:
        name: upper case, without the plus sign, but with a dollar; basic commands are ``E``, ``&F``, ``S3``.
        form: how it is called; a basic command with a value is `Form.EXECUTE` with one argument, and so is ``D``,
            whose argument is the dial string with the semicolon that may end it.
        arguments: its values; empty for test, read and plain execute.
    """

    name: str
    form: Form
    arguments: tuple[Argument, ...] = ()

    def __str__(self) -> str:
        values = ",".join(f'"{one.text}"' if one.quoted else one.text for one in self.arguments)
        return f"{self.name}{self.form.value}{values}"


class BadLine(ValueError):
    """A line is not a sequence of commands."""


_EXTENDED = re.compile(r"(?:\+(?!\$)|(?=\$))(\$?[A-Z][A-Z0-9]*)", re.IGNORECASE)  # +CSQ, $QCPDPP
_BASIC = re.compile(r"(&?[A-Z])(\d{0,3})", re.IGNORECASE)
_DIAL = re.compile(r"D", re.IGNORECASE)
_REGISTER = re.compile(r"S(\d{1,3})(=\d{1,3}|\?)", re.IGNORECASE)


def parse(line: str) -> list[Command]:
    """Parse a line.

    Args:
        line: what stood between AT and the carriage return.

    Returns:
        The commands in their order; an empty list for a bare AT.

    Raises:
        BadLine: it cannot be parsed; nothing of it may be executed.
    """
    commands: list[Command] = []
    text = _without_blanks(line)
    at = 0
    while at < len(text):
        if text[at] == ";":
            at += 1
            continue
        if match := _EXTENDED.match(text, at):
            end = _end_of_command(text, match.end())
            commands.append(_extended(match[1].upper(), text[match.end() : end]))
            at = end
        elif match := _REGISTER.match(text, at):
            value = match[2]
            form, arguments = (
                (Form.READ, ()) if value == "?" else (Form.WRITE, (Argument(value[1:].lstrip("0") or "0"),))
            )
            commands.append(Command(f"S{int(match[1])}", form, arguments))
            at = match.end()
        elif match := _DIAL.match(text, at):  # V.250 §6.3.1: up to a semicolon or the end of the line
            at = _end_of_command(text, match.end()) + 1
            dialled = text[match.end() : at]
            commands.append(Command("D", Form.EXECUTE, (Argument(dialled),) if dialled else ()))
        elif match := _BASIC.match(text, at):
            arguments = (Argument(match[2]),) if match[2] else ()
            commands.append(Command(match[1].upper(), Form.EXECUTE, arguments))
            at = match.end()
        else:
            raise BadLine(f"no command starts with {text[at : at + 10]!r}")
    return commands


def _extended(name: str, rest: str) -> Command:
    if rest == "":
        return Command(name, Form.EXECUTE)
    if rest == "?":
        return Command(name, Form.READ)
    if rest == "=?":
        return Command(name, Form.TEST)
    if rest[0] != "=":
        raise BadLine(f"+{name} cannot be followed by {rest[:10]!r}")
    return Command(name, Form.WRITE, _arguments(rest[1:]))


def _without_blanks(line: str) -> str:
    """Drop the blanks outside quotes."""
    parts = line.split('"')
    if len(parts) % 2 == 0:
        raise BadLine("a quote is not closed")
    parts[::2] = [part.replace(" ", "") for part in parts[::2]]
    return '"'.join(parts)


def _end_of_command(text: str, at: int) -> int:
    """Return where the semicolon is that ends the command, or the end of the text."""
    quoted = False
    for index in range(at, len(text)):
        if text[index] == '"':
            quoted = not quoted
        elif text[index] == ";" and not quoted:
            return index
    return len(text)


def _arguments(text: str) -> tuple[Argument, ...]:
    fields: list[str] = []
    start, quoted = 0, False
    for index, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            fields.append(text[start:index])
            start = index + 1
    fields.append(text[start:])
    return tuple(_argument(part) for part in fields)


def _argument(text: str) -> Argument:
    if '"' not in text:
        return Argument(text)
    if len(text) >= 2 and text[0] == text[-1] == '"' and text.count('"') == 2:
        return Argument(text[1:-1], quoted=True)
    raise BadLine(f"quotes in the middle of {text[:20]!r}")
