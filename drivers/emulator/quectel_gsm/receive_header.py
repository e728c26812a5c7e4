"""The header of received data: the lines and counts that the four header commands ask for."""

from __future__ import annotations

from dataclasses import dataclass

#: The most data of a TCP session that one header announces.
MAXIMUM = 1460


@dataclass(frozen=True, slots=True)
class HeaderOptions:
    """Specifies the information in a header.

    Args:
        profile: the index with QIMUX=1, else None.
        remote: QISHOWRA.
        local: QISHOWLA.
        head: QIHEAD.
        protocol: QISHOWPT.
        recv_from: what stands before the remote address.
        to_before_recv: whether the TO line comes first.
    """

    profile: int | None
    remote: bool
    local: bool
    head: bool
    protocol: bool
    recv_from: str = "RECV FROM:"
    to_before_recv: bool = False


def header(options: HeaderOptions, length: int, kind: str, remote: tuple[str, int] | None, local: str) -> bytes:
    """Return the header of received data.

    Args:
        options: which information is wanted.
        length: octets of data.
        kind: ``TCP`` or ``UDP``.
        remote: address and port it came from.
        local: the context's address.
    """
    lines: list[str] = []
    if options.profile is not None:
        lines.append(f"+RECEIVE: {options.profile}, {length}")
    addresses: list[str] = []
    if options.remote and remote is not None:
        addresses.append(f"{options.recv_from}{remote[0]}:{remote[1]}")
    if options.local:
        addresses.append(f"TO:{local}")
    lines.extend(reversed(addresses) if options.to_before_recv else addresses)
    text = "".join(f"{line}\r\n" for line in lines)
    if lines:
        text = "\r\n" + text
    if options.head:
        text += f"IPD{length}{kind if options.protocol else ''}:"
    return text.encode("ascii")
