"""Names of runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from selftaught.journal.run_id import new_run_id


def test_a_run_id_is_its_second_in_utc_and_four_random_digits() -> None:
    now = datetime(2026, 11, 23, 5, 55, tzinfo=timezone(timedelta(hours=1)))
    assert new_run_id(now, b"\x3f\x9a\x00") == "20261123-045500-3f9a"


def test_later_runs_sort_later() -> None:
    start = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    ids = [new_run_id(start + timedelta(minutes=i), bytes([255 - i, 0])) for i in range(200)]
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("now", "entropy"),
    [(datetime(2026, 11, 23), b"ab"), (datetime(2026, 11, 23, tzinfo=UTC), b"a")],
)
def test_a_naive_time_or_too_little_entropy_is_refused(now: datetime, entropy: bytes) -> None:
    with pytest.raises(ValueError):
        new_run_id(now, entropy)
