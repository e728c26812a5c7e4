"""Modules of several makers that answer AT commands on their channels, each as its manual has it."""

from __future__ import annotations

from collections.abc import Mapping

from mux_module import Module

from cmux.protocol.events import DataReceived, Event

_OK = "\r\nOK\r\n"
_COMMON = {
    "AT+CPIN?": "+CPIN: READY",
    "AT+CREG?": "+CREG: 0,1",
    "AT+CSQ": "+CSQ: 20,0",
    "AT+CGATT?": "+CGATT: 1",
    "AT+COPS?": '+COPS: 0,0,"Net"',
}

MAKERS: dict[str, dict[str, str]] = {
    "SIM800": {
        **_COMMON,
        "ATI": "SIM800 R14.18",
        "AT+CGMI": "SIMCOM_Ltd",
        "AT+CGMM": "SIMCOM_SIM800L",
        "AT+CGMR": "Revision:1418B05SIM800L24",
        "AT+GSN": "869951031234567",
    },
    "SIM7600": {
        **_COMMON,
        "ATI": "Manufacturer: SIMCOM INCORPORATED\r\n\r\nModel: SIMCOM_SIM7600E\r\n\r\n"
        "Revision: SIM7600M22_V2.0\r\n\r\nIMEI: 351602000330570\r\n\r\n+GCAP: +CGSM",
    },
    "SARA-R4": {
        **_COMMON,
        "ATI": "SARA-R410M-02B-00",
        "AT+CGMI": "u-blox",
        "AT+CGMM": "SARA-R410M-02B",
        "AT+CGMR": "L0.0.00.00.05.06",
        "AT+CGSN": "352753090041680",
        "AT+CREG?": "+CREG: 2,10",
    },
    "ME910": {
        "AT+CGMI": "Telit",
        "AT+CGMM": "ME910G1-WW",
        "AT+CSQ": "+CSQ: 15,99",
    },
    "taciturn": {"ATI": "ACME 1"},
    "without a name": {"AT+CSQ": "+CSQ: 15,99"},
    "mute on everything": {},
}
"""What they answer besides OK and ERROR, by their commands; what is not in the table is ERROR."""


class OtherModule(Module):
    """A module that answers AT commands on its channels.

    Args:
        answers: a table of `MAKERS`.
    """

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__(loopback=())
        self._answers = answers
        self.asked: list[str] = []

    def _handle(self, events: list[Event]) -> None:
        super()._handle(events)
        for event in events:
            if isinstance(event, DataReceived):
                for line in event.data.decode().split("\r")[:-1]:
                    self.asked.append(line)
                    answer = self._answers.get(line)
                    text = _OK if line == "ATE0" else "\r\nERROR\r\n" if answer is None else f"\r\n{answer}\r\n{_OK}"
                    self.feed(event.dlci, text.encode())
