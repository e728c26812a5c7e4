"""Short messages (23.040, 27.005) of an emulated module: coding, stores, the service centre, and who is told.

No AT command and no UART; what a UART is for it says `routing`. From the bottom: `alphabet`, `addresses`, `coding` and
`times` are the fields of a PDU, `user_data` its text with a header, `tpdu` a whole one, `parts` divides long texts;
`store` keeps messages, `sent` what was sent; `directory` finds other modules, `service_centre` is the network between
them, `routing` tells UARTs, `text_mode` has the forms of AT+CMGF=1, and `messages` holds it all together.
"""
