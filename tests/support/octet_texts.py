"""The ways in which people have octets of a line as text: one short exchange, typed in each of them."""

from __future__ import annotations

SABM = bytes.fromhex("F9 03 3F 01 1C F9")
UA = bytes.fromhex("F9 03 73 01 D7 F9")
UA_AND_MSC = bytes.fromhex("F9 07 73 01 15 F9 F9 01 EF 09 E3 05 07 0D 9A F9")
EXCHANGE = SABM + UA + UA_AND_MSC

HEX = {
    "pairs and a remark": "F9 03 3F 01 1C F9 // SABM, DLCI 0\nF9 03 73 01 D7 F9 // UA\n",
    "remark alone": "// host: SABM\nF9 03 3F 01 1C F9\n// F9 F9\nF9 03 73 01 D7 F9",
    "both signs": "F9 03 3F 01 1C F9 # SABM // F9\nF9 03 73 01 D7 F9 // UA # F9\n",
    "words behind": "F9 03 3F 01 1C F9   SABM\nF9 03 73 01 D7 F9   UA (accepted)\n",
    "without zeros": "F9 3 3F 1 1C F9\r\nF9 3 73 1 D7 F9\r\n",
    "an array": "unsigned char x_bin[] = {\n  0xf9, 0x03, 0x3f, 0x01, 0x1c, 0xf9, 0xf9, 0x03, 0x73, 0x01, 0xd7,\n"
    "  0xf9\n};\nunsigned int x_bin_len = 12;\n",
    "an array on one line": "const uint8_t s[12] = {0xF9, 0x03, 0x3F, 0x01, 0x1C, 0xF9, 0xF9, 0x03, 0x73, 0x01, 0xD7, "
    "0xF9};\n",
    "a string of C": 'write(3, "\\xf9\\x03\\x3f\\x01\\x1c\\xf9\\xf9\\x03\\x73\\x01\\xd7\\xf9", 12) = 12\n',
    "named frames": "SABM 0  F9 03 3F 01 1C F9\nUA 0  F9 03 73 01 D7 F9\n",
    "a column of octets": "Time [s],Value\n"
    + "".join(f"0.00{at:02}00000000000,0x{octet:02X},,\n" for at, octet in enumerate(SABM + UA)),
}
"""SABM and UA as digits."""

DUMPS = {
    "xxd": "00000000: f903 3f01 1cf9 f903 7301 d7f9 f907 7301  ..?.....s.....s.\n"
    "00000010: 15f9 f901 ef09 e305 070d 9af9            ............\n",
    "xxd -g1 -u": "00000000: F9 03 3F 01 1C F9 F9 03 73 01 D7 F9 F9 07 73 01  ..?.....s.....s.\n"
    "00000010: 15 F9 F9 01 EF 09 E3 05 07 0D 9A F9              ............\n",
    "hexdump -C": "00000000  f9 03 3f 01 1c f9 f9 03  73 01 d7 f9 f9 07 73 01  |..?.....s.....s.|\n"
    "00000010  15 f9 f9 01 ef 09 e3 05  07 0d 9a f9              |............|\n0000001c\n",
    "hexdump": "0000000 03f9 013f f91c 03f9 0173 f9d7 07f9 0173\n"
    "0000010 f915 01f9 09ef 05e3 0d07 f99a          \n000001c\n",
    "xxd -e": "00000000: 013f03f9 03f9f91c f9d70173 017307f9  ..?.....s.....s.\n"
    "00000010: 01f9f915 05e309ef f99a0d07           ............\n",
    "Wireshark": "0000   f9 03 3f 01 1c f9 f9 03 73 01 d7 f9 f9 07 73 01   ..?.....s.....s.\n"
    "0010   15 f9 f9 01 ef 09 e3 05 07 0d 9a f9               ............\n",
    "tshark -x": "0000  f9 03 3f 01 1c f9                                 ..?...\n\n"
    "0000  f9 03 73 01 d7 f9                                 ..s...\n\n"
    "0000  f9 07 73 01 15 f9 f9 01 ef 09 e3 05 07 0d 9a f9   ..s.............\n",
    "text2pcap": "0000 f9 03 3f 01 1c f9\n0000 f9 03 73 01 d7 f9\n"
    "0000 f9 07 73 01 15 f9 f9 01 ef 09 e3 05 07 0d 9a f9\n",
    "od -A x": "000000 001771 000477 174434 001771 000563 174727 003771 000563\n"
    "000010 174425 000771 004757 002743 006407 174632\n00001c\n",
    "od -A x -t x1": "000000 f9 03 3f 01 1c f9 f9 03 73 01 d7 f9 f9 07 73 01\n"
    "000010 15 f9 f9 01 ef 09 e3 05 07 0d 9a f9\n00001c\n",
    "od -A x -t x1z": "000000 f9 03 3f 01 1c f9 f9 03 73 01 d7 f9 f9 07 73 01  >..?.....s.....s.<\n"
    "000010 15 f9 f9 01 ef 09 e3 05 07 0d 9a f9              >............<\n00001c\n",
    "od -t x1": "0000000 f9 03 3f 01 1c f9 f9 03 73 01 d7 f9 f9 07 73 01\n"
    "0000020 15 f9 f9 01 ef 09 e3 05 07 0d 9a f9\n0000034\n",
}
"""All of it as a dump of a file."""

