"""The questions about modules of the Quectel LTE family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .declaration import Readings, reading


@dataclass(frozen=True, repr=False)
class QuectelLte(Readings):
    """Chooses among the readings for EC2x, EG9x and BG9x."""

    FAMILY: ClassVar[str] = "quectel_lte"

    # Sockets: who is told, and who may
    socket_urcs: Literal["opener", "urcport", "all"] = reading(
        "opener",
        "lines and pushed data of a socket: to the port that opened it (QISTATE names it), to the URC port (test "
        "scripts set it before), or to all; the manuals are silent",
    )
    foreign_port: Literal["allowed", "error"] = reading(
        "allowed", "commands on a socket that another port opened: nothing in the manuals refuses them, or ERROR 572"
    )
    port_names: Literal["cmux", "uart1"] = reading(
        "cmux", "last field of QISTATE while multiplexing: cmux1 to cmux4 in the EC200U manual, not seen on a BG96"
    )
    cmux_settings: Literal["stored", "inherited"] = reading(
        "stored",
        "ATE and the like of a virtual UART at first: as AT&W stored them, or as where AT+CMUX was typed; a BG96 has "
        "not echoed the first ATE0 on DLC 1 (esp-protocols #103), which can be left from a session before",
    )
    disc_sockets: Literal["stay", "close"] = reading(
        "stay", "a DLC that closes: the sockets that were opened there stay, or are closed with it; not stated"
    )
    cmux_sockets: Literal["stay", "close"] = reading(
        "stay", "AT+CMUX, and the end of multiplexer mode: sockets stay, as they are the module's, or are closed"
    )
    disc_in_data_mode: Literal["stays", "closes"] = reading(
        "stays", "a DLC closed in data mode: its connection goes on in buffered mode, or is closed; not stated"
    )

    # Contexts
    qiact_again: Literal["error", "ok"] = reading(
        "error", "QIACT of an active context: ERROR on EC2x and BG9x (zephyr PR #31325), OK not seen in a log"
    )
    qiact_broken: Literal["error", "ok"] = reading(
        "error", "QIACT after pdpdeact without QIDEACT: the manual asks for QIDEACT first and does not say what follows"
    )
    qiact_without_apn: Literal["ok", "error"] = reading(
        "ok", "QIACT before any QICSGP: the APN of the network's default bearer, or ERROR 573; not stated"
    )
    qicsgp_kept: bool = reading(
        False, "QICSGP after a restart: lost (EC200U manual), or kept as what CGDCONT writes on some modules"
    )
    default_bearer: bool = reading(
        False, "context 1 at start: inactive, or active already as LTE has a default bearer (some modules)"
    )
    qideact_closed: bool = reading(False, "QIDEACT with open sockets: the manual mentions no closed line for each")
    pdpdeact_closed: bool = reading(
        False, "pdpdeact with open sockets: one line for the context, which a driver takes for all, or closed for each"
    )

    deactivation_time: float = reading(0.0, "seconds that QIDEACT takes: the manual says at most 40")

    # Opening and closing
    qiopen_order: Literal["ok_first", "urc_first", "no_ok"] = reading(
        "ok_first", "OK of QIOPEN: before +QIOPEN (manuals), behind it, or missing, as one driver works around"
    )
    in_use: Literal["urc", "error"] = reading(
        "urc", "QIOPEN with a connectID in use: users see +QIOPEN: n,563 behind OK, or ERROR at once"
    )
    failed_open: Literal["kept", "free"] = reading(
        "kept", "connectID after a failed QIOPEN: in use until QICLOSE (mbed-os closes always), or free"
    )
    port_taken: Literal["574", "556"] = reading(
        "574", "two listeners or services on one port: 574 (port busy) or 556 (bind failed); only the codes are known"
    )
    client_state: Literal["2", "3"] = reading(
        "2", "QISTATE of a connected TCP client: 2 in the manuals, 3 in the log of a BG96 (TinyGSM #475)"
    )
    incoming_mode: Literal["listener", "buffered"] = reading(
        "listener", "access mode of TCP INCOMING: the listener's (text of QIOPEN) or buffered (section of the URCs)"
    )
    incoming_id: Literal["highest", "lowest"] = reading(
        "highest", "connectID of a client: 11 in the example of the manual, which says no more than that it is free"
    )
    listener_close: Literal["alone", "all"] = reading(
        "alone", "QICLOSE of a listener: its clients stay (the manual closes them one by one), or are closed with it"
    )
    qiclose_zero: Literal["forced", "error"] = reading(
        "forced", "QICLOSE with a timeout of 0: the test form and drivers have it, the text begins at 1"
    )

    keepalive_applies: Literal["at_once", "later"] = reading(
        "at_once",
        "QICFG tcp/keepalive: for connections that are open, too (takes effect immediately, says the note of BG95 and "
        "BG77), or for those that are opened later",
    )

    # Sending and receiving
    sendex_max: int = reading(
        512, "most characters of QISENDEX: 512 in the manual, above 510 +CME ERROR: 50 for hologram-python", 2, 512
    )
    udp_send_address: Literal["accepted", "refused"] = reading(
        "accepted",
        "QISEND with an address on a connected UDP socket: mbed-os sends so, the manual has it for UDP SERVICE",
    )
    send_lost: Literal["ERROR", "SEND FAIL"] = reading(
        "ERROR", "end of a QISEND whose connection was lost at the prompt: broken (ERROR), or as a full buffer"
    )
    pushed_end: Literal["none", "CRLF"] = reading(
        "none", "behind pushed data: nothing, as the next line brings its own line end, or CR LF; not stated"
    )
    transparent_end: Literal["NO CARRIER", "both"] = reading(
        "NO CARRIER", "data mode that the peer ends: NO CARRIER (BG96 manual), or the closed line behind it as well"
    )
    closed_buffer: Literal["kept", "dropped"] = reading(
        "kept", "what was received before closed: can still be read (mbed-os drains it), or is gone; not stated"
    )
    switch_to_push: Literal["pushed", "kept"] = reading(
        "pushed", "QISWTMD to direct push: what waits is pushed at once, or still wants QIRD; not stated"
    )
    qird_pushed: Literal["0", "ERROR"] = reading(
        "0", "QIRD of a socket in direct push mode: nothing to read, or refused; not stated"
    )
    transwaittm_unit: Literal["100ms", "1ms"] = reading(
        "100ms", "unit of QICFG transwaittm: 100 ms, or as the EC200U manual prints, 1 ms"
    )

    # Forms of answers
    qi_errors: Literal["ERROR", "CME"] = reading(
        "ERROR", "a TCP/IP command that fails: ERROR in all syntax tables; hologram-python has met +CME ERROR"
    )
    error_scope: Literal["module", "port"] = reading(
        "module", "QIGETERROR: of the last TCP/IP command of the module, or of the port that asks; not stated"
    )
    qigeterror_blank: bool = reading(
        False, "QIGETERROR: a BG770 prints '552,invalid parameters', the manual a blank behind the comma"
    )
    dnsgip_failure: Literal["565", "fields"] = reading(
        "565", "QIDNSGIP of a name without addresses: the error alone, or with two fields behind it; not stated"
    )

    # Power and network
    qusim_line: bool = reading(True, "+QUSIM: 1 at start: logs of EC2x have it, not all manuals do")
    pdpdeact_at_reset: bool = reading(
        False, "a restart with an active context: RDY alone, or pdpdeact before it, as in the log of a BG96"
    )
    cgact_hangs: bool = reading(
        False, "AT+CGACT=: answered, or never, as of a BG96 since BG96MAR02A07M1G (mbed-os #9749, PR #9837)"
    )

    # Where unsolicited lines go that belong to no socket
    urc_port: Literal["uart1", "usbat", "usbmodem", "all"] = reading(
        "uart1",
        'AT+QURCCFG="urcport" from the factory: usbat in the manuals of USB modules, so that nothing comes on the UART '
        "(serialport-gsm #12); this line is taken for the UART, with which an unset module works",
    )
    urc_in_data_mode: Literal["dropped", "queued"] = reading(
        "dropped", "such lines while their virtual UART carries data: not stated; lost, or told afterwards"
    )
