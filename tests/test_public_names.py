"""Names that programs outside call: taking one away, or moving it, is a change that needs a reason."""

from __future__ import annotations

import importlib
import importlib.metadata

import pytest

import drivers.tcpip

NAMES = {
    "cmux": ("open", "Mux", "VirtualUart", "Profile", "KeepAlive", "Config", "LineSettings"),
    "cmux.aio": ("Mux", "MuxProtocol", "open"),
    "cmux.urlhandler": (),
    "cmux.protocol": ("Multiplexer", "Config", "Role", "Option", "Frame", "BasicDecoder", "AdvancedDecoder"),
    "drivers.tcpip": ("TcpipDriver", "ContextTable", "ContextBusy", "ContextLost", "KeepAlive", "Session", "Listener"),
    "drivers.tcpip.aio": tuple(drivers.tcpip.__all__),
    "drivers.sockets": ("create_connection",),
    "drivers.at": ("AtChannel", "channel_for"),
    "drivers.emulator": ("EmulatedModule", "Behaviour"),
}


@pytest.mark.parametrize("module", NAMES)
def test_the_module_is_there(module: str) -> None:
    assert importlib.import_module(module).__doc__


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in NAMES.items() for name in names])
def test_it_is_there(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("package", ["cmux", "drivers"])
def test_the_package_is_ours(package: str) -> None:
    """Other distributions install packages of the same names; the last one installed wins without a word."""
    owners = importlib.metadata.packages_distributions().get(package, ["gsm0710"])  # an editable install lists none
    assert set(owners) == {"gsm0710"}


def test_the_console_script() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="gsm0710")
    assert callable(script.load())
