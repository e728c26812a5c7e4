"""The short messages of an emulated module for whoever runs it: what it receives, and what it has sent."""

from __future__ import annotations

from .lifetime import Lifetime
from .modem import Modem
from .sms import incoming
from .sms.messages import CENTRE
from .sms.sent import SentLog, SentMessage

SENDER = "+8613912345678"
"""Who has sent a message unless it is said."""


class ModuleMessages(Lifetime):
    """Adds messages to a module that runs in an event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._sent = SentLog()

    def _running(self) -> Modem:
        """Return the inside of the module, or raise RuntimeError when it does not run."""
        raise NotImplementedError

    def receive_sms(
        self,
        text: str | None = None,
        *,
        pdu: str | None = None,
        number: str = SENDER,
        coding: str | None = None,
        message_class: int | None = None,
        reference: int | None = None,
        wide_reference: bool = False,
    ) -> int:
        """Let the module receive a message from the network, in as many parts as it needs.

        Args:
            text: the text; with a coding of ``8 bit`` hexadecimal digits.
            pdu: in place of the text, the service centre's address and an SMS-DELIVER or SMS-STATUS-REPORT, as +CMT and
                +CDS have them, in hexadecimal digits.
            number: who has sent it: 1 to 20 digits, perhaps behind a plus sign, or a name of up to 11 characters.
            coding: ``7 bit``, ``8 bit`` or ``UCS-2``; by default 7 bit where the GSM alphabet has all characters, else
                UCS-2.
            message_class: 0 to 3.
            reference: what the parts have in common, 0 to 255 (65535 with `wide_reference`); by default the next one.
            wide_reference: whether the parts have a reference of 16 bits.

        Returns:
            How many parts the module has stored or passed on to its host. The service centre keeps the others until
            there is room or a network.

        Raises:
            RuntimeError: the module does not run.
            ValueError: there is not just one of text and PDU, or one of the arguments makes no sense.
        """
        if (text is None) == (pdu is None):
            raise ValueError("a message is a text or a PDU")

        def receive() -> int:
            messages = self._running().messages
            if pdu is not None:
                message, centre = incoming.from_pdu(pdu)
                return int(messages.receive(message, centre or CENTRE))
            return messages.receive_text(
                text or "",
                number,
                coding=coding,
                message_class=message_class,
                reference=reference,
                wide=wide_reference,
            )

        return self._on_loop(receive)

    @property
    def sent_sms(self) -> tuple[SentMessage, ...]:
        """The messages that the module has sent, the oldest first: the last 1000, also when it runs no longer."""
        try:
            self._running()
        except RuntimeError:
            return self._sent.messages()
        return self._on_loop(self._sent.messages)

    @property
    def sent_sms_discarded(self) -> int:
        """How many messages have made room for others in `sent_sms`."""
        return self._sent.discarded
