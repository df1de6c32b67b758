"""Which distances the strings of each length and last letter can have, and back along the way."""

import itertools


def algorithm(target: str, distance: int) -> str:
    left = distance - sum(a != b for a, b in itertools.pairwise(target))
    # For each place: {(mismatches and changes so far, letter here): letter before}.
    reached: list[dict[tuple[int, str], str]] = []
    for place, wanted in enumerate(target):
        before = reached[-1] if place else {(0, ""): ""}
        here: dict[tuple[int, str], str] = {}
        for cost, last in before:
            for letter in "AB":
                total = cost + (letter != wanted) + (last not in ("", letter))
                here[total, letter] = last
        reached.append(here)
    letter = next((letter for letter in "AB" if (left, letter) in reached[-1]), None)
    if letter is None:
        return target
    string = ""
    for wanted, here in zip(reversed(target), reversed(reached), strict=True):
        string = letter + string
        last = here[left, letter]
        left -= (letter != wanted) + (last not in ("", letter))
        letter = last
    return string
