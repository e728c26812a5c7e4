"""The rows of the table, by subject. Importing this fills `measuring.ROWS`, in the order in which they run."""

from . import codec, trips, bulk, line, process, tcp, growth, curves, modules  # noqa: F401, I001 - the order of the table
