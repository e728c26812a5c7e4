"""Unsolicited results between, before and inside everything: each is heard once, and no answer is another for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.at import Dialogue, Framing, LinePattern
from drivers.at.core.engine import Engine
from drivers.at.core.execution import Execution
from drivers.errors import CommandError
from drivers.tcpip.quectel_gsm import dialogues, dns, transfer
from drivers.tcpip.quectel_gsm.unsolicited import IPD, LINES

NEWS = [
    "CLOSED",
    "0, CLOSED",
    "3, CLOSED",
    "REMOTE IP: 10.79.141.26",
    "2, REMOTE IP: 10.79.141.26",
    "+PDP DEACT",
    "+PDP: DEACT",
    "+QIRDI: 0,1,0",
    "+QIRDI: 1,2,4,1,3,99",
    "SERVER CLOSE",
]
DATA = [b"IPD3:abc", b"IPD12TCP:\r\nOK\r\nERROR\r", b"IPD6UDP:CLOSED", b"IPD2:\r\n"]
OK = b"\r\nOK\r\n"


class Listener:
    """Takes all news and all data."""

    lines: tuple[LinePattern, ...] = LINES
    framing = Framing(headers=(IPD,))
    congested = False

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def take_line(self, text: str) -> bool:
        self.got.append(b"\r\n" + text.encode() + b"\r\n")
        return True

    def take_data(self, header: str, data: bytes) -> bool:
        self.got.append(header.encode() + data)
        return True

    def lost(self, cause: Exception) -> None:
        pass


def closed() -> Dialogue[bool]:
    if (yield from dialogues.read_service()) != 1:
        yield from dialogues.put("QISRVC", "1")
    return (yield from dialogues.close_only())


def sent() -> Dialogue[str]:
    return (yield from transfer.send(b"hi", echo=True))


def refused() -> Dialogue[str]:
    try:
        yield from dialogues.put("QIMUX", "1")
    except CommandError as error:
        return error.answer
    return "no"


# what is run, what it writes, what the module says to each, and what comes of it
Talk = tuple[object, list[tuple[bytes, list[bytes]]], object]
TALKS: list[Talk] = [
    (dialogues.state, [(b"AT+QISTAT\r", [OK, b"\r\nSTATE: IP STATUS\r\n"])], "IP STATUS"),
    (dialogues.local_address, [(b"AT+QILOCIP\r", [b"\r\n10.79.142.227\r\n"])], "10.79.142.227"),
    (dialogues.read_foreground, [(b"AT+QIFGCNT?\r", [b"\r\n+QIFGCNT: 1, 0\r\n", OK])], (1, 0)),
    (dialogues.read_server, [(b"AT+QISERVER?\r", [b"\r\n+QISERVER: 1, 2\r\n", OK])], (True, 2)),
    (
        lambda: transfer.acknowledged(None),
        [(b"AT+QISACK\r", [b"\r\n+QISACK: 1024, 536, 488\r\n", OK])],
        transfer.Acknowledged(1024, 536, 488),
    ),
    (dns.read_servers, [(b"AT+QIDNSCFG?\r", [b"\r\nPrimaryDns: 8.8.8.8\r\nSecondaryDns: 8.8.4.4\r\n", OK])],
     ("8.8.8.8", "8.8.4.4")),
    (refused, [(b"AT+QIMUX=1\r", [b"\r\n+CME ERROR: 3\r\n"])], "+CME ERROR: 3"),
    (closed,
     [(b"AT+QISRVC?\r", [b"\r\n+QISRVC: 2\r\n", OK]), (b"AT+QISRVC=1\r", [OK]),
      (b"AT+QICLOSE\r", [b"\r\nCLOSE OK\r\n"])], True),
    (dialogues.deactivate, [(b"AT+QIDEACT\r", [b"\r\nDEACT OK\r\n"])], None),
]  # fmt: skip
LISTENING: Talk = (lambda: dialogues.listen("TCP", None), [(b"AT+QISERVER\r", [OK, b"\r\nSERVER OK\r\n"])], None)
SENDING: Talk = (sent, [(b"AT+QISEND=2\r", [b"\r\n> "]), (b"hi", [b"hi", b"\r\nSEND OK\r\n"])], "SEND OK")


def news_of(texts: list[str]) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.sampled_from([f"\r\n{text}\r\n".encode() for text in texts]) | st.sampled_from(DATA), max_size=3)


news = news_of(NEWS)


def play(talk: Talk, draw: st.DrawFn, extra: st.SearchStrategy[list[bytes]]) -> None:
    make, script, result = talk
    engine, listener, told = Engine(), Listener(), list[bytes]()
    engine.add_sink(listener)
    execution: Execution[object] = Execution(engine, make())  # type: ignore[operator]
    over = execution.proceed(0.0)
    for written, answers in script:
        assert not over
        assert engine.data_to_send() == written
        engine.sent(0.0)
        octets = b""
        for answer in answers:
            before = draw(extra)
            told += before
            octets += b"".join(before) + answer
        after = draw(extra) if written == script[-1][0] else []
        told += after
        octets += b"".join(after)
        size = draw(st.integers(1, max(1, len(octets))))
        for at in range(0, len(octets), size):
            engine.receive(octets[at : at + size], 0.0)
            over = over or execution.proceed(0.0)
    assert over
    assert execution.result == result
    assert listener.got == told
    assert engine.counters.get("stale", 0) == 0


@given(st.data())
def test_a_server_is_set_up_whatever_is_said_but_that_the_context_is_gone(data: st.DataObject) -> None:
    play(LISTENING, data.draw, news_of([text for text in NEWS if not text.endswith("DEACT")]))


@given(st.sampled_from(TALKS), st.data())
def test_an_answer_is_whole_whatever_is_said_around_and_inside_it(talk: Talk, data: st.DataObject) -> None:
    play(talk, data.draw, news)


@given(st.data())
def test_a_payload_goes_out_whole_whatever_is_said_meanwhile(data: st.DataObject) -> None:
    """CLOSED and +PDP DEACT would end it: everything else is only heard."""
    calm = st.lists(
        st.sampled_from([f"\r\n{text}\r\n".encode() for text in NEWS if "CLOSED" not in text and "PDP" not in text]),
        max_size=3,
    )
    play(SENDING, data.draw, calm)
