"""Names of runs."""

from __future__ import annotations

from datetime import UTC, datetime


def new_run_id(now: datetime, entropy: bytes) -> str:
    """A short name that sorts by the second, such as `20261123-045512-3f9a`.

    Args:
        now: an aware time; the name holds it in UTC.
        entropy: at least two random bytes, which tell runs of one second apart.
    Raises: ValueError.
    """
    if now.tzinfo is None or len(entropy) < 2:
        raise ValueError("a run id needs an aware time and two bytes of entropy")
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{entropy[:2].hex()}"
