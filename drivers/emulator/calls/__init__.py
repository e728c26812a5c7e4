"""Voice calls, USSD and the phone book of any module: what the network and other modules do, and who is told.

No AT command; those are in the folders of families.
"""