ESP = """\
I (11348) cmux: SABM 0
V (11348) CMUX SABM: 0x3ffb1380   f9 03 3f 01 1c f9                                 |..?...|
V (11349) CMUX Received: 0x3ffbc584   f9 03 73 01 d7 f9                                 |..s...|
W (11348) CMUX: State: 0
D (11358) CMUX: Payload frame: dlci:00 type:73 payload:0 available:2
V (11468) CMUX Received: 0x3ffbc584   f9 07 73 01 15 f9 f9 01  ef 09 e3 05 07 0d 9a f9  |..s.............|
E (12518) INET: esp_modem_set_mode(ESP_MODEM_MODE_CMUX) failed with -1
"""
"""As ESP_LOG_BUFFER_HEXDUMP writes it (espressif/esp-protocols#140)."""

ESP_IN_COLOUR = "".join(f"\x1b[0;32m{line}\x1b[0m\n" for line in ESP.splitlines())

KERNEL = """\
[  271.732031] c1 gsm_send_packet: 00000000: f9 03 3f 01 1c f9                                ..?...
[  271.732031] c1 gsmld_output: 00000000: f9 03 3f 01 1c f9                                ..?...
[  271.741719] c1 --> 0) C: SABM(P)
[  271.749483] c1 gsmld_receive_buf: 00000000: f9 03 73 01 d7 f9                                ..s...
[  271.758337] c1 <-- 0) C: UA(P)
[  272.369597] c1 gsmld_receive_buf: 00000000: f9 07 73 01 15 f9 f9 01 ef 09 e3 05 07 0d 9a f9  ..s.............
[  272.369601] c1 <-- 0) C: UIH(F)
[  272.369610] c1 E3 05 07 0D
"""
"""As n_gsm writes it with debug=5, the host being Linux."""

KERNEL_AS_MODULE = """\
Jun 16 10:56:39 board kernel: [  271.732031] c1 gsmld_receive: 00000000: f9 03 3f 01 1c f9
Jun 16 10:56:39 board kernel: [  271.741719] c1 <-- 0) C: SABM(P)
Jun 16 10:56:39 board kernel: [  271.749483] c1 gsmld_output: 00000000: f9 01 63 01 a3 f9
Jun 16 10:56:39 board kernel: [  271.758337] c1 --> 0) R: UA(F)
"""
"""The same where Linux is the module (LKML 2021-08-20)."""

LOGS = {
    "arrows": "12:00:00.100 > F9 03 3F 01 1C F9\n12:00:00.250 < F9 03 73 01 D7 F9\n",
    "long arrows": "[2026-11-29 12:00:00.100] --> f9033f011cf9\n[2026-11-29 12:00:00.250] <-- f9037301d7f9\n",
    "other arrows": "2026-11-29T12:00:00.100Z → F9 03 3F 01 1C F9\n2026-11-29T12:00:00.250Z ← F9 03 73 01 D7 F9\n",
    "words": "12:00:00.100 TX: F9 03 3F 01 1C F9\n12:00:00.250 RX: F9 03 73 01 D7 F9\n",
    "names": "0.100 host -> module: F9:03:3F:01:1C:F9\n0.250 module -> host: F9:03:73:01:D7:F9\n",
    "names the other way": "0.100 module <- host: F9,03,3F,01,1C,F9\n0.250 modem -> : F9,03,73,01,D7,F9\n",
    "a line for the direction": "12:00:00.100 Sent (6 bytes):\nF9 03 3F 01\n1C F9\n"
    "12:00:00.250 Received (6 bytes):\nF9 03 73\n01 D7 F9\n",
    "a logger with the name of the module": "[00:00:00.100,000] <dbg> modem_cmux: tx: f9 03 3f 01 1c f9\n"
    "[00:00:00.250,000] <dbg> modem_cmux: rx: f9 03 73 01 d7 f9\n",
    "another one": "0.100 modem: TX: F9 03 3F 01 1C F9\n0.250 modem: RX: F9 03 73 01 D7 F9\n",
    "to and from": "12:00:00.100: to modem: F9 03 3F 01 1C F9\n12:00:00.250: from modem: F9 03 73 01 D7 F9\n",
    "the time behind the arrow": "--> [12:00:00.100] F9 03 3F 01 1C F9\n<-- [12:00:00.250] F9 03 73 01 D7 F9\n",
    "socat -x": "> 2026/11/29 12:00:00.100000  length=6 from=0 to=5\n f9 03 3f 01 1c f9\n--\n"
    "< 2026/11/29 12:00:00.250000  length=6 from=0 to=5\n f9 03 73 01 d7 f9\n--\n",
    "another day": "29.11.2026 12:00:00.100 TX F9 03 3F 01 1C F9\n29.11.2026 12:00:00.250 RX F9 03 73 01 D7 F9\n",
    "columns": "0.100000,TX,F9 03 3F 01 1C F9\n0.250000,RX,F9 03 73 01 D7 F9\n",
    "AT before": "12:00:00.000 TX: AT+CMUX=0\n12:00:00.050 RX: OK\n12:00:00.060 RX: +CSQ: 12,99\n"
    "12:00:00.070 RX: 89860012345678901234\n"
    "12:00:00.100 TX: F9 03 3F 01 1C F9 (6 bytes)\n12:00:00.250 RX: F9 03 73 01 D7 F9 // UA\n",
    "logcat": "11-29 12:00:00.100  812  990 D MUX : TX F9 03 3F 01 1C F9\n"
    "11-29 12:00:00.250  812  990 D MUX : RX F9 03 73 01 D7 F9\n",
    "a dump for each": "TX 6 bytes\n00000000: f903 3f01 1cf9                           ..?...\n"
    "RX 6 bytes\n00000000: f903 7301 d7f9                           ..s...\n",
}
"""SABM and UA in logs with directions."""
