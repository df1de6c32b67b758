"""Keys of improver runs: a path of what was asked, never an order of arrival or a clock."""

from __future__ import annotations

import hashlib
from collections import Counter


def make_key(*path: str | int) -> str:
    """20 hexadecimal digits that name a path."""
    text = "\x1f".join(str(part) for part in path)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


class Occurrences:
    """Tells identical siblings apart: the first is 0, the next 1, and so on.

    Identical siblings may swap places between two runs, which changes nothing: they are identical.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def key(self, parent: str, *path: str | int) -> str:
        """The key of a child of `parent`, its occurrence included."""
        base = make_key(parent, *path)
        occurrence = self._seen[base]
        self._seen[base] += 1
        return make_key(base, occurrence)
