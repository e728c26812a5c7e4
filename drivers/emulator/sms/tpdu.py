"""The PDUs of 23.040 §9.2.2 that terminals and service centres write: SUBMIT and COMMAND, DELIVER and STATUS-REPORT."""

from __future__ import annotations

from dataclasses import dataclass

from . import times
from .addresses import Address, read_address
from .coding import Coding, coding_of
from .user_data import UserData, read_user_data

_TYPE = 0x03  # TP-MTI
_DELIVER, _SUBMIT, _STATUS_REPORT, _COMMAND = 0, 1, 2, 2  # the direction tells the last two apart
_NO_MORE = 0x04  # TP-MMS
_VALIDITY = 0x18  # TP-VPF
_REPORT = 0x20  # TP-SRR of a SUBMIT, TP-SRI of a DELIVER, TP-SRQ of a STATUS-REPORT
_HEADER = 0x40  # TP-UDHI
_REPLY_PATH = 0x80  # TP-RP
_VALIDITY_OCTETS = {0x00: 0, 0x08: 7, 0x10: 1, 0x18: 7}
_LONGEST_COMMAND = 157


@dataclass(frozen=True, slots=True)
class Submit:
    """An SMS-SUBMIT: a message from a terminal (§9.2.2.2).

    Args:
        first: its first octet; the bit of the header follows from the data.
        reference: TP-MR.
        destination: TP-DA.
        pid: TP-PID.
        dcs: TP-DCS.
        validity: TP-VP as it is, 0, 1 or 7 octets.
        data: TP-UD.
    """

    first: int
    reference: int
    destination: Address
    pid: int
    dcs: int
    validity: bytes
    data: UserData

    @property
    def coding(self) -> Coding:
        """What TP-DCS says."""
        return coding_of(self.dcs)

    @property
    def wants_report(self) -> bool:
        """TP-SRR."""
        return bool(self.first & _REPORT)

    @property
    def reply_path(self) -> bool:
        """TP-RP."""
        return bool(self.first & _REPLY_PATH)

    def encode(self) -> bytes:
        """Return the TPDU.

        Raises:
            ValueError: the data is longer than a message, or the validity does not fit TP-VPF.
        """
        if len(self.validity) != _VALIDITY_OCTETS[self.first & _VALIDITY]:
            raise ValueError("the validity period is not of the form that the first octet says")
        first = self.first & ~(_HEADER | _TYPE) | _SUBMIT | _HEADER * bool(self.data.header)
        head = bytes([first, self.reference]) + self.destination.encode() + bytes([self.pid, self.dcs])
        return head + self.validity + self.data.encode()


@dataclass(frozen=True, slots=True)
class Command:
    """An SMS-COMMAND: a terminal asks the service centre about a message that it has submitted (§9.2.2.4).

    Args:
        first: its first octet.
        reference: TP-MR.
        pid: TP-PID.
        kind: TP-CT, 0 for an enquiry.
        number: TP-MN, the reference of the message that it is about.
        destination: TP-DA.
        data: TP-CD.
    """

    first: int
    reference: int
    pid: int
    kind: int
    number: int
    destination: Address
    data: bytes = b""

    @property
    def wants_report(self) -> bool:
        """TP-SRR."""
        return bool(self.first & _REPORT)

    def encode(self) -> bytes:
        """Return the TPDU.

        Raises:
            ValueError: the data is too long.
        """
        if len(self.data) > _LONGEST_COMMAND:
            raise ValueError(f"{len(self.data)} octets are more than {_LONGEST_COMMAND}")
        head = bytes([self.first & ~_TYPE | _COMMAND, self.reference, self.pid, self.kind, self.number])
        return head + self.destination.encode() + bytes([len(self.data)]) + self.data


@dataclass(frozen=True, slots=True)
class Deliver:
    """An SMS-DELIVER: a message to a terminal (§9.2.2.1).

    Args:
        origin: TP-OA.
        pid: TP-PID.
        dcs: TP-DCS.
        time: TP-SCTS, ``yy/MM/dd,hh:mm:ss±zz``.
        data: TP-UD.
        first: its first octet; the bit of the header follows from the data.
    """

    origin: Address
    pid: int
    dcs: int
    time: str
    data: UserData
    first: int = _NO_MORE

    @property
    def coding(self) -> Coding:
        """What TP-DCS says."""
        return coding_of(self.dcs)

    def encode(self) -> bytes:
        """Return the TPDU.

        Raises:
            ValueError: the data is longer than a message.
        """
        first = self.first & ~(_HEADER | _TYPE) | _DELIVER | _HEADER * bool(self.data.header)
        head = bytes([first]) + self.origin.encode() + bytes([self.pid, self.dcs])
        return head + times.encode_time(self.time) + self.data.encode()


