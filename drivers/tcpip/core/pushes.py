"""The data that a module pushes for one session, where it may come on several channels: each octet counts once."""

from __future__ import annotations


class Pushes:
    """The octets of one session that have been pushed, and the channels on which they have come.

    Its own channel has all of them or none, however late it is, so positions tell what another channel has had already.
    Of other channels one counts, the first.
    """

    def __init__(self) -> None:
        self.home: object = None
        """The other channel that counts; None: none has had any."""
        self._taken = self._position = 0  # octets taken in all, and octets that the own channel has come to
        self._own = False  # whether the own channel has had any

    def __repr__(self) -> str:
        return f"<Pushes: {self._taken} octets, on {'its own' if self._own else 'another'} channel>"

    def take(self, data: bytes, port: object, own: object, *, aside: bool) -> bytes:
        """Return the octets that have not come on another channel before.

        Args:
            data: what has come.
            port: the channel on which it has come.
            own: the channel of the session.
            aside: whether that one is in data mode, so that its news come on others only.
        """
        if port is own:
            self._own = True
            fresh = data[max(0, self._taken - self._position) :]
            self._position += len(data)
            self._taken = max(self._taken, self._position)
            return fresh
        if (self._own and not aside) or self.home not in (None, port):
            return b""
        self.home = port
        self._taken += len(data)
        if self._own:
            self._position = self._taken  # the own channel will not have it
        return data
