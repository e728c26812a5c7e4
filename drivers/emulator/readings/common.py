"""The questions that concern a module of any family: answers, line, messages, multiplexer, times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .declaration import Readings, reading


@dataclass(frozen=True, repr=False)
class Common(Readings):
    """Chooses among the readings for every module."""

    FAMILY: ClassVar[str] = ""

    # Forms of answers
    prompt_blank: bool = reading(True, "prompt: the figures print '> ', the text of 8.3 '>'")
    payload_echo: Literal["qisde", "ate"] = reading(
        "qisde",
        "echo at the prompt: QISDE alone (drivers send it for silence), or only with ATE1 (an M66 driver)",
    )
    esc_cancels_fixed: bool = reading(
        False, "ESC in a fixed-length QISEND: the app note 4.3 cancels, manual and firmware take it as data"
    )
    esc_answer: Literal["OK", "ERROR", "SEND FAIL", "none"] = reading(
        "OK", "answer to ESC at the prompt: no document says; RDA firmware OK"
    )
    connect_rate: Literal["none", "115200", "150000000"] = reading(
        "none",
        "CONNECT of a data call and of ATO: alone (chat scripts for an M10), or with a rate unless ATX0 (manual 7.5, "
        "V.250 6.2.7; LTE modules print 150000000)",
    )
    dial_without_ppp: Literal["NO CARRIER", "ERROR"] = reading(
        "NO CARRIER",
        "ATD*99# without --ppp: as when the network refuses (27.007 10.2.1), or as a module without packet data",
    )
    idle_carrier: bool = reading(
        True,
        "DV in MSC before the first data call: on (Linux n_gsm holds an open() back until it is), off with AT&C1 "
        "(V.250 6.2.8)",
    )
    interleave: bool = reading(
        False, "data and unsolicited lines between a command and its result: manual no, users of real modules yes"
    )
    unheard_lines: Literal["dropped", "kept"] = reading(
        "dropped", "lines of a context whose UART has no open DLC: not stated; the last 64 can be kept for its next one"
    )
    boot_lines: Literal["restart", "first_line"] = reading(
        "restart", "+CFUN: 1 and what follows: after a restart only, or also once when the rate is known (manual, IPR)"
    )
    cgatt_deact: Literal["after_ok", "before_ok"] = reading(
        "after_ok", "+PDP DEACT of AT+CGATT=0: between commands (manual), before OK (Arduino library for a real M10)"
    )

    # The line
    xon_escape: bool = reading(
        True, "AT+IFC=1,1: the Arduino library for a real M10 sends and wants 0x11, 0x13, 0x77 as 0x77 and complement"
    )
    xoff_answer: Literal["none", "FF"] = reading(
        "none",
        "XOFF with AT+IFC=1,1: no document says; the Arduino library for a real M10 drops one 0xFF after its XOFF",
    )
    fifo: int = reading(
        16,
        "octets that still leave a UART with a line rate when the host stops it: 16 of a 16550 to 64 of a 16750; the "
        "Arduino library for a real M10 stops with fewer than 6 octets free and needs 1",
        1,
        64,
    )

    # Messages and calls
    message_time: Literal["27.005", "manual"] = reading(
        "27.005",
        "times in text mode: 27.005 3.1 'yy/MM/dd,hh:mm:ss+zz', examples of the M35 manual 'yyyy/MM/dd hh:mm:ss+zz'",
    )
    cmgr_empty: Literal["OK", "321"] = reading(
        "OK", "CMGR of an index without a message: an M95 driver goes on behind it, 27.005 has +CMS ERROR: 321"
    )
    message_escape: Literal["OK", "ERROR"] = reading(
        "OK",
        "answer to ESC at the prompt of a message: 27.005 3.5.1 cancels and does not say how; drivers expect either",
    )
    ring_interval: float = reading(5.0, "seconds between two RING: no document says; inferred")

    # Multiplexer mode
    cmux_settle: float = reading(
        0.0,
        "seconds after OK to AT+CMUX in which frames are lost: none on an M10; BG95, BG96, SARA, LE910 0.1 to 0.3, "
        "ME910G1 0.4 (zephyr #63410, PR #96262; esp-protocols #33)",
    )
    cmux_deadlock: bool = reading(
        False, "a frame within cmux_settle: is lost, or the module hears nothing until its power is cut (ME910G1)"
    )
    cmux_sleeps_after: float = reading(
        0.0,
        "seconds of silence in both directions after which the module sleeps and loses what wakes it: not an M10; a "
        "SARA-R422 after 6 (ubxlib #94)",
    )
    cmux_wake_pause: float = reading(
        0.1, "seconds in which a module that slept after cmux_sleeps_after loses everything: inferred"
    )
    cmux_refused: bool = reading(
        False, "AT+CMUX: as the manuals have it, or ERROR as of an EC2x with early firmware (zephyr #33999, PR #38652)"
    )
    cmux_reentry: float = reading(
        0.0,
        "seconds after leaving multiplexer mode in which AT+CMUX= is +CME ERROR: 13: none, or those that a BG96 needs "
        "(esp-protocols #167, #767)",
    )
    cmux_speed: Literal["ignore", "follow"] = reading(
        "ignore",
        "<port_speed> of AT+CMUX on a real UART: changes nothing (an EG800Q can be told so), or moves it to that "
        "rate (zephyr PR #111336, PR #114859)",
    )
    n1_overrun: int = reading(
        0,
        "octets by which its information fields may exceed N1: none; a BG95 sends some more (device-os: N1 + 64)",
        0,
        64,
    )
    uih_pf: bool = reading(
        False, "P/F of its UIH frames: 0, or 1 as a BG96 sends some (esp-protocols PR #34, PR #115; 27.010 allows both)"
    )
    ok_in_pieces: bool = reading(
        False, "octets of a virtual UART: together as they come, or each in a frame of its own (esp-protocols #33)"
    )
    msc_fc: Literal["obeyed", "ignored"] = reading(
        "obeyed", "FC of the host's MSC: stops a channel, or not, as on a BG95-S5 (device-os PR #2877)"
    )
    msc_after_ua: bool = reading(
        True,
        "MSC of its own right behind the UA of a channel: sent (Linux n_gsm waits for it), or not before its signals "
        "change (BG96 log, esp-protocols #103)",
    )
    psc: Literal["sleeps", "awake", "NSC"] = reading(
        "sleeps",
        "PSC of the host: a response, and both sleep (27.010 5.4.6.3.2); a response, and it stays awake; or NSC; "
        "no LTE manual has it",
    )
    disc0_silent: bool = reading(
        False, "DISC on DLCI 0: UA, then AT mode (27.010 5.8.2), or no answer and silence until the power is cut"
    )
    cts_latched: bool = reading(
        False,
        "CTS when the host of a real UART restarts in multiplexer mode: follows the buffer, or stays off until octets "
        "come all the same, as of a BG96 (device-os)",
    )
    ipr_multiplexed: Literal["ERROR", "OK"] = reading(
        "ERROR",
        "AT+IPR= in multiplexer mode, where it changes nothing (manuals of BG96, EG800Q): the answer is not stated",
    )

    # Times
    activation_time: float = reading(0.0, "seconds from QIACT to the network's answer; a real network takes 1 to 30")
    result_time: float = reading(
        0.0,
        "least seconds from OK to CONNECT OK, SERVER OK, addresses, from SEND OK to what it brings, and between "
        "the lines of a restart: a driver for a real M10 sees them apart",
    )
    activation_timeout: float = reading(150.0, "seconds until an activation that nobody answers fails: manual, QIACT")
    connect_timeout: float = reading(75.0, "seconds until CONNECT FAIL: manual, QIOPEN")
    message_interval: float = reading(
        0.0,
        "least seconds between messages that the module receives: a network needs some for each, and python-gsmmodem "
        "takes +CMTI for an answer while it reads the one before",
    )
    message_timeout: float = reading(
        120.0, "seconds until a message that a silent network does not take fails with +CMS ERROR: 332: manuals, CMGS"
    )
    send_timeout: float = reading(10.0, "seconds a full send window is waited for before SEND FAIL: inferred")
