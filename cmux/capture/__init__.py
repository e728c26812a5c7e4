"""Captures of a session: every frame that passes on a line, into a file or as text.

Nothing here reads or writes a line.
"""
