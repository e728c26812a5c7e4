"""What the system of a computer says about its ports, for the tests of the facts of a line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from cmux.line import facts, system_files


@dataclass
class Computer:
    """What the system of this computer says; its files are below a folder of the test."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    held: list[int] = field(default_factory=list)
    """Descriptors to close."""

    def write(self, inside: str, text: str) -> Path:
        """Write a file below ``proc`` or ``sys``."""
        path = self.root / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def cts_is_off(self, path: str) -> None:
        """Let the wire be off; a pty has none."""
        self.monkeypatch.setattr(facts, "clear_to_send", lambda fd: False)

    def seven_bits(self, path: str) -> None:
        """Let the line have seven bits and parity; a pty has always eight."""
        self.monkeypatch.setattr(facts, "framing", lambda fd: "7E1")

    def console(self, path: str) -> None:
        """Let the kernel use a port."""
        name = path.removeprefix("/dev/")
        self.write("proc/consoles", f"tty0                 -WU (EC p  )    4:1\n{name} -W- (EC   a)    4:64\n")

    def getty(self, path: str) -> None:
        """Let a login run on a port, as systemd starts it: no argument names the port."""
        device = os.stat(path).st_rdev
        major, minor = os.major(device), os.minor(device)
        number = minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
        self.write("proc/1/comm", "systemd\n")
        self.write("proc/812/comm", "agetty\n")
        self.write("proc/812/cmdline", "\0".join(("/sbin/agetty", "-o", "-p -- \\u", "-", "vt220", "")))
        self.write("proc/812/stat", f"812 (agetty) S 1 812 812 {number} 812 4194304 0 0\n")

    def latency(self, path: str, milliseconds: int = 16) -> None:
        """Let a port be that of an FTDI adapter."""
        name = path.removeprefix("/dev/").replace("/", "!")
        self.write(f"sys/bus/usb-serial/devices/{name}/latency_timer", f"{milliseconds}\n")

    def on_usb(self, path: str, driver: str = "option1") -> None:
        """Let a port be the third of a module with four ports; a second device has one, too."""
        name = path.removeprefix("/dev/").replace("/", "!")
        bus = "sys/devices/pci0000:00/usb1"
        for device, ports in (("1-1", ("ttyUSB0", "ttyUSB1", name, "ttyUSB3")), ("1-2", ("ttyUSB4",))):
            self.write(f"{bus}/{device}/idVendor", "2c7c\n")
            for number, port in enumerate(ports):
                folder = self.root / bus / device / f"{device}:1.{number}" / port
                folder.mkdir(parents=True)
                (folder / "driver").symlink_to(self._folder(f"sys/bus/usb-serial/drivers/{driver}"))
                entry = self._folder(f"sys/class/tty/{port}")
                (entry / "device").symlink_to(folder)

    def usb_port(
        self,
        name: str,
        vid: int,
        pid: int,
        *,
        interface: int = 0,
        driver: str = "option1",
        protocol: str = "",
        told: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Let there be a port on USB.

        Args:
            name: its name in ``/dev``; a CDC ACM port is the interface itself, any other is below it.
            vid: the vendor id of its device.
            pid: the product id.
            interface: the number of the interface.
            driver: of the port.
            protocol: bInterfaceProtocol of a CDC ACM interface.
            told: what the device says of itself, by file.
        """
        device = f"sys/devices/pci0000:00/usb1/{vid:04x}-{pid:04x}"
        for file, text in {"idVendor": f"{vid:04x}", "idProduct": f"{pid:04x}", **told}.items():
            self.write(f"{device}/{file}", text + "\n")
        inside = f"{device}/1-1:1.{interface}"
        self.write(f"{inside}/bInterfaceNumber", f"{interface:02x}\n")
        if protocol:
            self.write(f"{inside}/bInterfaceSubClass", "02\n")
            self.write(f"{inside}/bInterfaceProtocol", protocol + "\n")
        folder = self._folder(inside if protocol else f"{inside}/{name}")
        (folder / "driver").symlink_to(self._folder(f"sys/bus/drivers/{driver}"))
        (self._folder(f"sys/class/tty/{name}") / "device").symlink_to(folder)

    def own_port(self, name: str, *, driver: str = "serial8250", kind: int = 4) -> None:
        """Let there be a port of the computer itself, or one that is only reserved (kind 0)."""
        folder = self._folder(f"sys/devices/platform/{driver}/{name}")
        (folder / "driver").symlink_to(self._folder(f"sys/bus/drivers/{driver}"))
        (self._folder(f"sys/class/tty/{name}") / "device").symlink_to(folder)
        self.write(f"sys/class/tty/{name}/type", f"{kind}\n")

    def _folder(self, inside: str) -> Path:
        path = self.root / inside
        path.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def computer(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    """Let the system's files be below a folder."""
    monkeypatch.setattr(system_files, "ROOT", root)
    made = Computer(root, monkeypatch)
    try:
        yield made
    finally:
        for fd in made.held:
            os.close(fd)
