"""Where what runs on a channel tells things: under ``drivers.<port>``, and never on a stream."""

import logging

import pytest
from driver_lab import BG96, KINDS, Kind

import cmux
from drivers.emulator import EmulatedModule
from drivers.sockets import create_connection
from drivers.tcpip import TcpipDriver


def told(caplog: pytest.LogCaptureFixture) -> set[str]:
    """Return the loggers of the driver's side."""
    names = {record.name for record in caplog.records}
    return {name for name in names if name.startswith("drivers.") and not name.startswith("drivers.emulator.")}


def test_a_context_that_was_freed_is_told_under_the_port_that_did_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "drivers")
    with EmulatedModule() as module:
        with cmux.open(module.port()) as dead, TcpipDriver(dead.channel(2), context=0) as driver:
            driver.activate()
            dead.close()
        caplog.clear()
        with cmux.open(module.port()) as mux:
            driver = TcpipDriver(mux.channel(2), context=0)
            driver.reclaim()  # leaving multiplexer mode has given the context to DLCI 1
            (record,) = [record for record in caplog.records if "was freed" in record.getMessage()]
            assert record.name == f"drivers.{mux.channel(1).name}"
            driver.close()


def test_what_was_left_in_an_lte_module_is_told_under_the_port_that_found_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "drivers")
    with EmulatedModule(**BG96.module()) as module:
        with cmux.open(module.port()) as dead, TcpipDriver(dead.channel(2), 1, dialect="bg96") as driver:
            driver.activate()
            dead.close()
        caplog.clear()
        with cmux.open(module.port()) as mux:
            driver = TcpipDriver(mux.channel(1), 1, dialect="bg96")
            driver.reclaim()
            assert told(caplog) == {f"drivers.{mux.channel(1).name}"}
            assert any("context 1" in record.getMessage() for record in caplog.records)
            driver.close()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)
def test_a_socket_whose_session_broke_tells_it_under_the_port(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], kind: Kind
) -> None:
    caplog.set_level(logging.INFO, "drivers")
    with EmulatedModule(**kind.module()) as module, cmux.open(module.port()) as mux:
        server, client = (TcpipDriver(mux.channel(dlci), kind.first + dlci - 1, dialect=kind.model) for dlci in (1, 2))
        with server, client, server.listen(port=2020) as listener:
            with create_connection(client, (server.local_address, listener.port), 20) as connection:
                module.drop_contexts()
                with pytest.raises(ConnectionResetError):
                    connection.recv(1)
            assert f"drivers.{mux.channel(2).name}" in told(caplog)
    assert all("DLCI" not in name and "sockets" not in name for name in told(caplog))
    assert capfd.readouterr() == ("", "")
