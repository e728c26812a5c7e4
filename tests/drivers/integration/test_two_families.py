"""One program, modules of two families: what one does not have is refused by name, and a wrong module is recognised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from driver_lab import BG96, KINDS, M10, Kind, Lab, Peer, every_lab, exactly, laboratory

from cmux import VirtualUart
from drivers.errors import ContextBusy, TcpipError, WrongDialect
from drivers.tcpip import ContextTable, Csd, TcpipDriver

__all__ = ["every_lab"]

OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("bg96", {"muxip": True}, "muxip"),
    ("bg96", {"initialise": ("QICSGP",)}, "initialise"),
    ("bg96", {"show": ("QIHEAD",)}, "show"),
    ("bg96", {"bearer": Csd("1234")}, "bearer"),
    ("bg96", {"receive": "header"}, "receive"),
    ("bg96", {"receive": "bare"}, "receive"),
    ("bg96", {"context": 0}, "1 to 16"),
    ("bg96", {"context": 17}, "1 to 16"),
    ("m10", {"context": 2}, "0 or 1"),
    ("m10", {"receive": "pushed"}, "receive"),
    ("m10", {"receive": "transparent"}, "receive"),
    ("m10", {"share": True}, "share"),
]
TITLES = {"m10": "M10", "bg96": "BG96"}


@pytest.mark.parametrize(("dialect", "options", "named"), OPTIONS, ids=lambda one: one if isinstance(one, str) else "")
def test_an_option_of_the_other_family_is_a_value_error_that_names_it_and_the_module(
    dialect: str, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named) as wrong:
        TcpipDriver(VirtualUart(None), **{"context": 1, "table": ContextTable(), **options}, dialect=dialect)
    assert TITLES[dialect] in str(wrong.value)


CALLS: dict[str, tuple[Kind, Callable[[TcpipDriver, int], object]]] = {
    "a receive mode of one session": (
        M10, lambda driver, port: driver.connect("TCP", "127.0.0.1", port, receive="pushed"),
    ),
    "a UDP service": (M10, lambda driver, _: driver.udp_service(2020)),
    "a receive mode that it does not have": (
        BG96, lambda driver, port: driver.connect("TCP", "127.0.0.1", port, receive="header"),
    ),
    "a number of clients": (BG96, lambda driver, _: driver.listen(port=2020, clients=3)),
    "who is in the foreground": (BG96, lambda driver, _: driver.foreground()),
}  # fmt: skip


@pytest.mark.parametrize("what", CALLS)
def test_a_call_that_a_family_does_not_have_says_so_and_the_driver_goes_on(what: str, echo_server: Peer) -> None:
    kind, call = CALLS[what]
    with laboratory(kind=kind) as lab, lab.driver(1, 0) as driver:
        with pytest.raises((ValueError, TcpipError), match=r"has no|is one of|not "):
            call(driver, echo_server.port)
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"goes on")
        assert exactly(session, 7) == b"goes on"


@pytest.mark.parametrize(
    ("kind", "dialect", "context", "fits"), [(BG96, "m10", 0, "bg96"), (M10, "bg96", 1, "m10"), (M10, "ec25", 1, "m10")]
)
def test_a_module_of_the_other_family_is_named_with_the_dialect_that_fits(
    kind: Kind, dialect: str, context: int, fits: str
) -> None:
    with laboratory(kind=kind) as lab:
        driver = TcpipDriver(lab.mux.channel(1), context, dialect=dialect)
        with pytest.raises(WrongDialect, match=f"use dialect='{fits}'") as wrong:
            driver.activate()
        assert wrong.value.dialect == fits
        driver.close()
        with TcpipDriver(lab.mux.channel(1), kind.first, dialect=fits) as right:
            assert right.activate().startswith("127.")


def test_a_context_has_one_driver_whoever_keeps_its_owner(every_lab: Lab, echo_server: Peer) -> None:
    """The M10 refuses the second one by itself, too; for an LTE module it is the host alone."""
    with every_lab.driver(1, 0) as holder:
        session = holder.connect("TCP", "127.0.0.1", echo_server.port)
        heard = every_lab.heard(2)
        with pytest.raises(ContextBusy) as busy:
            every_lab.driver(2, 0).claim()
        assert busy.value.owner == 1
        assert every_lab.heard(2) == heard
        session.sendall(b"unharmed")
        assert exactly(session, 8) == b"unharmed"
    with every_lab.driver(2, 0) as next_one:
        assert next_one.connect("TCP", "127.0.0.1", echo_server.port).open


def test_a_driver_that_closes_leaves_what_other_channels_have(every_lab: Lab, echo_server: Peer) -> None:
    with every_lab.driver(1, 0) as one:
        session = one.connect("TCP", "127.0.0.1", echo_server.port)
        for _ in range(3):
            with every_lab.driver(2, 1) as other:
                beside = other.connect("TCP", "127.0.0.1", echo_server.port)
                beside.sendall(b"beside")
                assert exactly(beside, 6) == b"beside"
        session.sendall(b"stays")
        assert exactly(session, 5) == b"stays"


def test_the_network_takes_all_contexts_and_each_comes_back_with_its_next_use(
    every_lab: Lab, echo_server: Peer
) -> None:
    with every_lab.driver(1, 0) as one, every_lab.driver(2, 1) as other:
        for _ in range(2):
            sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for driver in (one, other)]
            every_lab.module.drop_contexts()
            for session in sessions:
                session.settimeout(10.0)
                with pytest.raises(ConnectionResetError, match=every_lab.kind.lost):
                    session.recv(1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)
def test_a_reset_of_the_module_ends_every_session_with_that_cause(kind: Kind, echo_server: Peer) -> None:
    with laboratory(kind=kind) as lab:
        drivers = [lab.driver(1, 0), lab.driver(2, 1)]
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for driver in drivers]
        lab.module.trigger("reset")
        for session in sessions:
            session.settimeout(10.0)
            with pytest.raises(ConnectionError):
                session.recv(1)
