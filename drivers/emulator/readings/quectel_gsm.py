"""The questions about the TCP/IP stack of the Quectel GSM family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .declaration import Readings, reading


@dataclass(frozen=True, repr=False)
class QuectelGsm(Readings):
    """Chooses among the readings for the M10 and its kin."""

    FAMILY: ClassVar[str] = "quectel_gsm"

    # Forms of answers
    ati_blank_line: bool = reading(
        False, "ATI: figure 1 prints a blank line after Quectel_Ltd, figure 3 and the manuals none"
    )
    recv_from: Literal["RECV FROM", "RCV FROM"] = reading(
        "RECV FROM", "address line: figure 1, manual and drivers against figures 2 and 3"
    )
    recv_from_blank: bool = reading(
        False, "RECV FROM:<address>: a blank behind the colon in the text of one manual only"
    )
    address_line: bool = reading(
        False, "QISHOWRA at power-up: off in the app note 3.4, on in what figures 2 and 3 show"
    )
    to_before_recv: bool = reading(False, "order of the TO and RECV FROM lines: no source shows both")
    qimode_blank: bool = reading(True, "QIMODE=?: M26 manual and RDA firmware ': (0-…', M66 manual without the blank")
    transparent_open: Literal["CONNECT", "CONNECT OK"] = reading(
        "CONNECT", "transparent QIOPEN: real M10 and the app note 5.2 CONNECT, app note 3.2 CONNECT OK"
    )
    qiopen_ok: bool = reading(
        True, "QIOPEN: OK before CONNECT OK everywhere but in the transcript of the app note 10.1"
    )
    already_connect: Literal["alone", "after_ok", "then_error"] = reading(
        "alone", "ALREADY CONNECT: manual alone, MC60 drivers after OK, an M95 log followed by ERROR"
    )
    qirdi: Literal["repeated", "once"] = reading(
        "repeated", "+QIRDI: again after an AT+QIRD that leaves data (drivers), or once until all was read (manual)"
    )
    qifgcnt_blank: bool = reading(False, "QIFGCNT?: manual and M72D drivers '1,0', the app note 7.3 prints '1, 0'")
    qilocip_ok: bool = reading(False, "QILOCIP: app note, manuals and drivers know no OK, RDA firmware says it")
    send_ok_index: bool = reading(False, "SEND OK with QIMUX=1: app note without index, RDA firmware '0, SEND OK'")
    send_ok_blank: bool = reading(
        False, "SEND OK with QIMUX=1: figure 2 prints a blank line after the first of a context, and after no other"
    )
    close_ok_index: bool = reading(True, "QICLOSE=n: app note and manual '0, CLOSE OK', two drivers expect 'CLOSE OK'")
    closed_index: bool = reading(False, "CLOSED with QIMUX=0: the app note without index, an M95 log '0, CLOSED'")
    pdp_deact: Literal["+PDP DEACT", "+PDP: DEACT"] = reading(
        "+PDP DEACT", "context lost: real M10 and most drivers without a colon, one MC60 driver with one"
    )
    qiserver_blank: bool = reading(True, "QISERVER?: app note and M66 manual '1, 1', M26 manual '1,1'")
    longest_send: Literal["1460", "1459"] = reading(
        "1460", "QISEND: app note and manuals at most 1460 octets, one sentence of the M66 manual 'less than 1460'"
    )
    tcfg_size: Literal["1024", "1460"] = reading(
        "1024", "QITCFG at power-up: inferred 3,2,1024,1; M72D reads 3,2,1460,1 after setting it"
    )
    qccid_prefix: bool = reading(
        False, "QCCID: the manual shows the number alone, TinyGSM (M95, MC60) waits for '+QCCID: ' before it"
    )

    # What is accepted, and when
    qimux_outside_initial: Literal["error", "same", "ok"] = reading(
        "error", "QIMUX and QIMODE outside IP INITIAL: real M10 ERROR, SSL note OK, RDA firmware same value only"
    )
    qicsgp_outside_initial: Literal["error", "ok"] = reading(
        "error", "QICSGP outside IP INITIAL: the app note 3.1 wants IP INITIAL, M72D sends it at any time"
    )
    late_settings: Literal["ok", "error"] = reading(
        "ok",
        "QIDNSIP and QITCFG outside IP INITIAL: the app note 3.1 wants IP INITIAL, drivers (TinyGSM, Arduino) send "
        "QIDNSIP in an active context",
    )
    name_without_qidnsip: Literal["error", "accepted"] = reading(
        "error", "QIOPEN with a name and QIDNSIP=0: M95 users see it fail, an M65 driver opens by name without QIDNSIP"
    )
    qiopen_in_gprsact: bool = reading(True, "QIOPEN in IP GPRSACT: real M10 accepts it, the manual does not list it")
    qiserver_in_gprsact: bool = reading(False, "QISERVER in IP GPRSACT: real M10 answers ERROR until QILOCIP was read")
    qideact_in_initial: Literal["ok", "error"] = reading(
        "ok", "QIDEACT in IP INITIAL: drivers need DEACT OK, the manual excludes the state"
    )
    refused_activation: Literal["IP IND", "IP INITIAL", "PDP DEACT"] = reading(
        "IP IND", "state after the network refused QIACT: not stated; drivers treat all three alike"
    )
    qistat_includes_server: bool = reading(False, "QISTAT while only a remote client is connected: inferred IP STATUS")
    socket_after_close: Literal["CLOSED", "INITIAL"] = reading(
        "CLOSED", "QISTATE of a socket that the remote side closed: not stated"
    )

    # Ownership of contexts across virtual UARTs
    default_owner_uart1: bool = reading(
        False,
        "power-up: context 0 controlled by nobody, for which manuals have 255, or by VIRTUAL_UART_1, as an M72D driver "
        "without CMUX expects",
    )
    require_qifgcnt: bool = reading(False, "activating a free context without QIFGCNT first: claims it, or ERROR")
    strict_reads: bool = reading(False, "reads of a context that another UART controls: answered, or ERROR")
    release_on_initial: bool = reading(False, "QIDEACT: the context stays with its UART, or nobody controls it")
    release_on_disc: bool = reading(False, "closing a DLC: its contexts stay active, or are deactivated and released")
    send_settings_per_uart: bool = reading(
        False, "QISDE and QIPROMPT: belong to the context as what QISCON saves, or to each UART as its echo; not stated"
    )
    owner_after_cmux: Literal["uart1", "keep"] = reading(
        "uart1", "leaving multiplexer mode: contexts pass to the plain UART, or stay where they were"
    )
