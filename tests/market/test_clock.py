"""The clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from market.clock import SEOUL, FixedClock, SystemClock


def test_the_system_clock_tells_the_present_in_seoul() -> None:
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(hours=9)
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


def test_a_fixed_clock_stands_still() -> None:
    moment = datetime(2026, 3, 20, 6, 30, tzinfo=UTC)
    clock = FixedClock(moment)
    assert clock.now() == clock.now() == moment
    assert clock.now() == datetime(2026, 3, 20, 15, 30, tzinfo=SEOUL)
