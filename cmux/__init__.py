"""The GSM 07.10 / 3GPP TS 27.010 multiplexer: one serial line becomes one virtual UART per DLCI."""

__version__ = "0.1.0"
