"""Tells a service manager about the command that it has started."""

from __future__ import annotations

import os
import socket


def announce_ready() -> None:
    """Tell systemd that the paths are there (sd_notify), if it started the process and wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@") or not hasattr(socket, "AF_UNIX"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
        messenger.sendto(b"READY=1", address.replace("@", "\0", 1) if address.startswith("@") else address)
