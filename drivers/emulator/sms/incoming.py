"""Messages from outside the module: a text in as many parts as it needs, or a PDU."""

from __future__ import annotations

from . import alphabet, tpdu
from .addresses import Address, read_centre
from .coding import Alphabet, scheme_of
from .parts import divide

_NAME = 208  # the type of an address that is a name
_LONGEST_NAME = 11


def sender(text: str) -> Address:
    """Return who has sent a message: a number, or a name of up to 11 characters of the GSM alphabet.

    Raises:
        ValueError: it is neither.
    """
    try:
        return Address.parse(text)
    except ValueError:
        if not 0 < len(text) <= _LONGEST_NAME or not alphabet.fits(text) or text.startswith("+"):
            raise ValueError(f"{text!r} is neither a number nor a name of a sender") from None
        return Address(text, _NAME)


def deliveries(
    text: str,
    origin: Address,
    time: str,
    *,
    coding: str | None = None,
    message_class: int | None = None,
    reference: int = 0,
    wide: bool = False,
) -> list[tpdu.Deliver]:
    """Return a text as the SMS-DELIVERs that bring it.

    Args:
        text: the text; for 8 bit data the hexadecimal digits.
        origin: who has sent it.
        time: when the service centre got it, ``yy/MM/dd,hh:mm:ss±zz``.
        coding: ``7 bit``, ``8 bit`` or ``UCS-2``; None for the shorter one of the first and the last.
        message_class: 0 to 3, or None.
        reference: what the parts have in common.
        wide: whether the reference has 16 bits.

    Raises:
        ValueError: there is no such coding or class, or the coding cannot express the text.
    """
    if message_class not in (None, 0, 1, 2, 3):
        raise ValueError(f"a class is 0 to 3, not {message_class!r}")
    kind = None if coding is None else Alphabet(coding)
    parts = divide(text, kind, reference=reference, wide=wide)
    dcs = scheme_of(parts[0].alphabet, message_class)
    return [tpdu.Deliver(origin, 0, dcs, time, part) for part in parts]


def from_pdu(digits: str) -> tuple[tpdu.Received, Address | None]:
    """Return the message of a PDU as +CMT and +CDS have it, and its service centre, or None.

    Args:
        digits: the service centre's address and the TPDU of an SMS-DELIVER or SMS-STATUS-REPORT, hexadecimal.

    Raises:
        ValueError: it is something else.
    """
    octets = bytes.fromhex(digits)
    centre, count = read_centre(octets)
    return tpdu.read_received(octets[count:]), centre
