"""Where sources about the module disagree: one field per question, its default the recommended reading."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args, get_type_hints

T = TypeVar("T")


def _reading(default: T, source: str, low: int = 0, high: int = 0) -> T:
    """Declare a field with its default, what the sources say and, if it is a whole number, its range."""
    return field(default=default, metadata={"source": source, "range": (low, high)})


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Chooses what an emulated module does where documents, firmware and drivers disagree.

    Every field has its source in ``dataclasses.field.metadata["source"]``; `describe` prints them.
    """

    # Forms of answers
    ati_blank_line: bool = _reading(
        False, "ATI: figure 1 prints a blank line after Quectel_Ltd, figure 3 and the manuals none"
    )
    recv_from: Literal["RECV FROM", "RCV FROM"] = _reading(
        "RECV FROM", "address line: figure 1, manual and drivers against figures 2 and 3"
    )
    recv_from_blank: bool = _reading(
        False, "RECV FROM:<address>: a blank behind the colon in the text of one manual only"
    )
    address_line: bool = _reading(
        False, "QISHOWRA at power-up: off in the app note 3.4, on in what figures 2 and 3 show"
    )
    to_before_recv: bool = _reading(False, "order of the TO and RECV FROM lines: no source shows both")
    qimode_blank: bool = _reading(True, "QIMODE=?: M26 manual and RDA firmware ': (0-…', M66 manual without the blank")
    payload_echo: Literal["qisde", "ate"] = _reading(
        "qisde",
        "echo at the prompt: QISDE alone (drivers send it for silence), or only with ATE1 (an M66 driver)",
    )
    prompt_blank: bool = _reading(True, "prompt: the figures print '> ', the text of 8.3 '>'")
    transparent_open: Literal["CONNECT", "CONNECT OK"] = _reading(
        "CONNECT", "transparent QIOPEN: real M10 and the app note 5.2 CONNECT, app note 3.2 CONNECT OK"
    )
    qiopen_ok: bool = _reading(
        True, "QIOPEN: OK before CONNECT OK everywhere but in the transcript of the app note 10.1"
    )
    already_connect: Literal["alone", "after_ok", "then_error"] = _reading(
        "alone", "ALREADY CONNECT: manual alone, MC60 drivers after OK, an M95 log followed by ERROR"
    )
    qirdi: Literal["repeated", "once"] = _reading(
        "repeated", "+QIRDI: again after an AT+QIRD that leaves data (drivers), or once until all was read (manual)"
    )
    qifgcnt_blank: bool = _reading(False, "QIFGCNT?: manual and M72D drivers '1,0', the app note 7.3 prints '1, 0'")
    qilocip_ok: bool = _reading(False, "QILOCIP: app note, manuals and drivers know no OK, RDA firmware says it")
    send_ok_index: bool = _reading(False, "SEND OK with QIMUX=1: app note without index, RDA firmware '0, SEND OK'")
    send_ok_blank: bool = _reading(
        False, "SEND OK with QIMUX=1: figure 2 prints a blank line after the first of a context, and after no other"
    )
    close_ok_index: bool = _reading(True, "QICLOSE=n: app note and manual '0, CLOSE OK', two drivers expect 'CLOSE OK'")
    closed_index: bool = _reading(False, "CLOSED with QIMUX=0: the app note without index, an M95 log '0, CLOSED'")
    pdp_deact: Literal["+PDP DEACT", "+PDP: DEACT"] = _reading(
        "+PDP DEACT", "context lost: real M10 and most drivers without a colon, one MC60 driver with one"
    )
    qiserver_blank: bool = _reading(True, "QISERVER?: app note and M66 manual '1, 1', M26 manual '1,1'")

    longest_send: Literal["1460", "1459"] = _reading(
        "1460", "QISEND: app note and manuals at most 1460 octets, one sentence of the M66 manual 'less than 1460'"
    )
    tcfg_size: Literal["1024", "1460"] = _reading(
        "1024", "QITCFG at power-up: inferred 3,2,1024,1; M72D reads 3,2,1460,1 after setting it"
    )
    connect_rate: Literal["none", "115200", "150000000"] = _reading(
        "none",
        "CONNECT of a data call and of ATO: alone (chat scripts for an M10), or with a rate unless ATX0 (manual 7.5, "
        "V.250 6.2.7; LTE modules print 150000000)",
    )
    dial_without_ppp: Literal["NO CARRIER", "ERROR"] = _reading(
        "NO CARRIER",
        "ATD*99# without --ppp: as when the network refuses (27.007 10.2.1), or as a module without packet data",
    )
    idle_carrier: bool = _reading(
        True,
        "DV in MSC before the first data call: on (Linux n_gsm holds an open() back until it is), off with AT&C1 "
        "(V.250 6.2.8)",
    )
    interleave: bool = _reading(
        False, "data and unsolicited lines between a command and its result: manual no, users of real modules yes"
    )

    xon_escape: bool = _reading(
        True, "AT+IFC=1,1: the Arduino library for a real M10 sends and wants 0x11, 0x13, 0x77 as 0x77 and complement"
    )
    xoff_answer: Literal["none", "FF"] = _reading(
        "none",
        "XOFF with AT+IFC=1,1: no document says; the Arduino library for a real M10 drops one 0xFF after its XOFF",
    )
    fifo: int = _reading(
        16,
        "octets that still leave a UART with a line rate when the host stops it: 16 of a 16550 to 64 of a 16750; the "
        "Arduino library for a real M10 stops with fewer than 6 octets free and needs 1",
        1,
        64,
    )
    qccid_prefix: bool = _reading(
        False, "QCCID: the manual shows the number alone, TinyGSM (M95, MC60) waits for '+QCCID: ' before it"
    )
    boot_lines: Literal["restart", "first_line"] = _reading(
        "restart", "+CFUN: 1 and what follows: after a restart only, or also once when the rate is known (manual, IPR)"
    )
    cgatt_deact: Literal["after_ok", "before_ok"] = _reading(
        "after_ok", "+PDP DEACT of AT+CGATT=0: between commands (manual), before OK (Arduino library for a real M10)"
    )

    # Messages
    message_time: Literal["27.005", "manual"] = _reading(
        "27.005",
        "times in text mode: 27.005 3.1 'yy/MM/dd,hh:mm:ss+zz', examples of the M35 manual 'yyyy/MM/dd hh:mm:ss+zz'",
    )
    cmgr_empty: Literal["OK", "321"] = _reading(
        "OK", "CMGR of an index without a message: an M95 driver goes on behind it, 27.005 has +CMS ERROR: 321"
    )
    message_escape: Literal["OK", "ERROR"] = _reading(
        "OK",
        "answer to ESC at the prompt of a message: 27.005 3.5.1 cancels and does not say how; drivers expect either",
    )

    # What is accepted, and when
    qimux_outside_initial: Literal["error", "same", "ok"] = _reading(
        "error", "QIMUX and QIMODE outside IP INITIAL: real M10 ERROR, SSL note OK, RDA firmware same value only"
    )
    qicsgp_outside_initial: Literal["error", "ok"] = _reading(
        "error", "QICSGP outside IP INITIAL: the app note 3.1 wants IP INITIAL, M72D sends it at any time"
    )
    late_settings: Literal["ok", "error"] = _reading(
        "ok",
        "QIDNSIP and QITCFG outside IP INITIAL: the app note 3.1 wants IP INITIAL, drivers (TinyGSM, Arduino) send "
        "QIDNSIP in an active context",
    )
    name_without_qidnsip: Literal["error", "accepted"] = _reading(
        "error", "QIOPEN with a name and QIDNSIP=0: M95 users see it fail, an M65 driver opens by name without QIDNSIP"
    )
    qiopen_in_gprsact: bool = _reading(True, "QIOPEN in IP GPRSACT: real M10 accepts it, the manual does not list it")
    qiserver_in_gprsact: bool = _reading(False, "QISERVER in IP GPRSACT: real M10 answers ERROR until QILOCIP was read")
    qideact_in_initial: Literal["ok", "error"] = _reading(
        "ok", "QIDEACT in IP INITIAL: drivers need DEACT OK, the manual excludes the state"
    )
    refused_activation: Literal["IP IND", "IP INITIAL", "PDP DEACT"] = _reading(
        "IP IND", "state after the network refused QIACT: not stated; drivers treat all three alike"
    )
    esc_cancels_fixed: bool = _reading(
        False, "ESC in a fixed-length QISEND: the app note 4.3 cancels, manual and firmware take it as data"
    )
    esc_answer: Literal["OK", "ERROR", "SEND FAIL", "none"] = _reading(
        "OK", "answer to ESC at the prompt: no document says; RDA firmware OK"
    )
    qistat_includes_server: bool = _reading(False, "QISTAT while only a remote client is connected: inferred IP STATUS")
    socket_after_close: Literal["CLOSED", "INITIAL"] = _reading(
        "CLOSED", "QISTATE of a socket that the remote side closed: not stated"
    )

    # Ownership of contexts across virtual UARTs
    default_owner_uart1: bool = _reading(
        False,
        "power-up: context 0 controlled by nobody, for which manuals have 255, or by VIRTUAL_UART_1, as an M72D driver "
        "without CMUX expects",
    )
    require_qifgcnt: bool = _reading(False, "activating a free context without QIFGCNT first: claims it, or ERROR")
    strict_reads: bool = _reading(False, "reads of a context that another UART controls: answered, or ERROR")
    release_on_initial: bool = _reading(False, "QIDEACT: the context stays with its UART, or nobody controls it")
    release_on_disc: bool = _reading(False, "closing a DLC: its contexts stay active, or are deactivated and released")
    unheard_lines: Literal["dropped", "kept"] = _reading(
        "dropped", "lines of a context whose UART has no open DLC: not stated; the last 64 can be kept for its next one"
    )
    send_settings_per_uart: bool = _reading(
        False, "QISDE and QIPROMPT: belong to the context as what QISCON saves, or to each UART as its echo; not stated"
    )
    owner_after_cmux: Literal["uart1", "keep"] = _reading(
        "uart1", "leaving multiplexer mode: contexts pass to the plain UART, or stay where they were"
    )

    # Calls
    ring_interval: float = _reading(5.0, "seconds between two RING: no document says; inferred")

    # Multiplexer mode
    cmux_settle: float = _reading(
        0.0,
        "seconds after OK to AT+CMUX in which frames are lost: none on an M10; BG95, BG96, SARA, LE910 0.1 to 0.3, "
        "ME910G1 0.4 (zephyr #63410, PR #96262; esp-protocols #33)",
    )
    cmux_deadlock: bool = _reading(
        False, "a frame within cmux_settle: is lost, or the module hears nothing until its power is cut (ME910G1)"
    )
    cmux_sleeps_after: float = _reading(
        0.0,
        "seconds of silence in both directions after which the module sleeps and loses what wakes it: not an M10; a "
        "SARA-R422 after 6 (ubxlib #94)",
    )
    cmux_wake_pause: float = _reading(
        0.1, "seconds in which a module that slept after cmux_sleeps_after loses everything: inferred"
    )

    # Times
    activation_time: float = _reading(0.0, "seconds from QIACT to the network's answer; a real network takes 1 to 30")
    result_time: float = _reading(
        0.0,
        "least seconds from OK to CONNECT OK, SERVER OK, addresses, from SEND OK to what it brings, and between "
        "the lines of a restart: a driver for a real M10 sees them apart",
    )
    activation_timeout: float = _reading(150.0, "seconds until an activation that nobody answers fails: manual, QIACT")
    connect_timeout: float = _reading(75.0, "seconds until CONNECT FAIL: manual, QIOPEN")
    message_interval: float = _reading(
        0.0,
        "least seconds between messages that the module receives: a network needs some for each, and python-gsmmodem "
        "takes +CMTI for an answer while it reads the one before",
    )
    message_timeout: float = _reading(
        120.0, "seconds until a message that a silent network does not take fails with +CMS ERROR: 332: manuals, CMGS"
    )
    send_timeout: float = _reading(10.0, "seconds a full send window is waited for before SEND FAIL: inferred")

    def __repr__(self) -> str:
        """Return the call that makes an equal one: only what differs from the defaults."""
        values = [(item.name, getattr(self, item.name), item.default) for item in dataclasses.fields(self)]
        changed = ", ".join(f"{name}={value!r}" for name, value, default in values if value != default)
        return f"Behaviour({changed})"

    @classmethod
    def parse(cls, texts: Iterable[str], base: Behaviour | None = None) -> Behaviour:
        """Parse behaviours as a command line gives them.

        Args:
            texts: ``NAME=VALUE`` strings, or names of `SETS`; later ones win.
            base: what to start from instead of the defaults.

        Returns:
            The behaviour with those values.

        Raises:
            ValueError: a text without ``=`` is not the name of a set, a name is not that of a behaviour, or a value is
                not one of the possible ones.
        """
        types, fields = get_type_hints(cls), {item.name: item for item in dataclasses.fields(cls)}
        values: dict[str, object] = {}
        for text in (value for given in texts for value in SETS.get(given.strip(), (given,))):
            name, equals, value = text.partition("=")
            name = name.strip().replace("-", "_")
            if not equals:
                raise ValueError(f"behaviour {text!r} is not NAME=VALUE, nor one of {', '.join(SETS)}")
            if name not in types:
                raise ValueError(f"no behaviour is called {name!r}; --list-behaviours shows them")
            values[name] = _convert(name, types[name], value.strip(), fields[name].metadata["range"])
        return dataclasses.replace(base or cls(), **values)  # type: ignore[arg-type]

    @classmethod
    def describe(cls, base: Behaviour | None = None) -> list[tuple[str, str, str, str]]:
        """Return every behaviour as ``(name, value, possible values, source)``, in the order of the fields.

        Args:
            base: whose values; by default the defaults.
        """
        types, of = get_type_hints(cls), base or cls()
        return [
            (
                item.name,
                _show(getattr(of, item.name)),
                "|".join(_possible(types[item.name], item.metadata["range"])),
                str(item.metadata["source"]),
            )
            for item in dataclasses.fields(cls)
        ]


