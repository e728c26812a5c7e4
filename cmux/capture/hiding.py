"""PINs and passwords in captured frames: the commands are seen, the secrets are not."""

from __future__ import annotations

import re
from typing import Final

from ..masking import NAMES, SECRETS, Masker

_SUSPECT: Final = re.compile(rb"\+[ \t%b]" % b"".join(name[1:2] + name[1:2].lower() for name in SECRETS))
_NAME: Final = 32  # octets that a name has at most, with blanks between


class Hiding:
    """Hides the secrets in what passes one way on the channels of a line."""

    def __init__(self) -> None:
        self._maskers: dict[int, Masker] = {}

    def hide(self, dlci: int, info: bytes) -> bytes:
        """Return the next information field of a channel with asterisks in place of secrets.

        Args:
            dlci: the channel.
            info: the field.
        """
        return self._masker(dlci)(info)

    def has_none(self, dlci: int, data: bytes, span: tuple[int, int], step: int, info: slice) -> bool:
        """Tell whether frames of a channel have no secrets for sure; if so, they count as passed, else `hide` follows.

        Args:
            dlci: the channel.
            data: octets with these frames.
            span: where the first begins, and where the last one has its closing flag.
            step: how far apart they begin.
            info: where each has its information field, which goes up to the FCS.
        """
        at, end = span
        plus = data.find(b"+", at, end)  # the fastest way to see that there is none
        found = None if plus < 0 else _SUSPECT.search(data, plus, end)
        while found is not None:
            left = info.stop - (found.start() - at) % step  # octets of this field from there on
            if left < _NAME or NAMES.match(data, found.start()) is not None:
                return False
            found = _SUSPECT.search(data, found.end(), end)
        if plus >= 0 and b"+" in data[at + info.stop - 1 : end : step]:  # the name is in the next field
            return False
        last, size = end - 1, info.stop - info.start
        return size >= _NAME and self._masker(dlci).skip(data, last - size, last)

    def _masker(self, dlci: int) -> Masker:
        masker = self._maskers.get(dlci)
        if masker is None:
            masker = self._maskers[dlci] = Masker()
        return masker