@dataclass(frozen=True, slots=True)
class StatusReport:
    """An SMS-STATUS-REPORT: what became of a message (§9.2.2.3).

    Args:
        reference: TP-MR of the message.
        recipient: TP-RA.
        time: TP-SCTS of the message.
        discharge: TP-DT, when that became of it.
        status: TP-ST, 0 for received by the other terminal.
        first: its first octet.
        rest: what may follow, as it is.
    """

    reference: int
    recipient: Address
    time: str
    discharge: str
    status: int
    first: int = _STATUS_REPORT | _NO_MORE
    rest: bytes = b""

    def encode(self) -> bytes:
        """Return the TPDU."""
        head = bytes([self.first & ~_TYPE | _STATUS_REPORT, self.reference]) + self.recipient.encode()
        return (
            head + times.encode_time(self.time) + times.encode_time(self.discharge) + bytes([self.status]) + self.rest
        )


#: What a terminal sends, and what it receives.
Sent = Submit | Command
Received = Deliver | StatusReport


def forwarded(message: Submit, origin: Address, time: str) -> Deliver:
    """Return the SMS-DELIVER that a service centre makes of an SMS-SUBMIT.

    Args:
        message: what was submitted.
        origin: who has sent it.
        time: when the service centre got it.
    """
    first = _NO_MORE | _REPORT * message.wants_report | _REPLY_PATH * message.reply_path
    return Deliver(origin, message.pid, message.dcs, time, message.data, first)


def read_sent(tpdu: bytes) -> Sent:
    """Read what a terminal sends.

    Raises:
        ValueError: it is neither an SMS-SUBMIT nor an SMS-COMMAND from its first octet to its last.
    """
    octets = _Octets(tpdu)
    first = octets.one()
    kind = first & _TYPE
    if kind == _SUBMIT:
        reference, destination, pid, dcs = octets.one(), octets.address(), octets.one(), octets.one()
        validity = octets.some(_VALIDITY_OCTETS[first & _VALIDITY])
        return Submit(first, reference, destination, pid, dcs, validity, _data(octets, dcs, first))
    if kind == _COMMAND:
        reference, pid, command, number = octets.one(), octets.one(), octets.one(), octets.one()
        destination, count = octets.address(), octets.one()
        data = octets.rest()
        if len(data) != count or count > _LONGEST_COMMAND:
            raise ValueError("the data of the command is not as long as it says")
        return Command(first, reference, pid, command, number, destination, data)
    raise ValueError("a terminal sends SMS-SUBMIT and SMS-COMMAND only")


def read_received(tpdu: bytes) -> Received:
    """Read what a terminal receives.

    Raises:
        ValueError: it is neither an SMS-DELIVER nor an SMS-STATUS-REPORT from its first octet to its last.
    """
    octets = _Octets(tpdu)
    first = octets.one()
    kind = first & _TYPE
    if kind == _DELIVER:
        origin, pid, dcs, time = octets.address(), octets.one(), octets.one(), octets.time()
        return Deliver(origin, pid, dcs, time, _data(octets, dcs, first), first)
    if kind == _STATUS_REPORT:
        reference, recipient = octets.one(), octets.address()
        return StatusReport(
            reference, recipient, octets.time(), octets.time(), octets.one(), first=first, rest=octets.rest()
        )
    raise ValueError("a terminal receives SMS-DELIVER and SMS-STATUS-REPORT only")


def _data(octets: _Octets, dcs: int, first: int) -> UserData:
    return read_user_data(octets.rest(), coding_of(dcs).alphabet, has_header=bool(first & _HEADER))


class _Octets:
    """A TPDU that is read from its first octet to its last."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def some(self, count: int) -> bytes:
        """Take so many octets."""
        taken = self._octets[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("the TPDU is cut off")
        self._at += count
        return taken

    def one(self) -> int:
        """Take an octet."""
        return self.some(1)[0]

    def rest(self) -> bytes:
        """Take what is left."""
        return self.some(len(self._octets) - self._at)

    def address(self) -> Address:
        """Take an address."""
        address, count = read_address(self._octets[self._at :])
        self._at += count
        return address

    def time(self) -> str:
        """Take a time."""
        return times.decode_time(self.some(times.LENGTH))
