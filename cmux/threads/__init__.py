"""The shell for threads: a reader and a writer for each line, channels as pyserial ports.

It waits, reads, writes, locks and wakes. Rules and deadlines are not here but in `cmux.protocol`.
"""
