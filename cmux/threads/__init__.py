"""The shell of threads: one reader and one writer for each line, channels as ports of pyserial.

It waits, reads, writes, locks and wakes.
"""