#: Behaviours that belong together, under the names that stand for them: what the figures of the app note show.
SETS: dict[str, tuple[str, ...]] = {
    "figure1": ("ati_blank_line=on", "recv_from=RECV FROM", "address_line=off"),
    "figure2": ("recv_from=RCV FROM", "address_line=on", "send_ok_blank=on"),
    "figure3": ("ati_blank_line=off", "recv_from=RCV FROM", "address_line=on"),
}

_FLAGS = {"1": True, "on": True, "yes": True, "true": True, "0": False, "off": False, "no": False, "false": False}


def _possible(kind: object, within: tuple[int, int]) -> list[str]:
    if kind is bool:
        return ["on", "off"]
    if kind is float:
        return ["SECONDS"]
    if kind is int:
        return ["{}-{}".format(*within)]
    return [str(value) for value in get_args(kind)]


def _show(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _convert(name: str, kind: object, value: str, within: tuple[int, int]) -> object:
    if kind is bool:
        if value.lower() not in _FLAGS:
            raise ValueError(f"behaviour {name} is on or off, not {value!r}")
        return _FLAGS[value.lower()]
    if kind is float:
        try:
            seconds = float(value)
        except ValueError:
            raise ValueError(f"behaviour {name} is a time in seconds, not {value!r}") from None
        if not 0 <= seconds <= 86400:
            raise ValueError(f"behaviour {name} is a time from 0 to 86400 seconds, not {value!r}")
        return seconds
    if kind is int:
        low, high = within
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise ValueError(f"behaviour {name} is a number from {low} to {high}, not {value!r}")
        return int(value)
    for possible in get_args(kind):
        if value.replace("_", " ").upper() == possible.replace("_", " ").upper():
            return possible
    raise ValueError(f"behaviour {name} is one of {', '.join(_possible(kind, within))}, not {value!r}")
