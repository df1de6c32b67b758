"""Whole programs known again in longer texts, by the hashes of their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# Shorter programs may stand in a text by chance.
MIN_CHARS = 20
_BREAKS = re.compile(r"\\n|[\n'\"`]")
_BASE, _MODULUS = 1_000_003, (1 << 61) - 1


def lines_of(text: str) -> list[str]:
    """What stands between line ends and quotes: the same of a program, and of it in a string."""
    found = (part.replace("\\", "").strip() for part in _BREAKS.split(text))
    return [part for part in found if part]


def mark_of(lines: Sequence[str]) -> int:
    """A number that programs of the same lines share."""
    return _sums(lines)[-1]


def _sums(lines: Sequence[str]) -> list[int]:
    sums = [0]
    for line in lines:
        sums.append((sums[-1] * _BASE + hash(line)) % _MODULUS)
    return sums


class Programs:
    """Programs to look for. A text is gone through once, however many there are.

    At each place where one may begin, one sum is compared for each length of those that begin so.
    """

    def __init__(self) -> None:
        self._lengths: dict[tuple[str, ...], set[int]] = {}
        self._marks: set[int] = set()

    def add(self, lines: Sequence[str]) -> None:
        if len(lines) > 1 and sum(map(len, lines)) >= MIN_CHARS:
            self._lengths.setdefault(tuple(lines[:2]), set()).add(len(lines))
            self._marks.add(mark_of(lines))

    def places_in(self, lines: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """First line, end and mark of each program in a text, the longest at each place."""
        sums = _sums(lines)
        place = 0
        while place < len(lines):
            lengths = self._lengths.get(tuple(lines[place : place + 2]), set())
            end = place + 1
            for length in sorted(lengths, reverse=True):
                last = min(place + length, len(lines))
                mark = (sums[last] - sums[place] * pow(_BASE, length, _MODULUS)) % _MODULUS
                if mark in self._marks:
                    yield place, last, mark
                    end = last
                    break
            place = end
