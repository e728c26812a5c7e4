"""Which port of a module on USB is for what: by its ids and the number of its interface, as data.

The makers, and what each interface is for, are facts from the udev rules of ModemManager (77-mm-quectel-port-types,
-simtech-, -telit-, -ublox-, -cinterion-, …); where these rules are in force, what they have noted goes before this
table. A product that is not here is a module of its maker, and any of its ports may be for AT commands.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

AT_PROTOCOLS: Final = frozenset(range(1, 7))
"""bInterfaceProtocol of a port that takes AT commands (USB CDC 1.2, table 17: 1 V.250 to 6 CDMA)."""


class Kind(StrEnum):
    """What a port looks like."""

    AT = "at"
    """A module's port for AT commands."""
    GNSS = "gnss"
    """A module's port for positions."""
    DIAGNOSTICS = "diagnostics"
    """A module's port for its maker's tools, or for nobody."""
    MODEM = "modem"
    """A port of a module; which one is not known."""
    ADAPTER = "adapter"
    """An adapter, with anything behind it, or a device that is none of these."""
    UART = "uart"
    """A port of the computer itself, with anything behind it."""


MAKERS: Final[dict[int, str]] = {
    0x05C6: "Qualcomm",
    0x1199: "Sierra Wireless",
    0x12D1: "Huawei",
    0x1410: "Novatel",
    0x1546: "u-blox",
    0x19D2: "ZTE",
    0x1BC7: "Telit",
    0x1E0E: "SIMCom",
    0x1E2D: "Cinterion",
    0x2C7C: "Quectel",
    0x2CB7: "Fibocom",
}
"""Makers of modules, by the vendor id."""

ADAPTERS: Final[dict[int, str]] = {
    0x0403: "FTDI",
    0x067B: "Prolific",
    0x10C4: "Silicon Labs",
    0x1A86: "WCH",
}
"""Makers of the chips in adapters, by the vendor id."""

_NO_MODULES: Final = {0x1546: frozenset(range(0x01A4, 0x01AA))}
"""Products of these makers that are no modules: receivers for positions."""

_A, _G, _D = Kind.AT, Kind.GNSS, Kind.DIAGNOSTICS
_DGAA: Final = {0: _D, 1: _G, 2: _A, 3: _A}

_INTERFACES: Final[dict[int, dict[int, dict[int, Kind]]]] = {
    0x05C6: {0x908B: {0: _D, 1: _A, 2: _A, 3: _D}},  # LARA-R6
    0x1546: {
        0x1010: {2: _D, 4: _D, 6: _A, 8: _D},  # TOBY-L4
        0x1102: {0: _A, 2: _A, 4: _A, 6: _G, 8: _D, 10: _D, 12: _D},  # SARA-U2
        0x1104: {0: _A, 2: _G, 4: _D, 6: _D},  # SARA-U2, the other configuration
        0x1107: {0: _A, 2: _A, 4: _A, 6: _G, 8: _D, 10: _D},  # TOBY-R2
        0x110A: {0: _A, 2: _A, 4: _A, 6: _G, 8: _D, 10: _D},  # LARA-R2
    },
    0x1BC7: {
        0x1031: {0: _D, 1: _A, 2: _A},  # LE910C1-EUX
        0x1033: {0: _D, 1: _A, 2: _A},
        0x1040: {0: _D, 3: _D, 4: _A, 5: _A, 6: _D},  # LE922, LM9x0
        0x1041: {0: _D, 4: _D, 5: _A, 6: _A, 7: _D},
        0x1201: {0: _D, 3: _G, 4: _A, 5: _A, 6: _D},  # LE910C1
        0x1204: {0: _D, 4: _G, 5: _A, 6: _A, 7: _D},
    },
    0x1E0E: {
        0x9001: {**_DGAA, 4: _D},  # SIM7000, SIM7100, SIM7600; 4 is for sound
        0x9011: {2: _D, 4: _A, 5: _A},  # A7600E-H
        0x9205: _DGAA,  # SIM7070, SIM7080, SIM7090
        0x9206: {0: _D, 1: _G, 2: _A, 3: _D, 4: _D, 5: _A},
    },
    0x2C7C: dict.fromkeys((0x0121, 0x0125, 0x0191, 0x0195, 0x0296, 0x0306, 0x0512, 0x0800), _DGAA),  # EC25, BG96, …
}
"""What the interfaces of a product are for, by its vendor, its number and theirs."""


def kind_of(vendor: int, product: int, interface: int | None, protocol: int | None) -> Kind:
    """Return what a port on USB looks like.

    Args:
        vendor: its vendor id.
        product: its product id.
        interface: the number of its interface; None: not known.
        protocol: bInterfaceProtocol of a CDC ACM interface; None: it is none, or not known.
    """
    if product in _NO_MODULES.get(vendor, ()):
        return Kind.ADAPTER
    of_product = _INTERFACES.get(vendor, {}).get(product, {})
    if interface in of_product:
        return of_product[interface]
    if vendor not in MAKERS:
        return Kind.ADAPTER
    return Kind.AT if protocol in AT_PROTOCOLS else Kind.MODEM
