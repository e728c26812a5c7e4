"""The serial ports that there are, as pyserial and the kernel list them, without opening one of them.

Opening would not be harmless: it raises DTR, which resets many boards, and a module may be asleep.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools.list_ports import comports
from serial.tools.list_ports_common import ListPortInfo

from . import locks, system_files
from .facts import OF_MODULES
from .usb_modems import ADAPTERS, MAKERS, Kind, kind_of

_NOTED: Final = {
    "ID_MM_PORT_TYPE_AT_PRIMARY": Kind.AT,
    "ID_MM_PORT_TYPE_AT_SECONDARY": Kind.AT,
    "ID_MM_PORT_TYPE_AT_PPP": Kind.AT,
    "ID_MM_PORT_TYPE_GPS": Kind.GNSS,
    "ID_MM_PORT_TYPE_QCDM": Kind.DIAGNOSTICS,
    "ID_MM_PORT_TYPE_AUDIO": Kind.DIAGNOSTICS,
}
"""What the udev rules of ModemManager note about a port. ID_MM_PORT_IGNORE says nothing: people set it themselves."""

_LINKS: Final = "dev/serial/by-id"
_NO_UART: Final = "0"  # the type of a port of 8250 that the kernel has reserved, and that is not there
_LAYERS: Final = frozenset({"port", "ctrl"})
"""The drivers that Linux 6.6 and later has between a port of the computer and its own."""
_ACM: Final = "02"  # bInterfaceSubClass of a port on USB that is called ttyACM


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPort:
    """A serial port of this computer."""

    path: str
    """Its path, or its name where ports have no path (``COM3``)."""
    kind: Kind
    """What it looks like."""
    vid: int | None
    """Its vendor id on USB; None if it is not on USB."""
    pid: int | None
    """Its product id on USB."""
    maker: str | None
    """Its maker, as it says itself, or else by its vendor id."""
    product: str | None
    """Its name, as it says itself."""
    serial_number: str | None
    """Its serial number on USB."""
    interface: int | None
    """The number of its interface on USB."""
    driver: str | None
    """The driver that the kernel has for it."""
    link: str | None
    """A path that stays the same when it is plugged in again, below ``/dev/serial/by-id``."""
    console: bool
    """Whether the kernel has its console on it, or its command line says so."""
    login: str | None
    """The login that runs on it, with its process."""
    user: str | None
    """Another program that has it open or has locked it, with its process, as far as the system tells this user."""


def ports() -> list[ListedPort]:
    """Return the serial ports of this computer, in order, without opening one of them."""
    return listed(comports())


def listed(found: Iterable[ListPortInfo]) -> list[ListedPort]:
    """Return what is known about ports, and about those that only the kernel lists, in order.

    Args:
        found: the ports that pyserial lists.
    """
    by_path = {info.device: info for info in found if not _reserved(info.name)}
    for name in _of_kernel():
        by_path.setdefault(f"/dev/{name}", ListPortInfo(f"/dev/{name}"))
    users, links = locks.users(by_path), _links()
    consoles = system_files.consoles() | system_files.consoles_named()
    return [
        _listed(info, console=_name(path) in consoles, link=links.get(path), user=_holder(path) or users.get(path))
        for path, info in sorted(by_path.items(), key=lambda item: _in_order(item[0]))
    ]


def _holder(path: str) -> str | None:
    return locks.holder(path) if os.name == "posix" else None


def _listed(info: ListPortInfo, *, console: bool, link: str | None, user: str | None) -> ListedPort:
    path = info.device
    folder = system_files.device(_name(path))
    on_usb = system_files.usb_device(folder)
    vid, pid = _id(info.vid, on_usb, "idVendor"), _id(info.pid, on_usb, "idProduct")
    number, protocol = _interface(folder)
    driver = _driver(folder)
    said = system_files.read(on_usb / "manufacturer").strip() if on_usb is not None else ""
    known = MAKERS.get(vid or 0) or ADAPTERS.get(vid or 0)
    return ListedPort(
        path=path,
        kind=_kind(path, vid, pid, number, protocol, driver),
        vid=vid,
        pid=pid,
        maker=info.manufacturer or said or known,
        product=info.product or (system_files.read(on_usb / "product").strip() if on_usb is not None else "") or None,
        serial_number=info.serial_number or None,
        interface=number,
        driver=driver,
        link=link,
        console=console,
        login=_login(path),
        user=user,
    )


def _kind(
    path: str, vid: int | None, pid: int | None, number: int | None, protocol: int | None, driver: str | None
) -> Kind:
    noted = _noted(path)
    if noted is not None:
        return noted
    if vid is None or pid is None:
        return Kind.UART
    kind = kind_of(vid, pid, number, protocol)
    return Kind.MODEM if kind is Kind.ADAPTER and driver in OF_MODULES - {"cdc_acm"} else kind


def _noted(path: str) -> Kind | None:
    """Return what the system's own rules have noted about a port, if ModemManager is installed."""
    number = _number(path)
    if number is None:
        return None
    text = system_files.read(f"run/udev/data/c{os.major(number)}:{os.minor(number)}")
    names = re.findall(r"^E:(ID_MM_[A-Z_]+)=1$", text, re.MULTILINE)
    return next((_NOTED[name] for name in names if name in _NOTED), None)


def _login(path: str) -> str | None:
    number = _number(path)
    found = None if number is None else system_files.login(os.path.realpath(path), number)
    return found and f"{found[0]} (process {found[1]})"


def _number(path: str) -> int | None:
    try:
        return os.stat(path).st_rdev
    except OSError:
        return None


def _driver(folder: Path | None) -> str | None:
    for one in (folder, *folder.parents) if folder is not None else ():
        driver = system_files.resolved(one / "driver")
        if driver is not None and driver.name not in _LAYERS:
            return driver.name
    return None


def _interface(folder: Path | None) -> tuple[int | None, int | None]:
    """Return the number of the interface on USB that a device is a part of, and its protocol if it is CDC ACM."""
    for one in (folder, *folder.parents) if folder is not None else ():
        number = system_files.read(one / "bInterfaceNumber").strip()
        if number:
            is_acm = system_files.read(one / "bInterfaceSubClass").strip() == _ACM
            protocol = system_files.read(one / "bInterfaceProtocol").strip()
            return int(number, 16), int(protocol, 16) if is_acm and protocol else None
    return None, None


def _id(known: int | None, on_usb: Path | None, name: str) -> int | None:
    text = system_files.read(on_usb / name).strip() if known is None and on_usb is not None else ""
    return int(text, 16) if text else known


# --- The ports that the kernel lists ---


def _reserved(name: str) -> bool:
    """Tell whether the kernel has reserved a name, and nothing is behind it."""
    return system_files.read(f"sys/class/tty/{system_files.in_sysfs(name)}/type").strip() == _NO_UART


def _of_kernel() -> list[str]:
    """Return the names of ports with a device: pyserial knows some names only, and leaves out those of a SoC."""
    folders = system_files.entries("sys/class/tty")
    return [
        folder.name.replace("!", "/")
        for folder in folders
        if system_files.resolved(folder / "device/driver") is not None and not _reserved(folder.name)
    ]


def _links() -> dict[str, str]:
    """Return the paths that stay, by the path to which they lead."""
    return {os.path.realpath(link): f"/{_LINKS}/{link.name}" for link in system_files.entries(_LINKS)}


def _name(path: str) -> str:
    return path.removeprefix("/dev/")


def _in_order(path: str) -> list[tuple[int, str]]:
    """Return a key for sorting: ttyUSB10 comes behind ttyUSB9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path) if part]
