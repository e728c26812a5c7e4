"""Every form of unsolicited result that the stack sends, and what it means."""

from __future__ import annotations

import pytest

from drivers.tcpip.quectel_gsm.unsolicited import (
    IPD,
    LINES,
    ClientCame,
    ContextDeactivated,
    DataFrom,
    Event,
    ModuleReset,
    RemoteClosed,
    ServerEnded,
    VoltageWarning,
    parse,
)


@pytest.mark.requirement("S5.6", "S6.6", "S8.10", "S8.17", "S3.46")
@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("REMOTE IP: 10.79.141.126", ClientCame("10.79.141.126")),
        ("0, REMOTE IP: 10.79.141.26", ClientCame("10.79.141.26", 0)),
        ("CLOSED", RemoteClosed()),
        ("5, CLOSED", RemoteClosed(5)),
        ("+PDP DEACT", ContextDeactivated()),
        ("+PDP: DEACT", ContextDeactivated()),
        ("SERVER CLOSED", ServerEnded()),
        ("RECV FROM:116.226.41.43:7020", DataFrom("116.226.41.43", 7020)),
        ("RCV FROM:116.226.41.43:7020", DataFrom("116.226.41.43", 7020)),
        ("RECV FROM: 116.226.41.43:7020", DataFrom("116.226.41.43", 7020)),
        ("RDY", ModuleReset()),
        ("NORMAL POWER DOWN", ModuleReset()),
        ("UNDER_VOLTAGE POWER DOWN", ModuleReset()),
        ("OVER_VOLTAGE POWER DOWN", ModuleReset()),
        ("UNDER-VOLTAGE POWER DOWN", ModuleReset()),
        ("POWERED DOWN", ModuleReset()),
        ("^SHUTDOWN", ModuleReset()),
        ("UNDER_VOLTAGE WARNING", VoltageWarning()),
        ("OVER_VOLTAGE WARNING", VoltageWarning()),
        ("OVER-VOLTAGE WARNNING", VoltageWarning()),
        ("VOLTAGE POWER DOWN", None),
        ("OK", None),
        ("CONNECT OK", None),
        ("6, CLOSED", None),
        ("CLOSED ", None),
        ("REMOTE IP: nowhere", None),
    ],
)
def test_a_line_is_one_event_or_none(line: str, event: Event | None) -> None:
    assert parse(line) == event
    known = [pattern for pattern in LINES if pattern.match(line)]
    assert bool(known) is (event is not None)
    octets = line.encode() + b"\r"
    assert all(pattern._may_become(octets[:n]) for pattern in known for n in range(len(octets)))


@pytest.mark.requirement("S3.48", "S3.49")
@pytest.mark.parametrize(("header", "count"), [(b"IPD26:", 26), (b"IPD26TCP:", 26), (b"IPD1460UDP:", 1460)])
def test_a_header_tells_how_many_octets_follow(header: bytes, count: int) -> None:
    found = IPD.match(header + b"payload")
    assert found is not None
    assert int(found["count"]) == count
    assert all(IPD._may_become(header[:n]) for n in range(len(header)))
