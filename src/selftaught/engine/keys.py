"""Keys of improver runs: a path of what was asked, never an order of arrival or a clock."""

from __future__ import annotations

import hashlib


def make_key(*path: str | int) -> str:
    """20 hexadecimal digits that name a path."""
    text = "\x1f".join(str(part) for part in path)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def of_step(t: int, k: int) -> tuple[int, ...]:
    """The place of a proposal in its run, as keys say it: of the first of a step, t."""
    return (t, k) if k else (t,)
