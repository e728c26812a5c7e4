"""Secrets in AT commands and their answers: PINs and passwords, which no capture, log or message is to have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

SECRETS: Final[Mapping[bytes, tuple[int, ...]]] = MappingProxyType(
    {
        b"+CPIN": (0, 1),  # 27.007 8.3: the PIN or PUK, and a new PIN
        b"+CLCK": (2,),  # 27.007 7.4: the password of a lock
        b"+CPWD": (1, 2),  # 27.007 7.5: the old password and the new one
        b"+CPBS": (1,),  # 27.007 8.11: the password of a phonebook
        b"+CGAUTH": (2, 3),  # 27.007 10.1.31: user and password; some modules have them the other way round
        b"+QICSGP": (2, 3, 4),  # user and password, with an index of the context before them in the LTE family
        b"+QIREGAPP": (1, 2),
        b"+QFTPUSER": (0,),
        b"+QFTPPASS": (0,),
        b"+QFTPCFG": (1, 2),
        b"+QSMTPUSER": (0, 1),
        b"+QSMTPCFG": (1, 2),
        b"+QHTTPCFG": (1,),  # "auth": user and password
        b"+QMTCONN": (2, 3),
        b"+CSTT": (1, 2),
        b"+SAPBR": (3,),
    }
)
"""The commands with secrets, and which of their parameters, counted from 0, are secret or belong to a secret."""

_TELL_NONE: Final = frozenset((b"+CPIN", b"+CLCK", b"+CPWD", b"+CPBS", b"+SAPBR", b"+QMTCONN"))
"""Those whose answers have a state or a result in place of the secret."""

_LONGEST: Final = max(map(len, SECRETS))
_MASK: Final = ord("*")
_LINE_ENDS: Final = b"\r\n"
_BLANKS: Final = b" \t"
_FIRST: Final = frozenset(b"Aa+^" + _BLANKS)  # octets with which a command or an answer begins
_NAME: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+^$*%&_?")


class _Place(Enum):
    """Where in a line an octet is."""

    BEGINNING = auto()
    A = auto()
    """Behind the A of AT."""
    NAME = auto()
    """In the name of a command or answer."""
    PARAMETERS = auto()
    """In the parameters of one with secrets."""
    PLAIN = auto()
    """In the parameters of another one."""
    ELSEWHERE = auto()
    """In what is no command."""


_BEGUN: Final = (_Place.A, _Place.NAME, _Place.PARAMETERS, _Place.PLAIN)
_ELSEWHERE: Final = _Place.ELSEWHERE  # to look that up takes as long as all the rest of `skip`


class Masker:
    """Replaces the octets of secrets in what passes one way on one channel, as it comes, by asterisks."""

    def __init__(self) -> None:
        self._place = _Place.BEGINNING
        self._name = bytearray()
        self._secret: tuple[int, ...] = ()
        self._parameter = 0
        self._quoted = False

    def skip(self, octets: bytes, at: int, end: int) -> bool:
        """Note that octets without the name of a command with secrets have passed.

        Args:
            octets: octets of which they are a part.
            at: where they begin.
            end: where they end.

        Returns:
            Whether that has been noted: not where they go on with a command, or an answer, that has begun before.
        """
        if self._place in _BEGUN:
            return False
        line = max(octets.rfind(b"\r", at, end), octets.rfind(b"\n", at, end)) + 1
        self._place = _ELSEWHERE
        if line and (line == end or octets[line] in _FIRST):
            self(octets[line - 1 : end])
        return True

    def __call__(self, octets: bytes) -> bytes:
        """Return octets of the same number.

        Args:
            octets: the next ones on the channel; lines may be divided anywhere.
        """
        out = bytearray(octets)
        at, size = 0, len(octets)
        while at < size:
            if self._place is _Place.ELSEWHERE:
                at = _line_end(octets, at)
                if at == size:
                    break
            if self._take(octets[at]):
                out[at] = _MASK
            at += 1
        return bytes(out)

    def _take(self, octet: int) -> bool:
        """Take an octet; return whether it is to be masked."""
        if octet in _LINE_ENDS:
            self._place = _Place.BEGINNING
            return False
        match self._place:
            case _Place.BEGINNING:
                self._begin(octet)
            case _Place.A:
                self._place = _Place.NAME if octet in b"Tt" else _Place.ELSEWHERE
            case _Place.NAME:
                self._in_name(octet)
            case _Place.PARAMETERS:
                return self._in_parameters(octet)
            case _Place.PLAIN:
                self._in_parameters(octet)
        return False

    def _begin(self, octet: int) -> None:
        if octet in b"Aa":  # see `_FIRST`
            self._name.clear()
            self._place = _Place.A
        elif octet in b"+^":  # the answer to a question, or the rest of a command
            self._name[:] = (octet,)
            self._place = _Place.NAME
        elif octet not in _BLANKS:
            self._place = _Place.ELSEWHERE

    def _in_name(self, octet: int) -> None:
        upper = octet - 32 if 97 <= octet <= 122 else octet
        if octet in b"=:":
            name = bytes(self._name[self._name.find(b"+") :])
            self._secret = () if octet in b":" and name in _TELL_NONE else SECRETS.get(name, ())
            self._place = _Place.PARAMETERS if self._secret else _Place.PLAIN
            self._parameter, self._quoted = 0, False
        elif octet == 0x3B:  # ;
            self._name.clear()
        elif upper in _NAME and len(self._name) < 4 * _LONGEST:
            self._name.append(upper)
        elif octet not in _BLANKS:
            self._place = _Place.ELSEWHERE

    def _in_parameters(self, octet: int) -> bool:
        if octet == 0x22:  # "
            self._quoted = not self._quoted
        elif self._quoted:
            return self._parameter in self._secret
        elif octet == 0x2C:  # ,
            self._parameter += 1
        elif octet == 0x3B:  # ; the next command of the line
            self._name.clear()
            self._place = _Place.NAME
        elif octet not in _BLANKS:
            return self._parameter in self._secret
        return False


def _line_end(octets: bytes, at: int) -> int:
    """Return the index of the next CR or LF, or the end."""
    ends = [found for found in (octets.find(b"\r", at), octets.find(b"\n", at)) if found >= 0]
    return min(ends, default=len(octets))


_V250_BLANKS: Final = rb"[ \t]*"  # V.250 5.2.1: they mean nothing
NAMES: Final = re.compile(
    rb"\+(?:%b)" % b"|".join(b"".join(_V250_BLANKS + bytes((octet,)) for octet in name[1:]) for name in SECRETS),
    re.IGNORECASE,
)
"""The names of the commands with secrets, wherever they stand."""


def hidden_anywhere(octets: bytes) -> bytes:
    """Return octets of which it is not known what they are, such as a damaged frame, without secrets."""
    starts = [found.start() for found in NAMES.finditer(octets)]
    out, size = bytearray(octets), len(octets)
    for begin, end in zip(starts, [*starts[2:], size, size], strict=False):  # a secret may have the name of one in it
        for at, octet in enumerate(Masker()(octets[begin:end]), begin):
            if octet == _MASK:
                out[at] = _MASK
    return bytes(out)


def hidden(text: str) -> str:
    """Return any text without the secrets of the commands that stand in it.

    Args:
        text: the text; what follows such a command, up to the end of its line, counts as a part of it.
    """
    octets = text.encode("utf-8", "surrogatepass")
    out = hidden_anywhere(octets)
    return text if out == octets else out.decode("utf-8", "replace")


def shown(value: object) -> str:
    """Return the `repr` of a value without secrets: for a message that says what is wrong with it."""
    return repr(hidden(value)) if isinstance(value, str) else hidden(repr(value))


def masked(text: str) -> str:
    """Return an AT command, or a line that a module has sent, without secrets.

    Args:
        text: the line; octets above 0x7F as latin-1.
    """
    octets = text.encode("latin-1", "replace")
    out = Masker()(octets)
    return text if out == octets else out.decode("latin-1")
