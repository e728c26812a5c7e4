"""Finds the word that somebody has meant, for messages about one that there is not."""

from __future__ import annotations

from collections.abc import Iterable


def meant(word: str, known: Iterable[str]) -> str | None:
    """Return the word that is most like another one; None if none is.

    Args:
        word: what was given. Its case, and dashes before it, do not count.
        known: the words that there are.
    """
    from difflib import get_close_matches  # here, as few programs need it

    by_core: dict[str, str] = {}
    for one in known:
        by_core.setdefault(_core(one), one)
    found = get_close_matches(_core(word), by_core, 1)
    return by_core[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question to be put behind a message; empty if no word is like the one that was given.

    Args:
        word: see `meant`.
        known: see `meant`.
    """
    found = meant(word, known)
    return "" if found is None else f"; did you mean {found}?"


def _core(word: str) -> str:
    return word.lstrip("-").lower().replace("_", "-")
