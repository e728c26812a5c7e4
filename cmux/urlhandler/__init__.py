"""The package in which pyserial looks for ``protocol_cmux`` when a URL begins with ``cmux:``.

Nothing else is here: `cmux.urls` parses the URLs, and `cmux.threads.sharing` opens their lines.
"""
