"""What stands before received data: every combination of QISHOWRA, QISHOWLA, QIHEAD, QISHOWPT, in every order."""

from __future__ import annotations

import itertools

import pytest
from rows import each
from scripted_port import OK, Conversation, exchange

from drivers.tcpip import TcpipDriver

SHOWN = ("QISHOWRA", "QISHOWLA", "QIHEAD", "QISHOWPT")
COMBINATIONS = [show for n in range(5) for show in itertools.combinations(SHOWN, n)]
REMOTE, LOCAL = "10.0.0.1:80", "10.79.141.224"
NASTY = (
    b"\x00\x1a\x1b+++\r\nOK\r\n\r\nCLOSED\r\nIPD5:\r\n+RECEIVE: 0, 3\r\nabc\r\n0, CLOSED\r\n"
    b"RECV FROM:1.2.3.4:5\r\nTO:1.2.3.4\r\n\r\n> \r\nERROR\r\n\xff"
)
PLAIN = b"plain text, as bare data wants it"


def heading(show: tuple[str, ...], protocol: str, length: int, *, muxip: bool, local_first: bool) -> bytes:
    """What the module puts before so many octets (app note 3.4, 4.3, figures 1 and 2)."""
    lines = [f"RECV FROM:{REMOTE}\r\n"] * ("QISHOWRA" in show) + [f"TO:{LOCAL}\r\n"] * ("QISHOWLA" in show)
    if local_first:
        lines.reverse()
    ipd = f"IPD{length}{protocol if 'QISHOWPT' in show else ''}:" if "QIHEAD" in show else ""
    begin = f"\r\n+RECEIVE: 2, {length}\r\n" if muxip else "\r\n" * bool(lines)
    return (begin + "".join(lines) + ipd).encode()


@pytest.mark.requirement("S3.46", "S3.47", "S3.48", "S3.49", "S4.14")
@each(
    ("chunk", [1, 65536]),
    ("show", COMBINATIONS),
    ("muxip", [False, True]),
    ("protocol", ["TCP", "UDP"]),
    ("local_first", [False, True]),
)
def test_every_combination_in_every_order(
    show: tuple[str, ...], muxip: bool, protocol: str, local_first: bool, chunk: int
) -> None:
    counted = muxip or "QIHEAD" in show
    pieces = [NASTY, NASTY[::-1], b"x"] if counted else [PLAIN]
    came = b"".join(heading(show, protocol, len(data), muxip=muxip, local_first=local_first) + data for data in pieces)
    settings = [("AT+QIMUX=1", OK)] * muxip + [(f"AT+{name}=1", OK) for name in SHOWN if name in show]
    index = "2," if muxip else ""
    connected = b"\r\n2, CONNECT OK\r\n" if muxip else b"\r\nCONNECT OK\r\n"
    rows = exchange(
        ("AT+QIFGCNT=0", OK), *settings, (f'AT+QIOPEN={index}"{protocol}", "10.0.0.1",80', OK + connected + came)
    )
    rows += [(1, "<", b"\r\n2, CLOSED\r\n" if muxip else b"\r\nCLOSED\r\n")]
    talk = Conversation([*rows, *exchange(("AT+QIDEACT", b"\r\nDEACT OK\r\n"), set_up=False)], chunk=chunk)
    receive = "header" if counted else "bare"
    driver = TcpipDriver(talk.ports[1], muxip=muxip, receive=receive, show=show, initialise=())
    session = driver.connect(protocol, "10.0.0.1", 80, index=2 if muxip else None)
    session.settimeout(10)
    got, senders = b"", set()
    while piece := session.recvfrom(65536):
        if not piece[0]:
            break
        got += piece[0]
        senders.add(piece[1])
    assert got == b"".join(pieces)
    assert senders == {("10.0.0.1", 80)}
    driver.close()
    talk.finish()
    assert driver.channel.stats().get("unclaimed_octets", 0) == 0
