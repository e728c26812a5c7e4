"""Splits octets into tokens: lines, the prompt, payloads taken by count, bare data. No I/O, no time.

Tokens are taken one at a time, because the meaning of a token may change how the octets after it are read (bare data
begins after ``CONNECT OK``). The same octets give the same tokens however they are divided between two reads; only
bare data may come in more or fewer pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .patterns import Header, LinePattern

MAX_LINE = 2048
MAX_PAYLOAD = 65536
MAX_UNREAD = 1 << 20
CR, LF, BLANK, GREATER = b"\r", b"\n", b" ", b">"
_LINE_ENDS = re.compile(b"[\r\n]+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its CR LF; octets above 0x7F are decoded as latin-1."""

    text: str
    spaced: bool = field(default=False, compare=False)
    """Whether an empty line is before it."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The ``>`` after which the module takes a payload."""


@dataclass(frozen=True, slots=True)
class Echoed:
    """The echo of a payload, as a whole."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Data announced by a header and taken by count; `header` is the header as received."""

    header: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """Bare data: everything that is not a known line while bare data is on."""

    data: bytes


Token = Line | Prompt | Echoed | Payload | Data


@dataclass(frozen=True, slots=True)
class Framing:
    """How received data is distinguished from lines.

    Args:
        headers: forms of header that announce counted data.
        bare: whether everything that is not a known line is data.
        online: whether the UART is in data mode, where a command line would be sent to the peer.
    """

    headers: tuple[Header, ...] = ()
    bare: bool = False
    online: bool = False

    @property
    def special(self) -> bool:
        """Whether there is anything but lines."""
        return bool(self.headers) or self.bare or self.online

    def __or__(self, other: Framing) -> Framing:
        """Return a framing that covers both."""
        if not other.special or not self.special:
            return other if other.special else self
        extra = tuple(header for header in other.headers if header not in self.headers)
        return Framing(self.headers + extra, self.bare or other.bare, self.online or other.online)


class Lexer:
    """Splits a stream of octets into tokens.

    Args:
        max_line: octets after which a line without an end is dropped and counted.
        max_payload: the largest count that a header may announce.
    """

    def __init__(self, *, max_line: int = MAX_LINE, max_payload: int = MAX_PAYLOAD) -> None:
        self.framing: Framing = Framing()
        self.known: tuple[LinePattern, ...] = ()
        """The lines to recognise inside bare data and inside the echo of a payload."""
        self.prompt: bool = False
        """Whether a ``>`` at the beginning of a line is the prompt."""
        self.overlong: int = 0
        """Number of lines dropped because they had no end."""
        self.truncated: int = 0
        """Number of counted payloads returned before they were complete."""
        self.discarded: int = 0
        """Number of octets dropped because nobody took those before them."""
        self.held: bool = False
        """Whether a possible start of a line is held back inside bare data."""
        self._max_line = max_line
        self._max_payload = max_payload
        self._octets = bytearray()
        self._payload: tuple[str, int] | None = None
        self._echo = b""
        self._tell_echo = False
        self._blank = self._spaced = False
        self._skipping = False
        self._release = False
        self._headed = False

    def feed(self, octets: bytes) -> None:
        """Add octets from the line; they are dropped and counted while many wait for the next step."""
        if len(self._octets) > MAX_UNREAD:
            self.discarded += len(octets)
        else:
            self._octets += octets

    @property
    def looks_for_known(self) -> bool:
        """Whether it needs `known`, with the framing that is set."""
        return self.framing.bare or bool(self._echo)

    def expect_echo(self, payload: bytes, *, tell: bool = False) -> None:
        """Remove these octets when the module sends them back; an empty payload ends the search.

        Args:
            payload: the octets.
            tell: whether `next_token` returns `Echoed` for them.
        """
        self._echo, self._tell_echo = bytes(payload), tell

    def release(self) -> None:
        """Let `next_token` return as data what is held back: it has not become a line in time."""
        self._release = self.held

    def give_up_payload(self) -> Token | None:
        """Return the part of a counted payload that has come, and stop waiting for the rest."""
        if self._payload is None:
            return None
        header, _ = self._payload
        self._payload = None
        self.truncated += 1
        return Payload(header, self._take(len(self._octets)))

    def next_token(self) -> Token | None:
        """Return the next token, or None when more octets are needed."""
        self.held = False
        while self._octets:
            if self._payload is not None:
                return self._counted(self._payload)
            if self._blank:
                self._blank = False
                if self._octets.startswith(BLANK):
                    del self._octets[:1]
                    continue
            if self._echo:
                token, wait = self._in_echo()
                if token is not None:
                    return token
                if wait:
                    return None
                continue
            return self._in_bare() if self.framing.bare else self._in_lines()
        return None

    def _take(self, count: int) -> bytes:
        taken = bytes(self._octets[:count])
        del self._octets[:count]
        return taken

    def _counted(self, pending: tuple[str, int]) -> Token | None:
        header, count = pending
        if len(self._octets) < count:
            return None
        self._payload = None
        return Payload(header, self._take(count))

    # -- lines ---------------------------------------------------------------------------------------------------

    def _in_lines(self) -> Token | None:
        while self._octets:
            if self._skipping:
                end = self._octets.find(LF)
                self._skipping = end < 0
                del self._octets[: end + 1 if end >= 0 else len(self._octets)]
                continue
            if blank := _LINE_ENDS.match(self._octets):
                del self._octets[: blank.end()]
                self._spaced = True
                continue
            if self.prompt and self._octets.startswith(GREATER):
                return self._prompted(1)
            token, wait = self._header(0)
            if token is not None or wait:
                return token
            end = self._octets.find(LF)
            if (end if end >= 0 else len(self._octets)) > self._max_line:
                self.overlong += 1
                self._skipping = True
                continue
            if end < 0:
                return None
            text = self._take(end + 1).rstrip(b"\r\n").decode("latin-1")
            spaced, self._spaced = self._spaced, False
            return Line(text, spaced)
        return None

    def _prompted(self, count: int) -> Prompt:
        del self._octets[:count]
        self.prompt = False
        self._blank = True  # a blank may follow, at once or later
        return Prompt()

    def _header(self, at: int) -> tuple[Token | None, bool]:
        """Look for a header and its payload; return the token, and whether more octets are needed."""
        for header in self.framing.headers:
            window = bytes(self._octets[at : at + len(header.prefix) + header.room])
            found = header.match(window)
            if found is None:
                if header._may_become(window):
                    return None, True
                continue
            count = int(found["count"])
            if count > self._max_payload:
                continue
            start = at + found.end()
            if at == 0:
                del self._octets[:start]
                self._payload = (found[0].decode("latin-1"), count)
                return self._counted(self._payload), True
            if len(self._octets) < start + count:
                return None, True
            data = bytes(self._octets[start : start + count])
            del self._octets[at : start + count]
            return Payload(found[0].decode("latin-1"), data), False
        return None, False

    # -- bare data -----------------------------------------------------------------------------------------------

    def _in_bare(self) -> Token | None:
        if self._headed:
            token, wait = self._next_heading()
            if token is not None:
                return token
            if wait and not self._release:
                self.held = True
                return None
            self._headed = False
        at = self._octets.find(CR)
        if at != 0:
            return Data(self._take(at if at > 0 else len(self._octets)))
        if self.prompt and self._octets.startswith(b"\r\n>"):
            return self._prompted(3)
        line, wait = self._known_line(0)
        if line is not None:
            return line
        if not wait and self._octets.startswith(b"\r\n"):
            counted, wait = self._header(2)  # data of another session
            if counted is not None:
                del self._octets[:2]
                return counted
        if wait and not self._release:
            self.held = True
            return None
        self._release = False
        end = self._octets.find(CR, 1)
        return Data(self._take(end if end > 0 else len(self._octets)))

    def _known_line(self, at: int) -> tuple[Line | None, bool]:
        """Look for CR LF, a known line, CR LF; return the line, and whether more octets are needed."""
        start = bytes(self._octets[at : at + 2])
        if not b"\r\n".startswith(start):
            return None, False
        end = self._octets.find(LF, at + 2, at + 2 + self._max_line)
        if end > 0 and self._octets[end - 1 : end] == CR:
            text = bytes(self._octets[at + 2 : end - 1]).decode("latin-1")
            found = [pattern for pattern in self.known if pattern.match(text)]
            if found:
                self._headed = any(pattern.heads for pattern in found)
                del self._octets[at : end + 1]
                return Line(text), False
            return None, False
        if end > 0:
            return None, False
        part = bytes(self._octets[at + 2 : at + 2 + self._max_line])
        prompt = self.prompt and not part
        return None, prompt or any(pattern._may_become(part) for pattern in self.known)

    def _next_heading(self) -> tuple[Line | None, bool]:
        """Look for another line that precedes bare data; return it, and whether more octets are needed."""
        heads = [pattern for pattern in self.known if pattern.heads]
        end = self._octets.find(b"\r\n", 0, self._max_line)
        if end < 0:
            part = bytes(self._octets[: self._max_line])
            return None, any(pattern._may_become(part) for pattern in heads)
        text = bytes(self._octets[:end]).decode("latin-1")
        if not any(pattern.match(text) for pattern in heads):
            return None, False
        del self._octets[: end + 2]
        return Line(text), False

    # -- the echo of a payload -----------------------------------------------------------------------------------

    def _in_echo(self) -> tuple[Token | None, bool]:
        """Remove the echo as a whole; a line or counted data in the middle of it is removed and returned first."""
        echo = self._echo
        same = min(len(echo), len(self._octets))
        if self._octets[:same] == echo[:same]:
            if same < len(echo):
                return None, True
            del self._octets[:same]
            self._echo = b""
            return (Echoed() if self._tell_echo else None), False
        at = next(i for i in range(same) if self._octets[i] != echo[i])
        for start in (at, at - 1, at - 2):  # the CR LF of the line may have matched a part of the echo
            if start < 0:
                break
            line, wait = self._known_line(start)
            if line is not None or wait:
                return line, wait
        token, wait = self._header(at)
        if token is not None or wait:
            return token, wait
        self._echo = b""  # not an echo
        return None, False
